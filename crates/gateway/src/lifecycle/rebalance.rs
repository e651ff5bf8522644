//! After a scale-up: nodes above the mean send away what they have above it, and the load balancer gives those to
//! the nodes below it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallway_protocol::Error;

use super::standing::Standing;
use crate::cluster::Request;
use crate::lifecycle::pace;
use crate::node::Node;

/// Who sheds what.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Sockets of all nodes, divided by the nodes that take new ones.
    pub mean: f64,
    /// Over how long; zero where nobody sheds.
    pub over: Duration,
    /// Every node, by name.
    pub nodes: Vec<Share>,
}

/// What one node sheds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// How it stood before.
    pub standing: Standing,
    /// How many sockets it sends away.
    pub sheds: u64,
}

/// Plans, and unless it is `dry` has the nodes do it, over `time` or longer where those below the mean need it. A node
/// whose clients are on their way already sheds nothing. Cancel safe: the nodes were told or were not.
///
/// # Errors
/// `unavailable`: not every live node has answered, or the bus is away. Those that were told by then shed all the same;
/// a repeat does what is left.
pub async fn run(node: &Arc<Node>, tolerance: f64, time: Duration, dry: bool) -> Result<Plan, Error> {
    let standings: Vec<Standing> = node.cluster.ask(&Request::Standing).await?;
    let mut plan = plan(standings, tolerance);
    let leaving: u64 = plan.nodes.iter().map(|share| share.sheds).sum();
    if leaving == 0 {
        return Ok(plan);
    }
    let mut takers = pace::takers(node).await;
    takers.push(node.record());
    takers.retain(|record| {
        !plan
            .nodes
            .iter()
            .any(|share| share.sheds > 0 && share.standing.node == record.node)
    });
    plan.over = time.max(pace::least(leaving as usize, &takers));
    if dry {
        return Ok(plan);
    }
    let sheds: BTreeMap<String, u64> = plan
        .nodes
        .iter()
        .map(|share| (share.standing.node.clone(), share.sheds))
        .collect();
    let over_ms = plan.over.as_millis() as u64;
    let done = node.cluster.gather::<u64>(&Request::Shed { sheds, over_ms }).await?;
    if !done.silent.is_empty() {
        return Err(crate::cluster::silent());
    }
    let done: BTreeMap<String, u64> = done.answers.into_iter().collect();
    for share in &mut plan.nodes {
        // Some may have left since it was asked, or been told to go for another reason.
        share.sheds = done.get(&share.standing.node).copied().unwrap_or(0);
    }
    Ok(plan)
}

/// What each node has above the mean, if that is more than the tolerance (0.05: five in a hundred).
fn plan(mut standings: Vec<Standing>, tolerance: f64) -> Plan {
    standings.sort_by(|one, other| one.node.cmp(&other.node));
    let clients: u64 = standings.iter().map(|standing| standing.connections).sum();
    let takers = standings.iter().filter(|standing| standing.takes()).count();
    let mean = clients as f64 / takers.max(1) as f64;
    let share = |standing: Standing| {
        let staying = standing.staying();
        // Nobody sheds below the mean, so what is shed has a place below it.
        let above = staying.saturating_sub(mean.ceil() as u64);
        let is_above = standing.takes() && staying as f64 > mean * (1.0 + tolerance);
        Share {
            sheds: if is_above { above } else { 0 },
            standing,
        }
    };
    Plan {
        mean,
        over: Duration::ZERO,
        nodes: standings.into_iter().map(share).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(node: &str, connections: u64) -> Standing {
        Standing {
            node: node.to_owned(),
            version: String::new(),
            started_at: 0,
            ready: true,
            draining: false,
            connections,
            leaving: 0,
            leaving_ms: 0,
            rooms: 0,
        }
    }

    fn sheds(standings: Vec<Standing>, tolerance: f64) -> Vec<u64> {
        plan(standings, tolerance)
            .nodes
            .iter()
            .map(|share| share.sheds)
            .collect()
    }

    #[test]
    fn what_is_above_the_mean_goes_where_it_is_more_than_the_tolerance() {
        let three = |a, b, c| vec![standing("a", a), standing("b", b), standing("c", c)];
        assert_eq!(sheds(three(150, 150, 0), 0.05), [50, 50, 0]);
        assert_eq!(sheds(three(104, 104, 92), 0.05), [0, 0, 0]);
        assert_eq!(sheds(three(104, 104, 92), 0.0), [4, 4, 0]);
        assert_eq!(sheds(three(2, 1, 1), 0.0), [0, 0, 0], "no half sockets");
        assert_eq!(sheds(three(0, 0, 0), 0.0), [0, 0, 0]);
        assert_eq!(sheds(vec![standing("a", 100)], 0.05), [0]);
    }

    #[test]
    fn who_drains_takes_nothing_and_who_is_leaving_has_left() {
        let mut draining = standing("a", 100);
        (draining.draining, draining.ready) = (true, false);
        assert_eq!(
            sheds(vec![draining, standing("b", 100), standing("c", 0)], 0.05),
            [0, 0, 0]
        );
        let mut shedding = standing("a", 150);
        shedding.leaving = 75;
        assert_eq!(sheds(vec![shedding, standing("b", 0)], 0.05), [0, 0]);
    }
}
