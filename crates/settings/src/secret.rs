//! Values that are never shown.

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::value::{Kind, Value};

/// What a printed configuration has in place of a secret. Refused as a value, so that a printed configuration
/// that is used as a file fails instead of running with a secret that everybody knows.
pub(crate) const SHOWN: &str = "(set)";

/// Largest file that is read for a secret, in bytes: a path to something else is a mistake.
const FILE_MAX: u64 = 64 * 1024;

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

/// In a row of a table. What is no text is refused without showing it, which serde's own words would do.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Secret::KIND.allowed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        Secret::parse(text).ok_or_else(|| E::custom(format!("a secret must be {}", Secret::KIND.allowed)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
        Err(E::custom("a secret is written in quotes"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom("a secret is written in quotes"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
        Err(E::custom("a secret is written in quotes"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom("a secret is written in quotes"))
    }
}

/// The content of a file that holds a secret, without the newlines at its end.
///
/// # Errors
/// Why it cannot be read: the end of a sentence, without anything of its content.
pub fn read_secret_file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_MAX {
        return Err(format!("a file with a secret has at most {FILE_MAX} bytes"));
    }
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}
