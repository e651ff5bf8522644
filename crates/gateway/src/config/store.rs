//! Where people, memberships and messages are kept.

use std::time::Duration;

use hallway_settings::settings;

use super::store_url::StoreUrl;

/// The path that stands for no file.
pub(super) const IN_MEMORY: &str = ":memory:";

settings! {
    /// Where people, memberships and messages are kept. One node alone does well with SQLite; several nodes need the
    /// Postgres that they share.
    pub struct Store {
        /// The Postgres that all nodes share. Empty: this node keeps a file of SQLite, at `store.path`.
        url: StoreUrl = "";
        /// Without `store.url`: the file, made if it is not there; two more lie beside it while it is used. `:memory:` for
        /// none: all is gone when the node ends.
        path: String = "hallway.sqlite";
        /// The schema of Postgres that holds the tables, so that they do not meet an application's. The same on all nodes.
        schema: String = "hallway";
        /// Most connections of this node to the database.
        connections: u32 = 8, from 1 to 1000;
        /// How long a call may take altogether; then what needed it fails with `unavailable`. Postgres is told to give up
        /// then, too.
        timeout: Duration = "3s", from "50ms" to "1m";
        /// Calls of this node that wait for a connection; beyond it they fail with `unavailable` at once.
        queue: u32 = 1024, from 0 to 1048576;
        /// How often a database that is away is asked whether it is back.
        retry_interval: Duration = "500ms", from "10ms" to "1m";
        /// How long the node that stored a message has for its broadcast; then any node takes it up.
        lease: Duration = "30s", from "1s" to "1h";
    }
}

impl Store {
    /// The database's URL with its password: `store.url`, or that of the file. `check` has seen that the path is one.
    #[must_use]
    pub fn database_url(&self) -> String {
        match self.url.expose() {
            Some(url) => url.to_owned(),
            None if self.path == IN_MEMORY => "sqlite::memory:".to_owned(),
            None => format!("sqlite:{}", as_in_url(&self.path)),
        }
    }
}

/// What a URL would take for something else, encoded.
fn as_in_url(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use hallway_settings::{Input, load};

    use super::Store;

    fn url(text: &str) -> String {
        let input = Input {
            file: Some(("h.toml".into(), text.into())),
            ..Input::default()
        };
        load::<Store>(&input).unwrap().config.database_url()
    }

    #[test]
    fn a_url_comes_before_the_file() {
        assert_eq!(url(""), "sqlite:hallway.sqlite");
        assert_eq!(
            url("path = '/var/lib/what?/100%.sqlite'"),
            "sqlite:/var/lib/what%3F/100%25.sqlite"
        );
        assert_eq!(url("path = ':memory:'"), "sqlite::memory:");
        assert_eq!(url("path = 'x'\nurl = 'postgres://u:p@h/d'"), "postgres://u:p@h/d");
    }
}
