//! Messages on their way from the database to the rooms.

use std::time::Duration;

use hallway_settings::settings;

settings! {
    /// Messages on their way from the database to the rooms. See [messages.md](messages.md).
    pub struct Messages {
        /// How often this node looks for changes that were stored and not broadcast, by any node.
        relay_interval: Duration = "1s", from "10ms" to "1m";
    }
}
