//! What was published, and what became of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallway_client::ResumeFrom;
use serde_json::{Value, json};

/// What became of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Acknowledged under this number.
    Accepted(ResumeFrom),
    /// Sent, but nobody knows.
    Uncertain,
    /// It was never sent, or refused for certain.
    Refused,
}

/// One publish.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) room: String,
    /// From the beginning of the run.
    pub(super) at: Duration,
    /// Whether it was sent more than once, under one idempotency key.
    pub(super) was_repeated: bool,
    pub(super) outcome: Outcome,
}

/// All publishes of a run, by the number that each carries in its payload.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Inner>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) published: Vec<Published>,
    /// What was acknowledged under a room's epoch and number.
    pub(super) numbers: HashMap<(String, String), BTreeMap<u64, usize>>,
    /// Numbers that were given to two publishes.
    pub(super) given_twice: Vec<(String, ResumeFrom, usize, usize)>,
}

impl Ledger {
    /// Takes down a publish before it is sent. Returns its id; until it is settled, nobody knows.
    pub(super) fn begin(&self, room: &str, at: Duration) -> usize {
        let mut inner = self.lock();
        inner.published.push(Published {
            room: room.to_owned(),
            at,
            was_repeated: false,
            outcome: Outcome::Uncertain,
        });
        inner.published.len() - 1
    }

    /// It is about to be sent again.
    pub(super) fn repeat(&self, id: usize) {
        self.lock().published[id].was_repeated = true;
    }

    /// What became of it.
    pub(super) fn settle(&self, id: usize, outcome: Outcome) {
        let mut inner = self.lock();
        let room = inner.published[id].room.clone();
        if let Outcome::Accepted(at) = &outcome {
            let line = inner.numbers.entry((room.clone(), at.epoch.clone())).or_default();
            if let Some(other) = line.insert(at.seq, id) {
                inner.given_twice.push((room, at.clone(), other, id));
            }
        }
        inner.published[id].outcome = outcome;
    }

    /// The last that was acknowledged in each room, of those whose numbering had one life.
    pub(super) fn last(&self) -> BTreeMap<String, ResumeFrom> {
        let mut last: BTreeMap<String, Option<ResumeFrom>> = BTreeMap::new();
        for ((room, epoch), line) in &self.lock().numbers {
            let seq = line.last_key_value().map(|(seq, _)| *seq);
            let place = seq.map(|seq| ResumeFrom {
                epoch: epoch.clone(),
                seq,
            });
            last.entry(room.clone())
                .and_modify(|last| *last = None)
                .or_insert(place);
        }
        last.into_iter()
            .filter_map(|(room, place)| Some((room, place?)))
            .collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere fails the run; what was written here stands.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a publish says: its id, and enough around it that a mangled payload shows.
pub(super) fn payload(id: usize) -> Value {
    json!({"id": id, "text": format!("{:x}-é-\"{}\"", id.wrapping_mul(0x9E37_79B9), "·".repeat(id % 24)), "list": [id % 7, null, true]})
}

/// The id in a payload, and whether the payload is as it was published.
pub(super) fn read(data: &Value) -> (Option<usize>, bool) {
    let id = data["id"].as_u64().map(|id| id as usize);
    (id, id.is_some_and(|id| payload(id) == *data))
}

/// The number in the reply to a publish.
pub(super) fn position(reply: &Value) -> Option<ResumeFrom> {
    serde_json::from_value(reply.clone()).ok()
}
