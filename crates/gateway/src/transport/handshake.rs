//! What a request to `/ws` must bring: the WebSocket headers, a subprotocol that we speak, an origin that is
//! allowed, and a token, unless one may come later. Decides on the headers alone; touches no socket.

use std::borrow::Cow;
use std::str::FromStr;

use hallway_auth::{Identity, TokenError};
use hallway_protocol::{Codec, Error, ErrorCode, UserId};
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, request};

use super::cookies;
use crate::node::Node;

/// Offered subprotocols that carry a token begin so; they are never echoed.
const TOKEN_SUBPROTOCOL: &str = "hallway.token.";

/// A request that may be upgraded.
#[derive(Debug)]
pub struct Accepted {
    /// The agreed codec.
    pub codec: Codec,
    /// Whether the client offered the codec's subprotocol, so that it is to be answered.
    pub answer_subprotocol: bool,
    /// The value for `Sec-WebSocket-Accept`.
    pub accept_key: String,
    /// Who it is; nobody yet where the token comes in the first frame.
    pub identity: Option<Identity>,
}

/// A request that is answered with an HTTP error.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The error object of the body.
    pub error: Error,
    /// The outcome it is counted under.
    pub outcome: &'static str,
}

fn refused(status: StatusCode, code: ErrorCode, outcome: &'static str, message: impl Into<String>) -> Refused {
    Refused {
        status,
        error: Error::new(code, message),
        outcome,
    }
}

fn bad_request(message: &str) -> Refused {
    refused(StatusCode::BAD_REQUEST, ErrorCode::BadFrame, "bad-request", message)
}

/// Checks a request for an upgrade of `/ws`.
///
/// # Errors
/// The answer to send instead.
pub async fn check(node: &Node, request: &request::Parts) -> Result<Accepted, Refused> {
    let headers = &request.headers;
    let accept_key = check_upgrade(&request.method, headers)?;
    check_origin(node, headers)?;
    let offers = offers(headers)?;
    let (codec, answer_subprotocol) = choose_codec(&offers)?;
    let identity = identify(node, request, &offers).await?;
    if let Some(user) = identity.as_ref().and_then(|identity| identity.user.as_ref()) {
        check_user(node, user)?;
    }
    Ok(Accepted {
        codec,
        answer_subprotocol,
        accept_key,
        identity,
    })
}

/// RFC 6455 §4.2.1.
pub(super) fn check_upgrade(method: &Method, headers: &HeaderMap) -> Result<String, Refused> {
    let has_token = |name: HeaderName, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    };
    if method != Method::GET || !has_token(UPGRADE, "websocket") || !has_token(CONNECTION, "upgrade") {
        return Err(bad_request("this is a WebSocket endpoint"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(refused(
            StatusCode::UPGRADE_REQUIRED,
            ErrorCode::BadFrame,
            "bad-request",
            "WebSocket version 13",
        ));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or_else(|| bad_request("Sec-WebSocket-Key is missing or not 16 bytes"))?;
    Ok(tokio_tungstenite::tungstenite::handshake::derive_accept_key(
        key.as_bytes(),
    ))
}

/// A page of another site must not use the cookies or the network place of its visitor. What sends no
/// `Origin` is no browser (RFC 6455 §10.2).
pub(super) fn check_origin(node: &Node, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let access = node.access();
    let allowed = &access.origins;
    let good = if !allowed.is_empty() {
        allowed.iter().any(|one| one.covers(origin))
    } else {
        access.dev || same_origin(origin, headers)
    };
    if good {
        return Ok(());
    }
    Err(refused(
        StatusCode::FORBIDDEN,
        ErrorCode::Forbidden,
        "origin",
        "this origin is not allowed",
    ))
}

fn same_origin(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let origin = Uri::from_str(origin).ok();
    let authority = origin
        .as_ref()
        .and_then(|origin| origin.authority())
        .map(|authority| authority.as_str());
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn offers(headers: &HeaderMap) -> Result<Vec<&str>, Refused> {
    let mut offers = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let value = value
            .to_str()
            .map_err(|_| bad_request("Sec-WebSocket-Protocol is not ASCII"))?;
        offers.extend(value.split(',').map(str::trim).filter(|offer| !offer.is_empty()));
    }
    Ok(offers)
}

fn choose_codec(offers: &[&str]) -> Result<(Codec, bool), Refused> {
    let known = offers.iter().find_map(|offer| Codec::from_subprotocol(offer));
    match known {
        Some(codec) => Ok((codec, true)),
        // A token alone is no offer of a codec.
        None if offers.iter().all(|offer| offer.starts_with(TOKEN_SUBPROTOCOL)) => Ok((Codec::Json, false)),
        None => Err(bad_request(
            "none of the offered subprotocols is known: hallway.v1.json, hallway.v1.msgpack",
        )),
    }
}

async fn identify(node: &Node, request: &request::Parts, offers: &[&str]) -> Result<Option<Identity>, Refused> {
    let offered = offers.iter().find_map(|offer| offer.strip_prefix(TOKEN_SUBPROTOCOL));
    match brought(node, request, offered)? {
        Some(token) => {
            let identity = node.authenticate(&token).await.map_err(|why| bad_token(&why))?;
            // Looked at again when the connection is in the hub.
            match node.revocations.check(&identity) {
                Ok(()) => Ok(Some(identity)),
                Err(why) => Err(unauthenticated("revoked", why.close().1)),
            }
        }
        None if node.access().anonymous => Ok(Some(Identity::anonymous())),
        None => Ok(None),
    }
}

/// Who connects as a Socket.IO client, as far as the handshake says it. A token in the packet that enters a namespace
/// counts for more, so that one that is no good here is no error yet.
///
/// # Errors
/// The headers are not what they should be.
pub(super) async fn visitor(
    node: &Node,
    request: &request::Parts,
) -> Result<Result<Option<Identity>, TokenError>, Refused> {
    Ok(match brought(node, request, None)? {
        Some(token) => node.authenticate(&token).await.map(Some),
        None => Ok(None),
    })
}

/// The token that a request brings; `offered` is one of its subprotocols.
fn brought<'r>(
    node: &Node,
    request: &'r request::Parts,
    offered: Option<&'r str>,
) -> Result<Option<Cow<'r, str>>, Refused> {
    let headers = &request.headers;
    Ok(bearer(headers)?
        .or(offered)
        .or_else(|| cookie(node, headers))
        .map(Cow::Borrowed)
        .or_else(|| session_cookie(node, headers))
        .or_else(|| query(node, &request.uri).map(Cow::Borrowed)))
}

fn unauthenticated(outcome: &'static str, message: impl Into<String>) -> Refused {
    refused(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, outcome, message)
}

/// Of a token that nothing can be said about now, nothing is said: it may be shown again.
fn bad_token(why: &TokenError) -> Refused {
    let error = crate::error::from_token(why);
    let (status, outcome) = match why.is_temporary() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        false => (StatusCode::UNAUTHORIZED, "unauthenticated"),
    };
    Refused { status, error, outcome }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let not_bearer = || unauthenticated("unauthenticated", "Authorization is not Bearer");
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(not_bearer)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token.trim()))
    } else {
        Err(not_bearer())
    }
}

fn cookie<'h>(node: &Node, headers: &'h HeaderMap) -> Option<&'h str> {
    cookies::find(headers, node.access().cookie.as_deref()?)
}

fn session_cookie<'h>(node: &Node, headers: &'h HeaderMap) -> Option<Cow<'h, str>> {
    let names = node.sessions.as_ref()?.cookies();
    let value = names.iter().find_map(|name| cookies::find(headers, name));
    value.map(cookies::decoded)
}

fn query<'u>(node: &Node, uri: &'u Uri) -> Option<&'u str> {
    if !node.access().query_token {
        return None;
    }
    // A token is of the URL-safe alphabet: nothing in it is percent-encoded.
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

fn check_user(node: &Node, user: &UserId) -> Result<(), Refused> {
    node.limits().check_user(&node.hub, user).map_err(|error| Refused {
        status: StatusCode::TOO_MANY_REQUESTS,
        error,
        outcome: "too-many",
    })
}
