//! A page of a room's messages.

use hallway_protocol::{Error, RoomName, limits};
use hallway_store::{Message, Messages as _, Range};
use serde::Serialize;

pub(crate) use super::cursor::Place;
use super::cursor::{behind, goes_back};
use crate::endpoints::{Data, to_data};
use crate::error::from_store;
use crate::node::Node;

/// A page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// The oldest (or longest unchanged) first; deleted ones as their tombstones.
    pub(crate) messages: Vec<Data>,
    /// Where to go on, if there is more.
    pub(crate) next_cursor: Option<String>,
}

/// How many items a page is to have.
///
/// # Errors
/// `bad-args`: none, or too many.
pub(crate) fn limit_of(limit: Option<usize>) -> Result<usize, Error> {
    let limit = limit.unwrap_or(limits::PAGE_DEFAULT);
    if (1..=limits::PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Error::bad_args("limit", format!("limit is 1 to {}", limits::PAGE)))
}

/// Reads a page: at most `limit` messages, and fewer where they would be more bytes than a socket's queue takes.
///
/// # Errors
/// `bad-args`, or the database is away.
pub(crate) async fn read(node: &Node, room: RoomName, place: Place<'_>, limit: Option<usize>) -> Result<Page, Error> {
    let (range, limit) = (place.range()?, limit_of(limit)?);
    let most = node.limits().resume_bytes;
    let store = node.store.get().map_err(from_store)?;
    let page = store.list_messages(room, range, limit).await.map_err(from_store)?;
    let there_is_more = page.next.is_some();
    cut(page.items, range, there_is_more, most)
}

fn cut(mut items: Vec<Message>, range: Range, there_is_more: bool, most: usize) -> Result<Page, Error> {
    // From the side where the reader is.
    if goes_back(range) {
        items.reverse();
    }
    let (mut messages, mut bytes, mut last) = (Vec::with_capacity(items.len()), 0, None);
    let count = items.len();
    for message in items {
        let data = to_data(&message)?;
        bytes += data.get().len();
        if bytes > most && !messages.is_empty() {
            break;
        }
        messages.push(data);
        last = Some(behind(range, &message));
    }
    let next_cursor = last.filter(|_| there_is_more || messages.len() < count);
    if goes_back(range) {
        messages.reverse();
    }
    Ok(Page { messages, next_cursor })
}

#[cfg(test)]
mod tests {
    use hallway_protocol::UserId;
    use hallway_store::{MessageId, MessageKind};

    use super::*;

    fn message(number: i64) -> Message {
        let id = MessageId::just_before(number);
        Message {
            id,
            room: RoomName::parse("chat-ann-bob").unwrap(),
            from_user_id: UserId::parse("ann").unwrap(),
            kind: MessageKind::Text,
            content: "x".repeat(100),
            reply_to_id: None,
            client_message_id: None,
            created_at: number,
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
            revision: MessageId::just_before(number + 1000),
        }
    }

    #[test]
    fn a_page_has_what_fits_and_goes_on_behind_it() {
        let items: Vec<_> = (1..=4).map(message).collect();
        let one = to_data(&items[0]).unwrap().get().len();
        let places = |page: &Page| {
            let texts = page.messages.iter();
            texts
                .map(|text| serde_json::from_str::<serde_json::Value>(text.get()).unwrap()["createdAt"].clone())
                .collect::<Vec<_>>()
        };
        let back = cut(items.clone(), Range::Newest, false, 2 * one + 1).unwrap();
        assert_eq!(places(&back), [3, 4]);
        assert_eq!(back.next_cursor, Some(items[2].id.to_string()));
        let on = cut(items.clone(), Range::Since(0), false, 2 * one + 1).unwrap();
        assert_eq!(places(&on), [1, 2]);
        assert_eq!(on.next_cursor, Some(format!("c.{}", items[1].revision)));
        let all = cut(items.clone(), Range::Newest, false, 10 * one).unwrap();
        assert_eq!((all.messages.len(), all.next_cursor), (4, None));
        let more = cut(items.clone(), Range::Newest, true, 10 * one).unwrap();
        assert_eq!(more.next_cursor, Some(items[0].id.to_string()));
        let huge = cut(items, Range::Newest, false, 1).unwrap();
        assert_eq!(huge.messages.len(), 1, "there is always progress");
    }

    #[test]
    fn places_are_read_and_nonsense_is_refused() {
        let id = MessageId::just_before(7).to_string();
        let after = |after| Place {
            after: Some(after),
            ..Place::default()
        };
        assert_eq!(after(&id).range(), Ok(Range::After(MessageId::just_before(7))));
        let changes = format!("c.{id}");
        assert_eq!(
            after(&changes).range(),
            Ok(Range::ChangedAfter(MessageId::just_before(7)))
        );
        let before = Place {
            before: Some(&changes),
            ..Place::default()
        };
        assert_eq!(before.range().unwrap_err().field.unwrap(), "before");
        let both = Place {
            since: Some(1),
            ..after(&id)
        };
        assert!(both.range().is_err());
        for nonsense in ["", "c.", "x", "'; DROP TABLE messages; --"] {
            assert_eq!(after(nonsense).range().unwrap_err().field.unwrap(), "after");
        }
    }
}
