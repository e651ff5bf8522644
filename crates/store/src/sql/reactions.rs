//! Reactions to messages.

use std::collections::HashMap;

use hallway_protocol::RoomName;

use super::connection::Connection;
use super::turn::Turn;
use super::value::Sql;
use super::value::Value::{Int, Text};
use super::{messages, rows, with_now};
use crate::{
    Change, Message, MessageId, REACTION_LEN, REACTION_USERS, REACTIONS_MAX, Reacted, Reaction, StoreError, Stored,
};

/// Reads the reactions of messages, in one question for all of them.
pub(super) async fn add(connection: &mut Connection, messages: &mut [Message]) -> Result<(), StoreError> {
    const SQL: Sql = Sql {
        postgres: concat!(
            "SELECT room, message_id, reaction, user_id, total FROM (SELECT room, message_id, reaction, user_id, created_at, ",
            "count(*) OVER everyone AS total, min(created_at) OVER everyone AS began, ",
            "row_number() OVER (PARTITION BY room, message_id, reaction ORDER BY created_at, user_id) AS place ",
            "FROM reactions WHERE (room, message_id) IN ",
            "(SELECT pair->>0, pair->>1 FROM json_array_elements($1::json) AS pair) ",
            "WINDOW everyone AS (PARTITION BY room, message_id, reaction)) AS found ",
            "WHERE place <= $2 ORDER BY began, reaction, place"
        ),
        sqlite: concat!(
            "SELECT room, message_id, reaction, user_id, total FROM (SELECT room, message_id, reaction, user_id, created_at, ",
            "count(*) OVER everyone AS total, min(created_at) OVER everyone AS began, ",
            "row_number() OVER (PARTITION BY room, message_id, reaction ORDER BY created_at, user_id) AS place ",
            "FROM reactions WHERE (room, message_id) IN (SELECT value->>0, value->>1 FROM json_each($1)) ",
            "WINDOW everyone AS (PARTITION BY room, message_id, reaction)) AS found ",
            "WHERE place <= $2 ORDER BY began, reaction, place"
        ),
    };
    if messages.is_empty() {
        return Ok(());
    }
    let wanted = pairs(messages.iter().map(|message| (&message.room, message.id)));
    let found = connection.rows(SQL, &[Text(&wanted), Int(REACTION_USERS)]).await?;
    let places: HashMap<(RoomName, MessageId), usize> = messages
        .iter()
        .enumerate()
        .map(|(place, message)| ((message.room.clone(), message.id), place))
        .collect();
    for row in &found {
        let key = (rows::room(row, 0)?, rows::message_id(row, 1)?);
        let Some(message) = places.get(&key).and_then(|&place| messages.get_mut(place)) else {
            continue;
        };
        let (reaction, user) = (row.text(2)?, rows::user(row, 3)?);
        match message.reactions.last_mut().filter(|last| last.reaction == reaction) {
            Some(last) => last.users.push(user),
            None => message.reactions.push(Reaction {
                reaction,
                count: row.int(4)?,
                users: vec![user],
            }),
        }
    }
    Ok(())
}

/// Rooms and ids as one parameter, for a statement that asks for many.
pub(super) fn pairs<'a>(of: impl Iterator<Item = (&'a RoomName, MessageId)>) -> String {
    let pairs: Vec<[String; 2]> = of.map(|(room, id)| [room.to_string(), id.to_string()]).collect();
    serde_json::Value::from_iter(pairs.into_iter().map(serde_json::Value::from_iter)).to_string()
}

/// Needs a transaction.
pub(super) async fn react(
    connection: &mut Connection,
    room: &RoomName,
    id: MessageId,
    reacted: Reacted,
    lease: i64,
) -> Result<Option<Stored>, StoreError> {
    if reacted.reaction.is_empty() || reacted.reaction.len() > REACTION_LEN {
        return Err(StoreError::Invalid("a reaction has 1 to 64 bytes"));
    }
    let turn = Turn::take(connection, room).await?;
    let Some(message) = messages::get(connection, room, id).await? else {
        return Ok(None);
    };
    if message.deleted_at.is_some() {
        return Ok(None);
    }
    let is_known = message.reactions.iter().any(|it| it.reaction == reacted.reaction);
    if reacted.on && !is_known && message.reactions.len() as i64 >= REACTIONS_MAX {
        return Err(StoreError::Conflict(
            "the message has as many different reactions as it may",
        ));
    }
    let text_id = id.to_string();
    let values = [
        Text(room.as_str()),
        Text(&text_id),
        Text(&reacted.reaction),
        Text(reacted.user.as_str()),
    ];
    let sql = if reacted.on {
        with_now!(
            "INSERT INTO reactions (room, message_id, reaction, user_id, created_at) VALUES ($1, $2, $3, $4, ",
            ") ON CONFLICT (room, message_id, reaction, user_id) DO NOTHING RETURNING 1"
        )
    } else {
        "DELETE FROM reactions WHERE room = $1 AND message_id = $2 AND reaction = $3 AND user_id = $4 RETURNING 1"
            .into()
    };
    if connection.row(sql, &values).await?.is_none() {
        return Ok(Some(Stored { message, change: None }));
    }
    let mut stored = messages::update(connection, turn, message, &Change::Reacted(reacted), lease).await?;
    stored.message.reactions.clear();
    add(connection, std::slice::from_mut(&mut stored.message)).await?;
    Ok(Some(stored))
}
