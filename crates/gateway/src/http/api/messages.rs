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
use crate::endpoints::to_data;
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

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesPage {
    /// The oldest (or longest unchanged) first; deleted ones without content.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Box<RawValue>>,
    /// Where to go on, if there is more.
    next_cursor: Option<String>,
}

/// Store a message as a user's and tell the room. The answer is the stored message, with the numbers of its broadcast if that
/// was sent at once. Rooms of a kind that keeps no messages are refused.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/messages", operation_id = "sendMessage", tag = "messages",
    params(("room" = String, Path)), request_body = MessageRequest,
    responses((status = 200, body = Object), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn send(
    State(node): State<Arc<Node>>,
    RoomPath(room): RoomPath,
    Body(request): Body<MessageRequest>,
) -> Result<Json<Box<RawValue>>, Failure> {
    rules::room_of(&node, &room)?;
    let wish = Wish {
        content: request.content,
        kind: request.kind,
        reply_to_id: request.reply_to_id,
        client_message_id: request.client_message_id,
    };
    let message = wish.checked(room, request.from_user_id, true)?;
    let told = messages_send::send(&node, message, None).await?;
    Ok(Json(to_data(&told)?))
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
