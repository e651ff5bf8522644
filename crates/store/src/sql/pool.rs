//! Connections, and the time that a call may take.
//!
//! It does what a general pool does not: who waits is counted and bounded, one deadline holds for the whole call, a connection
//! whose work was given up is closed instead of waited for, and while the database is away calls end at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connection::{Connection, Connector};
use crate::stats::{Stats, count};
use crate::{DatabaseOptions, StoreError};

/// A connection that rested for longer is asked whether it is still one, before it is relied on.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long a connection may rest before it is closed: less than firewalls remember one.
const REST: Duration = Duration::from_secs(240);

/// How long a connection is used: servers keep memory per connection, and behind a name there may be another server by now.
const LIFE: Duration = Duration::from_secs(1800);

pub(super) struct Pool {
    connector: Connector,
    slots: Arc<Semaphore>,
    size: usize,
    idle: Mutex<Vec<Resting>>,
    timeout: Duration,
    queue: u64,
    retry_interval: Duration,
    /// Whether the database was there when last seen.
    health: watch::Sender<bool>,
    is_probing: AtomicBool,
    stats: Arc<Stats>,
    /// What a database in memory lives as long as.
    anchor: Mutex<Option<Connection>>,
}

struct Resting {
    connection: Connection,
    made: Instant,
    since: Instant,
}

impl Pool {
    pub(super) fn new(connector: Connector, size: usize, options: &DatabaseOptions, stats: Arc<Stats>) -> Arc<Self> {
        Arc::new(Self {
            connector,
            slots: Arc::new(Semaphore::new(size)),
            size,
            idle: Mutex::default(),
            timeout: options.timeout,
            queue: options.queue as u64,
            retry_interval: options.retry_interval,
            health: watch::Sender::new(true),
            is_probing: AtomicBool::new(false),
            stats,
            anchor: Mutex::default(),
        })
    }

    /// Makes the first connection.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if whoever is there does not let us in; [`StoreError::Unavailable`] if nobody is.
    pub(super) async fn first(&self) -> Result<(), StoreError> {
        count(&self.stats.connects);
        let connection = timeout(self.timeout, self.connector.connect()).await;
        self.put_back(connection.unwrap_or_else(|_| Err(too_late()))?, Instant::now());
        Ok(())
    }

    /// Keeps one connection open beside all others.
    pub(super) async fn anchor(&self) -> Result<(), StoreError> {
        let connection = self.connect().await?;
        *self.anchor.lock() = Some(connection);
        Ok(())
    }

    pub(super) fn health(&self) -> watch::Receiver<bool> {
        self.health.subscribe()
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.connector.is_postgres()
    }

    /// Does work on a connection, within the time of a call. Dropping the future closes the connection.
    pub(super) async fn call<T, W>(self: &Arc<Self>, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>,
    {
        self.call_until(self.deadline(), None, work).await
    }

    /// When a call that begins now must be done.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// The same with another end; and first waits in another line, before it takes a connection.
    pub(super) async fn call_until<T, W>(
        self: &Arc<Self>,
        until: Instant,
        line: Option<&Arc<Semaphore>>,
        work: W,
    ) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>,
    {
        let result = self.attempt(until, line, work).await;
        count(match &result {
            Err(StoreError::Unavailable { .. }) => &self.stats.unavailable,
            Err(StoreError::Busy) => &self.stats.busy,
            _ => &self.stats.answered,
        });
        result
    }

    async fn attempt<T, W>(
        self: &Arc<Self>,
        until: Instant,
        line: Option<&Arc<Semaphore>>,
        work: W,
    ) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>>,
    {
        if !*self.health.borrow() {
            return Err(StoreError::away("it did not answer a moment ago"));
        }
        let _turn = match line {
            Some(line) => Some(self.wait(line, until).await?),
            None => None,
        };
        let _slot = self.wait(&self.slots, until).await?;
        let taken = timeout_at(until, self.take()).await;
        let (mut connection, made) = match taken.unwrap_or_else(|_| Err(too_late())) {
            Ok(taken) => taken,
            // It lets nobody else in, but it is there.
            Err(StoreError::Busy) => return Err(StoreError::Busy),
            Err(why) => {
                self.is_down(&why);
                return Err(why);
            }
        };
        let Ok(result) = timeout_at(until, work(&mut connection)).await else {
            self.probe();
            return Err(StoreError::lost("no answer in time"));
        };
        if matches!(result, Err(StoreError::Unavailable { .. })) {
            self.probe();
            return result;
        }
        // Where not even this works, the connection is dropped and the next call sees to the rest.
        if matches!(timeout_at(until, connection.roll_back()).await, Ok(Ok(()))) {
            self.put_back(connection, made);
        }
        result
    }

    /// Waits for a place in a line, if not too many do.
    async fn wait(&self, line: &Arc<Semaphore>, until: Instant) -> Result<OwnedSemaphorePermit, StoreError> {
        let closed = || StoreError::away("the store is closed");
        match Arc::clone(line).try_acquire_owned() {
            Ok(place) => return Ok(place),
            Err(TryAcquireError::Closed) => return Err(closed()),
            Err(TryAcquireError::NoPermits) => {}
        }
        let waiting = Waiting::begin(&self.stats);
        if waiting.count > self.queue {
            return Err(StoreError::Busy);
        }
        match timeout_at(until, Arc::clone(line).acquire_owned()).await {
            Ok(place) => place.map_err(|_| closed()),
            Err(_) => Err(StoreError::away("its turn did not come in time")),
        }
    }

    /// A connection that works, and when it was made.
    async fn take(&self) -> Result<(Connection, Instant), StoreError> {
        loop {
            let Some(mut resting) = self.idle.lock().pop() else {
                return Ok((self.connect().await?, Instant::now()));
            };
            if resting.is_old() {
                continue;
            }
            if resting.since.elapsed() < TRUSTED_FOR || resting.connection.ping().await.is_ok() {
                return Ok((resting.connection, resting.made));
            }
        }
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        count(&self.stats.connects);
        self.connector.connect().await.map_err(|why| match why {
            // It let us in at the start. Somebody will mend that.
            StoreError::Refused(why) => StoreError::away(why),
            other => other,
        })
    }

    fn put_back(&self, connection: Connection, made: Instant) {
        let mut idle = self.idle.lock();
        // The one that rested longest is first.
        idle.retain(|resting| !resting.is_old());
        if idle.len() < self.size && !self.slots.is_closed() {
            idle.push(Resting {
                connection,
                made,
                since: Instant::now(),
            });
        }
    }

    /// The database cannot be reached: calls end at once until it can.
    fn is_down(self: &Arc<Self>, why: &StoreError) {
        self.idle.lock().clear();
        if self.health.send_replace(false) {
            tracing::warn!(%why, "the database is away");
        }
        self.probe();
    }

    /// Looks whether the database is there, and goes on looking until it is.
    fn probe(self: &Arc<Self>) {
        if self.is_probing.swap(true, Ordering::AcqRel) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(pool) = pool.upgrade() {
                if pool.slots.is_closed() {
                    return;
                }
                match timeout(pool.timeout, pool.connect()).await {
                    Ok(Ok(connection)) => return pool.is_back(Some(connection)),
                    Ok(Err(StoreError::Busy)) => return pool.is_back(None),
                    Ok(Err(why)) => pool.is_away(&why),
                    Err(_) => pool.is_away(&too_late()),
                }
                let interval = pool.retry_interval;
                drop(pool);
                sleep(interval).await;
            }
        });
    }

    fn is_away(&self, why: &StoreError) {
        if self.health.send_replace(false) {
            tracing::warn!(%why, "the database is away");
        }
    }

    fn is_back(&self, connection: Option<Connection>) {
        // Before calls come, so that one which fails again is looked into again.
        self.is_probing.store(false, Ordering::Release);
        if let Some(connection) = connection {
            self.put_back(connection, Instant::now());
        }
        if !self.slots.is_closed() && !self.health.send_replace(true) {
            tracing::info!("the database is back");
        }
    }

    /// Ends it: waits for calls that are under way as long as a call may take, and answers later ones with
    /// [`StoreError::Unavailable`].
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let _ = timeout(self.timeout, self.slots.acquire_many(all)).await;
        self.slots.close();
        let resting: Vec<_> = self.idle.lock().drain(..).collect();
        let anchor = self.anchor.lock().take();
        for connection in resting.into_iter().map(|resting| resting.connection).chain(anchor) {
            let _ = timeout(self.timeout, connection.close()).await;
        }
        self.health.send_replace(false);
    }
}

fn too_late() -> StoreError {
    StoreError::away("no connection in time")
}

impl Resting {
    fn is_old(&self) -> bool {
        self.since.elapsed() > REST || self.made.elapsed() > LIFE
    }
}

/// One that waits, counted for as long as it does.
struct Waiting<'a> {
    stats: &'a Stats,
    /// How many wait, this one included.
    count: u64,
}

impl<'a> Waiting<'a> {
    fn begin(stats: &'a Stats) -> Self {
        let before = stats.waiting.fetch_add(1, Ordering::Relaxed);
        Self {
            stats,
            count: before + 1,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.stats.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
