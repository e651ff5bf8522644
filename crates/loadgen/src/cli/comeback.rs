//! The sizes of the scenarios whose clients come and go.

use clap::Args;

use super::seconds;

#[derive(Debug, Clone, Args)]
pub(crate) struct Jitter {
    /// Clients.
    #[arg(long, default_value_t = 5000)]
    pub(crate) clients: usize,
    /// Nodes, with Redis if there are several.
    #[arg(long, default_value_t = 3)]
    pub(crate) nodes: usize,
    /// Rooms that the clients are dealt out to.
    #[arg(long, default_value_t = 10)]
    pub(crate) rooms: usize,
    /// Broadcasts in each room.
    #[arg(long, default_value_t = 120)]
    pub(crate) broadcasts: u64,
    /// Broadcasts a second in each room.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub(crate) rate: f64,
    /// How often each client is cut off, in seconds.
    #[arg(long, default_value_t = 15.0, value_parser = seconds)]
    pub(crate) cycle_seconds: f64,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub(crate) away_seconds: f64,
    /// Come back with the token and a join per room, not with a ticket.
    #[arg(long)]
    pub(crate) no_ticket: bool,
    #[command(flatten)]
    pub(crate) crew: CrewSizes,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Avalanche {
    /// Clients.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) clients: usize,
    /// Nodes, one of which is killed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=32))]
    pub(crate) nodes: u16,
    /// Rooms that the clients are dealt out to.
    #[arg(long, default_value_t = 200)]
    pub(crate) rooms: usize,
    /// Rooms that each client is in, besides its own.
    #[arg(long, default_value_t = 1)]
    pub(crate) rooms_each: usize,
    /// Broadcasts a second, over all rooms.
    #[arg(long, default_value_t = 40.0, value_parser = seconds)]
    pub(crate) rate: f64,
    /// Only with the token and a join per room; else first with tickets, then without.
    #[arg(long)]
    pub(crate) no_ticket: bool,
    #[command(flatten)]
    pub(crate) crew: CrewSizes,
}

/// The processes of a scenario whose clients come and go.
#[derive(Debug, Clone, Args)]
pub(crate) struct CrewSizes {
    /// Clients per generating process, at most.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) per_process: usize,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Default for CrewSizes {
    fn default() -> Self {
        Self {
            per_process: 10_000,
            seed: 1,
        }
    }
}
