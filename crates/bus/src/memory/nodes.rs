//! The records of nodes; on this bus only one, and those that tests bring.

use std::time::Instant;

use crate::NodeRecord;
use crate::cluster::RECORD_LIFE;

/// The present record. A node has one bus, so there is one.
#[derive(Default)]
pub(super) struct Nodes {
    own: Option<(NodeRecord, Instant)>,
}

impl Nodes {
    pub(super) fn announce(&mut self, record: NodeRecord, now: Instant) {
        self.own = Some((record, now));
    }

    pub(super) fn alive(&mut self, now: Instant) -> Vec<NodeRecord> {
        self.own.take_if(|(_, at)| now.duration_since(*at) >= RECORD_LIFE);
        self.own.iter().map(|(record, _)| record.clone()).collect()
    }

    pub(super) fn withdraw(&mut self) {
        self.own = None;
    }
}
