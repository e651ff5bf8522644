//! Rooms of members: who may do what to whom, and how it is felt everywhere.
//!
//! What must stay true: stored first, then told to every node, then to the room; a node that could not be told looks at its
//! sockets when it is back. Whoever acts stands above whom it is done to.

use std::sync::Arc;

use bytes::Bytes;
use hallway_protocol::kind::{JoinRule, Room};
use hallway_protocol::{Error, ErrorCode, Event, RoomName, UserId};
use hallway_store::{Members as _, Membership, Role, SqlStore};
use serde::Serialize;
use serde_json::json;

use crate::cluster::{self, Request};
use crate::endpoints::rooms_broadcast::{Words, publish};
use crate::endpoints::{Caller, resolve, resolve_for, to_data};
use crate::error::from_store;
use crate::node::Node;

/// Until when someone is muted who is muted for good: the largest integer that JavaScript counts exactly.
pub(crate) const FOR_GOOD: i64 = (1 << 53) - 1;

/// A member as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberView {
    user_id: UserId,
    role: Option<Role>,
    /// In Unix milliseconds; null where they may speak.
    muted_until: Option<i64>,
    /// Since when they are a member, or remembered, in Unix milliseconds.
    since: i64,
}

impl From<Membership> for MemberView {
    fn from(membership: Membership) -> Self {
        Self {
            user_id: membership.user,
            role: membership.role,
            muted_until: membership.muted_until,
            since: membership.created_at,
        }
    }
}

/// Someone to whom something is to be done, by someone who may.
pub(crate) struct Target {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) room: RoomName,
    pub(crate) user: UserId,
    /// What ties them to the room.
    pub(crate) membership: Option<Membership>,
    by: Role,
}

impl Target {
    /// That they are a member.
    ///
    /// # Errors
    /// `not-found`.
    pub(crate) fn member(&self) -> Result<&Membership, Error> {
        let membership = self.membership.as_ref().filter(|it| it.role.is_some());
        membership.ok_or_else(|| no_member(&self.room))
    }

    /// That whoever acts owns the room.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn by_owner(&self) -> Result<(), Error> {
        match self.by {
            Role::Owner => Ok(()),
            Role::Moderator | Role::Member => Err(forbidden("only an owner may do that")),
        }
    }

    /// That whoever acts stands above them.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn below(&self) -> Result<(), Error> {
        let role = self.membership.as_ref().and_then(|membership| membership.role);
        match role.map_or(0, rank) < rank(self.by) {
            true => Ok(()),
            false => Err(forbidden("not to someone of the same role or a higher one")),
        }
    }
}

fn rank(role: Role) -> u8 {
    match role {
        Role::Member => 1,
        Role::Moderator => 2,
        Role::Owner => 3,
    }
}

fn forbidden(why: &str) -> Error {
    Error::new(ErrorCode::Forbidden, why)
}

/// The answer where someone is no member.
pub(crate) fn no_member(room: &RoomName) -> Error {
    Error::new(ErrorCode::NotFound, format!("no such member of {room}"))
}

/// A role in an argument.
///
/// # Errors
/// `bad-args`.
pub(crate) fn role_of(text: &str) -> Result<Role, Error> {
    let all = [Role::Owner, Role::Moderator, Role::Member];
    let found = all.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| Error::bad_args("role", "role is owner, moderator or member"))
}

/// A room whose members the gateway keeps, for a caller that may be in it.
///
/// # Errors
/// `bad-args`: it has no members; `forbidden`: the caller is none, or the members are kept elsewhere.
pub(crate) async fn kept<'n>(node: &'n Node, caller: &Caller, name: &RoomName) -> Result<Room<'n>, Error> {
    let room = resolve_for(node, caller, name).await?;
    if room.kind.join != JoinRule::Members || room.line > 0 {
        return Err(Error::bad_args("room", format!("{name} is no room of members")));
    }
    if !node.authority.keeps_members() {
        return Err(forbidden("the application keeps the members of this room itself"));
    }
    Ok(room)
}

/// The caller's role in such a room; nothing for who is in it by a token only.
///
/// # Errors
/// `unauthenticated`, or the database is away.
pub(crate) async fn role_of_caller(node: &Node, caller: &Caller, room: &Room<'_>) -> Result<Option<Role>, Error> {
    match &caller.identity.user {
        Some(user) => node.authority.role_in(room, user).await,
        None => Ok(None),
    }
}

/// Someone in such a room, for an owner or a moderator who wants to do something to them.
///
/// # Errors
/// As for [`kept`]; `forbidden` for others; `bad-args` for oneself.
pub(crate) async fn target(node: &Node, caller: &Caller, name: RoomName, user: UserId) -> Result<Target, Error> {
    let room = kept(node, caller, &name).await?;
    let by = match role_of_caller(node, caller, &room).await? {
        Some(by @ (Role::Owner | Role::Moderator)) => by,
        Some(Role::Member) | None => return Err(forbidden("only owners and moderators may do that")),
    };
    if caller.identity.user.as_ref() == Some(&user) {
        return Err(Error::bad_args("userId", "not to oneself"));
    }
    let store = node.store.get().map_err(from_store)?;
    let membership = store.membership(name.clone(), user.clone()).await.map_err(from_store)?;
    Ok(Target {
        store,
        room: name,
        user,
        membership,
        by,
    })
}

/// Takes a user's sockets out of a room, on every node.
pub(crate) async fn take_out(node: &Arc<Node>, room: &RoomName, user: &UserId, reason: &str) {
    let request = Request::Leave {
        room: room.clone(),
        user: user.clone(),
        reason: Some(reason.to_owned()),
    };
    tell_nodes(node, request).await;
}

/// Makes every node ask anew how a user stands in a room.
pub(crate) async fn look_again(node: &Arc<Node>, room: &RoomName, user: &UserId) {
    let request = Request::Standing {
        room: room.clone(),
        user: user.clone(),
    };
    tell_nodes(node, request).await;
}

/// What was stored holds: a node that cannot be told looks when it is back. This one need not wait for that.
async fn tell_nodes(node: &Arc<Node>, request: Request) {
    let told: Result<Vec<u64>, Error> = node.cluster.ask(&request).await;
    if let Err(why) = told {
        tracing::warn!(%why, "a membership was changed, and not every node could be told");
        let _ = cluster::act(node, request).await;
    }
}

/// Tells the room what became of one of its people. Not promised: `members.list` says how it is.
pub(crate) async fn announce(node: &Arc<Node>, room: &RoomName, user: &UserId, change: &str, role: Option<Role>) {
    let mut data = json!({"room": room, "userId": user, "change": change});
    if let Some(role) = role {
        data["role"] = json!(role);
    }
    let (Ok(resolved), Ok(data)) = (resolve(node, room), to_data(&data)) else {
        return;
    };
    let data: Box<str> = data.into();
    let words = Words {
        destination: Event::MembersUpdated.wire().to_owned(),
        data: Bytes::from(data.into_string()),
        exclude: None,
        idempotency_key: None,
    };
    let _ = publish(node, resolved.kind, room.clone(), words).await;
}
