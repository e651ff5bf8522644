//! The log, on standard error: standard output is for what was asked for.

use hallway_gateway::config::{Config, LogFormat};
use hallway_settings::{Loaded, Problems};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts logging as configured. `RUST_LOG` is not looked at: the filter is a setting like any other.
pub(crate) fn start(loaded: &Loaded<Config>) -> Result<(), Failure> {
    let log = &loaded.config.log;
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        let why = format!("must be a level or levels per part, such as info,hallway_bus=debug ({error})");
        Failure::usage(Problems(vec![loaded.problem("log.filter", &why)]))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_ansi(colours).with_target(false).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
