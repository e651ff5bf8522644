//! Bytes to many sockets. A burst is what arrived together for one room: encoded once per codec, and written
//! to each member with one call.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use hallway_protocol::{ClientId, Codec, codec};

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
    encoded: [OnceLock<Bytes>; Codec::ALL.len()],
}

/// Broadcasts that leave together, in order.
#[derive(Debug, Default)]
pub struct Burst {
    frames: Vec<One>,
    /// All frames in one piece, for the many who are excluded from none.
    together: [OnceLock<Bytes>; Codec::ALL.len()],
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
    /// Adds a frame: its JSON text, and the socket that is not to have it.
    pub fn push(&mut self, json: Vec<u8>, exclude: Option<ClientId>) {
        self.frames.push(One {
            json: json.into(),
            exclude,
            encoded: Default::default(),
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

    fn together(&self, codec: Codec) -> &Bytes {
        self.together[codec.index()].get_or_init(|| match self.frames.as_slice() {
            [one] => one.encoded(codec).clone(),
            many => {
                let mut all = BytesMut::with_capacity(many.iter().map(|one| one.json.len() + frame::HEADER_MAX).sum());
                for one in many {
                    all.extend_from_slice(one.encoded(codec));
                }
                all.freeze()
            }
        })
    }

    fn send_to(&self, socket: &Arc<Socket>, delivered: &mut Delivered) {
        let codec = socket.codec();
        if self.frames.iter().any(|one| one.exclude == Some(socket.id())) {
            for one in self.frames.iter().filter(|one| one.exclude != Some(socket.id())) {
                delivered.count(socket.send(one.encoded(codec)), 1, one.encoded(codec).len());
            }
        } else {
            let bytes = self.together(codec);
            delivered.count(socket.send(bytes), self.frames.len(), bytes.len());
        }
    }

    /// Sends it to every member. Not cancel safe: some would have it and others not.
    pub async fn send(&self, members: &Snapshot) -> Delivered
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
    fn encoded(&self, codec: Codec) -> &Bytes {
        self.encoded[codec.index()].get_or_init(|| match codec {
            Codec::Json => frame::whole(frame::opcode_of(codec), &self.json),
            // Payloads were checked where they came in; one that fails all the same is sent as nothing.
            Codec::Msgpack => codec::json_to_msgpack(&self.json)
                .map(|payload| frame::whole(frame::opcode_of(codec), &payload))
                .unwrap_or_default(),
        })
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
