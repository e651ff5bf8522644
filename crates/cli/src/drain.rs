//! `hallway drain`: sends a node's clients to the others, and with `--wait` ends when it is empty. Fit for Kubernetes'
//! preStop.

use std::thread::sleep;
use std::time::Duration;

use clap::ArgMatches;
use http::Method;
use serde_json::{Value, json};

use crate::answer::{list, text};
use crate::api::Api;
use crate::failure::Failure;
use crate::{input, output};

/// How often it is looked whether the node is empty.
const LOOK: Duration = Duration::from_millis(500);
/// Looks in a row that may fail before waiting is given up: nodes are busy while clients move.
const FAILURES: usize = 10;

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let api = Api::of(matches, &config)?;
    let named = matches.get_one::<String>("node").map_or("self", String::as_str);
    let path = format!("/api/v1/nodes/{}/drain", input::node(named)?);
    if matches.get_flag("undo") {
        let standing = api.call(Method::DELETE, &path, String::new())?;
        return say(
            matches,
            &standing,
            &format!("{} takes clients again", text(&standing, "node")),
        );
    }
    let mut order = json!({});
    if let Some(over) = input::length(matches, "over")? {
        order["seconds"] = json!(over.as_millis().div_ceil(1000) as u64);
    }
    if let Some(reason) = matches.get_one::<String>("reason") {
        order["reason"] = json!(reason);
    }
    let standing = api.post(&path, &order)?;
    let node = text(&standing, "node");
    warn_if_alone(&api, &node);
    if !matches.get_flag("wait") {
        return say(matches, &standing, &progress(&standing));
    }
    output::note(&progress(&standing));
    match wait(&api, &node)? {
        Some(standing) => say(matches, &standing, &format!("{node} is empty")),
        None => output::line(&format!("{node} has gone")),
    }
}

/// Waits until nobody is connected; nothing if the node is gone before.
fn wait(api: &Api, node: &str) -> Result<Option<Value>, Failure> {
    let mut failures = 0;
    loop {
        match api.get(&format!("/api/v1/nodes/{node}")) {
            Ok(standing) if standing["draining"] != json!(true) => {
                return Err(Failure::failed(format!("{node}: somebody has taken the drain back")));
            }
            Ok(standing) if standing["connections"] == json!(0) => return Ok(Some(standing)),
            Ok(_) => failures = 0,
            Err(why) if why.is_not_found() => return Ok(None),
            Err(why) if why.is_passing() && failures < FAILURES => failures += 1,
            Err(why) => return Err(why),
        }
        sleep(LOOK);
    }
}

fn progress(standing: &Value) -> String {
    format!(
        "{} drains: {} connections go over {} s",
        text(standing, "node"),
        standing["connections"],
        standing["seconds"]
    )
}

/// Clients of the last node have nowhere to go. What cannot be asked is not said.
fn warn_if_alone(api: &Api, drained: &str) {
    let Ok(answer) = api.get("/api/v1/nodes") else { return };
    let takes = |node: &Value| node["node"].as_str() != Some(drained) && node["draining"] != json!(true);
    if !list(&answer, "nodes").any(takes) {
        output::note("no other node takes clients: they are away until one does");
    }
}

fn say(matches: &ArgMatches, standing: &Value, words: &str) -> Result<(), Failure> {
    if matches.get_flag("json") {
        return output::line(&standing.to_string());
    }
    output::line(words)
}
