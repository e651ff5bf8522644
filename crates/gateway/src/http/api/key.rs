//! `GET /api/v1/key`: what the key that was shown may do, for pages that show no buttons that do nothing.

use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::exchange::Failure;

/// Whether the caller's key may do more than ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayWrite(pub(super) bool);

/// What a key may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyView {
    /// False: it may ask, and change nothing.
    may_write: bool,
}

/// What the API key that is shown may do.
#[utoipa::path(
    get, path = "/api/v1/key", operation_id = "key", tag = "nodes",
    responses((status = 200, body = KeyView), (status = "4XX", body = Failure))
)]
pub(super) async fn key(Extension(MayWrite(may_write)): Extension<MayWrite>) -> Json<KeyView> {
    Json(KeyView { may_write })
}
