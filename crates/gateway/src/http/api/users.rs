//! `/api/v1/users/{userId}` and `/api/v1/disconnect`: a user's sockets, seen and closed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hallway_auth::SessionToken;
use hallway_protocol::{ClientId, Error, ErrorCode, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{Body, Failure, UserPath};
use super::rooms::Empty;
use crate::cluster::Request;
use crate::error::from_bus;
use crate::node::Node;
use crate::people::About;

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
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Since when, in Unix milliseconds.
    connected_at: u64,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserView {
    /// The user.
    user_id: String,
    /// What the user shows: `ONLINE`, `IDLE`, `DND` or `OFFLINE` (also of one who chose not to be seen).
    status: String,
    /// When a socket was last there, in Unix milliseconds, if that is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<u64>,
    /// The sockets, on all nodes.
    sockets: Vec<UserSocket>,
}

/// Whom to send away.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DisconnectRequest {
    /// All sockets of this user; or `clientId`, or `sessionToken`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    user_id: Option<UserId>,
    /// This socket.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    client_id: Option<ClientId>,
    /// All sockets that stand on the session with this token.
    #[serde(default)]
    session_token: Option<String>,
    /// What the close frame says, at most 123 bytes.
    #[serde(default)]
    reason: Option<String>,
    /// With `userId`: refuse the user's tokens and tickets that were issued before now, everywhere and for as long as
    /// `auth.revocation_life` says. With `sessionToken`: its tickets; the token itself is good while the database knows it.
    #[serde(default)]
    revoke: bool,
}

/// A user's status and sockets, with their nodes.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}", operation_id = "user", tag = "users", params(("userId" = String, Path)),
    responses((status = 200, body = UserView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn user(State(node): State<Arc<Node>>, UserPath(user): UserPath) -> Result<Json<UserView>, Failure> {
    // Who was just let in or taken out here is to be seen so.
    node.people.settled().await?;
    let people = node.people.log().people(vec![user.clone()]).await.map_err(from_bus)?;
    let person = people.into_iter().next();
    let person = person.ok_or_else(|| Error::new(ErrorCode::Internal, "internal error"))?;
    let sockets = person.sockets.into_iter().map(|(client, about)| {
        let about = About::read(&about);
        UserSocket {
            client_id: client.to_string(),
            node: about.node,
            is_active: about.is_active,
            device: about.device,
            address: about.address,
            connected_at: about.connected_at,
        }
    });
    Ok(Json(UserView {
        user_id: user.to_string(),
        status: person.standing.status.wire().into(),
        last_seen_at: person.seen_at,
        sockets: sockets.collect(),
    }))
}

/// Closes all sockets of a user or of a session, or one socket, on every node, with close code 4403; with `revoke` with 4410
/// (of a session: 4401), and those of nodes that are cut off from the others when they are back.
#[utoipa::path(
    post, path = "/api/v1/disconnect", operation_id = "disconnect", tag = "users", request_body = DisconnectRequest,
    responses((status = 200, body = Empty), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn disconnect(
    State(node): State<Arc<Node>>,
    Body(request): Body<DisconnectRequest>,
) -> Result<Json<Empty>, Failure> {
    let named = [
        request.user_id.is_some(),
        request.client_id.is_some(),
        request.session_token.is_some(),
    ];
    if named.into_iter().filter(|&is| is).count() != 1 {
        return Err(Error::bad_args("userId", "one of userId, clientId and sessionToken").into());
    }
    let session = request.session_token.as_deref().map(|token| {
        let token = SessionToken::parse(token).map(|token| token.id().clone());
        token.ok_or_else(|| Error::bad_args("sessionToken", "sessionToken has 1 to 1024 bytes"))
    });
    let session = session.transpose()?;
    let reason = request
        .reason
        .unwrap_or_else(|| "disconnected by the backend".to_owned());
    if reason.len() > REASON_LEN {
        return Err(Error::bad_args("reason", "reason has at most 123 bytes").into());
    }
    let revocation = match (&request.user_id, &session) {
        _ if !request.revoke => None,
        (Some(user), _) => Some(node.revocations.revoke(user, &reason).await),
        (_, Some(session)) => Some(node.revocations.revoke_session(session, &reason).await),
        (None, None) => {
            return Err(Error::bad_args("revoke", "revoke needs a userId or a sessionToken").into());
        }
    };
    let revocation = revocation.transpose().map_err(crate::error::from_bus)?;
    let revoked_before = revocation.map(|revocation| revocation.before);
    let ask = Request::Disconnect {
        user: request.user_id,
        client: request.client_id,
        session,
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
