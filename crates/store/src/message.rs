//! Messages as they are stored and as clients see them.

use hallway_protocol::{RoomName, UserId};
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageKind {
    /// What someone wrote.
    Text,
    /// A picture: the content says where it is.
    Image,
    /// A file: the content says where it is.
    File,
    /// Said by the application, such as that someone came in.
    System,
}

impl MessageKind {
    /// As it stands on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
            Self::File => "FILE",
            Self::System => "SYSTEM",
        }
    }

    /// Reads it, or nothing if there is no such kind.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Text, Self::Image, Self::File, Self::System]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A stored message. All times in Unix milliseconds, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id; rises within the room.
    pub id: MessageId,
    /// Where it was said.
    pub room: RoomName,
    /// Who said it.
    pub from_user_id: UserId,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    /// What was said; empty once deleted.
    pub content: String,
    /// The message of the same room that it answers. That one may be deleted by now.
    pub reply_to_id: Option<MessageId>,
    /// What its sender's client calls it.
    pub client_message_id: Option<String>,
    /// When it was stored.
    pub created_at: i64,
    /// When its content was last changed.
    pub edited_at: Option<i64>,
    /// When it was deleted; then it is only its own tombstone.
    pub deleted_at: Option<i64>,
    /// What people think of it, the oldest first.
    pub reactions: Vec<Reaction>,
    /// Its last change: the id itself at first, and rising within the room with every change of any message. Of two
    /// texts of one message, that with the greater revision is the newer.
    pub revision: MessageId,
}

/// One reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The text, such as an emoji.
    pub reaction: String,
    /// How many gave it.
    pub count: i64,
    /// Who did, the first ones first, at most [`REACTION_USERS`].
    pub users: Vec<UserId>,
}

/// How many users are named with a reaction.
pub const REACTION_USERS: i64 = 50;

/// How many different reactions a message can have.
pub const REACTIONS_MAX: i64 = 20;

/// Longest reaction in bytes: an emoji can have many code points.
pub const REACTION_LEN: usize = 64;

/// A message that is to be stored. The caller limits the content's length and says who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where.
    pub room: RoomName,
    /// Who.
    pub from_user: UserId,
    /// What it is.
    pub kind: MessageKind,
    /// What is said.
    pub content: String,
    /// A message of the same room that it answers.
    pub reply_to: Option<MessageId>,
    /// What the client calls it: a repeat with the same name is the same message.
    pub client_message_id: Option<String>,
}

/// A message after a change, or after none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// As it is now.
    pub message: Message,
    /// The change, if this call made one: broadcast it and say [`crate::Outbox::mark_sent`]. Nothing after a repeat.
    pub change: Option<ChangeId>,
}

/// A change that is to be broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangeId {
    /// The message's room.
    pub room: RoomName,
    /// The message's [`Message::revision`] after the change.
    pub revision: MessageId,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The message is new.
    Created,
    /// It has another content.
    Edited,
    /// It was deleted.
    Deleted,
    /// Someone gave a reaction, or took it back.
    Reacted(Reacted),
}

/// Someone's reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// Who.
    pub user: UserId,
    /// What: 1 to [`REACTION_LEN`] bytes.
    pub reaction: String,
    /// Given, or taken back.
    pub on: bool,
}

/// A change that was stored and that nobody said was broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Which change; for [`crate::Outbox::mark_sent`].
    pub id: ChangeId,
    /// What was changed.
    pub change: Change,
    /// The message as it is now, with later changes too.
    pub message: Message,
    /// How often it was handed out, this time included.
    pub attempts: i64,
}

/// Which messages of a room. Each gives them in their order, the oldest (or longest unchanged) first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The newest.
    Newest,
    /// Those right before a message. [`Page::next`] goes on towards older ones.
    Before(MessageId),
    /// Those right after a message. [`Page::next`] goes on towards newer ones.
    After(MessageId),
    /// Those that were stored or changed at a time (Unix milliseconds, by the database's clock) or later, each as it
    /// is now, in the order of their last change: what someone missed, edits and deletions included. A time that was
    /// read from another clock needs a margin; what comes twice has the same id.
    Since(i64),
    /// The same from a change on, which is not included.
    ChangedAfter(MessageId),
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What is in it.
    pub items: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<C>,
}

/// Most items of a page; a greater limit means this one.
pub const PAGE_MAX: usize = 500;

/// How far someone has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadPosition {
    /// Who.
    pub user_id: UserId,
    /// The last message they have read.
    pub message_id: MessageId,
    /// When they said so, in Unix milliseconds.
    pub read_at: i64,
}

/// What became of a read position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Where it is now.
    pub position: ReadPosition,
    /// Whether this call moved it; it only moves forward.
    pub moved: bool,
}
