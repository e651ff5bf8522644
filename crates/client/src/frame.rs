//! The frames as a client reads and writes them, in either codec.

use std::collections::BTreeMap;

use hallway_protocol::Codec;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::Message;

use crate::error::ServerError;
use crate::options::ResumeFrom;

/// The server's first frame.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// This connection.
    pub client_id: String,
    /// Who it is; absent for the anonymous.
    pub user_id: Option<String>,
    /// The node that holds it.
    pub node: String,
    /// The rooms that the node joined it to.
    pub rooms: Vec<String>,
    /// Where it stands in those of them that number.
    #[serde(default)]
    pub positions: BTreeMap<String, ResumeFrom>,
    /// How often the node pings.
    pub ping_interval_ms: u64,
    /// The node's clock, in Unix milliseconds.
    pub server_time: u64,
    /// When the authorization ends, in Unix milliseconds.
    pub expires_at: Option<u64>,
    /// What else is known of the user.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// For [`crate::FirstFrame::Resume`].
    pub resume_ticket: Option<String>,
    /// After a resume: the answer for each room asked for.
    pub resumed: Option<Map<String, Value>>,
}

/// Something published in a room that this socket is in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Broadcast {
    /// The room.
    pub room: String,
    /// The event's name.
    pub destination: String,
    /// The publisher's data.
    #[serde(default)]
    pub data: Value,
    /// Its number, in a room that numbers.
    pub seq: Option<u64>,
    /// The numbering's life.
    pub epoch: Option<String>,
    /// Redis's time, in Unix milliseconds.
    pub ts: Option<u64>,
}

/// The server takes leave; the close follows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goodbye {
    /// In a word.
    pub reason: String,
    /// When to come back, counted from now.
    pub reconnect_after_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServerFrame {
    Hello(Box<Hello>),
    Reply(Reply),
    Broadcast(Broadcast),
    Goodbye(Goodbye),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) data: Value,
    pub(crate) error: Option<ServerError>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ClientFrame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    pub(crate) endpoint: &'a str,
    pub(crate) args: &'a Value,
}

/// Writes a frame. Fails only on what the codec has no word for.
pub(crate) fn encode(codec: Codec, frame: &ClientFrame<'_>) -> Result<Message, String> {
    match codec {
        Codec::Json => serde_json::to_string(frame)
            .map(Message::text)
            .map_err(|why| why.to_string()),
        Codec::Msgpack => rmp_serde::to_vec_named(frame)
            .map(Message::binary)
            .map_err(|why| why.to_string()),
    }
}

/// Reads a data frame; the frame's type must be the codec's.
pub(crate) fn decode(codec: Codec, message: &Message) -> Result<ServerFrame, String> {
    match (codec, message) {
        (Codec::Json, Message::Text(text)) => serde_json::from_str(text).map_err(|why| format!("{why} in {text}")),
        (Codec::Msgpack, Message::Binary(bytes)) => rmp_serde::from_slice(bytes).map_err(|why| why.to_string()),
        _ => Err(format!("a frame of the wrong type for {}", codec.name())),
    }
}
