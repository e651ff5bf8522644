//! Whatever a client sends has its documented answer, and costs nobody else anything.

use hallway_testkit::{Cluster, Raw, token};

async fn open(cluster: &Cluster, codec: &str) -> Raw {
    let headers = format!(
        "Authorization: Bearer {}\r\nSec-WebSocket-Protocol: {codec}\r\n",
        token("alice", &["board-*"])
    );
    let mut raw = Raw::open(cluster.node(0).public_address(), &headers).await.unwrap();
    raw.answer().await.unwrap();
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be_answered_close_with_4400() {
    let cluster = Cluster::alone("").await;
    let bad: [&[u8]; 12] = [
        b"",
        b"nonsense",
        b"{",
        b"[]",
        b"[1,\"ping\",{}]",
        b"7",
        b"\"ping\"",
        b"null",
        b"{}",
        b"{\"id\":-1,\"endpoint\":\"ping\"}",
        b"{\"id\":1.5,\"endpoint\":\"ping\"}",
        b"{\"id\":9007199254740992,\"endpoint\":\"ping\"}",
    ];
    for text in bad {
        let mut raw = open(&cluster, "hallway.v1.json").await;
        raw.send(0x81, text).await;
        assert_eq!(raw.close_code().await, Some(4400), "{}", String::from_utf8_lossy(text));
    }
    let mut raw = open(&cluster, "hallway.v1.json").await;
    raw.send(0x82, b"{\"id\":1,\"endpoint\":\"ping\"}").await;
    assert_eq!(
        raw.close_code().await,
        Some(4400),
        "a binary frame where text is agreed"
    );
    let bad: [&[u8]; 6] = [
        b"\xc1",
        b"\x93\x01\xa4ping\x80",
        b"\x81\xa2id",
        b"\xc4\x01x",
        b"\x82\x01\x02\x03\x04",
        &[0x91; 60_000],
    ];
    for bytes in bad {
        let mut raw = open(&cluster, "hallway.v1.msgpack").await;
        raw.send(0x82, bytes).await;
        assert_eq!(raw.close_code().await, Some(4400), "{bytes:.8x?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_can_be_answered_are_and_the_socket_stays() {
    let cluster = Cluster::alone("").await;
    let mut raw = open(&cluster, "hallway.v1.json").await;
    let deep = format!(
        "{{\"id\":5,\"endpoint\":\"ping\",\"args\":{{\"a\":{}{}}}}}",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    for (text, code) in [
        (r#"{"id":1}"#, "bad-frame"),
        (r#"{"id":1,"endpoint":7}"#, "bad-frame"),
        (r#"{"id":1,"endpoint":"nope"}"#, "unknown-endpoint"),
        (r#"{"id":1,"endpoint":"ping","args":[]}"#, "bad-args"),
        (r#"{"id":1,"endpoint":"rooms.join","args":{"room":{}}}"#, "bad-args"),
        (r#"{"id":1,"endpoint":"rooms.join"}"#, "bad-args"),
        (
            r#"{"id":1,"endpoint":"client.update","args":{"isActive":"yes"}}"#,
            "bad-args",
        ),
        (deep.as_str(), "bad-args"),
    ] {
        raw.text(text).await;
        let answer = raw.answer().await.expect("an answer").text();
        assert!(answer.contains(&format!(r#""code":"{code}""#)), "{text:.60}: {answer}");
    }
    // Without an id there is no reply, not even on failure: the next answer is the marker's.
    raw.text(r#"{"endpoint":"nope"}"#).await;
    raw.text(r#"{"endpoint":"rooms.join","args":{"room":7}}"#).await;
    raw.text(r#"{"id":99,"endpoint":"ping","args":{},"future":true}"#).await;
    assert!(
        raw.answer()
            .await
            .unwrap()
            .text()
            .starts_with(r#"{"reply":{"id":99,"data":{"serverTime":"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_not_every_codec_carries_are_refused() {
    let cluster = Cluster::alone("").await;
    let mut raw = open(&cluster, "hallway.v1.json").await;
    let nested = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for data in [r#""\ud800""#, "1e999", nested.as_str()] {
        raw.text(&format!(
            r#"{{"id":1,"endpoint":"rooms.broadcast","args":{{"room":"user-alice","destination":"d","data":{data}}}}}"#
        ))
        .await;
        let answer = raw.answer().await.unwrap().text();
        assert!(answer.contains("bad-args"), "{data:.20}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_websocket_protocol_is_held_to() {
    let cluster = Cluster::alone("[limits]\nframe_size = '2KiB'\nunauthenticated_frame_size = '1KiB'").await;
    for (first, payload, code) in [
        (0x81, vec![b'x'; 2049], 1009),
        (0x81, b"\xff\xfe".to_vec(), 1007),
        (0xf1, b"{}".to_vec(), 1002),
        (0x83, b"{}".to_vec(), 1002),
        (0x09, b"".to_vec(), 1002),
        (0x89, vec![0; 126], 1002),
        (0x80, b"{}".to_vec(), 1002),
    ] {
        let mut raw = open(&cluster, "hallway.v1.json").await;
        raw.send(first, &payload).await;
        assert_eq!(raw.close_code().await, Some(code), "{first:x}");
    }
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    raw.send(0x81, &[b' '; 1025]).await;
    assert_eq!(raw.close_code().await, Some(1009), "smaller before authentication");
    let mut raw = open(&cluster, "hallway.v1.json").await;
    raw.write(&[0x81, 0x02, b'{', b'}']).await;
    assert_eq!(raw.close_code().await, Some(1002), "not masked");
    let mut raw = open(&cluster, "hallway.v1.json").await;
    raw.send(0x88, &[0x03, 0xe8]).await;
    assert_eq!(raw.close_code().await, Some(1000), "a close is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_and_control_frames_between_them_are_one_message() {
    let cluster = Cluster::alone("").await;
    let mut raw = open(&cluster, "hallway.v1.json").await;
    raw.send(0x01, br#"{"id":1,"endp"#).await;
    raw.send(0x89, b"hello").await;
    raw.send(0x00, br#"oint":"p"#).await;
    raw.send(0x80, br#"ing"}"#).await;
    let mut pong = raw.frame().await.unwrap();
    // The node pings when it is the connection's turn, which may be at once.
    while pong.opcode == 9 {
        pong = raw.frame().await.unwrap();
    }
    assert_eq!((pong.opcode, pong.payload.as_slice()), (10, b"hello".as_slice()));
    assert!(raw.answer().await.unwrap().text().contains(r#""id":1"#));
}
