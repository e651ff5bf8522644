//! Requests that go to Redis together, and what becomes of its answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::types::{Key, Value};
use hallway_protocol::{Epoch, Keep, RoomName};

use super::envelope::read_position;
use super::errors;
use super::hints::{Hints, expiry};
use super::names::Names;
use super::publisher::Answer;
use super::script::bytes_of;
use crate::{BusError, Published};

/// Where something is published.
pub(super) enum Target {
    /// To a room; numbered and kept as said.
    Room {
        room: RoomName,
        keep: Option<Keep>,
        idempotency_key: Option<String>,
    },
    /// To a channel of our own.
    Own(String),
}

/// A request in line.
pub(super) struct Item {
    pub(super) target: Target,
    pub(super) body: Bytes,
    /// When it was put there.
    pub(super) queued: Instant,
    pub(super) answer: Answer,
}

impl Item {
    /// Answers that it was not done.
    pub(super) fn refuse(self, why: BusError) {
        let _ = self.answer.send(Err(why));
    }

    fn numbered(&self) -> Option<(&RoomName, Keep)> {
        match &self.target {
            Target::Room {
                room, keep: Some(keep), ..
            } => Some((room, *keep)),
            _ => None,
        }
    }
}

/// Requests on their way, and the command that does them.
pub(super) struct Batch {
    items: Vec<Item>,
    /// For each, whether its room's life begins anew.
    begins: Vec<bool>,
    keys: Vec<Key>,
    args: Vec<Value>,
    sent: Instant,
}

/// What came of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// How many were done.
    pub(super) published: u64,
    /// The server's clock in milliseconds.
    pub(super) ts: Option<u64>,
    /// Whether the server is not the one to talk to any more.
    pub(super) must_reconnect: bool,
}

impl Batch {
    pub(super) fn new(items: Vec<Item>, names: &Names, hints: &Hints, now: Instant) -> Self {
        let mut batch = Self {
            begins: Vec::with_capacity(items.len()),
            keys: Vec::with_capacity(items.len()),
            args: Vec::with_capacity(items.len() * 6),
            items: Vec::new(),
            sent: now,
        };
        for item in &items {
            batch.write(item, names, hints);
        }
        batch.items = items;
        batch
    }

    /// The script's keys and arguments, as `scripts/publish.lua` says.
    pub(super) fn command(&self) -> (Vec<Key>, Vec<Value>) {
        (self.keys.clone(), self.args.clone())
    }

    fn write(&mut self, item: &Item, names: &Names, hints: &Hints) {
        let (channel, answer_key) = match &item.target {
            Target::Own(channel) => (channel.clone(), None),
            Target::Room {
                room, idempotency_key, ..
            } => (
                names.channel(room),
                idempotency_key.as_ref().map(|key| names.answer(room, key)),
            ),
        };
        let Some((room, keep)) = item.numbered() else {
            self.begins.push(false);
            let what = if answer_key.is_some() { "ui" } else { "u" };
            self.args
                .extend([Value::from(what), channel.into(), item.body.clone().into()]);
            self.keys.extend(answer_key.map(Key::from));
            return;
        };
        let (epoch, begins) = hints.get(room, keep.life, self.sent);
        let what = match (begins, answer_key.is_some()) {
            (false, false) => "n",
            (false, true) => "ni",
            (true, false) => "r",
            (true, true) => "ri",
        };
        self.begins.push(begins);
        self.keys.push(names.stream(room).into());
        self.keys.extend(answer_key.map(Key::from));
        self.args.extend([
            Value::from(what),
            channel.into(),
            item.body.clone().into(),
            epoch.map_or_else(String::new, |Epoch(epoch)| epoch.to_string()).into(),
            // The last entry says where the room stands, so there is always one.
            i64::from(keep.count.max(1)).into(),
            milliseconds(expiry(keep.life)).into(),
            i64::try_from(keep.bytes).unwrap_or(i64::MAX).into(),
        ]);
    }

    /// Answers all alike.
    pub(super) fn fail(self, why: &BusError) {
        for item in self.items {
            let _ = item.answer.send(Err(why.clone()));
        }
    }

    /// Hands out the script's answers, one by one.
    pub(super) fn settle(self, value: Value, hints: &mut Hints) -> Done {
        let mut answers = value.into_array().into_iter().filter_map(bytes_of);
        let ts = answers
            .next()
            .and_then(|ts| std::str::from_utf8(&ts).ok()?.parse().ok());
        let mut done = Done {
            published: 0,
            ts,
            must_reconnect: false,
        };
        for (item, begins) in self.items.into_iter().zip(self.begins) {
            let answer = answers.next().unwrap_or_default();
            let result = ts.ok_or(UNREADABLE).and_then(|ts| read_answer(&answer, ts));
            match &result {
                Ok(answer) => {
                    done.published += 1;
                    if let (Some((room, _)), Some(position), false) =
                        (item.numbered(), answer.published.position, answer.is_repeat)
                    {
                        hints.learn(room.clone(), position.epoch, begins, self.sent);
                    }
                }
                Err(why) => done.must_reconnect |= matches!(why, BusError::Unavailable(_)),
            }
            let _ = item.answer.send(result.map(|answer| answer.published));
        }
        done
    }
}

const UNREADABLE: BusError = BusError::Interrupted;

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1)
}

struct OneAnswer {
    published: Published,
    /// Whether it was done earlier, under the same idempotency key.
    is_repeat: bool,
}

fn read_answer(answer: &[u8], ts: u64) -> Result<OneAnswer, BusError> {
    let text = std::str::from_utf8(answer).map_err(|_| UNREADABLE)?;
    if let Some(why) = text.strip_prefix('!') {
        return Err(errors::from_server(why));
    }
    let (text, ts, is_repeat) = match text.strip_prefix('=') {
        None => (text, ts, false),
        Some(first) => {
            let (position, ts) = first.split_once(' ').ok_or(UNREADABLE)?;
            (position, ts.parse().map_err(|_| UNREADABLE)?, true)
        }
    };
    let position = read_position(text).ok_or(UNREADABLE)?;
    Ok(OneAnswer {
        published: Published { position, ts },
        is_repeat,
    })
}
