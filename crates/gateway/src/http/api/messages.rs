//! `/api/v1/rooms/{room}/messages`: messages of the application's own, and all that was said.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hallway_protocol::UserId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::exchange::{Arguments, Body, Failure, RoomPath};
use crate::endpoints::messages_send::{self, Wish};
use crate::messages::Told;
use crate::messages::page::{self, Place};
use crate::messages::rules;
use crate::node::Node;

/// A message to be stored.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRequest {
    /// Whose message it is. Whether they may is the backend's to say.
    #[schema(value_type = String)]
    from_user_id: UserId,
    /// What is said: 1 to 5,000 characters.
    content: String,
    /// `TEXT` if left out, `IMAGE`, `FILE` or `SYSTEM`.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// A message of the same room that it answers.
    #[serde(default)]
    reply_to_id: Option<String>,
    /// A repeat with the same name (of the same user, in the same room) is the same message: nothing is broadcast again.
    #[serde(default)]
    client_message_id: Option<String>,
}

/// Which page. At most one of `after`, `before` and `since`; without any, the newest messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// A cursor, or a message's id: what comes after it.
    after: Option<String>,
    /// A cursor, or a message's id: what comes before it.
    before: Option<String>,
    /// A time in Unix milliseconds: what was stored or changed since; go on with `after`.
    since: Option<u64>,
    /// At most this many, 1 to 200; 50 if left out.
    limit: Option<usize>,
}

/// A stored message. Times in Unix milliseconds, by the database's clock.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageView {
    /// Rises within the room.
    id: String,
    /// Where it was said.
    room: String,
    /// Who said it.
    from_user_id: String,
    /// `TEXT`, `IMAGE`, `FILE` or `SYSTEM`.
    #[serde(rename = "type")]
    kind: String,
    /// What was said; empty once deleted.
    content: String,
    /// The message of the same room that it answers.
    reply_to_id: Option<String>,
    /// What its sender's client calls it.
    client_message_id: Option<String>,
    /// When it was stored.
    created_at: i64,
    /// When its content was last changed.
    edited_at: Option<i64>,
    /// When it was deleted.
    deleted_at: Option<i64>,
    /// What people think of it.
    reactions: Vec<ReactionView>,
    /// Its last change; of two texts of one message, that with the greater revision is the newer.
    revision: String,
    /// The number of its broadcast; absent where nothing was sent, or it is sent later.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The life of the numbering.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    /// Redis's time of the broadcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<u64>,
}

/// One reaction to a message.
#[derive(Serialize, ToSchema)]
pub(super) struct ReactionView {
    /// The text, such as an emoji.
    reaction: String,
    /// How many gave it.
    count: i64,
    /// Who did, the first ones first, at most 50.
    users: Vec<String>,
}

impl From<Told> for MessageView {
    fn from(Told { message, numbers }: Told) -> Self {
        let reactions = message.reactions.into_iter().map(|it| ReactionView {
            reaction: it.reaction,
            count: it.count,
            users: it.users.iter().map(ToString::to_string).collect(),
        });
        Self {
            id: message.id.to_string(),
            room: message.room.to_string(),
            from_user_id: message.from_user_id.to_string(),
            kind: message.kind.as_str().to_owned(),
            content: message.content,
            reply_to_id: message.reply_to_id.map(|id| id.to_string()),
            client_message_id: message.client_message_id,
            created_at: message.created_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            reactions: reactions.collect(),
            revision: message.revision.to_string(),
            seq: numbers.as_ref().and_then(|numbers| numbers.seq),
            epoch: numbers
                .as_ref()
                .and_then(|numbers| numbers.epoch)
                .map(|epoch| epoch.to_string()),
            ts: numbers.map(|numbers| numbers.ts),
        }
    }
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesPage {
    /// The oldest (or longest unchanged) first; deleted ones without content.
    #[schema(value_type = Vec<MessageView>)]
    messages: Vec<Box<RawValue>>,
    /// Where to go on, if there is more.
    next_cursor: Option<String>,
}

/// Store a message as a user's and tell the room. The answer is the stored message, with the numbers of its broadcast if that
/// was sent at once. Rooms of a kind that keeps no messages are refused.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/messages", operation_id = "sendMessage", tag = "messages",
    params(("room" = String, Path)), request_body = MessageRequest,
    responses((status = 200, body = MessageView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn send(
    State(node): State<Arc<Node>>,
    RoomPath(room): RoomPath,
    Body(request): Body<MessageRequest>,
) -> Result<Json<MessageView>, Failure> {
    rules::room_of(&node, &room)?;
    let wish = Wish {
        content: request.content,
        kind: request.kind,
        reply_to_id: request.reply_to_id,
        client_message_id: request.client_message_id,
    };
    let message = wish.checked(room, request.from_user_id, true)?;
    let told = messages_send::send(&node, message, None).await?;
    Ok(Json(told.into()))
}

/// A room's messages, a page at a time.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/messages", operation_id = "messages", tag = "messages",
    params(("room" = String, Path), MessagesQuery),
    responses((status = 200, body = MessagesPage), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    RoomPath(room): RoomPath,
    Arguments(query): Arguments<MessagesQuery>,
) -> Result<Json<MessagesPage>, Failure> {
    rules::room_of(&node, &room)?;
    let place = Place {
        after: query.after.as_deref(),
        before: query.before.as_deref(),
        since: query.since,
    };
    let page = page::read(&node, room, place, query.limit).await?;
    Ok(Json(MessagesPage {
        messages: page.messages,
        next_cursor: page.next_cursor,
    }))
}
