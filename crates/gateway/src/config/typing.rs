//! Who writes.

use std::time::Duration;

use hallway_settings::settings;

settings! {
    /// Who writes, see `typing.start`.
    pub struct Typing {
        /// When a user who has not said again that they write is taken to have stopped. Those of a node that died: half as
        /// much later.
        life: Duration = "10s", from "100ms" to "5m";
    }
}
