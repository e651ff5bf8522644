//! What the publishing scenarios have in common: a floor before and after, and a node that is driven in between.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::cli::{Common, ViaName};
use crate::error::Failure;
use crate::floor::{self, Cost, Shape};
use crate::server::{KEY, SECRET, Server};
use crate::swarm::{Drive, Driven, Open, Role, Swarm, Target, Via};
use crate::token::Issuer;

/// The floor of a scenario: measured before it and again after it.
pub(super) struct Floors {
    shape: Shape,
    before: Cost,
}

impl Floors {
    pub(super) fn before(common: &Common, shape: Shape) -> Result<Self, Failure> {
        let before = floor::measure(shape, common.floor_time())?;
        Ok(Self { shape, before })
    }

    /// CPU seconds per million writes, and the report.
    pub(super) fn after(&self, common: &Common) -> Result<(f64, Value), Failure> {
        let after = floor::measure(self.shape, common.floor_time())?;
        let mean = f64::midpoint(self.before.per_million, after.per_million);
        let report = json!({"before": self.before.report(), "after": after.report(), "cpuSecondsPerMillion": mean});
        Ok((mean, report))
    }
}

/// Sockets in rooms of a node, with publishers in them or at its backend API.
pub(super) struct Stage {
    pub(super) swarm: Swarm,
    drive: Drive,
}

/// What a stage is made of.
pub(super) struct Sizes {
    pub(super) rooms: usize,
    /// Readers in each room.
    pub(super) readers: usize,
    pub(super) publishers: usize,
    /// Whether every publisher is in every room; else the rooms are shared out among them.
    pub(super) publishers_share_rooms: bool,
    pub(super) under_way: u64,
    pub(super) rate: Option<u64>,
}

impl Sizes {
    /// The floor of it: its readers' sockets, written to as broadcasts would be.
    pub(super) fn floor(&self) -> Shape {
        Shape {
            sockets: self.rooms * self.readers,
            group: self.readers,
            coalesced: 1,
            under_way: self.under_way,
        }
    }
}

impl Stage {
    /// Opens readers at one node and publishers at another, or the same. They are in their rooms when it returns.
    pub(super) fn open(common: &Common, sizes: &Sizes, readers: &Server, publishers: &Server) -> Result<Self, Failure> {
        if sizes.publishers == 0 || (!sizes.publishers_share_rooms && !sizes.rooms.is_multiple_of(sizes.publishers)) {
            return Err(Failure::new(
                "the number of rooms must be a multiple of the number of publishers",
            ));
        }
        let names = (0..sizes.rooms).map(|number| format!("board-load-{number}"));
        let mut swarm = Swarm::new(common.codec(), names)?.speaking(readers.dialect);
        let issuer = Issuer::new(SECRET)?;
        let open = |role, user: String, rooms: Range<usize>| Open {
            role,
            rooms: number(rooms.start)..number(rooms.end),
            token: issuer.token(&user),
        };
        let target = |server: &Server| Target {
            address: server.public,
            source: 1,
        };
        let opens = (0..sizes.rooms * sizes.readers).map(|reader| {
            let room = reader / sizes.readers;
            open(Role::Reader, format!("reader-{reader}"), room..room + 1)
        });
        swarm.open(&target(readers), common.at_once, opens)?;
        let rooms_each = if sizes.publishers_share_rooms {
            sizes.rooms
        } else {
            sizes.rooms / sizes.publishers
        };
        let (via, first, heard_by_publishers) = match common.via {
            ViaName::Socket => {
                let opens = (0..sizes.publishers).map(|publisher| {
                    let start = if sizes.publishers_share_rooms {
                        0
                    } else {
                        publisher * rooms_each
                    };
                    open(
                        Role::Publisher,
                        format!("publisher-{publisher}"),
                        start..start + rooms_each,
                    )
                });
                let first = swarm.open(&target(publishers), common.at_once, opens)?;
                let hear = if sizes.publishers_share_rooms {
                    sizes.publishers - 1
                } else {
                    0
                };
                (Via::Socket, first, hear)
            }
            ViaName::Api => {
                let address = publishers.internal;
                let opens = (0..sizes.publishers).map(|_| open(Role::Backend, String::new(), 0..0));
                let first = swarm.open(&Target { address, source: 1 }, common.at_once, opens)?;
                (Via::Backend(KEY.to_owned()), first, 0)
            }
        };
        let drive = Drive {
            via,
            first,
            publishers: sizes.publishers,
            rooms_each,
            receivers: (sizes.readers + heard_by_publishers) as u64,
            under_way: sizes.under_way,
            rate: sizes.rate,
            payload: common.payload(),
            time: common.time(),
            patience: common.patience(),
        };
        Ok(Self { swarm, drive })
    }

    /// Publishes for a tenth of the time, for caches and buffers to get warm; what comes of it is not counted.
    pub(super) fn warm_up(&mut self) -> Result<(), Failure> {
        let drive = Drive {
            time: self.drive.time / 10,
            ..self.drive.clone()
        };
        self.swarm.drive(&drive, |_| Ok(Duration::MAX)).map(drop)
    }

    /// Publishes, calling `idle` in between.
    pub(super) fn drive(
        &mut self,
        idle: impl FnMut(&mut Swarm) -> Result<Duration, Failure>,
    ) -> Result<Driven, Failure> {
        self.swarm.drive(&self.drive, idle)
    }
}

/// What a run of publishing cost.
pub(super) struct Measured {
    /// CPU seconds per million deliveries.
    pub(super) nodes: f64,
    /// The same of Redis; nothing where there is none.
    pub(super) redis: Option<f64>,
    pub(super) report: Value,
}

/// Publishes at a node, over the bus that was asked for, and says what that cost.
pub(super) fn measure(common: &Common, sizes: &Sizes) -> Result<Measured, Failure> {
    measure_at(common, sizes, Cluster::start(common, 1)?)
}

/// The same at the first node of a cluster that runs; it is stopped.
pub(super) fn measure_at(common: &Common, sizes: &Sizes, cluster: Cluster) -> Result<Measured, Failure> {
    let server = &cluster.nodes[0];
    let mut stage = Stage::open(common, sizes, server, server)?;
    stage.warm_up()?;
    let own = std::process::id();
    let (before, own_before) = (cluster.whole_cpu()?, crate::process::cpu_of(own)?);
    let driven = stage.drive(|_| Ok(Duration::MAX))?;
    let cpu = cluster.whole_cpu()?.since(before);
    let own_cpu = crate::process::cpu_of(own)? - own_before;
    let per_million = cpu.per(driven.deliveries().max(1) as f64 / 1e6);
    let per_broadcast = cpu.per(driven.accepted.max(1) as f64 / 1e6);
    let trouble = stage.swarm.tally.trouble();
    drop(stage);
    let redis = cluster.redis.is_some();
    let report = json!({
        "run": driven.report(), "serverCpuSeconds": cpu.nodes, "redisCpuSeconds": redis.then_some(cpu.redis),
        "generatorCpuSeconds": own_cpu, "cpuSecondsPerMillionDeliveries": per_million.nodes,
        "redisCpuSecondsPerMillionDeliveries": redis.then_some(per_million.redis),
        "redisCpuMicrosPerBroadcast": redis.then_some(per_broadcast.redis),
        "trouble": trouble, "stopSeconds": cluster.stop()?[0],
    });
    Ok(Measured {
        nodes: per_million.nodes,
        redis: redis.then_some(per_million.redis),
        report,
    })
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
