//! `stats.get`: how many connections the cluster holds, to anyone.

use std::sync::Arc;

use super::Answer;
use crate::node::Node;

pub(super) fn handle(node: &Arc<Node>) -> Answer {
    let node = Arc::clone(node);
    Answer::Unordered(Box::pin(async move { super::to_data(&node.stats.count(&node).await?) }))
}
