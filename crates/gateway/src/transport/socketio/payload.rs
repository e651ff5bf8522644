//! WebSocket frames of this node as a payload of HTTP long-polling: what is sent is made once, as frames, whatever
//! brings it to the client.

use bytes::Bytes;
use hallway_hub::{Opcode, frame};
use hallway_socketio::Payload;

/// Adds whole frames, as this node writes them: not masked and not fragmented.
pub(super) fn add(payload: &mut Payload, frames: &Bytes) {
    let mut rest: &[u8] = frames;
    while let Some((first, body, after)) = frame::split(rest) {
        rest = after;
        match first & 0x0f {
            opcode if opcode == Opcode::Text as u8 => payload.text(body),
            opcode if opcode == Opcode::Binary as u8 => payload.binary(body),
            opcode if opcode == Opcode::Close as u8 => payload.text(b"1"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use hallway_protocol::CloseCode;

    use super::*;

    #[test]
    fn frames_of_any_length_are_packets() {
        let long = "x".repeat(70_000);
        let mut frames = Vec::new();
        for (opcode, body) in [
            (Opcode::Text, "42[1]".as_bytes()),
            (Opcode::Binary, &[1, 2][..]),
            (Opcode::Text, &long.as_bytes()[..300]),
            (Opcode::Text, long.as_bytes()),
            (Opcode::Ping, b""),
        ] {
            frames.extend_from_slice(&frame::whole(opcode, body));
        }
        frames.extend_from_slice(&frame::close(CloseCode::Draining, "x"));
        let mut payload = Payload::default();
        add(&mut payload, &frames.into());
        let expected = format!("42[1]\u{1e}bAQI=\u{1e}{}\u{1e}{long}\u{1e}1", &long[..300]);
        assert_eq!(payload.into_bytes(), expected.as_bytes());
    }
}
