//! Lobbies: who is in which, on all nodes. A lobby outlives any node: it ends when its last member has left, or has been
//! without a socket for too long.
//!
//! What must stay true: a lobby never holds more than its capacity; a user is in one lobby at most; every change is told
//! in the lobby's room, in order and numbered, in the same step that makes it; and its beginning and its end are told in
//! `pool` once each.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hallway_protocol::lobby::LobbyCursor;
use hallway_protocol::{Keep, Lobby, LobbyId, Position, UserId};

use crate::BusError;

/// How long things last, and how the rooms of lobbies keep what is said in them. All nodes should say the same.
#[derive(Debug, Clone, Copy)]
pub struct LobbyTerms {
    /// How broadcasts in a lobby's room are kept; nothing: they are not numbered either.
    pub keep: Option<Keep>,
    /// How long a node's word counts that a member has a socket there.
    pub life: Duration,
    /// How long a member stays after their last socket has left.
    pub grace: Duration,
}

/// A lobby to be made.
#[derive(Debug, Clone)]
pub struct NewLobby {
    /// Its id: random, never used before.
    pub id: LobbyId,
    /// Its name, if any.
    pub name: Option<String>,
    /// Most people in it.
    pub capacity: u32,
}

/// Someone who enters a lobby.
#[derive(Debug, Clone)]
pub struct Comer {
    /// Who.
    pub user: UserId,
    /// As others see them, if they have a name.
    pub name: Option<String>,
    /// The number of the node that holds their socket.
    pub node: u64,
}

/// What became of someone who wanted to be in a lobby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// They are in it.
    In(Lobby),
    /// They are in another.
    Elsewhere(Lobby),
    /// It has as many members as it was made for.
    Full,
    /// There is no such lobby.
    Missing,
}

/// What someone has left, or what has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The lobby.
    pub lobby: LobbyId,
    /// Whether nobody is left, so that it has ended.
    pub ended: bool,
    /// Where its room stands with the notice of it, if it is numbered.
    pub at: Option<Position>,
}

/// Someone in a lobby.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InLobby {
    /// Which.
    pub lobby: LobbyId,
    /// Who.
    pub user: UserId,
}

/// A page of lobbies, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LobbiesPage {
    /// Those that are there.
    pub lobbies: Vec<Lobby>,
    /// Behind which to go on; nothing at the end.
    pub next: Option<LobbyCursor>,
}

/// What one look at lobbies that may be due has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many were looked at; as many as asked for means that there may be more.
    pub looked_at: usize,
    /// Members who were taken out because they had no socket any more.
    pub vanished: usize,
    /// Lobbies that ended so.
    pub ended: usize,
}

/// What users do with lobbies.
///
/// A call is several steps, and each of them may be done twice: one that was interrupted between two of them
/// ([`BusError::is_uncertain`]) may be repeated, and whatever it left behind ends by itself. Dropping a future may leave it
/// between two steps likewise.
pub trait Lobbies: Send + Sync + 'static {
    /// Makes a lobby with its first member, unless they are in another.
    fn create_lobby(
        &self,
        new: NewLobby,
        comer: Comer,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Entered, BusError>>;

    /// Lets someone into a lobby; who is in it stays so.
    fn join_lobby(&self, id: LobbyId, comer: Comer, terms: LobbyTerms)
    -> BoxFuture<'static, Result<Entered, BusError>>;

    /// Takes someone out of the lobby they are in; nothing if they are in none.
    fn leave_lobby(&self, user: UserId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>>;

    /// Ends a lobby with everyone in it; nothing if there is no such.
    fn end_lobby(&self, id: LobbyId, terms: LobbyTerms) -> BoxFuture<'static, Result<Option<Left>, BusError>>;

    /// The lobby that a user is in.
    fn lobby_of(&self, user: UserId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>>;

    /// A lobby.
    fn lobby(&self, id: LobbyId) -> BoxFuture<'static, Result<Option<Lobby>, BusError>>;

    /// At most `limit` lobbies behind a place. Lobbies that are made or end meanwhile neither double nor hide others.
    fn list_lobbies(
        &self,
        after: Option<LobbyCursor>,
        limit: usize,
    ) -> BoxFuture<'static, Result<LobbiesPage, BusError>>;
}

/// How lobbies know that their members are still there.
pub trait LobbyLife: Send + Sync + 'static {
    /// Says that a node holds sockets of these members; answers those who are no members of that lobby.
    fn keep_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<Vec<InLobby>, BusError>>;

    /// Says that a node holds no socket of theirs any more: if no other does, their time of grace begins.
    fn let_go_in_lobbies(
        &self,
        some: Vec<InLobby>,
        node: u64,
        terms: LobbyTerms,
    ) -> BoxFuture<'static, Result<(), BusError>>;

    /// Looks at lobbies of which a member's time may be up, at most so many, and takes those members out. Several nodes may do
    /// it at once.
    fn sweep_lobbies(&self, limit: usize, terms: LobbyTerms) -> BoxFuture<'static, Result<Swept, BusError>>;
}
