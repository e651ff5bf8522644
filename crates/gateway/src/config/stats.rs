//! What anyone may know of the cluster.

use std::time::Duration;

use hallway_settings::settings;

settings! {
    /// What anyone may know of the cluster: the room `public-stats`, and `stats.get`.
    pub struct Stats {
        /// How often it is looked whether the number of connections has changed, which is then told in `public-stats`.
        interval: Duration = "5s", from "1s" to "1h";
    }
}
