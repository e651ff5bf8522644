//! What keeps the numbering and the history, whatever it is made of, and what is done to it.

use super::plan::Setup;
use crate::RedisServer;

/// The servers behind the nodes. A set-up is a variant: what it is made of, how nodes are told of it, and how it is
/// hurt stand here and nowhere else.
pub(super) enum Store {
    /// One server.
    Single(RedisServer),
}

impl Store {
    pub(super) async fn start(setup: Setup) -> Self {
        match setup {
            Setup::Standalone => Self::Single(RedisServer::start().await),
            Setup::Appendonly => Self::Single(RedisServer::start_appendonly().await),
            Setup::Sentinel | Setup::Cluster => unreachable!("no plan has it"),
        }
    }

    /// The port before which each node has a proxy of its own; `None` where nodes find their way by themselves.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Single(server) => Some(server.port()),
        }
    }

    /// What a node is given for `redis.url`, where it reaches the store through `port`.
    pub(super) fn url(&self, port: Option<u16>) -> String {
        match self {
            Self::Single(server) => format!("redis://127.0.0.1:{}", port.unwrap_or(server.port())),
        }
    }

    pub(super) async fn kill(&mut self) {
        match self {
            Self::Single(server) => server.kill().await,
        }
    }

    pub(super) async fn restart(&mut self, empty: bool) {
        match self {
            Self::Single(server) if empty => server.restart_empty().await,
            Self::Single(server) => server.restart().await,
        }
    }

    pub(super) async fn pause(&self) {
        match self {
            Self::Single(server) => server.pause().await,
        }
    }

    pub(super) async fn resume(&self) {
        match self {
            Self::Single(server) => server.resume().await,
        }
    }

    /// Ends all links over which nodes hear.
    pub(super) async fn kill_subscribers(&self) {
        match self {
            Self::Single(server) => {
                // A server that hangs or is away has no links to end.
                let _ = server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
            }
        }
    }
}
