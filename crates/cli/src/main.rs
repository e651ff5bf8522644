//! The `hallway` binary: runs a node, and talks to nodes. It reads arguments and ends the process; everything
//! else is in the crates below.
//!
//! - `arguments`: the command line. `input`: from it to a configuration.
//! - `serve`: runs a node, with `logging` and `signals`.
//! - A file per command. For developers: `token`, `publish`, `tail`, `config`, `metrics`, `protocol`. For who runs a cluster:
//!   `nodes`, `drain`, `rebalance`, `rooms`, `who`, `kick`, `stats`, `health`.
//! - `api`: a client of the backend API, `answer`: what it answers. `failure`: exit codes. `output`, `table`: what goes to
//!   standard output.

mod answer;
mod api;
mod arguments;
mod config;
mod drain;
mod failure;
mod health;
mod input;
mod kick;
mod logging;
mod metrics;
mod nodes;
mod output;
mod protocol;
mod publish;
mod rebalance;
mod rooms;
mod serve;
mod signals;
mod stats;
mod table;
mod tail;
mod token;
mod who;

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
        Some(("tail", matches)) => tail::run(matches),
        Some(("nodes", matches)) => nodes::run(matches),
        Some(("drain", matches)) => drain::run(matches),
        Some(("rebalance", matches)) => rebalance::run(matches),
        Some(("rooms", matches)) => rooms::run(matches),
        Some(("who", matches)) => who::run(matches),
        Some(("kick", matches)) => kick::run(matches),
        Some(("stats", matches)) => stats::run(matches),
        Some(("health", matches)) => health::run(matches),
        Some(("config", matches)) => config::run(matches),
        Some(("metrics", _)) => metrics::run(),
        Some(("protocol", _)) => protocol::run(),
        // `arguments` requires one of the commands above.
        _ => Err(Failure::usage("no such command")),
    }
}
