//! What was refused, and why.

use std::fmt;

use crate::input::Source;

/// One thing that was refused. Its text names the place, the key, the value (never a secret's) and what is
/// allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    source: Option<Source>,
    text: String,
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn at(source: Source, text: impl Into<String>) -> Self {
        Self {
            source: Some(source),
            text: text.into(),
        }
    }

    /// A problem of the whole, such as a required setting that nothing sets.
    #[must_use]
    pub fn of_all(text: impl Into<String>) -> Self {
        Self {
            source: None,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{source}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// All that was refused, a line each. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            let line_break = if place == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
