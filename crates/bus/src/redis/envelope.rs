//! What stands on a channel.
//!
//! Ours begins with a byte that no JSON text begins with: `0x01 <epoch>-<seq> <ts>\n<message>`, or `-` in place of
//! the position. The script writes that head. What begins with `{` was published past the gateway.

use bytes::Bytes;
use hallway_protocol::{Epoch, Position};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Message;
use crate::message::Malformed;

const OURS: u8 = 1;

/// A payload, read as far as all channels have in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Published by a node; what stands behind the head depends on the channel.
    Ours {
        /// Its place, if it was numbered.
        position: Option<Position>,
        /// The server's clock in milliseconds.
        ts: u64,
        /// What was published.
        body: Bytes,
    },
    /// Published past the gateway.
    Foreign(Message),
}

/// Reads a payload.
pub(super) fn read(payload: &Bytes) -> Result<Envelope, Malformed> {
    match payload.first() {
        Some(&OURS) => read_ours(payload),
        Some(b'{') => read_foreign(payload).map(Envelope::Foreign),
        _ => Err(Malformed("neither ours nor a JSON object")),
    }
}

fn read_ours(payload: &Bytes) -> Result<Envelope, Malformed> {
    const HEAD: Malformed = Malformed("bad head");
    // Two numbers of 20 digits, a time of 20, and four other bytes.
    let end = payload.iter().take(64).position(|byte| *byte == b'\n').ok_or(HEAD)?;
    let head = std::str::from_utf8(&payload[1..end]).map_err(|_| HEAD)?;
    let (position, ts) = head.split_once(' ').ok_or(HEAD)?;
    Ok(Envelope::Ours {
        position: read_position(position).ok_or(HEAD)?,
        ts: ts.parse().map_err(|_| HEAD)?,
        body: payload.slice(end + 1..),
    })
}

/// Reads `<epoch>-<seq>`, or `-` for none; nothing if it is neither.
pub(super) fn read_position(text: &str) -> Option<Option<Position>> {
    if text == "-" {
        return Some(None);
    }
    let (epoch, seq) = text.split_once('-')?;
    Some(Some(Position {
        epoch: Epoch(epoch.parse().ok()?),
        seq: seq.parse().ok()?,
    }))
}

#[derive(Deserialize)]
struct Foreign<'a> {
    #[serde(borrow)]
    destination: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn read_foreign(payload: &Bytes) -> Result<Message, Malformed> {
    let foreign: Foreign<'_> =
        serde_json::from_slice(payload).map_err(|_| Malformed("not {\"destination\":…,\"data\":…}"))?;
    Ok(Message {
        destination: foreign.destination.into(),
        data: payload.slice_ref(foreign.data.get().as_bytes()),
        exclude: None,
        sent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &'static str) -> Result<Envelope, Malformed> {
        read(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn ours_is_read() {
        let position = Some(Position {
            epoch: Epoch(5),
            seq: 12,
        });
        let body = Bytes::from_static(b"x\ny");
        assert_eq!(
            read_text("\u{1}5-12 99\nx\ny"),
            Ok(Envelope::Ours { position, ts: 99, body })
        );
        assert_eq!(
            read_text("\u{1}- 99\n"),
            Ok(Envelope::Ours {
                position: None,
                ts: 99,
                body: Bytes::new()
            })
        );
    }

    #[test]
    fn foreign_json_is_read() {
        let Ok(Envelope::Foreign(message)) = read_text(r#"{"data": {"a":[1]}, "destination":"a\"b", "more":1}"#) else {
            panic!("not read");
        };
        assert_eq!(&*message.destination, "a\"b");
        assert_eq!(message.data, r#"{"a":[1]}"#);
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "",
            "\u{1}",
            "\u{1}\n",
            "\u{1}5-12\n",
            "\u{1}5 99\n",
            "\u{1}5--1 99\n",
            "\u{1}-5-1 99\n",
            "\u{1}99999999999999999999-1 99\n",
            "hello",
            "[]",
            "{}",
            r#"{"destination":"x"}"#,
            r#"{"destination":7,"data":1}"#,
        ] {
            assert!(read_text(text).is_err(), "{text:?}");
        }
    }
}
