//! What the console lives on: a room that is followed, and keys that may only read.

use std::time::Duration;

use hallway_testkit::{API_KEY, Cluster, http};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

const READER: &str = "key-of-a-reader";

/// The lines of an answer to a call, as they come.
async fn follow(cluster: &Cluster, room: &str) -> Lines<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(cluster.node(0).internal_address()).await.unwrap();
    let request =
        format!("GET /api/v1/rooms/{room}/tail HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    BufReader::new(stream).lines()
}

/// The next line that begins so, without that; nothing at the end.
async fn line(lines: &mut Lines<BufReader<TcpStream>>, begin: &str) -> Option<String> {
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(begin) {
                return Some(rest.to_owned());
            }
        }
        None
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .expect("a line in time")
}

async fn say(cluster: &Cluster, room: &str, data: &str) {
    let body = format!(r#"{{"room":"{room}","destination":"d","data":{data}}}"#);
    let (status, answer) = cluster.api(0, "POST", "/api/v1/broadcast", &body).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_followed_from_now_on_and_in_order() {
    let cluster = Cluster::alone("").await;
    say(&cluster, "board-1", "0").await;
    let mut lines = follow(&cluster, "board-1").await;
    line(&mut lines, ": following").await.expect("it has begun");
    // As a person writes JSON: line breaks must not end an event.
    say(&cluster, "board-1", "{\n  \"n\": 1\n}").await;
    for n in 2..=150 {
        say(&cluster, "board-1", &json!({ "n": n }).to_string()).await;
    }
    for n in 1..=150 {
        let data: Value = serde_json::from_str(&line(&mut lines, "data: ").await.unwrap()).unwrap();
        assert_eq!((&data["data"]["n"], &data["seq"]), (&json!(n), &json!(n + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_says_so() {
    let cluster = Cluster::alone("").await;
    let (status, answer) = cluster.api(0, "GET", "/api/v1/rooms/public-x/tail", "").await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("conflict")));
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut lines = follow(&cluster, "board-1").await;
        line(&mut lines, ": following").await.unwrap();
        open.push(lines);
    }
    let (status, answer) = cluster.api(0, "GET", "/api/v1/rooms/board-1/tail", "").await;
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("rate-limited")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_ends_what_follows() {
    let mut cluster = Cluster::alone("[shutdown]\ndelay = '0s'\ndrain = '100ms'").await;
    let mut lines = follow(&cluster, "board-1").await;
    line(&mut lines, ": following").await.unwrap();
    cluster.take(0).drain().await;
    assert_eq!(
        line(&mut lines, "data: ").await,
        None,
        "ended, and did not hold up the node"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_only_read_changes_nothing() {
    let cluster = Cluster::alone(&format!("[api]\nread_only_keys = ['{READER}']\nkeys = ['{API_KEY}']")).await;
    let internal = cluster.node(0).internal_address();
    let header = format!("Authorization: Bearer {READER}\r\n");
    let call = |method: &'static str, path: &'static str| http::call(internal, method, path, &header, "{}");
    let (status, body) = call("GET", "/api/v1/key").await;
    assert_eq!((status, body.as_str()), (200, r#"{"mayWrite":false}"#));
    assert_eq!(
        cluster.api(0, "GET", "/api/v1/key", "").await.1,
        json!({"mayWrite": true})
    );
    for path in ["/api/v1/nodes", "/api/v1/rooms/board-1", "/api/v1/users/alice"] {
        assert_eq!(call("GET", path).await.0, 200, "{path}");
    }
    for (method, path) in [
        ("POST", "/api/v1/broadcast"),
        ("POST", "/api/v1/disconnect"),
        ("PUT", "/api/v1/rooms/board-1/users/alice"),
        ("DELETE", "/api/v1/rooms/board-1/users/alice"),
    ] {
        let (status, body) = call(method, path).await;
        assert_eq!(status, 403, "{method} {path}: {body}");
    }
}
