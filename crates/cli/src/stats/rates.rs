//! From two looks at the counters to what happened in between.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::{list, text};

/// Figures of a node, or of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) connections: u64,
    pub(crate) rooms: u64,
    /// A second, as the next two.
    pub(crate) opened: f64,
    pub(crate) published: f64,
    pub(crate) deliveries: f64,
    pub(crate) queued_sockets: u64,
    /// Since the node began.
    pub(crate) slow_consumers: u64,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) bus_is_up: bool,
    pub(crate) figures: Figures,
}

/// All nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    pub(crate) nodes: Vec<Node>,
    /// `rooms` left out: a room is on several nodes.
    pub(crate) total: Figures,
    /// By code: how many since the nodes began, and how many of them between the looks.
    pub(crate) closes: BTreeMap<String, (u64, u64)>,
    silent: Value,
    complete: bool,
}

impl Summary {
    pub(crate) fn between(before: &Value, now: &Value) -> Self {
        let mut summary = Self {
            silent: now["silent"].clone(),
            complete: now["complete"] == true,
            ..Self::default()
        };
        for node in list(now, "nodes") {
            let is_same = |one: &&Value| (&one["node"], &one["startedAt"]) == (&node["node"], &node["startedAt"]);
            // A node that is new, or new again, has counted from nothing, but not from the last look on.
            let earlier = list(before, "nodes").find(is_same).unwrap_or(node);
            summary.add(earlier, node);
        }
        summary
    }

    fn add(&mut self, before: &Value, now: &Value) {
        let seconds = number(now, "at").saturating_sub(number(before, "at")) as f64 / 1000.0;
        let (earlier, later) = (&before["counted"], &now["counted"]);
        let rate = |name: &str| {
            let count = number(later, name).saturating_sub(number(earlier, name));
            if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
        };
        let figures = Figures {
            connections: number(now, "connections"),
            rooms: number(now, "rooms"),
            opened: rate("opened"),
            published: rate("published"),
            deliveries: rate("deliveries"),
            queued_sockets: number(now, "queuedSockets"),
            slow_consumers: number(later, "slowConsumers"),
        };
        for (code, count) in later["closed"].as_object().into_iter().flatten() {
            let (total, recent) = self.closes.entry(code.clone()).or_default();
            let count = count.as_u64().unwrap_or(0);
            *total += count;
            *recent += count.saturating_sub(number(&earlier["closed"], code));
        }
        let total = &mut self.total;
        total.connections += figures.connections;
        total.opened += figures.opened;
        total.published += figures.published;
        total.deliveries += figures.deliveries;
        total.queued_sockets += figures.queued_sockets;
        total.slow_consumers += figures.slow_consumers;
        self.nodes.push(Node {
            name: text(now, "node"),
            state: state(now).to_owned(),
            bus_is_up: now["bus"]["up"] == true,
            figures,
        });
    }

    /// For scripts.
    pub(crate) fn to_json(&self) -> Value {
        let figures = |figures: &Figures| {
            json!({
                "connections": figures.connections,
                "openedPerSecond": figures.opened,
                "broadcastsPerSecond": figures.published,
                "deliveriesPerSecond": figures.deliveries,
                "queuedSockets": figures.queued_sockets,
                "slowConsumers": figures.slow_consumers,
            })
        };
        let node = |node: &Node| {
            let mut object = figures(&node.figures);
            object["node"] = json!(node.name);
            object["state"] = json!(node.state);
            object["busUp"] = json!(node.bus_is_up);
            object["rooms"] = json!(node.figures.rooms);
            object
        };
        let close = |(code, (total, now)): (&String, &(u64, u64))| (code.clone(), json!({"total": total, "now": now}));
        let mut object = figures(&self.total);
        object["nodes"] = self.nodes.iter().map(node).collect();
        object["closes"] = Value::Object(self.closes.iter().map(close).collect());
        object["silent"] = self.silent.clone();
        object["complete"] = json!(self.complete);
        object
    }
}

fn state(node: &Value) -> &'static str {
    match (node["draining"] == true, node["ready"] == true) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not ready",
    }
}

fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: u64, published: u64, closed: u64) -> Value {
        json!({"complete": true, "silent": [], "nodes": [{
            "node": "a", "startedAt": 1, "at": at, "ready": true, "draining": false, "connections": 5, "rooms": 2,
            "bus": {"up": true}, "queuedSockets": 1,
            "counted": {"opened": 9, "published": published, "deliveries": published * 3, "slowConsumers": 1, "closed": {"1000": closed}},
        }]})
    }

    #[test]
    fn rates_are_by_the_nodes_own_clock() {
        let summary = Summary::between(&look(1000, 10, 4), &look(3000, 30, 7));
        assert_eq!(
            (summary.total.published, summary.total.deliveries, summary.total.opened),
            (10.0, 30.0, 0.0)
        );
        assert_eq!(summary.closes["1000"], (7, 3));
        assert_eq!(summary.nodes[0].state, "ready");
        assert_eq!(summary.to_json()["broadcastsPerSecond"], 10.0);
    }

    #[test]
    fn a_node_that_was_not_there_before_has_no_rate_yet() {
        let mut before = look(1000, 10, 4);
        before["nodes"][0]["startedAt"] = json!(0);
        let summary = Summary::between(&before, &look(3000, 30, 7));
        assert_eq!((summary.total.published, summary.closes["1000"]), (0.0, (7, 0)));
        assert_eq!(summary.total.connections, 5);
    }
}
