//! `GET /api/v1/nodes`: the nodes that are alive.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::exchange::Failure;
use crate::node::Node;

/// A node.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeView {
    /// Its name.
    node: String,
    /// When it began, in Unix milliseconds.
    started_at: u64,
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
        started_at: record.started_at,
        connections: record.connections,
        rooms: record.rooms,
    };
    Ok(Json(NodesView {
        nodes: records.into_iter().map(view).collect(),
    }))
}
