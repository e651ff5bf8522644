//! Rooms whose members the operator's backend knows: asked, signed, and refused where it does not answer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hallway_client::{Client, Options};
use hallway_testkit::{Cluster, token};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::broadcast;

const SECRET: &str = "a secret of at least 24 bytes";

/// A backend that says yes to whom it knows, and shows what it was asked.
#[derive(Clone, Default)]
struct Backend {
    members: Arc<Mutex<HashMap<String, (StatusCode, String)>>>,
    asked: Arc<AtomicUsize>,
    unsigned: Arc<AtomicUsize>,
}

impl Backend {
    async fn start(&self) -> SocketAddr {
        let app = Router::new().route("/", post(answer)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    async fn says(&self, user: &str, status: u16, answer: &str) {
        let answer = (StatusCode::from_u16(status).unwrap(), answer.to_owned());
        self.members.lock().await.insert(user.to_owned(), answer);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(backend): State<Backend>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    backend.asked.fetch_add(1, Ordering::SeqCst);
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&body);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(aws_lc_rs::hmac::sign(&key, &signed)));
    if header("webhook-signature") != expected {
        backend.unsigned.fetch_add(1, Ordering::SeqCst);
    }
    let question: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&question["type"], &question["room"]),
        (&json!("membership"), &json!("doc-7"))
    );
    let members = backend.members.lock().await;
    let known = members.get(question["userId"].as_str().unwrap()).cloned();
    drop(members);
    match known {
        Some((StatusCode::REQUEST_TIMEOUT, _)) => std::future::pending().await,
        Some(answer) => answer,
        None => (StatusCode::OK, r#"{"allowed":false}"#.into()),
    }
}

fn settings(address: SocketAddr, more: &str) -> String {
    format!(
        "[webhook]\nmembership_url = 'http://{address}/'\nsecret = '{SECRET}'\ntimeout = '300ms'\n{more}\n\
         [[kinds]]\nname = 'doc'\njoin = 'webhook'"
    )
}

async fn connect(cluster: &Cluster, user: &str) -> Client {
    // What a token says of rooms does not count under this rule.
    let options = Options::new(cluster.url(0)).token(token(user, &["doc-*"]));
    Client::connect(options).await.unwrap().0
}

async fn join(client: &Client) -> Result<(), String> {
    let joined = client.request("rooms.join", json!({"room": "doc-7"})).await;
    joined.map(drop).map_err(|why| why.code().unwrap_or("gone").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_says_who_may_join() {
    let backend = Backend::default();
    backend.says("alice", 200, r#"{"allowed":true,"role":"owner"}"#).await;
    backend.says("carol", 403, "no").await;
    let cluster = Cluster::alone(&settings(backend.start().await, "")).await;
    let alice = connect(&cluster, "alice").await;
    assert_eq!(join(&alice).await, Ok(()));
    for stranger in ["bob", "carol"] {
        let client = connect(&cluster, stranger).await;
        assert_eq!(join(&client).await, Err("forbidden".into()), "{stranger}");
    }
    // Many who ask the same at once cause one question.
    let before = backend.asked();
    backend.says("dave", 200, r#"{"allowed":true}"#).await;
    let daves = join_all((0..10).map(|_| connect(&cluster, "dave"))).await;
    for joined in join_all(daves.iter().map(join)).await {
        assert_eq!(joined, Ok(()));
    }
    assert_eq!(backend.asked(), before + 1);
    assert_eq!(backend.unsigned.load(Ordering::SeqCst), 0, "every question was signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_answer_lets_nobody_in() {
    let backend = Backend::default();
    for (user, status, text) in [
        ("alice", 500, ""),
        ("bob", 200, "yes"),
        ("carol", 200, "{}"),
        ("dave", 302, r#"{"allowed":true}"#),
        ("erin", 408, ""),
    ] {
        backend.says(user, status, text).await;
    }
    let cluster = Cluster::alone(&settings(backend.start().await, "failures = 5\npause = '1s'")).await;
    for user in ["alice", "bob", "carol", "dave", "erin"] {
        let client = connect(&cluster, user).await;
        assert_eq!(join(&client).await, Err("unavailable".into()), "{user}");
    }
    // It is left alone now; then it is tried again.
    let asked = backend.asked();
    backend.says("frank", 200, r#"{"allowed":true}"#).await;
    let frank = connect(&cluster, "frank").await;
    assert_eq!(join(&frank).await, Err("unavailable".into()));
    assert_eq!(backend.asked(), asked);
    let again = async {
        while join(&frank).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again)
        .await
        .expect("it is tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_longer_let_in_leaves() {
    let backend = Backend::default();
    backend.says("alice", 200, r#"{"allowed":true}"#).await;
    let more = "[members]\nreview = '1s'\nfresh = '0s'";
    let cluster = Cluster::alone(&settings(backend.start().await, more)).await;
    let mut alice = connect(&cluster, "alice").await;
    assert_eq!(join(&alice).await, Ok(()));
    backend.says("alice", 200, r#"{"allowed":false}"#).await;
    let left = broadcast(&mut alice).await;
    assert_eq!((left.room.as_str(), left.destination.as_str()), ("doc-7", "room.left"));
}
