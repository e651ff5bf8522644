//! The table of endpoints, and the arguments and answers of each.
//!
//! To add one: a row here, its words below, and its deed in the gateway's `endpoints/`, where the compiler
//! asks for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Epoch, Error, Position, RoomName, Status, UserId, limits};

mod members;
mod messages;

pub use members::{MembersList, MembersMute, MembersSetRole, OfMember};
pub use messages::{MessagesEdit, MessagesList, MessagesReact, MessagesSend, OfMessage};

macro_rules! endpoints {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal $([$alias:literal])?,)+) => {
        /// What a client can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[doc = $doc])+ $variant,)+ }

        impl Endpoint {
            /// Every row, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Another name that is accepted for it.
            #[must_use]
            pub const fn alias(self) -> Option<&'static str> {
                match self { $(Self::$variant => endpoints!(@alias $($alias)?),)+ }
            }

            /// What it does, for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start(),)+ }
            }

            /// Reads a name or an alias.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name $(| $alias)? => Some(Self::$variant),)+ _ => None }
            }
        }
    };
    (@alias $alias:literal) => { Some($alias) };
    (@alias) => { None };
}

endpoints! {
    /// Asks for the server's time and shows that both sides live.
    Ping = "ping",
    /// Brings a token as the first frame of a connection that was opened without one.
    AuthConnect = "auth.connect",
    /// Comes back with the ticket of an earlier connection as the first frame, and with the rooms it was in.
    AuthResume = "auth.resume",
    /// Brings a newer token for the same user.
    AuthRefresh = "auth.refresh",
    /// Says what the client is and whether its user looks at it.
    ClientUpdate = "client.update" ["updateClient"],
    /// Enters a room.
    RoomsJoin = "rooms.join" ["addToRoom"],
    /// Leaves a room.
    RoomsLeave = "rooms.leave" ["removeFromRoom"],
    /// Asks where a room's numbering stands.
    RoomsState = "rooms.state" ["getRoomState"],
    /// Asks who is in a room.
    RoomsInfo = "rooms.info",
    /// Publishes to a room.
    RoomsBroadcast = "rooms.broadcast",
    /// Reads a room's kept broadcasts.
    RoomsHistory = "rooms.history",
    /// Stores a message and tells the room.
    MessagesSend = "messages.send",
    /// Reads a room's messages, a page at a time.
    MessagesList = "messages.list",
    /// Gives a message another content.
    MessagesEdit = "messages.edit",
    /// Takes a message back.
    MessagesDelete = "messages.delete",
    /// Gives a reaction to a message, or takes it back.
    MessagesReact = "messages.react",
    /// Says how far the user has read.
    MessagesRead = "messages.read",
    /// Reads who belongs to a room, a page at a time.
    MembersList = "members.list",
    /// Ends a membership.
    MembersKick = "members.kick",
    /// Bids a member be silent.
    MembersMute = "members.mute",
    /// Lets a member speak again.
    MembersUnmute = "members.unmute",
    /// Ends a membership, if there is one, and lets none begin.
    MembersBan = "members.ban",
    /// Lets a membership begin again.
    MembersUnban = "members.unban",
    /// Gives a member another role.
    MembersSetRole = "members.setRole",
    /// Says that the user writes something in a room.
    TypingStart = "typing.start",
    /// Says that the user does not any more.
    TypingStop = "typing.stop",
    /// Makes a lobby and enters it.
    LobbyCreate = "lobby.create",
    /// Enters a lobby.
    LobbyJoin = "lobby.join",
    /// Leaves the lobby that the user is in.
    LobbyLeave = "lobby.leave",
    /// Asks for a lobby, or for the one that the user is in.
    LobbyGet = "lobby.get",
    /// Reads the list of lobbies, newest first.
    LobbyList = "lobby.list",
    /// Asks how many connections the cluster holds.
    StatsGet = "stats.get",
    /// Chooses the user's status, for all their sockets.
    PresenceUpdate = "presence.update",
    /// Asks how users stand.
    PresenceGet = "presence.get",
}

/// Arguments of an endpoint that names one room and nothing else.
#[derive(Debug, Deserialize)]
pub struct InRoom {
    /// The room; `roomName` is another name for it.
    #[serde(alias = "roomName")]
    pub room: RoomName,
}

/// `auth.connect`.
#[derive(Debug, Deserialize)]
pub struct AuthConnect {
    /// The token.
    pub token: String,
}

/// `auth.resume`.
#[derive(Debug, Deserialize)]
pub struct AuthResume {
    /// The ticket that a hello or a `ping` brought.
    pub ticket: String,
    /// The rooms to be in again, each with the last broadcast of it that the client has. Names are read one by one,
    /// so that a wrong one costs its own room only.
    #[serde(default)]
    pub rooms: BTreeMap<String, Option<Position>>,
}

/// `auth.refresh`.
#[derive(Debug, Deserialize)]
pub struct AuthRefresh {
    /// The newer token.
    pub token: String,
}

/// The answer to `auth.refresh`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    /// When the connection's authorization ends now, in Unix milliseconds.
    pub expires_at: Option<u64>,
    /// A resume ticket that is good for as long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_ticket: Option<String>,
}

/// `ping`.
#[derive(Debug, Deserialize)]
pub struct Ping {
    /// Whether the reply is to bring a new resume ticket.
    #[serde(default)]
    pub ticket: bool,
}

/// `client.update`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientUpdate {
    /// Whether the user looks at it.
    #[serde(default)]
    pub is_active: Option<bool>,
    /// What the client is, in its own words.
    #[serde(default)]
    pub device: Option<String>,
}

/// `rooms.join`.
#[derive(Debug, Deserialize)]
pub struct RoomsJoin {
    /// The room; `roomName` is another name for it.
    #[serde(alias = "roomName")]
    pub room: RoomName,
    /// The last broadcast of it that the client has.
    #[serde(default)]
    pub resume: Option<Position>,
    /// Asks for the rooms that it includes too, by name, each with the last broadcast that the client has, if any.
    #[serde(default)]
    pub includes: Option<BTreeMap<RoomName, Option<Position>>>,
}

/// `rooms.info`.
#[derive(Debug, Deserialize)]
pub struct RoomsInfo {
    /// The room.
    pub room: RoomName,
    /// Only users after this one, by name.
    #[serde(default)]
    pub after: Option<UserId>,
    /// At most so many users, 1 to [`limits::ROSTER_PAGE`].
    #[serde(default)]
    pub limit: Option<usize>,
}

/// `presence.update`.
#[derive(Debug, Deserialize)]
pub struct PresenceUpdate {
    /// What is to be shown; [`Status::Offline`] is to be there unseen.
    pub status: Status,
}

/// `presence.get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceGet {
    /// Whom it is about; at most [`limits::PRESENCE_USERS`].
    pub user_ids: Vec<UserId>,
}

/// How a user stands, as `presence.get` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPresence {
    /// The user.
    pub user_id: UserId,
    /// What they show.
    pub status: Status,
    /// When they were last there, in Unix milliseconds; nothing for who is there, or never was as far as is known.
    pub last_seen_at: Option<u64>,
    /// What they are connected with; nothing for who shows `OFFLINE`.
    pub devices: Vec<Device>,
}

/// Something a user is connected with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// What it says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Whether the user looks at it.
    pub is_active: bool,
    /// Since when, in Unix milliseconds.
    pub connected_at: u64,
}

/// `rooms.broadcast`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomsBroadcast {
    /// The room.
    pub room: RoomName,
    /// The event's name.
    pub destination: String,
    /// What is said, untouched.
    pub data: Box<RawValue>,
    /// Whether the publishing socket hears it too (by default it has the reply instead).
    #[serde(default)]
    pub include_self: bool,
}

/// `rooms.history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomsHistory {
    /// The room.
    pub room: RoomName,
    /// Only what came after this number.
    #[serde(default)]
    pub after_seq: Option<u64>,
    /// At most this many, 1 to [`limits::HISTORY_PAGE`].
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Where a room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Redis's time of the last broadcast, in Unix milliseconds.
    pub last_broadcast_timestamp: u64,
    /// Number of the last broadcast.
    pub seq: u64,
    /// The life of the numbering.
    pub epoch: Epoch,
}

impl State {
    /// The place that it is.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            seq: self.seq,
        }
    }
}

/// One user of a room, as `rooms.info` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomUser {
    /// The user.
    pub user_id: UserId,
    /// What they show.
    pub status: Status,
    /// How many sockets of this user are in the room.
    pub sockets: u64,
}

/// Arguments of an endpoint that needs none.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// What `stats.get` answers, and `connection-count` tells in `public-stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCount {
    /// Connections of all nodes, as those last said: some seconds old.
    pub connections: u64,
    /// Nodes that are alive.
    pub nodes: usize,
}

/// Checks a destination that a client or a backend chose.
///
/// # Errors
/// `bad-args` names the field.
pub fn check_destination(destination: &str) -> Result<(), Error> {
    if destination.is_empty() || destination.len() > limits::DESTINATION_LEN {
        return Err(Error::bad_args("destination", "destination has 1 to 200 bytes"));
    }
    if destination.starts_with(crate::event::RESERVED_PREFIX) {
        return Err(Error::bad_args(
            "destination",
            "destinations that begin with room. are the gateway's own",
        ));
    }
    Ok(())
}
