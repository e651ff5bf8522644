//! Who is there: users over all their sockets, and rooms with the users in them, on all nodes.
//!
//! Every socket is known for a while and must be kept known, so that a node that dies takes nobody's place for longer
//! than that. What changes with time alone (a grace that is over, a socket of a node that died) is on an agenda that all
//! nodes look through with [`Presence::sweep`]; each thing on it is in the hands of one of them at a time.
//!
//! What must stay true: a change of a user's status, and a user's coming into a room or leaving it, is decided in one
//! step on what all nodes share, so that it is seen once; what a room is told of it is published in the same step.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hallway_protocol::{ClientId, Keep, RoomName, Status, UserId};

use crate::BusError;

/// Times that all nodes should agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a socket is known after it came or was kept.
    pub life: Duration,
    /// How long a user without sockets is there, and in a room without sockets in it.
    pub grace: Duration,
    /// How long it is remembered what a user without sockets chose, and when they were there.
    pub remember: Duration,
}

/// What one socket, or one user, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A socket is here, or something about it is new.
    Here {
        /// Which.
        client: ClientId,
        /// What is known of it, in the caller's words.
        about: String,
    },
    /// The same of one that was to be kept and was not known. Where all that was known of its user is lost, it is no
    /// change that they are here.
    Back {
        /// Which.
        client: ClientId,
        /// As above.
        about: String,
    },
    /// A socket is still here.
    Keep(ClientId),
    /// A socket left.
    Left(ClientId),
    /// The user chose a status; [`Status::Offline`] is not to be seen.
    Chose(Status),
}

/// What a user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDeed {
    /// Who.
    pub user: UserId,
    /// What.
    pub deed: Deed,
}

/// How a user stands to everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether they have sockets, or had some less than a grace ago.
    pub is_here: bool,
    /// What they show.
    pub status: Status,
}

/// A user stands otherwise than before. Told to one caller only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who.
    pub user: UserId,
    /// Before.
    pub before: Standing,
    /// Now.
    pub now: Standing,
    /// When, by the bus's clock in Unix milliseconds.
    pub at: u64,
    /// When a socket of theirs was last there; for who is here, `at`.
    pub seen_at: u64,
}

/// What came of deeds.
#[derive(Debug, Default)]
pub struct Noted {
    /// Who stands otherwise.
    pub changes: Vec<Change>,
    /// Sockets that were to be kept and are not known (any more): they are to be told with [`Deed::Back`].
    pub unknown: Vec<(UserId, ClientId)>,
    /// Why some were not noted. All may be told again: repeating them is harmless.
    pub failed: Option<BusError>,
}

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// How they stand.
    pub standing: Standing,
    /// When a socket of theirs was last there, in Unix milliseconds; nothing if that is not remembered.
    pub seen_at: Option<u64>,
    /// Their sockets, with what is known of each.
    pub sockets: Vec<(ClientId, String)>,
}

/// What a socket does in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It enters.
    Enter,
    /// It is still in it.
    Keep,
    /// It leaves.
    Leave,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomStep {
    /// Which.
    pub step: Step,
    /// Whose; nobody's for the anonymous, who are counted and not shown.
    pub user: Option<UserId>,
    /// The socket.
    pub client: ClientId,
}

/// How a room tells of its people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomTerms {
    /// How its broadcasts are kept, and whether they are numbered.
    pub keep: Option<Keep>,
    /// Above how many users their coming and going is told merged.
    pub merge_above: u32,
    /// How often then.
    pub merge_interval: Duration,
}

/// Steps in one room, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSteps {
    /// Where.
    pub room: RoomName,
    /// How it tells.
    pub terms: RoomTerms,
    /// What.
    pub steps: Vec<RoomStep>,
}

/// A room has its first user, or lost its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange {
    /// Which.
    pub room: RoomName,
    /// Whether it has users now.
    pub is_occupied: bool,
}

/// What came of steps.
#[derive(Debug, Default)]
pub struct Stepped {
    /// Rooms that are in use now, or not any more.
    pub changes: Vec<RoomChange>,
    /// Notices that could not be published.
    pub untold: u64,
    /// Why some were not noted. All may be told again: repeating them is harmless.
    pub failed: Option<BusError>,
}

/// Who is in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// A page of its users by name, each with the number of their sockets.
    pub users: Vec<(UserId, u64)>,
    /// Whether there are more behind them.
    pub has_more: bool,
    /// How many users are in it.
    pub user_count: u64,
    /// How many sockets, those of the anonymous too.
    pub socket_count: u64,
}

/// What came of a look at what was due.
#[derive(Debug, Default)]
pub struct Swept {
    /// Of users.
    pub people: Noted,
    /// Of rooms.
    pub rooms: Stepped,
    /// Whether there may be more.
    pub has_more: bool,
}

/// Says how a room tells of its people; nothing for one that shows none.
pub type TermsOf = Arc<dyn Fn(&RoomName) -> Option<RoomTerms> + Send + Sync>;

/// The memory of who is there.
///
/// None of its futures waits longer than some of the bus's command timeouts, and dropping one stops the waiting, never
/// the work.
pub trait Presence: Send + Sync + 'static {
    /// Notes what users do, in order.
    fn note_users(&self, terms: Terms, deeds: Vec<UserDeed>) -> BoxFuture<'static, Noted>;

    /// What is known of users, in the order asked.
    fn people(&self, users: Vec<UserId>) -> BoxFuture<'static, Result<Vec<Person>, BusError>>;

    /// Notes what sockets do in rooms, and tells the rooms: `user-joined` and `user-left` with `{userId, userCount}`, or, in
    /// rooms above the size that merges, `members-updated` with `{userCount, joined, left, more}`.
    fn note_rooms(&self, terms: Terms, rooms: Vec<RoomSteps>) -> BoxFuture<'static, Stepped>;

    /// At most `limit` users of a room by name, after one.
    fn roster(
        &self,
        room: RoomName,
        after: Option<UserId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Roster, BusError>>;

    /// Looks at some of what is due: users and rooms with whom time alone has changed something.
    fn sweep(&self, terms: Terms, terms_of: TermsOf) -> BoxFuture<'static, Result<Swept, BusError>>;
}
