//! A real Redis server that can be hurt.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::free_port;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Redis server of its own, on 127.0.0.1, with a folder of its own. Killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: TempDir,
    /// What stands in its configuration file, if it has one.
    config: Option<String>,
    args: Vec<String>,
    /// What its environment holds beside ours.
    environment: Vec<(&'static str, OsString)>,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk, and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "no"]).await
    }

    /// Starts one that writes everything down, so that a restart loses nothing.
    pub async fn start_appendonly() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// Starts one with arguments of the caller's.
    ///
    /// # Panics
    /// There is no `redis-server`, or it does not answer in time.
    pub async fn start_with(args: &[&str]) -> Self {
        Self::start_configured(None, Vec::new(), args).await
    }

    /// Starts a sentinel.
    pub(crate) async fn start_sentinel(config: &str) -> Self {
        Self::start_configured(Some(config.to_owned()), Vec::new(), &["--sentinel"]).await
    }

    /// Starts one whose environment holds more than ours.
    pub(crate) async fn start_in(environment: Vec<(&'static str, OsString)>, args: &[&str]) -> Self {
        Self::start_configured(None, environment, args).await
    }

    async fn start_configured(
        config: Option<String>,
        environment: Vec<(&'static str, OsString)>,
        args: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self {
            port: free_port(),
            folder,
            config,
            args,
            environment,
            child: None,
        };
        for _ in 0..5 {
            server.spawn();
            if server.answers().await {
                return server;
            }
            // Someone else took the port.
            server.kill().await;
            server.port = free_port();
        }
        panic!("redis-server does not answer");
    }

    /// Starts a replica of the server at a port of 127.0.0.1.
    pub async fn start_replica(of: u16, args: &[&str]) -> Self {
        let primary = format!("127.0.0.1 {of}");
        let mut all = vec!["--replicaof", &primary, "--repl-diskless-sync-delay", "0"];
        all.extend(args);
        Self::start_with(&all).await
    }

    /// Waits until it has everything that its primary has now.
    ///
    /// # Panics
    /// It does not in time, or one of them is away.
    pub async fn caught_up(&self, primary: &Self) {
        let until = Instant::now() + PATIENCE;
        let wanted = primary.info("replication", "master_repl_offset").await;
        let wanted: u64 = wanted.parse().expect("an offset");
        loop {
            let is_linked = self.info("replication", "master_link_status").await == "up";
            let offset = self.info("replication", "slave_repl_offset").await;
            if is_linked && offset.parse::<u64>().is_ok_and(|offset| offset >= wanted) {
                return;
            }
            assert!(Instant::now() < until, "the replica does not catch up");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether another is its replica, and linked; not so while that one is away.
    pub async fn has_replica(&self, other: &Self) -> bool {
        // A replica's answer names its primary's port, as a number.
        let role = other.cli(&["ROLE"]).await.unwrap_or_default();
        role.contains(&format!("\r\n:{}\r\n", self.port)) && role.contains("\r\nconnected\r\n")
    }

    /// One field of a section of `INFO`; empty if there is none.
    ///
    /// # Panics
    /// It is away.
    pub async fn info(&self, section: &str, field: &str) -> String {
        // One that is told to follow another closes its connections, this one perhaps among them.
        let text = match self.cli(&["INFO", section]).await {
            Err(why) if why.kind() == io::ErrorKind::ConnectionReset => self.cli(&["INFO", section]).await,
            answer => answer,
        };
        let text = text.expect("INFO");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().to_owned()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as `kill -9` does.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }

    /// Starts it again at the same port, with what it has on disk, and waits until it answers.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.spawn();
        assert!(self.answers().await, "redis-server does not answer after a restart");
    }

    /// The same, with nothing on disk.
    pub async fn restart_empty(&mut self) {
        self.kill().await;
        for entry in std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir_all(entry.path()).or_else(|_| std::fs::remove_file(entry.path()));
        }
        self.restart().await;
    }

    /// Hangs it (`kill -STOP`): connections stay, nothing is answered.
    pub async fn pause(&self) {
        self.signal("-STOP").await;
    }

    /// Ends that.
    pub async fn resume(&self) {
        self.signal("-CONT").await;
    }

    /// Runs one command and gives its answer as it stands on the wire, without the first line's type byte for simple
    /// ones: `OK`, `42`, or the text of a bulk string. Arrays come as they are.
    ///
    /// # Errors
    /// The server is away, or it answered with an error.
    pub async fn cli(&self, args: &[&str]) -> io::Result<String> {
        let answer = timeout(PATIENCE, ask(self.port, args))
            .await
            .map_err(|_| io::ErrorKind::TimedOut)??;
        match answer.split_at_checked(1) {
            Some(("-", why)) => Err(io::Error::other(why.trim_end().to_owned())),
            Some(("+" | ":", text)) => Ok(text.trim_end().to_owned()),
            Some(("$", bulk)) => Ok(bulk
                .split_once("\r\n")
                .map_or("", |(_, text)| text.trim_end())
                .to_owned()),
            _ => Ok(answer),
        }
    }

    /// Whether it was started and not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Processor time that it has used so far, in seconds (in steps of a hundredth).
    ///
    /// # Panics
    /// It is not running.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        let id = self
            .child
            .as_ref()
            .and_then(Child::id)
            .expect("redis-server is running");
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("/proc/<id>/stat");
        let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = behind_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        ticks as f64 / 100.0
    }

    fn spawn(&mut self) {
        let mut command = Command::new("redis-server");
        if let Some(config) = &self.config {
            let file = self.folder.path().join("redis.conf");
            // Who writes its state there, as a sentinel does, goes on with it.
            if !file.exists() {
                std::fs::write(&file, config).expect("a file in our own folder");
            }
            command.arg(file);
        }
        let child = command
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--loglevel",
                "warning",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.args)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
    }

    /// Waits until it answers; false if it ended or did not in time.
    async fn answers(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self
                .child
                .as_mut()
                .is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
            {
                return false;
            }
            if self.cli(&["PING"]).await.is_ok_and(|answer| answer == "PONG") {
                return true;
            }
            sleep(Duration::from_millis(5)).await;
        }
        false
    }

    async fn signal(&self, signal: &str) {
        let id = self
            .child
            .as_ref()
            .and_then(Child::id)
            .expect("redis-server is running");
        let sent = Command::new("kill").args([signal, &id.to_string()]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal}");
    }
}

/// One command on a connection of its own; its whole answer.
async fn ask(port: u16, args: &[&str]) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut command = format!("*{}\r\n", args.len());
    for arg in args {
        command.push_str(&format!("${}\r\n{arg}\r\n", arg.len()));
    }
    stream.write_all(command.as_bytes()).await?;
    // It answers and then sees the end, so all of the answer is here when the stream ends. (QUIT is nothing that a
    // sentinel knows.)
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
