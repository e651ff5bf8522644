//! Who writes: told to a room while it lasts, kept nowhere.
//!
//! Each node knows which of its own sockets write ([`Here`]) and tells the room's channel once per user, and again now and
//! then while it goes on ([`Words`], which no client hears). Every node with a socket in the room counts on which nodes a
//! user writes ([`Everywhere`]), and makes of that what its clients hear: `typing-started` when the first begins,
//! `typing-stopped` when the last ends. So a node that dies is missed by all others, each on its own.
//!
//! What must stay true: no socket of a user is told that they began twice without an end between; and everything ends by
//! itself, since whoever should say so may be gone.

mod due;
mod everywhere;
mod here;
mod tell;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hallway_bus::{Bus, Heard, Message, Publish};
use hallway_hub::{Hub, Socket};
use hallway_protocol::{ClientId, Event, RoomName, UserId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::metrics::Metrics;
use everywhere::Everywhere;
use here::Here;

/// What nodes tell one another in a room. Destinations that begin so are the gateway's own, so no client can say it.
pub const WORDS: &str = "room.typing";

/// That a user writes on a node, or does not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Words {
    user: UserId,
    /// The node's number.
    node: u64,
    /// The socket that began; it is not told.
    client: ClientId,
    on: bool,
}

/// What is to be told to this node's sockets in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Notice {
    room: RoomName,
    user: UserId,
    /// Who is not told.
    client: ClientId,
    event: Event,
}

/// Who writes, here and elsewhere.
pub struct Typing {
    hub: Arc<Hub>,
    bus: Arc<dyn Bus>,
    metrics: Arc<Metrics>,
    node: u64,
    here: Mutex<Here>,
    everywhere: Mutex<Everywhere>,
    /// Something may be due earlier than before.
    sooner: Notify,
}

impl Typing {
    /// Of a node with this number. Writing ends by itself after `life`.
    pub fn new(hub: Arc<Hub>, bus: Arc<dyn Bus>, metrics: Arc<Metrics>, node: u64, life: Duration) -> Self {
        Self {
            hub,
            bus,
            metrics,
            node,
            here: Mutex::new(Here::new(life)),
            // Others are told again after a quarter of a life at most, and writing lasts a life from then.
            everywhere: Mutex::new(Everywhere::new(life + life / 2)),
            sooner: Notify::new(),
        }
    }

    /// A user writes on a socket. Where too many do already, it is not told.
    pub fn started(&self, room: &RoomName, socket: &Socket) {
        let Some(user) = socket.user() else { return };
        let mut here = self.here.lock();
        match here.start(room, user, socket.id(), Instant::now()) {
            Ok(Some(client)) => self.say(room, user, client, true),
            Ok(None) => {}
            Err(here::TooMany) => self.metrics.typing.dropped.with_label_values(&["too-many"]).inc(),
        }
        drop(here);
        self.sooner.notify_one();
    }

    /// They do not any more on this socket: they stopped, sent what they wrote, or left the room.
    pub fn ended(&self, room: &RoomName, socket: &Socket) {
        let Some(user) = socket.user() else { return };
        let mut here = self.here.lock();
        if let Some(client) = here.stop(room, user, socket.id()) {
            self.say(room, user, client, false);
        }
    }

    /// Tells all nodes. Under the lock of what is known here, so that what is said last is what is so.
    fn say(&self, room: &RoomName, user: &UserId, client: ClientId, on: bool) {
        let words = Words {
            user: user.clone(),
            node: self.node,
            client,
            on,
        };
        let request = Publish {
            room: room.clone(),
            message: Message {
                destination: WORDS.into(),
                // Plain data, which can always be written.
                data: serde_json::to_vec(&words).unwrap_or_default().into(),
                exclude: None,
                sent: None,
            },
            keep: None,
            idempotency_key: None,
        };
        // It has its place in line. What is not taken now is not worth waiting for.
        if let Some(Err(_)) = self.bus.publish(request).now_or_never() {
            self.metrics.typing.dropped.with_label_values(&["bus"]).inc();
        }
    }

    /// Takes in what a node told, and tells the sockets here what is news of it.
    pub async fn heard(&self, heard: &Heard) {
        let Ok(words) = serde_json::from_slice::<Words>(&heard.message.data) else {
            return;
        };
        let news = self.everywhere.lock().hear(&heard.room, words, Instant::now());
        self.sooner.notify_one();
        if let Some(notice) = news {
            tell::to_room(&self.hub, &self.metrics.typing, &notice, heard.ts).await;
        }
    }

    /// Ends what lasts too long. Runs until it is dropped.
    pub async fn run(&self) {
        loop {
            let next = [self.here.lock().next_due(), self.everywhere.lock().next_due()];
            let due = next.into_iter().flatten().min();
            let until = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = until => self.end_due().await,
                () = self.sooner.notified() => {}
            }
        }
    }

    async fn end_due(&self) {
        let now = Instant::now();
        {
            let mut here = self.here.lock();
            for (room, user, client) in here.end_due(now) {
                self.say(&room, &user, client, false);
            }
        }
        let over = self.everywhere.lock().end_due(now);
        for notice in over {
            tell::to_room(&self.hub, &self.metrics.typing, &notice, None).await;
        }
    }
}
