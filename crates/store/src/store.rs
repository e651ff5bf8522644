//! The seam between a node and its database.
//!
//! Nothing begins before a future is first polled. All futures own what they need and may be dropped at any time; then what
//! they asked for may be done or not, and never half. None waits longer than the time of a call. A text with a NUL character is refused as [`StoreError::Invalid`] by every call.

use futures_util::future::BoxFuture;
use hallway_protocol::{RoomName, UserId};
use tokio::sync::watch;

use crate::{
    ChangeId, Membership, Message, MessageId, NewMessage, Page, Range, Reacted, Read, ReadPosition, Role, Stats,
    StoreError, Stored, Unsent, User, Who,
};

/// What a call answers.
pub type Answer<T> = BoxFuture<'static, Result<T, StoreError>>;

/// All that is kept.
pub trait Store: People + Members + Messages + Reads + Outbox {
    /// Whether the database was there when last seen. The channel always holds the present state.
    fn health(&self) -> watch::Receiver<bool>;

    /// Counts since the start.
    fn stats(&self) -> &Stats;

    /// Ends it: waits for calls that are under way, and answers later ones with [`StoreError::Unavailable`]. Repeating it
    /// is harmless.
    fn close(&self) -> BoxFuture<'static, ()>;
}

/// Who there is.
pub trait People: Send + Sync + 'static {
    /// Stores a user, or another name of theirs.
    fn put_user(&self, user: UserId, name: Option<String>) -> Answer<()>;

    /// What is known of a user.
    fn user(&self, user: UserId) -> Answer<Option<User>>;

    /// Stores that a user has a status since a time (Unix milliseconds); whether it was taken. What is older than the
    /// stored is not: two nodes may tell it in either order.
    fn set_status(&self, user: UserId, status: String, at: i64) -> Answer<bool>;
}

/// Who belongs where.
pub trait Members: Send + Sync + 'static {
    /// What ties a user to a room; nothing if nothing does. Only with a [`Membership::role`] they are a member.
    fn membership(&self, room: RoomName, user: UserId) -> Answer<Option<Membership>>;

    /// A user's role in a room; nothing if they are not a member.
    fn role_in(&self, user: UserId, room: RoomName) -> Answer<Option<Role>>;

    /// At most `limit` of a room's people, by id, after one.
    fn members(
        &self,
        room: RoomName,
        who: Who,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<Page<Membership, UserId>>;

    /// At most `limit` of the rooms that a user is a member of, by name, after one.
    fn rooms_of(&self, user: UserId, after: Option<RoomName>, limit: usize) -> Answer<Page<Membership, RoomName>>;

    /// Makes a user a member, or gives a member another role. A mute stays. [`StoreError::Conflict`] if they are banned.
    fn put_member(&self, room: RoomName, user: UserId, role: Role) -> Answer<Membership>;

    /// Ends a membership; whether there was one. A mute that still lasts is remembered, so that leaving ends none.
    fn remove_member(&self, room: RoomName, user: UserId) -> Answer<bool>;

    /// Mutes a member until a time (Unix milliseconds), or ends that; nothing if they are no member.
    fn mute(&self, room: RoomName, user: UserId, until: Option<i64>) -> Answer<Option<Membership>>;

    /// Bans a user, which ends their membership; or lifts that, which does not restore it. Whether anything changed.
    fn ban(&self, room: RoomName, user: UserId, banned: bool) -> Answer<bool>;
}

/// What was said. Changes of one room's messages happen one after another, whichever node makes them: a list that was read
/// up to a place has everything up to there. Who may do what is the caller's to say.
pub trait Messages: Send + Sync + 'static {
    /// Stores a message. One that this sender already stored in this room under the same client's id comes back as it is.
    /// [`StoreError::NotFound`] if the message that it answers is not in the room.
    fn insert_message(&self, message: NewMessage) -> Answer<Stored>;

    /// One message, deleted or not.
    fn message(&self, room: RoomName, id: MessageId) -> Answer<Option<Message>>;

    /// At most `limit` messages of a room, deleted ones as their tombstones.
    fn list_messages(&self, room: RoomName, range: Range, limit: usize) -> Answer<Page<Message, MessageId>>;

    /// Gives a message another content; nothing if it is not there or deleted. The same content is no change.
    fn edit_message(&self, room: RoomName, id: MessageId, content: String) -> Answer<Option<Stored>>;

    /// Deletes a message: its content and reactions go, its place stays. Nothing if it is not there; deleting again is
    /// no change.
    fn delete_message(&self, room: RoomName, id: MessageId) -> Answer<Option<Stored>>;

    /// Gives a reaction or takes it back; nothing if the message is not there or deleted. What already is so is no change.
    /// [`StoreError::Conflict`] if it would be one different reaction too many.
    fn react(&self, room: RoomName, id: MessageId, reacted: Reacted) -> Answer<Option<Stored>>;
}

/// How far people have read.
pub trait Reads: Send + Sync + 'static {
    /// Moves a user's position to a message, if that is forward; nothing if the message is not in the room.
    fn mark_read(&self, room: RoomName, user: UserId, message: MessageId) -> Answer<Option<Read>>;

    /// At most `limit` positions in a room, by user, after one.
    fn read_positions(&self, room: RoomName, after: Option<UserId>, limit: usize)
    -> Answer<Page<ReadPosition, UserId>>;
}

/// What was changed and must be broadcast. A change and its place here are stored in one step; it is handed out to one node at
/// a time, again and again, until someone says that it was sent.
pub trait Outbox: Send + Sync + 'static {
    /// At most `limit` changes that were not sent in time, the oldest first. They belong to the caller for the time of the
    /// lease. What was broadcast by a node that died before it could say so comes again: clients drop it by its id.
    fn unsent(&self, limit: usize) -> Answer<Vec<Unsent>>;

    /// Gives changes back before their lease is over, so that any node takes them up at once.
    fn give_back(&self, changes: Vec<ChangeId>) -> Answer<()>;

    /// Ends changes. Repeating it is harmless.
    fn mark_sent(&self, changes: Vec<ChangeId>) -> Answer<()>;
}
