//! `/api/v1/users/{userId}` and `/api/v1/disconnect`: a user's sockets, seen and closed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hallway_protocol::{ClientId, Error, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{Body, Failure, UserPath};
use super::rooms::Empty;
use crate::cluster::{Request, SocketInfo};
use crate::node::Node;

/// Longest reason in bytes: what a close frame holds (RFC 6455 §5.5).
const REASON_LEN: usize = 123;

/// One socket of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserSocket {
    /// The connection.
    client_id: String,
    /// The node that holds it.
    node: String,
    /// Whether its user looks at it.
    is_active: bool,
    /// What it says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserView {
    /// The user.
    user_id: String,
    /// `ONLINE` while there are sockets, else `OFFLINE`.
    status: String,
    /// The sockets, on all nodes.
    sockets: Vec<UserSocket>,
}

/// Whom to send away.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DisconnectRequest {
    /// All sockets of this user; or `clientId`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    user_id: Option<UserId>,
    /// This socket; or `userId`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    client_id: Option<ClientId>,
    /// What the close frame says, at most 123 bytes.
    #[serde(default)]
    reason: Option<String>,
    /// With `userId`: refuse the user's tokens and tickets that were issued before now, everywhere and for as long as
    /// `auth.revocation_life` says.
    #[serde(default)]
    revoke: bool,
}

/// A user's status and sockets, with their nodes.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}", operation_id = "user", tag = "users", params(("userId" = String, Path)),
    responses((status = 200, body = UserView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn user(State(node): State<Arc<Node>>, UserPath(user): UserPath) -> Result<Json<UserView>, Failure> {
    let answers: Vec<Vec<SocketInfo>> = node.cluster.ask(&Request::User { user: user.clone() }).await?;
    let sockets: Vec<UserSocket> = answers
        .into_iter()
        .flatten()
        .map(|socket| UserSocket {
            client_id: socket.client_id.to_string(),
            node: socket.node,
            is_active: socket.is_active,
            device: socket.device,
        })
        .collect();
    let status = if sockets.is_empty() { "OFFLINE" } else { "ONLINE" };
    Ok(Json(UserView {
        user_id: user.to_string(),
        status: status.into(),
        sockets,
    }))
}

/// Closes all sockets of a user, or one socket, on every node, with close code 4403; with `revoke` with 4410, and
/// those of nodes that are cut off from the others when they are back.
#[utoipa::path(
    post, path = "/api/v1/disconnect", operation_id = "disconnect", tag = "users", request_body = DisconnectRequest,
    responses((status = 200, body = Empty), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn disconnect(
    State(node): State<Arc<Node>>,
    Body(request): Body<DisconnectRequest>,
) -> Result<Json<Empty>, Failure> {
    if request.user_id.is_some() == request.client_id.is_some() {
        return Err(Error::bad_args("userId", "either userId or clientId").into());
    }
    let reason = request
        .reason
        .unwrap_or_else(|| "disconnected by the backend".to_owned());
    if reason.len() > REASON_LEN {
        return Err(Error::bad_args("reason", "reason has at most 123 bytes").into());
    }
    let revoked_before = match (&request.user_id, request.revoke) {
        (_, false) => None,
        (Some(user), true) => {
            let revocation = node.revocations.revoke(user, &reason).await;
            Some(revocation.map_err(crate::error::from_bus)?.before)
        }
        (None, true) => return Err(Error::bad_args("revoke", "revoke needs a userId").into()),
    };
    let ask = Request::Disconnect {
        user: request.user_id,
        client: request.client_id,
        reason,
        revoked_before,
    };
    let told: Result<Vec<u64>, Error> = node.cluster.ask(&ask).await;
    // What is revoked is remembered: whoever was not reached learns of it with the next look, or when it is back.
    if revoked_before.is_none() {
        told?;
    }
    Ok(Json(Empty {}))
}
