//! What is said at the end: JSON for programs, rows for people; [`beside`]: servers side by side.

pub(crate) mod beside;

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A figure beside its target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// The target's number.
    pub(crate) target: String,
    pub(crate) what: String,
    pub(crate) figure: f64,
    pub(crate) unit: String,
    /// The same of Redis, which is not in the figure.
    #[serde(default)]
    pub(crate) redis: Option<f64>,
    /// What must be reached, where there is a target.
    pub(crate) goal: Option<f64>,
    /// What would be better still.
    pub(crate) beyond: Option<f64>,
    /// Whether more is better.
    #[serde(default)]
    pub(crate) at_least: bool,
}

impl Row {
    pub(crate) fn new(target: &str, what: String, figure: f64, unit: &str, goal: f64) -> Self {
        Self {
            target: target.into(),
            what,
            figure,
            unit: unit.into(),
            redis: None,
            goal: Some(goal),
            beyond: None,
            at_least: false,
        }
    }

    /// A figure without a target of its own, beside one that has.
    pub(crate) fn aside(target: &str, what: String, figure: f64, unit: &str) -> Self {
        Self {
            goal: None,
            ..Self::new(target, what, figure, unit, 0.0)
        }
    }

    pub(crate) fn redis(mut self, redis: Option<f64>) -> Self {
        self.redis = redis;
        self
    }

    pub(crate) fn beyond(mut self, beyond: f64) -> Self {
        self.beyond = Some(beyond);
        self
    }

    pub(crate) fn at_least(mut self) -> Self {
        self.at_least = true;
        self
    }

    fn limit(&self, limit: Option<f64>) -> String {
        let sign = if self.at_least { "≥" } else { "≤" };
        limit.map(|limit| format!("{sign} {limit}")).unwrap_or_default()
    }

    fn verdict(&self) -> &'static str {
        let reaches = |goal: f64| {
            if self.at_least {
                self.figure >= goal
            } else {
                self.figure <= goal
            }
        };
        match (self.beyond.is_some_and(reaches), self.goal.map(reaches)) {
            (true, _) => "beyond",
            (false, Some(true)) => "reached",
            (false, Some(false)) => "missed",
            (false, None) => "",
        }
    }
}

/// Markdown tables from a report: a row per figure that has a target, and servers side by side.
pub(crate) fn table(report: &Value) -> String {
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    let beside = beside::tables(scenarios);
    if scenarios.iter().all(|scenario| scenario["cases"].is_array()) {
        beside
    } else {
        targets(scenarios) + &beside
    }
}

fn targets(scenarios: &[Value]) -> String {
    let mut text = String::from(
        "| # | what | codec | bus | figure | the same of Redis | target | beyond it | |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for scenario in scenarios {
        let rows = scenario["rows"].clone();
        let said = |name: &str| scenario[name].as_str().unwrap_or_default();
        let (codec, bus) = (said("codec"), said("bus"));
        for row in serde_json::from_value::<Vec<Row>>(rows).unwrap_or_default() {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {codec} | {bus} | {} {} | {} | {} | {} | {} |",
                row.target,
                row.what,
                short(row.figure),
                row.unit,
                row.redis.map(short).unwrap_or_default(),
                row.limit(row.goal),
                row.limit(row.beyond),
                row.verdict()
            );
        }
        if let Some(why) = scenario["skipped"].as_str() {
            let _ = writeln!(
                text,
                "| | {} | {codec} | {bus} | skipped: {why} | | | | |",
                scenario["scenario"].as_str().unwrap_or("?")
            );
        }
    }
    text
}

fn short(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        1.0.. => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_what_was_reached() {
        let row = Row::new("S1", "one room".into(), 1.2, "× floor", 1.25)
            .beyond(1.1)
            .redis(Some(0.5));
        let more = Row::new("S8", "publishes".into(), 61_000.4, "/s", 60_000.0).at_least();
        let aside = Row::aside("S11", "Redis".into(), 2.0, "GiB");
        let table = table(&json!({"scenarios": [
            {"codec": "json", "bus": "redis", "rows": [row, more, aside]},
            {"scenario": "latency", "skipped": "no Redis"},
        ]}));
        for line in [
            "| S1 | one room | json | redis | 1.20 × floor | 0.500 | ≤ 1.25 | ≤ 1.1 | reached |",
            "| S8 | publishes | json | redis | 61000 /s |  | ≥ 60000 |  | reached |",
            "| S11 | Redis | json | redis | 2.00 GiB |  |  |  |  |",
        ] {
            assert!(table.contains(line), "{table}");
        }
        assert!(table.contains("skipped: no Redis"));
    }
}
