//! The sizes of the scenario that fills the machine.

use clap::Args;

use super::seconds;

#[derive(Debug, Clone, Args)]
pub(crate) struct Million {
    /// Connections, if memory carries so many.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) connections: usize,
    /// Connections of one node, and of one generating process; each has descriptors for no more than its limit.
    #[arg(long, default_value_t = 19_000)]
    pub(crate) per_node: usize,
    /// Memory that is to stay available, in GiB: no more is opened when there is no more than that.
    #[arg(long, default_value_t = 1.5, value_parser = gibibytes)]
    pub(crate) margin_gib: f64,
    /// How long nothing is done but answering pings, in seconds; at least one ping interval shows them all.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub(crate) quiet_seconds: f64,
    /// Broadcasts to the room of all, one after another.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
}

impl Million {
    pub(crate) fn margin_bytes(&self) -> u64 {
        (self.margin_gib * f64::from(1 << 30)) as u64
    }
}

fn gibibytes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(gibibytes) if (0.0..=1_048_576.0).contains(&gibibytes) => Ok(gibibytes),
        _ => Err("must be a number of GiB from 0 to 1048576".into()),
    }
}
