//! The delivery checker: every subscriber of a room hears every broadcast of it that was accepted exactly
//! once and in order; and where the gateway could not prove that, it said so (`room.resync`).

use std::collections::BTreeMap;

use hallway_client::Broadcast;

/// What went wrong for one subscriber in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The number does not follow the one before: something was lost, doubled, or came in another order.
    Order {
        /// The number before.
        after: u64,
        /// The number that came.
        came: u64,
    },
    /// Another epoch without a word.
    Epoch,
    /// The end of what was accepted was not heard.
    Missing {
        /// The last number heard.
        heard: u64,
        /// The last number accepted.
        accepted: u64,
    },
    /// A numbered room's broadcast without number.
    Unnumbered,
}

/// Follows what one subscriber hears.
#[derive(Debug, Default)]
pub struct Checker {
    rooms: BTreeMap<String, Place>,
    /// All faults, with their rooms.
    pub faults: Vec<(String, Fault)>,
    /// Broadcasts heard, resyncs not counted.
    pub heard: u64,
    /// Resyncs heard.
    pub resyncs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    epoch: Option<String>,
    seq: u64,
}

impl Checker {
    /// Begins a room where the reply to the join says it stands (`null`: nothing was broadcast yet).
    pub fn joined(&mut self, room: &str, state: &serde_json::Value) {
        let epoch = state["epoch"].as_str().map(str::to_owned);
        self.rooms.insert(
            room.to_owned(),
            Place {
                epoch,
                seq: state["seq"].as_u64().unwrap_or(0),
            },
        );
    }

    /// Takes note of a broadcast.
    pub fn hear(&mut self, broadcast: &Broadcast) {
        let Some(place) = self.rooms.get_mut(&broadcast.room) else {
            return;
        };
        if broadcast.destination == "room.resync" {
            self.resyncs += 1;
            *place = Place {
                epoch: broadcast.epoch.clone(),
                seq: broadcast.seq.unwrap_or(0),
            };
            return;
        }
        self.heard += 1;
        let fault = match (broadcast.seq, &place.epoch) {
            (None, _) => Some(Fault::Unnumbered),
            (Some(seq), Some(epoch)) if broadcast.epoch.as_ref() != Some(epoch) => {
                place.seq = seq;
                Some(Fault::Epoch)
            }
            (Some(seq), _) if seq != place.seq + 1 => Some(Fault::Order {
                after: place.seq,
                came: seq,
            }),
            (Some(_), _) => None,
        };
        if let Some(seq) = broadcast.seq {
            place.seq = seq;
        }
        place.epoch.clone_from(&broadcast.epoch);
        self.faults.extend(fault.map(|fault| (broadcast.room.clone(), fault)));
    }

    /// The last number heard in a room, and its epoch.
    #[must_use]
    pub fn place(&self, room: &str) -> Option<(Option<&str>, u64)> {
        self.rooms.get(room).map(|place| (place.epoch.as_deref(), place.seq))
    }

    /// Rooms that are followed.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.keys().map(String::as_str)
    }

    /// At the end: what was accepted last in each room must have been heard.
    pub fn finish(&mut self, accepted: impl Fn(&str) -> u64) {
        for (room, place) in &self.rooms {
            let accepted = accepted(room);
            if place.seq < accepted {
                self.faults.push((
                    room.clone(),
                    Fault::Missing {
                        heard: place.seq,
                        accepted,
                    },
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(seq: u64) -> Broadcast {
        Broadcast {
            room: "board-1".into(),
            destination: "d".into(),
            data: serde_json::Value::Null,
            seq: Some(seq),
            epoch: Some("e".into()),
            ts: Some(1),
        }
    }

    #[test]
    fn it_fails_when_a_message_is_dropped_doubled_or_turned_round() {
        for (heard, faults) in [
            (vec![1, 2, 3], 0),
            (vec![1, 3], 1),
            (vec![1, 1, 2, 3], 1),
            (vec![2, 1, 3], 3),
            (vec![1, 2], 1),
        ] {
            let mut checker = Checker::default();
            checker.joined("board-1", &serde_json::Value::Null);
            for seq in &heard {
                checker.hear(&broadcast(*seq));
            }
            checker.finish(|_| 3);
            assert_eq!(checker.faults.len(), faults, "{heard:?}: {:?}", checker.faults);
        }
    }
}
