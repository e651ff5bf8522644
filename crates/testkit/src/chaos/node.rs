//! A node as its operator runs it: a process, on ports that stay the same over its lives.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::{API_KEY, SECRET};
use crate::free_port;
use crate::http::try_call;

/// So much history that what is missed in any outage is in it, however slow the machine.
const KINDS: &str = "[[kinds]]\nname = 'board'\nkeep_count = 5000\n[[kinds]]\nname = 'user'\nkeep_count = 5000\n";

/// What a node is told to stop with.
const SIGTERM: i32 = 15;
/// How long a node may take to be ready, once everything it needs is there.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a node that was told to stop may take.
const TO_STOP: Duration = Duration::from_secs(20);
/// How long it may take to say whether it is ready.
const TO_ANSWER: Duration = Duration::from_secs(2);

/// One node.
pub(super) struct Node {
    binary: PathBuf,
    public: SocketAddr,
    internal: SocketAddr,
    variables: Vec<(&'static str, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// Starts one; it is not ready yet. Its log, and its configuration beside that, are in a folder of the caller's.
    pub(super) fn start(binary: &Path, log: PathBuf, redis_url: String, unsubscribe_after: Duration) -> Self {
        let config = log.with_extension("toml");
        std::fs::write(&config, KINDS).expect("a configuration file");
        let variables = vec![
            ("HALLWAY_CONFIG", config.display().to_string()),
            ("HALLWAY_REDIS_URL", redis_url),
            (
                "HALLWAY_REDIS_UNSUBSCRIBE_AFTER",
                format!("{}ms", unsubscribe_after.as_millis()),
            ),
        ];
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut node = Self {
            binary: binary.to_owned(),
            public: local(free_port()),
            internal: local(free_port()),
            variables,
            log,
            child: None,
        };
        node.spawn();
        node
    }

    /// The URL for clients.
    pub(super) fn url(&self) -> String {
        format!("ws://{}/ws", self.public)
    }

    /// Where the backend API is.
    pub(super) fn internal(&self) -> SocketAddr {
        self.internal
    }

    /// Ends it at once.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }

    /// Sends a signal; one that has ended gets none.
    pub(super) async fn signal(&self, signal: &str) {
        if let Some(id) = self.child.as_ref().and_then(Child::id) {
            let _ = Command::new("kill").args([signal, &id.to_string()]).status().await;
        }
    }

    /// Starts it again, after it has ended by itself or been killed. One that was told to stop is waited for; it says
    /// whether that took too long or ended badly.
    pub(super) async fn start_again(&mut self) -> Result<(), String> {
        let mut result = Ok(());
        if let Some(mut child) = self.child.take() {
            result = match timeout(TO_STOP, child.wait()).await {
                // Told so soon after its start that it did not listen for it yet, it ends by the signal.
                Ok(Ok(status)) if status.success() || status.signal() == Some(SIGTERM) => Ok(()),
                Ok(status) => Err(format!("a node that was told to stop ended with {status:?}")),
                Err(_) => Err("a node that was told to stop did not".to_owned()),
            };
            let _ = child.kill().await;
        }
        self.spawn();
        result
    }

    /// Waits until it says that it is ready.
    pub(super) async fn wait_ready(&mut self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < until {
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                return Err(format!("a node ended by itself with {status}: {}", self.log.display()));
            }
            last = match try_call(self.internal, "GET", "/readyz", "", "", TO_ANSWER).await {
                Ok((200, _)) => return Ok(()),
                Ok((status, body)) => format!("{status} {body}"),
                Err(why) => why.to_string(),
            };
            // There is no event to wait for in another process.
            sleep(Duration::from_millis(25)).await;
        }
        Err(format!("a node is not ready after {PATIENCE:?}: {last}"))
    }

    /// Whether it has ended although nobody asked it to.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.as_mut().map(Child::try_wait), Some(Ok(Some(_))))
    }

    fn spawn(&mut self) {
        let log = || -> File {
            let opened = OpenOptions::new().create(true).append(true).open(&self.log);
            opened.expect("a log file")
        };
        let fixed = [
            ("HALLWAY_AUTH_JWT_SECRET", SECRET),
            ("HALLWAY_API_KEYS", API_KEY),
            // One test's clients are one address, and publish as fast as they like.
            ("HALLWAY_LIMITS_FRAMES_PER_SECOND", "0"),
            ("HALLWAY_LIMITS_SOCKETS_PER_USER", "0"),
            ("HALLWAY_LIMITS_SOCKETS_PER_ADDRESS", "0"),
            ("HALLWAY_SHUTDOWN_DRAIN", "400ms"),
            ("HALLWAY_SHUTDOWN_DEADLINE", "10s"),
            // A run has seconds, not minutes.
            ("HALLWAY_REDIS_COMMAND_TIMEOUT", "1s"),
            ("HALLWAY_REDIS_PROBE_INTERVAL", "250ms"),
            ("HALLWAY_REDIS_PROBE_TIMEOUT", "1500ms"),
            ("HALLWAY_WORKERS", "2"),
        ];
        let child = Command::new(&self.binary)
            .env_clear()
            .envs(fixed)
            .envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())))
            .arg("serve")
            .args(["--listen", &self.public.to_string()])
            .args(["--internal-listen", &self.internal.to_string()])
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}", self.binary.display()));
        self.child = Some(child);
    }
}
