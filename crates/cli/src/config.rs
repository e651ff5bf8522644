//! `hallway config`: what is in force, whether it makes sense, what there is.

use clap::ArgMatches;
use hallway_gateway::config::Config;
use hallway_settings::reference;

use crate::failure::Failure;
use crate::{input, output};

/// Begins the reference document.
const PREFACE: &str = "# Configuration

Every setting has a key in the TOML file (`--config FILE` or `HALLWAY_CONFIG`), an environment variable and a flag. A \
flag counts before a variable, a variable before the file, the file before the default. Whatever is not known or \
not allowed is refused at the start, all of it at once, with exit code 64. `hallway config check` says whether a \
node would start, `hallway config print` what is in force and where it comes from.

A secret can stand in a file of its own instead: its key with `_file` behind it (`…_FILE`, `…-file`) names the file; \
newlines at its end do not count. A list is an array in TOML, and separated by commas elsewhere; a list of secrets \
has one per line in its file. A section's keys stand below its heading in the file: `limits.frame_size` is \
`frame_size` below `[limits]`.

This page is printed by `hallway config docs`.
";

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("print", matches)) => output::line(input::load(matches)?.print().trim_end()),
        Some(("check", matches)) => {
            input::load_checked(matches)?;
            output::line("the configuration makes sense")
        }
        Some(("docs", _)) => output::line(format!("{PREFACE}\n{}", reference::<Config>()).trim_end()),
        // `arguments` requires one of the commands above.
        _ => Err(Failure::usage("no such command")),
    }
}
