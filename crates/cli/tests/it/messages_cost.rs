//! What messages cost: printed, not judged. `cargo test --workspace --test it -- --ignored --nocapture messages_cost`.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::time::Instant;

use hallway_client::Client;
use hallway_testkit::{PostgresServer, RedisServer};
use serde_json::json;

use crate::messages::{Node, room};

const SENDERS: usize = 16;
const EACH: usize = 250;

/// User and system time of a process in seconds (`/proc/<id>/stat`, in ticks of 10 ms).
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = [11, 12]
        .map(|at: usize| fields[at].parse::<f64>().unwrap())
        .iter()
        .sum();
    ticks / 100.0
}

/// All processes of every Postgres here: a backend's time is in its own.
fn postgres_seconds() -> f64 {
    let list = std::process::Command::new("pgrep")
        .args(["-x", "postgres"])
        .output()
        .unwrap();
    let ids = String::from_utf8(list.stdout).unwrap();
    ids.lines().filter_map(|id| id.parse().ok()).map(cpu_seconds).sum()
}

async fn run(node: &Node, endpoint: &'static str) {
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        let client = node.connect(&format!("sender-{number}")).await;
        client
            .request("rooms.join", json!({"room": room(number)}))
            .await
            .unwrap();
        senders.push((number, client));
    }
    let (began, cpu, database) = (Instant::now(), cpu_seconds(node.id()), postgres_seconds());
    let all = senders.into_iter().map(|(number, client)| async move {
        let content = "x".repeat(100);
        let args = json!({"room": room(number), "content": content, "destination": "d", "data": content});
        for _ in 0..EACH {
            client.request(endpoint, &args).await.unwrap();
        }
        client
    });
    let clients: Vec<Client> = futures(all).await;
    let count = (SENDERS * EACH) as f64;
    println!(
        "{endpoint}: {:.0} a second, {:.0} us of the node's CPU each, {:.0} us of the databases'",
        count / began.elapsed().as_secs_f64(),
        (cpu_seconds(node.id()) - cpu) / count * 1e6,
        (postgres_seconds() - database) / count * 1e6,
    );
    drop(clients);
}

async fn futures<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; takes a minute"]
async fn messages_cost() {
    let redis = RedisServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.sqlite").display().to_string();
    {
        let node = Node::start_with(&redis.url(), &[("HALLWAY_STORE_PATH", &file)]);
        println!("SQLite");
        run(&node, "rooms.broadcast").await;
        run(&node, "messages.send").await;
    }
    let postgres = PostgresServer::start().await;
    let node = Node::start(&redis.url(), &postgres.url());
    println!("Postgres");
    run(&node, "rooms.broadcast").await;
    run(&node, "messages.send").await;
    pages(&node, &postgres).await;
}

/// Pages of 50 in a room of a million messages among two million.
async fn pages(node: &Node, postgres: &PostgresServer) {
    let fill = "INSERT INTO hallway.messages (room, id, from_user, type, content, created_at, revision) \
        SELECT 'group-' || (n % 2 + 8), id, 'u' || n % 100, 'TEXT', repeat('x', 100), n, id FROM \
        (SELECT n, '018bcfe5-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex(n / 16 % 4096), 3, '0') || '-8' || \
         lpad(to_hex(n % 16), 3, '0') || '-000000000000' AS id FROM generate_series(1, 2000000) AS n) AS ids";
    postgres.sql(fill).await;
    postgres.sql("ANALYZE hallway.messages").await;
    for (column, order) in [
        ("id", "id < '018bcfe5-000f' ORDER BY id DESC"),
        ("revision", "revision > '018bcfe5-000f' ORDER BY revision"),
    ] {
        let explain = format!(
            "EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM hallway.messages WHERE room = 'group-8' AND {order} LIMIT 51"
        );
        println!("{column}: {}", postgres.sql(&explain).await);
    }
    let client = node.connect("reader").await;
    for first in [json!({"room": "group-8"}), json!({"room": "group-8", "since": 1})] {
        let on = if first.get("since").is_some() {
            "after"
        } else {
            "before"
        };
        let (mut args, began, cpu) = (first, Instant::now(), cpu_seconds(node.id()));
        for _ in 0..500 {
            let page = client.request("messages.list", &args).await.unwrap();
            assert_eq!(page["messages"].as_array().unwrap().len(), 50);
            args = json!({"room": "group-8", on: page["nextCursor"]});
        }
        println!(
            "pages of 50 by `{on}`: {:.2} ms each, {:.2} ms of the node's CPU",
            began.elapsed().as_secs_f64() * 2.0,
            (cpu_seconds(node.id()) - cpu) * 2.0
        );
    }
}
