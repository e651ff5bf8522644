//! The `hallway` binary: runs a node, and talks to nodes. It reads arguments and ends the process; everything
//! else is in the crates below.
//!
//! - `arguments`: the command line. `input`: from it to a configuration.
//! - `serve`: runs a node, with `logging` and `signals`.
//! - `token`, `publish`, `nodes`, `listen`, `health`, `config`, `metrics`: a file per command.
//! - `api`: a client of the backend API. `failure`: exit codes. `output`: what goes to standard output.

mod api;
mod arguments;
mod config;
mod failure;
mod health;
mod input;
mod listen;
mod logging;
mod metrics;
mod nodes;
mod output;
mod publish;
mod serve;
mod signals;
mod token;

use std::process::ExitCode;

use clap::ArgMatches;

use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let matches = match arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return failure::usage(&error),
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some(("token", matches)) => token::run(matches),
        Some(("publish", matches)) => publish::run(matches),
        Some(("nodes", matches)) => nodes::run(matches),
        Some(("listen", matches)) => listen::run(matches),
        Some(("health", matches)) => health::run(matches),
        Some(("config", matches)) => config::run(matches),
        Some(("metrics", _)) => metrics::run(),
        // `arguments` requires one of the commands above.
        _ => Err(Failure::usage("no such command")),
    }
}
