//! Handshake, authentication, and what happens when they fail.

use std::time::Duration;

use futures_util::SinkExt;
use hallway_client::{Client, Codec, ConnectError, FirstFrame, Options, ResumeFrom};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::server::{listen, serve};

#[tokio::test]
async fn the_token_goes_into_the_header_and_the_hello_comes_back() {
    let (seen, headers) = oneshot::channel();
    let url = serve(async |mut peer| {
        let _ = seen.send(peer.request.headers().clone());
        peer.hello().await;
        peer.hear().await;
    })
    .await;
    let options = Options::new(url).token("t0").header("X-Test", "yes");
    let (client, hello) = Client::connect(options).await.unwrap();
    let headers = headers.await.unwrap();
    assert_eq!(headers["authorization"], "Bearer t0");
    assert_eq!(headers["x-test"], "yes");
    assert_eq!(headers["sec-websocket-protocol"], "hallway.v1.json");
    assert_eq!((hello.client_id.as_str(), hello.user_id.as_deref()), ("c1", Some("u1")));
    assert_eq!(hello.rooms, ["client-c1", "user-u1"]);
    client.close().await;
}

#[tokio::test]
async fn the_token_can_come_as_a_subprotocol_or_as_the_first_frame() {
    let url = serve(async |mut peer| {
        let offers = peer.request.headers()["sec-websocket-protocol"].clone();
        assert_eq!(offers, "hallway.v1.msgpack, hallway.token.abc");
        assert_eq!(
            peer.hear().await.unwrap(),
            json!({"endpoint": "auth.connect", "args": {"token": "t1"}})
        );
        peer.hello().await;
        peer.hear().await;
    })
    .await;
    let mut options = Options::new(url)
        .codec(Codec::Msgpack)
        .first_frame(FirstFrame::Connect { token: "t1".into() });
    options.token_subprotocol = Some("abc".into());
    Client::connect(options).await.unwrap();
}

#[tokio::test]
async fn a_resume_is_the_first_frame_and_no_subprotocol_means_json() {
    let url = serve(async |mut peer| {
        assert!(peer.request.headers().get("sec-websocket-protocol").is_none());
        assert_eq!(
            peer.hear().await.unwrap(),
            json!({"endpoint": "auth.resume", "args": {"ticket": "x", "rooms": {"board-1": {"epoch": "e", "seq": 3}}}})
        );
        peer.say(
            json!({"hello": {"clientId": "c", "node": "n", "rooms": [], "pingIntervalMs": 1, "serverTime": 1,
            "resumeTicket": "y", "resumed": {"board-1": {"recovered": true, "missed": []}}}}),
        )
        .await;
        peer.hear().await;
    })
    .await;
    let rooms = [(
        "board-1".to_owned(),
        Some(ResumeFrom {
            epoch: "e".into(),
            seq: 3,
        }),
    )];
    let options = Options::new(url)
        .subprotocols([] as [String; 0])
        .first_frame(FirstFrame::Resume {
            ticket: "x".into(),
            rooms: rooms.into(),
        });
    let (_client, hello) = Client::connect(options).await.unwrap();
    assert_eq!(hello.resume_ticket.as_deref(), Some("y"));
    assert_eq!(hello.resumed.unwrap()["board-1"]["recovered"], true);
}

#[tokio::test]
async fn a_refused_handshake_has_its_status_and_body() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await.unwrap();
        let body = r#"{"error":{"code":"rate-limited"}}"#;
        let answer = format!("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 33\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let error = Client::connect(Options::new(url)).await.unwrap_err();
    match error {
        ConnectError::Refused {
            status,
            retry_after_ms,
            body,
        } => {
            assert_eq!((status, retry_after_ms), (429, Some(3000)));
            assert!(body.contains("rate-limited"), "{body}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_close_before_the_hello_has_its_code() {
    let url = serve(async |mut peer| {
        let frame = CloseFrame {
            code: 4401.into(),
            reason: "expired".into(),
        };
        peer.socket.send(Message::Close(Some(frame))).await.unwrap();
        peer.hear().await;
    })
    .await;
    match Client::connect(Options::new(url)).await.unwrap_err() {
        ConnectError::Closed(closed) => assert_eq!((closed.code, closed.reason.as_str()), (4401, "expired")),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let (_listener, url) = listen().await;
    let mut options = Options::new(url);
    options.connect_timeout = Duration::from_millis(50);
    let error = Client::connect(options).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout), "{error}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_before_connecting() {
    for options in [
        Options::new("ftp://localhost/ws"),
        Options::new("nonsense"),
        Options::new("ws://localhost:1/ws").token("a\nb"),
    ] {
        let error = Client::connect(options).await.unwrap_err();
        assert!(matches!(error, ConnectError::Options(_)), "{error}");
    }
}
