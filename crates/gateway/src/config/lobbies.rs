//! Lobbies.

use std::time::Duration;

use hallway_settings::settings;

settings! {
    /// Lobbies, see [lobbies.md](lobbies.md).
    pub struct Lobbies {
        /// Most people in a lobby that was made without saying it.
        capacity: u32 = 8, from 2 to 1000;
        /// The most that may be said.
        capacity_max: u32 = 1000, from 2 to 1000;
        /// How long a member stays in a lobby after their last socket has left its room, so that a page can be loaded anew.
        grace: Duration = "30s", from "100ms" to "1h";
        /// How long the members that a node holds stay when it dies without a word. It renews them three times as often.
        life: Duration = "90s", from "1s" to "1h";
    }
}
