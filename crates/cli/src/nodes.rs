//! `hallway nodes`: the live nodes, as the backend API tells them.

use clap::ArgMatches;
use http::Method;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::failure::Failure;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let answer = Api::of(matches, &config)?.call(Method::GET, "/api/v1/nodes", String::new())?;
    if matches.get_flag("json") {
        return output::line(&answer.to_string());
    }
    let rows: Vec<&Map<String, Value>> = answer["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    table(&rows).iter().try_for_each(|line| output::line(line))
}

/// Rows of one form as lines, a column per field, the names of the fields first. The API decides what fields
/// there are: whatever it comes to tell is shown.
fn table(rows: &[&Map<String, Value>]) -> Vec<String> {
    let Some(first) = rows.first() else {
        return vec!["no nodes".to_owned()];
    };
    let mut names: Vec<&String> = first.keys().collect();
    names.sort_by_key(|name| (*name != "node", name.as_str()));
    let mut cells = vec![names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    cells.extend(
        rows.iter()
            .map(|row| names.iter().map(|name| cell(row.get(*name))).collect()),
    );
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_stand_in_columns() {
        let rows = [
            json!({"connections": 12, "node": "a"}),
            json!({"connections": 3, "node": "long-name"}),
        ];
        let rows: Vec<_> = rows.iter().filter_map(Value::as_object).collect();
        assert_eq!(
            table(&rows),
            ["NODE       CONNECTIONS", "a          12", "long-name  3"]
        );
        assert_eq!(table(&[]), ["no nodes"]);
    }
}
