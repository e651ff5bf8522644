//! What this node remembers of rooms it publishes to, so that Redis need not look it up: the epoch, and since when
//! the room's life runs. A wrong or forgotten hint costs time, never correctness.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hallway_protocol::{Epoch, RoomName};

/// Most rooms in each of the two halves.
const HALF: usize = 32_768;
/// Shorter lives are begun anew with every broadcast.
const SHORT_LIFE: Duration = Duration::from_secs(60);

/// What is known of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hint {
    epoch: Epoch,
    /// When this node last had Redis begin the room's life anew.
    begun: Instant,
}

/// Remembers the rooms that were published to last.
#[derive(Default)]
pub(super) struct Hints {
    new: HashMap<RoomName, Hint>,
    old: HashMap<RoomName, Hint>,
}

impl Hints {
    /// The epoch as last seen, and whether the room's life must begin anew with a broadcast now.
    pub(super) fn get(&self, room: &RoomName, life: Duration, now: Instant) -> (Option<Epoch>, bool) {
        match self.new.get(room).or_else(|| self.old.get(room)) {
            Some(hint) => {
                let is_due = life < SHORT_LIFE || now.duration_since(hint.begun) >= slack(life);
                (Some(hint.epoch), is_due)
            }
            None => (None, true),
        }
    }

    /// The server's answer to a broadcast that was sent at a time, with the life begun anew or not.
    pub(super) fn learn(&mut self, room: RoomName, epoch: Epoch, has_begun: bool, sent: Instant) {
        let known = self.new.get(&room).or_else(|| self.old.get(&room)).copied();
        let begun = match known {
            Some(hint) if hint.epoch == epoch && !has_begun => hint.begun,
            Some(_) => sent,
            None if has_begun => sent,
            // Forgotten in between; it is begun anew with the next broadcast.
            None => return,
        };
        let hint = Hint { epoch, begun };
        if known == Some(hint) && self.new.contains_key(&room) {
            return;
        }
        if self.new.len() >= HALF {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(room, hint);
    }
}

/// How long a life may run before it must begin anew.
fn slack(life: Duration) -> Duration {
    life / 16
}

/// How long Redis is told to keep a room: what is promised after the last broadcast, and as much more as a
/// broadcast may come after the last time the life was begun.
pub(super) fn expiry(life: Duration) -> Duration {
    if life < SHORT_LIFE {
        life
    } else {
        life + slack(life) + Duration::from_secs(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_life_is_begun_anew_before_it_could_end_early() {
        let room = RoomName::parse("board-1").unwrap();
        let mut hints = Hints::default();
        let start = Instant::now();
        assert_eq!(hints.get(&room, DAY, start), (None, true));
        hints.learn(room.clone(), Epoch(5), true, start);
        assert_eq!(hints.get(&room, DAY, start), (Some(Epoch(5)), false));
        let later = start + DAY / 16;
        assert_eq!(hints.get(&room, DAY, later), (Some(Epoch(5)), true));
        hints.learn(room.clone(), Epoch(5), false, later);
        assert_eq!(hints.get(&room, DAY, later), (Some(Epoch(5)), true));
        hints.learn(room.clone(), Epoch(6), false, later);
        assert_eq!(hints.get(&room, DAY, later), (Some(Epoch(6)), false));
        assert_eq!(hints.get(&room, Duration::from_secs(1), later), (Some(Epoch(6)), true));
    }
}
