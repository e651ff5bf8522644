//! How to reach a database.

use std::time::Duration;

/// How to reach a database, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// `postgres://[user[:password]@]host[:port][/database][?sslmode=…&sslrootcert=…]`, `sqlite:<file>` or
    /// `sqlite::memory:` (one of its own, that ends with it).
    pub url: String,
    /// The key of the setting that holds the URL, for errors.
    pub setting: &'static str,
    /// Most connections. Of SQLite: of those that read; one more writes.
    pub connections: usize,
    /// How long a call may take altogether, waiting for a connection and making one included.
    pub timeout: Duration,
    /// Calls that may wait for a connection; beyond it they are answered with [`crate::StoreError::Busy`].
    pub queue: usize,
    /// How often a database that is away is asked whether it is back.
    pub retry_interval: Duration,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            url: "sqlite::memory:".to_owned(),
            setting: "store.url",
            connections: 8,
            timeout: Duration::from_secs(3),
            queue: 1024,
            retry_interval: Duration::from_millis(500),
        }
    }
}

/// How the gateway's own store is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The database.
    pub database: DatabaseOptions,
    /// The schema of Postgres that holds the tables: `[a-z_][a-z0-9_]*`, at most 63 bytes. SQLite has none.
    pub schema: String,
    /// For how long who stored a change has it to themselves to broadcast; then another node takes it up.
    pub lease: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            database: DatabaseOptions::default(),
            schema: "hallway".to_owned(),
            lease: Duration::from_secs(30),
        }
    }
}
