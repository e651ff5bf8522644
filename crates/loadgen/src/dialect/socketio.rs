//! Socket.IO 5 over Engine.IO 4, WebSocket only, text packets only: the first digit is Engine.IO's packet, the second
//! Socket.IO's.

use std::io::Write;

use super::{Said, behind, number};
use crate::payload::{DESTINATION, numbered};

pub(super) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

pub(super) const PONG: &[u8] = b"3";

/// What events are called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words {
    /// `join` and `publish`, heard as `load`: what the servers in `loadtest/peers` understand.
    Peer,
    /// `endpoint` with a native request, heard as `broadcast`: Hallway's dialect `native`.
    Hallway,
}

/// The packet that connects to the main namespace.
pub(super) fn introduction(token: &str) -> Vec<u8> {
    format!(r#"40{{"token":"{token}"}}"#).into_bytes()
}

impl Words {
    pub(super) fn join(self, room: &str) -> Vec<u8> {
        let text = match self {
            Self::Peer => format!(r#"420["join","{room}"]"#),
            Self::Hallway => {
                format!(r#"420["endpoint",{{"endpointName":"rooms.join","endpointArgs":{{"room":"{room}"}}}}]"#)
            }
        };
        text.into_bytes()
    }

    pub(super) fn publish(self, room: &str, id: u64, number: u64, size: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(size + 192);
        // Writing to a Vec cannot fail.
        let _ = match self {
            Self::Peer => write!(out, r#"42{id}["publish","{room}","#),
            Self::Hallway => write!(
                out,
                r#"42{id}["endpoint",{{"endpointName":"rooms.broadcast","endpointArgs":{{"room":"{room}","destination":"{DESTINATION}","data":"#
            ),
        };
        numbered(&mut out, number, size);
        out.extend_from_slice(match self {
            Self::Peer => b"]",
            Self::Hallway => b"}}]",
        });
        out
    }

    pub(super) fn hear(self, payload: &[u8]) -> Said<'_> {
        match payload {
            [b'4', b'2', event @ ..] => self.event(event),
            [b'4', b'3', answer @ ..] => self.answer(answer),
            [b'4', b'0', ..] => Said::Welcome,
            [b'4', b'4', ..] => Said::Refused,
            [b'0', b'{', ..] => Said::Open(""),
            b"2" => Said::Ping,
            _ => Said::Unknown,
        }
    }

    fn event(self, event: &[u8]) -> Said<'_> {
        let number = match self {
            Self::Peer => event.strip_prefix(br#"["load",{"n":"#).and_then(number),
            Self::Hallway => return Self::hallway_event(event),
        };
        number.map_or(Said::Unknown, Said::Load)
    }

    /// A broadcast of ours, or one of what Hallway says by itself.
    fn hallway_event(event: &[u8]) -> Said<'static> {
        let Some(fields) = event.strip_prefix(br#"["broadcast",{"#) else {
            // `hallway:place` is what recovery goes by.
            let by_itself: [&[u8]; 2] = [br#"["hello","#, br#"["hallway:place","#];
            return match by_itself.iter().any(|name| event.starts_with(name)) {
                true => Said::Aside,
                false => Said::Unknown,
            };
        };
        let ours = format!(r#""destination":"{DESTINATION}","data":{{"n":"#);
        behind(fields, ours.as_bytes())
            .and_then(number)
            .map_or(Said::Aside, Said::Load)
    }

    fn answer(self, answer: &[u8]) -> Said<'_> {
        let digits = answer.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let done: &[u8] = match self {
            Self::Peer => b"[{}]",
            Self::Hallway => br#"[{"data""#,
        };
        if answer[digits..].starts_with(done) {
            Said::Done
        } else {
            Said::Refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_a_peer_are_told_apart() {
        let cases: [(&[u8], Said<'_>); 12] = [
            (br#"0{"sid":"a","upgrades":[],"pingInterval":25000}"#, Said::Open("")),
            (br#"40{"sid":"b"}"#, Said::Welcome),
            (br#"44{"message":"jwt malformed"}"#, Said::Refused),
            (b"2", Said::Ping),
            (b"430[{}]", Said::Done),
            (b"4317[{}]", Said::Done),
            (br#"4317["no"]"#, Said::Refused),
            (br#"42["load",{"n":170,"pad":"xx"}]"#, Said::Load(170)),
            (br#"42["load",{"pad":"xx"}]"#, Said::Unknown),
            (br#"42["other",{"n":170}]"#, Said::Unknown),
            (br#"42["load",{"n":"170"}]"#, Said::Unknown),
            (b"1", Said::Unknown),
        ];
        for (packet, said) in cases {
            assert_eq!(Words::Peer.hear(packet), said, "{}", String::from_utf8_lossy(packet));
        }
    }

    #[test]
    fn packets_of_hallway_are_told_apart() {
        let ours =
            br#"42["broadcast",{"room":"board-load-1","destination":"load","data":{"n":9,"pad":"x"},"seq":4},"o"]"#;
        let other = br#"42["broadcast",{"room":"board-load-1","destination":"user-joined","data":{"n":9},"seq":4}]"#;
        let cases: [(&[u8], Said<'_>); 7] = [
            (br#"42["hallway:place","p;user-1!e.0"]"#, Said::Aside),
            (ours, Said::Load(9)),
            (other, Said::Aside),
            (br#"42["hello",{"clientId":"c"}]"#, Said::Aside),
            (br#"42["goodbye",{"reason":"draining"}]"#, Said::Unknown),
            (br#"431[{"data":{"seq":1}}]"#, Said::Done),
            (br#"431[{"error":{"code":"forbidden"}}]"#, Said::Refused),
        ];
        for (packet, said) in cases {
            assert_eq!(Words::Hallway.hear(packet), said, "{}", String::from_utf8_lossy(packet));
        }
    }

    #[test]
    fn what_is_published_is_an_event_with_data_of_the_size() {
        for (words, at) in [(Words::Peer, "/2"), (Words::Hallway, "/1/endpointArgs/data")] {
            let packet = words.publish("board-1", 31, 7, 128);
            let event: serde_json::Value = serde_json::from_slice(packet.strip_prefix(b"4231").unwrap()).unwrap();
            let data = event.pointer(at).unwrap();
            assert_eq!((&data["n"], data.to_string().len()), (&7.into(), 128));
            assert!(event.to_string().contains(r#""board-1""#));
        }
    }
}
