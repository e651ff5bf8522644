//! What the backend is to be told, in this process: bounded like the other, and gone with it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::journal::{Backlog, Entry, Kept, Lease, Place};

/// Partitions.
#[derive(Debug, Default)]
pub(super) struct Shelves(HashMap<u16, Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    entries: VecDeque<Kept>,
    last: Option<Place>,
    /// Who takes from it, and until when.
    holder: Option<(String, Instant)>,
}

impl Shelf {
    fn is_held_by(&self, lease: &Lease, now: Instant) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|(holder, end)| *holder == lease.holder && *end > now)
    }

    fn is_held_by_another(&self, lease: &Lease, now: Instant) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|(holder, end)| *holder != lease.holder && *end > now)
    }
}

impl Shelves {
    pub(super) fn append(&mut self, partition: u16, entries: Vec<Entry>, most: u64, now_ms: u64) -> u64 {
        let shelf = self.0.entry(partition).or_default();
        for entry in entries {
            let place = match shelf.last {
                Some(Place(ms, number)) if ms >= now_ms => Place(ms, number + 1),
                _ => Place(now_ms, 0),
            };
            shelf.last = Some(place);
            shelf.entries.push_back(Kept { place, entry });
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pushed_out = shelf.entries.len().saturating_sub(most);
        shelf.entries.drain(..pushed_out);
        pushed_out as u64
    }

    pub(super) fn take(&mut self, lease: Lease, limit: usize, now: Instant, now_ms: u64) -> Option<Backlog> {
        let shelf = self.0.entry(lease.partition).or_default();
        if shelf.is_held_by_another(&lease, now) {
            return None;
        }
        shelf.holder = Some((lease.holder, now + lease.life));
        let oldest = shelf.entries.front();
        let age = oldest.map_or(0, |oldest| now_ms.saturating_sub(oldest.place.0));
        Some(Backlog {
            waiting: shelf.entries.len() as u64,
            age: Duration::from_millis(age),
            entries: shelf.entries.iter().take(limit.max(1)).cloned().collect(),
        })
    }

    pub(super) fn confirm(&mut self, lease: &Lease, up_to: Place, now: Instant) -> bool {
        let shelf = self.0.entry(lease.partition).or_default();
        if !shelf.is_held_by(lease, now) {
            return false;
        }
        let taken = shelf.entries.partition_point(|kept| kept.place <= up_to);
        shelf.entries.drain(..taken);
        true
    }

    pub(super) fn release(&mut self, lease: &Lease, now: Instant) {
        if let Some(shelf) = self.0.get_mut(&lease.partition)
            && shelf.is_held_by(lease, now)
        {
            shelf.holder = None;
        }
    }
}
