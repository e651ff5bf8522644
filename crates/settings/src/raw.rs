//! A value as it was given, before its type is known.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use crate::value::{Form, Kind};

/// One text, or a TOML array of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// One value.
    One(String),
    /// A TOML array's values, or a flag that was repeated.
    Many(Vec<String>),
}

impl Raw {
    /// Takes a value out of a TOML file, or nothing if its TOML type does not fit the kind.
    pub(crate) fn of_toml(value: &DeValue<'_>, kind: &Kind) -> Option<Self> {
        match value {
            DeValue::Array(items) if kind.list => {
                let texts = items
                    .iter()
                    .map(|item: &Spanned<DeValue<'_>>| scalar(item.get_ref(), kind));
                texts.collect::<Option<_>>().map(Self::Many)
            }
            value => scalar(value, kind).map(Self::One),
        }
    }

    /// A hash that says within this process whether two values are the same, and outside of it nothing.
    pub(crate) fn fingerprint(&self) -> u64 {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        };
        KEY.get_or_init(RandomState::new).hash_one(texts)
    }

    /// The value as an error shows it.
    pub(crate) fn show(&self) -> String {
        match self {
            Self::One(text) => format!("{text:?}"),
            Self::Many(texts) => format!("{texts:?}"),
        }
    }
}

fn scalar(value: &DeValue<'_>, kind: &Kind) -> Option<String> {
    match value {
        DeValue::String(text) if kind.forms.contains(&Form::Text) => Some(text.to_string()),
        DeValue::Integer(number) if kind.forms.contains(&Form::Integer) => integer(number),
        DeValue::Boolean(value) if kind.forms.contains(&Form::Boolean) => Some(value.to_string()),
        _ => None,
    }
}

/// TOML integers may be hexadecimal, octal or binary; what is parsed later is decimal.
fn integer(number: &DeInteger<'_>) -> Option<String> {
    let digits = number.as_str().replace('_', "");
    i128::from_str_radix(&digits, number.radix())
        .ok()
        .map(|value| value.to_string())
}
