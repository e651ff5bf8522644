//! Answers that are remembered for a while, so that a repeat gets them again.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use hallway_protocol::RoomName;

use crate::Published;
use crate::publish::IDEMPOTENCY_LIFE;

/// Most answers of one lane; beyond it the oldest are forgotten early.
const CAPACITY: usize = 65_536;

type Key = (RoomName, String);

/// The answers, and their keys by age: all live equally long, so the oldest is always the first to go.
#[derive(Default)]
pub(super) struct Answers {
    answers: HashMap<Key, Published>,
    by_age: VecDeque<(Instant, Key)>,
}

impl Answers {
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Published> {
        while self
            .by_age
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= IDEMPOTENCY_LIFE)
        {
            self.forget_oldest();
        }
        self.answers.get(key).copied()
    }

    /// Remembers the answer to a key that [`Answers::get`] did not know.
    pub(super) fn insert(&mut self, key: Key, answer: Published, now: Instant) {
        if self.by_age.len() >= CAPACITY {
            self.forget_oldest();
        }
        self.answers.insert(key.clone(), answer);
        self.by_age.push_back((now, key));
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_front() {
            self.answers.remove(&key);
        }
    }
}
