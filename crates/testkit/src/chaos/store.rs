//! What keeps the numbering and the history, whatever it is made of, and what is done to it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::plan::Setup;
use crate::{RedisCluster, RedisSentinel, RedisServer};

/// How long a promotion may take: an election that fails is repeated after some seconds.
const PATIENCE: Duration = Duration::from_secs(40);

/// The servers behind the nodes. A set-up is a variant: what it is made of, how nodes are told of it, and how it is
/// hurt stand here and nowhere else.
enum Servers {
    Single(Box<RedisServer>),
    Sentinel(RedisSentinel),
    Cluster(RedisCluster),
}

/// The servers, and which of them is hurt.
pub(super) struct Store {
    servers: Servers,
    /// The place of the one that is hurt now, or was last.
    hurt: usize,
    /// Primaries of a cluster are hurt in turn.
    turn: usize,
    /// The slot that is half moved: a key of it, from where and to where.
    moving: Option<(String, usize, usize)>,
}

impl Store {
    pub(super) async fn start(setup: Setup) -> Self {
        let servers = match setup {
            Setup::Standalone => Servers::Single(Box::new(RedisServer::start().await)),
            Setup::Appendonly => Servers::Single(Box::new(RedisServer::start_appendonly().await)),
            Setup::Sentinel => Servers::Sentinel(RedisSentinel::start(&[]).await),
            Setup::Cluster => Servers::Cluster(RedisCluster::start().await),
        };
        Self {
            servers,
            hurt: 0,
            turn: 0,
            moving: None,
        }
    }

    /// The port before which each node has a proxy of its own; `None` where nodes find their way by themselves.
    pub(super) fn port(&self) -> Option<u16> {
        match &self.servers {
            Servers::Single(server) => Some(server.port()),
            Servers::Sentinel(_) | Servers::Cluster(_) => None,
        }
    }

    /// What a node is given for `redis.url`, where it reaches the store through `port`.
    pub(super) fn url(&self, port: Option<u16>) -> String {
        match &self.servers {
            Servers::Single(server) => format!("redis://127.0.0.1:{}", port.unwrap_or(server.port())),
            Servers::Sentinel(all) => all.url(),
            Servers::Cluster(all) => all.url(),
        }
    }

    /// Kills the server, or a primary.
    pub(super) async fn kill(&mut self) {
        let place = self.choose().await;
        self.hurt = place;
        self.all_mut()[place].kill().await;
    }

    /// Starts what was killed again; where there is a replica, only when another was promoted: before that it would come
    /// back as an empty primary, which no set-up with replicas and nothing on disk survives.
    pub(super) async fn restart(&mut self, empty: bool) {
        match &mut self.servers {
            Servers::Single(server) if empty => return server.restart_empty().await,
            Servers::Single(_) => {}
            Servers::Sentinel(_) | Servers::Cluster(_) => self.promoted().await,
        }
        let place = self.hurt;
        self.all_mut()[place].restart().await;
    }

    /// Hangs the server, or a primary.
    pub(super) async fn pause(&mut self) {
        self.hurt = self.choose().await;
        self.all()[self.hurt].pause().await;
    }

    pub(super) async fn resume(&self) {
        self.all()[self.hurt].resume().await;
    }

    /// Ends all links over which nodes hear.
    pub(super) async fn kill_subscribers(&self) {
        for server in self.all() {
            // A server that hangs or is away has no links to end.
            let _ = server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        }
    }

    /// Has a replica promoted, as an operator does.
    pub(super) async fn promote(&mut self) {
        self.hurt = self.choose().await;
        match &self.servers {
            Servers::Single(_) => unreachable!("it has no replica"),
            Servers::Sentinel(all) => {
                // Refused while another failover is not over.
                let ask = async || all.sentinels[0].cli(&["SENTINEL", "FAILOVER", "main"]).await.is_ok();
                until(ask).await;
            }
            Servers::Cluster(all) => {
                let replica = &all.servers[partner(all, self.hurt)];
                let answer = replica.cli(&["CLUSTER", "FAILOVER"]).await;
                assert!(answer.is_ok(), "CLUSTER FAILOVER: {answer:?}");
            }
        }
        self.promoted().await;
    }

    /// Waits until another is the primary instead of the one that is hurt.
    async fn promoted(&self) {
        match &self.servers {
            Servers::Single(_) => {}
            Servers::Sentinel(all) => drop(all.promoted_instead_of(self.hurt).await),
            Servers::Cluster(all) => {
                let partner = &all.servers[partner(all, self.hurt)];
                until(async || is_primary(partner).await).await;
            }
        }
    }

    /// Begins to move the slot of a room to another primary.
    pub(super) async fn begin_move(&mut self, room: &str) {
        let Servers::Cluster(all) = &self.servers else {
            unreachable!("only a cluster has slots");
        };
        all.is_well().await;
        let key = format!("{{{room}}}");
        let mut primaries = Vec::new();
        for (place, server) in all.servers.iter().enumerate() {
            if is_primary(server).await {
                primaries.push(place);
            }
        }
        let mut from = primaries[0];
        for &place in &primaries {
            if all.owner(place, &key).await == place {
                from = place;
            }
        }
        self.turn += 1;
        primaries.retain(|place| *place != from);
        let to = primaries[self.turn % primaries.len()];
        all.begin_move(&key, from, to).await;
        self.moving = Some((key, from, to));
    }

    /// Ends that.
    pub(super) async fn end_move(&mut self) {
        if let (Servers::Cluster(all), Some((key, from, to))) = (&self.servers, self.moving.take()) {
            all.end_move(&key, from, to).await;
        }
    }

    /// After all faults: waits until there is one primary for everything, and nobody else who takes writes: what an old
    /// primary acknowledges before the sentinels demote it, some seconds after they have named another, is lost.
    pub(super) async fn wait_well(&self) {
        match &self.servers {
            Servers::Single(_) => {}
            Servers::Sentinel(all) => all.is_well().await,
            Servers::Cluster(all) => all.is_well().await,
        }
    }

    fn all(&self) -> &[RedisServer] {
        match &self.servers {
            Servers::Single(server) => std::slice::from_ref(server.as_ref()),
            Servers::Sentinel(all) => &all.servers,
            Servers::Cluster(all) => &all.servers,
        }
    }

    fn all_mut(&mut self) -> &mut [RedisServer] {
        match &mut self.servers {
            Servers::Single(server) => std::slice::from_mut(server.as_mut()),
            Servers::Sentinel(all) => &mut all.servers,
            Servers::Cluster(all) => &mut all.servers,
        }
    }

    /// Whom to hurt next.
    async fn choose(&mut self) -> usize {
        match &self.servers {
            Servers::Single(_) => 0,
            Servers::Sentinel(all) => primary_with_heir(all).await,
            Servers::Cluster(all) => {
                // A replica that has not caught up since it was hurt would not be promoted.
                all.is_well().await;
                let place = self.turn % (all.servers.len() / 2);
                self.turn += 1;
                if is_primary(&all.servers[place]).await {
                    place
                } else {
                    partner(all, place)
                }
            }
        }
    }
}

/// The other one of a primary and its replica.
fn partner(all: &RedisCluster, place: usize) -> usize {
    (place + all.servers.len() / 2) % all.servers.len()
}

async fn is_primary(server: &RedisServer) -> bool {
    server.info("replication", "role").await == "master"
}

/// The place of the primary, as soon as a replica is linked to it: without one that has its data, the sentinels would
/// promote nobody, for ever.
async fn primary_with_heir(all: &RedisSentinel) -> usize {
    let end = Instant::now() + PATIENCE;
    loop {
        let place = named_primary(all).await;
        for server in &all.servers {
            if all.servers[place].has_replica(server).await {
                return place;
            }
        }
        assert!(Instant::now() < end, "no replica follows the primary");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The place of the primary that the first sentinel names.
async fn named_primary(all: &RedisSentinel) -> usize {
    let named = all.sentinels[0]
        .cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"])
        .await;
    let named = named.expect("the sentinel answers");
    let is_named = |server: &RedisServer| named.contains(&format!("\r\n{}\r\n", server.port()));
    all.servers.iter().position(is_named).expect("one of ours")
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "no replica was promoted");
        sleep(Duration::from_millis(20)).await;
    }
}
