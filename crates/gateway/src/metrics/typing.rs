//! Who writes.

use super::declare::metrics;

metrics! {
    /// Who writes.
    pub struct Typing {
        /// Notices of who writes, each socket counted.
        notices: counter = "hallway_typing_notices_total",
        /// Notices not told: to a socket that was `behind`, because the `bus` was busy or away, or because `too-many` write here.
        dropped: counter ["cause"] = "hallway_typing_dropped_total",
    }
}
