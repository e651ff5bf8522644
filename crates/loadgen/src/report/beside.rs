//! Servers side by side: figures of several rounds, and their table.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::short;
use crate::error::Failure;
use crate::peers::Version;
use crate::spread::Spread;

/// All cases of all servers.
#[derive(Debug)]
pub(crate) struct Beside {
    subjects: Vec<(&'static str, Vec<Version>)>,
    skipped: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

/// A figure that is measured of every server in every round.
#[derive(Debug)]
pub(crate) struct Case {
    what: String,
    unit: &'static str,
    floors: Vec<f64>,
    floor_reports: Vec<Value>,
    noted: BTreeMap<&'static str, Noted>,
}

/// What one server came to in a case.
#[derive(Debug, Default)]
struct Noted {
    figures: Vec<f64>,
    /// Each over the floor of its own round.
    multiples: Vec<f64>,
    runs: Vec<Value>,
    failures: Vec<String>,
}

impl Beside {
    pub(crate) fn new(subjects: Vec<(&'static str, Vec<Version>)>, skipped: Vec<(&'static str, String)>) -> Self {
        Self {
            subjects,
            skipped,
            cases: Vec::new(),
        }
    }

    /// The case that is called so, which begins with its first round.
    pub(crate) fn case(&mut self, what: &str, unit: &'static str) -> &mut Case {
        let at = self.cases.iter().position(|case| case.what == what).unwrap_or_else(|| {
            self.cases.push(Case {
                what: what.to_owned(),
                unit,
                floors: Vec::new(),
                floor_reports: Vec::new(),
                noted: BTreeMap::new(),
            });
            self.cases.len() - 1
        });
        &mut self.cases[at]
    }

    pub(crate) fn report(&self) -> Value {
        let subjects = self
            .subjects
            .iter()
            .map(|(name, versions)| json!({"name": name, "versions": versions}));
        let skipped = self.skipped.iter().map(|(name, why)| json!({"name": name, "why": why}));
        json!({
            "subjects": subjects.collect::<Vec<_>>(),
            "skippedSubjects": skipped.collect::<Vec<_>>(),
            "cases": self.cases.iter().map(Case::report).collect::<Vec<_>>(),
        })
    }
}

impl Case {
    /// Notes the floor of the round whose figures follow.
    pub(crate) fn floor(&mut self, figure: f64, report: Value) {
        self.floors.push(figure);
        self.floor_reports.push(report);
    }

    /// Notes a figure, or why there is none.
    pub(crate) fn note(&mut self, subject: &'static str, figure: Result<f64, Failure>) {
        let noted = self.noted.entry(subject).or_default();
        match figure {
            Ok(figure) => {
                noted.figures.push(figure);
                // CPU is counted in steps of 10 ms: a floor of a very short run may come to none.
                let floor = self.floors.last().filter(|floor| **floor > 0.0);
                noted.multiples.extend(floor.map(|floor| figure / floor));
            }
            Err(why) => noted.failures.push(why.0),
        }
    }

    /// Keeps the counts behind a figure.
    pub(crate) fn run(&mut self, subject: &'static str, run: Value) {
        self.noted.entry(subject).or_default().runs.push(run);
    }

    fn report(&self) -> Value {
        let subjects = self.noted.iter().map(|(name, noted)| {
            let wrong = |count: &str| {
                noted
                    .runs
                    .iter()
                    .filter_map(|run| run["run"][count].as_u64())
                    .sum::<u64>()
            };
            json!({
                "name": name, "figure": Spread::of(&noted.figures), "timesFloor": Spread::of(&noted.multiples),
                "delivered": wrong("delivered"), "expected": wrong("expected"), "lost": wrong("lost"),
                "doubled": wrong("doubled"), "outOfOrder": wrong("outOfOrder"), "refused": wrong("refused"),
                "figures": noted.figures, "runs": noted.runs, "failures": noted.failures,
            })
        });
        json!({
            "case": self.what, "unit": self.unit, "floor": Spread::of(&self.floors),
            "floors": self.floor_reports, "subjects": subjects.collect::<Vec<_>>(),
        })
    }
}

/// The tables of all reports of servers side by side; empty if there is none.
pub(super) fn tables(scenarios: &[Value]) -> String {
    scenarios
        .iter()
        .filter(|scenario| scenario["cases"].is_array())
        .map(table)
        .collect()
}

/// A row per case and a column per server, and below it what the table cannot say.
fn table(scenario: &Value) -> String {
    let subjects = list(&scenario["subjects"]);
    let mut text = String::from("| | floor |");
    for subject in subjects {
        let version = subject["versions"][0]["version"].as_str().unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(text, " {} {version} |", name(subject));
    }
    let _ = writeln!(text, "\n| --- | --- |{}", " --- |".repeat(subjects.len()));
    for case in list(&scenario["cases"]) {
        let unit = case["unit"].as_str().unwrap_or_default();
        let floor = spread(&case["floor"], "").unwrap_or_else(|| "–".into());
        let _ = write!(
            text,
            "| {}, {unit} | {floor} |",
            case["case"].as_str().unwrap_or_default()
        );
        for subject in subjects {
            let found = list(&case["subjects"])
                .iter()
                .find(|other| name(other) == name(subject));
            let _ = write!(text, " {} |", found.map_or_else(|| "–".into(), cell));
        }
        text.push('\n');
    }
    text.push('\n');
    let redis = if scenario["bus"] == "redis" {
        "through Redis"
    } else {
        "in process"
    };
    let _ = writeln!(
        text,
        "Medians of rounds: {}, {redis} (least to most), and what they are times the floor of their round. CPU s without more \
         are those of the server per million deliveries.",
        scenario["rounds"]
    );
    let versions = subjects.iter().flat_map(|subject| list(&subject["versions"]));
    let mut versions: Vec<String> = versions
        .map(|one| format!("{} {}", name(one), one["version"].as_str().unwrap_or_default()))
        .collect();
    versions.dedup();
    let _ = writeln!(text, "Versions: {}.", versions.join(", "));
    for one in list(&scenario["skippedSubjects"]) {
        let _ = writeln!(
            text,
            "{} is not measured: {}.",
            name(one),
            one["why"].as_str().unwrap_or_default()
        );
    }
    text
}

/// A server's figure in a case, with everything that went wrong.
fn cell(subject: &Value) -> String {
    let mut text = spread(&subject["figure"], "").unwrap_or_else(|| "failed".into());
    if let Some(times) = spread(&subject["timesFloor"], " ×") {
        let _ = write!(text, "; {times}");
    }
    let wrong = [
        ("lost", "lost"),
        ("doubled", "doubled"),
        ("outOfOrder", "out of order"),
        ("refused", "refused"),
    ];
    for (count, what) in wrong {
        if let Some(count @ 1..) = subject[count].as_u64() {
            let _ = write!(text, "; {count} {what}");
        }
    }
    match list(&subject["failures"]).len() {
        0 => {}
        failures => {
            let _ = write!(text, "; failed {failures} times");
        }
    }
    text
}

/// `median (min–max)`, the unit behind the median; of a single figure only that.
fn spread(value: &Value, unit: &str) -> Option<String> {
    let figure = |name: &str| value[name].as_f64();
    let (median, min, max) = (short(figure("median")?), figure("min")?, figure("max")?);
    if min < max {
        Some(format!("{median}{unit} ({}–{})", short(min), short(max)))
    } else {
        Some(format!("{median}{unit}"))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_medians_multiples_and_what_went_wrong() {
        let versions = |version: &str| {
            vec![Version {
                name: "it".into(),
                version: version.into(),
            }]
        };
        let mut beside = Beside::new(
            vec![("One", versions("1.0")), ("Other", versions("2.0"))],
            vec![("Third", "not there".into())],
        );
        for (floor, figure) in [(2.0, 4.0), (4.0, 10.0), (3.0, 3.0)] {
            let case = beside.case("one room", "CPU s");
            case.floor(floor, json!({}));
            case.note("One", Ok(figure));
            case.run("One", json!({"run": {"lost": 2, "delivered": 5}}));
        }
        beside
            .case("one room", "CPU s")
            .note("Other", Err(Failure::new("gone")));
        beside.case("memory", "KiB").note("Other", Ok(7.0));
        let mut report = beside.report();
        report["rounds"] = json!(3);
        let table = tables(&[report]);
        let row = "| one room, CPU s | 3.00 (2.00–4.00) | 4.00 (3.00–10.0); 2.00 × (1.00–2.50); 6 lost | failed; failed 1 times |";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("| memory, KiB | – | – | 7.00 |"), "{table}");
        assert!(table.contains("Third is not measured: not there."), "{table}");
        assert!(table.contains("in process"), "{table}");
    }

    #[test]
    fn a_report_without_servers_has_no_table() {
        assert_eq!(tables(&[json!({"scenario": "room", "rows": []})]), "");
    }
}
