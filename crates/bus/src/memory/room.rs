//! One room: where it stands, and its last broadcasts.

use std::collections::VecDeque;
use std::time::Instant;

use hallway_protocol::{Epoch, Keep, Position};

use crate::{Heard, History, RoomState};

/// What is kept of a room within one epoch.
pub(super) struct Room {
    epoch: Epoch,
    seq: u64,
    ts: u64,
    /// When all of it is gone, unless another broadcast comes.
    pub(super) expires: Instant,
    /// The newest broadcasts, at most as many as the last request said.
    kept: VecDeque<Heard>,
    /// What they take.
    bytes: u64,
}

impl Room {
    pub(super) fn new(epoch: Epoch, now: Instant) -> Self {
        Self {
            epoch,
            seq: 0,
            ts: 0,
            expires: now,
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The next place. The clock's time is taken unless it went back.
    pub(super) fn number(&mut self, ts: u64) -> RoomState {
        self.seq += 1;
        self.ts = self.ts.max(ts);
        self.state()
    }

    pub(super) fn keep(&mut self, heard: Heard, keep: Keep, now: Instant) {
        self.expires = now + keep.life;
        self.bytes += size(&heard);
        self.kept.push_back(heard);
        while self.kept.len() > (keep.count as usize).max(1) || self.bytes > keep.bytes && self.kept.len() > 1 {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= size(&oldest);
            }
        }
    }

    pub(super) fn state(&self) -> RoomState {
        RoomState {
            position: Position {
                epoch: self.epoch,
                seq: self.seq,
            },
            ts: self.ts,
        }
    }

    pub(super) fn history(&self, after: Option<Position>, limit: usize) -> History {
        let first = match after {
            Some(here) if here.epoch == self.epoch => here.seq.saturating_add(1),
            _ => 0,
        };
        let seq = |heard: &Heard| heard.position.map_or(0, |position| position.seq);
        let broadcasts = self
            .kept
            .iter()
            .filter(|heard| seq(heard) >= first)
            .take(limit)
            .cloned()
            .collect();
        History::of(Some(self.state()), after, broadcasts)
    }
}

/// About what a kept broadcast takes, in bytes.
fn size(heard: &Heard) -> u64 {
    (size_of::<Heard>() + heard.message.destination.len() + heard.message.data.len()) as u64
}
