//! What a server frame is, read from as few of its bytes as will do.
//!
//! It leans on the order of fields in what Hallway writes (`room` and `destination` first, `seq` near the end),
//! so that a frame costs a comparison or two; a frame in another order counts as unknown, never as delivered.

use hallway_protocol::Codec;

use crate::payload::{DESTINATION, TIME_BASE};

/// A server frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    Hello,
    Goodbye,
    Reply {
        id: u64,
        done: bool,
    },
    /// The broadcast's fields.
    Broadcast(&'a [u8]),
    Unknown,
}

/// Tells what a frame is.
pub(crate) fn hear(codec: Codec, payload: &[u8]) -> Heard<'_> {
    match codec {
        Codec::Json => hear_json(payload),
        Codec::Msgpack => hear_msgpack(payload),
    }
}

fn hear_json(payload: &[u8]) -> Heard<'_> {
    if let Some(fields) = payload.strip_prefix(br#"{"broadcast":{"#) {
        return Heard::Broadcast(fields);
    }
    if let Some(reply) = payload.strip_prefix(br#"{"reply":{"id":"#) {
        let (id, rest) = digits(reply);
        return Heard::Reply {
            id,
            done: rest.starts_with(br#","data""#),
        };
    }
    by_prefix(payload, br#"{"hello""#, br#"{"goodbye""#)
}

fn hear_msgpack(payload: &[u8]) -> Heard<'_> {
    if let Some([_map, fields @ ..]) = payload.strip_prefix(b"\x81\xa9broadcast") {
        return Heard::Broadcast(fields);
    }
    if let Some(reply) = payload.strip_prefix(b"\x81\xa5reply\x82\xa2id") {
        let (id, rest) = unsigned(reply).unwrap_or((0, reply));
        return Heard::Reply {
            id,
            done: rest.starts_with(b"\xa4data"),
        };
    }
    by_prefix(payload, b"\x81\xa5hello", b"\x81\xa7goodbye")
}

fn by_prefix(payload: &[u8], hello: &[u8], goodbye: &[u8]) -> Heard<'static> {
    if payload.starts_with(hello) {
        Heard::Hello
    } else if payload.starts_with(goodbye) {
        Heard::Goodbye
    } else {
        Heard::Unknown
    }
}

/// How the fields of a room's broadcasts begin.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// Of any broadcast in the room.
    in_room: Vec<u8>,
    /// Of ours, up to the time in its data.
    ours: Vec<u8>,
}

impl Beginning {
    pub(crate) fn new(codec: Codec, room: &str) -> Self {
        match codec {
            Codec::Json => {
                let in_room = format!(r#""room":"{room}","#);
                let ours = format!(r#"{in_room}"destination":"{DESTINATION}","data":{{"t":"#);
                Self {
                    in_room: in_room.into(),
                    ours: ours.into(),
                }
            }
            Codec::Msgpack => {
                let mut in_room = Vec::new();
                for text in ["room", room] {
                    put_text(&mut in_room, text);
                }
                let mut ours = in_room.clone();
                for text in ["destination", DESTINATION, "data"] {
                    put_text(&mut ours, text);
                }
                ours.push(0x82);
                put_text(&mut ours, "t");
                Self { in_room, ours }
            }
        }
    }

    /// Whether the broadcast is of this room.
    pub(crate) fn is_in_room(&self, fields: &[u8]) -> bool {
        fields.starts_with(&self.in_room)
    }

    /// When our publisher made the broadcast, if it is ours: microseconds.
    pub(crate) fn ours(&self, codec: Codec, fields: &[u8]) -> Option<u64> {
        let time = fields.strip_prefix(self.ours.as_slice())?;
        let time = match codec {
            Codec::Json => digits(time).0,
            Codec::Msgpack => unsigned(time)?.0,
        };
        time.checked_sub(TIME_BASE)
    }
}

/// The broadcast's number, which stands behind the data, near the end.
pub(crate) fn seq(codec: Codec, fields: &[u8]) -> Option<u64> {
    const TAIL: usize = 128;
    let tail = &fields[fields.len().saturating_sub(TAIL)..];
    let name: &[u8] = match codec {
        Codec::Json => br#","seq":"#,
        Codec::Msgpack => b"\xa3seq",
    };
    let at = tail.windows(name.len()).rposition(|window| window == name)? + name.len();
    match codec {
        Codec::Json => Some(digits(&tail[at..]).0),
        Codec::Msgpack => Some(unsigned(&tail[at..])?.0),
    }
}

/// The broadcast's numbering and its number in it, if it has them.
pub(crate) fn place(codec: Codec, fields: &[u8]) -> Option<(&[u8], u64)> {
    const TAIL: usize = 128;
    let tail = &fields[fields.len().saturating_sub(TAIL)..];
    let name: &[u8] = match codec {
        Codec::Json => br#","epoch":""#,
        Codec::Msgpack => b"\xa5epoch",
    };
    let at = tail.windows(name.len()).rposition(|window| window == name)? + name.len();
    let epoch = match codec {
        Codec::Json => tail[at..].split(|byte| *byte == b'"').next()?,
        // An epoch has fewer than 32 bytes.
        Codec::Msgpack => {
            let (length @ 0xa0..=0xbf, text) = tail[at..].split_first()? else {
                return None;
            };
            text.get(..usize::from(length & 0x1f))?
        }
    };
    Some((epoch, seq(codec, fields)?))
}

/// Whether the broadcast is ours in whichever room.
pub(crate) fn is_ours_somewhere(codec: Codec, fields: &[u8]) -> bool {
    is_called(codec, fields, DESTINATION)
}

/// Whether the broadcast has this destination, in whichever room.
pub(crate) fn is_called(codec: Codec, fields: &[u8], destination: &str) -> bool {
    let mut name = Vec::new();
    match codec {
        Codec::Json => name.extend_from_slice(format!(r#""destination":"{destination}""#).as_bytes()),
        Codec::Msgpack => {
            put_text(&mut name, "destination");
            put_text(&mut name, destination);
        }
    }
    let head = &fields[..fields.len().min(256 + name.len())];
    head.windows(name.len()).any(|window| window == name)
}

fn digits(text: &[u8]) -> (u64, &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = text[..length].iter().fold(0_u64, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
    });
    (number, &text[length..])
}

fn unsigned(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (marker, rest) = bytes.split_first()?;
    let length = match marker {
        0..=0x7f => return Some((u64::from(*marker), rest)),
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        0xcf => 8,
        _ => return None,
    };
    let number = rest
        .get(..length)?
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some((number, &rest[length..]))
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // Names of rooms have at most 200 bytes, so the two short forms are all there is.
    match u8::try_from(text.len()) {
        Ok(length @ 0..32) => out.push(0xa0 | length),
        Ok(length) => out.extend_from_slice(&[0xd9, length]),
        Err(_) => out.push(0xc1),
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use hallway_protocol::codec::encode;
    use serde_json::{Value, json};

    use super::*;

    fn broadcast(room: &str, destination: &str, seq: u64) -> Value {
        // serde_json sorts keys, so the frame is put together as text.
        let mut data = Vec::new();
        crate::payload::data(&mut data, 77, 128);
        let data = String::from_utf8(data).unwrap();
        let raw = format!(
            r#"{{"broadcast":{{"room":"{room}","destination":"{destination}","data":{data},"seq":{seq},"epoch":"k3v9","ts":1700000000123}}}}"#
        );
        Value::String(raw)
    }

    fn bytes(codec: Codec, raw: &Value) -> Vec<u8> {
        let text = raw.as_str().unwrap().as_bytes();
        match codec {
            Codec::Json => text.to_vec(),
            Codec::Msgpack => hallway_protocol::codec::json_to_msgpack(text).unwrap(),
        }
    }

    #[test]
    fn our_broadcasts_are_known_with_their_time_and_number() {
        let long = format!("board-{}", "x".repeat(60));
        for codec in Codec::ALL {
            for room in ["board-1", &long] {
                let beginning = Beginning::new(codec, room);
                for number in [1, 127, 128, 70_000, 5_000_000_000] {
                    let frame = bytes(codec, &broadcast(room, "load", number));
                    let Heard::Broadcast(fields) = hear(codec, &frame) else {
                        panic!()
                    };
                    assert!(beginning.is_in_room(fields) && is_ours_somewhere(codec, fields));
                    assert_eq!(beginning.ours(codec, fields), Some(77));
                    assert_eq!(seq(codec, fields), Some(number));
                    assert_eq!(place(codec, fields), Some((b"k3v9".as_slice(), number)));
                    assert!(!is_called(codec, fields, "room.resync"));
                }
                let frame = bytes(codec, &broadcast(room, "user-joined", 3));
                let Heard::Broadcast(fields) = hear(codec, &frame) else {
                    panic!()
                };
                assert!(beginning.is_in_room(fields) && beginning.ours(codec, fields).is_none());
                assert!(!is_ours_somewhere(codec, fields));
                let frame = bytes(codec, &broadcast("board-10", "load", 3));
                let Heard::Broadcast(fields) = hear(codec, &frame) else {
                    panic!()
                };
                assert!(!beginning.is_in_room(fields));
            }
        }
    }

    #[test]
    fn the_other_frames_are_told_apart() {
        for codec in Codec::ALL {
            let heard = |text: &str| {
                let frame = bytes(codec, &Value::String(text.to_owned()));
                match hear(codec, &frame) {
                    Heard::Broadcast(_) => panic!(),
                    Heard::Reply { id, done } => format!("{id} {done}"),
                    other => format!("{other:?}"),
                }
            };
            assert_eq!(heard(r#"{"hello":{"clientId":"c"}}"#), "Hello");
            assert_eq!(heard(r#"{"goodbye":{"reason":"draining"}}"#), "Goodbye");
            assert_eq!(heard(r#"{"reply":{"id":300,"data":{}}}"#), "300 true");
            assert_eq!(heard(r#"{"reply":{"id":7,"error":{"code":"internal"}}}"#), "7 false");
            assert_eq!(heard("{}"), "Unknown");
        }
        assert!(encode(Codec::Json, &json!({})).is_ok());
    }
}
