//! `hallway rooms`: the greatest rooms of all nodes, by sockets or by traffic.

use clap::ArgMatches;
use serde_json::Value;

use crate::answer::{count, list, silence, text};
use crate::api::Api;
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let given = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let mut path = format!(
        "/api/v1/rooms?sort={}&limit={}",
        given("sort"),
        input::number(matches, "limit")?
    );
    if let Some(window) = input::length(matches, "window")? {
        path += &format!("&windowMs={}", window.as_millis());
    }
    if let Some(kind) = matches.get_one::<String>("kind") {
        path += &format!("&kind={}", input::kind(kind)?);
    }
    let answer = Api::of(matches, &config)?.get(&path)?;
    if matches.get_flag("json") {
        return output::line(&answer.to_string());
    }
    output::lines(&table(&answer).lines())?;
    silence(&answer).iter().for_each(|words| output::note(words));
    Ok(())
}

fn table(answer: &Value) -> Table {
    let mut table = Table::new(["ROOM", "SOCKETS", "NODES", "BROADCASTS/S"]);
    for room in list(answer, "rooms") {
        let rate = room["broadcastsPerSecond"].as_f64();
        table.row([
            text(room, "room"),
            count(room, "sockets"),
            count(room, "nodes"),
            rate.map_or("-".to_owned(), |rate| format!("{rate:.1}")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_room_is_a_row() {
        let answer = json!({"rooms": [{"room": "board-1", "sockets": 12, "nodes": 3, "broadcastsPerSecond": 4.25}], "silent": ["c"]});
        assert_eq!(
            table(&answer).lines(),
            [
                "ROOM     SOCKETS  NODES  BROADCASTS/S",
                "board-1       12      3           4.2"
            ]
        );
        assert!(silence(&answer).unwrap().starts_with("no answer from c"));
    }
}
