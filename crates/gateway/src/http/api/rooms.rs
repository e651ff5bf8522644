//! `/api/v1/rooms/{room}`: its state and people, its history, and users put in and taken out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hallway_protocol::endpoint::{RoomUser, RoomsInfo};
use hallway_protocol::kind::JoinRule;
use hallway_protocol::{Error, ErrorCode, RoomName, UserId};
use hallway_store::{Members as _, Role};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::exchange::{Arguments, Failure, RoomPath, RoomUserPath};
use crate::cluster::Request;
use crate::endpoints::{rooms_history, rooms_info, rooms_state};
use crate::error::from_store;
use crate::groups;
use crate::node::Node;

/// Where a room stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomState {
    /// Redis's time of the last broadcast, in Unix milliseconds.
    last_broadcast_timestamp: u64,
    /// Number of the last broadcast.
    seq: u64,
    /// The life of the numbering.
    epoch: String,
}

impl From<hallway_protocol::endpoint::State> for RoomState {
    fn from(state: hallway_protocol::endpoint::State) -> Self {
        Self {
            last_broadcast_timestamp: state.last_broadcast_timestamp,
            seq: state.seq,
            epoch: state.epoch.to_string(),
        }
    }
}

/// One user of a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomMember {
    /// The user.
    user_id: String,
    /// What the user shows: `ONLINE`, `IDLE`, `DND` or `OFFLINE`.
    status: String,
    /// How many sockets of this user are in the room.
    sockets: u64,
}

impl From<RoomUser> for RoomMember {
    fn from(user: RoomUser) -> Self {
        Self {
            user_id: user.user_id.to_string(),
            status: user.status.wire().into(),
            sockets: user.sockets,
        }
    }
}

/// A room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomView {
    /// Its name.
    room: String,
    /// Where its numbering stands; null where nothing was broadcast or nothing is kept.
    state: Option<RoomState>,
    /// Who is in it; empty for kinds that show no one.
    users: Vec<RoomMember>,
    /// How many users are in it.
    user_count: u64,
    /// How many sockets are in it.
    socket_count: u64,
    /// The user to ask on from, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which page of users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// Only users after this one, by name.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
    /// At most this many, 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// A page of history.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryPage {
    /// Broadcasts as sockets hear them, in the order of their numbers.
    #[schema(value_type = Vec<Object>)]
    broadcasts: Vec<Box<RawValue>>,
    /// Where the room stands.
    state: Option<RoomState>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Only what came after this number.
    after_seq: Option<u64>,
    /// At most this many, 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// As what.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MemberQuery {
    /// `owner`, `moderator` or `member`; if left out, what the user was, or `member`.
    role: Option<String>,
}

/// Nothing.
#[derive(Serialize, ToSchema)]
pub(super) struct Empty {}

/// A room's state and who is in it, on all nodes, in pages by user.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}", operation_id = "room", tag = "rooms",
    params(("room" = String, Path), PeopleQuery),
    responses((status = 200, body = RoomView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn room(
    State(node): State<Arc<Node>>,
    RoomPath(room): RoomPath,
    Arguments(query): Arguments<PeopleQuery>,
) -> Result<Json<RoomView>, Failure> {
    let people = RoomsInfo {
        room: room.clone(),
        after: query.after,
        limit: query.limit,
    };
    let (state, info) = tokio::try_join!(rooms_state::read(&node, room), rooms_info::gather(&node, people))?;
    Ok(Json(RoomView {
        room: info.room.to_string(),
        state: state.map(RoomState::from),
        users: info.users.into_iter().map(RoomMember::from).collect(),
        user_count: info.user_count,
        socket_count: info.socket_count,
        next: info.next.map(|user| user.to_string()),
    }))
}

/// A room's kept broadcasts.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/history", operation_id = "history", tag = "rooms",
    params(("room" = String, Path), HistoryQuery),
    responses((status = 200, body = HistoryPage), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn history(
    State(node): State<Arc<Node>>,
    RoomPath(room): RoomPath,
    Arguments(query): Arguments<HistoryQuery>,
) -> Result<Json<HistoryPage>, Failure> {
    let page = rooms_history::read(&node, room, query.after_seq, query.limit).await?;
    Ok(Json(HistoryPage {
        broadcasts: page.broadcasts,
        state: page.state.map(RoomState::from),
    }))
}

/// Makes a user a member of a room, where the gateway keeps its members (`join = "members"`), and puts all their sockets into
/// it, on every node.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/users/{userId}", operation_id = "join", tag = "rooms",
    params(("room" = String, Path), ("userId" = String, Path), MemberQuery),
    responses((status = 200, body = Empty), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn join(
    State(node): State<Arc<Node>>,
    RoomUserPath(room, user): RoomUserPath,
    Arguments(query): Arguments<MemberQuery>,
) -> Result<Json<Empty>, Failure> {
    let role = query.role.as_deref().map(groups::role_of).transpose()?;
    if check_joinable(&node, &room)? == JoinRule::Members && node.authority.keeps_members() {
        let store = node.store.get().map_err(from_store)?;
        let role = match role {
            Some(role) => role,
            None => {
                let has = store.role_in(UserId::clone(&user), room.clone()).await;
                has.map_err(from_store)?.unwrap_or(Role::Member)
            }
        };
        let put = store.put_member(room.clone(), UserId::clone(&user), role);
        put.await.map_err(from_store)?;
        return stored(everywhere(&node, &Request::Join { room, user }).await);
    }
    everywhere(&node, &Request::Join { room, user }).await
}

/// Ends a user's membership of a room, where the gateway keeps it, and takes all their sockets out of the room, on every node.
/// A node that is cut off does it when it is back.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}/users/{userId}", operation_id = "leave", tag = "rooms",
    params(("room" = String, Path), ("userId" = String, Path)),
    responses((status = 200, body = Empty), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn leave(
    State(node): State<Arc<Node>>,
    RoomUserPath(room, user): RoomUserPath,
) -> Result<Json<Empty>, Failure> {
    if check_joinable(&node, &room)? == JoinRule::Members && node.authority.keeps_members() {
        let store = node.store.get().map_err(from_store)?;
        let removed = store.remove_member(room.clone(), UserId::clone(&user));
        removed.await.map_err(from_store)?;
        let user = UserId::clone(&user);
        return stored(
            everywhere(
                &node,
                &Request::Leave {
                    room,
                    user,
                    reason: None,
                },
            )
            .await,
        );
    }
    let user = UserId::clone(&user);
    everywhere(
        &node,
        &Request::Leave {
            room,
            user,
            reason: None,
        },
    )
    .await
}

/// What was stored holds: a node that could not be told looks at its sockets when it is back.
fn stored(told: Result<Json<Empty>, Failure>) -> Result<Json<Empty>, Failure> {
    if told.is_err() {
        tracing::warn!("a membership was changed, and not every node could be told");
    }
    Ok(Json(Empty {}))
}

/// The rule of a room that users can be put into.
fn check_joinable(node: &Node, room: &RoomName) -> Result<JoinRule, Error> {
    let resolved = crate::endpoints::resolve(node, room)?;
    if resolved.kind.by_node {
        return Err(Error::new(
            ErrorCode::Forbidden,
            "the node itself joins rooms of this kind",
        ));
    }
    if resolved.kind.join == JoinRule::Lobby {
        let why = format!("{room} is a lobby's room: its members come by lobby.join");
        return Err(Error::new(ErrorCode::Forbidden, why));
    }
    if resolved.line > 0 {
        return Err(Error::bad_args(
            "room",
            format!("{room} is heard by whoever is in {}", resolved.home),
        ));
    }
    Ok(resolved.kind.join)
}

async fn everywhere(node: &Node, request: &Request) -> Result<Json<Empty>, Failure> {
    let _: Vec<u64> = node.cluster.ask(request).await?;
    Ok(Json(Empty {}))
}
