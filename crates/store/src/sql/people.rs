//! Users.

use hallway_protocol::UserId;

use super::connection::Connection;
use super::value::Value::{Int, MaybeText, Text};
use super::{rows, with_now};
use crate::{StoreError, User};

pub(super) async fn put(connection: &mut Connection, user: &UserId, name: Option<&str>) -> Result<(), StoreError> {
    let sql = with_now!(
        "INSERT INTO users (id, name, created_at) VALUES ($1, $2, ",
        ") ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    );
    connection.rows(sql, &[Text(user.as_str()), MaybeText(name)]).await?;
    Ok(())
}

pub(super) async fn get(connection: &mut Connection, user: &UserId) -> Result<Option<User>, StoreError> {
    let sql = "SELECT id, name, status, last_seen_at, created_at FROM users WHERE id = $1";
    let Some(row) = connection.row(sql, &[Text(user.as_str())]).await? else {
        return Ok(None);
    };
    Ok(Some(User {
        id: rows::user(&row, 0)?,
        name: row.maybe_text(1)?,
        status: row.maybe_text(2)?,
        last_seen_at: row.maybe_int(3)?,
        created_at: row.int(4)?,
    }))
}

pub(super) async fn set_status(
    connection: &mut Connection,
    user: &UserId,
    status: &str,
    at: i64,
) -> Result<bool, StoreError> {
    let sql = with_now!(
        "INSERT INTO users (id, status, last_seen_at, created_at) VALUES ($1, $2, $3, ",
        ") ON CONFLICT (id) DO UPDATE SET status = excluded.status, last_seen_at = excluded.last_seen_at \
         WHERE users.last_seen_at IS NULL OR users.last_seen_at <= excluded.last_seen_at RETURNING 1"
    );
    let taken = connection
        .row(sql, &[Text(user.as_str()), Text(status), Int(at)])
        .await?;
    Ok(taken.is_some())
}
