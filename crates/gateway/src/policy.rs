//! May they? The join and publish rules of the room kinds, asked with an identity.

use hallway_auth::Identity;
use hallway_protocol::kind::{JoinRule, Owner, PublishRule, Room};
use hallway_protocol::{ClientId, Error, ErrorCode, RoomName};

/// Whether an identity may join a room on its own request.
///
/// # Errors
/// `forbidden`, or `unauthenticated` where signing in might help.
pub fn may_join(room: &Room<'_>, name: &RoomName, identity: &Identity, client: ClientId) -> Result<(), Error> {
    let allowed = match room.kind.join {
        JoinRule::Public => true,
        JoinRule::SignedIn => identity.user.is_some(),
        JoinRule::Claims => identity.user.is_some() && identity.may_claim(&room.home),
        JoinRule::Own => match &room.owner {
            Owner::Client(owner) => *owner == client,
            Owner::User(owner) => identity.user.as_ref() == Some(owner),
            Owner::Pair(a, b) => identity.user.as_ref().is_some_and(|user| user == a || user == b),
            Owner::Nobody => false,
        },
    };
    if allowed {
        return Ok(());
    }
    Err(match identity.user {
        None => Error::new(
            ErrorCode::Unauthenticated,
            format!("{name} needs someone who is signed in"),
        ),
        Some(_) => Error::new(ErrorCode::Forbidden, format!("you may not join {name}")),
    })
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
