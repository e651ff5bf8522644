//! From the command line to a configuration.

use std::time::Duration;

use clap::ArgMatches;
use hallway_gateway::config::{self, Config, FILE_VARIABLE};
use hallway_protocol::{RoomName, UserId};
use hallway_settings::{Input, Loaded, Value as _, flags};

use crate::failure::Failure;

/// Reads file, environment and flags. Whether a node could run with it is not asked: a client command needs
/// less.
pub(crate) fn load(matches: &ArgMatches) -> Result<Loaded<Config>, Failure> {
    let mut input = Input::of_process();
    input.flags = flags::given::<Config>(matches);
    input.file = read_file(matches)?;
    config::load(input).map_err(Failure::usage)
}

/// The same, and a node could run with it.
pub(crate) fn load_checked(matches: &ArgMatches) -> Result<Loaded<Config>, Failure> {
    let loaded = load(matches)?;
    config::check(&loaded).map_err(Failure::usage)?;
    Ok(loaded)
}

/// A flag that is a length of time, such as `60s`; nothing if it is not given.
pub(crate) fn length(matches: &ArgMatches, flag: &str) -> Result<Option<Duration>, Failure> {
    let Some(text) = matches.get_one::<String>(flag) else {
        return Ok(None);
    };
    Duration::parse(text).map(Some).ok_or_else(|| {
        Failure::usage(format!(
            "flag --{flag}: {text:?} is refused: must be {}",
            Duration::KIND.allowed
        ))
    })
}

/// A flag that is a number and has a default.
pub(crate) fn number(matches: &ArgMatches, flag: &str) -> Result<u64, Failure> {
    let text = matches.get_one::<String>(flag).map_or("", String::as_str);
    let refused = |_| Failure::usage(format!("flag --{flag}: {text:?} is refused: must be a number"));
    text.parse().map_err(refused)
}

/// The room that is named `ROOM` or by `--room`, if it is.
pub(crate) fn room(matches: &ArgMatches, name: &str) -> Result<Option<RoomName>, Failure> {
    let parse =
        |text: &String| RoomName::parse(text).map_err(|why| Failure::usage(format!("ROOM {text:?} is refused: {why}")));
    matches.get_one::<String>(name).map(parse).transpose()
}

/// The user of `--user`, if there is one.
pub(crate) fn user(matches: &ArgMatches) -> Result<Option<UserId>, Failure> {
    let parse = |text: &String| {
        UserId::parse(text).map_err(|why| Failure::usage(format!("flag --user: {text:?} is refused: {why}")))
    };
    matches.get_one::<String>("user").map(parse).transpose()
}

/// A node's name, fit to stand in a URL.
pub(crate) fn node(text: &str) -> Result<&str, Failure> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !text.is_empty() && text.bytes().all(is_name) {
        return Ok(text);
    }
    Err(Failure::usage(format!(
        "NODE {text:?} is refused: must be a name as `hallway nodes` lists it"
    )))
}

/// A kind's name, fit to stand in a URL.
pub(crate) fn kind(text: &str) -> Result<&str, Failure> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(text);
    }
    Err(Failure::usage(format!(
        "flag --kind: {text:?} is refused: must be a kind such as board"
    )))
}

fn read_file(matches: &ArgMatches) -> Result<Option<(String, String)>, Failure> {
    let flag = matches.get_one::<String>("config").cloned();
    let (place, path) = match (flag, std::env::var_os(FILE_VARIABLE)) {
        (Some(path), _) => ("flag --config".to_owned(), path),
        (None, Some(path)) => (format!("variable {FILE_VARIABLE}"), path.to_string_lossy().into_owned()),
        (None, None) => return Ok(None),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) => Err(Failure::usage(format!("{place}: cannot read {path:?}: {error}"))),
    }
}
