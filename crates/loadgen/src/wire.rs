//! WebSocket framing, as little as a reader of server frames needs, and the upgrade request.

use crate::error::Failure;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Masks are for proxies' sake; any key does here, but not zero, so that unmasking costs what it costs.
const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x9e];

/// A whole frame at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// Header and payload.
    pub(crate) size: usize,
}

/// Reads one server frame; `None` while it is not all there.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Frame<'_>>, Failure> {
    let [first, second, more @ ..] = bytes else {
        return Ok(None);
    };
    if second & 0x80 != 0 || first & 0x70 != 0 {
        return Err(Failure::new(format!("no frame of a server: {first:#x} {second:#x}")));
    }
    if first & 0x80 == 0 {
        return Err(Failure::new(
            "a fragmented frame, which this reader does not put together",
        ));
    }
    let (head, length) = match (second, more) {
        (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [0, 0, 0, 0, a, b, c, d, ..]) => (10, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        (127, [_, _, _, _, _, _, _, _, ..]) => return Err(Failure::new("a frame of more than 4 GiB")),
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, usize::from(*length)),
    };
    let size = head + length;
    Ok(bytes.get(head..size).map(|payload| Frame {
        opcode: first & 0x0f,
        payload,
        size,
    }))
}

/// Appends a masked client frame.
pub(crate) fn put_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend_from_slice(payload);
    for (byte, key) in out[start..].iter_mut().zip(MASK.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a server frame.
pub(crate) fn put_plain(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn put_head(out: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..126), _) => out.push(masked | length),
        (_, Ok(length)) => {
            out.push(masked | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// The request that turns a connection into a WebSocket. The key is RFC 6455's sample; the answer to it is not
/// checked, since nothing stands between the two here. Without a token the first frame has to say who it is.
pub(crate) fn upgrade(host: &str, subprotocol: &str, token: Option<&str>) -> String {
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let more = format!("Sec-WebSocket-Protocol: {subprotocol}\r\n{authorization}");
    upgrade_to(host, "/ws", &more)
}

/// The same to any path, with further headers, each with its end of line.
pub(crate) fn upgrade_to(host: &str, path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_only_when_it_is_all_there() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![7; length];
            let mut bytes = Vec::new();
            put_plain(&mut bytes, TEXT, &payload);
            let size = bytes.len();
            let frame = parse(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload.len(), frame.size), (TEXT, length, size));
            for cut in [0, 1, 2, 3, 9, size - 1] {
                if cut < size {
                    assert_eq!(parse(&bytes[..cut]).unwrap(), None, "{length} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn what_no_server_sends_is_an_error() {
        for bytes in [[0x81, 0x80], [0xc1, 0x00], [0x01, 0x00]] {
            assert!(parse(&bytes).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn masking_is_undone_by_the_key() {
        let mut bytes = Vec::new();
        put_masked(&mut bytes, PONG, b"hello");
        assert_eq!(bytes[..6], [0x8a, 0x85, MASK[0], MASK[1], MASK[2], MASK[3]]);
        let plain: Vec<u8> = bytes[6..].iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b).collect();
        assert_eq!(plain, b"hello");
    }
}
