//! Who belongs to which room, where the database or the backend says so.

use std::time::Duration;

use hallway_settings::settings;

use super::store_url::StoreUrl;

settings! {
    /// Who belongs to which room: the rules `members` and `webhook` of `[[kinds]]`. See
    /// [authorization.md](authorization.md).
    pub struct Members {
        /// SQL that finds a membership in the application's own tables, with `$1` for the user and `$2` for the room: a row
        /// means a member, and its column `role` (if there is one) may say `owner` or `moderator`. Empty: the
        /// gateway's own table, which the backend API changes.
        sql: String = "";
        /// The Postgres in which that SQL is asked. Empty: the gateway's own database.
        url: StoreUrl = "";
        /// How long an answer is good for others who ask the same (a refusal: at most a second). The backend API ends it at
        /// once.
        fresh: Duration = "5s", from "0s" to "5m";
        /// How often it is asked again about those who stay in a room.
        review: Duration = "1m", from "1s" to "1d";
    }
}
