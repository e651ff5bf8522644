//! From the command line to a configuration.

use clap::ArgMatches;
use hallway_gateway::config::{self, Config, FILE_VARIABLE};
use hallway_settings::{Input, Loaded, flags};

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
