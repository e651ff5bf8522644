//! The servers that are measured side by side: Hallway, and others that `.ci/bench-peers` installs.
//!
//! What must stay true: each is started alone, with its limits out of the way and what it would not need here (logs,
//! metrics) off, so that none is measured by more than its work.

mod versions;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;

use crate::cli::Common;
use crate::dialect::{Dialect, pusher};
use crate::error::{Doing, Failure};
use crate::http;
use crate::process::Process;
use crate::server::{SECRET, Server, free_address};

pub(crate) use versions::Version;

/// How long a peer may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Hallway with native clients, in JSON.
    Hallway,
    /// Hallway with clients of Socket.IO.
    HallwaySocketio,
    Socketioxide,
    Sockudo,
    /// Socket.IO's own server, in Node.
    Socketio,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hallway => "Hallway",
            Self::HallwaySocketio => "Hallway, Socket.IO",
            Self::Socketioxide => "socketioxide",
            Self::Sockudo => "Sockudo",
            Self::Socketio => "Socket.IO",
        }
    }

    /// Its versions, itself first. Fails if it is not installed in `dir`.
    pub(crate) fn versions(self, common: &Common, dir: &Path) -> Result<Vec<Version>, Failure> {
        match self {
            Self::Hallway | Self::HallwaySocketio => versions::said_by("hallway", &common.server_bin),
            Self::Socketioxide => versions::locked(
                &dir.join("socketioxide/Cargo.lock"),
                &["socketioxide", "socketioxide-redis", "redis"],
            ),
            Self::Sockudo => versions::said_by("sockudo", &dir.join("sockudo/bin/sockudo")),
            Self::Socketio => versions::of_packages(
                &dir.join("socketio/node_modules"),
                &["socket.io", "@socket.io/redis-adapter", "ioredis"],
            ),
        }
    }

    /// Starts it on a free port and waits until it answers.
    pub(crate) fn start(self, common: &Common, dir: &Path, redis: Option<SocketAddr>) -> Result<Server, Failure> {
        let redis_url = redis.map(|address| format!("redis://{address}"));
        let dir = std::path::absolute(dir).doing("the path of the peers")?;
        match self {
            Self::Hallway => Server::start(common, redis),
            Self::HallwaySocketio => Ok(Server {
                dialect: Some(Dialect::HallwaySocketio),
                ..Server::start(common, redis)?
            }),
            Self::Socketioxide => {
                let mut command = Command::new(dir.join("socketioxide/bin/hallway-peer-socketioxide"));
                command.env("SECRET", SECRET);
                command.envs(redis_url.map(|url| ("REDIS_URL", url)));
                started("socketioxide", command, "/", Dialect::Socketio)
            }
            Self::Socketio => {
                let mut command = Command::new("node");
                command.arg(dir.join("socketio/server.mjs"));
                command.envs([("SECRET", SECRET), ("NODE_ENV", "production")]);
                command.envs(redis_url.map(|url| ("REDIS_URL", url)));
                started("Socket.IO", command, "/", Dialect::Socketio)
            }
            Self::Sockudo => {
                let mut command = Command::new(dir.join("sockudo/bin/sockudo"));
                command.envs(SOCKUDO).env("ADAPTER_DRIVER", "local");
                if let Some(url) = redis_url {
                    command.envs([("ADAPTER_DRIVER", "redis"), ("REDIS_URL", &url)]);
                }
                started("Sockudo", command, "/up", Dialect::Pusher)
            }
        }
    }
}

/// Sockudo's settings: one application, whose clients may say things to one another, as fast as they like.
const SOCKUDO: [(&str, &str); 15] = [
    ("HOST", "127.0.0.1"),
    ("SOCKUDO_DEFAULT_APP_ID", pusher::APP_ID),
    ("SOCKUDO_DEFAULT_APP_KEY", pusher::APP_KEY),
    ("SOCKUDO_DEFAULT_APP_SECRET", pusher::APP_SECRET),
    ("SOCKUDO_DEFAULT_APP_ENABLED", "true"),
    ("SOCKUDO_DEFAULT_APP_MAX_CONNECTIONS", "1000000"),
    ("SOCKUDO_DEFAULT_APP_MAX_CLIENT_EVENTS_PER_SECOND", "0"),
    ("SOCKUDO_DEFAULT_APP_ENABLE_CLIENT_MESSAGES", "true"),
    ("RATE_LIMITER_ENABLED", "false"),
    ("CACHE_DRIVER", "memory"),
    // It needs a cache in Redis if there are several nodes; client events have no keys.
    ("IDEMPOTENCY_ENABLED", "false"),
    ("QUEUE_DRIVER", "memory"),
    ("METRICS_ENABLED", "false"),
    ("SHUTDOWN_GRACE_PERIOD", "1"),
    ("RUST_LOG", "warn"),
];

/// Starts a peer that takes its port from `PORT`, and waits until it answers on `probe`.
fn started(name: &'static str, mut command: Command, probe: &str, dialect: Dialect) -> Result<Server, Failure> {
    let address = free_address()?;
    command.env("PORT", address.port().to_string());
    let mut process = Process::start(name, &mut command)?;
    process.wait_until(PATIENCE, || http::get(address, probe).is_ok_and(|status| status == 200))?;
    Ok(Server {
        process,
        public: address,
        internal: address,
        dialect: Some(dialect),
    })
}
