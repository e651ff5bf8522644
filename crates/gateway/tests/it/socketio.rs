//! The published client of Socket.IO, in Node, against real nodes: what `clients/socketio-tests` plays.

use std::path::PathBuf;
use std::time::Duration;

use hallway_testkit::{Cluster, RedisServer, token};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;

/// No script takes as long; one that does waits for something that never came.
const PATIENCE: Duration = Duration::from_secs(120);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/socketio-tests")
}

/// Installs what the lock file names, once.
async fn installed() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let there = folder().join("node_modules/.package-lock.json").exists();
        if !there {
            let npm = Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(folder())
                .output();
            let npm = npm.await.expect("npm is there");
            assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
        }
    };
    INSTALLED.get_or_init(install).await;
}

/// Plays a script; `transports` as the client takes them, null for its default.
async fn play(cluster: &Cluster, script: &str, transports: Value) {
    installed().await;
    let urls: Vec<String> = (0..cluster.len())
        .map(|number| format!("http://{}", cluster.node(number).public_address()))
        .collect();
    let patterns = ["board-*", "group-*", "org-*"];
    let set = json!({
        "urls": urls,
        "transports": transports,
        "tokens": {"alice": token("alice", &patterns), "bob": token("bob", &patterns)},
    });
    let node = Command::new("node")
        .arg(folder().join(script))
        .env("HALLWAY_TEST", set.to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, node)
        .await
        .unwrap_or_else(|_| panic!("{script} with {transports} waits for ever"))
        .expect("node is there");
    assert!(
        output.status.success(),
        "{script} with {transports}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_websocket() {
    let cluster = Cluster::alone("").await;
    play(&cluster, "basics.mjs", json!(["websocket"])).await;
    let open = cluster.metric(0, "hallway_connections_opened_total").await;
    assert!(open >= 2.0, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_http_alone() {
    let cluster = Cluster::alone("").await;
    play(&cluster, "basics.mjs", json!(["polling"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_begins_over_http() {
    let cluster = Cluster::alone("").await;
    play(&cluster, "basics.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_io_by_hand() {
    let settings = "[limits]\nhandshake_timeout = '2s'\n[auth]\norigins = ['http://app.example.com']";
    play(&Cluster::alone(settings).await, "engine.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_of_three_nodes() {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n",
        redis.url()
    );
    let cluster = Cluster::start(3, &settings).await;
    play(&cluster, "cluster.mjs", json!(["websocket"])).await;
    play(&cluster, "cluster.mjs", json!(["polling"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_client_and_one_of_socket_io_hear_each_other() {
    let cluster = Cluster::alone("").await;
    let (mut native, _) = cluster.connect(0, "carol").await;
    let board = json!({"room": "board-3"});
    native.request("rooms.join", board).await.expect("joined");
    let plays = play(&cluster, "native.mjs", Value::Null);
    let hears = async {
        let heard = super::broadcast(&mut native).await;
        let said = json!({"room": "board-3", "destination": "from-native", "data": heard.data});
        native.request("rooms.broadcast", said).await.expect("published");
    };
    tokio::join!(plays, hears);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_on_a_page_of_another_origin() {
    for transports in [json!(["websocket"]), Value::Null, json!(["polling"])] {
        let cluster = Cluster::alone("[auth]\norigins = ['http://app.example.com']").await;
        play(&cluster, "browser.mjs", transports).await;
    }
}
