//! How far people have read.

use hallway_protocol::{RoomName, UserId};

use super::connection::Connection;
use super::page::{page, rows_for};
use super::value::Row;
use super::value::Value::Text;
use super::{rows, with_now};
use crate::{MessageId, Page, Read, ReadPosition, Stats, StoreError};

fn read(row: &Row) -> Result<ReadPosition, StoreError> {
    Ok(ReadPosition {
        user_id: rows::user(row, 0)?,
        message_id: rows::message_id(row, 1)?,
        read_at: row.int(2)?,
    })
}

pub(super) async fn mark(
    connection: &mut Connection,
    room: &RoomName,
    user: &UserId,
    message: MessageId,
) -> Result<Option<Read>, StoreError> {
    // Only a message that is there: a made-up id at the end of time would hold the position for ever.
    let forward = with_now!(
        "INSERT INTO read_positions (room, user_id, message_id, read_at) SELECT $1, $2, $3, ",
        " WHERE EXISTS (SELECT 1 FROM messages WHERE room = $1 AND id = $3) \
         ON CONFLICT (room, user_id) DO UPDATE SET message_id = excluded.message_id, read_at = excluded.read_at \
         WHERE read_positions.message_id < excluded.message_id RETURNING user_id, message_id, read_at"
    );
    let text_id = message.to_string();
    let values = [Text(room.as_str()), Text(user.as_str()), Text(&text_id)];
    if let Some(row) = connection.row(forward, &values).await? {
        let position = read(&row)?;
        return Ok(Some(Read { position, moved: true }));
    }
    let stays = "SELECT user_id, message_id, read_at FROM read_positions WHERE room = $1 AND user_id = $2 \
                 AND EXISTS (SELECT 1 FROM messages WHERE room = $1 AND id = $3)";
    let Some(row) = connection.row(stays, &values).await? else {
        return Ok(None);
    };
    let position = read(&row)?;
    Ok(Some(Read { position, moved: false }))
}

pub(super) async fn list(
    connection: &mut Connection,
    stats: &Stats,
    room: &RoomName,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Page<ReadPosition, UserId>, StoreError> {
    let sql = "SELECT user_id, message_id, read_at FROM read_positions WHERE room = $1 AND user_id > $2 \
               ORDER BY user_id LIMIT $3";
    let after = after.map_or("", UserId::as_str);
    let found = connection
        .rows(sql, &[Text(room.as_str()), Text(after), rows_for(limit)])
        .await?;
    let items = found.iter().map(|row| rows::readable(read(row), stats)).collect();
    Ok(page(items, limit, |position: &ReadPosition| position.user_id.clone()))
}
