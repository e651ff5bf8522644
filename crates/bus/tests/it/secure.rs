//! TLS, users with few permissions, and how it looks when they are wrong.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hallway_bus::redis::{self, RedisOptions, RedisTls};
use hallway_bus::{Bus, BusError, Cluster, Lanes, NodeRecord};
use hallway_testkit::{Certificates, RedisServer, free_port};
use parking_lot::Mutex;

use crate::node::Node;

/// What `docs/operations.md` says that a user needs, with the prefix `app:`.
pub(crate) const PERMISSIONS: &[&str] = &[
    "~{app:*",
    "&app:*",
    "+ping",
    "+info",
    "+client|id",
    "+script|load",
    "+evalsha",
    "+time",
    "+xadd",
    "+xrange",
    "+xrevrange",
    "+xdel",
    "+xtrim",
    "+xlen",
    "+memory|usage",
    "+pexpire",
    "+get",
    "+set",
    "+hset",
    "+hmget",
    "+hgetall",
    "+hdel",
    "+publish",
    "+subscribe",
    "+unsubscribe",
    "+config|get",
    "+client|info",
    "+zadd",
    "+zrevrange",
    "+zrangebyscore",
    "+zremrangebyscore",
    "+zcard",
    "+zscore",
    "+zrem",
];

/// What it needs besides on a cluster.
pub(crate) const CLUSTER_PERMISSIONS: &[&str] = &["+cluster|nodes", "+spublish", "+ssubscribe", "+sunsubscribe"];

/// A server that speaks TLS at one port and plainly at another, for the test's own questions.
async fn start(certificates: &Certificates, more: &[&str]) -> (RedisServer, u16) {
    let port = free_port();
    let text = port.to_string();
    let tls = certificates.redis_args();
    let mut args = vec!["--save", "", "--appendonly", "no", "--tls-port", &text];
    args.extend(tls.iter().map(String::as_str));
    args.extend(more);
    (RedisServer::start_with(&args).await, port)
}

fn url(options: &mut RedisOptions, url: String) {
    options.url = url;
}

async fn works(mut node: Node) {
    assert_eq!(node.publish("1").await, Ok(1));
    assert_eq!(node.heard().await.message.data, "1");
    let history = node.bus.history(node.room.clone(), None, 10).await.unwrap();
    assert_eq!(history.broadcasts.len(), 1);
}

#[tokio::test]
async fn a_server_is_reached_through_tls() {
    let certificates = Certificates::make().await;
    let (server, port) = start(&certificates, &["--tls-auth-clients", "no"]).await;
    let node = Node::connect_with(server.port(), 4096, |options| {
        url(options, format!("rediss://127.0.0.1:{port}"));
        options.tls.ca = Some(certificates.ca());
    });
    works(node.await).await;
}

#[tokio::test]
async fn a_node_shows_its_own_certificate() {
    let certificates = Certificates::make().await;
    let (server, port) = start(&certificates, &["--tls-auth-clients", "yes"]).await;
    let node = Node::connect_with(server.port(), 4096, |options| {
        url(options, format!("rediss://127.0.0.1:{port}"));
        options.tls = RedisTls {
            ca: Some(certificates.ca()),
            identity: Some(certificates.client()),
        };
    });
    works(node.await).await;
}

#[tokio::test]
async fn a_user_with_the_documented_permissions_can_do_everything() {
    let server = RedisServer::start().await;
    let mut user = vec!["ACL", "SETUSER", "hallway", "on", ">s3cret/", "resetchannels"];
    user.extend(PERMISSIONS);
    server.cli(&user).await.unwrap();
    let mut node = Node::connect_with(server.port(), 4096, |options| {
        url(
            options,
            format!("redis://hallway:s3cret%2F@127.0.0.1:{}", server.port()),
        );
        options.channel_prefix = "app:".into();
    })
    .await;
    let keyed = hallway_bus::Publish {
        idempotency_key: Some("key".into()),
        ..node.request("keyed")
    };
    let first = node.bus.publish(keyed.clone()).await.unwrap();
    assert_eq!(node.bus.publish(keyed).await, Ok(first));
    node.heard().await;
    // Every number that ends in 0 trims; a stream of an older epoch is taken out of the way.
    for number in 2..=20 {
        assert_eq!(node.publish("x").await, Ok(number));
    }
    server.cli(&["DEL", "{app:board-1}:h"]).await.unwrap();
    server
        .cli(&["XADD", "{app:board-1}:h", "1-7", "t", "1", "m", "x"])
        .await
        .unwrap();
    assert_eq!(node.publish("x").await, Ok(1));
    assert!(node.bus.states(vec![node.room.clone()]).await.unwrap()[0].is_some());
    node.bus.history(node.room.clone(), None, 10).await.unwrap();
    let record = NodeRecord {
        node: "one".into(),
        address: None,
        version: String::new(),
        started_at: 0,
        draining: false,
        connections: 0,
        rooms: 0,
    };
    node.bus.announce(record).await.unwrap();
    assert_eq!(node.bus.nodes().await.unwrap().len(), 1);
    node.bus.withdraw().await.unwrap();
    node.bus.tell("words".into()).await.unwrap();
    node.bus.unsubscribe(vec![node.room.clone()]);
    node.bus.subscribe(vec![node.room.clone()]).await.unwrap();
}

/// What was logged, by all tests of this process: a subscriber of a thread misses what another thread's lack of one
/// has switched off.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With these options the bus is there and not ready, and the log says why, without a secret.
async fn is_refused(options: RedisOptions, why: &str) {
    LazyLock::force(&LOG);
    let (bus, _told) = redis::connect(options, Lanes::new(1, 1).0).await.unwrap();
    assert!(!bus.health().borrow().ready);
    let published = bus.nodes().await;
    assert!(matches!(published, Err(BusError::Unavailable(_))), "{published:?}");
    let text = String::from_utf8_lossy(&LOG.0.lock()).into_owned();
    assert!(
        text.lines()
            .any(|line| line.contains("Redis is away") && line.contains(why)),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

fn options(url: String) -> RedisOptions {
    RedisOptions {
        url,
        command_timeout: Duration::from_millis(500),
        ..RedisOptions::default()
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_believed() {
    let (certificates, others) = (Certificates::make().await, Certificates::make().await);
    let (_server, port) = start(&certificates, &["--tls-auth-clients", "no"]).await;
    let mut options = options(format!("rediss://127.0.0.1:{port}"));
    options.tls.ca = Some(others.ca());
    is_refused(options.clone(), "InvalidCertificate").await;
    options.tls.ca = None;
    is_refused(options, "InvalidCertificate").await;
}

#[tokio::test]
async fn a_wrong_password_is_said() {
    let server = RedisServer::start().await;
    server
        .cli(&["ACL", "SETUSER", "hallway", "on", ">s3cret", "~*", "&*", "+@all"])
        .await
        .unwrap();
    is_refused(
        options(format!("redis://hallway:hunter2@127.0.0.1:{}", server.port())),
        "WRONGPASS",
    )
    .await;
}

#[tokio::test]
async fn a_user_that_may_not_ask_for_proof_is_refused() {
    let server = RedisServer::start().await;
    let user = [
        "ACL", "SETUSER", "hallway", "on", ">hunter2", "~*", "&*", "+@all", "-info",
    ];
    server.cli(&user).await.unwrap();
    is_refused(
        options(format!("redis://hallway:hunter2@127.0.0.1:{}", server.port())),
        "may not run INFO",
    )
    .await;
}

#[tokio::test]
async fn files_that_are_no_certificates_are_an_error_at_the_start() {
    let certificates = Certificates::make().await;
    for ca in [certificates.server().1, "/nonexistent/ca.crt".into()] {
        let mut options = options("rediss://127.0.0.1:1".into());
        options.tls.ca = Some(ca);
        let result = redis::connect(options, Lanes::new(1, 1).0).await;
        assert!(matches!(result, Err(BusError::Options(_))));
    }
}
