//! A room's turn: changes of its messages happen one after another.

use hallway_protocol::RoomName;

use super::connection::Connection;
use super::value::Value::{Int, MaybeText, Text};
use super::{rows, with_now};
use crate::{Change, ChangeId, MessageId, StoreError};

/// Tells our advisory locks from others in the same database.
const LOCK_SEED: i64 = 0x6861_6c6c;

/// The right to change messages of a room, until the transaction ends.
pub(super) struct Turn {
    room: RoomName,
    /// The revision that the change gets: greater than any of the room.
    pub(super) revision: MessageId,
}

impl Turn {
    /// Waits for it. In SQLite the transaction has it from its beginning: there is one writer.
    ///
    /// Without it, a change that commits later could have a lower revision than one that was already read, and would never
    /// be found by who lists what came after.
    pub(super) async fn take(connection: &mut Connection, room: &RoomName) -> Result<Self, StoreError> {
        if connection.is_postgres() {
            // A statement of its own: the next one must see what was committed while this one waited.
            let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))";
            connection.rows(lock, &[Text(room.as_str()), Int(LOCK_SEED)]).await?;
        }
        let sql = with_now!("SELECT ", ", (SELECT max(revision) FROM messages WHERE room = $1)");
        let row = connection.row(sql, &[Text(room.as_str())]).await?;
        let row = row.ok_or_else(|| StoreError::Refused("the clock gives no time".into()))?;
        let (now, last) = (row.int(0)?, rows::maybe_message_id(&row, 1)?);
        Ok(Self {
            room: room.clone(),
            revision: MessageId::next(last, now, rand::random()),
        })
    }

    /// Puts the change into the outbox; who makes it has it to themselves for the time of the lease (milliseconds).
    pub(super) async fn put_in_outbox(
        self,
        connection: &mut Connection,
        message: MessageId,
        change: &Change,
        lease: i64,
    ) -> Result<ChangeId, StoreError> {
        let (name, by) = match change {
            Change::Created => ("created", None),
            Change::Edited => ("edited", None),
            Change::Deleted => ("deleted", None),
            Change::Reacted(reacted) if reacted.on => ("reacted", Some(reacted)),
            Change::Reacted(reacted) => ("unreacted", Some(reacted)),
        };
        let sql = with_now!(
            "INSERT INTO outbox (room, revision, message_id, change, user_id, reaction, due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7 + ",
            ")"
        );
        let (revision, message) = (self.revision.to_string(), message.to_string());
        let values = [
            Text(self.room.as_str()),
            Text(&revision),
            Text(&message),
            Text(name),
            MaybeText(by.map(|by| by.user.as_str())),
            MaybeText(by.map(|by| by.reaction.as_str())),
            Int(lease),
        ];
        connection.rows(sql, &values).await?;
        Ok(ChangeId {
            room: self.room,
            revision: self.revision,
        })
    }
}
