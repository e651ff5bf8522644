//! Who may be in a room, where the name and the token do not say it: the database or the operator's backend is asked
//! ([`JoinRule::Members`], [`JoinRule::Webhook`]).
//!
//! What must stay true: an answer that is not known is a refusal; an answer from before a change that the backend told us
//! of is never used after it; and who is in a room on an answer is asked about again while they stay ([`review`]).

mod build;
mod decisions;
mod members;
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
    /// A user's role in a room; nothing if they are not a member.
    fn role_in(&self, user: UserId, room: RoomName) -> BoxFuture<'static, Result<Option<Role>, Error>>;
}

/// Everyone who may be asked, and what they said lately.
pub struct Authority {
    members: Arc<dyn Source>,
    webhook: Option<Arc<dyn Source>>,
    decisions: Decisions,
    keeps_members: bool,
}

/// That someone may be in a room, as known at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Permit(Option<Stamp>);

impl Authority {
    /// Answers are good for `fresh`.
    pub fn new(members: Members, webhook: Option<MembershipHook>, fresh: Duration) -> Self {
        Self {
            keeps_members: matches!(members, Members::Own(_)),
            members: Arc::new(members),
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
        let source = match rule {
            JoinRule::Members => Some(&self.members),
            JoinRule::Webhook => self.webhook.as_ref(),
            _ => None,
        };
        let closed = || Error::new(ErrorCode::Forbidden, "nobody is asked about rooms of this kind");
        let source = source.ok_or_else(closed)?;
        let ask = || source.role_in(user.clone(), room.clone());
        self.decisions.get(user, room, ask).await
    }
}

fn is_in(socket: &Socket, home: &RoomName) -> bool {
    socket.rooms().iter().any(|room| room.name() == home)
}
