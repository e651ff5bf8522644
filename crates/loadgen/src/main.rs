//! A light generator of native-protocol load, which starts a node and measures it against its targets.
//!
//! - [`cli`]: what can be asked for; [`scenario`]: a file per scenario; [`report`]: what is said at the end.
//! - [`swarm`]: the sockets, on [`wire`] (framing), [`heard`] (what a frame is), [`order`] (once, and in order)
//!   and [`payload`] (what publishers say).
//! - [`fleet`]: clients that come and go, each keeping its place over its connections.
//! - [`floor`]: what a bare `write(2)` costs; [`redis`]: what a bare Redis costs.
//! - [`server`], [`worker`], [`process`]: child processes and their cost; [`kernel`]: what the kernel takes, and
//!   [`limits`]: where it allows no more.
//!
//! What must stay true: counts are of what the sockets received, CPU is what the operating system says of the
//! measured process, and every figure is quoted beside one of a bare loop in the same run. A slow machine is a
//! result; a run that could not be carried out is an error.

mod chance;
mod cli;
mod clock;
mod dialect;
mod error;
mod fleet;
mod floor;
mod heard;
mod http;
mod kernel;
mod limits;
mod machine;
mod order;
mod payload;
mod peers;
mod process;
mod redis;
mod report;
mod samples;
mod scenario;
mod server;
mod spread;
mod swarm;
mod token;
mod wire;
mod worker;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use cli::{Cli, Common, What};
use error::{Doing, Failure};

fn main() -> ExitCode {
    let cli = Cli::parse();
    machine::lift_descriptor_limit();
    let done = match &cli.command {
        What::FloorWriter {
            sockets,
            group,
            coalesced,
        } => floor::write(*sockets, *group, *coalesced),
        What::Worker => worker::work(),
        What::FleetWorker => fleet::work(),
        What::Table { file } => print_table(file),
        _ => measure(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is left to do if this cannot be written.
            let _ = writeln!(std::io::stderr(), "hallway-loadgen: {why}");
            ExitCode::FAILURE
        }
    }
}

fn print_table(file: &std::path::Path) -> Result<(), Failure> {
    let text = fs::read_to_string(file).doing(&file.display().to_string())?;
    let report: Value = serde_json::from_str(&text).doing("the report")?;
    say(&report::table(&report))
}

fn measure(cli: &Cli) -> Result<(), Failure> {
    let common = &cli.common;
    let report = json!({
        "machine": machine::describe(),
        "payload": common.payload(),
        "scenarios": scenario::run(common, &cli.command)?,
    });
    finish(common, &report)
}

fn finish(common: &Common, report: &Value) -> Result<(), Failure> {
    let text = format!("{}\n", serde_json::to_string_pretty(report).doing("the report")?);
    match &common.out {
        Some(file) => fs::write(file, text).doing(&file.display().to_string())?,
        None => say(&text)?,
    }
    if common.table {
        say(&report::table(report))
    } else {
        Ok(())
    }
}

fn say(text: &str) -> Result<(), Failure> {
    std::io::stdout().write_all(text.as_bytes()).doing("stdout")
}
