//! One connection to Redis that is made anew for ever.
//!
//! The client library could reconnect by itself, but then it also decides what is sent again, and hides when.
//! Here each connection is a client of its own, a generation: nothing is ever sent twice, and whoever holds a
//! generation knows that all of it went through one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::{Config, ConnectionConfig, PerformanceConfig, ServerConfig, TcpConfig};
use fred::types::{ConnectHandle, Value};
use tokio::sync::{Notify, watch};

use super::lineage::Lineage;
use super::{RedisOptions, script};
use crate::Stats;
use crate::stats::count;

/// Waits between attempts: the first, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// A connection that is up.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) client: Client,
    /// Rises with every connection.
    pub(super) generation: u64,
    /// When it came up.
    since: Instant,
    /// The clock that epochs are taken from, as the server last told it, in milliseconds. On the link for commands it is
    /// known before the link is offered: a room that is found empty without it would have no place to come back to.
    clock: Arc<AtomicU64>,
    broken: Arc<Notify>,
}

impl Up {
    /// Gives this connection up; a new one follows.
    pub(super) fn tear_down(&self) {
        self.broken.notify_one();
    }

    /// Takes note of what that clock says.
    pub(super) fn tick(&self, clock: u64) {
        self.clock.fetch_max(clock, Ordering::Relaxed);
    }

    /// The last that was noted.
    pub(super) fn clock(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}

/// The connection, if it is up now.
pub(super) type Link = watch::Receiver<Option<Up>>;

/// Keeps one connection.
pub(super) struct Keeper {
    pub(super) name: &'static str,
    pub(super) config: Config,
    pub(super) options: RedisOptions,
    /// Messages that the client may hold for us.
    pub(super) messages: usize,
    pub(super) stats: Arc<Stats>,
    pub(super) up: watch::Sender<Option<Up>>,
    /// What the server must prove before its connection is offered; nothing on the link for subscriptions.
    pub(super) lineage: Option<Proof>,
}

/// What is asked of a server on the link for commands.
pub(super) struct Proof {
    pub(super) lineage: Arc<Lineage>,
    /// Made anew as well where the server turns into another behind a connection that holds: what was heard may
    /// have gone with its data.
    pub(super) subscriptions: Link,
}

/// The task that drives a connection; ends with its owner, and the connection with it.
pub(super) struct Driver(ConnectHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Keeper {
    /// Connects for ever.
    pub(super) async fn run(self) {
        let mut backoff = BACKOFF.0;
        let mut told = None;
        let mut lost = None;
        for generation in 0_u64.. {
            match self.connect(generation, lost).await {
                Ok((client, driver, clock)) => {
                    if generation > 0 {
                        tracing::info!(link = self.name, "connected to Redis");
                        count(&self.stats.reconnects);
                    }
                    told = None;
                    backoff = BACKOFF.0;
                    self.hold(
                        Up {
                            client,
                            generation,
                            since: Instant::now(),
                            clock: Arc::new(AtomicU64::new(clock)),
                            broken: Arc::default(),
                        },
                        driver,
                    )
                    .await;
                    lost = Some(Instant::now());
                }
                Err(why) => {
                    // Once for each cause: a server that is up again and refuses us is news.
                    if told.as_deref() != Some(why.details()) {
                        tracing::warn!(link = self.name, why = why.details(), "Redis is away");
                        told = Some(why.details().to_owned());
                    }
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
            tokio::time::sleep(backoff).await;
        }
    }

    /// One attempt, after the last connection was `lost`. Bounded by the client's own timeouts. With what the clock says that epochs are taken from, where the
    /// server was asked.
    async fn connect(&self, attempt: u64, lost: Option<Instant>) -> Result<(Client, Driver, u64), Error> {
        let config = starting_elsewhere(self.config.clone(), attempt);
        let (client, driver) = open(config, &self.options, self.messages).await?;
        Box::pin(script::load(&client)).await?;
        let clock = match &self.lineage {
            Some(proof) => Box::pin(proof.look_anew(&client, lost)).await?,
            None => 0,
        };
        Ok((client, driver, clock))
    }

    /// Offers the connection until it breaks.
    async fn hold(&self, up: Up, mut driver: Driver) {
        self.up.send_replace(Some(up.clone()));
        let why = tokio::select! {
            ended = &mut driver.0 => match ended {
                Ok(Err(why)) => why.details().to_owned(),
                Ok(Ok(())) => "closed".to_owned(),
                Err(why) => why.to_string(),
            },
            () = up.broken.notified() => "given up".to_owned(),
            why = self.signs_of_life(&up) => why.details().to_owned(),
        };
        self.up.send_replace(None);
        tracing::warn!(link = self.name, %why, "the connection to Redis ended");
    }

    /// Asks again and again; ends when there is no answer in time, or it comes from another server.
    async fn signs_of_life(&self, up: &Up) -> Error {
        loop {
            tokio::time::sleep(self.options.probe_interval).await;
            let answer = match &self.lineage {
                None => Box::pin(up.client.ping::<Value>(None)).await.map(drop),
                Some(proof) => Box::pin(proof.look_again(up)).await,
            };
            if let Err(why) = answer {
                return why;
            }
        }
    }
}

/// One connection. Bounded by the client's own timeouts. `messages`: how many the client may hold for us.
pub(super) async fn open(config: Config, options: &RedisOptions, messages: usize) -> Result<(Client, Driver), Error> {
    let limit = options.command_timeout;
    let connection = ConnectionConfig {
        connection_timeout: limit,
        internal_command_timeout: limit,
        max_command_attempts: 1,
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        ..ConnectionConfig::default()
    };
    let performance = PerformanceConfig {
        default_command_timeout: limit,
        broadcast_channel_capacity: messages,
        ..PerformanceConfig::default()
    };
    let client = Client::new(config, Some(performance), Some(connection), None);
    let driver = Driver(Box::pin(client.init()).await?);
    Ok((client, driver))
}

/// The library asks the first sentinel that takes the connection and no other, so one that hangs would hold up every
/// attempt: each attempt begins with another.
fn starting_elsewhere(mut config: Config, attempt: u64) -> Config {
    if let ServerConfig::Sentinel { hosts, .. } = &mut config.server {
        let first = attempt % hosts.len().max(1) as u64;
        hosts.rotate_left(first as usize);
    }
    config
}

impl Proof {
    /// Has the server of a new connection prove itself; with what the clock says that epochs are taken from.
    async fn look_anew(&self, client: &Client, lost: Option<Instant>) -> Result<u64, Error> {
        let proven = self.lineage.prove(client).await?;
        if let Some(lost) = lost.filter(|_| !proven.is_same)
            && let Some(up) = &*self.subscriptions.borrow()
            // One that was made anew since then has told its loss already.
            && up.since < lost
        {
            up.tear_down();
        }
        Ok(proven.clock)
    }

    async fn look_again(&self, up: &Up) -> Result<(), Error> {
        let proven = self.lineage.prove(&up.client).await?;
        if proven.is_same {
            up.tick(proven.clock);
            return Ok(());
        }
        if let Some(up) = &*self.subscriptions.borrow() {
            up.tear_down();
        }
        Err(Error::new(ErrorKind::Unknown, "the server has become another"))
    }
}
