//! A Redis cluster: three primaries and a replica for each.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{RedisServer, free_port};

/// How long anything may take: an election that fails is repeated after some seconds.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many slots a cluster has.
const SLOTS: u32 = 16_384;
const PRIMARIES: usize = 3;

/// Six servers on 127.0.0.1. Killed when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    /// At the start the first three are primaries with a third of the slots each, and each of the others is the replica
    /// of the one three places before it.
    pub servers: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts it, and waits until it works and every primary could be followed by its replica.
    ///
    /// # Panics
    /// It does not come about in time.
    pub async fn start() -> Self {
        let mut servers = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..2 * PRIMARIES {
            let bus = free_port().to_string();
            let args = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1500",
                "--cluster-port",
                &bus,
            ];
            let more = ["--save", "", "--repl-diskless-sync-delay", "0"];
            servers.push(RedisServer::start_with(&[&args[..], &more[..]].concat()).await);
            buses.push(bus);
        }
        let cluster = Self { servers };
        for (place, server) in cluster.servers.iter().enumerate() {
            ask(server, &["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()]).await;
            if place < PRIMARIES {
                let bound = |place: usize| SLOTS * place as u32 / PRIMARIES as u32;
                let (first, last) = (bound(place).to_string(), (bound(place + 1) - 1).to_string());
                ask(server, &["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
            }
            let port = server.port().to_string();
            ask(
                &cluster.servers[0],
                &["CLUSTER", "MEET", "127.0.0.1", &port, &buses[place]],
            )
            .await;
        }
        for server in &cluster.servers {
            until(async || {
                server
                    .cli(&["CLUSTER", "INFO"])
                    .await
                    .is_ok_and(|text| text.contains("known_nodes:6"))
            })
            .await;
        }
        for place in PRIMARIES..2 * PRIMARIES {
            let primary = cluster.id(place - PRIMARIES).await;
            let server = &cluster.servers[place];
            until(async || server.cli(&["CLUSTER", "REPLICATE", &primary]).await.is_ok()).await;
        }
        cluster.is_well().await;
        cluster
    }

    /// The URL for clients, which names two of the servers.
    #[must_use]
    pub fn url(&self) -> String {
        let (one, other) = (self.servers[0].port(), self.servers[PRIMARIES + 1].port());
        format!("redis-cluster://127.0.0.1:{one}?node=127.0.0.1:{other}")
    }

    /// The place of the server that has a key, as far as the server at `asked` knows.
    ///
    /// # Panics
    /// Nobody has it.
    pub async fn owner(&self, asked: usize, key: &str) -> usize {
        let slot: u32 = self.slot(key).await;
        let nodes = ask(&self.servers[asked], &["CLUSTER", "NODES"]).await;
        let has = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            matches!((first.parse::<u32>(), last.parse::<u32>()), (Ok(first), Ok(last)) if first <= slot && slot <= last)
        };
        let owner = nodes
            .lines()
            .find(|line| line.split(' ').skip(8).any(has))
            .expect("an owner");
        let is_it = |server: &RedisServer| owner.contains(&format!(":{}@", server.port()));
        self.servers.iter().position(is_it).expect("one of ours")
    }

    /// The slot of a key.
    ///
    /// # Panics
    /// No server is there to tell.
    pub async fn slot(&self, key: &str) -> u32 {
        for server in &self.servers {
            if let Ok(slot) = server.cli(&["CLUSTER", "KEYSLOT", key]).await {
                return slot.parse().expect("a number");
            }
        }
        panic!("no server answers");
    }

    /// Moves a key's slot from one primary to another, with all that is in it, as `redis-cli --cluster reshard` does.
    ///
    /// # Panics
    /// A step fails.
    pub async fn move_slot(&self, key: &str, from: usize, to: usize) {
        self.begin_move(key, from, to).await;
        self.end_move(key, from, to).await;
    }

    /// The first half of it: both sides know that the slot moves, and what is not there yet is made over there.
    ///
    /// # Panics
    /// A step fails.
    pub async fn begin_move(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key).await.to_string();
        let (source, target) = (self.id(from).await, self.id(to).await);
        ask(&self.servers[to], &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]).await;
        ask(
            &self.servers[from],
            &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target],
        )
        .await;
    }

    /// The second half: what is there moves, and then the slot itself.
    ///
    /// # Panics
    /// A step fails.
    pub async fn end_move(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key).await.to_string();
        let (target, port) = (self.id(to).await, self.servers[to].port().to_string());
        loop {
            let keys = ask(&self.servers[from], &["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).await;
            let is_key = |line: &&str| !line.is_empty() && !line.starts_with(['*', '$']);
            let keys: Vec<&str> = keys.split("\r\n").filter(is_key).collect();
            if keys.is_empty() {
                break;
            }
            let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            command.extend(keys);
            ask(&self.servers[from], &command).await;
        }
        for place in [to, from] {
            ask(&self.servers[place], &["CLUSTER", "SETSLOT", &slot, "NODE", &target]).await;
        }
    }

    /// Waits until the replica of the primary at a place is a primary.
    ///
    /// # Panics
    /// It is not in time.
    pub async fn promoted_instead_of(&self, place: usize) {
        let replica = &self.servers[place + PRIMARIES];
        until(async || replica.info("replication", "role").await == "master").await;
    }

    /// Waits until all servers that answer say that the cluster works, and their replicas have their primaries' data.
    pub async fn is_well(&self) {
        for server in &self.servers {
            until(async || {
                let Ok(text) = server.cli(&["CLUSTER", "INFO"]).await else {
                    return true;
                };
                let is_linked = server.info("replication", "role").await == "master"
                    || server.info("replication", "master_link_status").await == "up";
                text.contains("cluster_state:ok") && is_linked
            })
            .await;
        }
        // What a primary knows of its replicas is what an election needs.
        for place in 0..PRIMARIES {
            let server = &self.servers[place];
            until(async || {
                let Ok(nodes) = server.cli(&["CLUSTER", "NODES"]).await else {
                    return true;
                };
                nodes.lines().filter(|line| line.contains("slave")).count() == PRIMARIES
                    || self.servers.iter().filter(|server| !server.is_running()).count() > 0
            })
            .await;
        }
    }

    async fn id(&self, place: usize) -> String {
        ask(&self.servers[place], &["CLUSTER", "MYID"]).await
    }
}

async fn ask(server: &RedisServer, args: &[&str]) -> String {
    server.cli(args).await.unwrap_or_else(|why| panic!("{args:?}: {why}"))
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "the cluster does not come about");
        sleep(Duration::from_millis(20)).await;
    }
}
