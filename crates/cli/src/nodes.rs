//! `hallway nodes`: the live nodes, as the backend API tells them.

use clap::ArgMatches;
use serde_json::Value;

use crate::answer::{count, list, text};
use crate::api::Api;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let answer = Api::of(matches, &config)?.get("/api/v1/nodes")?;
    if matches.get_flag("json") {
        return output::line(&answer.to_string());
    }
    output::lines(&table(&answer).lines())
}

fn table(answer: &Value) -> Table {
    let mut table = Table::new(["NODE", "CONNECTIONS", "ROOMS", "STATE", "VERSION"]);
    for node in list(answer, "nodes") {
        let is_draining = node["draining"].as_bool().unwrap_or(false);
        table.row([
            text(node, "node"),
            count(node, "connections"),
            count(node, "rooms"),
            if is_draining { "draining" } else { "up" }.to_owned(),
            text(node, "version"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_of_another_version_may_say_less() {
        let answer = json!({"nodes": [
            {"node": "a", "connections": 12, "rooms": 3, "draining": true, "version": "0.1.0"},
            {"node": "long-name", "connections": 3},
        ]});
        assert_eq!(
            table(&answer).lines(),
            [
                "NODE       CONNECTIONS  ROOMS  STATE     VERSION",
                "a                   12      3  draining  0.1.0",
                "long-name            3      -  up        -",
            ]
        );
    }
}
