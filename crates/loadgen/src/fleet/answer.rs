//! What a node answers to one who comes back: the hello with what was missed, or a reply to `rooms.join`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hallway_protocol::Codec;
use hallway_protocol::codec::msgpack_to_json;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::{Doing, Failure};

/// The first frame of the server.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hello {
    pub(super) resume_ticket: Option<String>,
    /// One answer per room that was asked for.
    #[serde(default)]
    pub(super) resumed: BTreeMap<String, Entered>,
}

/// How a room was entered.
#[derive(Debug, Deserialize)]
pub(super) struct Entered {
    #[serde(default)]
    pub(super) recovered: bool,
    /// Broadcasts that came while the client was away, in order.
    #[serde(default)]
    pub(super) missed: Vec<Missed>,
    /// Where the room stands; none where nothing was broadcast.
    pub(super) state: Option<Position>,
    /// What to come back with where there is no state.
    pub(super) position: Option<Position>,
    /// Why it was not entered.
    pub(super) error: Option<IgnoredAny>,
}

/// A missed broadcast's number.
#[derive(Debug, Deserialize)]
pub(super) struct Missed {
    pub(super) epoch: String,
    pub(super) seq: u64,
}

impl Entered {
    /// From where the client goes on: the numbering and the last number in it.
    pub(super) fn stands(&self) -> Option<(&str, u64)> {
        let position = self.state.as_ref().or(self.position.as_ref())?;
        Some((&position.epoch, position.seq))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Position {
    pub(super) epoch: String,
    pub(super) seq: u64,
}

/// Reads a hello.
pub(super) fn hello(codec: Codec, payload: &[u8]) -> Result<Hello, Failure> {
    #[derive(Deserialize)]
    struct Frame {
        hello: Hello,
    }
    Ok(read::<Frame>(codec, payload)?.hello)
}

/// Reads the reply to `rooms.join`.
pub(super) fn entered(codec: Codec, payload: &[u8]) -> Result<Entered, Failure> {
    #[derive(Deserialize)]
    struct Reply {
        data: Entered,
    }
    #[derive(Deserialize)]
    struct Frame {
        reply: Reply,
    }
    Ok(read::<Frame>(codec, payload)?.reply.data)
}

fn read<T: DeserializeOwned>(codec: Codec, payload: &[u8]) -> Result<T, Failure> {
    let text = match codec {
        Codec::Json => Cow::Borrowed(payload),
        Codec::Msgpack => Cow::Owned(msgpack_to_json(payload).map_err(Failure::new)?),
    };
    serde_json::from_slice(&text).doing("an answer that cannot be read")
}

#[cfg(test)]
mod tests {
    use hallway_protocol::codec::json_to_msgpack;

    use super::*;

    fn in_both(text: &str) -> [(Codec, Vec<u8>); 2] {
        [
            (Codec::Json, text.into()),
            (Codec::Msgpack, json_to_msgpack(text.as_bytes()).unwrap()),
        ]
    }

    #[test]
    fn a_hello_has_a_ticket_and_an_answer_per_room() {
        let text = r#"{"hello":{"clientId":"c","rooms":["client-c"],"resumeTicket":"t","resumed":{
            "board-1":{"recovered":true,"missed":[
                {"room":"board-1","destination":"load","data":{"t":1},"seq":12,"epoch":"k","ts":1}],
                "state":{"lastBroadcastTimestamp":1,"seq":12,"epoch":"k"}},
            "board-2":{"recovered":false,"missed":[],"state":null,"position":{"epoch":"k","seq":0}},
            "board-3":{"error":{"code":"forbidden","message":"no"}}}}}"#;
        for (codec, frame) in in_both(text) {
            let hello = hello(codec, &frame).unwrap();
            assert_eq!(hello.resume_ticket.as_deref(), Some("t"));
            let one = &hello.resumed["board-1"];
            assert!(one.recovered && one.error.is_none());
            assert_eq!((one.missed[0].seq, one.missed[0].epoch.as_str()), (12, "k"));
            assert_eq!(one.stands(), Some(("k", 12)));
            let empty = &hello.resumed["board-2"];
            assert!(!empty.recovered);
            assert_eq!(empty.stands(), Some(("k", 0)));
            assert!(hello.resumed["board-3"].error.is_some());
        }
    }

    #[test]
    fn a_hello_without_a_ticket_and_a_reply_are_read_too() {
        for (codec, frame) in in_both(r#"{"hello":{"clientId":"c"}}"#) {
            let hello = hello(codec, &frame).unwrap();
            assert!(hello.resume_ticket.is_none() && hello.resumed.is_empty());
        }
        let text = r#"{"reply":{"id":1,"data":{"room":"board-1","state":{"lastBroadcastTimestamp":1,"seq":3,
            "epoch":"k"},"recovered":true,"missed":[{"seq":3,"epoch":"k"}]}}}"#;
        for (codec, frame) in in_both(text) {
            let entered = entered(codec, &frame).unwrap();
            assert_eq!((entered.recovered, entered.missed.len()), (true, 1));
        }
    }
}
