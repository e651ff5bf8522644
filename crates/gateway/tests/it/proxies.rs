//! What proxies say of a client's address: believed from ours alone, whichever way they say it.

use std::net::{IpAddr, SocketAddr};

use hallway_testkit::tls::{self, VERSIONS};
use hallway_testkit::{Certificates, Cluster, Raw, token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const BEHIND: &str =
    "proxy_protocol = true\ntrusted_proxies = ['127.0.0.1', '10.0.0.0/8']\n[limits]\nsockets_per_address = 1\n";

fn authorization() -> String {
    format!("Authorization: Bearer {}\r\n", token("alice", &[]))
}

async fn from(local: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let local: IpAddr = local.parse().unwrap();
    socket.bind((local, 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Says something before the handshake; the status, if there is one.
async fn open(address: SocketAddr, before: &[u8], headers: &str) -> Result<Raw, u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(before).await.unwrap();
    let headers = authorization() + headers;
    Raw::over(stream, address, "/ws", &headers)
        .await
        .map_err(|refused| refused.0)
}

/// What comes back when nothing but this is said.
async fn answer(mut stream: TcpStream, said: &[u8]) -> String {
    stream.write_all(said).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend_from_slice(&[command, family]);
    header.extend_from_slice(&(addresses.len() as u16).to_be_bytes());
    header.extend_from_slice(addresses);
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_per_address_counts_whom_the_proxy_names() {
    let cluster = Cluster::alone(BEHIND).await;
    let address = cluster.node(0).public_address();
    let four = [192, 0, 2, 2, 10, 0, 0, 1, 0, 1, 0, 2];
    let _one = open(address, b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n", "")
        .await
        .unwrap();
    let _two = open(address, &v2(0x21, 0x11, &four), "").await.unwrap();
    assert_eq!(
        open(address, b"PROXY TCP4 192.0.2.2 10.0.0.1 1 2\r\n", "")
            .await
            .unwrap_err(),
        429
    );
    let _own = open(address, &v2(0x20, 0x00, &[]), "").await.unwrap();
    assert_eq!(
        open(address, b"PROXY UNKNOWN\r\n", "").await.unwrap_err(),
        429,
        "the proxy itself"
    );
    // A proxy of ours before another one that speaks HTTP: both are asked.
    let inner = b"PROXY TCP4 10.0.0.9 10.0.0.1 1 2\r\n";
    let _three = open(address, inner, "X-Forwarded-For: 192.0.2.3\r\n").await.unwrap();
    assert_eq!(
        open(address, b"PROXY TCP4 192.0.2.3 10.0.0.1 1 2\r\n", "")
            .await
            .unwrap_err(),
        429
    );
    // A client's own word on it counts for nothing.
    let client = b"PROXY TCP4 192.0.2.3 10.0.0.1 1 2\r\n";
    assert_eq!(
        open(address, client, "X-Forwarded-For: 192.0.2.77\r\n")
            .await
            .unwrap_err(),
        429
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_may_come_in_pieces_and_with_what_follows_it() {
    let cluster = Cluster::alone(BEHIND).await;
    let address = cluster.node(0).public_address();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        authorization()
    );
    let mut headers = vec![b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n".to_vec()];
    let mut six = [0; 40];
    six[15] = 7;
    headers.push(v2(0x21, 0x21, &six));
    for header in headers {
        let mut whole = TcpStream::connect(address).await.unwrap();
        whole.write_all(&[&header, request.as_bytes()].concat()).await.unwrap();
        let mut start = [0; 12];
        whole.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 101");
        // It leaves, and its place is free when the next one has its answer; each byte apart.
        drop(whole);
        let wait = async {
            loop {
                let mut pieces = TcpStream::connect(address).await.unwrap();
                pieces.set_nodelay(true).unwrap();
                for byte in &header {
                    pieces.write_all(&[*byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
                pieces.write_all(request.as_bytes()).await.unwrap();
                pieces.read_exact(&mut start).await.unwrap();
                if &start == b"HTTP/1.1 101" {
                    return;
                }
                assert_eq!(&start, b"HTTP/1.1 429");
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait)
            .await
            .expect("a place");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_header_is_refused_from_a_proxy() {
    let cluster = Cluster::alone(BEHIND).await;
    let address = cluster.node(0).public_address();
    let request = format!("GET /ws HTTP/1.1\r\nHost: x\r\n{}\r\n", authorization());
    let mut truncated = v2(0x21, 0x11, &[0; 12]);
    truncated[15] = 4;
    for said in [
        request.clone().into_bytes(),
        b"PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n".to_vec(),
        format!("PROXY TCP4 {}", "1".repeat(200)).into_bytes(),
        v2(0x22, 0x11, &[0; 12]),
        truncated,
        v2(0x21, 0x11, &[0; 4000]),
    ] {
        let text = answer(TcpStream::connect(address).await.unwrap(), &said).await;
        assert_eq!(text, "", "{said:?}");
    }
    assert!(cluster.metric(0, "hallway_handshakes_total").await >= 6.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_from_elsewhere_is_refused() {
    let v1 = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\nGET /ws HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let v2 = [
        v2(0x21, 0x11, &[0; 12]),
        b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    ]
    .concat();
    for settings in [BEHIND, ""] {
        let cluster = Cluster::alone(settings).await;
        let address = cluster.node(0).public_address();
        for said in [&v1, &v2] {
            let text = answer(from("127.0.0.2", address).await, said).await;
            assert!(text.is_empty() || text.starts_with("HTTP/1.1 400"), "{text}");
        }
        // Who comes without one is a client like any other.
        let stream = from("127.0.0.2", address).await;
        Raw::over(stream, address, "/ws", &authorization())
            .await
            .expect("a client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stands_before_tls() {
    let certificates = Certificates::make().await;
    let (certificate, key) = certificates.server();
    let tls = format!("[tls]\ncert = '{}'\nkey = '{}'\n", certificate.display(), key.display());
    let cluster = Cluster::alone(&(BEHIND.to_owned() + &tls)).await;
    let address = cluster.node(0).public_address();
    let client = tls::client(&certificates.ca(), &VERSIONS);
    let header = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n";
    let open = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(header).await.unwrap();
        let stream = tls::wrap(stream, &client).await.unwrap();
        Raw::over(stream, address, "/ws", &authorization()).await
    };
    let mut first = open().await.expect("upgraded");
    assert!(first.answer().await.unwrap().text().contains("hello"));
    assert_eq!(open().await.unwrap_err().0, 429);
    let text = answer(from("127.0.0.2", address).await, header).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 400"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_cannot_be_made_up() {
    let settings = "trusted_proxies = ['127.0.0.1']\n[limits]\nsockets_per_address = 1\n";
    let cluster = Cluster::alone(settings).await;
    let address = cluster.node(0).public_address();
    let _first = open(address, b"", "X-Forwarded-For: 192.0.2.1\r\n").await.unwrap();
    for same in [
        "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.1\r\n",
        "X-Forwarded-For: 198.51.100.1, 192.0.2.1:4711\r\n",
        "x-forwarded-for:\t::ffff:192.0.2.1 \r\n",
    ] {
        assert_eq!(open(address, b"", same).await.unwrap_err(), 429, "{same}");
    }
    // No address at the end: it counts as the proxy's own, whatever stands before it.
    let _proxy = open(address, b"", "X-Forwarded-For: 198.51.100.2, unknown\r\n")
        .await
        .unwrap();
    for garbage in [
        "198.51.100.3, unknown",
        "198.51.100.4, [::1",
        "198.51.100.5,",
        "a\u{e9}",
    ] {
        let headers = format!("X-Forwarded-For: {garbage}\r\n");
        assert_eq!(open(address, b"", &headers).await.unwrap_err(), 429, "{garbage}");
    }
    // A folded header is no header (RFC 9112 §5.2).
    let folded = "X-Forwarded-For: 198.51.100.6\r\n , 198.51.100.7\r\n";
    assert_eq!(open(address, b"", folded).await.unwrap_err(), 400);
}
