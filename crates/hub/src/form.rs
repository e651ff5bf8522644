//! How frames are written on a connection. Every frame is first JSON text (see `protocol::codec`); a form makes of it
//! the bytes that one kind of client reads. A broadcast is written once per form, never once per socket.

use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::{Codec, codec};

use crate::frame;

/// Makes a server's frame out of JSON text for clients that are not native.
pub trait Writer: std::fmt::Debug + Send + Sync {
    /// Whole WebSocket frames that say what the text says; nothing where such clients have no word for it. The same
    /// bytes for the same text.
    fn write(&self, json: &[u8]) -> Bytes;
}

/// A form of clients that are not native.
#[derive(Debug)]
pub struct Foreign {
    number: u8,
    writer: Box<dyn Writer>,
}

impl Foreign {
    /// A form, with a number that no other form of the hub has.
    #[must_use]
    pub fn new(number: u8, writer: Box<dyn Writer>) -> Self {
        Self { number, writer }
    }
}

/// How frames are written on a connection.
#[derive(Debug, Clone)]
pub enum Form {
    /// As native clients read them.
    Native(Codec),
    /// As others do.
    Foreign(Arc<Foreign>),
}

impl From<Codec> for Form {
    fn from(codec: Codec) -> Self {
        Self::Native(codec)
    }
}

impl Form {
    /// Whole WebSocket frames that say what the JSON text of a frame says.
    #[must_use]
    pub fn write(&self, json: &Bytes) -> Bytes {
        match self {
            Self::Native(Codec::Json) => frame::whole(frame::opcode_of(Codec::Json), json),
            // Payloads were checked where they came in; one that fails all the same is sent as nothing.
            Self::Native(codec @ Codec::Msgpack) => codec::json_to_msgpack(json)
                .map(|payload| frame::whole(frame::opcode_of(*codec), &payload))
                .unwrap_or_default(),
            Self::Foreign(foreign) => foreign.writer.write(json),
        }
    }

    /// A short name, for labels and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Native(codec) => codec.name(),
            Self::Foreign(_) => "socketio",
        }
    }

    /// The codec of a native client.
    #[must_use]
    pub const fn codec(&self) -> Option<Codec> {
        match self {
            Self::Native(codec) => Some(*codec),
            Self::Foreign(_) => None,
        }
    }

    /// What tells it from other forms.
    pub(crate) fn key(&self) -> u16 {
        match self {
            Self::Native(codec) => codec.index() as u16,
            Self::Foreign(foreign) => 256 + u16::from(foreign.number),
        }
    }
}
