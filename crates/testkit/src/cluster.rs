//! Nodes in this process, over one bus or each on its own, on free ports.

use std::time::{Duration, SystemTime};

use hallway_auth::{Grant, RoomPattern};
use hallway_client::{Client, Codec, ConnectError, Hello, Options};
use hallway_gateway::config::{self, Config};
use hallway_gateway::{Node, Running};
use hallway_protocol::UserId;

/// The secret that all nodes of a test share.
pub const SECRET: &str = "a-secret-for-tests-of-32-bytes-or-more";
/// The key of their backend API.
pub const API_KEY: &str = "a-key-for-tests";

/// A configuration for a node on loopback, on free ports, without limits on one test's clients, and with rooms that tell
/// nothing of their people (so that their first broadcast is the test's own); `settings`
/// (TOML, laid over it) says what is different.
///
/// # Panics
/// If the settings are refused.
#[must_use]
pub fn config(settings: &str) -> Config {
    let base = format!(
        "listen = '127.0.0.1:0'\ninternal_listen = '127.0.0.1:0'\n\
         [auth]\njwt_secret = '{SECRET}'\n[api]\nkeys = ['{API_KEY}']\n\
         [limits]\nsockets_per_user = 0\nsockets_per_address = 0\nframes_per_second = 0\n\
         [shutdown]\ndrain = '200ms'\n[store]\npath = ':memory:'\n[presence]\nrooms = false\n"
    );
    let mut table: toml::Table = base.parse().expect("the base is TOML");
    let over: toml::Table = settings.parse().expect("the settings are TOML");
    lay_over(&mut table, over);
    let input = hallway_settings::Input {
        file: Some(("test.toml".into(), table.to_string())),
        ..Default::default()
    };
    let loaded = config::load(input).expect("the settings are good");
    config::check(&loaded).expect("the settings go together");
    loaded.config
}

fn lay_over(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(there)), toml::Value::Table(value)) => lay_over(there, value),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// A token that all nodes take, for an hour.
///
/// # Panics
/// If the user or a pattern is none.
#[must_use]
pub fn token(user: &str, rooms: &[&str]) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis() as u64;
    token_at(user, rooms, now, Duration::from_secs(3600))
}

/// A token of any time, in Unix milliseconds, and any life.
///
/// # Panics
/// If the user or a pattern is none.
#[must_use]
pub fn token_at(user: &str, rooms: &[&str], issued_at: u64, life: Duration) -> String {
    let grant = Grant {
        user: UserId::parse(user).expect("a user id"),
        name: None,
        rooms: rooms
            .iter()
            .map(|pattern| RoomPattern::parse(pattern).expect("a pattern"))
            .collect(),
        issued_at,
        life,
    };
    let verifier = config("").auth.verifier().expect("the secret is one");
    verifier.mint(&grant).expect("there is a secret")
}

/// Nodes that run in this process. Dropped, they end at once.
pub struct Cluster {
    nodes: Vec<Running>,
}

impl Cluster {
    /// One node on the bus inside this process.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn alone(settings: &str) -> Self {
        Self::start(1, settings).await
    }

    /// So many nodes; over Redis if the settings name one.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start(count: usize, settings: &str) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Node::start(config(settings)).await.expect("the node starts"));
        }
        let cluster = Self { nodes };
        for number in 0..count {
            cluster.wait_ready(number, true).await;
        }
        cluster
    }

    /// Waits until a node says that it is ready, or that it is not.
    ///
    /// # Panics
    /// If it takes longer than 20 s.
    pub async fn wait_ready(&self, number: usize, ready: bool) {
        let node = self.nodes[number].node();
        let mut health = node.bus.health();
        let wait = async {
            while node.readiness.report().ready != ready {
                health.changed().await.expect("the bus lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .unwrap_or_else(|_| panic!("node {number} did not become ready = {ready}"));
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether all are gone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A node.
    #[must_use]
    pub fn node(&self, number: usize) -> &Running {
        &self.nodes[number]
    }

    /// Takes a node out, to be drained or dropped.
    pub fn take(&mut self, number: usize) -> Running {
        self.nodes.remove(number)
    }

    /// The URL of a node's WebSockets.
    #[must_use]
    pub fn url(&self, number: usize) -> String {
        format!("ws://{}/ws", self.nodes[number].public_address())
    }

    /// Connects a user who may join any board, group and org.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect(&self, number: usize, user: &str) -> (Client, Hello) {
        self.try_connect(number, user, Codec::Json).await.expect("connected")
    }

    /// The same, in any codec, and perhaps refused.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn try_connect(&self, number: usize, user: &str, codec: Codec) -> Result<(Client, Hello), ConnectError> {
        let token = token(user, &["board-*", "group-*", "org-*"]);
        Client::connect(Options::new(self.url(number)).token(token).codec(codec)).await
    }

    /// What a node's internal listener answers: the status and the body.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn api(&self, number: usize, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let key = format!("Authorization: Bearer {API_KEY}\r\n");
        let (status, text) = crate::http::call(self.nodes[number].internal_address(), method, path, &key, body).await;
        (
            status,
            serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)),
        )
    }

    /// A metric's value, all its labels summed.
    ///
    /// # Panics
    /// If there is no such metric.
    pub async fn metric(&self, number: usize, name: &str) -> f64 {
        let (_, text) = crate::http::call(self.nodes[number].internal_address(), "GET", "/metrics", "", "").await;
        crate::http::metric(&text, name)
    }
}
