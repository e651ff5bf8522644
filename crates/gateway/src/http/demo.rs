//! The demo, in `--dev` only: several people sign in and share a board, a chat and lobbies. Its files stand beside this one;
//! `hallway-client.js` is the TypeScript client, bundled by `make bundle`.

use std::time::Duration;

use bytes::Bytes;
use hallway_auth::{Grant, RoomPattern};
use hallway_protocol::{Error, ErrorCode, UserId, json};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use super::pages::{self, File};
use crate::node::Node;
use crate::transport::answers::error_answer;

macro_rules! files {
    ($($path:literal: $file:literal,)+) => {
        [$(File { path: concat!("/demo", $path), text: include_str!(concat!("demo/", $file)) },)+]
    };
}

const FILES: [File; 12] = files! {
    "": "index.html",
    "/demo.css": "demo.css",
    "/main.js": "main.js",
    "/page.js": "page.js",
    "/board.js": "board.js",
    "/tasks.js": "tasks.js",
    "/sender.js": "sender.js",
    "/people.js": "people.js",
    "/chat.js": "chat.js",
    "/lobbies.js": "lobbies.js",
    "/log.js": "log.js",
    "/hallway-client.js": "hallway-client.js",
};
/// Largest body of a request for a token, in bytes.
const BODY: usize = 1024;
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// Answers a request to the demo; nothing for any other, and for all of them without `--dev`.
pub async fn respond(node: &Node, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    if !node.access().dev {
        return None;
    }
    let path = request.uri().path().to_owned();
    match *request.method() {
        Method::GET => pages::find(&FILES, &path),
        Method::POST if path == "/demo/token" => Some(token(node, request.into_body()).await),
        _ => None,
    }
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
