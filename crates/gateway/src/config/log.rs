//! What is logged, and how.

use hallway_settings::{choice, settings};

choice! {
    /// How a line of the log is written.
    pub enum LogFormat {
        /// For people.
        Human = "human",
        /// For programs: an object per line.
        Json = "json",
    }
}

settings! {
    /// What is logged, to standard error.
    pub struct Log {
        /// How a line is written.
        format: LogFormat = "human";
        /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels per part, such as
        /// `info,hallway_bus=debug`.
        filter: String = "info";
    }
}
