//! What publishers say: a broadcast of a fixed size with the time of its making in it.

use std::io::Write;

use hallway_protocol::Codec;
use hallway_protocol::codec::json_to_msgpack;

use crate::error::Failure;

/// The event's name, by which readers tell our broadcasts from the gateway's own.
pub(crate) const DESTINATION: &str = "load";

/// Added to the time, so that it always has sixteen digits (and always eight bytes in MessagePack).
pub(crate) const TIME_BASE: u64 = 1_000_000_000_000_000;

/// Bytes of [`data`] without its padding.
pub(crate) const SMALLEST: usize = 31;

/// Appends the data object, `size` bytes of JSON.
pub(crate) fn data(out: &mut Vec<u8>, micros: u64, size: usize) {
    let end = out.len() + size - 2;
    // Writing to a Vec cannot fail.
    let _ = write!(out, r#"{{"t":{},"pad":""#, TIME_BASE + micros);
    out.resize(end, b'x');
    out.extend_from_slice(br#""}"#);
}

/// Appends a data object of the same size with a number in place of the time, for protocols that number nothing.
pub(crate) fn numbered(out: &mut Vec<u8>, number: u64, size: usize) {
    let end = out.len() + size - 2;
    let _ = write!(out, r#"{{"n":{number},"pad":""#);
    out.resize(end, b'x');
    out.extend_from_slice(br#""}"#);
}

/// Appends the publisher's arguments: room, destination and data.
pub(crate) fn arguments(out: &mut Vec<u8>, room: &str, micros: u64, size: usize) {
    let _ = write!(out, r#"{{"room":"{room}","destination":"{DESTINATION}","data":"#);
    data(out, micros, size);
    out.push(b'}');
}

/// The same with a key, by which the gateway knows a repetition.
pub(crate) fn keyed_arguments(out: &mut Vec<u8>, room: &str, micros: u64, size: usize, key: &str) {
    arguments(out, room, micros, size);
    out.pop();
    let _ = write!(out, r#","idempotencyKey":"{key}"}}"#);
}

/// A request of ours.
pub(crate) fn request(codec: Codec, id: u64, endpoint: &str, args: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::with_capacity(args.len() + 64);
    let _ = write!(text, r#"{{"id":{id},"endpoint":"{endpoint}","args":"#);
    text.extend_from_slice(args);
    text.push(b'}');
    match codec {
        Codec::Json => Ok(text),
        Codec::Msgpack => json_to_msgpack(&text).map_err(Failure::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_beside_the_arguments() {
        let mut out = Vec::new();
        keyed_arguments(&mut out, "board-1", 12, 128, "k-1");
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            (&value["room"], &value["idempotencyKey"], &value["data"]["t"]),
            (&"board-1".into(), &"k-1".into(), &(TIME_BASE + 12).into())
        );
    }

    #[test]
    fn data_has_the_size_it_is_asked_for() {
        for size in [SMALLEST, 128, 1000] {
            let mut out = Vec::new();
            data(&mut out, 12, size);
            assert_eq!(out.len(), size);
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(value["t"], TIME_BASE + 12);
        }
    }
}
