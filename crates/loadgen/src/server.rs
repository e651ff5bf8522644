//! The node under test, as a child process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use crate::cli::Common;
use crate::dialect::Dialect;
use crate::error::{Doing, Failure};
use crate::http;
use crate::process::Process;

/// What its tokens are signed with.
pub(crate) const SECRET: &str = "a secret of the load generator and of nobody else";

/// What its backend API asks for.
pub(crate) const KEY: &str = "a-key-of-the-load-generator";

/// How long it may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings that keep its limits from being what is measured.
const SETTINGS: [(&str, &str); 9] = [
    ("HALLWAY_AUTH_JWT_SECRET", SECRET),
    ("HALLWAY_API_KEYS", KEY),
    ("HALLWAY_LIMITS_SOCKETS_PER_ADDRESS", "0"),
    ("HALLWAY_LIMITS_SOCKETS_PER_USER", "0"),
    ("HALLWAY_LIMITS_FRAMES_PER_SECOND", "0"),
    ("HALLWAY_LIMITS_HANDSHAKES", "4096"),
    ("HALLWAY_SHUTDOWN_DRAIN", "0s"),
    ("HALLWAY_SHUTDOWN_DEADLINE", "5s"),
    ("HALLWAY_LIMITS_ROOMS_PER_SOCKET", "4096"),
];

/// A node that is ready.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) public: SocketAddr,
    /// Where its probes and its backend API are.
    pub(crate) internal: SocketAddr,
    /// What clients speak with it if it is not the native protocol.
    pub(crate) dialect: Option<Dialect>,
}

impl Server {
    /// Starts a node on free ports and waits until it is ready.
    pub(crate) fn start(common: &Common, redis: Option<SocketAddr>) -> Result<Self, Failure> {
        let (public, internal) = (free_address()?, free_address()?);
        let program = std::path::absolute(&common.server_bin).doing("the path of the server")?;
        let mut command = Command::new(program);
        command.args(["serve", "--dev", "--listen", &public.to_string()]);
        command.args(["--internal-listen", &internal.to_string()]);
        command.args(redis.map(|address| format!("--redis-url=redis://{address}")));
        command.envs(SETTINGS);
        for pair in &common.server_env {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Failure(format!("--server-env {pair}: no NAME=VALUE")))?;
            command.env(name, value);
        }
        let mut process = Process::start("the server", &mut command)?;
        process.wait_until(PATIENCE, || {
            http::get(internal, "/readyz").is_ok_and(|status| status == 200)
        })?;
        Ok(Self {
            process,
            public,
            internal,
            dialect: None,
        })
    }

    /// Stops it. How many seconds that took goes into the report: five is its deadline, so that it had work left.
    pub(crate) fn stop(self) -> Result<Option<f64>, Failure> {
        self.process.stop(PATIENCE)
    }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("a free port")?;
    listener.local_addr().doing("a free port")
}
