//! A Redis that sentinels watch: one primary, two replicas, three sentinels.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::RedisServer;

/// What the sentinels call it.
const NAME: &str = "main";
/// How long anything may take: an election that fails is repeated after some seconds.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a primary may be silent before the sentinels call it down.
const DOWN_AFTER: Duration = Duration::from_millis(1000);

/// Three servers and three sentinels, all on 127.0.0.1. Killed when dropped.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The first is the primary at the start.
    pub servers: Vec<RedisServer>,
    /// Who watches them.
    pub sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// Starts all of them, with arguments for the servers, and waits until a failover could happen.
    ///
    /// # Panics
    /// It does not come about in time.
    pub async fn start(args: &[&str]) -> Self {
        let mut common = vec!["--save", "", "--repl-diskless-sync-delay", "0"];
        common.extend(args);
        let primary = RedisServer::start_with(&common).await;
        let port = primary.port();
        let mut servers = vec![primary];
        for _ in 0..2 {
            servers.push(RedisServer::start_replica(port, &common).await);
        }
        for replica in &servers[1..] {
            replica.caught_up(&servers[0]).await;
        }
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} 2\nsentinel down-after-milliseconds {NAME} {}\n\
             sentinel failover-timeout {NAME} 5000\n",
            DOWN_AFTER.as_millis()
        );
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            sentinels.push(RedisServer::start_sentinel(&config).await);
        }
        let started = Self { servers, sentinels };
        started.wait_until_known().await;
        started
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.sentinels[1..]
            .iter()
            .map(|sentinel| format!("&node=127.0.0.1:{}", sentinel.port()))
            .collect();
        let first = self.sentinels[0].port();
        format!(
            "redis-sentinel://127.0.0.1:{first}?sentinelServiceName={NAME}{}",
            nodes.concat()
        )
    }

    /// Waits until all sentinels name another primary than this one, and gives its place among the servers.
    ///
    /// # Panics
    /// They do not in time.
    pub async fn promoted_instead_of(&self, old: usize) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "no replica is promoted");
            let mut named = Vec::new();
            for sentinel in &self.sentinels {
                named.push(sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await.ok());
            }
            let is_named = |server: &RedisServer| {
                let port = format!("\r\n{}\r\n", server.port());
                named
                    .iter()
                    .all(|answer| answer.as_ref().is_some_and(|answer| answer.contains(&port)))
            };
            if let Some(place) = self.servers.iter().position(is_named)
                && place != old
                && self.servers[place].info("replication", "role").await == "master"
            {
                return place;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all sentinels name one primary, and every other server is a replica of it that is linked.
    ///
    /// # Panics
    /// It does not come about in time.
    pub async fn is_well(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.is_settled().await {
            assert!(Instant::now() < until, "the servers do not agree");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_settled(&self) -> bool {
        let mut named = Vec::new();
        for sentinel in &self.sentinels {
            named.push(sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await.ok());
        }
        let is_primary = |server: &&RedisServer| {
            let port = format!("\r\n{}\r\n", server.port());
            named[0].as_ref().is_some_and(|answer| answer.contains(&port))
        };
        let Some(primary) = self.servers.iter().find(is_primary) else {
            return false;
        };
        if named.iter().any(|answer| *answer != named[0]) {
            return false;
        }
        for server in &self.servers {
            let is_right = if server.port() == primary.port() {
                let role = server.cli(&["ROLE"]).await.unwrap_or_default();
                role.contains("\r\nmaster\r\n")
            } else {
                primary.has_replica(server).await
            };
            if !is_right {
                return false;
            }
        }
        true
    }

    /// Every sentinel knows both replicas and both others.
    async fn wait_until_known(&self) {
        let until = Instant::now() + PATIENCE;
        for sentinel in &self.sentinels {
            loop {
                let known = sentinel.cli(&["SENTINEL", "MASTER", NAME]).await.unwrap_or_default();
                let has = |field: &str| known.contains(&format!("\r\n{field}\r\n$1\r\n2\r\n"));
                if has("num-slaves") && has("num-other-sentinels") {
                    break;
                }
                assert!(Instant::now() < until, "the sentinels do not find one another");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
