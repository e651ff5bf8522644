//! Connection state recovery, as the published client does it: it shows the `pid` that it was given when it connected, and
//! the last `offset` that an event brought. The offset says where it stood in all its rooms (`hub/places.rs`), so that any
//! node can let it into them again and bring what it missed. Where not all of that can be proven, it is let in as one that
//! comes anew, with another `pid`, which is how the client knows.
//!
//! Neither is a secret or opens a room: who it is it shows anew, and every room is asked for anew.

use bytes::{Bytes, BytesMut};
use hallway_auth::Identity;
use hallway_hub::places::{self, Home, Places};
use hallway_hub::{Foreign, Form};
use hallway_protocol::{ClientId, Epoch, Hello, Position, Resumed, RoomName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::connection::admission::Return;
use crate::connection::reply;

/// What a client shows that comes back.
pub(super) struct Brought {
    pid: String,
    was: ClientId,
    homes: Vec<Home>,
}

/// What a client is told when it is let in.
#[derive(Default)]
pub(super) struct Recovery {
    /// Nothing where there is no recovery.
    pid: Option<String>,
    /// Where it stood, and what it missed since.
    missed: Option<(ClientId, Places, Vec<Missed>)>,
}

#[derive(Deserialize)]
struct Shown {
    pid: Option<String>,
    offset: Option<String>,
}

/// A broadcast that was missed.
struct Missed {
    line: RoomName,
    position: Position,
    ts: u64,
    /// The object of the broadcast.
    json: Box<RawValue>,
}

#[derive(Deserialize)]
struct Known {
    room: String,
    seq: u64,
    epoch: Epoch,
    #[serde(default)]
    ts: u64,
}

#[derive(Serialize)]
struct Greeting<'a> {
    hello: &'a Hello,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
}

/// The end of every `pid` of a user: another user who has got hold of the same client does not recover.
fn owner(identity: &Identity) -> &str {
    identity.user.as_ref().map_or("", |user| user.as_str())
}

impl Brought {
    /// Reads what is beside the token in `auth`; nothing if it is not whole or another user's.
    pub(super) fn read(auth: &str, identity: &Identity) -> Option<Self> {
        let shown: Shown = serde_json::from_str(auth).ok()?;
        let pid = shown.pid?;
        let (_, user) = pid.split_once('.')?;
        if user != owner(identity) {
            return None;
        }
        let (was, homes) = Places::read(&shown.offset?)?;
        Some(Self { pid, was, homes })
    }

    /// The rooms to come back to.
    pub(super) fn back(&self) -> Return {
        let lines = self.homes.iter().flat_map(|home| &home.lines);
        Return {
            rooms: lines.map(|(name, place)| (name.to_string(), *place)).collect(),
            was: Some(self.was),
            is_admitted: false,
        }
    }

    /// What became of it, taken out of the hello; nothing if a room is not what it was, or what was missed is more than so
    /// many bytes.
    pub(super) fn recovered(self, hello: &mut Hello, most: usize) -> Option<Recovery> {
        let mut resumed = hello.resumed.take()?;
        let mut rooms = Vec::new();
        for (name, _) in self.homes.iter().flat_map(|home| &home.lines) {
            match resumed.remove(name.as_str())? {
                Resumed::In(entry) if entry.recovered => rooms.push(missed(entry.missed)?),
                Resumed::In(_) | Resumed::Refused { .. } => return None,
            }
        }
        let missed = merged(rooms);
        let bytes: usize = missed.iter().map(|one| one.json.get().len() + places::TEXT_MAX).sum();
        (bytes <= most).then(|| Recovery {
            pid: Some(self.pid),
            missed: Some((self.was, Places::of(self.homes), missed)),
        })
    }
}

fn missed(broadcasts: Vec<Box<RawValue>>) -> Option<Vec<Missed>> {
    let read = |json: Box<RawValue>| {
        let known: Known = serde_json::from_str(json.get()).ok()?;
        Some(Missed {
            line: RoomName::parse(&known.room).ok()?,
            position: Position {
                epoch: known.epoch,
                seq: known.seq,
            },
            ts: known.ts,
            json,
        })
    };
    broadcasts.into_iter().map(read).collect()
}

/// All rooms' in one order: by time between rooms, by number in each.
fn merged(rooms: Vec<Vec<Missed>>) -> Vec<Missed> {
    let mut rooms: Vec<_> = rooms.into_iter().map(|room| room.into_iter().peekable()).collect();
    let mut all = Vec::new();
    loop {
        let heads = rooms.iter_mut().enumerate();
        let next = heads.filter_map(|(at, room)| Some((room.peek()?.ts, at))).min();
        let Some((_, at)) = next else { return all };
        all.extend(rooms[at].next());
    }
}

impl Recovery {
    /// For one that comes anew.
    pub(super) fn begin(identity: &Identity) -> Self {
        let random = ClientId::from_bits(rand::random());
        Self {
            pid: Some(format!("{random}.{}", owner(identity))),
            missed: None,
        }
    }

    /// The first frames: that it is connected, what it missed, and where it stands then. Each event says where the client
    /// stands when it has got that far.
    pub(super) fn first(self, form: &Foreign, hello: &Hello, entered: &str) -> Bytes {
        let form = Form::Foreign(form);
        let greeting = Greeting {
            hello,
            pid: self.pid.as_deref(),
        };
        let greeting = serde_json::to_vec(&greeting).map(|json| form.write(&json));
        let greeting = greeting.unwrap_or_else(|why| {
            // Everything in it is JSON already.
            tracing::error!(%why, "a hello could not be written");
            Bytes::new()
        });
        if self.pid.is_none() {
            return greeting;
        }
        let mut all = BytesMut::new();
        match self.missed {
            Some((was, mut places, missed)) => {
                places::stamp(&mut all, &greeting, places.text(was));
                for one in missed {
                    places.advance(&one.line, one.position);
                    let broadcast = form.write(format!(r#"{{"broadcast":{}}}"#, one.json.get()).as_bytes());
                    places::stamp(&mut all, &broadcast, places.text(was));
                }
            }
            None => places::stamp(&mut all, &greeting, entered),
        }
        places::stamp(&mut all, &reply::place(form), entered);
        all.freeze()
    }
}
