//! A database as the settings name it: which dialect, and which connections for what.

use std::str::FromStr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{Semaphore, watch};

use super::connection::{Connection, Connector, session};
use super::pool::Pool;
use crate::stats::Stats;
use crate::{DatabaseOptions, StoreError};

/// Connections to a database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pub(super) writer: Arc<Pool>,
    pub(super) readers: Arc<Pool>,
    stats: Arc<Stats>,
}

/// What a database is used for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use<'a> {
    /// The gateway's own tables, in this schema of Postgres.
    Own(&'a str),
    /// An operator's tables: only read.
    Foreign,
}

impl Database {
    /// Connects to a database of the operator's, for questions only.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if the URL is none; [`StoreError::Unavailable`] if nobody answers there.
    pub async fn connect(options: &DatabaseOptions) -> Result<Self, StoreError> {
        Self::open(options, Use::Foreign).await
    }

    pub(crate) async fn open(options: &DatabaseOptions, purpose: Use<'_>) -> Result<Self, StoreError> {
        let stats = Arc::new(Stats::default());
        let wrong = |why: String| StoreError::Setting {
            setting: options.setting.to_owned(),
            why,
        };
        if options.connections == 0 {
            return Err(wrong("a database needs a connection".to_owned()));
        }
        let database = if is_postgres(&options.url) {
            let connector = postgres(options, purpose).map_err(|why| wrong(why.to_string()))?;
            let pool = Pool::new(connector, options.connections, options, Arc::clone(&stats));
            pool.first().await.map_err(|why| match why {
                StoreError::Refused(why) => wrong(why),
                other => other,
            })?;
            Self {
                writer: Arc::clone(&pool),
                readers: pool,
                stats,
            }
        } else if options.url.starts_with("sqlite:") {
            let connect = sqlite(options, purpose).map_err(|why| wrong(why.to_string()))?;
            let writer = Connector::Sqlite(Box::new(connect.clone()));
            let writer = Pool::new(writer, 1, options, Arc::clone(&stats));
            writer.first().await?;
            let readers = if is_memory(&options.url) {
                // Its connections share one cache, in which a reader that meets a writer does not wait but fails.
                writer.anchor().await?;
                Arc::clone(&writer)
            } else {
                let reader = Connector::Sqlite(Box::new(connect.pragma("query_only", "ON")));
                Pool::new(reader, options.connections, options, Arc::clone(&stats))
            };
            Self { writer, readers, stats }
        } else {
            return Err(wrong("a database is postgres://… or sqlite:…".to_owned()));
        };
        Ok(database)
    }

    /// Whether the database was there when last seen. The channel always holds the present state.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<bool> {
        self.writer.health()
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Ends it. Waits for calls that are under way; later ones are answered with [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.writer.is_postgres()
    }

    /// Does what only reads.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>,
    {
        self.readers.call(work).await
    }

    /// Does one statement that writes.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>,
    {
        self.writer.call(work).await
    }

    /// Does work in a transaction, when its turn in a line has come; an error undoes it.
    pub(crate) async fn transact<T, W>(&self, line: Option<&Arc<Semaphore>>, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let until = self.writer.deadline();
        let call = self.writer.call_until(until, line, |connection| {
            Box::pin(async move {
                connection.begin().await?;
                let done = work(connection).await?;
                connection.commit().await?;
                Ok(done)
            })
        });
        call.await
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn is_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

fn postgres(options: &DatabaseOptions, purpose: Use<'_>) -> Result<Connector, sqlx::Error> {
    let mut connect = PgConnectOptions::from_str(&options.url)?;
    if connect.get_application_name().is_none() {
        connect = connect.application_name("hallway");
    }
    let schema = match purpose {
        Use::Own(schema) => Some(schema),
        Use::Foreign => None,
    };
    let mut session = session(schema, options.timeout);
    if schema.is_none() {
        session.push_str(" SET default_transaction_read_only = on;");
    }
    Ok(Connector::Postgres {
        options: Box::new(connect.disable_statement_logging()),
        session,
    })
}

fn sqlite(options: &DatabaseOptions, purpose: Use<'_>) -> Result<SqliteConnectOptions, sqlx::Error> {
    let connect = SqliteConnectOptions::from_str(&options.url)?
        .busy_timeout(options.timeout)
        .disable_statement_logging();
    Ok(match purpose {
        // Readers and the writer do not wait for one another (WAL), and what was acknowledged outlives a power cut (FULL:
        // in WAL, NORMAL may lose the last commits; <https://www.sqlite.org/pragma.html#pragma_synchronous>).
        Use::Own(_) => connect
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full),
        Use::Foreign => connect.read_only(!is_memory(&options.url)),
    })
}
