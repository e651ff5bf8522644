//! Who clients are.

use std::sync::atomic::Ordering::Relaxed;

use hallway_auth::jwks::Jwks;

use super::declare::metrics;

metrics! {
    /// Who clients are.
    pub struct Auth {
        /// Fetches of the key set, by what became of them (`ok`, `unreachable`, `status`, `too-large`, `timeout`, `malformed`).
        jwks_fetches: counter ["outcome"] = "hallway_jwks_fetches_total",
        /// Keys in the set that was fetched last and can be used.
        jwks_keys: gauge = "hallway_jwks_keys",
        /// Tokens with an unknown key that could not wait for a fetch because too many others did.
        jwks_turned_away: counter = "hallway_jwks_waits_refused_total",
        /// Questions to the database of sessions, by what came of them (`ok`, `none`, `unavailable`).
        session_questions: counter ["outcome"] = "hallway_session_questions_total",
        /// Sessions that were found to be gone while sockets stood on them.
        sessions_ended: counter = "hallway_sessions_ended_total",
        /// Users who were asked about before they were let in, by what came of it (`ok`, `refused`, `unavailable`).
        admissions: counter ["outcome"] = "hallway_admissions_total",
    }
}

impl Auth {
    /// Takes over what the key set counts itself.
    pub fn refresh(&self, jwks: &Jwks) {
        for (outcome, count) in jwks.stats().fetches() {
            super::catch_up(&self.jwks_fetches.with_label_values(&[outcome]), count);
        }
        self.jwks_keys.set(jwks.key_count().unwrap_or(0) as i64);
        super::catch_up(&self.jwks_turned_away, jwks.stats().turned_away.load(Relaxed));
    }
}
