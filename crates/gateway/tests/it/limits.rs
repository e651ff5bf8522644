//! Every bound has its answer.

use std::time::Duration;

use hallway_client::{Client, Codec, ConnectError, FirstFrame, Options};
use hallway_testkit::{Cluster, Raw, RedisServer, token};
use serde_json::json;

use crate::close_code;

#[tokio::test(flavor = "multi_thread")]
async fn frames_per_second() {
    let cluster = Cluster::alone("[limits]\nframes_per_second = 10\nframes_burst = 5").await;
    let (mut client, _) = cluster.connect(0, "alice").await;
    let mut refused = 0;
    for _ in 0..8 {
        if let Err(why) = client.request("ping", json!({})).await {
            assert_eq!(why.code(), Some("rate-limited"));
            refused += 1;
        }
    }
    assert!((1..=3).contains(&refused), "{refused}: the burst passes");
    for _ in 0..100 {
        let _ = client.send("ping", json!({})).await;
    }
    assert_eq!(close_code(&mut client).await, 4429, "patience ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_per_socket() {
    let cluster = Cluster::alone("[limits]\nrooms_per_socket = 4").await;
    let (client, _) = cluster.connect(0, "alice").await;
    for number in 0..4 {
        client
            .request("rooms.join", json!({"room": format!("board-{number}")}))
            .await
            .unwrap();
    }
    let fifth = json!({"room": "board-5"});
    assert_eq!(
        client.request("rooms.join", &fifth).await.unwrap_err().code(),
        Some("conflict")
    );
    client
        .request("rooms.join", json!({"room": "board-0"}))
        .await
        .expect("again is not more");
    client.request("rooms.leave", json!({"room": "board-0"})).await.unwrap();
    client.request("rooms.join", &fifth).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_per_user_and_address() {
    let by_user = Cluster::alone("[limits]\nsockets_per_user = 2").await;
    let (_one, _) = by_user.connect(0, "alice").await;
    let (two, _) = by_user.connect(0, "alice").await;
    let third = by_user.try_connect(0, "alice", hallway_client::Codec::Json).await;
    assert!(
        matches!(third, Err(ConnectError::Refused { status: 429, .. })),
        "{third:?}"
    );
    by_user.connect(0, "bob").await;
    two.close().await;
    let again = async {
        while by_user
            .try_connect(0, "alice", hallway_client::Codec::Json)
            .await
            .is_err()
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), again)
        .await
        .expect("a place is given back");

    let by_address = Cluster::alone("[limits]\nsockets_per_address = 1").await;
    let (_one, _) = by_address.connect(0, "alice").await;
    let second = by_address.try_connect(0, "bob", hallway_client::Codec::Json).await;
    assert!(
        matches!(second, Err(ConnectError::Refused { status: 429, .. })),
        "{second:?}"
    );
    let mut elsewhere = Options::new(by_address.url(0)).token(token("carol", &[]));
    elsewhere.local_address = Some("127.0.0.2".parse().unwrap());
    Client::connect(elsewhere).await.expect("another address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_whose_address_it_is() {
    let settings = "trusted_proxies = ['127.0.0.1']\n[limits]\nsockets_per_address = 1";
    let cluster = Cluster::alone(settings).await;
    let open = |forwarded: &'static str| {
        let headers = format!(
            "Authorization: Bearer {}\r\nX-Forwarded-For: {forwarded}\r\n",
            token("alice", &[])
        );
        let address = cluster.node(0).public_address();
        async move { Raw::open(address, &headers).await }
    };
    let _first = open("192.0.2.1").await.unwrap();
    let _second = open("192.0.2.2").await.unwrap();
    assert_eq!(open("192.0.2.1").await.unwrap_err().0, 429);
    assert_eq!(
        open("192.0.2.77, 192.0.2.1").await.unwrap_err().0,
        429,
        "only the nearest hop is believed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_under_way_and_connections_at_all() {
    let cluster = Cluster::alone("[limits]\nhandshakes = 1\nconnections = 1").await;
    let address = cluster.node(0).public_address();
    // A handshake that does not get on holds the one place.
    let slow = tokio::net::TcpStream::connect(address).await.unwrap();
    let busy = async {
        loop {
            match Raw::open(address, &format!("Authorization: Bearer {}\r\n", token("alice", &[]))).await {
                Err((503, answer)) => return answer,
                Err(other) => panic!("{other:?}"),
                // The slow one was not accepted yet.
                Ok(_) => {}
            }
        }
    };
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), busy)
        .await
        .expect("503");
    assert!(answer.to_ascii_lowercase().contains("retry-after: 1"), "{answer}");
    drop(slow);
    let connected = async {
        loop {
            if let Ok(one) = cluster.try_connect(0, "alice", hallway_client::Codec::Json).await {
                return one;
            }
        }
    };
    let _one = tokio::time::timeout(std::time::Duration::from_secs(10), connected)
        .await
        .expect("a place");
    let second = cluster.try_connect(0, "bob", hallway_client::Codec::Json).await;
    assert!(
        matches!(second, Err(ConnectError::Refused { status: 503, .. })),
        "{second:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_handshakes_end() {
    let cluster = Cluster::alone("[limits]\nhandshake_timeout = '200ms'").await;
    let mut stream = tokio::net::TcpStream::connect(cluster.node(0).public_address())
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(10), end)
        .await
        .expect("it is ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_bad_tokens_again_and_again_must_wait() {
    let cluster = Cluster::alone("[limits]\nfailed_logins = 3").await;
    let bad = || Client::connect(Options::new(cluster.url(0)).token("a.b.c"));
    for _ in 0..2 {
        assert!(matches!(bad().await, Err(ConnectError::Refused { status: 401, .. })));
    }
    let frame = FirstFrame::Connect { token: "a.b.c".into() };
    let refused = Client::connect(Options::new(cluster.url(0)).first_frame(frame)).await;
    assert!(matches!(refused, Err(ConnectError::Closed(closed)) if closed.code == 4401));
    let good = cluster.try_connect(0, "alice", Codec::Json).await.map(drop);
    match good.unwrap_err() {
        ConnectError::Refused {
            status,
            retry_after_ms,
            body,
        } => {
            assert_eq!(status, 429, "{body}");
            assert!(retry_after_ms.is_some() && body.contains("rate-limited"), "{body}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_knock_so_often() {
    let cluster = Cluster::alone("[limits]\nhandshakes_per_address = 2").await;
    for _ in 0..2 {
        cluster.try_connect(0, "alice", Codec::Json).await.unwrap();
    }
    let third = cluster.try_connect(0, "alice", Codec::Json).await.map(drop);
    assert!(
        matches!(third, Err(ConnectError::Refused { status: 429, .. })),
        "{third:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_may_have_a_rate_of_its_own() {
    let rate = "[[limits.endpoints]]\nendpoint = 'rooms.state'\nper_second = 1\nburst = 2";
    let cluster = Cluster::alone(rate).await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let ask = || alice.request("getRoomState", json!({"room": "board-1"}));
    let mut codes = Vec::new();
    for _ in 0..20 {
        codes.push(ask().await.map_or_else(|why| why.code().map(str::to_owned), |_| None));
    }
    assert_eq!(codes[..2], [None, None]);
    let limited = codes
        .iter()
        .filter(|code| code.as_deref() == Some("rate-limited"))
        .count();
    assert!(limited > 0, "{codes:?}");
    alice
        .request("ping", json!({}))
        .await
        .expect("the others are as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_sockets_are_counted_over_all_nodes() {
    let redis = RedisServer::start().await;
    let settings = format!(
        "[limits]\nsockets_per_user = 2\n[redis]\nurl = 'redis://127.0.0.1:{}'",
        redis.port()
    );
    let cluster = Cluster::start(2, &settings).await;
    let (first, _) = cluster.connect(0, "alice").await;
    let (_second, _) = cluster.connect(1, "alice").await;
    for node in 0..2 {
        match cluster.try_connect(node, "alice", Codec::Json).await.map(drop) {
            Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4429),
            other => panic!("closed with 4429, not {other:?}"),
        }
    }
    cluster.connect(0, "bob").await;
    first.close().await;
    let again = async {
        while cluster.try_connect(1, "alice", Codec::Json).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again)
        .await
        .expect("its seat is given back");
}
