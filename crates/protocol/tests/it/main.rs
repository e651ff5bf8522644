//! The wire as data: each vector is read or written by every codec, and by clients in other languages alike
//! (`tests/vectors`). What stands in `docs/protocol.md` as a table is held against the catalogues.

#![allow(clippy::unwrap_used)]

use hallway_protocol::codec::{self, json_to_msgpack, msgpack_to_json};
use hallway_protocol::{
    Broadcast, CloseCode, Codec, Endpoint, Epoch, Error, ErrorCode, FrameError, Goodbye, Position, Reply, RoomName,
    ServerFrame,
};
use serde_json::Value;

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn clients_frames_are_read_alike_in_every_codec() {
    for vector in vectors(include_str!("../vectors/client_frames.json")) {
        let json = serde_json::to_vec(&vector["frame"]).unwrap();
        for (codec, bytes) in [
            (Codec::Json, json.clone()),
            (Codec::Msgpack, json_to_msgpack(&json).unwrap()),
        ] {
            let name = format!("{} as {}", vector["name"], codec.name());
            match (codec::decode(codec, &bytes), vector["error"].as_str()) {
                (Ok(frame), None) => {
                    assert_eq!(frame.id, vector["id"].as_u64(), "{name}");
                    assert_eq!(
                        frame.endpoint.ok().map(Endpoint::name),
                        vector["endpoint"].as_str(),
                        "{name}"
                    );
                }
                (Err(FrameError::Unanswerable(_)), Some("closes")) => {}
                (Err(FrameError::Answerable(_, why)), Some(code)) => assert_eq!(why.code.wire(), code, "{name}"),
                (result, expected) => panic!("{name}: {result:?}, not {expected:?}"),
            }
        }
    }
}

#[test]
fn the_servers_frames_are_these_bytes() {
    let mut error = Error::bad_args("room", "no");
    error.message = "no".into();
    let goodbye = Goodbye {
        reason: "draining".into(),
        reconnect_after_ms: 1840,
    };
    let position = Some(Position {
        epoch: Epoch::parse("k3v9").unwrap(),
        seq: 12,
    });
    let (board, pool) = (RoomName::parse("board-42").unwrap(), RoomName::parse("pool").unwrap());
    let said = Broadcast {
        room: &board,
        destination: "update-task",
        data: br#"{"a":[1,-2,null,true]}"#,
        position,
        ts: Some(1_700_000_000_123),
    };
    let unnumbered = Broadcast {
        room: &pool,
        destination: "lobby-created",
        data: b"null",
        position: None,
        ts: Some(1),
    };
    let data = serde_json::json!({"seq": 12});
    let written = [
        serde_json::to_vec(&ServerFrame::Reply(Reply::Data { id: 7, data })).unwrap(),
        serde_json::to_vec(&ServerFrame::<()>::Reply(Reply::Error { id: 7, error: &error })).unwrap(),
        said.to_json(),
        unnumbered.to_json(),
        serde_json::to_vec(&ServerFrame::<()>::Goodbye(&goodbye)).unwrap(),
    ];
    let vectors = vectors(include_str!("../vectors/server_frames.json"));
    assert_eq!(vectors.len(), written.len());
    for (vector, json) in vectors.iter().zip(written) {
        assert_eq!(
            String::from_utf8(json.clone()).unwrap(),
            vector["json"].as_str().unwrap(),
            "{}",
            vector["name"]
        );
        let msgpack = json_to_msgpack(&json).unwrap();
        assert_eq!(hex(&msgpack), vector["msgpack"].as_str().unwrap(), "{}", vector["name"]);
        assert_eq!(
            msgpack_to_json(&msgpack).unwrap(),
            json,
            "{} there and back",
            vector["name"]
        );
    }
}

#[test]
fn the_documented_tables_have_every_row() {
    let page = include_str!("../../../../docs/protocol.md");
    for endpoint in Endpoint::ALL {
        assert!(
            page.contains(&format!("| `{}` |", endpoint.name())),
            "{} is not documented",
            endpoint.name()
        );
    }
    for code in ErrorCode::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{}`", code.wire())));
        let row = row.unwrap_or_else(|| panic!("{} is not documented", code.wire()));
        assert!(row.contains(&format!("| {} |", code.http_status())), "{row}");
    }
    for code in CloseCode::ALL {
        let number = code.wire().to_string();
        let is_row =
            |line: &&str| line.starts_with("| ") && line.split('|').nth(1).is_some_and(|cell| cell.contains(&number));
        let row = page
            .lines()
            .find(is_row)
            .unwrap_or_else(|| panic!("{number} is not documented"));
        let comes_back = row.trim_end_matches(" |").ends_with("yes");
        assert_eq!(comes_back, CloseCode::reconnects(code.wire()), "{row}");
    }
}
