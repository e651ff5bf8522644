//! Memberships.

use hallway_protocol::{RoomName, UserId};

use super::connection::Connection;
use super::page::{page, rows_for};
use super::value::Row;
use super::value::Value::{Bool, MaybeInt, Text};
use super::{rows, with_now};
use crate::{Membership, Page, Role, Stats, StoreError, Who};

/// The columns, in the order in which [`read`] has them. A macro, so that they can stand inside of a literal.
macro_rules! columns {
    () => {
        "room, user_id, role, muted_until, banned, created_at"
    };
}

fn read(row: &Row) -> Result<Membership, StoreError> {
    Ok(Membership {
        room: rows::room(row, 0)?,
        user: rows::user(row, 1)?,
        role: row.maybe_text(2)?.map(|role| Role::read(&role)),
        muted_until: row.maybe_int(3)?,
        banned: row.bool(4)?,
        created_at: row.int(5)?,
    })
}

pub(super) async fn get(
    connection: &mut Connection,
    room: &RoomName,
    user: &UserId,
) -> Result<Option<Membership>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM memberships WHERE room = $1 AND user_id = $2"
    );
    let row = connection.row(sql, &[Text(room.as_str()), Text(user.as_str())]).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn list(
    connection: &mut Connection,
    stats: &Stats,
    room: &RoomName,
    who: Who,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Page<Membership, UserId>, StoreError> {
    let sql = match who {
        Who::Members => concat!(
            "SELECT ",
            columns!(),
            " FROM memberships WHERE room = $1 AND user_id > $2 AND role IS NOT NULL ORDER BY user_id LIMIT $3"
        ),
        Who::Banned => concat!(
            "SELECT ",
            columns!(),
            " FROM memberships WHERE room = $1 AND user_id > $2 AND banned ORDER BY user_id LIMIT $3"
        ),
    };
    let after = after.map_or("", UserId::as_str);
    let found = connection
        .rows(sql, &[Text(room.as_str()), Text(after), rows_for(limit)])
        .await?;
    let items = found.iter().map(|row| rows::readable(read(row), stats)).collect();
    Ok(page(items, limit, |member: &Membership| member.user.clone()))
}

pub(super) async fn rooms_of(
    connection: &mut Connection,
    stats: &Stats,
    user: &UserId,
    after: Option<&RoomName>,
    limit: usize,
) -> Result<Page<Membership, RoomName>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM memberships WHERE user_id = $1 AND room > $2 AND role IS NOT NULL ORDER BY room LIMIT $3"
    );
    let after = after.map_or("", RoomName::as_str);
    let found = connection
        .rows(sql, &[Text(user.as_str()), Text(after), rows_for(limit)])
        .await?;
    let items = found.iter().map(|row| rows::readable(read(row), stats)).collect();
    Ok(page(items, limit, |member: &Membership| member.room.clone()))
}

pub(super) async fn put(
    connection: &mut Connection,
    room: &RoomName,
    user: &UserId,
    role: Role,
) -> Result<Membership, StoreError> {
    let sql = with_now!(
        "INSERT INTO memberships (room, user_id, role, created_at) VALUES ($1, $2, $3, ",
        ") ON CONFLICT (room, user_id) DO UPDATE SET role = excluded.role, \
         created_at = CASE WHEN memberships.role IS NULL THEN excluded.created_at ELSE memberships.created_at END \
         WHERE NOT memberships.banned RETURNING room, user_id, role, muted_until, banned, created_at"
    );
    let values = [Text(room.as_str()), Text(user.as_str()), Text(role.as_str())];
    match connection.row(sql, &values).await? {
        Some(row) => read(&row),
        None => Err(StoreError::Conflict("the user is banned")),
    }
}

/// Needs a transaction.
pub(super) async fn remove(connection: &mut Connection, room: &RoomName, user: &UserId) -> Result<bool, StoreError> {
    let values = [Text(room.as_str()), Text(user.as_str())];
    let left = "UPDATE memberships SET role = NULL WHERE room = $1 AND user_id = $2 AND role IS NOT NULL RETURNING 1";
    let was_member = connection.row(left, &values).await?.is_some();
    forget(connection, room, user).await?;
    Ok(was_member)
}

/// Drops a row that has nothing more to say.
async fn forget(connection: &mut Connection, room: &RoomName, user: &UserId) -> Result<(), StoreError> {
    let sql = with_now!(
        "DELETE FROM memberships WHERE room = $1 AND user_id = $2 AND role IS NULL AND NOT banned \
         AND (muted_until IS NULL OR muted_until <= ",
        ")"
    );
    connection
        .rows(sql, &[Text(room.as_str()), Text(user.as_str())])
        .await?;
    Ok(())
}

pub(super) async fn mute(
    connection: &mut Connection,
    room: &RoomName,
    user: &UserId,
    until: Option<i64>,
) -> Result<Option<Membership>, StoreError> {
    let sql = concat!(
        "UPDATE memberships SET muted_until = $3 WHERE room = $1 AND user_id = $2 AND role IS NOT NULL RETURNING ",
        columns!()
    );
    let values = [Text(room.as_str()), Text(user.as_str()), MaybeInt(until)];
    let row = connection.row(sql, &values).await?;
    row.as_ref().map(read).transpose()
}

/// Needs a transaction.
pub(super) async fn ban(
    connection: &mut Connection,
    room: &RoomName,
    user: &UserId,
    banned: bool,
) -> Result<bool, StoreError> {
    let values = [Text(room.as_str()), Text(user.as_str()), Bool(banned)];
    if banned {
        let sql = with_now!(
            "INSERT INTO memberships (room, user_id, banned, created_at) VALUES ($1, $2, $3, ",
            ") ON CONFLICT (room, user_id) DO UPDATE SET banned = TRUE, role = NULL WHERE NOT memberships.banned \
             RETURNING 1"
        );
        return Ok(connection.row(sql, &values).await?.is_some());
    }
    let sql = "UPDATE memberships SET banned = $3 WHERE room = $1 AND user_id = $2 AND banned RETURNING 1";
    let changed = connection.row(sql, &values).await?.is_some();
    forget(connection, room, user).await?;
    Ok(changed)
}
