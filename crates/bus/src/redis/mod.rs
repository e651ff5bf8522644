//! Nodes that share a Redis (7.0 or newer).
//!
//! One Redis, those that follow one another under sentinels, or a cluster: each server that holds rooms is a
//! [`shard`], and [`routes`] says which one has what; what is no cluster is one shard with everything. A shard has two
//! links, each made anew for ever ([`link`]): one for commands, on which the server first proves that it goes on with
//! all numbers ([`lineage`]), and one for subscriptions. Publishes go through one line ([`publisher`], or
//! [`slot_server`] on a cluster) in batches; what arrives goes through one task per shard ([`drain`]) to the lanes;
//! [`subscriber`] keeps the subscriptions as [`wanted`]; [`probe`] sees whether what is published comes back; [`lobbies`] are
//! hashes that change by scripts.
//! [`cluster`] keeps the shards as servers say that they are ([`topology`]).
//!
//! The client library stays behind this wall: nothing of it is in the crate's surface.

mod ask;
mod batch;
mod cluster;
mod drain;
mod envelope;
mod errors;
mod hints;
mod journal;
mod leases;
mod lineage;
mod link;
mod lobbies;
mod names;
mod nodes;
mod options;
mod presence;
mod probe;
mod publisher;
mod read;
mod revocations;
mod routes;
mod script;
mod seats;
mod shard;
mod slot_server;
mod slots;
mod subscriber;
mod tls;
mod topology;
mod waiting;
mod wanted;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use hallway_protocol::{Position, RoomName};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::cluster::TOLD_CAPACITY;
use crate::{Bus, BusError, Health, History, Lanes, Publish, Published, RoomState, Stats, Told};
use batch::Target;
use cluster::Supervisor;
use hints::Hints;
use lineage::Floors;
use link::{Link, Up};
use names::Names;
use options::Deployment;
pub use options::RedisOptions;
use publisher::{Publisher, Server};
use routes::Routes;
use shard::{Common, Shard};
use slot_server::SlotServer;
pub use tls::RedisTls;
use wanted::Wanted;

/// A bus through Redis. Ends when dropped.
pub struct RedisBus {
    names: Arc<Names>,
    publisher: Mutex<Option<Arc<Publisher>>>,
    wanted: Arc<Wanted>,
    routes: Arc<Routes>,
    floors: Arc<Floors>,
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
    let deployment = options.config()?;
    let (told, told_receiver) = mpsc::channel(TOLD_CAPACITY);
    let bus = start(options, deployment, lanes, told);
    let mut health = bus.health.clone();
    let _ = tokio::time::timeout(bus.patience, health.wait_for(|health| health.ready)).await;
    Ok((Arc::new(bus), told_receiver))
}

/// Starts all tasks.
fn start(options: RedisOptions, deployment: Deployment, lanes: Lanes, told: mpsc::Sender<Bytes>) -> RedisBus {
    let (stats, floors): (Arc<Stats>, Arc<Floors>) = Default::default();
    let wanted = Arc::new(Wanted::default());
    let routes = Arc::new(Routes::new());
    let (publisher, waiting) = Publisher::new(options.publish_queue, Arc::clone(&routes), Arc::clone(&stats));
    let publisher = Arc::new(publisher);
    let (patience, capacity) = (options.command_timeout, options.publish_queue);
    let token = RandomState::new().build_hasher().finish();
    let mut names = Names::new(&options.channel_prefix, token);
    let common = Common {
        options,
        lanes,
        told,
        wanted: Arc::clone(&wanted),
        floors: Arc::clone(&floors),
        routes: Arc::clone(&routes),
        stats: Arc::clone(&stats),
        publisher: Arc::downgrade(&publisher),
    };
    let mut tasks = Tasks::default();
    let health = match deployment {
        Deployment::One(config) => {
            let own = Names::new(&common.options.channel_prefix, token);
            let shard = Shard::start(0, &config, own, true, String::new(), &common);
            let server = Server {
                waiting,
                link: shard.commands.clone(),
                names: Arc::clone(&shard.names),
                lineage: Arc::clone(&shard.lineage),
                stats: Arc::clone(&stats),
                patience,
                hints: Hints::default(),
            };
            tasks.server = Some(tokio::spawn(server.run()));
            let health = shard.health.clone();
            routes.set_one(Arc::new(shard));
            health
        }
        Deployment::Cluster(config, seeds) => {
            names.is_sharded = true;
            let server = SlotServer {
                waiting,
                routes: Arc::clone(&routes),
                names: Arc::new(names.clone()),
                stats: Arc::clone(&stats),
                patience,
                capacity,
                hints: Hints::default(),
                lines: HashMap::new(),
                held: 0,
            };
            tasks.server = Some(tokio::spawn(server.run()));
            let (health, health_receiver) = watch::channel(Health::default());
            let supervisor = Supervisor::new(common, config, seeds, token, health);
            tasks.others.push(tokio::spawn(supervisor.run()).abort_handle());
            health_receiver
        }
    };
    RedisBus {
        names: Arc::new(names),
        publisher: Mutex::new(Some(publisher)),
        wanted,
        routes,
        floors,
        health,
        stats,
        announced: Mutex::default(),
        patience,
        tasks: Mutex::new(tasks),
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
            Some(publisher) => publisher.push(target, body),
            None => done(Err(CLOSED)),
        }
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
        let patience = self.patience;
        match self.wanted.want(rooms) {
            Ok((answer, waiting)) => async move {
                match tokio::time::timeout(patience, answer).await {
                    Ok(result) => result.unwrap_or(Err(CLOSED)),
                    Err(_) => {
                        waiting.fail(BusError::Timeout);
                        Err(BusError::Timeout)
                    }
                }
            }
            .boxed(),
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
        self.ask_states(rooms)
    }

    fn history(
        &self,
        room: RoomName,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'static, Result<History, BusError>> {
        let floors = Arc::clone(&self.floors);
        self.ask(self.names.channel(&room), move |up, names| {
            let (floors, room) = (Arc::clone(&floors), room.clone());
            async move { read::history(&up, &names, &floors, room, after, limit).await }
        })
    }

    fn clock(&self, room: &RoomName) -> u64 {
        let shard = self.routes.of_channel(&self.names.channel(room));
        let clock = shard.map_or(0, |shard| shard.commands.borrow().as_ref().map_or(0, Up::clock));
        // The floor of a cluster is the latest of its servers': no life that counts can have begun before it anywhere.
        if clock == 0 { 0 } else { clock.max(self.floors.floor()) }
    }

    fn reaches(&self, place: Position) -> bool {
        self.floors.holds(place.epoch)
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
        let (patience, routes) = (self.patience, Arc::clone(&self.routes));
        async move {
            if let Some(mut server) = tasks.server.take()
                && tokio::time::timeout(patience, &mut server).await.is_err()
            {
                server.abort();
            }
            drop(tasks);
            routes.clear();
        }
        .boxed()
    }
}
