//! Messages that are kept.

use super::declare::{latency, metrics};

metrics! {
    /// Messages that are kept.
    pub struct Messages {
        /// Changes of messages that were asked for, by what was to be done (`created`, `edited`, `deleted`, `reacted`, `read`) and what came of it (`ok`, `repeat`, or an error's code).
        changes: counter ["change", "outcome"] = "hallway_message_changes_total",
        /// Time from asking the database for a change until it is stored, in seconds.
        seconds: histogram(latency()) ["change"] = "hallway_message_store_seconds",
        /// Changes that were stored and could not be broadcast at once.
        deferred: counter = "hallway_message_broadcasts_deferred_total",
        /// Changes that were broadcast later, whichever node had stored them.
        relayed: counter = "hallway_message_broadcasts_relayed_total",
        /// Changes of which the database is still to be told what became of their broadcast.
        notes: gauge = "hallway_message_notes_waiting",
        /// Such notes that found no room; the broadcast is repeated under the same key when the lease is over.
        notes_dropped: counter = "hallway_message_notes_dropped_total",
    }
}
