//! The events, declared in one place: the `destination` of a broadcast is one of these, or an application's own.

use crate::catalogue::catalogue;

catalogue! {
    /// Events that Hallway's rooms carry. Those of an application pass through untouched, known or not.
    pub enum Event: &'static str {
        /// A user's record changed.
        UpdateUser = "update-user",
        /// An organization was made.
        CreateOrganization = "create-organization",
        /// An organization's record changed.
        UpdateOrganization = "update-organization",
        /// An organization is gone.
        DeleteOrganization = "delete-organization",
        /// A board was made.
        CreateBoard = "create-board",
        /// A board's record changed.
        UpdateBoard = "update-board",
        /// A board is gone.
        DeleteBoard = "delete-board",
        /// A task was made.
        CreateTask = "create-task",
        /// A task's record changed.
        UpdateTask = "update-task",
        /// A task is gone.
        DeleteTask = "delete-task",
        /// A sprint was made.
        CreateSprint = "create-sprint",
        /// A sprint's record changed.
        UpdateSprint = "update-sprint",
        /// A sprint is gone.
        DeleteSprint = "delete-sprint",
        /// A message was stored.
        NewMessage = "new-message",
        /// A message's content changed.
        MessageEdited = "message-edited",
        /// A message was taken back.
        MessageDeleted = "message-deleted",
        /// A reaction was added or taken away.
        MessageReaction = "message-reaction",
        /// Someone has read up to a message.
        MessageRead = "message-read",
        /// Something was said in a chat that the user may not have open.
        ChatActivity = "chat-activity",
        /// A user's status changed.
        PresenceUpdated = "presence-updated",
        /// Someone writes.
        TypingStarted = "typing-started",
        /// Someone stopped writing.
        TypingStopped = "typing-stopped",
        /// A user's first socket entered the room.
        UserJoined = "user-joined",
        /// A user's last socket left the room.
        UserLeft = "user-left",
        /// Who is in the room changed.
        MembersUpdated = "members-updated",
        /// A lobby was made.
        LobbyCreated = "lobby-created",
        /// A lobby changed.
        LobbyUpdated = "lobby-updated",
        /// A lobby is gone.
        LobbyDeleted = "lobby-deleted",
        /// How many connections the cluster holds.
        ConnectionCount = "connection-count",
        /// The connection's authorization is about to end: `auth.refresh` brings a newer token.
        AuthExpiring = "auth-expiring",
        /// The socket was taken out of the room.
        RoomLeft = "room.left",
        /// The gateway cannot prove that nothing is missing: fetch from the application's backend.
        RoomResync = "room.resync",
    }
}

/// Beginning of the destinations that only the gateway itself sends.
pub const RESERVED_PREFIX: &str = "room.";
