//! Values that are never shown.

use std::fmt;
use std::sync::Arc;

use crate::value::{Kind, Value};

/// What a printed configuration has in place of a secret. Refused as a value, so that a printed configuration
/// that is used as a file fails instead of running with a secret that everybody knows.
const SHOWN: &str = "(set)";

/// A secret text; empty means that none is set. Its `Debug` text says only whether there is one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a text secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself. Each caller answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() {
            "Secret(set)"
        } else {
            "Secret(not set)"
        })
    }
}

impl Value for Secret {
    const KIND: Kind = Kind {
        secret: true,
        ..Kind::text("SECRET", "a text, and not the \"(set)\" of a printed configuration")
    };

    fn parse(text: &str) -> Option<Self> {
        (text != SHOWN).then(|| Self::new(text))
    }

    fn print(&self) -> String {
        if self.is_set() {
            format!("\"{SHOWN}\"")
        } else {
            "\"\"".to_owned()
        }
    }
}
