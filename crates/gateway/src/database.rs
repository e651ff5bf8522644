//! The database as a node holds it: it may be away when the node starts, and comes in when it is there.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_store::{Database, DatabaseOptions, OperatorQuery, SqlStore, StoreError, StoreOptions};

use crate::config::{Config, StoreUrl};
use crate::node::StartError;

/// Something that needs a database to be made.
pub struct Late<T>(OnceLock<Arc<T>>);

/// Makes it; asked again until it works.
type Make<T> = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<T>, StoreError>> + Send + Sync>;

impl<T: Send + Sync + 'static> Late<T> {
    /// Makes it now, or, if the database is away, as soon as it is back: tried every `interval`, as long as the task's
    /// runtime lives.
    ///
    /// # Errors
    /// What waiting does not mend, such as a mistake in an operator's SQL.
    pub async fn make(
        what: &'static str,
        interval: Duration,
        make: impl Fn() -> BoxFuture<'static, Result<Arc<T>, StoreError>> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, StoreError> {
        let late = Arc::new(Self(OnceLock::new()));
        match make().await {
            Ok(made) => late.put(made),
            Err(why) if may_mend(&why) => {
                tracing::warn!(what, %why, "the database is away: what needs it is answered with `unavailable`");
                tokio::spawn(Arc::clone(&late).keep_trying(what, interval, Box::new(make)));
            }
            Err(why) => return Err(why),
        }
        Ok(late)
    }

    async fn keep_trying(self: Arc<Self>, what: &'static str, interval: Duration, make: Make<T>) {
        // Ends with the last who holds it.
        while Arc::strong_count(&self) > 1 {
            tokio::time::sleep(interval).await;
            match make().await {
                Ok(made) => {
                    tracing::info!(what, "the database is there");
                    return self.put(made);
                }
                Err(why) if may_mend(&why) => {}
                Err(why) => tracing::error!(what, %why, "the database is there, but cannot be used"),
            }
        }
    }

    fn put(&self, made: Arc<T>) {
        let _ = self.0.set(made);
    }

    /// It.
    ///
    /// # Errors
    /// The database was not there yet.
    pub fn get(&self) -> Result<Arc<T>, StoreError> {
        self.0.get().cloned().ok_or_else(|| StoreError::Unavailable {
            why: "it was not there yet".into(),
            uncertain: false,
        })
    }
}

/// How the store's database is reached.
#[must_use]
pub fn options(config: &Config) -> DatabaseOptions {
    let store = &config.store;
    DatabaseOptions {
        url: store.database_url(),
        setting: if store.url.expose().is_some() {
            "store.url"
        } else {
            "store.path"
        },
        connections: store.connections as usize,
        timeout: store.timeout,
        queue: store.queue as usize,
        retry_interval: store.retry_interval,
    }
}

/// How the database of an operator's question is reached, at the URL of a setting; where that is empty, the gateway's own.
fn options_at(config: &Config, url: &StoreUrl, setting: &'static str) -> DatabaseOptions {
    let own = options(config);
    match url.expose() {
        Some(url) => DatabaseOptions {
            url: url.to_owned(),
            setting,
            ..own
        },
        None => own,
    }
}

/// An operator's SQL, of the setting `sql_setting`, on the database at `url`. It may be away still.
///
/// # Errors
/// SQL that the database does not understand.
pub async fn operator_query<Q: OperatorQuery>(
    config: &Config,
    (url_setting, url): (&'static str, &StoreUrl),
    (sql_setting, sql): (&'static str, &str),
) -> Result<Arc<Late<Q>>, StartError> {
    let (options, sql) = (options_at(config, url, url_setting), sql.to_owned());
    let prepare = move || {
        let (options, sql) = (options.clone(), sql.clone());
        async move {
            let database = Database::connect(&options).await?;
            Q::prepare(&database, sql_setting, &sql).await.map(Arc::new)
        }
        .boxed()
    };
    let query = Late::make(sql_setting, config.store.retry_interval, prepare).await;
    query.map_err(|why| StartError::Config(why.to_string()))
}

/// The gateway's own store.
///
/// # Errors
/// A database that can be reached and not be used.
pub async fn connect(config: &Config) -> Result<Arc<Late<SqlStore>>, StartError> {
    if config.redis.url.expose().is_some() && config.store.url.expose().is_none() {
        tracing::warn!(
            file = config.store.path,
            "redis.url is set and store.url is not: this node keeps people, memberships and messages to itself, and \
             other nodes do not see them"
        );
    }
    let options = StoreOptions {
        database: options(config),
        schema: config.store.schema.clone(),
        lease: config.store.lease,
    };
    let connect = move || {
        let options = options.clone();
        async move { SqlStore::connect(options).await }.boxed()
    };
    let store = Late::make("store", config.store.retry_interval, connect);
    store.await.map_err(|why| StartError::Config(why.to_string()))
}

fn may_mend(why: &StoreError) -> bool {
    matches!(why, StoreError::Unavailable { .. } | StoreError::Busy)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_comes_when_the_database_does() {
        let tries = Arc::new(AtomicUsize::new(0));
        let make = {
            let tries = Arc::clone(&tries);
            move || {
                let tries = Arc::clone(&tries);
                async move {
                    match tries.fetch_add(1, Ordering::SeqCst) {
                        0..3 => Err(StoreError::Busy),
                        _ => Ok(Arc::new(7)),
                    }
                }
                .boxed()
            }
        };
        let late = Late::make("a number", Duration::from_secs(1), make).await.unwrap();
        assert!(late.get().is_err());
        while late.get().is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!((*late.get().unwrap(), tries.load(Ordering::SeqCst)), (7, 4));
        let wrong = || async { Err::<Arc<u8>, _>(StoreError::Refused("no".into())) }.boxed();
        assert!(Late::make("nothing", Duration::from_secs(1), wrong).await.is_err());
    }
}
