//! Where a socket stands in its rooms, as one text that its client holds and brings back: what Socket.IO calls the offset
//! of connection state recovery. A client keeps the last one only, so each is whole: every room, and the last number of
//! it that was sent before. Nothing of it is kept anywhere else, which is why any node can read it, the death of the one
//! that wrote it included.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use hallway_protocol::{ClientId, Epoch, Position, RoomName};
use smallvec::SmallVec;

use crate::frame;

/// The text of a socket whose places cannot be told: it is in a room without numbers, or in too many.
pub const NOWHERE: &str = "-";
/// Longest text; it goes out with every event.
pub const TEXT_MAX: usize = 1024;

/// A room, and its lines with the last number of each that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The room's own line first, as everywhere.
    pub lines: SmallVec<[(RoomName, Option<Position>); 1]>,
}

/// The places of one socket.
#[derive(Debug, Clone, Default)]
pub struct Places {
    homes: Vec<Home>,
    /// Where it stood when it entered, for the frame that says that it has: what is sent before that waits behind it.
    first: Vec<Home>,
    text: Option<String>,
    is_open: bool,
}

impl Places {
    /// As a client brought them.
    #[must_use]
    pub fn of(homes: Vec<Home>) -> Self {
        Self {
            homes,
            is_open: true,
            ..Self::default()
        }
    }

    /// It enters a room; nothing changes if it is in. What follows the places is still to come. True if the client is to
    /// be told of it by itself.
    pub fn enter(&mut self, home: &Home) -> bool {
        if self.at(home) {
            return false;
        }
        self.text = None;
        self.homes.push(home.clone());
        if !self.is_open {
            self.first.push(home.clone());
        }
        self.is_open
    }

    fn at(&self, home: &Home) -> bool {
        let name = home.lines.first().map(|(name, _)| name);
        self.homes
            .iter()
            .any(|one| one.lines.first().map(|(name, _)| name) == name)
    }

    /// It leaves one. False if it was not in.
    pub fn leave(&mut self, home: &RoomName) -> bool {
        let before = self.homes.len();
        let stays = |one: &Home| one.lines.first().is_none_or(|(name, _)| name != home);
        self.homes.retain(stays);
        self.first.retain(stays);
        self.text = None;
        self.homes.len() < before
    }

    /// A broadcast is sent, or passes it by because it is its own.
    pub fn advance(&mut self, line: &RoomName, position: Position) {
        let mut lines = self.homes.iter_mut().flat_map(|home| &mut home.lines);
        let Some((_, place)) = lines.find(|(name, _)| name == line) else {
            // It has left: this was on its way.
            return;
        };
        // On its way since before it entered.
        let is_old = place.is_some_and(|had| had.epoch == position.epoch && had.seq >= position.seq);
        if !is_old {
            *place = Some(position);
            self.text = None;
        }
    }

    /// What is sent from now on is not waiting for the first frame. Where it stood when it entered.
    #[must_use]
    pub fn open(&mut self, client: ClientId) -> String {
        self.is_open = true;
        written(client, &std::mem::take(&mut self.first))
    }

    /// The text.
    pub fn text(&mut self, client: ClientId) -> &str {
        let homes = &self.homes;
        self.text.get_or_insert_with(|| written(client, homes))
    }

    /// Reads a text: whose it is, and the places.
    #[must_use]
    pub fn read(text: &str) -> Option<(ClientId, Vec<Home>)> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let (client, rest) = text.split_once(';').unwrap_or((text, ""));
        let homes = rest.split(';').filter(|home| !home.is_empty()).map(read_home);
        Some((ClientId::parse(client)?, homes.collect::<Option<_>>()?))
    }
}

fn written(client: ClientId, homes: &[Home]) -> String {
    let mut text = client.to_string();
    for home in homes {
        for (number, (line, place)) in home.lines.iter().enumerate() {
            let Some(place) = place else { return NOWHERE.to_owned() };
            let before = if number == 0 { ';' } else { ',' };
            // Writing to a String cannot fail.
            let _ = write!(text, "{before}{line}!{}.{}", place.epoch, place.seq);
        }
        if text.len() > TEXT_MAX {
            return NOWHERE.to_owned();
        }
    }
    text
}

fn read_home(text: &str) -> Option<Home> {
    let lines = text.split(',').map(|line| {
        let (name, place) = line.split_once('!')?;
        let (epoch, seq) = place.split_once('.')?;
        let position = Position {
            epoch: Epoch::parse(epoch)?,
            seq: seq.parse().ok()?,
        };
        Some((RoomName::parse(name).ok()?, Some(position)))
    });
    Some(Home {
        lines: lines.collect::<Option<_>>()?,
    })
}

/// Whether a text frame's payload is an event of Socket.IO; other packets carry no places.
fn is_event(payload: &[u8]) -> bool {
    matches!(payload, [b'4', b'2' | b'5', .., b']'])
}

/// The frames, with a text as the last argument of every event among them.
#[must_use]
pub fn stamped(frames: &Bytes, text: &str) -> Bytes {
    let has_event = frame::split(frames).is_some_and(|(_, payload, rest)| is_event(payload) || !rest.is_empty());
    if !has_event {
        return frames.clone();
    }
    let mut out = BytesMut::with_capacity(frames.len() + text.len() + 16);
    stamp(&mut out, frames, text);
    out.freeze()
}

/// Appends them to a buffer. (Names of rooms and numbers need no quoting in JSON.)
pub fn stamp(out: &mut BytesMut, frames: &[u8], text: &str) {
    out.reserve(frames.len() + text.len() + 16);
    let mut rest = frames;
    while let Some((first, payload, after)) = frame::split(rest) {
        if first & 0x0f == frame::Opcode::Text as u8 && is_event(payload) {
            frame::write_header(out, frame::Opcode::Text, payload.len() + text.len() + 3);
            out.put_slice(&payload[..payload.len() - 1]);
            out.put_slice(b",\"");
            out.put_slice(text.as_bytes());
            out.put_slice(b"\"]");
        } else {
            out.put_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Opcode;

    fn at(epoch: u64, seq: u64) -> Option<Position> {
        Some(Position {
            epoch: Epoch(epoch),
            seq,
        })
    }

    fn home(lines: &[(&str, Option<Position>)]) -> Home {
        let lines = lines.iter();
        Home {
            lines: lines
                .map(|(name, place)| (RoomName::parse(name).unwrap(), *place))
                .collect(),
        }
    }

    fn name(text: &str) -> RoomName {
        RoomName::parse(text).unwrap()
    }

    #[test]
    fn a_text_says_every_room_and_reads_back() {
        let client = ClientId::from_bits(7);
        let board = home(&[("board-1", at(35, 4)), ("board-1-tasks", at(36, 0))]);
        let mut places = Places::of(vec![board.clone(), home(&[("user-alice", at(1, 9))])]);
        places.advance(&name("board-1-tasks"), at(36, 1).unwrap());
        places.advance(&name("board-1"), at(35, 3).unwrap());
        places.advance(&name("board-2"), at(35, 3).unwrap());
        let text = places.text(client).to_owned();
        assert_eq!(text, format!("{client};board-1!z.4,board-1-tasks!10.1;user-alice!1.9"));
        let (whose, homes) = Places::read(&text).unwrap();
        assert_eq!(whose, client);
        assert_eq!(homes[0], home(&[("board-1", at(35, 4)), ("board-1-tasks", at(36, 1))]));
        assert!(places.leave(&name("board-1")));
        assert!(!places.leave(&name("board-1")));
        assert_eq!(places.text(client), format!("{client};user-alice!1.9"));
        for wrong in [
            "",
            NOWHERE,
            "x",
            &format!("{client};board-1"),
            &format!("{client};board-1!z"),
        ] {
            assert!(Places::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_told_as_nowhere() {
        let client = ClientId::from_bits(7);
        let mut places = Places::of(vec![home(&[("public-stats", None)])]);
        assert_eq!(places.text(client), NOWHERE);
        let many = (0..100).map(|number| home(&[(&format!("board-{number}"), at(1, 1))]));
        assert_eq!(Places::of(many.collect()).text(client), NOWHERE);
    }

    #[test]
    fn the_first_frame_says_where_it_entered_and_not_what_waits_behind_it() {
        let client = ClientId::from_bits(7);
        let mut places = Places::default();
        places.enter(&home(&[("board-1", at(1, 4))]));
        places.enter(&home(&[("board-1", at(1, 9))]));
        places.advance(&name("board-1"), at(1, 5).unwrap());
        assert_eq!(places.text(client), format!("{client};board-1!1.5"));
        assert_eq!(places.open(client), format!("{client};board-1!1.4"));
    }

    #[test]
    fn events_are_stamped_and_nothing_else() {
        let mut frames = BytesMut::new();
        for text in ["42[\"a\",1]", "2", "430[1]", "451-/ns,[\"b\"]"] {
            frame::write(&mut frames, Opcode::Text, text.as_bytes());
        }
        frame::write(&mut frames, Opcode::Binary, b"42]");
        let long = "x".repeat(300);
        frame::write(&mut frames, Opcode::Text, format!("42[\"{long}\"]").as_bytes());
        let stamped = stamped(&frames.freeze(), "t");
        let mut rest: &[u8] = &stamped;
        let mut payloads = Vec::new();
        while let Some((_, payload, after)) = frame::split(rest) {
            payloads.push(String::from_utf8_lossy(payload).into_owned());
            rest = after;
        }
        let long = format!("42[\"{long}\",\"t\"]");
        let expected = [
            "42[\"a\",1,\"t\"]",
            "2",
            "430[1]",
            "451-/ns,[\"b\",\"t\"]",
            "42]",
            &long,
        ];
        assert_eq!(payloads, expected);
    }
}
