//! Arguments of `messages.*`. Ids of messages are texts here: whoever stores messages knows what an id is.

use serde::Deserialize;

use crate::RoomName;

/// `messages.send`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesSend {
    /// The room.
    pub room: RoomName,
    /// What is said: 1 to [`crate::limits::MESSAGE_CHARS`] characters.
    pub content: String,
    /// `TEXT` if left out, `IMAGE` or `FILE`. `SYSTEM` is the backend's.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// A message of the same room that it answers.
    #[serde(default)]
    pub reply_to_id: Option<String>,
    /// The client's own name for it: a repeat with the same name is the same message.
    #[serde(default)]
    pub client_message_id: Option<String>,
}

/// `messages.list`. At most one of the three places; without any, the newest.
#[derive(Debug, Deserialize)]
pub struct MessagesList {
    /// The room.
    pub room: RoomName,
    /// A cursor, or a message's id: what comes after it.
    #[serde(default)]
    pub after: Option<String>,
    /// A cursor, or a message's id: what comes before it.
    #[serde(default)]
    pub before: Option<String>,
    /// A time in Unix milliseconds: what was stored or changed since.
    #[serde(default)]
    pub since: Option<u64>,
    /// At most this many, 1 to [`crate::limits::PAGE`].
    #[serde(default)]
    pub limit: Option<usize>,
}

/// `messages.delete` and `messages.read`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfMessage {
    /// The room.
    pub room: RoomName,
    /// The message.
    pub message_id: String,
}

/// `messages.edit`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesEdit {
    /// The room.
    pub room: RoomName,
    /// The message.
    pub message_id: String,
    /// What it says from now on.
    pub content: String,
}

/// `messages.react`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesReact {
    /// The room.
    pub room: RoomName,
    /// The message.
    pub message_id: String,
    /// The reaction, such as an emoji.
    pub reaction: String,
    /// Whether it is given or taken back.
    pub on: bool,
}
