//! The command line. Every size has a flag; the defaults are those of the targets, except for times, which are
//! short.

mod comeback;
mod million;
mod peers;
mod rolling;
mod setting;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hallway_protocol::Codec;

pub(crate) use comeback::{Avalanche, CrewSizes, Jitter};
pub(crate) use million::Million;
pub(crate) use peers::Peers;
pub(crate) use rolling::Rolling;
pub(crate) use setting::{BusName, Setting, Settings};

/// Measures a Hallway node against its targets, with a light generator beside it. Prints JSON.
#[derive(Debug, Parser)]
#[command(name = "hallway-loadgen", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: What,
}

/// What holds for every scenario.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The server's binary, which is started as `serve --dev …` for each scenario.
    #[arg(long, global = true, default_value = "target/release/hallway")]
    pub(crate) server_bin: PathBuf,
    /// A variable for the server, NAME=VALUE; may be repeated.
    #[arg(long, global = true)]
    pub(crate) server_env: Vec<String>,
    /// The Redis to start where one is needed.
    #[arg(long, global = true, default_value = "redis-server")]
    pub(crate) redis_bin: String,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Bytes of JSON that a broadcast carries.
    #[arg(long, global = true, default_value_t = 128, value_parser = clap::value_parser!(u32).range(crate::payload::SMALLEST as i64..=60_000))]
    payload: u32,
    /// Seconds that a scenario publishes.
    #[arg(long, global = true, default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Seconds that the floor is measured for, before and again after.
    #[arg(long, global = true, default_value_t = 3.0, value_parser = seconds)]
    pub(crate) floor_seconds: f64,
    /// Seconds that nothing may come before what is still missing counts as lost.
    #[arg(long, global = true, default_value_t = 5.0, value_parser = seconds)]
    patience: f64,
    /// How broadcasts are published.
    #[arg(long, global = true, value_enum, default_value_t = ViaName::Socket)]
    pub(crate) via: ViaName,
    /// Sockets that are being opened at once.
    #[arg(long, global = true, default_value_t = 128)]
    pub(crate) at_once: usize,
    /// Write the JSON to this file.
    #[arg(long, global = true)]
    pub(crate) out: Option<PathBuf>,
    /// Print rows of a Markdown table against the targets (after the JSON, or alone with --out).
    #[arg(long, global = true)]
    pub(crate) table: bool,
}

impl Common {
    /// The codec of all sockets.
    pub(crate) fn codec(&self) -> Codec {
        self.settings.first().codec
    }

    /// What connects the nodes of a scenario that runs over either.
    pub(crate) fn bus(&self) -> BusName {
        self.settings.first().bus
    }

    pub(crate) fn payload(&self) -> usize {
        self.payload as usize
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }

    pub(crate) fn floor_time(&self) -> Duration {
        Duration::from_secs_f64(self.floor_seconds)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaName {
    /// `rooms.broadcast` on sockets in the room.
    Socket,
    /// `POST /api/v1/broadcast`.
    Api,
}

/// What is measured.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum What {
    /// The bare write(2) loop: one at a time, at full rate, coalesced.
    Floor(Floor),
    /// One room (S1, S2).
    Room(Room),
    /// Many small rooms at full rate (S3).
    Rooms(Rooms),
    /// A room of few and a room of many, side by side (S9).
    Growth(Growth),
    /// Connections that are only there (S4, S5, S10).
    Idle(Idle),
    /// As many connections as the machine's memory carries (S11).
    Million(Million),
    /// Two nodes and Redis, beside a bare Redis (S6).
    Latency(Latency),
    /// Acknowledged publishes of one node through Redis (S8, S7).
    Throughput(Throughput),
    /// Clients that are cut off again and again (R2).
    Jitter(Jitter),
    /// A node of three is killed, and all its clients come back at once (R3).
    Avalanche(Avalanche),
    /// The nodes of a cluster that is there are restarted one after another.
    Rolling(Rolling),
    /// Hallway and other servers side by side.
    Peers(Peers),
    /// All of these but the cluster that is there and the other servers, in modest sizes.
    All(All),
    /// Print the rows of a report that was written with --out.
    Table {
        /// The report.
        file: PathBuf,
    },
    /// The floor's writing process.
    #[command(hide = true)]
    FloorWriter {
        #[arg(long)]
        sockets: usize,
        #[arg(long)]
        group: usize,
        #[arg(long)]
        coalesced: usize,
    },
    /// A process that holds idle sockets.
    #[command(hide = true)]
    Worker,
    /// A process that holds clients which come and go.
    #[command(hide = true)]
    FleetWorker,
}

impl What {
    /// A scenario's name, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Floor(_) | Self::FloorWriter { .. } => "floor",
            Self::Room(_) => "room",
            Self::Rooms(_) => "rooms",
            Self::Growth(_) => "growth",
            Self::Idle(_) => "idle",
            Self::Million(_) => "million",
            Self::Latency(_) => "latency",
            Self::Throughput(_) => "throughput",
            Self::Jitter(_) => "jitter",
            Self::Avalanche(_) => "avalanche",
            Self::Rolling(_) => "rolling",
            Self::Peers(_) => "peers",
            Self::All(_) | Self::Table { .. } | Self::Worker | Self::FleetWorker => "?",
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Floor {
    /// Sockets.
    #[arg(long, default_value_t = 1000)]
    pub(crate) sockets: usize,
    /// Sockets that one broadcast goes to; 0 for all.
    #[arg(long, default_value_t = 0)]
    pub(crate) group: usize,
    /// Broadcasts under way at full rate, and frames in one write when coalesced.
    #[arg(long, default_value_t = 16)]
    pub(crate) under_way: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Room {
    /// Sockets that receive.
    #[arg(long, default_value_t = 1000)]
    pub(crate) receivers: usize,
    /// Sockets that publish; they hear one another.
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
    /// Broadcasts under way; 1 is one at a time.
    #[arg(long, default_value_t = 1)]
    pub(crate) under_way: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Rooms {
    /// Rooms.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rooms: usize,
    /// Sockets that receive, in each.
    #[arg(long, default_value_t = 10)]
    pub(crate) room_size: usize,
    /// Sockets that publish, each to its share of the rooms.
    #[arg(long, default_value_t = 8)]
    pub(crate) publishers: usize,
    /// Broadcasts under way.
    #[arg(long, default_value_t = 64)]
    pub(crate) under_way: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Growth {
    /// Sockets that receive in the small room.
    #[arg(long, default_value_t = 1000)]
    pub(crate) small: usize,
    /// In the large one; no more than the descriptors of one process allow.
    #[arg(long, default_value_t = 19_000)]
    pub(crate) large: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Idle {
    /// Connections.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Nodes to spread them over, with Redis if there are several; a node too has descriptors.
    #[arg(long, default_value_t = 1)]
    pub(crate) nodes: usize,
    /// Connections that share a room; 0 for all.
    #[arg(long, default_value_t = 0)]
    pub(crate) room_size: usize,
    /// How long nothing is done but answering pings, in seconds; at least one ping interval shows them all.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub(crate) quiet_seconds: f64,
    /// Connections per generating process, at most.
    #[arg(long, default_value_t = 19_000)]
    pub(crate) per_process: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Latency {
    /// Broadcasts a second, and pings of the bare Redis a second.
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u64,
    /// Sockets that receive, on the other node.
    #[arg(long, default_value_t = 1)]
    pub(crate) receivers: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Throughput {
    /// Rooms.
    #[arg(long, default_value_t = 64)]
    pub(crate) rooms: usize,
    /// Sockets that publish, each to its share of the rooms.
    #[arg(long, default_value_t = 16)]
    pub(crate) publishers: usize,
    /// Sockets that receive, in each room.
    #[arg(long, default_value_t = 0)]
    pub(crate) receivers: usize,
    /// Broadcasts under way; a socket has 32 at most.
    #[arg(long, default_value_t = 512)]
    pub(crate) under_way: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct All {
    /// Connections of the idle scenario.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Sockets in the large room of the growth scenario.
    #[arg(long, default_value_t = 19_000)]
    pub(crate) large_room: usize,
    /// The quiet time of the idle scenario, in seconds.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub(crate) quiet_seconds: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.01 to 86400".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
