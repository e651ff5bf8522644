//! Names out of rows. Other programs may write to the tables too, and their names are checked like anybody's.

use hallway_protocol::{RoomName, UserId};

use super::value::Row;
use crate::stats::{Stats, count};
use crate::{MessageId, StoreError};

/// A column that holds a room.
pub(super) fn room(row: &Row, place: usize) -> Result<RoomName, StoreError> {
    let text = row.text(place)?;
    RoomName::parse(&text).map_err(|_| impossible("room", &text))
}

/// A column that holds a user.
pub(super) fn user(row: &Row, place: usize) -> Result<UserId, StoreError> {
    let text = row.text(place)?;
    UserId::parse(&text).map_err(|_| impossible("user", &text))
}

/// A column that holds a message's id.
pub(super) fn message_id(row: &Row, place: usize) -> Result<MessageId, StoreError> {
    let text = row.text(place)?;
    MessageId::parse(&text).ok_or_else(|| impossible("message id", &text))
}

/// The same where there may be none.
pub(super) fn maybe_message_id(row: &Row, place: usize) -> Result<Option<MessageId>, StoreError> {
    let text = row.maybe_text(place)?;
    text.map(|text| MessageId::parse(&text).ok_or_else(|| impossible("message id", &text)))
        .transpose()
}

pub(super) fn impossible(what: &str, text: &str) -> StoreError {
    StoreError::Refused(format!("a row has an impossible {what}: {text:?}"))
}

/// One of a list: a row that cannot be read is counted and left out, so that it does not hide the others.
pub(super) fn readable<T>(read: Result<T, StoreError>, stats: &Stats) -> Option<T> {
    match read {
        Ok(item) => Some(item),
        Err(why) => {
            count(&stats.malformed);
            tracing::warn!(%why, "left out");
            None
        }
    }
}
