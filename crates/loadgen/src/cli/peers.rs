//! Servers side by side.

use std::path::PathBuf;

use clap::Args;

use crate::peers::Subject;

#[derive(Debug, Clone, Args)]
pub(crate) struct Peers {
    /// Times that everything is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Where the peers are installed (`.ci/bench-peers`).
    #[arg(long, default_value = ".tools/peers")]
    pub(crate) peers_dir: PathBuf,
    /// What is measured; all if nothing is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) subjects: Vec<Subject>,
    /// Sockets in the room of the first and the fourth case.
    #[arg(long, default_value_t = 1000)]
    pub(crate) room: usize,
    /// Sockets in the room of the second.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) large_room: usize,
    /// Rooms of the third.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rooms: usize,
    /// Sockets in each of them.
    #[arg(long, default_value_t = 10)]
    pub(crate) room_size: usize,
    /// Sockets that publish to them, each to its share.
    #[arg(long, default_value_t = 8)]
    pub(crate) publishers: usize,
    /// Broadcasts under way in them, at full rate.
    #[arg(long, default_value_t = 64)]
    pub(crate) full_rate: u64,
    /// Broadcasts under way in the fourth case's room.
    #[arg(long, default_value_t = 16)]
    pub(crate) under_way: u64,
    /// Idle connections of the fifth.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
}
