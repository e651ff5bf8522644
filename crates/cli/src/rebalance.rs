//! `hallway rebalance`: nodes above the mean send away what they have above it.

use clap::ArgMatches;
use serde_json::{Value, json};

use crate::answer::{count, list, text};
use crate::api::Api;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let dry_run = matches.get_flag("dry-run");
    let mut order = json!({ "dryRun": dry_run });
    if let Some(over) = input::length(matches, "over")? {
        order["seconds"] = json!(over.as_millis().div_ceil(1000) as u64);
    }
    if let Some(given) = matches.get_one::<String>("tolerance") {
        order["tolerance"] = json!(share(given)?);
    }
    let plan = Api::of(matches, &config)?.post("/api/v1/rebalance", &order)?;
    if matches.get_flag("json") {
        return output::line(&plan.to_string());
    }
    output::lines(&table(&plan).lines())?;
    output::line(&summary(&plan, dry_run))
}

/// `5%` or `0.05`.
fn share(given: &str) -> Result<f64, Failure> {
    let number = match given.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => given.parse(),
    };
    let share = number.ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| {
        Failure::usage(format!(
            "flag --tolerance: {given:?} is refused: must be a share of the mean, such as 5% or 0.05"
        ))
    })
}

fn table(plan: &Value) -> Table {
    let mut table = Table::new(["NODE", "CONNECTIONS", "SHEDS"]);
    for node in list(plan, "nodes") {
        table.row([text(node, "node"), count(node, "connections"), count(node, "sheds")]);
    }
    table
}

fn summary(plan: &Value, dry_run: bool) -> String {
    let sheds: u64 = list(plan, "nodes").filter_map(|node| node["sheds"].as_u64()).sum();
    let mean = plan["mean"].as_f64().unwrap_or(0.0);
    match (sheds, dry_run) {
        (0, _) => format!("mean {mean:.1}: nothing to do"),
        (_, true) => format!("mean {mean:.1}: {sheds} clients would go over {} s", plan["seconds"]),
        (_, false) => format!("mean {mean:.1}: {sheds} clients go over {} s", plan["seconds"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_share_of_the_mean() {
        assert_eq!(
            (share("5%").unwrap(), share("0.25").unwrap(), share("0").unwrap()),
            (0.05, 0.25, 0.0)
        );
        for bad in ["", "%", "-1%", "101%", "5", "NaN", "five"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_done_is_said() {
        let plan = json!({"mean": 20.0, "seconds": 60, "nodes": [
            {"node": "a", "connections": 30, "sheds": 10}, {"node": "b", "connections": 10, "sheds": 0},
        ]});
        assert_eq!(
            table(&plan).lines(),
            [
                "NODE  CONNECTIONS  SHEDS",
                "a              30     10",
                "b              10      0"
            ]
        );
        assert_eq!(summary(&plan, true), "mean 20.0: 10 clients would go over 60 s");
        assert_eq!(
            summary(&json!({"mean": 1.5, "nodes": []}), false),
            "mean 1.5: nothing to do"
        );
    }
}
