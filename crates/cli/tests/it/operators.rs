//! The commands for who runs a cluster, against a node: what they print, and how they end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::run::{Ended, command, hallway};
use crate::serve::Served;

fn ask(api: &str, args: &[&str]) -> Ended {
    hallway(&[args, &["--dev", "--api", api]].concat(), &[])
}

fn good(api: &str, args: &[&str]) -> String {
    let ended = ask(api, args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}{}", ended.out, ended.err);
    ended.out
}

fn json(api: &str, args: &[&str]) -> Value {
    let out = good(api, &[args, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{args:?}: {why}: {out}"))
}

/// A client in `board-1`, killed at the end of a test.
struct Tail(Child);

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tail(url: &str) -> Tail {
    let mut child = command()
        .args(["tail", "--dev", "--url", url, "--user", "alice", "board-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let connected = notes.find(|note| note.as_ref().is_ok_and(|note| note.contains("connected")));
    connected.unwrap().unwrap();
    std::thread::spawn(move || notes.for_each(drop));
    Tail(child)
}

#[test]
fn an_operator_sees_rooms_people_and_nodes() {
    let served = Served::start(&["--node", "one"]);
    let (api, url) = (served.api(), served.url());
    let _tail = tail(&url);
    // It says that it is connected before it has joined.
    while json(&api, &["who", "board-1"])["socketCount"] != 1 {}
    assert!(good(&api, &["who", "board-1"]).contains("alice"));
    let user = json(&api, &["who", "--user", "alice"]);
    assert_eq!(user["sockets"][0]["node"], "one", "{user}");
    assert!(good(&api, &["who", "--user", "alice"]).contains("alice: ONLINE"));
    let rooms = good(&api, &["rooms", "--window", "0s"]);
    assert!(rooms.contains("ROOM") && rooms.contains("board-1"), "{rooms}");
    let rooms = json(
        &api,
        &["rooms", "--sort", "traffic", "--window", "50ms", "--kind", "board"],
    );
    assert_eq!(rooms["rooms"][0]["broadcastsPerSecond"], 0.0, "{rooms}");
    let stats = good(&api, &["stats"]);
    assert!(
        stats.contains("1 nodes, 1 connections") && stats.contains("ready"),
        "{stats}"
    );
    assert_eq!(json(&api, &["stats"])["nodes"][0]["node"], "one");
    assert!(good(&api, &["nodes"]).contains("CONNECTIONS"));
    let plan = json(&api, &["rebalance", "--dry-run", "--tolerance", "10%"]);
    assert_eq!(plan["nodes"][0]["sheds"], 0, "{plan}");
}

#[test]
fn an_operator_sends_a_user_away() {
    let served = Served::start(&[]);
    let api = served.api();
    let _tail = tail(&served.url());
    while json(&api, &["who", "board-1"])["socketCount"] != 1 {}
    good(&api, &["kick", "--room", "board-1", "--user", "alice"]);
    assert_eq!(json(&api, &["who", "board-1"])["socketCount"], 0);
    good(&api, &["kick", "--user", "alice", "--revoke", "--reason", "enough"]);
    while json(&api, &["who", "--user", "alice"])["status"] != "OFFLINE" {}
}

#[test]
fn a_drain_waits_until_the_node_is_empty_and_can_be_taken_back() {
    let served = Served::start(&["--node", "one"]);
    let api = served.api();
    let _tail = tail(&served.url());
    let said = good(&api, &["drain", "--over", "1s", "--wait"]);
    assert!(said.contains("one is empty"), "{said}");
    let node = &json(&api, &["nodes"])["nodes"][0];
    assert_eq!(node["draining"], true, "{node}");
    assert!(good(&api, &["drain", "one", "--undo"]).contains("takes clients again"));
    assert_eq!(json(&api, &["drain", "--undo"])["ready"], true);
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let served = Served::start(&[]);
    let api = served.api();
    let free = format!("http://127.0.0.1:{}", crate::serve::free_port());
    let refused = |args: &[&str], api: &str, code: i32, words: &str| {
        let ended = ask(api, args);
        assert_eq!(ended.code, Some(code), "{args:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
    };
    refused(&["stats"], &free, 69, "--api");
    refused(&["stats", "--key", "wrong"], &api, 77, "HALLWAY_API_KEYS");
    refused(&["drain", "nobody"], &api, 1, "nobody");
    refused(&["who"], &api, 64, "--user");
    refused(&["who", "no room"], &api, 64, "ROOM");
    refused(&["kick"], &api, 64, "--client");
    refused(&["kick", "--room", "board-1"], &api, 64, "--user");
    refused(&["rebalance", "--tolerance", "lots"], &api, 64, "5%");
    refused(&["drain", "--over", "soon"], &api, 64, "--over");
    let ended = hallway(&["nodes", "--api", &api], &[]);
    assert_eq!(ended.code, Some(64), "{}", ended.err);
    assert!(ended.err.contains("no API key"), "{}", ended.err);
}
