//! The rooms that are wanted, and how far each was heard. No IO: what the server says goes in, events come out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::event::{Cause, Event};
use crate::frame::Broadcast;
use crate::options::ResumeFrom;

/// The destination under which a gateway tells of a gap.
const RESYNC: &str = "room.resync";

/// The rooms that are wanted.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    wanted: BTreeMap<String, Room>,
}

#[derive(Debug, Default)]
struct Room {
    /// Whether it was joined since it is wanted: only then can anything be missed.
    is_entered: bool,
    /// The last number heard.
    heard: Option<ResumeFrom>,
    /// While nothing was numbered there: what to resume from.
    empty: Option<ResumeFrom>,
    /// Whether it is known to number.
    is_numbered: bool,
}

/// The answer to a join, and a resumed room's entry in the hello.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    state: Option<ResumeFrom>,
    /// Without a state, in a room that numbers: what to resume from.
    position: Option<ResumeFrom>,
    #[serde(default)]
    recovered: bool,
    #[serde(default)]
    missed: Vec<Broadcast>,
}

impl Rooms {
    /// Wants a room. False if it is wanted already.
    pub(super) fn want(&mut self, room: &str) -> bool {
        let is_new = !self.wanted.contains_key(room);
        if is_new {
            self.wanted.insert(room.to_owned(), Room::default());
        }
        is_new
    }

    /// Wants it no more. False if it was not wanted.
    pub(super) fn forget(&mut self, room: &str) -> bool {
        self.wanted.remove(room).is_some()
    }

    pub(super) fn contains(&self, room: &str) -> bool {
        self.wanted.contains_key(room)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.wanted.keys().map(String::as_str)
    }

    /// What to resume a room from.
    pub(super) fn place(&self, room: &str) -> Option<&ResumeFrom> {
        self.wanted.get(room)?.place()
    }

    /// What to resume every room from of which that is known.
    pub(super) fn places(&self) -> BTreeMap<String, ResumeFrom> {
        let known = |(name, room): (&String, &Room)| Some((name.clone(), room.place()?.clone()));
        self.wanted.iter().filter_map(known).collect()
    }

    /// Takes note of a broadcast.
    pub(super) fn hear(&mut self, broadcast: Broadcast) -> Event {
        let Some(room) = self.wanted.get_mut(&broadcast.room) else {
            return Event::Broadcast(broadcast);
        };
        let position = position_of(&broadcast);
        if broadcast.destination == RESYNC {
            // As it stands, even if that is further back: the gateway goes on from there.
            room.stand(position.clone(), None);
            let (room, cause) = (broadcast.room, Cause::Told);
            return Event::Resync {
                room,
                cause,
                at: position,
            };
        }
        let Some(position) = position else {
            return Event::Broadcast(broadcast);
        };
        let is_old = |heard: &ResumeFrom| heard.epoch == position.epoch && position.seq <= heard.seq;
        if room.heard.as_ref().is_some_and(is_old) {
            return Event::Double(broadcast);
        }
        // Numbers may be passed over: the publisher's own broadcasts are not heard by it unless it asks for them.
        room.stand(Some(position), None);
        Event::Broadcast(broadcast)
    }

    /// Takes note of being in a room (again).
    pub(super) fn enter(&mut self, name: &str, answer: Answer) -> Vec<Event> {
        let Some(room) = self.wanted.get_mut(name) else {
            return Vec::new();
        };
        let name = name.to_owned();
        let Answer {
            state,
            position,
            recovered,
            missed,
        } = answer;
        if !room.is_entered {
            room.is_entered = true;
            room.stand(state.clone(), position);
            return vec![Event::Joined { room: name, at: state }];
        }
        if recovered {
            // Before there is a state, the place to resume from may be another.
            if state.is_none() {
                room.stand(None, position);
            }
            return missed.into_iter().map(|missed| self.hear(missed)).collect();
        }
        // The place is as of exactly this answer: if it is ours, nothing was missed, whatever history has. A room that
        // does not number has none, and does not promise anything either.
        let is_same = room.heard == state && (state.is_some() || !room.is_numbered);
        room.stand(state.clone(), position);
        if is_same {
            return Vec::new();
        }
        let (cause, at) = (Cause::NotRecovered, state);
        vec![Event::Resync { room: name, cause, at }]
    }
}

impl Room {
    fn place(&self) -> Option<&ResumeFrom> {
        self.heard.as_ref().or(self.empty.as_ref())
    }

    fn stand(&mut self, heard: Option<ResumeFrom>, empty: Option<ResumeFrom>) {
        self.heard = heard;
        self.empty = empty.filter(|_| self.heard.is_none());
        self.is_numbered |= self.place().is_some();
    }
}

fn position_of(broadcast: &Broadcast) -> Option<ResumeFrom> {
    let epoch = broadcast.epoch.clone()?;
    let seq = broadcast.seq?;
    Some(ResumeFrom { epoch, seq })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(epoch: &str, seq: u64) -> ResumeFrom {
        let epoch = epoch.to_owned();
        ResumeFrom { epoch, seq }
    }

    fn broadcast(epoch: &str, seq: u64, destination: &str) -> Broadcast {
        Broadcast {
            room: "board-1".into(),
            destination: destination.into(),
            data: json!(seq),
            seq: Some(seq),
            epoch: Some(epoch.into()),
            ts: Some(1),
        }
    }

    fn said(value: serde_json::Value) -> Answer {
        serde_json::from_value(value).expect("an answer")
    }

    fn joined() -> Rooms {
        let mut rooms = Rooms::default();
        assert!(rooms.want("board-1") && !rooms.want("board-1"));
        let state = json!({"room": "board-1", "state": {"epoch": "e", "seq": 4, "lastBroadcastTimestamp": 1}});
        let events = rooms.enter("board-1", said(state));
        assert!(matches!(&events[..], [Event::Joined { at: Some(place), .. }] if *place == at("e", 4)));
        rooms
    }

    #[test]
    fn what_was_heard_is_not_heard_again() {
        let mut rooms = joined();
        assert!(matches!(rooms.hear(broadcast("e", 5, "d")), Event::Broadcast(_)));
        assert!(matches!(rooms.hear(broadcast("e", 5, "d")), Event::Double(_)));
        assert!(matches!(rooms.hear(broadcast("e", 3, "d")), Event::Double(_)));
        assert!(matches!(rooms.hear(broadcast("f", 1, "d")), Event::Broadcast(_)));
        assert_eq!(rooms.place("board-1"), Some(&at("f", 1)));
    }

    #[test]
    fn a_gap_that_is_told_moves_the_place_even_backwards() {
        let mut rooms = joined();
        let told = rooms.hear(broadcast("e", 2, RESYNC));
        assert!(matches!(told, Event::Resync { cause: Cause::Told, at: Some(place), .. } if place == at("e", 2)));
        assert!(matches!(rooms.hear(broadcast("e", 3, "d")), Event::Broadcast(_)));
    }

    #[test]
    fn missed_ones_come_once_and_count() {
        let mut rooms = joined();
        let missed = json!({"state": {"epoch": "e", "seq": 6}, "recovered": true, "missed": [
            {"room": "board-1", "destination": "d", "seq": 4, "epoch": "e"},
            {"room": "board-1", "destination": "d", "seq": 5, "epoch": "e"},
        ]});
        let events = rooms.enter("board-1", said(missed));
        assert!(
            matches!(&events[..], [Event::Double(_), Event::Broadcast(_)]),
            "{events:?}"
        );
        assert_eq!(rooms.places()["board-1"], at("e", 5));
    }

    #[test]
    fn an_unmoved_room_needs_no_history_and_a_moved_one_without_is_told() {
        let mut rooms = joined();
        let same = json!({"state": {"epoch": "e", "seq": 4}, "recovered": false, "missed": []});
        assert_eq!(rooms.enter("board-1", said(same)), []);
        let moved = json!({"state": {"epoch": "e", "seq": 9}, "recovered": false, "missed": []});
        let events = rooms.enter("board-1", said(moved));
        assert!(
            matches!(
                &events[..],
                [Event::Resync {
                    cause: Cause::NotRecovered,
                    ..
                }]
            ),
            "{events:?}"
        );
        assert_eq!(rooms.place("board-1"), Some(&at("e", 9)));
        let gone = rooms.enter("board-1", said(json!({"state": null})));
        assert!(matches!(&gone[..], [Event::Resync { at: None, .. }]), "{gone:?}");
    }

    #[test]
    fn an_empty_room_is_resumed_from_where_it_was_empty() {
        let mut rooms = Rooms::default();
        rooms.want("board-1");
        let empty = json!({"state": null, "position": {"epoch": "d", "seq": 0}, "recovered": false, "missed": []});
        let events = rooms.enter("board-1", said(empty.clone()));
        assert!(matches!(&events[..], [Event::Joined { at: None, .. }]), "{events:?}");
        assert_eq!(rooms.places()["board-1"], at("d", 0));
        let still = json!({"state": null, "position": {"epoch": "e", "seq": 0}, "recovered": true, "missed": []});
        assert_eq!(rooms.enter("board-1", said(still)), []);
        assert_eq!(rooms.place("board-1"), Some(&at("e", 0)));
        // Empty again is not empty still, unless it is said.
        let events = rooms.enter("board-1", said(empty));
        assert!(matches!(&events[..], [Event::Resync { at: None, .. }]), "{events:?}");
        assert!(matches!(rooms.hear(broadcast("f", 1, "d")), Event::Broadcast(_)));
        assert_eq!(rooms.place("board-1"), Some(&at("f", 1)));
    }

    #[test]
    fn rooms_that_are_not_wanted_pass_through() {
        let mut rooms = Rooms::default();
        for _ in 0..2 {
            assert!(matches!(rooms.hear(broadcast("e", 5, "d")), Event::Broadcast(_)));
        }
        assert!(rooms.enter("board-1", said(json!({"state": null}))).is_empty());
    }
}
