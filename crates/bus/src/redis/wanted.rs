//! Which rooms this node wants to hear, and which it is subscribed to.
//!
//! What counts is what was wanted last, so a room that is wanted and not wanted many times before its turn comes
//! costs one command or none. Its size is that of the rooms the node asks for, which the node bounds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use hallway_protocol::RoomName;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::slots;
use super::waiting::{Answer, Waiting};
use crate::BusError;

/// A server of a cluster, as this node counts them; 0 where there is only one.
pub(super) type ShardId = u64;

/// Rooms that are wanted.
#[derive(Default)]
pub(super) struct Wanted {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    rooms: HashMap<RoomName, Room>,
    lines: HashMap<ShardId, Line>,
    owners: Owners,
}

/// What is to be done on one server.
#[derive(Default)]
struct Line {
    is_up: bool,
    /// Rooms whose subscription may not be as wanted. One that has moved on is passed over.
    queue: VecDeque<RoomName>,
    /// Told when there is something to take.
    changed: Arc<Notify>,
}

/// Which server has which slot.
#[derive(Default)]
enum Owners {
    /// There is only one.
    #[default]
    One,
    /// By slot, and what stands before a room's name in its channel's.
    Slots(String, Vec<Option<ShardId>>),
}

impl Owners {
    fn of(&self, room: &RoomName) -> Option<ShardId> {
        match self {
            Self::One => Some(0),
            Self::Slots(prefix, owners) => *owners.get(usize::from(slots::of(&format!("{prefix}{room}"))))?,
        }
    }
}

#[derive(Default)]
struct Room {
    is_wanted: bool,
    /// Was confirmed since it is wanted, so that it stays wanted when the link breaks.
    is_held: bool,
    is_queued: bool,
    /// Who has it.
    shard: Option<ShardId>,
    /// It was heard on another server, and what was published meanwhile may be missing.
    is_moved: bool,
    server: Server,
    waiting: Vec<Arc<Waiting>>,
}

/// What the server was told and has confirmed.
#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Server {
    #[default]
    Unsubscribed,
    Changing,
    Subscribed,
}

/// Commands that make subscriptions as wanted.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) subscribe: Vec<RoomName>,
    pub(super) unsubscribe: Vec<RoomName>,
}

impl Wanted {
    /// Wants rooms. Answered when all of them are confirmed.
    pub(super) fn want(&self, rooms: Vec<RoomName>) -> Result<(Answer, Arc<Waiting>), BusError> {
        let mut state = self.state.lock();
        if state.is_closed || !state.are_up(&rooms) {
            return Err(BusError::Unavailable("the link is down"));
        }
        let (waiting, answer) = Waiting::new(rooms.len());
        for room in rooms {
            state.want(room, &waiting);
        }
        drop(state);
        waiting.one_is_done();
        Ok((answer, waiting))
    }

    /// Wants rooms no more.
    pub(super) fn unwant(&self, rooms: Vec<RoomName>) {
        let mut state = self.state.lock();
        for room in rooms {
            state.unwant(room);
        }
    }

    /// There is such a server. Told when there is something to take for it.
    pub(super) fn add(&self, shard: ShardId) -> Arc<Notify> {
        Arc::clone(&self.state.lock().lines.entry(shard).or_default().changed)
    }

    /// There is no such server any more.
    pub(super) fn remove(&self, shard: ShardId) {
        self.link_is_down(shard);
        self.state.lock().lines.remove(&shard);
    }

    /// Who has which slot now. Rooms whose server is another are subscribed there.
    pub(super) fn route(&self, prefix: &str, owners: Vec<Option<ShardId>>) {
        let mut state = self.state.lock();
        state.owners = Owners::Slots(prefix.to_owned(), owners);
        let names: Vec<RoomName> = state.rooms.keys().cloned().collect();
        for name in names {
            state.move_room(name);
        }
    }

    /// A link is there, on which nothing is subscribed.
    pub(super) fn link_is_up(&self, shard: ShardId) {
        let mut state = self.state.lock();
        let is_closed = state.is_closed;
        let Some(line) = state.lines.get_mut(&shard) else {
            return;
        };
        line.is_up = !is_closed;
        let its = |(name, room): (&RoomName, &Room)| (room.shard == Some(shard)).then(|| name.clone());
        let names: Vec<RoomName> = state.rooms.iter().filter_map(its).collect();
        for name in names {
            state.enqueue(name);
        }
    }

    /// The link is gone, and all subscriptions with it.
    pub(super) fn link_is_down(&self, shard: ShardId) {
        let mut state = self.state.lock();
        if let Some(line) = state.lines.get_mut(&shard) {
            line.is_up = false;
            line.queue.clear();
        }
        state.rooms.retain(|_, room| {
            if room.shard != Some(shard) {
                return true;
            }
            for waiting in room.waiting.drain(..) {
                waiting.fail(BusError::Interrupted);
            }
            room.server = Server::Unsubscribed;
            room.is_queued = false;
            room.is_wanted && room.is_held
        });
    }

    /// No link will come any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let shards: Vec<ShardId> = state.lines.keys().copied().collect();
        drop(state);
        for shard in shards {
            self.link_is_down(shard);
        }
    }

    /// Takes changes, at most so many; nothing if all is as wanted. Not to be called again before they are confirmed.
    pub(super) fn take(&self, shard: ShardId, most: usize) -> Option<Changes> {
        let mut state = self.state.lock();
        let mut changes = Changes::default();
        while changes.subscribe.len() + changes.unsubscribe.len() < most {
            let line = state.lines.get_mut(&shard);
            let Some(name) = line.and_then(|line| line.queue.pop_front()) else {
                break;
            };
            state.take(name, shard, &mut changes);
        }
        let is_nothing = changes.subscribe.is_empty() && changes.unsubscribe.is_empty();
        (!is_nothing).then_some(changes)
    }

    /// The server has confirmed changes. Whether rooms that have moved are among them.
    pub(super) fn confirmed(&self, shard: ShardId, changes: &Changes) -> bool {
        let mut state = self.state.lock();
        let mut has_moved = false;
        for name in &changes.subscribe {
            let room = state.rooms.get_mut(name).filter(|room| room.is_changing_on(shard));
            let Some(room) = room else { continue };
            room.server = Server::Subscribed;
            has_moved |= std::mem::take(&mut room.is_moved);
            room.satisfy();
            if !room.is_wanted {
                state.enqueue(name.clone());
            }
        }
        for name in &changes.unsubscribe {
            let room = state.rooms.get_mut(name).filter(|room| room.is_changing_on(shard));
            if let Some(room) = room {
                room.server = Server::Unsubscribed;
                if !room.is_wanted && !room.is_queued {
                    state.rooms.remove(name);
                }
            }
        }
        has_moved
    }

    /// The server has not: it has those rooms no more. They wait for [`Wanted::route`].
    pub(super) fn refused(&self, shard: ShardId, rooms: &[RoomName]) {
        let mut state = self.state.lock();
        for name in rooms {
            let room = state.rooms.get_mut(name).filter(|room| room.is_changing_on(shard));
            if let Some(room) = room {
                room.server = Server::Unsubscribed;
            }
        }
    }

    /// How many rooms there are.
    pub(super) fn len(&self) -> usize {
        self.state.lock().rooms.len()
    }
}

impl Room {
    fn is_changing_on(&self, shard: ShardId) -> bool {
        self.shard == Some(shard) && self.server == Server::Changing
    }

    /// Answers those that wait, if it is as they want it. A room whose callers were all told an error meanwhile, for
    /// another of their rooms, is not wanted.
    fn satisfy(&mut self) {
        if self.is_wanted && self.server == Server::Subscribed {
            self.is_held |= self.waiting.iter().any(|waiting| waiting.is_live());
            self.is_wanted = self.is_held;
            for waiting in self.waiting.drain(..) {
                waiting.one_is_done();
            }
        }
    }
}

impl State {
    fn want(&mut self, name: RoomName, waiting: &Arc<Waiting>) {
        let shard = self.owners.of(&name);
        let room = self.rooms.entry(name.clone()).or_default();
        room.shard = shard;
        room.is_wanted = true;
        room.waiting.push(Arc::clone(waiting));
        room.satisfy();
        if !room.waiting.is_empty() {
            self.enqueue(name);
        }
    }

    fn unwant(&mut self, name: RoomName) {
        let Some(room) = self.rooms.get_mut(&name) else { return };
        let room_shard = room.shard;
        room.is_wanted = false;
        room.is_held = false;
        // What they asked for was overtaken: all that is published until now will be heard, as they were promised.
        for waiting in room.waiting.drain(..) {
            waiting.one_is_done();
        }
        if self.is_up(room_shard) {
            self.enqueue(name);
        } else {
            self.rooms.remove(&name);
        }
    }

    fn is_up(&self, shard: Option<ShardId>) -> bool {
        shard.is_some_and(|shard| self.lines.get(&shard).is_some_and(|line| line.is_up))
    }

    /// Whether rooms could be subscribed now; of none, whether there is a server at all.
    fn are_up(&self, rooms: &[RoomName]) -> bool {
        rooms.iter().all(|room| self.is_up(self.owners.of(room))) && self.lines.values().any(|line| line.is_up)
    }

    fn move_room(&mut self, name: RoomName) {
        let shard = self.owners.of(&name);
        let is_up = self.is_up(shard);
        let Some(room) = self.rooms.get_mut(&name) else { return };
        if room.shard != shard {
            room.shard = shard;
            // Who had it has let go of its channel by itself.
            room.server = Server::Unsubscribed;
            room.is_queued = false;
            room.is_moved = true;
            if !is_up {
                for waiting in room.waiting.drain(..) {
                    waiting.fail(BusError::Interrupted);
                }
                room.is_wanted &= room.is_held;
            }
        }
        if !room.is_wanted && room.server == Server::Unsubscribed {
            self.rooms.remove(&name);
        } else if room.server == Server::Unsubscribed {
            self.enqueue(name);
        }
    }

    fn enqueue(&mut self, name: RoomName) {
        if let Some(room) = self.rooms.get_mut(&name)
            && !room.is_queued
            && let Some(line) = room.shard.and_then(|shard| self.lines.get_mut(&shard))
        {
            room.is_queued = true;
            line.queue.push_back(name);
            line.changed.notify_one();
        }
    }

    fn take(&mut self, name: RoomName, shard: ShardId, changes: &mut Changes) {
        let room = self.rooms.get_mut(&name).filter(|room| room.shard == Some(shard));
        let Some(room) = room else { return };
        room.is_queued = false;
        match (room.is_wanted, room.server) {
            (true, Server::Subscribed) => room.satisfy(),
            (true, _) => {
                room.server = Server::Changing;
                changes.subscribe.push(name);
            }
            (false, Server::Unsubscribed) => {
                self.rooms.remove(&name);
            }
            (false, _) => {
                room.server = Server::Changing;
                changes.unsubscribe.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests;
