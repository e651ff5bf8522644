//! What the operator's backend is to be told, kept until it took it, whichever node saw it. In partitions: within one,
//! order is kept, and one node at a time takes from it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::BusError;

/// How long a partition lives that nobody appends to or takes from.
pub const JOURNAL_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// One thing to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// One of its kind; the same over all repeats, so that whoever is told can drop doubles.
    pub id: String,
    /// Whom it is about. What is about one subject belongs into one partition, see [`partition_of`].
    pub subject: String,
    /// What is said.
    pub body: Bytes,
}

/// Where an entry stands in its partition: the time at which it was appended, in Unix milliseconds, and a number within that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u64, pub u64);

/// An entry that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub place: Place,
    /// What.
    pub entry: Entry,
}

/// The right to take from a partition. It ends `life` after it was last taken or renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Of which partition.
    pub partition: u16,
    /// Whose; one of its kind among all nodes.
    pub holder: String,
    /// For how long.
    pub life: Duration,
}

/// What waits in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The oldest of it, the oldest first.
    pub entries: Vec<Kept>,
    /// How many entries there are.
    pub waiting: u64,
    /// Age of the oldest by the bus's clock; zero where nothing waits.
    pub age: Duration,
}

/// The memory of what is to be told.
///
/// At least once: an entry is there until it is confirmed, or pushed out by newer ones. After an error that
/// [`BusError::is_uncertain`] an append may have been done, and repeating it doubles entries (their ids tell).
///
/// None of its futures waits longer than the bus's command timeout, and dropping one stops the waiting, never the work.
pub trait Journal: Send + Sync + 'static {
    /// Appends to a partition, all or nothing, in this order, and keeps about `most` of all that waits there: never fewer.
    /// How many of the oldest were pushed out.
    fn append(&self, partition: u16, entries: Vec<Entry>, most: u64) -> BoxFuture<'static, Result<u64, BusError>>;

    /// Takes or renews a lease, and reads at most `limit` (at least 1) of the oldest entries. Nothing while another has it.
    fn take(&self, lease: Lease, limit: usize) -> BoxFuture<'static, Result<Option<Backlog>, BusError>>;

    /// Forgets the entries up to a place, that too. Not where the lease is over: then nothing is forgotten, and the answer is no.
    fn confirm(&self, lease: Lease, up_to: Place) -> BoxFuture<'static, Result<bool, BusError>>;

    /// Gives a lease back, so that nobody has to wait for its end. Harmless where another has it.
    fn release(&self, lease: Lease) -> BoxFuture<'static, Result<(), BusError>>;
}

/// The partition of a subject: the same on every node and in every version (FNV-1a).
#[must_use]
pub fn partition_of(subject: &str, partitions: u16) -> u16 {
    let hash = subject.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // Less than a u16.
    (hash % u64::from(partitions.max(1))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_stays_where_it_is() {
        // Written down, since what waits would be told out of order if it changed.
        assert_eq!(partition_of("user/alice", 8), 1);
        assert_eq!(partition_of("user/alice", 1), 0);
        let taken: std::collections::HashSet<u16> = (0..100)
            .map(|number| partition_of(&format!("user/{number}"), 8))
            .collect();
        assert_eq!(taken.len(), 8);
    }
}
