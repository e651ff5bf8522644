//! `POST /api/v1/broadcast`: publishes to one room or to several.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::future::join_all;
use hallway_protocol::endpoint::check_destination;
use hallway_protocol::{ClientId, Error, Numbers, RoomName, json, limits};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::exchange::{Body, Failure};
use crate::endpoints::rooms_broadcast::{Words, publish_traced};
use crate::node::Node;
use crate::traces::{Origin, Parent};

/// What to publish.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BroadcastRequest {
    /// The room; or `rooms`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    room: Option<RoomName>,
    /// Up to 100 rooms; or `room`.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    rooms: Option<Vec<RoomName>>,
    /// The event's name, 1 to 200 bytes.
    destination: String,
    /// What is said, untouched.
    #[schema(value_type = Value)]
    data: Box<RawValue>,
    /// A connection that is not to hear it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    exclude_client: Option<ClientId>,
    /// Makes a repeat within five minutes harmless: it answers the first one's numbers and publishes nothing.
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// A room's share of the answer.
#[derive(Serialize, ToSchema)]
pub(super) struct BroadcastResult {
    /// The room.
    #[schema(value_type = String)]
    room: RoomName,
    /// The number; absent for rooms that keep no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The life of the numbering; absent for rooms that keep no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    epoch: Option<hallway_protocol::Epoch>,
    /// Redis's time, in Unix milliseconds.
    ts: u64,
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(super) struct BroadcastResponse {
    /// In the order in which the rooms were named.
    results: Vec<BroadcastResult>,
}

/// Publish to one room or to several. Everything is checked before anything is published. If a room then
/// fails, the call fails: with an `idempotencyKey` it can be repeated without a double.
#[utoipa::path(
    post, path = "/api/v1/broadcast", operation_id = "broadcast", tag = "rooms", request_body = BroadcastRequest,
    responses((status = 200, body = BroadcastResponse), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn broadcast(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    Body(request): Body<BroadcastRequest>,
) -> Result<Json<BroadcastResponse>, Failure> {
    let parent = headers.get("traceparent").and_then(|header| header.to_str().ok());
    let parent = parent.and_then(Parent::parse);
    let rooms = checked_rooms(&request)?;
    let data: Box<str> = request.data.into();
    let data = Bytes::from(data.into_string());
    let mut under_way = Vec::with_capacity(rooms.len());
    let kinds = rooms
        .iter()
        .map(|room| crate::endpoints::resolve(&node, room))
        .collect::<Result<Vec<_>, Error>>()?;
    for (room, resolved) in rooms.iter().zip(kinds) {
        let words = Words {
            destination: request.destination.clone(),
            data: data.clone(),
            exclude: request.exclude_client,
            idempotency_key: request.idempotency_key.clone(),
        };
        let span = node
            .traces
            .publishing(Origin::Backend, parent, room, &words.destination);
        under_way.push(publish_traced(&node, resolved.kind, room.clone(), words, span));
    }
    let published = join_all(under_way)
        .await
        .into_iter()
        .collect::<Result<Vec<Numbers>, Error>>()?;
    let result = |(room, numbers): (RoomName, Numbers)| BroadcastResult {
        room,
        seq: numbers.seq,
        epoch: numbers.epoch,
        ts: numbers.ts,
    };
    Ok(Json(BroadcastResponse {
        results: rooms.into_iter().zip(published).map(result).collect(),
    }))
}

fn checked_rooms(request: &BroadcastRequest) -> Result<Vec<RoomName>, Error> {
    check_destination(&request.destination)?;
    json::check_payload(request.data.get(), "data")?;
    if let Some(key) = &request.idempotency_key
        && (key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_LEN)
    {
        return Err(Error::bad_args("idempotencyKey", "idempotencyKey has 1 to 200 bytes"));
    }
    match (&request.room, &request.rooms) {
        (Some(room), None) => Ok(vec![room.clone()]),
        (None, Some(rooms)) if (1..=limits::BROADCAST_ROOMS).contains(&rooms.len()) => {
            let distinct: std::collections::HashSet<_> = rooms.iter().collect();
            if distinct.len() < rooms.len() {
                return Err(Error::bad_args("rooms", "rooms names a room twice"));
            }
            Ok(rooms.clone())
        }
        (None, Some(_)) => Err(Error::bad_args("rooms", "rooms names 1 to 100 rooms")),
        _ => Err(Error::bad_args("room", "either room or rooms")),
    }
}
