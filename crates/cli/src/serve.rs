//! `hallway serve`: a node, from its configuration to its end.

use clap::ArgMatches;
use hallway_gateway::config::Config;
use hallway_gateway::{Node, Running};
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::signals::Signals;
use crate::{input, logging, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let loaded = input::load_checked(matches)?;
    logging::start(&loaded)?;
    runtime(loaded.config.workers)?.block_on(serve(loaded.config))
}

fn runtime(workers: usize) -> Result<Runtime, Failure> {
    let mut builder = Builder::new_multi_thread();
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))
}

/// Runs the node until a signal, then drains it; a second signal does not wait for that.
async fn serve(config: Config) -> Result<(), Failure> {
    // Before the node starts, so that a signal during a slow start drains it, too.
    let mut signals = Signals::new().map_err(|error| Failure::failed(format!("cannot catch signals: {error}")))?;
    let dev = config.dev;
    let node = Node::start(config).await.map_err(Failure::failed)?;
    if dev {
        say_what_to_open(&node)?;
    }
    let first = signals.next().await;
    tracing::info!(signal = ?first, "draining; a second signal ends the process at once");
    tokio::select! {
        () = node.drain() => Ok(()),
        second = signals.next() => {
            tracing::warn!(signal = ?second, "ending without waiting for the drain");
            std::process::exit(second.exit_code());
        }
    }
}

/// For who has just started a node on their own machine and wonders what now.
fn say_what_to_open(node: &Running) -> Result<(), Failure> {
    let (public, internal) = (node.public_address(), node.internal_address());
    output::line(&format!(
        "\n  Hallway runs in dev mode. Everybody knows its secret and its API key: never for the open internet.\n\n  \
         demo      http://{public}/demo   (open it in two tabs)\n  \
         clients   ws://{public}/ws       (token: hallway token --dev --user alice --room 'board-*')\n  \
         backend   http://{internal}/api/v1/broadcast   (key: dev)\n  \
         metrics   http://{internal}/metrics\n"
    ))
}
