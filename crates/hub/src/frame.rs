//! WebSocket frames as ready-made bytes (RFC 6455 §5.2): made once, then shared by all sockets. Frames of a
//! server are not masked.

use bytes::{BufMut, Bytes, BytesMut};
use hallway_protocol::{CloseCode, Codec};

const FIN: u8 = 0x80;

/// What a frame is (RFC 6455 §11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// UTF-8 text.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The end.
    Close = 8,
    /// Are you there?
    Ping = 9,
    /// I am.
    Pong = 10,
}

/// A ping without payload.
pub static PING: Bytes = Bytes::from_static(&[FIN | Opcode::Ping as u8, 0]);

/// Longest header of a frame that is not masked, in bytes.
pub const HEADER_MAX: usize = 10;

/// Appends a whole frame to a buffer.
pub fn write(out: &mut BytesMut, opcode: Opcode, payload: &[u8]) {
    out.reserve(HEADER_MAX + payload.len());
    write_header(out, opcode, payload.len());
    out.put_slice(payload);
}

/// Appends the header of a whole frame whose payload has this length.
pub fn write_header(out: &mut BytesMut, opcode: Opcode, length: usize) {
    out.put_u8(FIN | opcode as u8);
    match length {
        short @ 0..=125 => out.put_u8(short as u8),
        medium @ 126..=0xffff => {
            out.put_u8(126);
            out.put_u16(medium as u16);
        }
        long => {
            out.put_u8(127);
            out.put_u64(long as u64);
        }
    }
}

/// The first of whole frames, as this module writes them: not masked and not fragmented. Its first byte and its payload;
/// and what is behind it.
#[must_use]
pub fn split(frames: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = frames.split_first_chunk::<2>()?;
    let (length, rest) = match head[1] {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((head[0], payload, rest))
}

/// One whole frame.
#[must_use]
pub fn whole(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut out, opcode, payload);
    out.freeze()
}

/// The kind of frame that carries a codec.
#[must_use]
pub const fn opcode_of(codec: Codec) -> Opcode {
    match codec {
        Codec::Json => Opcode::Text,
        Codec::Msgpack => Opcode::Binary,
    }
}

/// A close frame with a code and a reason (RFC 6455 §5.5.1), cut to what a control frame holds.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> Bytes {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = BytesMut::with_capacity(2 + end);
    payload.put_u16(code.wire());
    payload.put_slice(&reason.as_bytes()[..end]);
    whole(Opcode::Close, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        for (len, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(whole(Opcode::Binary, &vec![7; len]).len(), header + len, "{len}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let frame = close(CloseCode::Draining, &"\u{e9}".repeat(100));
        assert!(frame.len() <= 127);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }
}
