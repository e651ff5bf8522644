//! Who may be in a room, where the name and the token do not say it: the database or the operator's backend is asked
//! ([`JoinRule::Members`], [`JoinRule::Webhook`]).
//!
//! What must stay true: an answer that is not known is a refusal; an answer from before a change that the backend told us
//! of is never used after it; and who is in a room on an answer is asked about again while they stay ([`review`]).

mod build;
mod decisions;
mod members;
mod muted;
pub mod review;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hallway_auth::Identity;
use hallway_hub::Socket;
use hallway_protocol::kind::{JoinRule, Room};
use hallway_protocol::{Error, ErrorCode, RoomName, UserId};
use hallway_store::Role;

use crate::endpoints::Caller;
use crate::policy::{self, Verdict};
pub use build::build;
pub(crate) use build::webhook_at;
pub use decisions::{Decision, Decisions, Stamp};
pub use members::Members;
pub use webhook::MembershipHook;

/// Who answers. Futures may be dropped at any time, and end within the source's own time.
pub trait Source: Send + Sync + 'static {
    /// How a user stands in a room.
    fn standing(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Standing, Error>>;
}

/// How a user stands in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Their role; nothing if they are not a member.
    pub role: Option<Role>,
    /// Until when they may say nothing, in Unix milliseconds.
    pub muted_until: Option<i64>,
}

/// Everyone who may be asked, and what they said lately.
pub struct Authority {
    members: Arc<dyn Source>,
    lobbies: Arc<dyn Source>,
    webhook: Option<Arc<dyn Source>>,
    decisions: Decisions,
    keeps_members: bool,
}

/// That someone may be in a room, as known at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Permit(Option<Stamp>);

impl Authority {
    /// Answers are good for `fresh`; those about lobbies are not kept.
    pub fn new(members: Members, lobbies: Arc<dyn Source>, webhook: Option<MembershipHook>, fresh: Duration) -> Self {
        Self {
            keeps_members: matches!(members, Members::Own(_)),
            members: Arc::new(members),
            lobbies,
            webhook: webhook.map(|webhook| Arc::new(webhook) as Arc<dyn Source>),
            decisions: Decisions::new(fresh),
        }
    }

    /// Whether memberships stand in the gateway's own table.
    #[must_use]
    pub fn keeps_members(&self) -> bool {
        self.keeps_members
    }

    /// Whether a caller may join a room.
    ///
    /// # Errors
    /// `forbidden`, or `unauthenticated` where signing in might help; `unavailable` if whoever is to be asked is away.
    pub async fn may_join(&self, room: &Room<'_>, name: &RoomName, caller: &Caller) -> Result<Permit, Error> {
        match policy::verdict(room, name, &caller.identity, caller.socket.id())? {
            Verdict::Granted => Ok(Permit(None)),
            Verdict::Ask(user) => {
                let decision = self.decide(room.kind.join, user, &room.home).await?;
                match decision.role {
                    Some(_) => Ok(Permit(Some(decision.stamp))),
                    None if room.kind.join == JoinRule::Lobby => {
                        let why = format!("{name} is a lobby's room: lobby.join brings its members in");
                        Err(Error::new(ErrorCode::Forbidden, why))
                    }
                    None => Err(policy::refused(name)),
                }
            }
        }
    }

    /// The same for who wants to know something of a room and not to enter it: whoever is in it may.
    ///
    /// # Errors
    /// As for [`Authority::may_join`].
    pub async fn may_look(&self, room: &Room<'_>, name: &RoomName, caller: &Caller) -> Result<(), Error> {
        if is_in(&caller.socket, &room.home) {
            return Ok(());
        }
        self.may_join(room, name, caller).await.map(drop)
    }

    /// Whether a permit still holds: nothing was changed since it was given. To be asked once the socket is in the room:
    /// a change that comes later finds it there.
    #[must_use]
    pub fn holds(&self, permit: Permit, identity: &Identity, room: &RoomName) -> bool {
        match (permit.0, &identity.user) {
            (Some(stamp), Some(user)) => self.decisions.holds(user, room, stamp),
            _ => true,
        }
    }

    /// A user's role in a room; nothing if they are not a member, or the room has none.
    ///
    /// # Errors
    /// `unavailable`: whoever is to be asked is away.
    pub async fn role_in(&self, room: &Room<'_>, user: &UserId) -> Result<Option<Role>, Error> {
        match room.kind.join {
            rule @ (JoinRule::Members | JoinRule::Webhook) => Ok(self.decide(rule, user, &room.home).await?.role),
            _ => Ok(None),
        }
    }

    /// Whether a user may say something in a room that they are in, as far as this node knows: whoever was muted before this
    /// node had to do with them, and is in the room by their token alone, is not known to be. Never waits.
    ///
    /// # Errors
    /// `forbidden`: they are muted.
    pub fn may_speak(&self, room: &Room<'_>, user: &UserId) -> Result<(), Error> {
        match self.decisions.is_muted(user, &room.home) {
            true => Err(policy::muted(&room.home)),
            false => Ok(()),
        }
    }

    /// The same for certain: the database is asked, unless it is known.
    ///
    /// # Errors
    /// `forbidden`; `unavailable`: the database is away.
    pub async fn may_write(&self, room: &Room<'_>, user: &UserId) -> Result<(), Error> {
        if room.kind.join == JoinRule::Members && self.keeps_members {
            self.decide(JoinRule::Members, user, &room.home).await?;
        }
        self.may_speak(room, user)
    }

    /// Forgets what is known of a user in a room, which was changed.
    pub fn forget(&self, user: &UserId, room: &RoomName) {
        self.decisions.forget(user, room);
    }

    /// Forgets everything: changes may have been missed.
    pub fn forget_all(&self) {
        self.decisions.forget_all();
    }

    /// Asks, unless it is known.
    ///
    /// # Errors
    /// `unavailable`: whoever is to be asked is away.
    pub async fn decide(&self, rule: JoinRule, user: &UserId, room: &RoomName) -> Result<Decision, Error> {
        if rule == JoinRule::Lobby {
            let ask = self.lobbies.standing(user.clone(), room.clone());
            return self.decisions.ask_now(ask).await;
        }
        let source = match rule {
            JoinRule::Members => Some(&self.members),
            JoinRule::Webhook => self.webhook.as_ref(),
            _ => None,
        };
        let closed = || Error::new(ErrorCode::Forbidden, "nobody is asked about rooms of this kind");
        let source = source.ok_or_else(closed)?;
        let ask = || source.standing(user.clone(), room.clone());
        self.decisions.get(user, room, ask).await
    }
}

fn is_in(socket: &Socket, home: &RoomName) -> bool {
    socket.rooms().iter().any(|room| room.name() == home)
}
