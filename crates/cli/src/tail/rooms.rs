//! The rooms that are listened to: how far each was heard, and what is printed.

use hallway_client::Broadcast;
use hallway_protocol::RoomName;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

/// How far a room was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    epoch: String,
    seq: u64,
}

/// The rooms, in the order they were named.
#[derive(Debug)]
pub(crate) struct Rooms {
    rooms: Vec<(RoomName, Option<Heard>)>,
    whole_frames: bool,
}

impl Rooms {
    pub(crate) fn new(names: &[RoomName], whole_frames: bool) -> Self {
        Self {
            rooms: names.iter().map(|name| (name.clone(), None)).collect(),
            whole_frames,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// The arguments with which the room at a place is joined: from where it was heard to.
    pub(crate) fn join_args(&self, place: usize) -> Value {
        let (name, heard) = &self.rooms[place];
        match heard {
            Some(heard) => json!({"room": name, "resume": {"epoch": heard.epoch, "seq": heard.seq}}),
            None => json!({"room": name}),
        }
    }

    /// The room at a place is joined: prints what was missed, or says that something was.
    pub(crate) fn joined(&mut self, place: usize, reply: &Value) -> Result<(), Failure> {
        let (name, heard) = &mut self.rooms[place];
        if heard.is_some() && reply["recovered"] != json!(true) {
            output::note(&format!("{name}: what was published meanwhile is lost"));
            *heard = None;
        }
        for missed in reply["missed"].as_array().into_iter().flatten() {
            // As an element of the list, or as a whole frame.
            let missed = missed.get("broadcast").unwrap_or(missed);
            if let Ok(broadcast) = serde_json::from_value(missed.clone()) {
                self.take(&broadcast)?;
            }
        }
        let state = &reply["state"];
        if let (Some(epoch), Some(seq)) = (state["epoch"].as_str(), state["seq"].as_u64()) {
            self.advance(place, epoch, seq);
        }
        Ok(())
    }

    /// Prints a broadcast, unless it was printed before.
    pub(crate) fn take(&mut self, broadcast: &Broadcast) -> Result<(), Failure> {
        let place = self.rooms.iter().position(|(name, _)| name.as_str() == broadcast.room);
        if let (Some(place), Some(epoch), Some(seq)) = (place, &broadcast.epoch, broadcast.seq)
            && !self.advance(place, epoch, seq)
        {
            return Ok(());
        }
        output::line(&if self.whole_frames {
            frame(broadcast)
        } else {
            line(broadcast)
        })
    }

    /// Notes how far a room was heard; false if it was heard that far before.
    fn advance(&mut self, place: usize, epoch: &str, seq: u64) -> bool {
        let heard = &mut self.rooms[place].1;
        if heard
            .as_ref()
            .is_some_and(|heard| heard.epoch == epoch && heard.seq >= seq)
        {
            return false;
        }
        *heard = Some(Heard {
            epoch: epoch.to_owned(),
            seq,
        });
        true
    }
}

/// For people: room, number, event, data.
fn line(broadcast: &Broadcast) -> String {
    let number = broadcast.seq.map(|seq| format!(" #{seq}")).unwrap_or_default();
    let line = format!(
        "{}{number} {} {}",
        broadcast.room, broadcast.destination, broadcast.data
    );
    output::visible(&line)
}

/// For programs: the frame, on one line.
fn frame(broadcast: &Broadcast) -> String {
    let Broadcast {
        room,
        destination,
        data,
        seq,
        epoch,
        ts,
    } = broadcast;
    let mut frame = json!({"room": room, "destination": destination, "data": data});
    for (name, value) in [
        ("seq", seq.map(Value::from)),
        ("epoch", epoch.clone().map(Value::from)),
        ("ts", ts.map(Value::from)),
    ] {
        if let Some(value) = value {
            frame[name] = value;
        }
    }
    json!({"broadcast": frame}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(seq: Option<u64>) -> Broadcast {
        Broadcast {
            room: "board-7".into(),
            destination: "update-task".into(),
            data: json!({"a": 1}),
            seq,
            epoch: seq.map(|_| "k3v9".into()),
            ts: None,
        }
    }

    #[test]
    fn a_broadcast_is_a_line() {
        assert_eq!(line(&broadcast(Some(12))), "board-7 #12 update-task {\"a\":1}");
        assert_eq!(line(&broadcast(None)), "board-7 update-task {\"a\":1}");
        let expected = json!({"broadcast": {"room": "board-7", "destination": "update-task", "data": {"a": 1}, "seq": 12, "epoch": "k3v9"}});
        assert_eq!(frame(&broadcast(Some(12))), expected.to_string());
    }

    #[test]
    fn a_room_is_joined_from_where_it_was_heard_to() {
        let mut rooms = Rooms::new(&[RoomName::parse("board-7").unwrap()], false);
        assert_eq!(rooms.join_args(0), json!({"room": "board-7"}));
        rooms
            .joined(
                0,
                &json!({"state": {"epoch": "k3v9", "seq": 3}, "recovered": false, "missed": []}),
            )
            .unwrap();
        rooms.take(&broadcast(Some(4))).unwrap();
        assert!(!rooms.advance(0, "k3v9", 4) && rooms.advance(0, "k3v9", 5) && rooms.advance(0, "new", 1));
        assert_eq!(
            rooms.join_args(0),
            json!({"room": "board-7", "resume": {"epoch": "new", "seq": 1}})
        );
    }
}
