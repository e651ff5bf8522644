//! Whatever a browser may be brought to show says that it is no page, or what a page may do.

use std::net::SocketAddr;

use hallway_testkit::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The head of an answer, in lower case.
async fn head(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    answer.split("\r\n\r\n").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let cluster = Cluster::alone("dev = true").await;
    let (public, internal) = (cluster.node(0).public_address(), cluster.node(0).internal_address());
    for (address, path) in [
        (public, "/demo"),
        (public, "/demo/demo.js"),
        (public, "/demo/demo.css"),
        (public, "/demo/token"),
        (public, "/ws"),
        (public, "/nothing"),
        (internal, "/healthz"),
        (internal, "/readyz"),
        (internal, "/metrics"),
        (internal, "/api/v1/openapi.json"),
        (internal, "/api/v1/nodes"),
        (internal, "/nothing"),
    ] {
        let head = head(address, path).await;
        let value = |name: &str| {
            let values: Vec<_> = head.lines().filter_map(|line| line.strip_prefix(name)).collect();
            assert_eq!(values.len(), 1, "{path} says {name} once: {head}");
            values[0].to_owned()
        };
        assert_eq!(value("x-content-type-options: "), "nosniff", "{path}");
        assert_eq!(value("referrer-policy: "), "no-referrer", "{path}");
        let policy = value("content-security-policy: ");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
    }
}
