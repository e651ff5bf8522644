//! Who is there.

use super::declare::metrics;

metrics! {
    /// Who is there.
    pub struct Presence {
        /// What sockets did that waits to be written to the bus now.
        line: gauge = "hallway_presence_line_entries",
        /// Times that the bus was told what sockets did, many at once.
        written: counter = "hallway_presence_writes_total",
        /// What sockets did that was not written, because too much waited or the bus refused it; renewal makes up for it.
        dropped: counter = "hallway_presence_dropped_total",
        /// Notices of who joined or left that a room was not told.
        untold: counter = "hallway_presence_notices_lost_total",
        /// Changes of a user's or a room's standing that this node has dealt with.
        effects: counter = "hallway_presence_changes_total",
        /// Changes that were not told or not stored, because too many waited or nobody took them.
        effects_dropped: counter = "hallway_presence_changes_dropped_total",
        /// Users whose status waits for the database now.
        unstored: gauge = "hallway_presence_unstored_users",
    }
}
