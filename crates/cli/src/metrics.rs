//! `hallway metrics docs`: the reference of all metrics, from their declarations.

use crate::failure::Failure;
use crate::output;

pub(crate) fn run() -> Result<(), Failure> {
    output::line(hallway_gateway::metrics::docs().trim_end())
}
