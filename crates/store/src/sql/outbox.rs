//! Changes that are to be broadcast.

use std::collections::HashMap;

use hallway_protocol::RoomName;

use super::connection::Connection;
use super::messages::{self, columns};
use super::reactions::{self, pairs};
use super::value::Value::{Int, Text};
use super::value::{Row, Sql};
use super::{rows, with_now};
use crate::{Change, ChangeId, MessageId, PAGE_MAX, Reacted, Stats, StoreError, Unsent};

/// What stands in a row of the outbox.
struct Due {
    id: ChangeId,
    message: MessageId,
    change: Change,
    attempts: i64,
}

fn read(row: &Row) -> Result<Due, StoreError> {
    let reacted = |on| {
        let reaction = row.text(5)?;
        let user = rows::user(row, 4)?;
        Ok::<_, StoreError>(Change::Reacted(Reacted { user, reaction, on }))
    };
    let change = match &*row.text(3)? {
        "created" => Change::Created,
        "edited" => Change::Edited,
        "deleted" => Change::Deleted,
        "reacted" => reacted(true)?,
        "unreacted" => reacted(false)?,
        other => return Err(rows::impossible("change", other)),
    };
    Ok(Due {
        id: ChangeId {
            room: rows::room(row, 0)?,
            revision: rows::message_id(row, 1)?,
        },
        message: rows::message_id(row, 2)?,
        change,
        attempts: row.int(6)?,
    })
}

/// Takes what is due, and makes it due again only after the lease. Needs a transaction.
pub(super) async fn unsent(
    connection: &mut Connection,
    stats: &Stats,
    limit: usize,
    lease: i64,
) -> Result<Vec<Unsent>, StoreError> {
    // Postgres: nodes that ask at once skip what another one is taking. SQLite: there is one writer.
    const TAKE: Sql = Sql {
        postgres: with_now!(
            "WITH due AS MATERIALIZED (SELECT room, revision FROM outbox WHERE due_at <= ",
            " ORDER BY due_at, revision LIMIT $1 FOR UPDATE SKIP LOCKED) \
             UPDATE outbox SET attempts = attempts + 1, due_at = $2 + ",
            " FROM due WHERE outbox.room = due.room AND outbox.revision = due.revision \
             RETURNING outbox.room, outbox.revision, message_id, change, user_id, reaction, attempts"
        )
        .postgres,
        sqlite: with_now!(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $2 + ",
            " WHERE (room, revision) IN (SELECT room, revision FROM outbox WHERE due_at <= ",
            " ORDER BY due_at, revision LIMIT $1) \
             RETURNING room, revision, message_id, change, user_id, reaction, attempts"
        )
        .sqlite,
    };
    let limit = i64::try_from(limit.min(PAGE_MAX)).unwrap_or(i64::MAX);
    let taken = connection.rows(TAKE, &[Int(limit), Int(lease)]).await?;
    let mut due: Vec<Due> = taken
        .iter()
        .filter_map(|row| rows::readable(read(row), stats))
        .collect();
    due.sort_by_key(|due| due.id.revision);
    let mut messages = messages_of(connection, stats, &due).await?;
    let (there, gone): (Vec<_>, Vec<_>) = due
        .into_iter()
        .partition(|due| messages.contains_key(&(due.id.room.clone(), due.message)));
    // The operator deleted these messages for good: there is nothing left to say.
    mark_sent(connection, gone.into_iter().map(|due| due.id).collect()).await?;
    Ok(there
        .into_iter()
        .filter_map(|due| {
            let message = messages.get_mut(&(due.id.room.clone(), due.message))?.clone();
            Some(Unsent {
                id: due.id,
                change: due.change,
                message,
                attempts: due.attempts,
            })
        })
        .collect())
}

async fn messages_of(
    connection: &mut Connection,
    stats: &Stats,
    due: &[Due],
) -> Result<HashMap<(RoomName, MessageId), crate::Message>, StoreError> {
    const SQL: Sql = Sql {
        postgres: concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE (room, id) IN (SELECT pair->>0, pair->>1 FROM json_array_elements($1::json) AS pair)"
        ),
        sqlite: concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE (room, id) IN (SELECT value->>0, value->>1 FROM json_each($1))"
        ),
    };
    if due.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = pairs(due.iter().map(|due| (&due.id.room, due.message)));
    let found = connection.rows(SQL, &[Text(&wanted)]).await?;
    let mut messages: Vec<_> = found
        .iter()
        .filter_map(|row| rows::readable(messages::read(row), stats))
        .collect();
    reactions::add(connection, &mut messages).await?;
    Ok(messages
        .into_iter()
        .map(|message| ((message.room.clone(), message.id), message))
        .collect())
}

pub(super) async fn mark_sent(connection: &mut Connection, changes: Vec<ChangeId>) -> Result<(), StoreError> {
    const SQL: Sql = Sql {
        postgres: "DELETE FROM outbox WHERE (room, revision) IN \
                   (SELECT pair->>0, pair->>1 FROM json_array_elements($1::json) AS pair)",
        sqlite: "DELETE FROM outbox WHERE (room, revision) IN (SELECT value->>0, value->>1 FROM json_each($1))",
    };
    if changes.is_empty() {
        return Ok(());
    }
    let sent = pairs(changes.iter().map(|change| (&change.room, change.revision)));
    connection.rows(SQL, &[Text(&sent)]).await?;
    Ok(())
}

pub(super) async fn give_back(connection: &mut Connection, changes: Vec<ChangeId>) -> Result<(), StoreError> {
    const SQL: Sql = Sql {
        postgres: "UPDATE outbox SET due_at = 0 WHERE (room, revision) IN \
                   (SELECT pair->>0, pair->>1 FROM json_array_elements($1::json) AS pair)",
        sqlite: "UPDATE outbox SET due_at = 0 WHERE (room, revision) IN \
                 (SELECT value->>0, value->>1 FROM json_each($1))",
    };
    if changes.is_empty() {
        return Ok(());
    }
    let back = pairs(changes.iter().map(|change| (&change.room, change.revision)));
    connection.rows(SQL, &[Text(&back)]).await?;
    Ok(())
}
