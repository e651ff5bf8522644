//! Sockets into rooms and out of them: the first local socket of a room subscribes to its channels, the last
//! lets go of them some seconds later, and a join is acknowledged only when everything published after it
//! will be heard. Who comes back is brought what it missed ([`catch_up`]).

pub mod catch_up;
mod places;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_bus::presence::Step;
use hallway_bus::{Bus, BusError};
use hallway_hub::{Answer, Hub, Joined, Room, Socket, Track};
use hallway_protocol::{Kind, Kinds, RoomName};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::delivery::Progress;
use crate::people::People;
use catch_up::{CatchUp, Entered, From, Lines, Wanting};

/// Rooms let go of in one command.
const BATCH: usize = 512;

/// Keeps the rooms of this node and their subscriptions in step.
pub struct Membership {
    hub: Arc<Hub>,
    bus: Arc<dyn Bus>,
    progress: Arc<Progress>,
    people: Arc<People>,
    unsubscribe_after: Duration,
    /// Rooms without sockets, by the time at which they are let go of.
    idle: Mutex<VecDeque<(Instant, Arc<Room>)>>,
    idle_added: Notify,
}

/// A hold on an open room that is heard; given back when dropped, unless a join keeps it.
struct Hold<'m> {
    membership: &'m Membership,
    room: Option<Arc<Room>>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            self.membership.release(room);
        }
    }
}

impl Membership {
    /// A membership over a hub and a bus; `progress` is made by the lanes, and `people` are told of every step. [`Membership::run`] must run beside it.
    pub fn new(
        hub: Arc<Hub>,
        bus: Arc<dyn Bus>,
        progress: Arc<Progress>,
        people: Arc<People>,
        unsubscribe_after: Duration,
    ) -> Self {
        Self {
            hub,
            bus,
            progress,
            people,
            unsubscribe_after,
            idle: Mutex::default(),
            idle_added: Notify::new(),
        }
    }

    /// Lets a socket into a room, and catches it up from where it says it stands. `reply` makes the bytes of the
    /// answer; they are sent before anything that is broadcast from then on.
    ///
    /// Cancel safe: a join that is dropped half-way leaves nothing behind.
    ///
    /// # Errors
    /// The bus is away; the socket is not in the room.
    pub async fn join(
        &self,
        kind: &Kind,
        home: &RoomName,
        socket: &Arc<Socket>,
        from: Lines<From>,
        reply: impl FnOnce(Vec<Entered>) -> Option<Bytes> + Send,
    ) -> Result<Joined, BusError> {
        let room = self.hub.hold(Kinds::lines(kind, home));
        let mut hold = Hold {
            membership: self,
            room: Some(Arc::clone(&room)),
        };
        room.heard.get_or_try_init(|| self.hear(kind, &room)).await?;
        let catch_ups = match kind.keep {
            Some(keep) => from.map(|from| CatchUp::new(keep, from)),
            None => Lines::default(),
        };
        let joined = self.enter(kind, &room, socket, catch_ups, reply).await?;
        if joined == Joined::Entered {
            // The hold is the member's from now on, given back when it leaves.
            hold.room = None;
            self.people.stepped(home, socket, Step::Enter);
            tracing::debug!(client = %socket.id(), room = %home, "joined");
        }
        Ok(joined)
    }

    /// Enters as soon as it is known what the socket missed, or that it cannot be known.
    async fn enter(
        &self,
        kind: &Kind,
        room: &Arc<Room>,
        socket: &Arc<Socket>,
        mut catch_ups: Lines<CatchUp>,
        reply: impl FnOnce(Vec<Entered>) -> Option<Bytes> + Send,
    ) -> Result<Joined, BusError> {
        let mut reply = Some(reply);
        let mut answer = |tracks: &[Track], entered| {
            places::enter(kind, room, tracks, socket);
            Answer::Enter(reply.take().and_then(|reply| reply(entered)))
        };
        if catch_ups.is_empty() {
            return Ok(room.join(socket, |tracks| answer(tracks, catch_ups.enter(tracks))));
        }
        let waiter = self.progress.waiter();
        let deadline = Instant::now() + catch_up::DELIVERY_PATIENCE;
        let mut reads = 0;
        loop {
            let mut progress = pin!(waiter.next());
            progress.as_mut().enable();
            let mut wanting = None;
            let is_last = reads == catch_up::READS || Instant::now() >= deadline;
            let joined = room.join(socket, |tracks| {
                wanting = catch_ups.wanting(tracks);
                match wanting {
                    Some(_) if !is_last => Answer::NotYet,
                    _ => answer(tracks, catch_ups.enter(tracks)),
                }
            });
            match wanting {
                _ if joined != Joined::NotYet => return Ok(joined),
                Some((line, Wanting::History)) => {
                    reads += 1;
                    catch_ups.read(line, &*self.bus, &room.lines()[line]).await?;
                }
                // Whatever was delivered, in this room or another, is a reason to look again.
                _ => drop(tokio::time::timeout_at(deadline, progress).await),
            }
        }
    }

    /// Begins to hear a room, and learns where its lines stand. The subscription comes first: what is
    /// published between the two is then both in the number and on its way, and dropped as old.
    async fn hear(&self, kind: &Kind, room: &Room) -> Result<(), BusError> {
        self.bus.subscribe(room.lines().to_vec()).await?;
        if kind.keep.is_none() {
            return Ok(());
        }
        // Before the question, so that a line without broadcasts had none at that time.
        let clocks: Vec<u64> = room.lines().iter().map(|line| self.bus.clock(line)).collect();
        let states = self.bus.states(room.lines().to_vec()).await?;
        for (line, (state, clock)) in states.into_iter().zip(clocks).enumerate() {
            let track = state.map_or(Track::Empty(clock), |state| Track::At(state.position, state.ts));
            room.set_track(line, track);
        }
        Ok(())
    }

    /// Takes a socket out of a room. False if it was not in.
    pub fn leave(&self, home: &RoomName, socket: &Arc<Socket>) -> bool {
        let Some(line) = self.hub.line(home) else { return false };
        let left = line.room.leave(socket);
        if left {
            places::leave(home, socket);
            self.people.stepped(home, socket, Step::Leave);
            tracing::debug!(client = %socket.id(), room = %home, "left");
            self.release(line.room);
        }
        left
    }

    /// Forgets a socket that is gone.
    pub fn remove(&self, socket: &Arc<Socket>) {
        for room in self.hub.remove(socket) {
            self.people.stepped(room.name(), socket, Step::Leave);
            self.release(room);
        }
        self.people.gone(socket);
    }

    fn release(&self, room: Arc<Room>) {
        if self.hub.release(&room) {
            self.idle
                .lock()
                .push_back((Instant::now() + self.unsubscribe_after, room));
            self.idle_added.notify_one();
        }
    }

    /// Lets go of rooms whose time is up. Runs until it is dropped.
    pub async fn run(&self) {
        loop {
            let first = self.idle.lock().front().map(|(due, _)| *due);
            match first {
                None => self.idle_added.notified().await,
                Some(due) => {
                    tokio::time::sleep_until(due).await;
                    self.let_go(Instant::now());
                }
            }
        }
    }

    fn let_go(&self, now: Instant) {
        let mut due = Vec::new();
        {
            let mut idle = self.idle.lock();
            while due.len() < BATCH && idle.front().is_some_and(|(at, _)| *at <= now) {
                due.extend(idle.pop_front().map(|(_, room)| room));
            }
        }
        for room in due {
            // In line at the bus before the room can be opened anew; the bus makes few commands of them.
            self.hub.evict(&room, |lines| self.bus.unsubscribe(lines.to_vec()));
        }
    }
}
