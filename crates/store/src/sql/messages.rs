//! Messages.

use hallway_protocol::RoomName;

use super::connection::Connection;
use super::page::{page, rows_for};
use super::turn::Turn;
use super::value::Row;
use super::value::Value::{Int, MaybeText, Text};
use super::{reactions, rows};
use crate::{Change, Message, MessageId, MessageKind, NewMessage, Page, Range, Stats, StoreError, Stored};

/// The columns, in the order in which [`read`] has them. A macro, so that they can stand inside of a literal.
macro_rules! columns {
    () => {
        "id, room, from_user, type, content, reply_to, client_message_id, created_at, edited_at, deleted_at, revision"
    };
}
pub(super) use columns;

/// Sorts behind every id.
const BEHIND_ALL: &str = "~";

/// A message as it stands in its row, without reactions.
pub(super) fn read(row: &Row) -> Result<Message, StoreError> {
    let kind = row.text(3)?;
    Ok(Message {
        id: rows::message_id(row, 0)?,
        room: rows::room(row, 1)?,
        from_user_id: rows::user(row, 2)?,
        kind: MessageKind::parse(&kind).ok_or_else(|| rows::impossible("type", &kind))?,
        content: row.text(4)?,
        reply_to_id: rows::maybe_message_id(row, 5)?,
        client_message_id: row.maybe_text(6)?,
        created_at: row.int(7)?,
        edited_at: row.maybe_int(8)?,
        deleted_at: row.maybe_int(9)?,
        reactions: Vec::new(),
        revision: rows::message_id(row, 10)?,
    })
}

pub(super) async fn get(
    connection: &mut Connection,
    room: &RoomName,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM messages WHERE room = $1 AND id = $2");
    let row = connection
        .row(sql, &[Text(room.as_str()), Text(&id.to_string())])
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut message = [read(&row)?];
    reactions::add(connection, &mut message).await?;
    let [message] = message;
    Ok(Some(message))
}

/// Needs a transaction.
pub(super) async fn insert(connection: &mut Connection, new: NewMessage, lease: i64) -> Result<Stored, StoreError> {
    let turn = Turn::take(connection, &new.room).await?;
    if let Some(name) = &new.client_message_id {
        let sql = "SELECT id FROM messages WHERE room = $1 AND from_user = $2 AND client_message_id = $3";
        let values = [Text(new.room.as_str()), Text(new.from_user.as_str()), Text(name)];
        if let Some(row) = connection.row(sql, &values).await? {
            let id = rows::message_id(&row, 0)?;
            let message = get(connection, &new.room, id).await?;
            let message = message.ok_or(StoreError::NotFound("message"))?;
            return Ok(Stored { message, change: None });
        }
    }
    if let Some(answered) = new.reply_to {
        let sql = "SELECT 1 FROM messages WHERE room = $1 AND id = $2";
        let values = [Text(new.room.as_str()), Text(&answered.to_string())];
        if connection.row(sql, &values).await?.is_none() {
            return Err(StoreError::NotFound("message to answer"));
        }
    }
    let message = Message {
        id: turn.revision,
        room: new.room,
        from_user_id: new.from_user,
        kind: new.kind,
        content: new.content,
        reply_to_id: new.reply_to,
        client_message_id: new.client_message_id,
        created_at: turn.revision.millis(),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        revision: turn.revision,
    };
    write(connection, &message).await?;
    let change = turn
        .put_in_outbox(connection, message.id, &Change::Created, lease)
        .await?;
    Ok(Stored {
        message,
        change: Some(change),
    })
}

async fn write(connection: &mut Connection, message: &Message) -> Result<(), StoreError> {
    let sql = "INSERT INTO messages (id, room, from_user, type, content, reply_to, client_message_id, created_at, revision) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $1)";
    let (id, answered) = (message.id.to_string(), message.reply_to_id.map(|id| id.to_string()));
    let values = [
        Text(&id),
        Text(message.room.as_str()),
        Text(message.from_user_id.as_str()),
        Text(message.kind.as_str()),
        Text(&message.content),
        MaybeText(answered.as_deref()),
        MaybeText(message.client_message_id.as_deref()),
        Int(message.created_at),
    ];
    connection.rows(sql, &values).await?;
    Ok(())
}

pub(super) async fn list(
    connection: &mut Connection,
    stats: &Stats,
    room: &RoomName,
    range: Range,
    limit: usize,
) -> Result<Page<Message, MessageId>, StoreError> {
    const BACKWARD: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE room = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    );
    const FORWARD: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE room = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    const CHANGED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE room = $1 AND revision > $2 ORDER BY revision LIMIT $3"
    );
    let (sql, place) = match range {
        Range::Newest => (BACKWARD, BEHIND_ALL.to_owned()),
        Range::Before(id) => (BACKWARD, id.to_string()),
        Range::After(id) => (FORWARD, id.to_string()),
        Range::Since(millis) => (CHANGED, MessageId::just_before(millis).to_string()),
        Range::ChangedAfter(revision) => (CHANGED, revision.to_string()),
    };
    let found = connection
        .rows(sql, &[Text(room.as_str()), Text(&place), rows_for(limit)])
        .await?;
    let items = found.iter().map(|row| rows::readable(read(row), stats)).collect();
    let mut page = match sql {
        CHANGED => page(items, limit, |message: &Message| message.revision),
        _ => page(items, limit, |message: &Message| message.id),
    };
    if sql == BACKWARD {
        page.items.reverse();
    }
    reactions::add(connection, &mut page.items).await?;
    Ok(page)
}

/// Needs a transaction.
pub(super) async fn edit(
    connection: &mut Connection,
    room: &RoomName,
    id: MessageId,
    content: String,
    lease: i64,
) -> Result<Option<Stored>, StoreError> {
    let turn = Turn::take(connection, room).await?;
    let Some(mut message) = get(connection, room, id).await? else {
        return Ok(None);
    };
    if message.deleted_at.is_some() {
        return Ok(None);
    }
    if message.content == content {
        return Ok(Some(Stored { message, change: None }));
    }
    message.content = content;
    message.edited_at = Some(turn.revision.millis());
    update(connection, turn, message, &Change::Edited, lease)
        .await
        .map(Some)
}

/// Needs a transaction.
pub(super) async fn delete(
    connection: &mut Connection,
    room: &RoomName,
    id: MessageId,
    lease: i64,
) -> Result<Option<Stored>, StoreError> {
    let turn = Turn::take(connection, room).await?;
    let Some(mut message) = get(connection, room, id).await? else {
        return Ok(None);
    };
    if message.deleted_at.is_some() {
        return Ok(Some(Stored { message, change: None }));
    }
    message.content = String::new();
    message.deleted_at = Some(turn.revision.millis());
    message.reactions = Vec::new();
    let gone = "DELETE FROM reactions WHERE room = $1 AND message_id = $2";
    connection
        .rows(gone, &[Text(room.as_str()), Text(&id.to_string())])
        .await?;
    update(connection, turn, message, &Change::Deleted, lease)
        .await
        .map(Some)
}

/// Writes what can change of a message, under the turn's revision.
pub(super) async fn update(
    connection: &mut Connection,
    turn: Turn,
    mut message: Message,
    change: &Change,
    lease: i64,
) -> Result<Stored, StoreError> {
    use super::value::Value::MaybeInt;
    message.revision = turn.revision;
    let sql =
        "UPDATE messages SET content = $3, edited_at = $4, deleted_at = $5, revision = $6 WHERE room = $1 AND id = $2";
    let (id, revision) = (message.id.to_string(), message.revision.to_string());
    let values = [
        Text(message.room.as_str()),
        Text(&id),
        Text(&message.content),
        MaybeInt(message.edited_at),
        MaybeInt(message.deleted_at),
        Text(&revision),
    ];
    connection.rows(sql, &values).await?;
    let change = turn.put_in_outbox(connection, message.id, change, lease).await?;
    Ok(Stored {
        message,
        change: Some(change),
    })
}
