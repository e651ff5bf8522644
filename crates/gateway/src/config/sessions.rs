//! Sessions that an application keeps in its database.

use std::time::Duration;

use hallway_settings::settings;

use super::store_url::StoreUrl;

settings! {
    /// Sessions that an application keeps in its database, as next-auth does: a token that is no JWT is looked up there.
    /// See [authentication.md](authentication.md#sessions-in-a-database).
    pub struct Sessions {
        /// Whether there are any.
        enabled: bool = false;
        /// The Postgres that keeps them. Empty: the gateway's own database.
        url: StoreUrl = "";
        /// SQL that finds a session by its token, `$1`: no row or one, with the columns `user_id`, and `name` and `expires`
        /// if there are. Empty: that for the schema of next-auth.
        sql: String = "";
        /// Cookies that may hold the token, the first one that is there counts.
        cookies: Vec<String> = "__Secure-authjs.session-token,authjs.session-token,__Secure-next-auth.session-token,next-auth.session-token";
        /// How long an answer is good for others who show the same token (that there is no such session: at most a second).
        fresh: Duration = "5s", from "0s" to "5m";
        /// How often it is asked again while sockets stand on a session: one that is gone ends them.
        review: Duration = "1m", from "1s" to "1h";
    }
}
