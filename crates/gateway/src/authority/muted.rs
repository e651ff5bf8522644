//! Who may say nothing in which room, as far as this node knows: learned whenever it asks for a membership, and when another
//! node says that one was changed. Asked for every broadcast of a client, so it never waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use hallway_protocol::{RoomName, UserId};
use parking_lot::Mutex;

/// Most that are remembered. Beyond it, mutes that are over go; if none is, the new one is only seen by those who ask the
/// database (`messages.send`).
const MOST: usize = 200_000;

type Key = (UserId, RoomName);

/// The muted, by user and room, with the time until when in Unix milliseconds.
#[derive(Debug, Default)]
pub(super) struct Muted {
    until: Mutex<HashMap<Key, i64>>,
    /// How many there are, so that nodes without any pay nothing.
    count: AtomicUsize,
}

impl Muted {
    /// Takes note of what a membership says.
    pub(super) fn learn(&self, key: &Key, muted_until: Option<i64>, now: i64) {
        let muted_until = muted_until.filter(|until| *until > now);
        if muted_until.is_none() && self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut all = self.until.lock();
        match muted_until {
            None => drop(all.remove(key)),
            Some(until) => {
                if all.len() >= MOST {
                    all.retain(|_, until| *until > now);
                }
                if all.len() < MOST || all.contains_key(key) {
                    all.insert(key.clone(), until);
                } else {
                    tracing::warn!(most = MOST, "more users are muted than a node remembers");
                }
            }
        }
        self.count.store(all.len(), Ordering::Relaxed);
    }

    /// Whether a user may say nothing in a room.
    pub(super) fn is_muted(&self, user: &UserId, room: &RoomName, now: i64) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let key = (user.clone(), room.clone());
        self.until.lock().get(&key).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_lasts_as_long_as_it_says() {
        let (muted, room) = (Muted::default(), RoomName::parse("group-7").unwrap());
        let (ann, bob) = (UserId::parse("ann").unwrap(), UserId::parse("bob").unwrap());
        let key = (ann.clone(), room.clone());
        assert!(!muted.is_muted(&ann, &room, 1));
        muted.learn(&key, Some(10), 1);
        assert!(muted.is_muted(&ann, &room, 9) && !muted.is_muted(&ann, &room, 10));
        assert!(!muted.is_muted(&bob, &room, 9));
        muted.learn(&key, None, 2);
        assert!(!muted.is_muted(&ann, &room, 3));
        muted.learn(&key, Some(10), 10);
        assert_eq!(muted.count.load(Ordering::Relaxed), 0);
    }
}
