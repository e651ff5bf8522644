//! How a node goes.

use std::time::Duration;

use hallway_settings::settings;

settings! {
    /// How a node goes: not ready (`delay`), then its clients are sent to other nodes (`drain`), and by
    /// `deadline` it has ended.
    pub struct Shutdown {
        /// How long a node that is told to stop still takes connections, not ready any more, so that load
        /// balancers see it before it refuses.
        delay: Duration = "0s", from "0s" to "10m";
        /// Over how long clients are sent away, spread evenly, so that they do not all come to the other nodes
        /// at once. Longer, where those take fewer handshakes than that, as far as `deadline` leaves it.
        drain: Duration = "10s", from "0s" to "1h";
        /// When the process ends, counted from the moment it was told to, whatever is still open.
        deadline: Duration = "30s", from "1s" to "2h";
    }
}
