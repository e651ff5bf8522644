//! `hallway protocol types`: the catalogues of the protocol in TypeScript, from their declarations.

use crate::failure::Failure;
use crate::output;

pub(crate) fn run() -> Result<(), Failure> {
    output::line(hallway_protocol::typescript::typescript().trim_end())
}
