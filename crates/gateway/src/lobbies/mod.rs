//! Lobbies on this node: what users do with them, and that the bus knows whose sockets are there.
//!
//! What must stay true: only members are in a lobby's room; a member whose last socket has left here is let go of; and who
//! is a member no more, by whichever node's doing, leaves the room.

mod enter;
pub mod keeper;
mod over;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hallway_bus::{BusError, Comer, Entered, InLobby, Left, Lobbies as Log, LobbyLife, LobbyTerms, NewLobby};
use hallway_hub::{Hub, Socket};
use hallway_protocol::lobby::{self, LobbyCursor, LobbyPage};
use hallway_protocol::{Error, ErrorCode, Kinds, Lobby, LobbyId, RoomName, UserId};
use hallway_store::Role;
use tokio::sync::mpsc;

use crate::authority::{Source, Standing};
use crate::config;
use crate::endpoints::Caller;
use crate::metrics::Metrics;
pub(crate) use enter::enter;
pub(crate) use over::{left, put_out};

/// Members that wait to be let go of; for one that does not fit, time runs out by itself.
const LEAVING: usize = 16 * 1024;
/// Longest wait for the bus: some calls are several questions.
const PATIENCE: Duration = Duration::from_secs(10);
/// A page, where no limit was said.
const PAGE: usize = 10;

/// The two seams of a bus that know of lobbies.
#[derive(Clone)]
pub struct Seams {
    /// What users do.
    pub log: Arc<dyn Log>,
    /// Who is still there.
    pub life: Arc<dyn LobbyLife>,
}

/// This node's end of all lobbies.
pub struct Lobbies {
    seams: Seams,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    /// This node's number among the holders of members.
    node: u64,
    terms: LobbyTerms,
    capacity: u32,
    capacity_max: u32,
    leaving: mpsc::Sender<InLobby>,
    left: tokio::sync::Mutex<mpsc::Receiver<InLobby>>,
}

async fn patiently<T>(work: impl Future<Output = Result<T, BusError>>) -> Result<T, Error> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or(Err(BusError::Timeout)).map_err(crate::error::from_bus)
}

fn missing() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such lobby")
}

fn conflict(why: &str, lobby: Option<Lobby>) -> Error {
    Error {
        lobby: lobby.map(Box::new),
        ..Error::new(ErrorCode::Conflict, why)
    }
}

/// Who asks, where that must be someone.
fn user_of(caller: &Caller) -> Result<&UserId, Error> {
    let nobody = || Error::new(ErrorCode::Unauthenticated, "lobbies need someone who is signed in");
    caller.identity.user.as_ref().ok_or_else(nobody)
}

impl Lobbies {
    /// On a node with this number.
    pub fn new(
        seams: Seams,
        hub: Arc<Hub>,
        metrics: Arc<Metrics>,
        node: u64,
        kinds: &Kinds,
        config: &config::Lobbies,
    ) -> Self {
        let (leaving, left) = mpsc::channel(LEAVING);
        Self {
            seams,
            hub,
            metrics,
            node,
            terms: LobbyTerms {
                keep: kinds.get("lobby").and_then(|kind| kind.keep),
                life: config.life,
                grace: config.grace,
            },
            capacity: config.capacity.min(config.capacity_max),
            capacity_max: config.capacity_max,
            leaving,
            left: tokio::sync::Mutex::new(left),
        }
    }

    fn comer(&self, caller: &Caller) -> Result<Comer, Error> {
        let name = caller.identity.name.as_deref();
        Ok(Comer {
            user: user_of(caller)?.clone(),
            name: name.map(|name| name.chars().take(lobby::NAME_CHARS).collect()),
            node: self.node,
        })
    }

    /// Makes a lobby with the caller as its first member.
    ///
    /// # Errors
    /// `bad-args`; `conflict` with the lobby that they are in; `unavailable`.
    pub async fn create(&self, caller: &Caller, args: lobby::LobbyCreate) -> Result<Lobby, Error> {
        let comer = self.comer(caller)?;
        lobby::check_name(args.name.as_deref())?;
        let capacity = args.capacity.unwrap_or(self.capacity);
        lobby::check_capacity(capacity)?;
        if capacity > self.capacity_max {
            let why = format!("capacity is at most {} here", self.capacity_max);
            return Err(Error::bad_args("capacity", why));
        }
        let new = NewLobby {
            id: LobbyId::from_bits(rand::random()),
            name: args.name,
            capacity,
        };
        let entered = patiently(self.seams.log.create_lobby(new, comer, self.terms)).await?;
        let lobby = entered_in(entered)?;
        self.metrics.lobbies.made.inc();
        Ok(lobby)
    }

    /// Makes the caller a member of a lobby.
    ///
    /// # Errors
    /// `not-found`; `conflict`: it is full, or, with the lobby, they are in another; `unavailable`.
    pub async fn join(&self, caller: &Caller, id: LobbyId) -> Result<Lobby, Error> {
        let comer = self.comer(caller)?;
        let entered = patiently(self.seams.log.join_lobby(id, comer, self.terms)).await?;
        entered_in(entered)
    }

    /// Takes a user out of the lobby that they are in.
    ///
    /// # Errors
    /// `not-found`: they are in none; `unavailable`.
    pub async fn leave(&self, user: &UserId) -> Result<Left, Error> {
        let left = patiently(self.seams.log.leave_lobby(user.clone(), self.terms)).await?;
        left.ok_or_else(|| Error::new(ErrorCode::NotFound, "you are in no lobby"))
    }

    /// Ends a lobby.
    ///
    /// # Errors
    /// `not-found`; `unavailable`.
    pub async fn end(&self, id: LobbyId) -> Result<Left, Error> {
        let left = patiently(self.seams.log.end_lobby(id, self.terms)).await?;
        left.ok_or_else(missing)
    }

    /// A lobby.
    ///
    /// # Errors
    /// `not-found`; `unavailable`.
    pub async fn get(&self, id: LobbyId) -> Result<Lobby, Error> {
        patiently(self.seams.log.lobby(id)).await?.ok_or_else(missing)
    }

    /// The lobby that a caller is in.
    ///
    /// # Errors
    /// `not-found`: in none; `unavailable`.
    pub async fn own(&self, caller: &Caller) -> Result<Lobby, Error> {
        let user = user_of(caller)?.clone();
        let lobby = patiently(self.seams.log.lobby_of(user)).await?;
        lobby.ok_or_else(|| Error::new(ErrorCode::NotFound, "you are in no lobby"))
    }

    /// A page of all lobbies, newest first.
    ///
    /// # Errors
    /// `bad-args`; `unavailable`.
    pub async fn list(&self, after: Option<LobbyCursor>, limit: Option<usize>) -> Result<LobbyPage, Error> {
        let limit = limit.unwrap_or(PAGE);
        if !(1..=lobby::PAGE).contains(&limit) {
            return Err(Error::bad_args("limit", "limit is 1 to 100"));
        }
        let page = patiently(self.seams.log.list_lobbies(after, limit)).await?;
        Ok(LobbyPage {
            lobbies: page.lobbies.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        })
    }

    /// Says that this node holds a socket of a member, at once: who came back in their time of grace must not be taken out
    /// before the next round. False if they are not in that lobby.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn came_back(&self, room: &RoomName, user: &UserId) -> Result<bool, Error> {
        let Some(lobby) = LobbyId::of_room(room) else {
            return Ok(true);
        };
        let user = user.clone();
        let some = vec![InLobby { lobby, user }];
        let others = patiently(self.seams.life.keep_in_lobbies(some, self.node, self.terms)).await?;
        Ok(others.is_empty())
    }

    /// A socket has left a room, or never came into it: if it was the last of a member here, they are let go of, soon.
    pub fn left_room(&self, room: &RoomName, socket: &Socket) {
        let (Some(lobby), Some(user)) = (LobbyId::of_room(room), socket.user()) else {
            return;
        };
        if self.holds(room, user) {
            return;
        }
        let user = user.clone();
        if self.leaving.try_send(InLobby { lobby, user }).is_err() {
            self.metrics.lobbies.dropped.inc();
        }
    }

    /// Whether a socket of a user is in a room here.
    fn holds(&self, room: &RoomName, user: &UserId) -> bool {
        let Some(line) = self.hub.line(room) else { return false };
        let sockets = self.hub.sockets_of(user);
        sockets.iter().any(|socket| line.room.contains(socket))
    }
}

fn entered_in(entered: Entered) -> Result<Lobby, Error> {
    match entered {
        Entered::In(lobby) => Ok(lobby),
        Entered::Elsewhere(lobby) => Err(conflict("you are in a lobby", Some(lobby))),
        Entered::Full => Err(conflict("the lobby is full", None)),
        Entered::Missing => Err(missing()),
    }
}

/// Who is a member of a lobby, for those who want to join its room.
pub struct Members(pub Arc<dyn Log>);

impl Source for Members {
    fn standing(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Standing, Error>> {
        let lobby = LobbyId::of_room(&room).map(|id| self.0.lobby(id));
        async move {
            let Some(lobby) = lobby else {
                return Ok(Standing::default());
            };
            let lobby = patiently(lobby).await?;
            let is_member = lobby.is_some_and(|lobby| lobby.has(&user));
            Ok(Standing {
                role: is_member.then_some(Role::Member),
                muted_until: None,
            })
        }
        .boxed()
    }
}
