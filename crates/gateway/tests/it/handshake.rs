//! What opens `/ws`, and what does not.

use hallway_client::{Client, Codec, ConnectError, FirstFrame, Options};
use hallway_testkit::{Cluster, Raw, SECRET, token, token_at};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn refused(result: Result<(Client, hallway_client::Hello), ConnectError>) -> u16 {
    match result {
        Err(ConnectError::Refused { status, .. }) => status,
        other => panic!("refused, not {other:?}"),
    }
}

fn closed(result: Result<(Client, hallway_client::Hello), ConnectError>) -> u16 {
    match result {
        Err(ConnectError::Closed(closed)) => closed.code,
        other => panic!("closed, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hello_says_who_and_where() {
    let cluster = Cluster::alone("node = 'n1'").await;
    for codec in [Codec::Json, Codec::Msgpack] {
        let (_client, hello) = cluster.try_connect(0, "alice", codec).await.unwrap();
        assert_eq!(hello.node, "n1");
        assert_eq!(hello.user_id.as_deref(), Some("alice"));
        assert_eq!(
            hello.rooms,
            [format!("client-{}", hello.client_id), "user-alice".to_owned()]
        );
        assert_eq!(hello.ping_interval_ms, 25_000);
        assert!(hello.expires_at.unwrap() > hello.server_time);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_in_one_of_five_ways() {
    let cluster = Cluster::alone("[auth]\ncookie = 'session'\nquery_token = true").await;
    let token = token("alice", &[]);
    let address = cluster.node(0).public_address();
    let url = cluster.url(0);
    let mut by_subprotocol = Options::new(&url);
    by_subprotocol.token_subprotocol = Some(token.clone());
    let ways = [
        Options::new(&url).token(&token),
        by_subprotocol,
        Options::new(&url).first_frame(FirstFrame::Connect { token: token.clone() }),
        Options::new(&url).header("Cookie", format!("a=b; session={token}")),
    ];
    for way in ways {
        let (_client, hello) = Client::connect(way).await.unwrap();
        assert_eq!(hello.user_id.as_deref(), Some("alice"));
    }
    let mut raw = Raw::open_path(address, &format!("/ws?token={token}"), "")
        .await
        .unwrap();
    assert!(raw.answer().await.unwrap().text().contains(r#""userId":"alice""#));
    // The token's subprotocol is never echoed; alone it means JSON.
    let offer = format!("Sec-WebSocket-Protocol: hallway.token.{token}\r\n");
    let mut raw = Raw::open(address, &offer).await.unwrap();
    assert!(raw.answer().await.unwrap().text().contains(r#""userId":"alice""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_url_needs_leave() {
    let cluster = Cluster::alone("[auth]\ntimeout = '100ms'").await;
    let path = format!("/ws?token={}", token("alice", &[]));
    let mut raw = Raw::open_path(cluster.node(0).public_address(), &path, "")
        .await
        .unwrap();
    assert_eq!(raw.close_code().await, Some(4408), "the query is not looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_refused_before_any_upgrade() {
    let cluster = Cluster::alone("").await;
    let good = token("alice", &[]);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let mut tampered = good.clone().into_bytes();
    let middle = good.find('.').unwrap() + 5;
    tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.";
    let bad = [
        "nonsense".to_owned(),
        String::from_utf8(tampered).unwrap(),
        none.to_owned(),
        token_at("alice", &[], now - 7_200_000, HOUR),
        SECRET.to_owned(),
        "x".repeat(8000),
    ];
    for token in bad {
        assert_eq!(
            refused(Client::connect(Options::new(cluster.url(0)).token(&token)).await),
            401,
            "{token:.40}"
        );
        let first = Options::new(cluster.url(0)).first_frame(FirstFrame::Connect { token: token.clone() });
        let code = closed(Client::connect(first).await);
        // A token of 8,000 bytes is more than a frame before authentication may hold.
        assert!(
            code == 4401 || (code == 1009 && token.len() == 8000),
            "{token:.40}: {code}"
        );
    }
    assert_eq!(
        refused(Client::connect(Options::new(cluster.url(0)).header("Authorization", "Basic eA==")).await),
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_in_time_it_is_closed() {
    let cluster = Cluster::alone("[auth]\ntimeout = '150ms'").await;
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    assert_eq!(raw.close_code().await, Some(4408));
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    raw.text(r#"{"id":1,"endpoint":"ping"}"#).await;
    assert_eq!(raw.close_code().await, Some(4401), "the first frame is the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn subprotocols_pick_the_codec() {
    let cluster = Cluster::alone("").await;
    let auth = format!("Authorization: Bearer {}\r\n", token("alice", &[]));
    let address = cluster.node(0).public_address();
    for (offer, first) in [
        ("", 1),
        ("hallway.v1.json", 1),
        ("hallway.v1.msgpack", 2),
        ("chat, hallway.v1.msgpack, hallway.v1.json", 2),
    ] {
        let line = if offer.is_empty() {
            String::new()
        } else {
            format!("Sec-WebSocket-Protocol: {offer}\r\n")
        };
        let mut raw = Raw::open(address, &format!("{auth}{line}")).await.unwrap();
        assert_eq!(raw.answer().await.unwrap().opcode, first, "{offer}");
    }
    let unknown = format!("{auth}Sec-WebSocket-Protocol: chat\r\n");
    assert_eq!(Raw::open(address, &unknown).await.unwrap_err().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_are_checked() {
    let auth = format!("Authorization: Bearer {}\r\n", token("alice", &[]));
    let with = |origin: &str| format!("{auth}Origin: {origin}\r\n");
    let own = Cluster::alone("").await;
    let address = own.node(0).public_address();
    assert!(
        Raw::open(address, &with(&format!("http://{address}"))).await.is_ok(),
        "same origin"
    );
    assert_eq!(
        Raw::open(address, &with("https://evil.example")).await.unwrap_err().0,
        403
    );
    assert_eq!(Raw::open(address, &with("null")).await.unwrap_err().0, 403);
    let listed = Cluster::alone("[auth]\norigins = ['https://app.example.com']").await;
    let address = listed.node(0).public_address();
    assert!(Raw::open(address, &with("https://app.example.com")).await.is_ok());
    assert_eq!(
        Raw::open(address, &with("https://app.example.com.evil.example"))
            .await
            .unwrap_err()
            .0,
        403
    );
    assert_eq!(
        Raw::open(address, &with(&format!("http://{address}")))
            .await
            .unwrap_err()
            .0,
        403,
        "not listed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_websocket_handshake_is_told_so() {
    let cluster = Cluster::alone("").await;
    let address = cluster.node(0).public_address();
    let call = |method, path, headers| hallway_testkit::http::call(address, method, path, headers, "");
    assert_eq!(call("GET", "/ws", "").await.0, 400);
    assert_eq!(call("POST", "/ws", "").await.0, 400);
    assert_eq!(call("GET", "/", "").await.0, 404);
    assert_eq!(call("GET", "/demo", "").await.0, 404, "no demo outside of --dev");
    assert_eq!(call("GET", "/metrics", "").await.0, 404, "not on the public listener");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_reach_public_rooms_only() {
    let cluster = Cluster::alone("[auth]\nanonymous = true").await;
    let (client, hello) = Client::connect(Options::new(cluster.url(0))).await.unwrap();
    assert_eq!(hello.user_id, None);
    assert_eq!(hello.rooms, [format!("client-{}", hello.client_id)]);
    client
        .request("rooms.join", serde_json::json!({"room": "public-news"}))
        .await
        .unwrap();
    for room in ["board-1", "pool", "user-alice", "lobby-1"] {
        let why = client
            .request("rooms.join", serde_json::json!({"room": room}))
            .await
            .unwrap_err();
        assert!(
            matches!(why.code(), Some("unauthenticated" | "forbidden")),
            "{room}: {why}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_may_sign_in_with_their_first_frame() {
    let cluster = Cluster::alone("[auth]\nanonymous = true").await;
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    raw.answer().await.unwrap();
    raw.text(&format!(
        r#"{{"endpoint":"auth.connect","args":{{"token":"{}"}}}}"#,
        token("alice", &[])
    ))
    .await;
    let hello = raw.answer().await.unwrap().text();
    assert!(
        hello.contains(r#""userId":"alice""#) && hello.contains("user-alice"),
        "{hello}"
    );
    raw.text(r#"{"id":1,"endpoint":"rooms.join","args":{"room":"chat-alice-bob"}}"#)
        .await;
    assert!(
        raw.answer()
            .await
            .unwrap()
            .text()
            .contains(r#""room":"chat-alice-bob""#)
    );
    raw.text(&format!(
        r#"{{"id":2,"endpoint":"auth.connect","args":{{"token":"{}"}}}}"#,
        token("bob", &[])
    ))
    .await;
    assert!(raw.answer().await.unwrap().text().contains("conflict"));
}
