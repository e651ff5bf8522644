//! `GET /api/v1/rooms` and `GET /api/v1/stats`: the greatest rooms, and how each node does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hallway_protocol::Error;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::exchange::{Arguments, Failure};
use crate::node::Node;
use crate::overview::rooms::{self, LONGEST_WINDOW, MOST, Question, Sort};
use crate::overview::stats::{self, BusStats, Counted, NodeStats};

/// How many rooms are listed where nobody says.
const USUAL_ROOMS: usize = 20;
/// For how long broadcasts are counted where nobody says, in milliseconds.
const USUAL_WINDOW: u64 = 1000;

/// Which rooms.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct RoomsQuery {
    /// At most this many, 1 to 100; 20 if left out.
    limit: Option<usize>,
    /// The greatest by `sockets` (if left out) or by `traffic`.
    #[param(inline)]
    sort: Option<Sort>,
    /// Of this kind only; if left out, of all but those that nodes join themselves (`client`, `user`).
    kind: Option<String>,
    /// For how many milliseconds broadcasts are counted, 0 to 5000; 1000 if left out. The answer takes as long.
    window_ms: Option<u64>,
}

/// A room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusyRoom {
    /// Its name.
    room: String,
    /// How many sockets are in it.
    sockets: u64,
    /// How many nodes have some of them.
    nodes: u64,
    /// Broadcasts a second, while they were counted; left out where they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcasts_per_second: Option<f64>,
}

/// The greatest rooms.
#[derive(Serialize, ToSchema)]
pub(super) struct RoomsView {
    /// The greatest first.
    rooms: Vec<BusyRoom>,
    /// Live nodes that did not answer: their sockets are not counted.
    silent: Vec<String>,
}

/// A node.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeStatsView {
    /// Its name.
    node: String,
    /// Which version it runs.
    version: String,
    /// When it began, in Unix milliseconds.
    started_at: u64,
    /// When it was asked, in Unix milliseconds by its own clock.
    at: u64,
    /// Whether it can do its job and takes new clients.
    ready: bool,
    /// Whether it sends its clients away and takes no new ones.
    draining: bool,
    /// Connections that it holds.
    connections: u64,
    /// Those of them that were told to go and are not closed yet.
    leaving: u64,
    /// Rooms with sockets on it.
    rooms: u64,
    /// Its link to the bus.
    bus: BusStats,
    /// Bytes that wait for slow sockets.
    queued_bytes: u64,
    /// Sockets that have something waiting.
    queued_sockets: u64,
    /// What it has counted.
    counted: Counted,
}

impl From<NodeStats> for NodeStatsView {
    fn from(stats: NodeStats) -> Self {
        let standing = stats.standing;
        Self {
            node: standing.node,
            version: standing.version,
            started_at: standing.started_at,
            at: stats.at,
            ready: standing.ready,
            draining: standing.draining,
            connections: standing.connections,
            leaving: standing.leaving,
            rooms: standing.rooms,
            bus: stats.bus,
            queued_bytes: stats.queued_bytes,
            queued_sockets: stats.queued_sockets,
            counted: stats.counted,
        }
    }
}

/// How all nodes do.
#[derive(Serialize, ToSchema)]
pub(super) struct StatsView {
    /// By name.
    nodes: Vec<NodeStatsView>,
    /// Live nodes that did not answer.
    silent: Vec<String>,
    /// Whether these are all nodes. False where some are silent; or where the bus is away, and only the node that was
    /// asked has answered.
    complete: bool,
}

/// Rooms with the most sockets or the most broadcasts, over all nodes.
#[utoipa::path(
    get, path = "/api/v1/rooms", operation_id = "rooms", tag = "rooms", params(RoomsQuery),
    responses((status = 200, body = RoomsView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn rooms(
    State(node): State<Arc<Node>>,
    Arguments(query): Arguments<RoomsQuery>,
) -> Result<Json<RoomsView>, Failure> {
    let question = question(&node, query)?;
    let window = question.window();
    let answer = rooms::gather(&node, question).await?;
    let view = |found: rooms::Found| BusyRoom {
        room: found.room.to_string(),
        sockets: found.sockets,
        nodes: found.nodes,
        broadcasts_per_second: (!window.is_zero()).then(|| found.broadcasts as f64 / window.as_secs_f64()),
    };
    Ok(Json(RoomsView {
        rooms: answer.rooms.into_iter().map(view).collect(),
        silent: answer.silent,
    }))
}

fn question(node: &Node, query: RoomsQuery) -> Result<Question, Error> {
    let limit = query.limit.unwrap_or(USUAL_ROOMS);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::bad_args("limit", format!("limit is 1 to {MOST}")));
    }
    let window_ms = query.window_ms.unwrap_or(USUAL_WINDOW);
    let longest = LONGEST_WINDOW.as_millis() as u64;
    if window_ms > longest {
        return Err(Error::bad_args("windowMs", format!("windowMs is 0 to {longest}")));
    }
    let sort = query.sort.unwrap_or_default();
    if sort == Sort::Traffic && window_ms == 0 {
        return Err(Error::bad_args(
            "windowMs",
            "traffic is counted for at least a millisecond",
        ));
    }
    if let Some(kind) = &query.kind
        && !node.kinds.iter().any(|known| known.name == *kind)
    {
        return Err(Error::bad_args("kind", format!("there is no kind {kind}")));
    }
    Ok(Question {
        limit,
        sort,
        kind: query.kind,
        window_ms,
    })
}

/// How each node does: its standing, its link to the bus, and what it has counted since it began.
#[utoipa::path(
    get, path = "/api/v1/stats", operation_id = "stats", tag = "nodes",
    responses((status = 200, body = StatsView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn stats(State(node): State<Arc<Node>>) -> Json<StatsView> {
    let answer = stats::gather(&node).await;
    Json(StatsView {
        nodes: answer.nodes.into_iter().map(NodeStatsView::from).collect(),
        silent: answer.silent,
        complete: answer.complete,
    })
}
