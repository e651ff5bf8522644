//! Who is there, as this node tells it to the bus and hears of it: users over all their sockets, and rooms with the
//! users in them.
//!
//! What sockets do goes through one line, in order, and many leave it together ([`writer`]); a join never waits for it.
//! [`renewal`] keeps this node's sockets known, [`sweep`] looks at what time has changed, of whichever node it was, and
//! [`effects`] is what follows from a change.
//!
//! What must stay true: what is written of a socket in a room is written behind what that socket does next, so that
//! nobody is left in a room whom nobody takes out; and a line that is full loses only what renewal brings back.

mod about;
pub mod effects;
mod renewal;
mod sweep;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::{DashMap, DashSet};
use hallway_bus::Presence;
use hallway_bus::presence::{Deed, RoomStep, RoomTerms, Step, Terms, UserDeed};
use hallway_hub::{Hub, Socket};
use hallway_protocol::{ClientId, Error, ErrorCode, Kinds, RoomName, Status};
use tokio::sync::{mpsc, oneshot};

use crate::clock::unix_ms;
use crate::error::from_bus;
use crate::metrics::Metrics;
pub use about::About;
use effects::Effects;

/// Things that wait to be written.
const LINE: usize = 128 * 1024;
/// How long someone may wait for the line.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something to be written.
enum Entry {
    User(UserDeed),
    Room(RoomName, RoomStep),
    /// Tells when everything before it is written.
    Mark(oneshot::Sender<()>),
}

/// What is known of a socket beside what the hub knows.
struct Known {
    address: Option<IpAddr>,
    /// Unix milliseconds.
    connected_at: u64,
    /// Whether it was told that its user is here with it.
    is_told: AtomicBool,
}

/// The people of this node.
pub struct People {
    log: Arc<dyn Presence>,
    hub: Arc<Hub>,
    kinds: Kinds,
    node: String,
    terms: Terms,
    metrics: Arc<Metrics>,
    line: mpsc::Sender<Entry>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Entry>>,
    known: DashMap<ClientId, Known>,
    /// Sockets of which something is new.
    changed: DashSet<ClientId>,
    effects: Effects,
}

impl People {
    /// The people of a node with that name. [`People::run`] and [`effects::run`] must run beside it.
    pub fn new(
        log: Arc<dyn Presence>,
        hub: Arc<Hub>,
        kinds: Kinds,
        node: String,
        terms: Terms,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (line, waiting) = mpsc::channel(LINE);
        Self {
            effects: Effects::new(Arc::clone(&metrics)),
            waiting: tokio::sync::Mutex::new(waiting),
            known: DashMap::new(),
            changed: DashSet::new(),
            log,
            hub,
            kinds,
            node,
            terms,
            metrics,
            line,
        }
    }

    /// Writes, renews and looks. Runs until it is dropped; not twice at once.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.write(), self.renew(), self.sweep());
    }

    /// Takes note of where a connection comes from, before it is anybody's.
    pub fn met(&self, client: ClientId, address: IpAddr) {
        let known = Known {
            address: Some(address),
            connected_at: unix_ms(),
            is_told: AtomicBool::new(false),
        };
        self.known.insert(client, known);
    }

    /// Tells that a user is here with a socket, once; the anonymous are nobody.
    pub fn arrived(&self, socket: &Socket) {
        if socket.user().is_none() {
            return;
        }
        let known = self.known.entry(socket.id()).or_insert_with(|| Known {
            address: None,
            connected_at: unix_ms(),
            is_told: AtomicBool::new(false),
        });
        if known.is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        drop(known);
        self.tell(socket, |client, about| Deed::Here { client, about });
        // Who was anonymous until now was in its rooms as nobody.
        for room in socket.rooms().iter().filter(|room| self.shows(room.name())) {
            let nobody = RoomStep {
                step: Step::Leave,
                user: None,
                client: socket.id(),
            };
            self.push(Entry::Room(room.name().clone(), nobody));
            self.stepped(room.name(), socket, Step::Enter);
        }
    }

    /// Tells, soon, that something about a socket is new.
    pub fn changed(&self, socket: &Socket) {
        if socket.user().is_some() {
            self.changed.insert(socket.id());
        }
    }

    /// Tells that a socket is gone. Repeating it is harmless.
    pub fn gone(&self, socket: &Socket) {
        self.changed.remove(&socket.id());
        let told = self
            .known
            .remove(&socket.id())
            .is_some_and(|(_, known)| known.is_told.into_inner());
        if let (true, Some(user)) = (told, socket.user()) {
            let (user, deed) = (user.clone(), Deed::Left(socket.id()));
            self.push(Entry::User(UserDeed { user, deed }));
        }
    }

    /// Tells what a socket did in a room, where the room shows its people. A step into it is told after the socket is in
    /// it, and a step out after it is out: see the writer.
    pub fn stepped(&self, room: &RoomName, socket: &Socket, step: Step) {
        if self.shows(room) {
            let step = RoomStep {
                step,
                user: socket.user().cloned(),
                client: socket.id(),
            };
            self.push(Entry::Room(room.clone(), step));
        }
    }

    /// Waits until all that was told until now is written.
    ///
    /// # Errors
    /// `unavailable`: the bus is away, or too slow.
    pub async fn settled(&self) -> Result<(), Error> {
        let (sender, written) = oneshot::channel();
        let wait = async {
            self.line.send(Entry::Mark(sender)).await.ok()?;
            written.await.ok()
        };
        let settled = tokio::time::timeout(PATIENCE, wait).await;
        settled
            .ok()
            .flatten()
            .ok_or_else(|| Error::new(ErrorCode::Unavailable, "who is here could not be written yet").retry_after(1000))
    }

    /// Takes a user's choice.
    ///
    /// # Errors
    /// The bus is away.
    pub async fn choose(&self, socket: &Socket, status: Status) -> Result<(), Error> {
        let Some(user) = socket.user().cloned() else {
            return Err(Error::new(ErrorCode::Unauthenticated, "only a user has a status"));
        };
        // So that the user is there for whoever hears of it.
        self.settled().await?;
        let deed = Deed::Chose(status);
        let noted = self.log.note_users(self.terms, vec![UserDeed { user, deed }]).await;
        let failed = noted.failed.clone();
        self.follow(noted);
        failed.map_or(Ok(()), |why| Err(from_bus(why)))
    }

    /// To the memory of who is there.
    pub fn log(&self) -> &dyn Presence {
        &*self.log
    }

    fn shows(&self, room: &RoomName) -> bool {
        self.kinds.of(room).is_some_and(|kind| kind.presence)
    }

    fn is_told(&self, client: ClientId) -> bool {
        self.known
            .get(&client)
            .is_some_and(|known| known.is_told.load(Ordering::Relaxed))
    }

    fn tell(&self, socket: &Socket, deed: impl FnOnce(ClientId, String) -> Deed) {
        if let Some(user) = socket.user() {
            let (user, deed) = (user.clone(), deed(socket.id(), self.about(socket)));
            self.push(Entry::User(UserDeed { user, deed }));
        }
    }

    fn push(&self, entry: Entry) {
        if self.line.try_send(entry).is_err() {
            self.metrics.presence.dropped.inc();
        }
    }
}

/// How a room tells of its people; nothing for one that shows none.
fn terms_of(kinds: &Kinds, room: &RoomName) -> Option<RoomTerms> {
    let kind = kinds.of(room).filter(|kind| kind.presence)?;
    Some(RoomTerms {
        keep: kind.keep,
        merge_above: kind.merge_above,
        merge_interval: kind.merge_interval,
    })
}
