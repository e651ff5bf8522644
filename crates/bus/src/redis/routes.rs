//! Which server is asked for what.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use super::batch::Target;
use super::shard::Shard;
use super::slots;

/// Shards, and which slots they have.
pub(super) struct Routes {
    table: RwLock<Table>,
    /// Told by whoever sees that they are not as they stand here.
    pub(super) are_stale: Notify,
    /// Changes when they do.
    pub(super) changed: watch::Sender<()>,
}

/// Where everything is.
enum Table {
    /// In one place, which is not there yet, or not any more, without one.
    One(Option<Arc<Shard>>),
    /// By slot, and what stands before a room's name in its channel's.
    Slots(String, Vec<Option<Arc<Shard>>>),
}

impl Routes {
    pub(super) fn new() -> Self {
        Self {
            table: RwLock::new(Table::One(None)),
            are_stale: Notify::new(),
            changed: watch::Sender::new(()),
        }
    }

    /// Everything is on one server.
    pub(super) fn set_one(&self, shard: Arc<Shard>) {
        *self.table.write() = Table::One(Some(shard));
        self.changed.send_replace(());
    }

    /// Each slot is where it is said.
    pub(super) fn set_slots(&self, prefix: &str, owners: Vec<Option<Arc<Shard>>>) {
        *self.table.write() = Table::Slots(prefix.to_owned(), owners);
        self.changed.send_replace(());
    }

    /// Nothing is anywhere; the shards end.
    pub(super) fn clear(&self) {
        *self.table.write() = Table::One(None);
    }

    /// Who has a channel, and the keys that carry it as their hash tag.
    pub(super) fn of_channel(&self, channel: &str) -> Option<Arc<Shard>> {
        match &*self.table.read() {
            Table::One(shard) => shard.clone(),
            Table::Slots(_, owners) => owners.get(usize::from(slots::of(channel)))?.clone(),
        }
    }

    /// Who has a slot of a cluster.
    pub(super) fn of_slot(&self, slot: u16) -> Option<Arc<Shard>> {
        match &*self.table.read() {
            Table::One(_) => None,
            Table::Slots(_, owners) => owners.get(usize::from(slot))?.clone(),
        }
    }

    /// Whether what is to be published can be sent now.
    pub(super) fn is_up(&self, target: &Target) -> bool {
        let shard = match &*self.table.read() {
            Table::One(shard) => return shard.as_ref().is_some_and(|shard| shard.is_up()),
            Table::Slots(prefix, owners) => {
                let slot = match target {
                    Target::Own(channel) => slots::of(channel),
                    Target::Room { room, .. } => slots::of(&format!("{prefix}{room}")),
                };
                owners.get(usize::from(slot)).cloned().flatten()
            }
        };
        shard.is_some_and(|shard| shard.is_up())
    }
}
