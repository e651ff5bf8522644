//! `hallway publish`: a broadcast through the backend API.

use std::io::Read as _;

use clap::ArgMatches;
use hallway_protocol::RoomName;
use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::Api;
use crate::failure::Failure;
use crate::{input, output};

#[derive(Serialize)]
struct Broadcast<'a> {
    room: &'a str,
    destination: &'a str,
    /// As it was given: a number that JavaScript could not hold stays what it is.
    data: &'a RawValue,
}

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let given = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let room = RoomName::parse(given("room"))
        .map_err(|why| Failure::usage(format!("ROOM {:?} is refused: {why}", given("room"))))?;
    let data = data(given("data"))?;
    let body = Broadcast {
        room: room.as_str(),
        destination: given("destination"),
        data: &data,
    };
    let body = serde_json::to_string(&body).map_err(Failure::failed)?;
    let answer = Api::of(matches, &config)?.call(Method::POST, "/api/v1/broadcast", body)?;
    for result in answer["results"].as_array().into_iter().flatten() {
        output::line(&result.to_string())?;
    }
    Ok(())
}

fn data(given: &str) -> Result<Box<RawValue>, Failure> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
    }
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!(
            "DATA is refused: must be JSON (a text stands in quotes): {error}"
        ))
    })
}
