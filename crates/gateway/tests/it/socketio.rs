//! The published client of Socket.IO, in Node, against real nodes: what `clients/socketio-tests` plays.

use std::path::PathBuf;
use std::time::Duration;

use hallway_testkit::cluster::{Cluster, token};
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
