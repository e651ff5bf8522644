//! Whose messages, and what may stand in them.

use hallway_protocol::kind::{JoinRule, Room};
use hallway_protocol::{Error, ErrorCode, RoomName, UserId, limits};
use hallway_store::{Message, MessageId, MessageKind, Messages as _, Role};

use crate::endpoints::{Caller, resolve, resolve_for};
use crate::error::from_store;
use crate::node::Node;
use crate::policy;

/// A room that keeps messages.
///
/// # Errors
/// `bad-args`: its kind keeps none.
pub(crate) fn room_of<'n>(node: &'n Node, name: &RoomName) -> Result<Room<'n>, Error> {
    let room = resolve(node, name)?;
    if room.line > 0 || !room.kind.messages {
        return Err(Error::bad_args(
            "room",
            format!("{name} is no room that keeps messages"),
        ));
    }
    Ok(room)
}

/// A room whose messages a caller may read: one that it is in or may join.
///
/// # Errors
/// `bad-args`, `forbidden`, `unauthenticated`, or whoever is to be asked is away.
pub(crate) async fn readable<'n>(node: &'n Node, caller: &Caller, name: &RoomName) -> Result<Room<'n>, Error> {
    room_of(node, name)?;
    resolve_for(node, caller, name).await
}

/// A room that a caller may say something in, and as whom. Where anybody may join, it has to be in it; where the room names
/// its people, or a membership does, it need not be.
///
/// # Errors
/// As for [`readable`]; `not-in-room`; `forbidden` for who is muted.
pub(crate) async fn writable<'n>(
    node: &'n Node,
    caller: &Caller,
    name: &RoomName,
) -> Result<(Room<'n>, UserId), Error> {
    let room = readable(node, caller, name).await?;
    policy::may_publish(&room, name, &caller.identity)?;
    let user = user_of(caller, name)?;
    if matches!(room.kind.join, JoinRule::SignedIn | JoinRule::Public) && !is_in(node, caller, name) {
        return Err(Error::new(ErrorCode::NotInRoom, format!("not in {name}")));
    }
    node.authority.may_write(&room, &user).await?;
    Ok((room, user))
}

/// Who a caller is.
///
/// # Errors
/// `unauthenticated`: nobody.
pub(crate) fn user_of(caller: &Caller, name: &RoomName) -> Result<UserId, Error> {
    let nobody = || {
        Error::new(
            ErrorCode::Unauthenticated,
            format!("{name} needs someone who is signed in"),
        )
    };
    caller.identity.user.clone().ok_or_else(nobody)
}

fn is_in(node: &Node, caller: &Caller, name: &RoomName) -> bool {
    let line = node.hub.line(name);
    line.is_some_and(|line| line.room.contains(&caller.socket))
}

/// Whether a user may change a message: the author, or a moderator of the room. What the application itself has said is only a
/// moderator's.
///
/// # Errors
/// `not-found`, `forbidden`, or whoever is to be asked is away.
pub(crate) async fn may_change(node: &Node, room: &Room<'_>, user: &UserId, id: MessageId) -> Result<(), Error> {
    let store = node.store.get().map_err(from_store)?;
    let message = store.message(room.home.clone(), id).await.map_err(from_store)?;
    let message = message.ok_or_else(no_message)?;
    if is_author(&message, user) {
        return Ok(());
    }
    match node.authority.role_in(room, user).await? {
        Some(Role::Owner | Role::Moderator) => Ok(()),
        Some(Role::Member) | None => Err(Error::new(
            ErrorCode::Forbidden,
            "only its author and moderators may change a message",
        )),
    }
}

fn is_author(message: &Message, user: &UserId) -> bool {
    message.from_user_id == *user && message.kind != MessageKind::System
}

/// There is no such message, or no longer.
pub(crate) fn no_message() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such message")
}

/// A message's id in an argument.
///
/// # Errors
/// `bad-args` names it.
pub(crate) fn message_id(field: &str, text: &str) -> Result<MessageId, Error> {
    MessageId::parse(text).ok_or_else(|| Error::bad_args(field, format!("{field} is no message's id")))
}

/// Checks what a message is to say.
///
/// # Errors
/// `bad-args`.
pub(crate) fn check_content(content: &str) -> Result<(), Error> {
    // Bytes first: what is far too long need not be counted.
    let fits = content.len() <= 4 * limits::MESSAGE_CHARS && content.chars().count() <= limits::MESSAGE_CHARS;
    if content.is_empty() || !fits {
        let why = format!("content has 1 to {} characters", limits::MESSAGE_CHARS);
        return Err(Error::bad_args("content", why));
    }
    check_text("content", content)
}

/// Checks the client's own name of a message.
///
/// # Errors
/// `bad-args`.
pub(crate) fn check_client_message_id(name: Option<&str>) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    if name.is_empty() || name.len() > limits::CLIENT_MESSAGE_ID_LEN {
        let why = format!("clientMessageId has 1 to {} bytes", limits::CLIENT_MESSAGE_ID_LEN);
        return Err(Error::bad_args("clientMessageId", why));
    }
    check_text("clientMessageId", name)
}

/// No database of ours keeps a NUL character.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    match text.contains('\0') {
        true => Err(Error::bad_args(field, format!("{field} holds no NUL character"))),
        false => Ok(()),
    }
}

/// What a client, or with `system` the backend, says a message is.
///
/// # Errors
/// `bad-args`, or `forbidden` for what is only the backend's.
pub(crate) fn kind_of(text: Option<&str>, system: bool) -> Result<MessageKind, Error> {
    let text = text.unwrap_or(MessageKind::Text.as_str());
    match MessageKind::parse(text) {
        Some(MessageKind::System) if !system => Err(Error::new(
            ErrorCode::Forbidden,
            "messages of type SYSTEM are the backend's",
        )),
        Some(kind) => Ok(kind),
        None => Err(Error::bad_args("type", "type is TEXT, IMAGE, FILE or SYSTEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_counted_in_characters() {
        for letter in ["a", "\u{e9}", "\u{1f600}"] {
            assert!(check_content(&letter.repeat(5000)).is_ok(), "{letter}");
            assert_eq!(
                check_content(&letter.repeat(5001)).unwrap_err().field.unwrap(),
                "content"
            );
        }
        assert!(check_content("").is_err());
        assert!(check_content("a\0b").is_err());
        assert!(check_content(" ").is_ok());
    }
}
