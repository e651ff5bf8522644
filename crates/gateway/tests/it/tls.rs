//! TLS on the listeners: the protocol over it, certificates that change, and clients that misbehave before it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallway_client::{Client, Options};
use hallway_testkit::tls::{self, VERSIONS};
use hallway_testkit::{Certificates, Cluster, Raw, http, token};
use rustls::ClientConfig;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const JOIN: &str = r#"{"id":1,"endpoint":"rooms.join","args":{"room":"board-1"}}"#;

/// Certificates, and the files that a node reads, which may come to hold others.
struct Served {
    certificates: Certificates,
    folder: TempDir,
}

impl Served {
    async fn new() -> Self {
        let served = Self {
            certificates: Certificates::make().await,
            folder: tempfile::tempdir().unwrap(),
        };
        served.put(&served.certificates.server());
        served
    }

    /// Puts a pair where the node looks for it.
    fn put(&self, (certificate, key): &(std::path::PathBuf, std::path::PathBuf)) {
        std::fs::copy(certificate, self.folder.path().join("tls.crt")).unwrap();
        std::fs::copy(key, self.folder.path().join("tls.key")).unwrap();
    }

    /// A section of the settings.
    fn section(&self, name: &str) -> String {
        let folder = self.folder.path().display();
        format!("[{name}]\ncert = '{folder}/tls.crt'\nkey = '{folder}/tls.key'\n")
    }

    fn client(&self) -> Arc<ClientConfig> {
        tls::client(&self.certificates.ca(), &VERSIONS)
    }
}

async fn signed_in(address: SocketAddr, client: &Arc<ClientConfig>, user: &str) -> Raw {
    let stream = tls::connect(address, client).await.expect("TLS");
    let headers = format!("Authorization: Bearer {}\r\n", token(user, &["board-*"]));
    let mut raw = Raw::over(stream, address, "/ws", &headers).await.expect("upgraded");
    assert!(raw.answer().await.unwrap().text().contains("hello"));
    raw
}

/// Waits until so many handshakes were counted: a client may see its end before that.
async fn refused(cluster: &Cluster, least: f64) {
    let wait = async {
        while cluster.metric(0, "hallway_handshakes_total").await < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .expect("counted");
}

/// The certificate that a listener shows now.
async fn shown(address: SocketAddr, client: &Arc<ClientConfig>) -> Vec<u8> {
    let stream = tls::connect(address, client).await.expect("TLS");
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(path: &Path) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_carry_frames_of_every_size() {
    let served = Served::new().await;
    let cluster = Cluster::alone(&format!("{}[limits]\nframe_size = '256KiB'", served.section("tls"))).await;
    let address = cluster.node(0).public_address();
    for version in VERSIONS {
        let client = tls::client(&served.certificates.ca(), &[version]);
        let stream = tls::connect(address, &client).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let mut raw = signed_in(address, &client, "alice").await;
        raw.text(JOIN).await;
        assert!(raw.answer().await.unwrap().text().contains("\"id\":1"));
        // Around what a record holds, and many at once.
        for len in [1, 16_000, 16_384, 40_000, 200_000] {
            let data = "x".repeat(len);
            let say = json!({"endpoint": "rooms.broadcast", "id": 2, "args":
                {"room": "board-1", "destination": "d", "data": data, "includeSelf": true}});
            raw.text(&say.to_string()).await;
            let (mut replied, mut heard) = (false, false);
            while !(replied && heard) {
                let text = raw.answer().await.expect("it stays").text();
                replied |= text.contains("\"reply\"");
                heard |= text.contains(&data);
            }
        }
        for id in 0..200 {
            raw.text(&format!(r#"{{"id":{id},"endpoint":"ping"}}"#)).await;
        }
        for id in 0..200 {
            let text = raw.answer().await.expect("it stays").text();
            assert!(text.contains(&format!("\"id\":{id},")), "{text}");
        }
        raw.send(0x88, &1000_u16.to_be_bytes()).await;
        assert_eq!(raw.close_code().await, Some(1000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_client_speaks_it() {
    let served = Served::new().await;
    let cluster = Cluster::alone(&served.section("tls")).await;
    let url = cluster.url(0).replace("ws://", "wss://");
    let mut options = Options::new(url).token(token("alice", &["board-*"]));
    Client::connect(options.clone())
        .await
        .expect_err("the system does not know this authority");
    options.authorities = Some(served.certificates.ca());
    let (mut client, _) = Client::connect(options).await.expect("connected");
    client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    let say = json!({"room": "board-1", "destination": "d", "data": 7, "includeSelf": true});
    client.request("rooms.broadcast", say).await.unwrap();
    assert_eq!(crate::broadcast(&mut client).await.data.to_string(), "7");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_for_new_connections() {
    let served = Served::new().await;
    let settings = served.section("tls") + &served.section("internal_tls");
    let node = hallway_gateway::Node::start(hallway_testkit::config(&settings))
        .await
        .unwrap();
    let (public, internal) = (node.public_address(), node.internal_address());
    let client = served.client();
    let mut old = signed_in(public, &client, "alice").await;
    let (first, second) = (served.certificates.server(), served.certificates.client());
    assert_eq!(shown(public, &client).await, der(&first.0));

    // A pair that does not fit leaves the old one in place, and is counted. SIGHUP looks at once.
    std::fs::copy(&second.0, served.folder.path().join("tls.crt")).unwrap();
    node.node().reload(&hallway_testkit::config(&settings)).unwrap();
    assert_eq!(shown(public, &client).await, der(&first.0));
    let exposition = node.node().metrics.expose();
    assert!(
        exposition.contains(r#"hallway_tls_reloads_total{listener="public",outcome="failed"}"#),
        "{exposition}"
    );

    // The node sees by itself when the rest has come.
    served.put(&second);
    for address in [public, internal] {
        let wait = async {
            while shown(address, &client).await != der(&second.0) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .expect("the new one");
    }
    old.text(r#"{"id":9,"endpoint":"ping"}"#).await;
    assert!(
        old.answer().await.unwrap().text().contains("\"id\":9"),
        "the old connection stays"
    );
    signed_in(public, &client, "bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_speaks_it_too_and_sees_when_certificates_end() {
    let served = Served::new().await;
    let settings = served.section("tls") + &served.section("internal_tls");
    let node = hallway_gateway::Node::start(hallway_testkit::config(&settings))
        .await
        .unwrap();
    let internal = node.internal_address();
    let stream = tls::connect(internal, &served.client()).await.unwrap();
    let (status, text) = http::ask(stream, "GET", "/metrics", "", "").await.unwrap();
    assert_eq!(status, 200);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    for listener in ["public", "internal"] {
        let name = format!("hallway_tls_certificate_expires_seconds{{listener=\"{listener}\"}}");
        let end = text.lines().find_map(|line| line.strip_prefix(&name)).expect("the end");
        // The certificates of tests are made for two days.
        let days = (end.trim().parse::<f64>().unwrap() - now.as_secs_f64()) / 86_400.0;
        assert!((1.9..2.1).contains(&days), "{days}");
    }
    // Plain HTTP gets nothing there.
    let plain = TcpStream::connect(internal).await.unwrap();
    assert!(http::ask(plain, "GET", "/healthz", "", "").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_said_at_the_start() {
    let served = Served::new().await;
    let settings = served.section("tls");
    let key = served.folder.path().join("tls.key");
    std::fs::copy(served.certificates.client().1, &key).unwrap();
    let start = || hallway_gateway::Node::start(hallway_testkit::config(&settings));
    let why = start().await.err().expect("the pair does not fit").to_string();
    assert!(why.contains("tls.key"), "{why}");
    std::fs::write(&key, "no key").unwrap();
    assert!(start().await.err().unwrap().to_string().contains("tls.key"));
    std::fs::remove_file(&key).unwrap();
    assert!(start().await.err().unwrap().to_string().contains("tls.key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_told_that_this_is_tls() {
    let served = Served::new().await;
    let cluster = Cluster::alone(&served.section("tls")).await;
    let address = cluster.node(0).public_address();
    let plain = TcpStream::connect(address).await.unwrap();
    let (status, text) = http::ask(plain, "GET", "/ws", "", "").await.unwrap();
    assert_eq!((status, text.contains("TLS")), (400, true), "{text}");
    // Whatever is neither is closed without a word of HTTP.
    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage
        .write_all(&[22, 3, 1, 0, 5, 0xff, 0xff, 0xff, 0xff, 0xff])
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    refused(&cluster, 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_ends_is_cut_off_and_gives_its_place_back() {
    let served = Served::new().await;
    let limits = "[limits]\nhandshake_timeout = '500ms'\nhandshakes = 4";
    let cluster = Cluster::alone(&(served.section("tls") + limits)).await;
    let address = cluster.node(0).public_address();
    // Nothing at all, and the beginning of a record that never comes to its end.
    let mut slow = Vec::new();
    for number in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        }
        slow.push(stream);
    }
    for stream in &mut slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    refused(&cluster, 4.0).await;
    signed_in(address, &served.client(), "alice").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_is_closed_and_costs_no_more_than_its_queue() {
    let served = Served::new().await;
    let limits = "[limits]\nsocket_queue = '128KiB'\nframe_size = '64KiB'";
    let cluster = Cluster::alone(&(served.section("tls") + limits)).await;
    let address = cluster.node(0).public_address();
    let client = served.client();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = tls::wrap(socket.connect(address).await.unwrap(), &client)
        .await
        .unwrap();
    let headers = format!("Authorization: Bearer {}\r\n", token("deaf", &["board-*"]));
    let mut deaf = Raw::over(stream, address, "/ws", &headers).await.unwrap();
    deaf.answer().await.expect("hello");
    deaf.text(JOIN).await;
    deaf.answer().await.expect("joined");
    let mut publisher = signed_in(address, &client, "publisher").await;
    publisher.text(JOIN).await;
    publisher.answer().await.expect("joined");
    let data = "x".repeat(30_000);
    let mut sent = 0;
    while cluster.metric(0, "hallway_slow_consumers_total").await < 1.0 {
        sent += 1;
        assert!(sent < 1000, "it is never found out");
        let say = json!({"endpoint": "rooms.broadcast", "id": sent, "args":
            {"room": "board-1", "destination": "d", "data": data, "includeSelf": false}});
        publisher.text(&say.to_string()).await;
        assert!(publisher.answer().await.expect("it stays").text().contains("\"reply\""));
        assert!(cluster.metric(0, "hallway_socket_queue_bytes").await <= 128.0 * 1024.0);
    }
    // What it had begun to be sent is whole, and the last that it hears is why.
    assert_eq!(deaf.close_code().await, Some(4500));
}
