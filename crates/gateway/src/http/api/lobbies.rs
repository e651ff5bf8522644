//! `/api/v1/lobbies`: all lobbies, one of them, and its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use hallway_protocol::lobby::{LobbyListed, LobbyMember};
use hallway_protocol::{Error, ErrorCode, Lobby, LobbyId};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::exchange::{Arguments, Failure};
use super::rooms::Empty;
use crate::lobbies;
use crate::node::Node;

/// Someone in a lobby.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LobbyMemberView {
    /// The user.
    user_id: String,
    /// As their token names them, if it does.
    name: Option<String>,
}

impl From<LobbyMember> for LobbyMemberView {
    fn from(member: LobbyMember) -> Self {
        Self {
            user_id: member.user_id.to_string(),
            name: member.name,
        }
    }
}

/// A lobby.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LobbyView {
    /// Its id; its room is `lobby-{lobbyId}`.
    lobby_id: String,
    /// Whose it is.
    owner_id: String,
    /// Its name, if it was given one.
    name: Option<String>,
    /// Most people in it.
    capacity: u32,
    /// How many are in it.
    member_count: usize,
    /// Who is in it, the longest-standing first; in a list at most 20.
    members: Vec<LobbyMemberView>,
    /// When it was made, in Unix milliseconds.
    created_at: u64,
    /// When it last changed.
    updated_at: u64,
}

impl From<LobbyListed> for LobbyView {
    fn from(lobby: LobbyListed) -> Self {
        let LobbyListed { summary, members } = lobby;
        Self {
            lobby_id: summary.lobby_id.to_string(),
            owner_id: summary.owner_id.to_string(),
            name: summary.name,
            capacity: summary.capacity,
            member_count: summary.member_count,
            members: members.into_iter().map(Into::into).collect(),
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        }
    }
}

impl From<Lobby> for LobbyView {
    fn from(lobby: Lobby) -> Self {
        let summary = lobby.summary();
        let members = lobby.members;
        LobbyListed { summary, members }.into()
    }
}

/// A page of lobbies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LobbiesView {
    /// Newest first.
    lobbies: Vec<LobbyView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LobbiesQuery {
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 100; 10 if left out.
    limit: Option<usize>,
}

/// The lobby of a path.
pub(super) struct LobbyPath(LobbyId);

impl FromRequestParts<Arc<Node>> for LobbyPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, &()).await;
        let id = path.ok().and_then(|Path(text)| LobbyId::parse(&text));
        let missing = || Error::new(ErrorCode::NotFound, "there is no such lobby");
        Ok(Self(id.ok_or_else(missing)?))
    }
}

/// All lobbies in pages, newest first.
#[utoipa::path(
    get, path = "/api/v1/lobbies", operation_id = "lobbies", tag = "lobbies", params(LobbiesQuery),
    responses((status = 200, body = LobbiesView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn lobbies(
    State(node): State<Arc<Node>>,
    Arguments(query): Arguments<LobbiesQuery>,
) -> Result<Json<LobbiesView>, Failure> {
    let cursor = query.cursor.as_deref().map(str::parse).transpose();
    let cursor = cursor.map_err(|why| Error::bad_args("cursor", why))?;
    let page = node.lobbies.list(cursor, query.limit).await?;
    Ok(Json(LobbiesView {
        lobbies: page.lobbies.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// A lobby with all its members.
#[utoipa::path(
    get, path = "/api/v1/lobbies/{lobbyId}", operation_id = "lobby", tag = "lobbies",
    params(("lobbyId" = String, Path)),
    responses((status = 200, body = LobbyView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn lobby(State(node): State<Arc<Node>>, LobbyPath(id): LobbyPath) -> Result<Json<LobbyView>, Failure> {
    Ok(Json(node.lobbies.get(id).await?.into()))
}

/// Ends a lobby: its members hear `lobby-deleted` and leave its room, on every node.
#[utoipa::path(
    delete, path = "/api/v1/lobbies/{lobbyId}", operation_id = "endLobby", tag = "lobbies",
    params(("lobbyId" = String, Path)),
    responses((status = 200, body = Empty), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn end(State(node): State<Arc<Node>>, LobbyPath(id): LobbyPath) -> Result<Json<Empty>, Failure> {
    let left = node.lobbies.end(id).await?;
    lobbies::left(&node, &left, None);
    Ok(Json(Empty {}))
}
