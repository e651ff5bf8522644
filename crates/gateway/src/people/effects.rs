//! What follows when a user's standing changes, or a room gets its first user or loses its last: here, and nowhere else.
//!
//! Effects of one user come one after another. They wait in bounded lines; one that does not fit is dropped and counted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::presence::{Change, RoomChange};
use hallway_bus::{Message, Publish};
use hallway_protocol::{Error, ErrorCode, Event, RoomName, Status, UserId};
use hallway_store::{People as _, StoreError};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::cluster::Request;
use crate::hooks::HookEvent;
use crate::metrics::Metrics;
use crate::node::Node;

/// Lines beside one another.
const LINES: usize = 8;
/// Effects that wait in each.
const LINE: usize = 16 * 1024;
/// Users whose status waits for the database.
const UNSTORED: usize = 128 * 1024;
/// Statuses stored at once.
const STORED_AT_ONCE: usize = 64;
/// Between two tries.
const RETRY: Duration = Duration::from_millis(500);
/// How often it is tried to tell something.
const TRIES: usize = 60;

/// Something that happened.
#[derive(Debug)]
pub enum Effect {
    /// To a user.
    User(Change),
    /// To a room.
    Room(RoomChange),
}

/// What is to follow.
pub struct Effects {
    lines: Vec<mpsc::Sender<Effect>>,
    waiting: Mutex<Vec<mpsc::Receiver<Effect>>>,
    /// The last status of users, and since when, that is not in the database.
    unstored: Mutex<HashMap<UserId, (Status, u64)>>,
    has_unstored: Notify,
    metrics: Arc<Metrics>,
}

impl Effects {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        let (lines, waiting) = (0..LINES).map(|_| mpsc::channel(LINE)).unzip();
        Self {
            lines,
            waiting: Mutex::new(waiting),
            unstored: Mutex::default(),
            has_unstored: Notify::new(),
            metrics,
        }
    }

    pub(super) fn push(&self, effect: Effect) {
        let room = match &effect {
            Effect::User(change) => RoomName::of_user(&change.user),
            Effect::Room(change) => change.room.clone(),
        };
        let line = (room.stable_hash() % LINES as u64) as usize;
        if self.lines[line].try_send(effect).is_err() {
            self.metrics.presence.effects_dropped.inc();
        }
    }

    /// Remembers a status for the database, unless too many wait.
    fn store(&self, user: &UserId, status: Status, at: u64) {
        let mut unstored = self.unstored.lock();
        let is_known = unstored.get(user).map(|(_, known)| *known);
        match is_known {
            Some(known) if known > at => return,
            None if unstored.len() >= UNSTORED => return self.metrics.presence.effects_dropped.inc(),
            _ => drop(unstored.insert(user.clone(), (status, at))),
        }
        self.metrics.presence.unstored.set(unstored.len() as i64);
        self.has_unstored.notify_one();
    }
}

/// Brings about what follows. Runs until it is dropped; not twice.
pub async fn run(node: Arc<Node>) {
    let lines = std::mem::take(&mut *node.people.effects.waiting.lock());
    let lines = lines.into_iter().map(|mut line| {
        let node = Arc::clone(&node);
        async move {
            while let Some(effect) = line.recv().await {
                follow(&node, &effect).await;
            }
        }
    });
    tokio::join!(futures_util::future::join_all(lines), store(&node));
}

/// All that follows from a change.
async fn follow(node: &Arc<Node>, effect: &Effect) {
    node.metrics.presence.effects.inc();
    match effect {
        Effect::User(change) => {
            hook(node, change);
            if change.before.status != change.now.status {
                tell(node, change).await;
            }
            let at = if change.now.is_here { change.at } else { change.seen_at };
            node.people.effects.store(&change.user, change.now.status, at);
        }
        Effect::Room(change) => {
            let room = change.room.clone();
            node.hooks.tell(match change.is_occupied {
                true => HookEvent::RoomOccupied { room },
                false => HookEvent::RoomVacated { room },
            });
        }
    }
}

/// Tells the backend that a user came or went; a chosen status is none of that.
fn hook(node: &Node, change: &Change) {
    let user_id = change.user.clone();
    match (change.before.is_here, change.now.is_here) {
        (false, true) => node.hooks.tell(HookEvent::UserOnline { user_id }),
        (true, false) => node.hooks.tell(HookEvent::UserOffline {
            user_id,
            last_seen_at: change.seen_at,
        }),
        _ => {}
    }
}

/// Tells who may care: whoever watches the user, and the rooms that the user is in.
async fn tell(node: &Arc<Node>, change: &Change) {
    let data = match change.now.status {
        Status::Offline => {
            json!({"userId": change.user, "status": change.now.status, "lastSeenAt": change.seen_at})
        }
        status => json!({"userId": change.user, "status": status}),
    };
    let data = Bytes::from(data.to_string());
    for _ in 0..TRIES {
        let told = async {
            publish(node, RoomName::of_presence(&change.user), &data, change).await?;
            // Who comes is in no room yet, and who went is in none any more.
            if change.before.is_here && change.now.is_here {
                for room in rooms_of(node, &change.user).await? {
                    publish(node, room, &data, change).await?;
                }
            }
            Ok::<(), Error>(())
        };
        match told.await {
            Ok(()) => return,
            Err(why) if why.code == ErrorCode::Unavailable => tokio::time::sleep(RETRY).await,
            Err(why) => {
                tracing::error!(why = why.message, "a status could not be told");
                break;
            }
        }
    }
    node.metrics.presence.effects_dropped.inc();
}

/// The rooms on all nodes that show their people and in which a user is.
async fn rooms_of(node: &Node, user: &UserId) -> Result<BTreeSet<RoomName>, Error> {
    let asked = Request::RoomsOf { user: user.clone() };
    let rooms: Vec<Vec<RoomName>> = node.cluster.ask(&asked).await?;
    Ok(rooms.into_iter().flatten().collect())
}

/// This node's share of them.
pub fn rooms_here(node: &Node, user: &UserId) -> BTreeSet<RoomName> {
    let sockets = node.hub.sockets_of(user);
    let rooms = sockets.iter().flat_map(|socket| socket.rooms());
    let names = rooms.map(|room| room.name().clone());
    names.filter(|room| node.people.shows(room)).collect()
}

async fn publish(node: &Node, room: RoomName, data: &Bytes, change: &Change) -> Result<(), Error> {
    let keep = node.kinds.of(&room).and_then(|kind| kind.keep);
    // A second try is to tell nobody twice; where nothing is numbered, twice is harmless.
    let key = || format!("presence:{}:{}:{}", change.user, change.at, change.now.status.wire());
    let publishing = node.bus.publish(Publish {
        message: Message {
            destination: Event::PresenceUpdated.wire().into(),
            data: data.clone(),
            exclude: None,
            sent: None,
        },
        idempotency_key: keep.map(|_| key()),
        room,
        keep,
    });
    publishing.await.map(drop).map_err(crate::error::from_bus)
}

/// Brings statuses into the database, each user's last one; what it does not take now, later.
async fn store(node: &Arc<Node>) {
    let effects = &node.people.effects;
    loop {
        let some: Vec<(UserId, (Status, u64))> = {
            let unstored = effects.unstored.lock();
            let some = unstored.iter().take(STORED_AT_ONCE);
            some.map(|(user, status)| (user.clone(), *status)).collect()
        };
        if some.is_empty() {
            effects.has_unstored.notified().await;
            continue;
        }
        let storing = some.into_iter().map(|(user, (status, at))| async move {
            let result = match node.store.get() {
                Ok(store) => {
                    let at = i64::try_from(at).unwrap_or(i64::MAX);
                    store.set_status(user.clone(), status.wire().into(), at).await.map(drop)
                }
                Err(why) => Err(why),
            };
            stored(effects, &user, (status, at), result)
        });
        let all = futures_util::future::join_all(storing).await;
        if all.contains(&false) {
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Forgets what is stored or never will be. False if it is to be tried again.
fn stored(effects: &Effects, user: &UserId, what: (Status, u64), result: Result<(), StoreError>) -> bool {
    match result {
        Err(StoreError::Unavailable { .. } | StoreError::Busy) => return false,
        Err(why) => {
            tracing::error!(%why, "the database does not take a status");
            effects.metrics.presence.effects_dropped.inc();
        }
        Ok(()) => {}
    }
    let mut unstored = effects.unstored.lock();
    if unstored.get(user) == Some(&what) {
        unstored.remove(user);
    }
    effects.metrics.presence.unstored.set(unstored.len() as i64);
    true
}
