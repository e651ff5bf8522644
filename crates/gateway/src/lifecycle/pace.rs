//! Over how long clients are sent away, so that the nodes they come to can take them.
//!
//! A node says in its record how many handshakes it takes at once (`limits.handshakes`). One that is kept waiting for
//! half a second is slow; so at least twice that many are done in a second, and half of them are left to those who come
//! by themselves: what comes from elsewhere may be as many a second as there are places.

use std::time::Duration;

use hallway_bus::NodeRecord;

use crate::node::Node;

/// How long the bus may take to say who is there: less than whoever ordered a drain waits for the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shortest time in which these nodes take so many clients; zero where none of them says what it takes.
#[must_use]
pub fn least(clients: usize, takers: &[NodeRecord]) -> Duration {
    let a_second: u64 = takers.iter().map(|record| record.handshakes).sum();
    if a_second == 0 {
        return Duration::ZERO;
    }
    Duration::from_secs_f64(clients as f64 / a_second as f64)
}

/// The nodes but this one that take new clients, as far as is known within a second; none where the bus is away.
pub async fn takers(node: &Node) -> Vec<NodeRecord> {
    let records = tokio::time::timeout(PATIENCE, node.cluster.nodes()).await;
    let mut records = records.ok().and_then(Result::ok).unwrap_or_default();
    records.retain(|record| record.node != node.name && !record.draining);
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_as_long_as_the_others_need() {
        let record = |handshakes| NodeRecord {
            handshakes,
            ..serde_json::from_value(serde_json::json!({"node": "n"})).unwrap()
        };
        assert_eq!(least(3000, &[record(100), record(200)]), Duration::from_secs(10));
        assert_eq!(least(3000, &[record(0)]), Duration::ZERO, "an older version");
        assert_eq!(least(3000, &[]), Duration::ZERO);
    }
}
