//! One lane's rooms. Whoever holds it publishes in one step.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use hallway_protocol::{Epoch, Position, RoomName};

use super::idempotency::Answers;
use super::room::Room;
use crate::{Heard, History, Publish, Published, RoomState};

/// Most rooms whose numbering a lane remembers; beyond it the one that expires first is forgotten, as if its
/// life had ended.
const ROOMS: usize = 262_144;

/// The rooms of a lane.
#[derive(Default)]
pub(super) struct Lane {
    rooms: HashMap<RoomName, Room>,
    /// One entry per room. Its time may be too early, since it is only corrected when it comes up.
    expiries: BinaryHeap<Reverse<(Instant, RoomName)>>,
    answers: Answers,
    last_epoch: u64,
}

impl Lane {
    /// Numbers and keeps a broadcast; gives what is to be heard, or nothing for a repeat.
    pub(super) fn publish(&mut self, request: Publish, ts: u64, now: Instant) -> (Published, Option<Heard>) {
        let Publish {
            room,
            message,
            keep,
            idempotency_key,
        } = request;
        let key = idempotency_key.map(|key| (room.clone(), key));
        if let Some(first) = key.as_ref().and_then(|key| self.answers.get(key, now)) {
            return (first, None);
        }
        let mut heard = Heard {
            room,
            position: None,
            ts: Some(ts),
            message,
        };
        let published = match keep {
            None => Published { position: None, ts },
            Some(keep) => {
                let room = self.room(&heard.room, ts, now);
                let state = room.number(ts);
                heard.position = Some(state.position);
                heard.ts = Some(state.ts);
                room.keep(heard.clone(), keep, now);
                Published {
                    position: heard.position,
                    ts: state.ts,
                }
            }
        };
        if let Some(key) = key {
            self.answers.insert(key, published, now);
        }
        (published, Some(heard))
    }

    pub(super) fn state(&self, room: &RoomName, now: Instant) -> Option<RoomState> {
        self.living(room, now).map(Room::state)
    }

    pub(super) fn history(&self, room: &RoomName, after: Option<Position>, limit: usize, now: Instant) -> History {
        match self.living(room, now) {
            Some(room) => room.history(after, limit),
            None => History::of(None, after, Vec::new()),
        }
    }

    fn living(&self, room: &RoomName, now: Instant) -> Option<&Room> {
        self.rooms.get(room).filter(|room| room.expires > now)
    }

    /// The room as it is, or a new life of it.
    fn room(&mut self, name: &RoomName, ts: u64, now: Instant) -> &mut Room {
        self.sweep(now);
        let is_living = self.living(name, now).is_some();
        if !is_living {
            // Never twice the same, however fast lives follow each other and whatever the clock does.
            self.last_epoch = ts.max(self.last_epoch + 1);
            let is_new = self
                .rooms
                .insert(name.clone(), Room::new(Epoch(self.last_epoch), now))
                .is_none();
            if is_new {
                self.expiries.push(Reverse((now, name.clone())));
            }
        }
        // It was there, or was just put there.
        self.rooms
            .get_mut(name)
            .expect("the room was just looked up or inserted")
    }

    /// Forgets a few rooms whose life has ended: more per publish than one publish can add.
    fn sweep(&mut self, now: Instant) {
        for _ in 0..2 {
            let is_full = self.rooms.len() >= ROOMS;
            let Some(Reverse((at, _))) = self.expiries.peek() else {
                return;
            };
            if *at > now && !is_full {
                return;
            }
            let Some(Reverse((at, name))) = self.expiries.pop() else {
                return;
            };
            match self.rooms.get(&name).map(|room| room.expires) {
                Some(expires) if expires > now && (expires > at || !is_full) => {
                    self.expiries.push(Reverse((expires, name)));
                }
                _ => {
                    self.rooms.remove(&name);
                }
            }
        }
    }
}
