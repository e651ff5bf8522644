//! What a configuration is read from, and where a value came from.

use std::ffi::OsString;
use std::fmt;

use crate::declaration::VARIABLE_PREFIX;

/// Everything that may set something. Nothing else is looked at, so a test decides all of it.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The TOML file: its name, as messages show it, and its text.
    pub file: Option<(String, String)>,
    /// Environment variables. Those that do not begin with `HALLWAY_` are not ours.
    pub variables: Vec<(String, OsString)>,
    /// Variables that begin with `HALLWAY_` and belong to someone else.
    pub foreign_variables: Vec<String>,
    /// Flags, by the setting's key, in the order given; several values for a flag that was repeated.
    pub flags: Vec<(String, Vec<String>)>,
    /// Values that a mode prefers over the defaults.
    pub presets: Vec<Preset>,
}

/// A mode's own default.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The setting's key.
    pub key: &'static str,
    /// The value, as text.
    pub value: String,
    /// The mode, as messages show it.
    pub mode: &'static str,
}

impl Input {
    /// An input with the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self {
            variables: ours.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect(),
            ..Self::default()
        }
    }
}

/// Where a value came from. The order is the order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A flag, with its dashes.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// The TOML file, and the line in it, counted from 1.
    File(String, usize),
    /// A mode's own default.
    Preset(&'static str),
    /// The declaration.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File(path, line) => write!(f, "{path}:{line}"),
            Self::Preset(mode) => write!(f, "{mode}"),
            Self::Default => f.write_str("default"),
        }
    }
}
