//! Those who hear: clients that stay connected, and note everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallway_client::{Broadcast, Codec, Event, Options, ResumeFrom, Session, SessionHandle, SessionOptions};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::judge::{Log, Note, Noted};
use super::ledger::read;
use super::plan::{Plan, user_name};
use crate::cluster::token;
use crate::random::Random;

/// What one client has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) log: Log,
    /// Where it stands in each room that it has joined.
    places: BTreeMap<String, Option<ResumeFrom>>,
    /// How often it was connected, and how often with a ticket.
    pub(super) connections: u64,
    pub(super) resumed: u64,
    /// Why it does not come back, if so.
    pub(super) ended: Option<String>,
}

/// One client.
pub(super) struct Listener {
    pub(super) handle: SessionHandle,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All clients of a run.
pub(super) struct Listeners {
    pub(super) clients: Vec<Listener>,
    /// Something was noted. Whoever waits looks at all there is, so one permit is enough.
    changed: Arc<Notify>,
}

impl Listeners {
    /// Starts all clients of a plan. `start` is where time is counted from.
    pub(super) async fn start(plan: &Plan, urls: &[String], start: Instant) -> Self {
        let changed = Arc::new(Notify::new());
        let mut random = Random::new(plan.seed, 1);
        let mut clients = Vec::new();
        for (number, rooms) in plan.clients.iter().enumerate() {
            let mut addresses = urls.to_vec();
            addresses.rotate_left(random.below(urls.len()));
            let codec = Codec::ALL[random.below(Codec::ALL.len())];
            let options = options(number, addresses, codec, random.draw());
            let session = Session::start(options);
            let handle = session.handle();
            for room in rooms {
                handle.join(plan.room(*room)).await;
            }
            let seen = Arc::new(Mutex::new(Seen::default()));
            let task = tokio::spawn(follow(session, Arc::clone(&seen), Arc::clone(&changed), start));
            clients.push(Listener { handle, seen, task });
        }
        Self { clients, changed }
    }

    /// Waits until every client has joined all its rooms. False if that takes too long.
    pub(super) async fn wait_joined(&self, plan: &Plan, patience: Duration) -> bool {
        let has_joined = |number: usize, seen: &Seen| {
            let mut rooms = plan.clients[number].iter();
            rooms.all(|room| seen.places.contains_key(&plan.room(*room)))
        };
        self.wait(patience, has_joined).await
    }

    /// Waits until every client is where the marker is, or behind it, in each of its rooms. False if not.
    pub(super) async fn wait_marked(&self, markers: &BTreeMap<String, ResumeFrom>, patience: Duration) -> bool {
        let is_there = |(room, place): (&String, &Option<ResumeFrom>)| match (place, markers.get(room)) {
            (Some(place), Some(marker)) => place.epoch == marker.epoch && place.seq >= marker.seq,
            (_, marker) => marker.is_none(),
        };
        self.wait(patience, |_, seen| seen.places.iter().all(is_there)).await
    }

    /// Ends all clients, and returns what they have seen.
    pub(super) async fn finish(self) -> Vec<Seen> {
        let mut all = Vec::new();
        for client in &self.clients {
            client.task.abort();
            all.push(std::mem::take(&mut *lock(&client.seen)));
        }
        all
    }

    async fn wait(&self, patience: Duration, done: impl Fn(usize, &Seen) -> bool) -> bool {
        let wait = async {
            loop {
                let is_done = |(number, client): (usize, &Listener)| done(number, &lock(&client.seen));
                if self.clients.iter().enumerate().all(is_done) {
                    return;
                }
                self.changed.notified().await;
            }
        };
        timeout(patience, wait).await.is_ok()
    }
}

fn options(number: usize, addresses: Vec<String>, codec: Codec, seed: u64) -> SessionOptions {
    let mut connect = Options::new("")
        .token(token(&user_name(number), &["board-*"]))
        .codec(codec);
    // A node that hangs takes connections and says nothing: the next address is tried soon.
    connect.connect_timeout = Duration::from_secs(3);
    connect.request_timeout = Duration::from_secs(5);
    let mut options = SessionOptions::new(addresses, connect);
    options.backoff_first = Duration::from_millis(150);
    options.backoff_most = Duration::from_millis(800);
    options.seed = Some(seed);
    options
}

async fn follow(mut session: Session, seen: Arc<Mutex<Seen>>, changed: Arc<Notify>, start: Instant) {
    while let Some(event) = session.next().await {
        note(&mut lock(&seen), event, start.elapsed());
        changed.notify_one();
    }
}

fn note(seen: &mut Seen, event: Event, at: Duration) {
    let (room, note) = match event {
        Event::Connected { resumed, .. } => {
            seen.connections += 1;
            seen.resumed += u64::from(resumed);
            return;
        }
        Event::Disconnected {
            code,
            reason,
            comes_back,
        } => {
            if !comes_back {
                seen.ended = Some(format!("{code} {reason}"));
            }
            return;
        }
        Event::Joined { room, at } => {
            seen.places.insert(room.clone(), at.clone());
            (room, Note::Joined(at))
        }
        Event::Resync { room, cause, at } => {
            seen.places.insert(room.clone(), at.clone());
            (room, Note::Told(cause, at))
        }
        Event::Broadcast(broadcast) => {
            let at = position(&broadcast);
            seen.places.insert(broadcast.room.clone(), at.clone());
            let note = if is_news(&broadcast) {
                Note::News(at)
            } else {
                let (id, is_intact) = read(&broadcast.data);
                Note::Heard { at, id, is_intact }
            };
            (broadcast.room, note)
        }
        Event::Double(broadcast) => (broadcast.room.clone(), Note::Double(position(&broadcast))),
        Event::Refused { room, error } => (room, Note::Refused(error.to_string())),
        Event::Left { room, reason } => (room, Note::Refused(reason)),
        // What a later client tells beside these is none of the judge's business.
        _ => return,
    };
    seen.log.entry(room).or_default().push(Noted { at, note });
}

/// Whether the gateway itself said it.
fn is_news(broadcast: &Broadcast) -> bool {
    let own = [
        hallway_protocol::Event::UserJoined,
        hallway_protocol::Event::UserLeft,
        hallway_protocol::Event::MembersUpdated,
        hallway_protocol::Event::PresenceUpdated,
    ];
    own.iter().any(|event| event.wire() == broadcast.destination)
}

fn position(broadcast: &Broadcast) -> Option<ResumeFrom> {
    let epoch = broadcast.epoch.clone()?;
    let seq = broadcast.seq?;
    Some(ResumeFrom { epoch, seq })
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // A panic elsewhere fails the run; what was noted here stands.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
