//! Whether who has shown who they are may connect, and what else is known of them.

use hallway_settings::settings;

use super::store_url::StoreUrl;

settings! {
    /// Whether who has shown who they are may connect, and what else is known of them. `webhook.admission_url` is asked after
    /// these. See [authentication.md](authentication.md#admission).
    pub struct Admission {
        /// Claims of tokens that become attributes. Dots reach inside of claims.
        claims: Vec<String> = "";
        /// SQL about a user, `$1`: without a row they are refused; a column `refused` that is not NULL refuses with its text
        /// as the reason; a column `name` is their name; all others become attributes. Empty: nothing is asked.
        sql: String = "";
        /// The Postgres in which that SQL is asked. Empty: the gateway's own database.
        url: StoreUrl = "";
    }
}
