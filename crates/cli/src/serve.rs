//! `hallway serve`: a node, from its configuration to its end.

use clap::ArgMatches;
use hallway_gateway::config::{self, Config};
use hallway_gateway::{Node, Running};
use hallway_settings::Loaded;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::signals::Signals;
use crate::{input, logging, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let loaded = input::load_checked(matches)?;
    logging::start(&loaded)?;
    runtime(loaded.config.workers)?.block_on(serve(matches, loaded))
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
async fn serve(matches: &ArgMatches, loaded: Loaded<Config>) -> Result<(), Failure> {
    // Before the node starts, so that a signal during a slow start drains it, too.
    let mut signals = Signals::new().map_err(|error| Failure::failed(format!("cannot catch signals: {error}")))?;
    let node = Node::start(loaded.config.clone()).await.map_err(Failure::failed)?;
    if loaded.config.dev {
        say_what_to_open(&node)?;
    }
    let first = signals.next(|| reload(matches, &loaded, &node)).await;
    tracing::info!(signal = ?first, "draining; a second signal ends the process at once");
    tokio::select! {
        () = node.drain() => Ok(()),
        second = signals.next(|| {}) => {
            tracing::warn!(signal = ?second, "ending without waiting for the drain");
            std::process::exit(second.exit_code());
        }
    }
}

/// Reads the configuration again: file, files of secrets, environment and flags. One that makes no sense changes nothing.
fn reload(matches: &ArgMatches, started: &Loaded<Config>, node: &Running) {
    let later = match input::load_checked(matches) {
        Ok(later) => later,
        Err(why) => {
            return tracing::error!(%why, "the configuration was read again and is refused; nothing has changed");
        }
    };
    if let Err(why) = node.node().reload(&later.config) {
        return tracing::error!(%why, "the configuration was read again and is refused; nothing has changed");
    }
    tracing::info!("the configuration was read again: keys, origins and limits are those of now");
    let waiting = config::waiting_for_restart(started, &later);
    if !waiting.is_empty() {
        tracing::warn!(
            settings = waiting.join(", "),
            "these settings have changed and wait for a restart"
        );
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
