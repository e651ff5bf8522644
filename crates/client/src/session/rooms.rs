//! The rooms that are heard, and how far each was. No IO: what the server says goes in, events come out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::event::{Cause, Event};
use crate::frame::Broadcast;
use crate::options::ResumeFrom;

/// The destination under which a gateway tells of a gap.
const RESYNC: &str = "room.resync";

/// The destination under which a gateway says that it took the client out of a room.
const LEFT: &str = "room.left";

/// The rooms that are heard and kept account of.
#[derive(Debug, Default)]
pub(super) struct Rooms(BTreeMap<String, Room>);

/// Why a room is heard.
#[derive(Debug, PartialEq, Eq)]
enum Why {
    /// The application wants it.
    Wanted,
    /// It is included in this one.
    Included(String),
    /// The node joins every connection of this user to it.
    Own,
}

#[derive(Debug)]
struct Room {
    why: Why,
    /// Whether it was joined: only then can anything be missed.
    is_entered: bool,
    /// The last number heard.
    heard: Option<ResumeFrom>,
    /// While nothing was numbered there: what to resume from.
    empty: Option<ResumeFrom>,
    /// Whether it is known to number.
    is_numbered: bool,
}

/// The answer to a join, and a resumed room's entry in the hello.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    state: Option<ResumeFrom>,
    /// Without a state, in a room that numbers: what to resume from.
    position: Option<ResumeFrom>,
    #[serde(default)]
    recovered: bool,
    #[serde(default)]
    missed: Vec<Broadcast>,
    /// The same of the rooms that are heard with it.
    #[serde(default)]
    includes: BTreeMap<String, Answer>,
}

impl Rooms {
    /// Wants a room. False if it is wanted already.
    pub(super) fn want(&mut self, room: &str) -> bool {
        let is_new = !self.contains(room);
        if is_new {
            self.0.insert(room.to_owned(), Room::new(Why::Wanted));
        }
        is_new
    }

    /// Wants it no more. False if it was not wanted.
    pub(super) fn forget(&mut self, room: &str) -> bool {
        let was_wanted = self.contains(room);
        if was_wanted {
            let with_it = Why::Included(room.to_owned());
            self.0.retain(|name, other| name != room && other.why != with_it);
        }
        was_wanted
    }

    /// Whether it is wanted.
    pub(super) fn contains(&self, room: &str) -> bool {
        self.0.get(room).is_some_and(|room| room.why == Why::Wanted)
    }

    /// The room to ask for so that this one is heard: itself, or its home. None for one that the node joins.
    pub(super) fn asked_as(&self, room: &str) -> Option<String> {
        match &self.0.get(room)?.why {
            Why::Wanted => Some(room.to_owned()),
            Why::Included(home) => Some(home.clone()),
            Why::Own => None,
        }
    }

    /// Those to ask for so that everything is answered for, when some of it is. None that is heard already: what comes
    /// before the answer would be in the answer again.
    pub(super) fn unsettled(&self, settled: &BTreeSet<String>) -> BTreeSet<String> {
        let open = self.0.keys().filter(|name| !settled.contains(*name));
        let mut homes: BTreeSet<String> = open.filter_map(|name| self.asked_as(name)).collect();
        homes.retain(|home| !settled.contains(home));
        homes
    }

    /// What to resume a room from.
    pub(super) fn place(&self, room: &str) -> Option<&ResumeFrom> {
        self.0.get(room)?.place()
    }

    /// Every room that was joined, and what to resume it from. Those without a place are among them, so that the answer
    /// says where they stand before anything is heard there. What does not fit into `bytes` as JSON is left out, a room
    /// together with those that it includes: it is [unsettled](Self::unsettled) afterwards, and joined by itself.
    pub(super) fn places(&self, mut bytes: usize) -> BTreeMap<String, Option<ResumeFrom>> {
        let mut homes: BTreeMap<&str, Vec<(&String, &Room)>> = BTreeMap::new();
        for (name, room) in self.0.iter().filter(|(_, room)| room.is_entered) {
            let home = match &room.why {
                Why::Included(home) => home,
                Why::Wanted | Why::Own => name,
            };
            homes.entry(home).or_default().push((name, room));
        }
        let mut places = BTreeMap::new();
        for rooms in homes.into_values() {
            let size: usize = rooms.iter().map(|(name, room)| room.place_size(name)).sum();
            if size > bytes {
                continue;
            }
            bytes -= size;
            places.extend(
                rooms
                    .into_iter()
                    .map(|(name, room)| (name.clone(), room.place().cloned())),
            );
        }
        places
    }

    /// What to resume those from that are included in a room, of which that is known. The answer has all of them.
    pub(super) fn places_included(&self, home: &str) -> BTreeMap<String, ResumeFrom> {
        let is_included = |room: &Room| matches!(&room.why, Why::Included(other) if other == home);
        let rooms = self.0.iter().filter(|(_, room)| is_included(room));
        rooms
            .filter_map(|(name, room)| Some((name.clone(), room.place()?.clone())))
            .collect()
    }

    /// Takes note of a broadcast.
    pub(super) fn hear(&mut self, broadcast: Broadcast) -> Event {
        if broadcast.destination == LEFT {
            self.forget(&broadcast.room);
            let reason = broadcast.data.get("reason").and_then(|reason| reason.as_str());
            return Event::Left {
                reason: reason.unwrap_or_default().to_owned(),
                room: broadcast.room,
            };
        }
        let position = position_of(&broadcast);
        let known = self.0.get_mut(&broadcast.room);
        if broadcast.destination == RESYNC {
            // As it stands, even if that is further back: the gateway goes on from there.
            if let Some(room) = known {
                let empty = broadcast.data.get("position").cloned();
                let empty = empty.and_then(|place| serde_json::from_value(place).ok());
                room.stand(position.clone(), empty);
            }
            let (room, cause) = (broadcast.room, Cause::Told);
            return Event::Resync {
                room,
                cause,
                at: position,
            };
        }
        let Some(room) = known else {
            return Event::Broadcast(broadcast);
        };
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

    /// Takes note of being in a room (again), and in those that are heard with it.
    pub(super) fn enter(&mut self, name: &str, mut answer: Answer) -> Vec<Event> {
        if !self.0.contains_key(name) {
            return Vec::new();
        }
        let includes = std::mem::take(&mut answer.includes);
        let mut events = self.enter_one(name, answer);
        for (included, answer) in includes {
            let why = || Room::new(Why::Included(name.to_owned()));
            self.0.entry(included.clone()).or_insert_with(why);
            events.extend(self.enter_one(&included, answer));
        }
        events
    }

    /// Takes note of where a connection stands in a room that the node joined it to, of which it was told nothing else.
    pub(super) fn stand_in_own(&mut self, name: &str, at: ResumeFrom) -> Vec<Event> {
        let own = || Room::new(Why::Own);
        self.0.entry(name.to_owned()).or_insert_with(own);
        let (state, position) = if at.seq > 0 { (Some(at), None) } else { (None, Some(at)) };
        let answer = Answer {
            state,
            position,
            ..Answer::default()
        };
        self.enter_one(name, answer)
    }

    /// Takes note that a room is heard, but not from where: of one that nobody asked for, and so nobody can be refused.
    pub(super) fn lose(&mut self, name: &str) -> Option<Event> {
        let room = self.0.get_mut(name).filter(|room| room.why != Why::Wanted)?;
        room.stand(None, None);
        Some(Event::Resync {
            room: name.to_owned(),
            cause: Cause::NotRecovered,
            at: None,
        })
    }

    fn enter_one(&mut self, name: &str, answer: Answer) -> Vec<Event> {
        let Some(room) = self.0.get_mut(name) else {
            return Vec::new();
        };
        let name = name.to_owned();
        let Answer {
            state,
            position,
            recovered,
            missed,
            ..
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
    fn new(why: Why) -> Self {
        Self {
            why,
            is_entered: false,
            heard: None,
            empty: None,
            is_numbered: false,
        }
    }

    fn place(&self) -> Option<&ResumeFrom> {
        self.heard.as_ref().or(self.empty.as_ref())
    }

    /// At least what a room's place takes in a frame.
    fn place_size(&self, name: &str) -> usize {
        const AROUND: usize = r#""":{"epoch":"","seq":18446744073709551615},"#.len();
        name.len() + AROUND + self.place().map_or(0, |place| place.epoch.len())
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
        let emptied = Broadcast {
            data: json!({"lastBroadcastTimestamp": null, "position": {"epoch": "f", "seq": 0}}),
            seq: None,
            epoch: None,
            ..broadcast("e", 3, RESYNC)
        };
        assert!(matches!(rooms.hear(emptied), Event::Resync { at: None, .. }));
        assert_eq!(rooms.place("board-1"), Some(&at("f", 0)));
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
        assert_eq!(rooms.places(usize::MAX)["board-1"], Some(at("e", 5)));
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
        assert_eq!(rooms.places(usize::MAX)["board-1"], Some(at("d", 0)));
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
    fn included_rooms_come_and_go_with_their_home() {
        let mut rooms = joined();
        let tasks = "board-1-tasks";
        let first = json!({"state": {"epoch": "e", "seq": 4}, "recovered": true, "missed": [],
            "includes": {tasks: {"state": {"epoch": "t", "seq": 7}, "recovered": false, "missed": []}}});
        let events = rooms.enter("board-1", said(first));
        assert!(
            matches!(&events[..], [Event::Joined { room, .. }] if room == tasks),
            "{events:?}"
        );
        assert_eq!(
            rooms.places_included("board-1"),
            BTreeMap::from([(tasks.to_owned(), at("t", 7))])
        );
        assert_eq!(rooms.places(usize::MAX).len(), 2);
        let missed = json!({"room": tasks, "destination": "d", "seq": 8, "epoch": "t"});
        let entry = json!({"state": {"epoch": "t", "seq": 8}, "recovered": true, "missed": [missed]});
        assert!(matches!(&rooms.enter(tasks, said(entry))[..], [Event::Broadcast(_)]));
        assert_eq!(rooms.asked_as(tasks).as_deref(), Some("board-1"));
        let home = BTreeSet::from(["board-1".to_owned()]);
        assert_eq!(rooms.unsettled(&BTreeSet::new()), home);
        // Who is in the home already does not ask for it again.
        assert!(rooms.unsettled(&home).is_empty());
        assert!(matches!(rooms.lose(tasks), Some(Event::Resync { at: None, .. })));
        assert_eq!(rooms.places(usize::MAX)[tasks], None);
        assert_eq!(rooms.lose("board-1"), None);
        assert!(!rooms.forget(tasks) && rooms.forget("board-1") && rooms.places(usize::MAX).is_empty());
    }

    #[test]
    fn the_users_own_room_is_told_of_when_it_has_moved() {
        let mut rooms = Rooms::default();
        assert!(matches!(
            &rooms.stand_in_own("user-1", at("e", 3))[..],
            [Event::Joined { at: Some(_), .. }]
        ));
        assert_eq!(rooms.stand_in_own("user-1", at("e", 3)), []);
        let moved = rooms.stand_in_own("user-1", at("e", 5));
        assert!(
            matches!(
                &moved[..],
                [Event::Resync {
                    cause: Cause::NotRecovered,
                    ..
                }]
            ),
            "{moved:?}"
        );
        assert_eq!(rooms.places(usize::MAX)["user-1"], Some(at("e", 5)));
        assert_eq!(rooms.asked_as("user-1"), None);
    }

    #[test]
    fn what_does_not_fit_into_the_first_frame_is_joined_by_itself() {
        let mut rooms = joined();
        rooms.enter(
            "board-1",
            said(json!({"state": {"epoch": "e", "seq": 4}, "includes": {"board-1-tasks": {}}})),
        );
        rooms.want("board-2");
        rooms.enter("board-2", said(json!({"state": {"epoch": "e", "seq": 1}})));
        let all = rooms.places(usize::MAX);
        let size = serde_json::to_string(&all).unwrap().len();
        assert_eq!((rooms.places(3 * size), all.len()), (all, 3));
        // The first home has two rooms, so that only the second one fits.
        let some = rooms.places(80);
        assert_eq!(some.keys().collect::<Vec<_>>(), ["board-2"]);
        let settled = some.into_keys().collect();
        assert_eq!(rooms.unsettled(&settled), BTreeSet::from(["board-1".to_owned()]));
    }

    #[test]
    fn a_room_that_one_was_taken_out_of_is_not_asked_for_again() {
        let mut rooms = joined();
        rooms.enter(
            "board-1",
            said(json!({"state": {"epoch": "e", "seq": 4}, "includes": {"board-1-tasks": {}}})),
        );
        let told = Broadcast {
            data: json!({"reason": "no longer a member"}),
            seq: None,
            epoch: None,
            ..broadcast("e", 5, LEFT)
        };
        let left = rooms.hear(told);
        assert!(
            matches!(&left, Event::Left { room, reason } if room == "board-1" && reason == "no longer a member"),
            "{left:?}"
        );
        assert!(rooms.places(usize::MAX).is_empty() && rooms.unsettled(&BTreeSet::new()).is_empty());
        assert!(rooms.want("board-1"), "unless the application wants it anew");
    }

    #[test]
    fn rooms_that_are_not_wanted_pass_through() {
        let mut rooms = Rooms::default();
        for _ in 0..2 {
            assert!(matches!(rooms.hear(broadcast("e", 5, "d")), Event::Broadcast(_)));
            assert!(matches!(rooms.hear(broadcast("e", 5, RESYNC)), Event::Resync { .. }));
        }
        assert!(rooms.enter("board-1", said(json!({"state": null}))).is_empty());
    }
}
