//! Bytes to many sockets. A burst is what arrived together for one room: written once per form, and sent
//! to each member with one call.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hallway_protocol::{ClientId, Position, RoomName};

use crate::form::{Form, Written};
use crate::frame;
use crate::members::Snapshot;
use crate::socket::{Sent, Socket};

/// Sockets after which a fan-out lets other work have the thread: about a millisecond of writing.
const BREATH: usize = 256;

/// One broadcast frame of a burst.
#[derive(Debug)]
struct One {
    json: Bytes,
    exclude: Option<ClientId>,
    place: Option<(RoomName, Position)>,
    written: Written,
}

/// Broadcasts that leave together, in order.
#[derive(Debug, Default)]
pub struct Burst {
    frames: Vec<One>,
    /// All frames in one piece, for the many who are excluded from none.
    together: Written,
}

/// What became of a burst.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Frames that the kernel or a queue took.
    pub frames: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Sockets for which they had to wait.
    pub queued: u64,
    /// Sockets that were closed as slow consumers over it.
    pub overflowed: u64,
}

impl Burst {
    /// Adds a frame: its JSON text, the socket that is not to have it, and its place if it is numbered.
    pub fn push(&mut self, json: Vec<u8>, exclude: Option<ClientId>, place: Option<(RoomName, Position)>) {
        self.frames.push(One {
            json: json.into(),
            exclude,
            place,
            written: Written::default(),
        });
    }

    /// How many frames it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn together(&mut self, form: Form<'_>) -> &Bytes {
        let Self { frames, together } = self;
        together.get(form, || match frames.as_mut_slice() {
            [one] => one.written(form).clone(),
            many => {
                let mut all = BytesMut::with_capacity(many.iter().map(|one| one.json.len() + frame::HEADER_MAX).sum());
                for one in many {
                    all.extend_from_slice(one.written(form));
                }
                all.freeze()
            }
        })
    }

    fn send_to(&mut self, socket: &Arc<Socket>, delivered: &mut Delivered) {
        let form = socket.form();
        if socket.has_places() {
            let mut bytes = 0;
            let mut count = 0;
            let broadcasts = self.frames.iter_mut().map(|one| {
                let frames = (one.exclude != Some(socket.id())).then(|| one.written(form).clone());
                count += usize::from(frames.is_some());
                bytes += frames.as_ref().map_or(0, Bytes::len);
                (frames, one.place.as_ref())
            });
            let sent = socket.send_placed(broadcasts);
            delivered.count(sent, count, bytes);
        } else if self.frames.iter().any(|one| one.exclude == Some(socket.id())) {
            for one in self.frames.iter_mut().filter(|one| one.exclude != Some(socket.id())) {
                let bytes = one.written(form);
                delivered.count(socket.send(bytes), 1, bytes.len());
            }
        } else {
            let count = self.frames.len();
            let bytes = self.together(form);
            delivered.count(socket.send(bytes), count, bytes.len());
        }
    }

    /// Sends it to every member. Not cancel safe: some would have it and others not.
    pub async fn send(&mut self, members: &Snapshot) -> Delivered
    where
        Self: Send,
    {
        let mut delivered = Delivered::default();
        let mut breath = 0;
        for chunk in members {
            for socket in chunk.iter() {
                self.send_to(socket, &mut delivered);
            }
            breath += chunk.len();
            if breath >= BREATH {
                breath = 0;
                tokio::task::yield_now().await;
            }
        }
        delivered
    }
}

impl One {
    fn written(&mut self, form: Form<'_>) -> &Bytes {
        self.written.of(form, &self.json)
    }
}

impl Delivered {
    fn count(&mut self, sent: Sent, frames: usize, bytes: usize) {
        match sent {
            Sent::Written => {}
            Sent::Queued => self.queued += 1,
            Sent::Overflowed => {
                self.overflowed += 1;
                return;
            }
            Sent::Gone => return,
        }
        self.frames += frames as u64;
        self.bytes += bytes as u64;
    }
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.queued += other.queued;
        self.overflowed += other.overflowed;
    }
}
