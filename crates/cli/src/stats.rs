//! `hallway stats`: how the cluster does. Looks twice, and shows what happened in between.

mod rates;

use std::thread::sleep;
use std::time::Duration;

use clap::ArgMatches;
use serde_json::Value;

use crate::answer::silence;
use crate::api::Api;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};
use rates::{Node, Summary};

/// The time between two looks where nobody says.
const ONCE: Duration = Duration::from_secs(1);
/// The shortest: a look costs a question to every node.
const SHORTEST: Duration = Duration::from_millis(250);

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let api = Api::of(matches, &config)?;
    let every = input::length(matches, "every")?;
    if every.is_some_and(|every| every < SHORTEST) {
        return Err(Failure::usage("flag --every: must be at least 250ms"));
    }
    let mut before = api.get("/api/v1/stats")?;
    loop {
        sleep(every.unwrap_or(ONCE));
        let now = api.get("/api/v1/stats")?;
        let summary = Summary::between(&before, &now);
        if matches.get_flag("json") {
            output::line(&summary.to_json().to_string())?;
        } else {
            show(&summary, &now)?;
        }
        if every.is_none() {
            return Ok(());
        }
        before = now;
    }
}

fn show(summary: &Summary, answer: &Value) -> Result<(), Failure> {
    output::line(&headline(summary))?;
    output::lines(&nodes(summary).lines())?;
    if !summary.closes.is_empty() {
        output::line("")?;
        output::lines(&closes(summary).lines())?;
    }
    output::line("")?;
    silence(answer).iter().for_each(|words| output::note(words));
    if answer["complete"] != true && answer["silent"].as_array().is_none_or(Vec::is_empty) {
        output::note("the bus is away: only the node that was asked has answered");
    }
    Ok(())
}

fn headline(summary: &Summary) -> String {
    let total = &summary.total;
    format!(
        "{} nodes, {} connections, {:.1} broadcasts/s, {:.1} deliveries/s, {} slow consumers",
        summary.nodes.len(),
        total.connections,
        total.published,
        total.deliveries,
        total.slow_consumers
    )
}

fn nodes(summary: &Summary) -> Table {
    let mut table = Table::new([
        "NODE",
        "STATE",
        "BUS",
        "CONNECTIONS",
        "ROOMS",
        "OPENED/S",
        "PUBLISHED/S",
        "DELIVERED/S",
        "QUEUED",
        "SLOW",
    ]);
    for node in &summary.nodes {
        let Node {
            name, state, bus_is_up, ..
        } = node;
        let rate = |rate: f64| format!("{rate:.1}");
        table.row([
            name.clone(),
            state.clone(),
            if *bus_is_up { "up" } else { "DOWN" }.to_owned(),
            node.figures.connections.to_string(),
            node.figures.rooms.to_string(),
            rate(node.figures.opened),
            rate(node.figures.published),
            rate(node.figures.deliveries),
            node.figures.queued_sockets.to_string(),
            node.figures.slow_consumers.to_string(),
        ]);
    }
    table
}

fn closes(summary: &Summary) -> Table {
    let mut table = Table::new(["CLOSED WITH", "SINCE START", "NOW"]);
    for (code, (total, now)) in &summary.closes {
        table.row([code.clone(), total.to_string(), now.to_string()]);
    }
    table
}
