//! `hallway health`: whether a node is ready, for a container's health check. It needs no key and no shell.

use std::time::Duration;

use clap::ArgMatches;
use http::Method;

use crate::api::Api;
use crate::failure::Failure;
use crate::{input, output};

/// Shorter than the timeout of whoever asks: what is wrong is to be said by us.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let path = if matches.get_flag("alive") {
        "/healthz"
    } else {
        "/readyz"
    };
    let api = Api::without_key(matches, &config)?;
    let (status, body) = api.ask(Method::GET, path, String::new(), PATIENCE)?;
    let said = String::from_utf8_lossy(&body);
    if status.is_success() {
        output::line(said.trim_end())
    } else {
        Err(Failure::failed(format!("{path}: HTTP {status}: {}", said.trim_end())))
    }
}
