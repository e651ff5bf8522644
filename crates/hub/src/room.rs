//! One room on this node: its members, and where the numbering of its lines stands here.
//!
//! A room has one line of broadcasts of its own and one for each room that it includes (`board-7-tasks` is a
//! line of `board-7`). A line's track and the members are under one lock, which is what makes a join exact:
//! who joins at number n hears n + 1 and everything after it, and nothing up to n.

use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::{Position, RoomName};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::OnceCell;

use crate::members::{Members, Snapshot};
use crate::socket::Socket;

/// Where a numbered line stands on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Not numbered, or not yet known.
    Untracked,
    /// Numbered, and nothing was broadcast since: by the clock that epochs are taken from, in milliseconds.
    Empty(u64),
    /// The last broadcast that was delivered here, and Redis's time of it in Unix milliseconds.
    At(Position, u64),
}

/// How a broadcast stands to what was delivered before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The next one: deliver it.
    Next,
    /// Delivered before.
    Old,
    /// Something between is missing.
    Gap,
    /// Of another life of the numbering.
    OtherEpoch,
}

/// What became of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// It is in.
    Entered,
    /// It was in.
    Already,
    /// The socket is gone.
    Gone,
    /// The answer could not be given yet: nothing has changed.
    NotYet,
}

/// What whoever joins is to be told, decided where the room stands.
#[derive(Debug)]
pub enum Answer {
    /// It enters; these bytes are sent to it, if any.
    Enter(Option<Bytes>),
    /// It does not enter now.
    NotYet,
}

/// One room.
#[derive(Debug)]
pub struct Room {
    lines: SmallVec<[RoomName; 1]>,
    /// Set once every line is heard from the bus; by whoever needs it first, while the others wait.
    pub heard: OnceCell<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    members: Members,
    tracks: SmallVec<[Track; 1]>,
    /// Sockets in it or about to be; the room stays open while there are any.
    holders: u32,
    /// Broadcasts that were to be delivered, of all lines, since the room was opened here; goes round at its end.
    broadcasts: u32,
}

impl Room {
    pub(crate) fn new(lines: impl IntoIterator<Item = RoomName>) -> Self {
        let lines: SmallVec<[RoomName; 1]> = lines.into_iter().collect();
        let tracks = lines.iter().map(|_| Track::Untracked).collect();
        Self {
            heard: OnceCell::new(),
            inner: Mutex::new(Inner {
                members: Members::default(),
                tracks,
                holders: 0,
                broadcasts: 0,
            }),
            lines,
        }
    }

    /// The room's name.
    #[must_use]
    pub fn name(&self) -> &RoomName {
        &self.lines[0]
    }

    /// Its name and those of the rooms it includes.
    #[must_use]
    pub fn lines(&self) -> &[RoomName] {
        &self.lines
    }

    /// How many sockets are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.lock().members.len()
    }

    /// Whether no socket is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a socket is in it.
    #[must_use]
    pub fn contains(&self, socket: &Socket) -> bool {
        self.inner.lock().members.contains(socket)
    }

    /// How many broadcasts came for its members since it was opened on this node. Goes round, so that only the difference
    /// ([`u32::wrapping_sub`]) of two looks counts.
    #[must_use]
    pub fn broadcasts(&self) -> u32 {
        self.inner.lock().broadcasts
    }

    /// Its members at this moment.
    #[must_use]
    pub fn members(&self) -> Snapshot {
        self.inner.lock().members.snapshot()
    }

    /// Where a line stands.
    #[must_use]
    pub fn track(&self, line: usize) -> Track {
        self.inner.lock().tracks[line]
    }

    /// Sets where a line stands, as the bus says; not back behind what arrived
    /// while it was asked.
    pub fn set_track(&self, line: usize, track: Track) {
        let mut inner = self.inner.lock();
        let behind = match (inner.tracks[line], track) {
            (Track::At(..), Track::Empty(_) | Track::Untracked) => true,
            (Track::Empty(had), Track::Empty(new)) => new < had,
            (Track::At(had, _), Track::At(new, _)) => (new.epoch, new.seq) < (had.epoch, had.seq),
            _ => false,
        };
        if !behind {
            inner.tracks[line] = track;
        }
    }

    /// Puts a line where the bus says it stands, even behind what was delivered: after numbering was lost.
    pub fn reset_track(&self, line: usize, track: Track) -> Snapshot {
        let mut inner = self.inner.lock();
        inner.tracks[line] = track;
        inner.members.snapshot()
    }

    /// Lets a socket in. `answer` gets the tracks of the room's lines and makes the bytes that are sent to the
    /// socket under the room's lock: they come before the first broadcast that follows the tracks.
    pub fn join(self: &Arc<Self>, socket: &Arc<Socket>, answer: impl FnOnce(&[Track]) -> Answer) -> Joined {
        let mut inner = self.inner.lock();
        let mut rooms = socket.rooms.lock();
        let Some(rooms) = rooms.as_mut() else {
            return Joined::Gone;
        };
        let Answer::Enter(bytes) = answer(&inner.tracks) else {
            return Joined::NotYet;
        };
        let already = inner.members.contains(socket);
        if !already {
            rooms.reserve_exact(1);
            rooms.push(Arc::clone(self));
            inner.members.insert(Arc::clone(socket));
        }
        if let Some(bytes) = bytes {
            socket.send(&bytes);
        }
        if already { Joined::Already } else { Joined::Entered }
    }

    /// Takes a socket out. False if it was not in.
    pub fn leave(self: &Arc<Self>, socket: &Socket) -> bool {
        let mut inner = self.inner.lock();
        if let Some(rooms) = socket.rooms.lock().as_mut() {
            rooms.retain(|room| !Arc::ptr_eq(room, self));
        }
        inner.members.remove(socket)
    }

    /// Takes note of broadcasts of one line that arrived, in order, and says how many of them, from the first
    /// on, can be dealt with in the same way, what that way is, and who is to hear them. The caller delivers
    /// them before it asks again: the members are those of exactly this place in the line.
    pub fn hear(&self, line: usize, arrived: &[(Option<Position>, u64)]) -> (usize, Heard, Snapshot) {
        let mut inner = self.inner.lock();
        let mut count = 0;
        let mut verdict = Heard::Next;
        for (position, ts) in arrived {
            let heard = match position {
                None => Heard::Next,
                Some(position) => judge(inner.tracks[line], *position),
            };
            if count > 0 && heard != verdict {
                break;
            }
            verdict = heard;
            if matches!(heard, Heard::Gap | Heard::OtherEpoch) {
                count = 1;
                break;
            }
            count += 1;
            if let (Heard::Next, Some(position)) = (heard, position) {
                inner.tracks[line] = Track::At(*position, *ts);
            }
        }
        if verdict == Heard::Next {
            inner.broadcasts = inner.broadcasts.wrapping_add(count as u32);
        }
        (count, verdict, inner.members.snapshot())
    }

    pub(crate) fn hold(&self) {
        self.inner.lock().holders += 1;
    }

    /// True when nobody holds it any more.
    pub(crate) fn release(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.holders = inner.holders.saturating_sub(1);
        inner.holders == 0
    }

    pub(crate) fn is_held(&self) -> bool {
        self.inner.lock().holders > 0
    }
}

fn judge(track: Track, position: Position) -> Heard {
    match track {
        Track::Untracked => Heard::Next,
        Track::Empty(since) if position.epoch.0 < since => Heard::OtherEpoch,
        Track::Empty(_) if position.seq == 1 => Heard::Next,
        Track::Empty(_) => Heard::Gap,
        Track::At(last, _) if last.epoch != position.epoch => Heard::OtherEpoch,
        Track::At(last, _) if position.seq <= last.seq => Heard::Old,
        Track::At(last, _) if position.seq == last.seq + 1 => Heard::Next,
        Track::At(..) => Heard::Gap,
    }
}
