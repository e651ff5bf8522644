//! The frames: one kind from a client, four from the server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::endpoint::State;
use crate::{ClientId, Endpoint, Epoch, Error, ErrorCode, Position, RoomName, UserId, limits};

/// What a client says, with its arguments still as JSON text.
#[derive(Debug)]
pub struct ClientFrame {
    /// Where the reply goes; without it there is none.
    pub id: Option<u64>,
    /// What is asked for; a name that stands in no table is kept for the error's text.
    pub endpoint: Result<Endpoint, String>,
    /// The arguments, an object.
    pub args: Box<RawValue>,
}

/// A frame that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No id could be read, so no reply can name it: the connection is closed with 4400.
    #[error("{0}")]
    Unanswerable(String),
    /// The rest is wrong, and the reply says so.
    #[error("{1}")]
    Answerable(u64, Error),
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    endpoint: Option<&'a RawValue>,
    #[serde(borrow, default)]
    args: Option<&'a RawValue>,
}

impl ClientFrame {
    /// Reads a frame from JSON text. Fields that are not of the protocol are passed over, so that an older
    /// node understands a newer client.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn from_json(text: &[u8]) -> Result<Self, FrameError> {
        let unanswerable = |why: &str| FrameError::Unanswerable(why.to_owned());
        // A derived struct would read an array too.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(unanswerable("a frame is an object"));
        }
        let raw: RawFrame<'_> =
            serde_json::from_slice(text).map_err(|why| FrameError::Unanswerable(format!("not a frame: {why}")))?;
        let id = match raw.id {
            None => None,
            Some(id) => match id.get().parse::<u64>() {
                Ok(id) if id <= limits::REQUEST_ID => Some(id),
                _ => return Err(unanswerable("id is not an integer from 0 to 2^53-1")),
            },
        };
        let wrong = |error: Error| match id {
            Some(id) => FrameError::Answerable(id, error),
            None => FrameError::Unanswerable(error.message),
        };
        let endpoint = raw
            .endpoint
            .and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let Some(endpoint) = endpoint else {
            return Err(wrong(Error::new(
                ErrorCode::BadFrame,
                "endpoint is missing or not a string",
            )));
        };
        let args = match raw.args {
            None => RawValue::from_string("{}".into()).map_err(|_| unanswerable("args"))?,
            Some(args) if !args.get().starts_with('{') => {
                return Err(wrong(Error::bad_args("args", "args is an object")));
            }
            Some(args) if crate::json::depth(args.get()) > limits::JSON_DEPTH => {
                return Err(wrong(Error::bad_args("args", "args is nested deeper than 64 levels")));
            }
            Some(args) => args.to_owned(),
        };
        Ok(Self {
            id,
            endpoint: Endpoint::from_name(&endpoint).ok_or(endpoint),
            args,
        })
    }

    /// Reads the arguments of an endpoint.
    ///
    /// # Errors
    /// `bad-args`, with the name of the field.
    pub fn args<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        crate::json::read(self.args.get())
    }
}

/// The server's first frame.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// This connection.
    pub client_id: ClientId,
    /// Who it is; absent for the anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The node that holds it.
    pub node: String,
    /// The rooms that the node joined it to.
    pub rooms: Vec<RoomName>,
    /// Where it stands in those of them that number: what to resume from as long as nothing was broadcast there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub positions: BTreeMap<RoomName, Position>,
    /// How often the node sends a WebSocket ping.
    pub ping_interval_ms: u64,
    /// The node's clock, in Unix milliseconds.
    pub server_time: u64,
    /// When the authorization ends, in Unix milliseconds; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// What else is known of the user: claims that the operator chose, and what admission said.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// What `auth.resume` takes, on any node; absent where no key for it is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_ticket: Option<String>,
    /// After `auth.resume`: what became of each room asked for, by the name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<BTreeMap<String, Resumed>>,
}

/// What became of a room that was resumed.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Resumed {
    /// The socket is in it.
    In(Entry),
    /// It is not.
    Refused {
        /// Why.
        error: Error,
    },
}

/// How a socket came into a room.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Where the room stands; nothing if nothing was broadcast there.
    pub state: Option<State>,
    /// Without a state, in a room that numbers: what to resume from as long as nothing is broadcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Whether `missed` is everything that came after the place asked for.
    pub recovered: bool,
    /// The broadcasts between that place and the state, in order.
    pub missed: Vec<Box<RawValue>>,
}

/// Why a node takes leave.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goodbye {
    /// In a word.
    pub reason: String,
    /// When to come back, counted from now.
    pub reconnect_after_ms: u64,
}

/// What the server says, but for broadcasts, which [`crate::broadcast`] writes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerFrame<'a, D: Serialize = ()> {
    /// The first frame.
    Hello(&'a Hello),
    /// The answer to a request.
    Reply(Reply<'a, D>),
    /// A notice before the close.
    Goodbye(&'a Goodbye),
}

/// Exactly one per request with an id.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<'a, D> {
    /// It was done.
    Data {
        /// The request.
        id: u64,
        /// The answer.
        data: D,
    },
    /// It was not.
    Error {
        /// The request.
        id: u64,
        /// Why.
        error: &'a Error,
    },
}

/// The numbers of a broadcast as `rooms.broadcast` and the backend API answer them. A room that keeps no
/// state has no `seq` and no `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    /// The life of the numbering.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
    /// Redis's time, in Unix milliseconds.
    pub ts: u64,
}
