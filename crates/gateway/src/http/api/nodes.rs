//! `/api/v1/nodes` and `/api/v1/rebalance`: the nodes that are alive, one of them, and clients sent from them to others.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use hallway_protocol::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{Body, Failure, NodePath};
use super::users::REASON_LEN;
use crate::cluster::{self, Request};
use crate::lifecycle::drain::Order;
use crate::lifecycle::rebalance::{self, Plan};
use crate::lifecycle::standing::Standing;
use crate::node::Node;

/// The name that stands for the node that is asked.
const SELF: &str = "self";
/// Longest time over which clients are sent away, as of `shutdown.drain`.
const LONGEST: u64 = 3600;
/// Over how long clients are shed where nobody says, in seconds.
const USUAL_REBALANCE: u64 = 60;
/// What a node may have above the mean where nobody says.
const USUAL_TOLERANCE: f64 = 0.05;

/// A node.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeView {
    /// Its name.
    node: String,
    /// Which version it runs.
    version: String,
    /// When it began, in Unix milliseconds.
    started_at: u64,
    /// Whether it sends its clients away and takes no new ones.
    draining: bool,
    /// Connections that it holds.
    connections: u64,
    /// Rooms with sockets on it.
    rooms: u64,
}

/// The nodes.
#[derive(Serialize, ToSchema)]
pub(super) struct NodesView {
    /// By name.
    nodes: Vec<NodeView>,
}

/// How a node stands at this moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingView {
    /// Its name.
    node: String,
    /// Which version it runs.
    version: String,
    /// When it began, in Unix milliseconds.
    started_at: u64,
    /// Whether it can do its job and takes new clients.
    ready: bool,
    /// Whether it sends its clients away and takes no new ones.
    draining: bool,
    /// Connections that it holds.
    connections: u64,
    /// Those of them that were told to go and are not closed yet.
    leaving: u64,
    /// Within how many seconds they will be.
    seconds: u64,
    /// Rooms with sockets on it.
    rooms: u64,
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        Self {
            node: standing.node,
            version: standing.version,
            started_at: standing.started_at,
            ready: standing.ready,
            draining: standing.draining,
            connections: standing.connections,
            leaving: standing.leaving,
            seconds: standing.leaving_ms.div_ceil(1000),
            rooms: standing.rooms,
        }
    }
}

/// How to drain.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DrainRequest {
    /// Over how many seconds clients are sent away, 0 to 3600; if left out, what `shutdown.drain` says. Longer, where the
    /// other nodes could not take them in that time.
    #[serde(default)]
    seconds: Option<u64>,
    /// What clients are told, at most 123 bytes; `draining` if left out.
    #[serde(default)]
    reason: Option<String>,
}

/// How to rebalance.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RebalanceRequest {
    /// A node sheds if it is above the mean by more than this share of it, 0 to 1; 0.05 if left out.
    #[serde(default)]
    tolerance: Option<f64>,
    /// Over how many seconds, 0 to 3600; 60 if left out. Longer, where the nodes below the mean could not take them in that
    /// time.
    #[serde(default)]
    seconds: Option<u64>,
    /// Only says what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// What a node sheds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareView {
    /// The node.
    node: String,
    /// Connections that it held.
    connections: u64,
    /// Whether it takes new ones.
    takes: bool,
    /// How many of them it sends away.
    sheds: u64,
}

/// Who sheds what.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RebalanceView {
    /// All connections, divided by the nodes that take new ones.
    mean: f64,
    /// Over how many seconds they go; 0 where none do.
    seconds: u64,
    /// By name.
    nodes: Vec<ShareView>,
}

impl From<Plan> for RebalanceView {
    fn from(plan: Plan) -> Self {
        let share = |share: rebalance::Share| ShareView {
            takes: share.standing.takes(),
            connections: share.standing.connections,
            node: share.standing.node,
            sheds: share.sheds,
        };
        Self {
            mean: plan.mean,
            seconds: plan.over.as_millis().div_ceil(1000) as u64,
            nodes: plan.nodes.into_iter().map(share).collect(),
        }
    }
}

/// Live nodes with their counts, a few seconds old.
#[utoipa::path(
    get, path = "/api/v1/nodes", operation_id = "nodes", tag = "nodes",
    responses((status = 200, body = NodesView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn nodes(State(node): State<Arc<Node>>) -> Result<Json<NodesView>, Failure> {
    let mut records = node.cluster.nodes().await?;
    records.sort_by(|a, b| a.node.cmp(&b.node));
    let view = |record: hallway_bus::NodeRecord| NodeView {
        node: record.node,
        version: record.version,
        started_at: record.started_at,
        draining: record.draining,
        connections: record.connections,
        rooms: record.rooms,
    };
    Ok(Json(NodesView {
        nodes: records.into_iter().map(view).collect(),
    }))
}

/// How a node stands at this moment; `self` is the one that is asked.
#[utoipa::path(
    get, path = "/api/v1/nodes/{node}", operation_id = "node", tag = "nodes", params(("node" = String, Path)),
    responses((status = 200, body = StandingView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn standing(
    State(node): State<Arc<Node>>,
    NodePath(named): NodePath,
) -> Result<Json<StandingView>, Failure> {
    ask(&node, &named, Request::Standing).await
}

/// Drains a node: not ready, no new connections (503), its clients sent away one by one; and leaves it up until it is told
/// to end. Repeating it changes nothing and says how far it is. `self` is the node that is asked.
#[utoipa::path(
    post, path = "/api/v1/nodes/{node}/drain", operation_id = "drain", tag = "nodes", params(("node" = String, Path)),
    request_body = DrainRequest,
    responses((status = 200, body = StandingView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn drain(
    State(node): State<Arc<Node>>,
    NodePath(named): NodePath,
    Body(request): Body<DrainRequest>,
) -> Result<Json<StandingView>, Failure> {
    let over = request.seconds.map(checked_seconds).transpose()?;
    let is_long = |reason: &String| reason.is_empty() || reason.len() > REASON_LEN;
    if request.reason.as_ref().is_some_and(is_long) {
        return Err(Error::bad_args("reason", "reason has 1 to 123 bytes").into());
    }
    let order = Order {
        over_ms: over.map(|over| over.as_millis() as u64),
        reason: request.reason,
    };
    ask(&node, &named, Request::Drain(order)).await
}

/// Takes a drain back: the node is ready and takes clients again. Those that were told to go and have not gone may still
/// do so. Of a node whose process ends nothing is taken back.
#[utoipa::path(
    delete, path = "/api/v1/nodes/{node}/drain", operation_id = "stay", tag = "nodes", params(("node" = String, Path)),
    responses((status = 200, body = StandingView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn stay(
    State(node): State<Arc<Node>>,
    NodePath(named): NodePath,
) -> Result<Json<StandingView>, Failure> {
    ask(&node, &named, Request::Stay).await
}

/// Has every node that is above the mean by more than the tolerance send away what it has above it, chosen at random, each
/// client at its own moment; says what each node sheds. A node that is still sending clients away sheds no more.
#[utoipa::path(
    post, path = "/api/v1/rebalance", operation_id = "rebalance", tag = "nodes", request_body = RebalanceRequest,
    responses((status = 200, body = RebalanceView), (status = "4XX", body = Failure), (status = 503, body = Failure))
)]
pub(super) async fn rebalance(
    State(node): State<Arc<Node>>,
    Body(request): Body<RebalanceRequest>,
) -> Result<Json<RebalanceView>, Failure> {
    let time = checked_seconds(request.seconds.unwrap_or(USUAL_REBALANCE))?;
    let tolerance = request.tolerance.unwrap_or(USUAL_TOLERANCE);
    if !(0.0..=1.0).contains(&tolerance) {
        return Err(Error::bad_args("tolerance", "tolerance is 0 to 1").into());
    }
    let plan = rebalance::run(&node, tolerance, time, request.dry_run).await?;
    Ok(Json(plan.into()))
}

fn checked_seconds(seconds: u64) -> Result<Duration, Error> {
    if seconds > LONGEST {
        return Err(Error::bad_args("seconds", format!("seconds are 0 to {LONGEST}")));
    }
    Ok(Duration::from_secs(seconds))
}

/// Has the named node do it; this one without the bus, so that it can be drained with the bus away.
async fn ask(node: &Arc<Node>, named: &str, request: Request) -> Result<Json<StandingView>, Failure> {
    let standing: Standing = if named == SELF || named == node.name {
        let done = cluster::act(node, request).await;
        let standing = done.and_then(|value| serde_json::from_value(value).map_err(|why| why.to_string()));
        standing.map_err(|_| Error::new(ErrorCode::Internal, "internal error"))?
    } else {
        node.cluster.ask_one(named, &request).await?
    };
    Ok(Json(standing.into()))
}
