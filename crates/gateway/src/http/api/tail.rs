//! `GET /api/v1/rooms/{room}/tail`: a room's broadcasts as they come, as server-sent events (the WHATWG HTML standard,
//! "Server-sent events"), for a person who looks on.
//!
//! It reads the room's history again and again instead of listening: nobody is in the room for it, who is slow holds up
//! nobody, and where something is no longer kept it says so. So it shows what is numbered and kept, up to [`EVERY`] late.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hallway_protocol::{Error, ErrorCode, Position, RoomName};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::exchange::{Failure, RoomPath};
use crate::endpoints::rooms_history;
use crate::error::from_bus;
use crate::node::Node;

/// Most tails at once on a node; each asks Redis twice a second.
const MOST: usize = 16;
/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// Broadcasts that are read at once.
const PAGE: usize = 100;
/// Looks without news after which a comment is sent, so that a vanished reader is noticed.
const QUIET: u32 = 20;

/// Room for so many tails.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

/// One reader.
struct Tail {
    node: Arc<Node>,
    room: RoomName,
    /// What was shown last; nothing while the room has no numbering.
    shown: Option<Position>,
    quiet: u32,
    has_begun: bool,
    _place: OwnedSemaphorePermit,
}

/// A room's broadcasts from now on, as server-sent events: `data` is the broadcast, `id` its number. An event `gap` says that
/// broadcasts went by which are no longer kept; `error`, that Redis is away, and the tail goes on when it is back. Ends when
/// the node drains. Only for kinds that keep broadcasts.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/tail", operation_id = "tail", tag = "rooms", params(("room" = String, Path)),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = "4XX", body = Failure), (status = 503, body = Failure)
    )
)]
pub(super) async fn tail(
    State(node): State<Arc<Node>>,
    Extension(Places(places)): Extension<Places>,
    RoomPath(room): RoomPath,
) -> Result<Response, Failure> {
    if crate::endpoints::resolve(&node, &room)?.kind.keep.is_none() {
        let why = "nothing of this room is kept, so there is nothing to follow";
        return Err(Error::new(ErrorCode::Conflict, why).into());
    }
    let place = places.try_acquire_owned().map_err(|_| {
        let busy = Error::new(
            ErrorCode::RateLimited,
            format!("{MOST} rooms are followed on this node already"),
        );
        busy.retry_after(5_000)
    })?;
    let states = node.bus.states(vec![room.clone()]).await.map_err(from_bus)?;
    let tail = Tail {
        shown: states.into_iter().next().flatten().map(|state| state.position),
        node,
        room,
        quiet: 0,
        has_begun: false,
        _place: place,
    };
    let events = stream::unfold(tail, |mut tail| async {
        let text = tail.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), tail))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Tail {
    /// Waits for something to be said; nothing when the node leaves. Read only as fast as the socket takes it.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(": following\n\n".into());
        }
        loop {
            tokio::time::sleep(EVERY).await;
            // A tail would hold up the end of a node that drains.
            if self.node.readiness.is_draining() {
                return None;
            }
            let text = match self.look().await {
                Ok(text) => text,
                Err(why) => event(
                    "error",
                    &serde_json::json!({ "code": why.code, "message": why.message }).to_string(),
                ),
            };
            self.quiet += 1;
            if text.is_empty() && self.quiet < QUIET {
                continue;
            }
            self.quiet = 0;
            return Some(if text.is_empty() { ": quiet\n\n".into() } else { text });
        }
    }

    /// What came since the last look.
    async fn look(&mut self) -> Result<String, Error> {
        let history = self.node.bus.history(self.room.clone(), self.shown, PAGE);
        let history = history.await.map_err(from_bus)?;
        let mut text = String::new();
        let first = history.broadcasts.first().and_then(|heard| heard.position);
        if let (Some(shown), Some(first)) = (self.shown, first)
            && (shown.epoch != first.epoch || shown.seq + 1 != first.seq)
        {
            text.push_str(&event(
                "gap",
                &serde_json::json!({ "after": shown, "before": first }).to_string(),
            ));
        }
        for heard in &history.broadcasts {
            let object = rooms_history::object(heard)?;
            if let Some(position) = heard.position {
                text.push_str(&format!("id: {}-{}\n", position.epoch, position.seq));
                self.shown = Some(position);
            }
            // A publisher's data is as it was written, and JSON may have line breaks between its words.
            text.push_str(&format!("data: {}\n\n", object.get().replace(['\n', '\r'], " ")));
        }
        Ok(text)
    }
}

/// An event of the tail's own. Its data has no line breaks.
fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
