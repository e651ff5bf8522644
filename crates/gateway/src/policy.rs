//! May they? The join and publish rules of the room kinds, asked with an identity.

use hallway_auth::Identity;
use hallway_protocol::kind::{JoinRule, Owner, PublishRule, Room};
use hallway_protocol::{ClientId, Error, ErrorCode, RoomName, UserId};

/// What the name of a room and a token say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'i> {
    /// It may.
    Granted,
    /// Whoever the rule names is to be asked about this user.
    Ask(&'i UserId),
}

/// Whether an identity may join a room on its own request, as far as the name and the token say it.
///
/// # Errors
/// `forbidden`, or `unauthenticated` where signing in might help.
pub fn verdict<'i>(
    room: &Room<'_>,
    name: &RoomName,
    identity: &'i Identity,
    client: ClientId,
) -> Result<Verdict<'i>, Error> {
    let user = identity.user.as_ref();
    let granted = match (room.kind.join, user) {
        (JoinRule::Public, _) => true,
        (JoinRule::Own, _) => match &room.owner {
            Owner::Client(owner) => *owner == client,
            Owner::User(owner) => user == Some(owner),
            Owner::Pair(a, b) => user.is_some_and(|user| user == a || user == b),
            Owner::Nobody => false,
        },
        (JoinRule::SignedIn, user) => user.is_some(),
        (JoinRule::Claims, Some(_)) => identity.may_claim(&room.home),
        (JoinRule::Members, Some(user)) if !identity.may_claim(&room.home) => return Ok(Verdict::Ask(user)),
        (JoinRule::Members, Some(_)) => true,
        (JoinRule::Webhook | JoinRule::Lobby, Some(user)) => return Ok(Verdict::Ask(user)),
        (JoinRule::Claims | JoinRule::Members | JoinRule::Webhook | JoinRule::Lobby, None) => false,
    };
    match (granted, user) {
        (true, _) => Ok(Verdict::Granted),
        (false, Some(_)) => Err(refused(name)),
        (false, None) => Err(Error::new(
            ErrorCode::Unauthenticated,
            format!("{name} needs someone who is signed in"),
        )),
    }
}

/// The answer to who may not join a room.
#[must_use]
pub fn refused(name: &RoomName) -> Error {
    Error::new(ErrorCode::Forbidden, format!("you may not join {name}"))
}

/// The answer to who is muted in a room.
#[must_use]
pub fn muted(name: &RoomName) -> Error {
    Error::new(ErrorCode::Forbidden, format!("you are muted in {name}"))
}

/// Whether clients may publish to rooms of this kind; that they are in it is asked apart.
///
/// # Errors
/// `forbidden` or `unauthenticated`.
pub fn may_publish(room: &Room<'_>, name: &RoomName, identity: &Identity) -> Result<(), Error> {
    match room.kind.publish {
        PublishRule::Backend => Err(Error::new(
            ErrorCode::Forbidden,
            format!("only the backend publishes to {name}"),
        )),
        PublishRule::InRoom if identity.user.is_none() => Err(Error::new(
            ErrorCode::Unauthenticated,
            format!("{name} needs someone who is signed in"),
        )),
        PublishRule::InRoom => Ok(()),
    }
}
