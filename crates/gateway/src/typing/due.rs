//! What is due when, for many at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use hallway_protocol::{RoomName, UserId};

/// A user in a room.
pub(super) type Key = (RoomName, UserId);

/// Times by what comes first. Each entry has one that counts, which it remembers; others are passed over.
#[derive(Debug, Default)]
pub(super) struct Dues(BinaryHeap<Reverse<(Instant, Key)>>);

impl Dues {
    pub(super) fn push(&mut self, at: Instant, key: Key) {
        self.0.push(Reverse((at, key)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<(Instant, Key)> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
