//! The demo page, in `--dev` only: two tabs sign in as two people and see each other's broadcasts.

use std::time::Duration;

use bytes::Bytes;
use hallway_auth::{Grant, RoomPattern};
use hallway_protocol::{Error, ErrorCode, UserId, json};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use crate::node::Node;
use crate::transport::answers::error_answer;

const PAGE: &str = include_str!("demo/index.html");
const SCRIPT: &str = include_str!("demo/demo.js");
const STYLE: &str = include_str!("demo/demo.css");
/// Largest body of a request for a token, in bytes.
const BODY: usize = 1024;
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// Answers a request to the demo; nothing for any other, and for all of them without `--dev`.
pub async fn respond(node: &Node, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    if !node.access().dev {
        return None;
    }
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/demo") => Some(page("text/html; charset=utf-8", PAGE)),
        (&Method::GET, "/demo/demo.js") => Some(page("text/javascript; charset=utf-8", SCRIPT)),
        (&Method::GET, "/demo/demo.css") => Some(page("text/css; charset=utf-8", STYLE)),
        (&Method::POST, "/demo/token") => Some(token(node, request.into_body()).await),
        _ => None,
    }
}

fn page(kind: &'static str, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(super::security::OWN_PAGE),
    );
    answer
}

/// Who asks for a token.
#[derive(Deserialize)]
struct Asks {
    user: UserId,
}

/// A token for whoever asks: this is what `--dev` is for.
async fn token(node: &Node, body: Incoming) -> Response<Full<Bytes>> {
    let user = match asks(body).await {
        Ok(Asks { user }) => user,
        Err(why) => return error_answer(StatusCode::BAD_REQUEST, &why),
    };
    let rooms = ["board-*", "org-*", "group-*"]
        .iter()
        .filter_map(|pattern| RoomPattern::parse(pattern))
        .collect();
    let grant = Grant {
        name: Some(user.to_string()),
        user,
        rooms,
        issued_at: crate::clock::unix_ms(),
        life: TOKEN_LIFE,
    };
    match node.access().verifier.mint(&grant) {
        Some(token) => {
            let mut answer = Response::new(Full::from(serde_json::json!({ "token": token }).to_string()));
            answer
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            answer
        }
        None => error_answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            &Error::new(ErrorCode::Internal, "internal error"),
        ),
    }
}

async fn asks(body: Incoming) -> Result<Asks, Error> {
    let unreadable = |_| Error::new(ErrorCode::BadFrame, "the body is a small JSON object");
    let bytes = Limited::new(body, BODY).collect().await.map_err(unreadable)?.to_bytes();
    json::read(&String::from_utf8_lossy(&bytes))
}
