//! Which rooms this node wants to hear, and which it is subscribed to.
//!
//! What counts is what was wanted last, so a room that is wanted and not wanted many times before its turn comes
//! costs one command or none. Its size is that of the rooms the node asks for, which the node bounds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use hallway_protocol::RoomName;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::BusError;

/// The answer to one call of subscribe.
pub(super) type Answer = oneshot::Receiver<Result<(), BusError>>;

/// Rooms that are wanted.
#[derive(Default)]
pub(super) struct Wanted {
    state: Mutex<State>,
    /// Told when there is something to take.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct State {
    is_up: bool,
    is_closed: bool,
    rooms: HashMap<RoomName, Room>,
    /// Rooms whose subscription may not be as wanted; each at most once.
    queue: VecDeque<RoomName>,
}

#[derive(Default)]
struct Room {
    is_wanted: bool,
    /// Was confirmed since it is wanted, so that it stays wanted when the link breaks.
    is_held: bool,
    is_queued: bool,
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

/// A call that waits for several rooms.
struct Waiting(Mutex<Pending>);

struct Pending {
    /// How many of its rooms are not confirmed.
    left: usize,
    /// Gone once it was answered.
    answer: Option<oneshot::Sender<Result<(), BusError>>>,
}

impl Waiting {
    fn one_is_done(&self) {
        let mut inner = self.0.lock();
        inner.left -= 1;
        if inner.left == 0
            && let Some(answer) = inner.answer.take()
        {
            let _ = answer.send(Ok(()));
        }
    }

    fn fail(&self, why: BusError) {
        if let Some(answer) = self.0.lock().answer.take() {
            let _ = answer.send(Err(why));
        }
    }
}

/// Commands that make subscriptions as wanted.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) subscribe: Vec<RoomName>,
    pub(super) unsubscribe: Vec<RoomName>,
}

impl Wanted {
    /// Wants rooms. Answered when all of them are confirmed.
    pub(super) fn want(&self, rooms: Vec<RoomName>) -> Result<Answer, BusError> {
        let mut state = self.state.lock();
        if !state.is_up {
            return Err(BusError::Unavailable("the link is down"));
        }
        let (sender, answer) = oneshot::channel();
        // One more than rooms, so that it is not answered before the last of them was looked at.
        let waiting = Arc::new(Waiting(Mutex::new(Pending {
            left: rooms.len() + 1,
            answer: Some(sender),
        })));
        for room in rooms {
            state.want(room, &waiting);
        }
        drop(state);
        waiting.one_is_done();
        self.changed.notify_one();
        Ok(answer)
    }

    /// Wants rooms no more.
    pub(super) fn unwant(&self, rooms: Vec<RoomName>) {
        let mut state = self.state.lock();
        for room in rooms {
            state.unwant(room);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// A link is there, on which nothing is subscribed.
    pub(super) fn link_is_up(&self) {
        let mut state = self.state.lock();
        state.is_up = !state.is_closed;
        let names: Vec<RoomName> = state.rooms.keys().cloned().collect();
        for name in names {
            state.enqueue(name);
        }
    }

    /// The link is gone, and all subscriptions with it.
    pub(super) fn link_is_down(&self) {
        let mut state = self.state.lock();
        state.is_up = false;
        state.queue.clear();
        state.rooms.retain(|_, room| {
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
        self.state.lock().is_closed = true;
        self.link_is_down();
    }

    /// Takes changes, at most so many; nothing if all is as wanted. Not to be called again before they are confirmed.
    pub(super) fn take(&self, most: usize) -> Option<Changes> {
        let mut state = self.state.lock();
        let mut changes = Changes::default();
        while changes.subscribe.len() + changes.unsubscribe.len() < most {
            let Some(name) = state.queue.pop_front() else { break };
            state.take(name, &mut changes);
        }
        let is_nothing = changes.subscribe.is_empty() && changes.unsubscribe.is_empty();
        (!is_nothing).then_some(changes)
    }

    /// The server has confirmed changes.
    pub(super) fn confirmed(&self, changes: &Changes) {
        let mut state = self.state.lock();
        for name in &changes.subscribe {
            if let Some(room) = state.rooms.get_mut(name) {
                room.server = Server::Subscribed;
                room.satisfy();
            }
        }
        for name in &changes.unsubscribe {
            if let Some(room) = state.rooms.get_mut(name) {
                room.server = Server::Unsubscribed;
                if !room.is_wanted && !room.is_queued {
                    state.rooms.remove(name);
                }
            }
        }
    }

    /// How many rooms there are.
    pub(super) fn len(&self) -> usize {
        self.state.lock().rooms.len()
    }
}

impl Room {
    /// Answers those that wait, if it is as they want it.
    fn satisfy(&mut self) {
        if self.is_wanted && self.server == Server::Subscribed {
            self.is_held = true;
            for waiting in self.waiting.drain(..) {
                waiting.one_is_done();
            }
        }
    }
}

impl State {
    fn want(&mut self, name: RoomName, waiting: &Arc<Waiting>) {
        let room = self.rooms.entry(name.clone()).or_default();
        room.is_wanted = true;
        room.waiting.push(Arc::clone(waiting));
        room.satisfy();
        if !room.waiting.is_empty() {
            self.enqueue(name);
        }
    }

    fn unwant(&mut self, name: RoomName) {
        let Some(room) = self.rooms.get_mut(&name) else { return };
        room.is_wanted = false;
        room.is_held = false;
        // What they asked for was overtaken: all that is published until now will be heard, as they were promised.
        for waiting in room.waiting.drain(..) {
            waiting.one_is_done();
        }
        if self.is_up {
            self.enqueue(name);
        } else {
            self.rooms.remove(&name);
        }
    }

    fn enqueue(&mut self, name: RoomName) {
        if let Some(room) = self.rooms.get_mut(&name)
            && !room.is_queued
        {
            room.is_queued = true;
            self.queue.push_back(name);
        }
    }

    fn take(&mut self, name: RoomName, changes: &mut Changes) {
        let Some(room) = self.rooms.get_mut(&name) else { return };
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
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn up() -> Wanted {
        let wanted = Wanted::default();
        wanted.link_is_up();
        wanted
    }

    #[test]
    fn a_call_is_answered_when_all_of_its_rooms_are_confirmed() {
        let wanted = up();
        let mut answer = wanted.want(vec![room("board-1"), room("board-2")]).unwrap();
        let first = wanted.take(1).unwrap();
        wanted.confirmed(&first);
        assert!(answer.try_recv().is_err());
        let second = wanted.take(1).unwrap();
        wanted.confirmed(&second);
        assert_eq!(answer.try_recv(), Ok(Ok(())));
        assert!(wanted.take(1).is_none());
        assert_eq!(wanted.want(vec![room("board-1")]).unwrap().try_recv(), Ok(Ok(())));
        assert_eq!(wanted.want(vec![]).unwrap().try_recv(), Ok(Ok(())));
    }

    #[test]
    fn what_was_wanted_last_counts() {
        let wanted = up();
        let mut first = wanted.want(vec![room("board-1")]).unwrap();
        wanted.unwant(vec![room("board-1")]);
        assert_eq!(first.try_recv(), Ok(Ok(())));
        assert!(wanted.take(9).is_none());
        assert_eq!(wanted.len(), 0);

        let _second = wanted.want(vec![room("board-1")]).unwrap();
        let subscribing = wanted.take(9).unwrap();
        wanted.unwant(vec![room("board-1")]);
        let mut third = wanted.want(vec![room("board-1")]).unwrap();
        wanted.confirmed(&subscribing);
        assert_eq!(third.try_recv(), Ok(Ok(())));
        assert!(wanted.take(9).is_none());

        wanted.unwant(vec![room("board-1")]);
        let unsubscribing = wanted.take(9).unwrap();
        assert_eq!(unsubscribing.unsubscribe.len(), 1);
        let mut fourth = wanted.want(vec![room("board-1")]).unwrap();
        wanted.confirmed(&unsubscribing);
        assert!(fourth.try_recv().is_err());
        let again = wanted.take(9).unwrap();
        assert_eq!(again.subscribe.len(), 1);
        wanted.confirmed(&again);
        assert_eq!(fourth.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn only_what_was_confirmed_outlives_the_link() {
        let wanted = up();
        let _held = wanted.want(vec![room("board-1")]).unwrap();
        let changes = wanted.take(9).unwrap();
        wanted.confirmed(&changes);
        let mut pending = wanted.want(vec![room("board-1"), room("board-2")]).unwrap();
        wanted.link_is_down();
        assert_eq!(pending.try_recv(), Ok(Err(BusError::Interrupted)));
        assert!(wanted.want(vec![room("board-3")]).is_err());
        wanted.link_is_up();
        assert_eq!(wanted.take(9).unwrap().subscribe, [room("board-1")]);
    }
}
