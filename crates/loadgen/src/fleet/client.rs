//! The state of a client, which outlives its connections.

use socket2::Socket;

use super::place::Place;

/// How far a client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Has no connection, and waits for its time to try.
    Away,
    /// TCP is being set up.
    Connecting,
    /// The upgrade was asked for.
    Upgrading,
    /// Waits for the hello.
    Greeting,
    /// Waits to be in the first of its rooms that has not answered.
    Joining,
    /// In all its rooms.
    Live,
}

/// A room of a client.
#[derive(Debug)]
pub(super) struct Held {
    /// By number.
    pub(super) room: usize,
    /// `None` until it was joined once.
    pub(super) place: Option<Place>,
    /// Whether this connection is in it.
    pub(super) entered: bool,
}

#[derive(Debug)]
pub(super) struct Client {
    /// Over all processes; it is a user of its own.
    pub(super) number: usize,
    pub(super) rooms: Vec<Held>,
    pub(super) phase: Phase,
    /// `None` while away.
    pub(super) link: Option<Link>,
    /// Connections so far. What is meant for an earlier one is passed over.
    pub(super) life: u32,
    /// The node that it is at, or was at last.
    pub(super) node: usize,
    pub(super) ticket: Option<String>,
    /// Attempts that failed since the client was last live.
    pub(super) failures: u32,
    /// When the last connection was lost; `None` before the first.
    pub(super) lost_at: Option<u64>,
    /// When the first connect since then began.
    pub(super) began_at: Option<u64>,
    /// When the hello of the connection came.
    pub(super) greeted_at: Option<u64>,
    /// Broadcasts replayed since the loss.
    pub(super) replayed: u64,
    /// Whether its node is gone and it is not back yet.
    pub(super) fleeing: bool,
}

/// A connection of a client.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: Socket,
    /// Whether the first frame is `auth.resume`; else the handshake had a token.
    pub(super) by_ticket: bool,
    pub(super) waits_to_write: bool,
    /// The beginning of what is not whole yet. No memory while there is none.
    pub(super) rest: Vec<u8>,
    /// What the socket has not taken yet. No memory while there is none.
    pub(super) out: Vec<u8>,
}

impl Client {
    pub(super) fn new(number: usize, node: usize, rooms: impl IntoIterator<Item = usize>) -> Self {
        let held = |room| Held {
            room,
            place: None,
            entered: false,
        };
        Self {
            number,
            rooms: rooms.into_iter().map(held).collect(),
            phase: Phase::Away,
            link: None,
            life: 0,
            node,
            ticket: None,
            failures: 0,
            lost_at: None,
            began_at: None,
            greeted_at: None,
            replayed: 0,
            fleeing: false,
        }
    }

    /// Whether it has everything up to these heads, by number of the room.
    pub(super) fn is_at(&self, heads: &[super::Head]) -> bool {
        self.phase == Phase::Live
            && self.rooms.iter().all(|held| {
                let place = held.place.as_ref();
                place.is_some_and(|place| heads.get(held.room).is_none_or(|head| place.is_at(head.seq)))
            })
    }
}
