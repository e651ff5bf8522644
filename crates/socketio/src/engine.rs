//! Engine.IO, revision 4: a packet is a digit and its data; over WebSocket each has a frame of its own, and over
//! HTTP several are parted by a record separator, the binary ones as `b` and base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::Malformed;

/// Parts the packets of a payload.
pub const SEPARATOR: u8 = 0x1e;

/// One packet from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The client ends the session.
    Close,
    /// Before an upgrade: `probe`.
    Ping(&'a str),
    /// The answer to our ping.
    Pong,
    /// A Socket.IO packet.
    Message(&'a str),
    /// An attachment.
    Binary(Vec<u8>),
    /// The upgrade is done.
    Upgrade,
    /// Nothing.
    Noop,
}

/// Reads one packet from text.
///
/// # Errors
/// It is empty, or of a type that a client must not send.
pub fn parse(text: &str) -> Result<Packet<'_>, Malformed> {
    let Some(kind) = text.as_bytes().first() else {
        return Err(Malformed("an empty packet"));
    };
    let rest = || text.get(1..).unwrap_or_default();
    match kind {
        b'1' => Ok(Packet::Close),
        b'2' => Ok(Packet::Ping(rest())),
        b'3' => Ok(Packet::Pong),
        b'4' => Ok(Packet::Message(rest())),
        b'5' => Ok(Packet::Upgrade),
        b'6' => Ok(Packet::Noop),
        b'b' => STANDARD
            .decode(rest())
            .map(Packet::Binary)
            .map_err(|_| Malformed("a binary packet that is not base64")),
        _ => Err(Malformed("an unknown packet type")),
    }
}

/// The packets of a payload, at most `most` of them.
///
/// # Errors
/// There are more, or it is empty. Each packet is still to be read with [`parse`].
pub fn packets(payload: &str, most: usize) -> Result<Vec<&str>, Malformed> {
    let packets: Vec<&str> = payload
        .split(char::from(SEPARATOR))
        .take(most.saturating_add(1))
        .collect();
    if packets.len() > most {
        return Err(Malformed("too many packets in one payload"));
    }
    Ok(packets)
}

/// A payload being written.
#[derive(Debug, Default)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// Adds a packet of text, its type included.
    pub fn text(&mut self, packet: &[u8]) {
        self.part();
        self.0.extend_from_slice(packet);
    }

    /// Adds a binary packet.
    pub fn binary(&mut self, data: &[u8]) {
        self.part();
        self.0.push(b'b');
        self.0.extend_from_slice(STANDARD.encode(data).as_bytes());
    }

    fn part(&mut self) {
        if !self.0.is_empty() {
            self.0.push(SEPARATOR);
        }
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The server's first packet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake<'a> {
    /// The session.
    pub sid: &'a str,
    /// Transports that it may change to.
    pub upgrades: &'a [&'a str],
    /// How often the server pings, in milliseconds.
    pub ping_interval: u64,
    /// How long after that the client waits for the next ping, in milliseconds.
    pub ping_timeout: u64,
    /// Largest payload, in bytes.
    pub max_payload: u64,
}

impl Handshake<'_> {
    /// The packet, with its type.
    #[must_use]
    pub fn packet(&self) -> String {
        format!("0{}", serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_and_refused() {
        assert_eq!(parse("2probe"), Ok(Packet::Ping("probe")));
        assert_eq!(parse("3"), Ok(Packet::Pong));
        assert_eq!(parse("4hello €"), Ok(Packet::Message("hello €")));
        assert_eq!(parse("bAQIDBA=="), Ok(Packet::Binary(vec![1, 2, 3, 4])));
        for bad in ["", "0", "7", "abc", "b?", "€"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn payloads_are_those_of_the_documents() {
        assert_eq!(
            packets("4hello\u{1e}2\u{1e}4world", 3).unwrap(),
            ["4hello", "2", "4world"]
        );
        assert!(packets("4\u{1e}4", 1).is_err());
        let mut payload = Payload::default();
        payload.text(b"4hello");
        payload.binary(&[1, 2, 3, 4]);
        assert_eq!(payload.into_bytes(), b"4hello\x1ebAQIDBA==");
    }
}
