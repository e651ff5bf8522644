//! Nodes that share a Redis (7.0 or newer).
//!
//! Two links, each made anew for ever ([`link`]): one for commands, one for subscriptions. Publishes go through one
//! line ([`publisher`]) in batches; what arrives goes through one task ([`drain`]) to the lanes; [`subscriber`]
//! keeps the subscriptions as [`wanted`]; [`probe`] sees whether what is published comes back.
//!
//! The client library stays behind this wall: nothing of it is in the crate's surface.

mod batch;
mod drain;
mod envelope;
mod errors;
mod hints;
mod lineage;
mod link;
mod names;
mod nodes;
mod options;
mod probe;
mod publisher;
mod read;
mod script;
mod subscriber;
mod tls;
mod wanted;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::error::Error;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use hallway_protocol::{Position, RoomName};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::cluster::TOLD_CAPACITY;
use crate::{Bus, BusError, Health, History, Lanes, Publish, Published, RoomState, Stats, Told};
use batch::{Item, Target};
use drain::Drain;
use lineage::{Floors, Lineage};
use link::{Keeper, Link, Proof, Up};
use names::Names;
pub use options::RedisOptions;
use probe::{Probe, Prober};
use publisher::{Publisher, Server};
use subscriber::Subscriber;
pub use tls::RedisTls;
use wanted::Wanted;

/// Messages that the client of the link for commands may hold: it gets none.
const NO_MESSAGES: usize = 16;

/// A bus through Redis. Ends when dropped.
pub struct RedisBus {
    names: Arc<Names>,
    publisher: Mutex<Option<Arc<Publisher>>>,
    wanted: Arc<Wanted>,
    commands: Link,
    lineage: Arc<Lineage>,
    health: watch::Receiver<Health>,
    stats: Arc<Stats>,
    /// The name under which this node was announced.
    announced: Mutex<Option<String>>,
    patience: Duration,
    tasks: Mutex<Tasks>,
}

/// The bus's tasks; they end with it.
#[derive(Default)]
struct Tasks {
    /// Ends by itself when the line is closed and empty.
    server: Option<tokio::task::JoinHandle<()>>,
    others: Vec<AbortHandle>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.server.iter().for_each(tokio::task::JoinHandle::abort);
        self.others.iter().for_each(AbortHandle::abort);
    }
}

/// Connects to Redis. Fails only where the options cannot be used. A Redis that is away is waited for, but not
/// longer than for a command; after that the bus is there, not ready, and keeps trying.
///
/// # Errors
/// [`BusError::Options`].
pub async fn connect(options: RedisOptions, lanes: Lanes) -> Result<(Arc<RedisBus>, Told), BusError> {
    let config = options.config()?;
    let (told, told_receiver) = mpsc::channel(TOLD_CAPACITY);
    let bus = start(options, config, lanes, told);
    let mut health = bus.health.clone();
    let _ = tokio::time::timeout(bus.patience, health.wait_for(|health| health.ready)).await;
    Ok((Arc::new(bus), told_receiver))
}

/// Starts all tasks.
fn start(
    options: RedisOptions,
    config: fred::types::config::Config,
    lanes: Lanes,
    told: mpsc::Sender<Bytes>,
) -> RedisBus {
    let stats = Arc::new(Stats::default());
    let names = Arc::new(Names::new(
        &options.channel_prefix,
        RandomState::new().build_hasher().finish(),
    ));
    let wanted = Arc::new(Wanted::default());
    let probe = Arc::new(Probe::default());
    let is_waiting = Arc::new(AtomicBool::new(false));
    let mut others = Vec::new();
    let lineage = Arc::new(Lineage::new(names.lineage(), Arc::new(Floors::default())));
    let mut keep = |name, messages, lineage| {
        let (up, link) = watch::channel(None);
        let keeper = Keeper {
            name,
            config: config.clone(),
            options: options.clone(),
            messages,
            stats: Arc::clone(&stats),
            up,
            lineage,
        };
        others.push(tokio::spawn(keeper.run()).abort_handle());
        link
    };
    let subscriptions = keep("subscriptions", options.receive_queue, None);
    let proof = Proof {
        lineage: Arc::clone(&lineage),
        subscriptions: subscriptions.clone(),
    };
    let commands = keep("commands", NO_MESSAGES, Some(proof));

    let (publisher, waiting) = Publisher::new(options.publish_queue, commands.clone(), Arc::clone(&stats));
    let publisher = Arc::new(publisher);
    let server = Server {
        waiting,
        link: commands.clone(),
        names: Arc::clone(&names),
        lineage: Arc::clone(&lineage),
        stats: Arc::clone(&stats),
        patience: options.command_timeout,
        hints: hints::Hints::default(),
    };
    let (feeds, feeds_receiver) = mpsc::channel(16);
    let drain = Drain {
        lanes,
        names: Arc::clone(&names),
        told,
        probe: Arc::clone(&probe),
        stats: Arc::clone(&stats),
        is_waiting: Arc::clone(&is_waiting),
        last_log: None,
    };
    let (restored, is_restored) = watch::channel(false);
    let subscriber = Subscriber {
        link: subscriptions.clone(),
        wanted: Arc::clone(&wanted),
        names: Arc::clone(&names),
        feeds,
        stats: Arc::clone(&stats),
        is_restored: restored,
    };
    let (health, health_receiver) = watch::channel(Health::default());
    let prober = Prober {
        probe,
        publisher: Arc::downgrade(&publisher),
        names: Arc::clone(&names),
        commands: commands.clone(),
        subscriptions,
        is_restored,
        is_waiting,
        health,
        interval: options.probe_interval,
        timeout: options.probe_timeout,
    };
    others.push(tokio::spawn(drain.run(feeds_receiver)).abort_handle());
    others.push(tokio::spawn(subscriber.run()).abort_handle());
    others.push(tokio::spawn(prober.run()).abort_handle());
    RedisBus {
        names,
        publisher: Mutex::new(Some(publisher)),
        wanted,
        commands,
        lineage,
        health: health_receiver,
        stats,
        announced: Mutex::default(),
        patience: options.command_timeout,
        tasks: Mutex::new(Tasks {
            server: Some(tokio::spawn(server.run())),
            others,
        }),
    }
}

/// Whether a link is up now.
fn is_up(link: &Link) -> bool {
    link.borrow().is_some()
}

const CLOSED: BusError = BusError::Unavailable("it is closed");

fn done<T: Send + 'static>(result: Result<T, BusError>) -> BoxFuture<'static, Result<T, BusError>> {
    ready(result).boxed()
}

impl RedisBus {
    /// Puts something in line to be published, now.
    fn push(&self, target: Target, body: Bytes) -> BoxFuture<'static, Result<Published, BusError>> {
        match &*self.publisher.lock() {
            Some(publisher) => publisher.push(|answer| Item {
                target,
                body,
                queued: Instant::now(),
                answer,
            }),
            None => done(Err(CLOSED)),
        }
    }

    /// Asks Redis something on the link for commands.
    fn ask<T, F>(&self, question: impl FnOnce(Up, Arc<Names>) -> F) -> BoxFuture<'static, Result<T, BusError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Some(up) = self.commands.borrow().clone() else {
            return done(Err(BusError::Unavailable("the link is down")));
        };
        let answer = question(up, Arc::clone(&self.names));
        let patience = self.patience;
        async move {
            match tokio::time::timeout(patience, answer).await {
                Ok(result) => result.map_err(|why| errors::from_fred(&why)),
                Err(_) => Err(BusError::Timeout),
            }
        }
        .boxed()
    }
}

impl Bus for RedisBus {
    fn publish(&self, request: Publish) -> BoxFuture<'static, Result<Published, BusError>> {
        let Publish {
            room,
            message,
            keep,
            idempotency_key,
        } = request;
        match message.encode() {
            Ok(body) => self.push(
                Target::Room {
                    room,
                    keep,
                    idempotency_key,
                },
                body,
            ),
            Err(why) => done(Err(BusError::Rejected(why.to_string()))),
        }
    }

    fn subscribe(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<(), BusError>> {
        match self.wanted.want(rooms) {
            Ok(answer) => answer.map(|result| result.unwrap_or(Err(CLOSED))).boxed(),
            Err(why) => done(Err(why)),
        }
    }

    fn unsubscribe(&self, rooms: Vec<RoomName>) {
        self.wanted.unwant(rooms);
    }

    fn states(&self, rooms: Vec<RoomName>) -> BoxFuture<'static, Result<Vec<Option<RoomState>>, BusError>> {
        if rooms.is_empty() {
            return done(Ok(Vec::new()));
        }
        let floors = Arc::clone(self.lineage.floors());
        self.ask(|up, names| async move { read::states(&up, &names, &floors, &rooms).await })
    }

    fn history(
        &self,
        room: RoomName,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'static, Result<History, BusError>> {
        let floors = Arc::clone(self.lineage.floors());
        self.ask(move |up, names| async move { read::history(&up, &names, &floors, room, after, limit).await })
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        // Without its last sender the line ends once it is empty.
        drop(self.publisher.lock().take());
        self.wanted.close();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        let patience = self.patience;
        async move {
            if let Some(mut server) = tasks.server.take()
                && tokio::time::timeout(patience, &mut server).await.is_err()
            {
                server.abort();
            }
            drop(tasks);
        }
        .boxed()
    }
}
