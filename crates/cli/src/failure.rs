//! How the process ends when something went wrong. `docs/cli.md` says what each exit code means.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// Exit codes; the numbers above 1 are those of sysexits.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// What was asked for did not work out.
    Failed = 1,
    /// The command line or the configuration makes no sense (`EX_USAGE`).
    Usage = 64,
    /// The node, or what it needs, is away: again later (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// The API key is not accepted (`EX_NOPERM`).
    NotPermitted = 77,
}

/// An exit code and the text that explains it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    text: String,
    not_found: bool,
}

impl Failure {
    /// What was asked for makes no sense: trying again is no use.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Code::Usage, text)
    }

    /// What was asked for did not work out.
    pub(crate) fn failed(text: impl fmt::Display) -> Self {
        Self::new(Code::Failed, text)
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(text: impl fmt::Display) -> Self {
        Self {
            not_found: true,
            ..Self::new(Code::Failed, text)
        }
    }

    /// It may work out later.
    pub(crate) fn unavailable(text: impl fmt::Display) -> Self {
        Self::new(Code::Unavailable, text)
    }

    /// Whoever asks may not.
    pub(crate) fn not_permitted(text: impl fmt::Display) -> Self {
        Self::new(Code::NotPermitted, text)
    }

    fn new(code: Code, text: impl fmt::Display) -> Self {
        Self {
            code,
            text: text.to_string(),
            not_found: false,
        }
    }

    /// Whether what was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.not_found
    }

    /// Whether it may work out later.
    pub(crate) fn is_passing(&self) -> bool {
        self.code == Code::Unavailable
    }

    /// Says why, and ends.
    pub(crate) fn report(self) -> ExitCode {
        // If standard error is gone, there is nobody to tell.
        for line in self.text.lines() {
            let _ = writeln!(std::io::stderr(), "hallway: {line}");
        }
        ExitCode::from(self.code as u8)
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
        ExitCode::from(Code::Usage as u8)
    } else {
        ExitCode::SUCCESS
    }
}
