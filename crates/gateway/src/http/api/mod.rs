//! The backend API: what an application's own backend asks of the cluster. Every call does what the endpoint
//! of that name does; this module only speaks HTTP around it. The OpenAPI document is made from the handlers.

mod broadcast;
mod exchange;
mod lobbies;
mod messages;
mod nodes;
mod rooms;
mod users;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hallway_protocol::{Error, ErrorCode};
use http::header::AUTHORIZATION;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::node::Node;
use exchange::Failure;

#[derive(OpenApi)]
#[openapi(
    info(title = "Hallway backend API", description = "Publishing to rooms and asking about them, for an application's backend."),
    security(("apiKey" = [])),
    modifiers(&ApiKey),
)]
struct Document;

struct ApiKey;

impl utoipa::Modify for ApiKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("apiKey", SecurityScheme::Http(scheme));
    }
}

fn documented() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(broadcast::broadcast))
        .routes(routes!(users::disconnect))
        .routes(routes!(users::user))
        .routes(routes!(rooms::join, rooms::leave))
        .routes(routes!(rooms::room))
        .routes(routes!(rooms::history))
        .routes(routes!(messages::send, messages::list))
        .routes(routes!(nodes::nodes))
        .routes(routes!(lobbies::lobbies))
        .routes(routes!(lobbies::lobby, lobbies::end))
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

/// The API's routes.
pub fn router(node: Arc<Node>) -> Router {
    let (router, document) = documented().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(Arc::clone(&node), authorized))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&node), counted))
        .route("/api/v1/openapi.json", get(|| async move { Json(document) }))
        .method_not_allowed_fallback(|| async { Failure::from(Error::new(ErrorCode::NotFound, "no such call")) })
        .fallback(|| async { Failure::from(Error::new(ErrorCode::NotFound, "no such call")) })
        .with_state(node)
}

async fn authorized(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let key = header.and_then(hallway_auth::bearer);
    if key.is_some_and(|key| node.access().api_keys.accept(key)) {
        next.run(request).await
    } else {
        Failure::from(Error::new(ErrorCode::Unauthenticated, "an API key is needed")).into_response()
    }
}

async fn counted(State(node): State<Arc<Node>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let since = Instant::now();
    let response = next.run(request).await;
    let status = response.status();
    node.metrics
        .http
        .requests
        .with_label_values(&[path.as_str(), status.as_str()])
        .inc();
    node.metrics
        .http
        .seconds
        .with_label_values(&[path.as_str()])
        .observe(since.elapsed().as_secs_f64());
    response
}
