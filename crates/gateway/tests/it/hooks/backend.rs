//! A backend that takes what it is told, or does not, and checks the signatures by itself.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// What the gateway signs with: 24 bytes, as Standard Webhooks writes them.
pub(super) const SECRET: &str = "whsec_aG9va3MtaG9va3MtaG9va3MtaG9va3M=";
/// What it signed with before.
pub(super) const PREVIOUS: &str = "another secret of 24 bytes";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A call that was taken.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) body: Value,
}

impl Told {
    pub(super) fn user(&self) -> &str {
        self.body["data"]["userId"].as_str().unwrap_or_default()
    }

    pub(super) fn number(&self) -> u64 {
        self.body["data"]["message"].as_u64().unwrap()
    }
}

/// What it answers to a body: a status, or nothing at all.
type Rule = Box<dyn Fn(&Value) -> Option<u16> + Send + Sync>;

struct Inner {
    rule: Mutex<Rule>,
    told: watch::Sender<Vec<Told>>,
    /// Calls, taken or not.
    calls: watch::Sender<usize>,
}

#[derive(Clone)]
pub(super) struct Backend {
    inner: Arc<Inner>,
    pub(super) address: SocketAddr,
}

impl Backend {
    /// One that takes everything.
    pub(super) async fn start() -> Self {
        let backend = Self::absent();
        backend.listen().await;
        backend
    }

    /// One that does not listen yet.
    pub(super) fn absent() -> Self {
        let inner = Inner {
            rule: Mutex::new(Box::new(|_| Some(204))),
            told: watch::Sender::default(),
            calls: watch::Sender::default(),
        };
        Self {
            inner: Arc::new(inner),
            address: SocketAddr::from(([127, 0, 0, 1], hallway_testkit::free_port())),
        }
    }

    pub(super) async fn listen(&self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener: TcpListener = socket.listen(1024).unwrap();
        let app = Router::new().route("/hooks", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
    }

    /// From now on it answers so; nothing is no answer ever.
    pub(super) fn answers(&self, rule: impl Fn(&Value) -> Option<u16> + Send + Sync + 'static) {
        *self.inner.rule.lock() = Box::new(rule);
    }

    pub(super) fn told(&self) -> Vec<Told> {
        self.inner.told.borrow().clone()
    }

    /// How many different events it has.
    pub(super) fn count(&self) -> usize {
        different(&self.inner.told.borrow())
    }

    /// Waits until it has so many different events.
    pub(super) async fn has(&self, count: usize) -> Vec<Told> {
        let mut told = self.inner.told.subscribe();
        let enough = told.wait_for(|told| different(told) >= count);
        let enough = tokio::time::timeout(PATIENCE, enough).await;
        let had = self.count();
        enough
            .unwrap_or_else(|_| panic!("{had} events instead of {count}"))
            .unwrap()
            .clone()
    }

    /// Waits until it was called so many more times.
    pub(super) async fn is_called(&self, more: usize) {
        let mut calls = self.inner.calls.subscribe();
        let before = *calls.borrow();
        let called = calls.wait_for(|calls| *calls >= before + more);
        tokio::time::timeout(PATIENCE, called).await.expect("called").unwrap();
    }

    /// The numbers that each user was told, doubles dropped as a backend would.
    pub(super) fn by_user(&self) -> BTreeMap<String, Vec<u64>> {
        let (mut seen, mut users) = (HashSet::new(), BTreeMap::<String, Vec<u64>>::new());
        for told in self.told() {
            if seen.insert(told.id.clone()) {
                users.entry(told.user().to_owned()).or_default().push(told.number());
            }
        }
        users
    }
}

fn different(told: &[Told]) -> usize {
    told.iter().map(|told| &told.id).collect::<HashSet<_>>().len()
}

async fn take(State(backend): State<Backend>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    verify(&header, &body);
    let told = Told {
        id: header("webhook-id"),
        body: serde_json::from_slice(&body).unwrap(),
    };
    let answer = (backend.inner.rule.lock())(&told.body);
    backend.inner.calls.send_modify(|calls| *calls += 1);
    let Some(status) = answer else {
        return std::future::pending().await;
    };
    let status = StatusCode::from_u16(status).unwrap();
    if status.is_success() {
        backend.inner.told.send_modify(|all| all.push(told));
    }
    status
}

/// The check of Standard Webhooks, written from its text: a signature with each secret, and a time of now.
fn verify(header: &impl Fn(&str) -> String, body: &[u8]) {
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(
        now.abs_diff(time.parse().unwrap()) < 300,
        "a call of another time: {time}"
    );
    let mut signed = format!("{id}.{time}.").into_bytes();
    signed.extend_from_slice(body);
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let with = |key: &[u8]| format!("v1,{}", STANDARD.encode(hmac_sha256(key, &signed)));
    let expected = [with(&key), with(PREVIOUS.as_bytes())];
    assert_eq!(header("webhook-signature"), expected.join(" "));
    assert_eq!(header("content-type"), "application/json");
}

/// RFC 2104, over nothing but the hash.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let hash = |pad: u8, text: &[u8]| {
        let mut block: Vec<u8> = (0..64).map(|at| key.get(at).unwrap_or(&0) ^ pad).collect();
        block.extend_from_slice(text);
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &block)
            .as_ref()
            .to_vec()
    };
    hash(0x5c, &hash(0x36, text))
}
