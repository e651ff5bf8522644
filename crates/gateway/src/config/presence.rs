//! Who is there.

use std::time::Duration;

use hallway_bus::presence::Terms;
use hallway_settings::settings;

settings! {
    /// Who is there: users over all their sockets, and rooms with the users in them. The same on all nodes. See
    /// [presence.md](presence.md).
    pub struct Presence {
        /// Whether rooms whose kind says so (`presence` in `[[kinds]]`) show their people. Without it no room does.
        rooms: bool = true;
        /// How long a socket is known without its node's saying so; a node says so three times as often. Who was on a node
        /// that died is gone after this and `presence.grace`.
        life: Duration = "90s", from "300ms" to "1h";
        /// How long a user is still there without a socket, and still in a room: for a page that is loaded anew.
        grace: Duration = "5s", from "50ms" to "5m";
        /// How long it is remembered what a user without sockets chose, and when they were there.
        remember: Duration = "1d", from "1m" to "30d";
    }
}

impl Presence {
    /// Its times, as the bus wants them.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            life: self.life,
            grace: self.grace,
            remember: self.remember,
        }
    }
}
