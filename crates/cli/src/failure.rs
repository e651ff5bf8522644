//! How the process ends when something went wrong.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// Exit code for a command line or a configuration that makes no sense (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// Exit code for everything else.
const FAILED: u8 = 1;

/// An exit code and the text that explains it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// What was asked for makes no sense: trying again is no use.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self {
            code: USAGE,
            text: text.to_string(),
        }
    }

    /// What was asked for did not work out.
    pub(crate) fn failed(text: impl fmt::Display) -> Self {
        Self {
            code: FAILED,
            text: text.to_string(),
        }
    }

    /// Says why, and ends.
    pub(crate) fn report(self) -> ExitCode {
        // If standard error is gone, there is nobody to tell.
        for line in self.text.lines() {
            let _ = writeln!(std::io::stderr(), "hallway: {line}");
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the argument parser has to say: help and version are no failures.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}
