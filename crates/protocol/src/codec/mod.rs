//! The codecs. JSON is the model: every frame is first JSON text, and MessagePack is that text transcoded,
//! so that a frame has one declaration and the two codecs cannot drift apart.

mod msgpack;

use serde::Serialize;

pub use msgpack::{json_to_msgpack, msgpack_to_json};

use crate::frame::{ClientFrame, FrameError};

/// How frames are written on a connection; agreed by the WebSocket subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Text frames of JSON.
    Json,
    /// Binary frames of MessagePack: the same maps with the same string keys.
    Msgpack,
}

impl Codec {
    /// Every codec; a codec's place in here is its [`Codec::index`].
    pub const ALL: [Self; 2] = [Self::Json, Self::Msgpack];

    /// A small number for tables with a slot per codec.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The subprotocol that stands for it.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "hallway.v1.json",
            Self::Msgpack => "hallway.v1.msgpack",
        }
    }

    /// The codec of a subprotocol.
    #[must_use]
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.subprotocol() == name)
    }

    /// A short name, for labels and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Msgpack => "msgpack",
        }
    }
}

/// Reads a client's frame.
///
/// # Errors
/// See [`FrameError`].
pub fn decode(codec: Codec, bytes: &[u8]) -> Result<ClientFrame, FrameError> {
    match codec {
        Codec::Json => ClientFrame::from_json(bytes),
        Codec::Msgpack => {
            let json = msgpack_to_json(bytes).map_err(FrameError::Unanswerable)?;
            ClientFrame::from_json(&json)
        }
    }
}

/// Writes a value in a codec.
///
/// # Errors
/// Only for values that are no JSON, such as maps with other keys than strings.
pub fn encode(codec: Codec, value: &impl Serialize) -> Result<Vec<u8>, String> {
    let json = serde_json::to_vec(value).map_err(|why| why.to_string())?;
    match codec {
        Codec::Json => Ok(json),
        Codec::Msgpack => json_to_msgpack(&json),
    }
}
