//! The binary, killed while it stores and broadcasts messages: what it acknowledged, and what is in the database, is heard
//! once, from another node. More rounds: `HALLWAY_TEST_ROUNDS=100`.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hallway_client::{Client, Codec, Incoming, Options};
use hallway_testkit::{API_KEY, Cluster, PostgresServer, RedisServer, SECRET, free_port, token};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::run::command;

const ROOMS: usize = 4;
const SENDERS: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when it is dropped.
pub(crate) struct Node(Child, u16);

impl Node {
    pub(crate) fn start(redis: &str, database: &str) -> Self {
        Self::start_with(redis, &[("HALLWAY_STORE_URL", database)])
    }

    pub(crate) fn start_with(redis: &str, more: &[(&str, &str)]) -> Self {
        let (public, internal) = (free_port(), free_port());
        let child = command()
            .args(["serve", "--listen", &format!("127.0.0.1:{public}")])
            .args(["--internal-listen", &format!("127.0.0.1:{internal}")])
            .envs([
                ("HALLWAY_AUTH_JWT_SECRET", SECRET),
                ("HALLWAY_API_KEYS", API_KEY),
                ("HALLWAY_REDIS_URL", redis),
                ("HALLWAY_STORE_LEASE", "1s"),
                ("HALLWAY_LIMITS_FRAMES_PER_SECOND", "0"),
                ("HALLWAY_LIMITS_SOCKETS_PER_ADDRESS", "0"),
                // Those of a killed node count for a while.
                ("HALLWAY_LIMITS_SOCKETS_PER_USER", "0"),
            ])
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child, public)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) async fn connect(&self, user: &str) -> Client {
        let url = format!("ws://127.0.0.1:{}/ws", self.1);
        let connect = async {
            loop {
                let options = Options::new(&url).token(token(user, &["group-*"]));
                if let Ok((client, _)) = Client::connect(options).await {
                    return client;
                }
                // There is no event to wait for in another process.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connect)
            .await
            .expect("the node lets them in")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn room(number: usize) -> String {
    format!("group-{}", number % ROOMS)
}

/// Says things until the connection ends; each acknowledgement's id is told.
async fn talk(client: Client, number: usize, acknowledged: mpsc::UnboundedSender<String>) {
    let args = json!({"room": room(number), "content": "x"});
    while let Ok(stored) = client.request("messages.send", &args).await {
        let _ = acknowledged.send(stored["id"].as_str().unwrap().to_owned());
    }
}

/// How often each message was heard, up to the last of every room.
async fn heard(mut client: Client) -> BTreeMap<String, u32> {
    let (mut heard, mut rooms_left) = (BTreeMap::new(), ROOMS);
    while rooms_left > 0 {
        match tokio::time::timeout(PATIENCE, client.next()).await.expect("it goes on") {
            Some(Incoming::Broadcast(one)) if one.destination == "new-message" => {
                *heard.entry(one.data["id"].as_str().unwrap().to_owned()).or_default() += 1;
                rooms_left -= usize::from(one.data["content"] == "last");
            }
            Some(Incoming::Closed(closed)) => panic!("{closed}"),
            Some(_) => {}
            None => panic!("the listener's node went away"),
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_kept_and_heard_once_however_often_a_node_is_killed() {
    let rounds = std::env::var("HALLWAY_TEST_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let (redis, postgres) = (RedisServer::start().await, Arc::new(PostgresServer::start().await));
    let settings = format!(
        "[redis]\nurl = '{}'\n[store]\nurl = '{}'\nlease = '1s'\n[messages]\nrelay_interval = '20ms'\n",
        redis.url(),
        postgres.url()
    );
    let near = Cluster::start(1, &settings).await;
    let (listener, _) = near.try_connect(0, "listener", Codec::Json).await.unwrap();
    for number in 0..ROOMS {
        listener
            .request("rooms.join", json!({"room": room(number)}))
            .await
            .unwrap();
    }
    let heard = tokio::spawn(heard(listener));
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let mut victim = Node::start(&redis.url(), &postgres.url());
        let (told, mut acks) = mpsc::unbounded_channel();
        let mut talking = Vec::new();
        for number in 0..SENDERS {
            let client = victim.connect(&format!("sender-{number}")).await;
            talking.push(tokio::spawn(talk(client, number, told.clone())));
        }
        drop(told);
        // At another moment of its work each time.
        for _ in 0..=(round * 7) % 50 {
            acknowledged.push(acks.recv().await.expect("they are acknowledged"));
        }
        victim.0.kill().unwrap();
        victim.0.wait().unwrap();
        while let Some(id) = acks.recv().await {
            acknowledged.push(id);
        }
        for one in talking {
            one.await.unwrap();
        }
    }
    let emptied = async {
        while postgres.sql("SELECT count(*) FROM hallway.outbox").await.trim() != "0" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied)
        .await
        .expect("the outbox is emptied");
    let (last, _) = near.connect(0, "last").await;
    for number in 0..ROOMS {
        let args = json!({"room": room(number), "content": "last"});
        let stored: Value = last.request("messages.send", args).await.unwrap();
        acknowledged.push(stored["id"].as_str().unwrap().to_owned());
    }
    let heard = heard.await.unwrap();
    let kept = postgres.sql("SELECT room || ' ' || id FROM hallway.messages").await;
    let kept: Vec<_> = kept.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    println!(
        "{rounds} rounds: {} acknowledged, {} kept, {} heard",
        acknowledged.len(),
        kept.len(),
        heard.len()
    );
    for id in &acknowledged {
        assert!(kept.contains(&id.as_str()), "{id} was acknowledged and is not kept");
    }
    for id in &kept {
        assert_eq!(heard.get(*id), Some(&1), "{id} is kept");
    }
    assert_eq!(heard.len(), kept.len());
}
