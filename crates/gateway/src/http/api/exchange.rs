//! What all calls have in common: bodies and names in, errors out.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use hallway_protocol::{Error, ErrorCode, RoomName, UserId, json};
use http::StatusCode;
use http::header::RETRY_AFTER;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::node::Node;

/// An error object.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorObject {
    /// What a program branches on.
    code: String,
    /// What a person reads.
    message: String,
    /// The argument that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// When to come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// What every failed call answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    error: ErrorObject,
    #[serde(skip)]
    status: StatusCode,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Error {
            code,
            message,
            field,
            retry_after_ms,
            lobby: _,
        } = error;
        Self {
            error: ErrorObject {
                code: code.wire().to_owned(),
                message,
                field,
                retry_after_ms,
            },
            status,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let retry = self.error.retry_after_ms.map(|ms| ms.div_ceil(1000));
        let mut response = (self.status, Json(self)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A JSON body, within the bound.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Node>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, Failure> {
        let most = node.access().api_body;
        let bytes = to_bytes(request.into_body(), most)
            .await
            .map_err(|_| Error::new(ErrorCode::TooLarge, format!("a body has at most {most} bytes")))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::new(ErrorCode::BadFrame, "the body is not UTF-8"))?;
        if !text.trim_start().starts_with('{') {
            return Err(Error::new(ErrorCode::BadFrame, "the body is a JSON object").into());
        }
        json::read(text).map(Body).map_err(Failure::from)
    }
}

/// The room of a path.
pub(super) struct RoomPath(pub(super) RoomName);

impl FromRequestParts<Arc<Node>> for RoomPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Failure> {
        room_of(&path::<String>(parts).await?).map(RoomPath)
    }
}

/// The user of a path.
pub(super) struct UserPath(pub(super) UserId);

impl FromRequestParts<Arc<Node>> for UserPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Failure> {
        user_of(&path::<String>(parts).await?).map(UserPath)
    }
}

/// The room and the user of a path.
pub(super) struct RoomUserPath(pub(super) RoomName, pub(super) UserId);

impl FromRequestParts<Arc<Node>> for RoomUserPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Failure> {
        let (room, user): (String, String) = path(parts).await?;
        Ok(Self(room_of(&room)?, user_of(&user)?))
    }
}

/// The query of a URL.
pub(super) struct Arguments<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Node>> for Arguments<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, Failure> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(arguments)| Self(arguments))
            .map_err(|why| Error::bad_args("query", why.body_text()).into())
    }
}

async fn path<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Failure> {
    let path = Path::<T>::from_request_parts(parts, &()).await;
    path.map(|Path(value)| value)
        .map_err(|why| Error::bad_args("path", why.body_text()).into())
}

fn room_of(text: &str) -> Result<RoomName, Failure> {
    RoomName::parse(text).map_err(|why| Error::bad_args("room", format!("room: {why}")).into())
}

fn user_of(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).map_err(|why| Error::bad_args("userId", why).into())
}
