//! Each declared setting takes what is its own.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use crate::declaration::Declaration;
use crate::input::{Preset, Source};
use crate::load::{Effective, Found, Given};
use crate::problem::Problem;
use crate::raw::Raw;
use crate::secret::{SHOWN, read_secret_file};
use crate::value::Value;

/// Hands out values and collects what is refused. Used by the code that [`settings!`](crate::settings!) writes.
pub struct Reader<'a> {
    found: Found<'a>,
    presets: &'a [Preset],
    effective: HashMap<String, Effective>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(found: Found<'a>, presets: &'a [Preset]) -> Self {
        Self {
            found,
            presets,
            effective: HashMap::new(),
        }
    }

    pub(crate) fn finish(self) -> (HashMap<String, Effective>, Vec<Problem>) {
        (self.effective, self.found.problems)
    }

    /// The value of a setting. Values of lower precedence are checked as well, so that a fault in the file
    /// does not wait for the day when the flag over it is dropped.
    pub fn setting<T: Value>(&mut self, declaration: Declaration) -> Option<T> {
        let mut given = self.found.given.remove(&declaration.key).unwrap_or_default();
        given.sort_by(|a, b| a.source.cmp(&b.source));
        self.refuse_twins(&declaration, &given);
        let values: Vec<Option<(T, Source, u64)>> =
            given.into_iter().map(|given| self.value(&declaration, given)).collect();
        let (value, source, secret) = match values.into_iter().next() {
            Some(first) => first?,
            None => self.fallback(&declaration)?,
        };
        self.effective.insert(
            declaration.key,
            Effective {
                printed: value.print(),
                source,
                secret,
            },
        );
        Some(value)
    }

    /// The rows of an array of tables; empty if there is none. The values of `hidden` fields are never shown.
    pub fn table<T: DeserializeOwned>(&mut self, key: &str, hidden: &[&str]) -> Option<Vec<T>> {
        let Some((source, value)) = self.found.tables.remove(key) else {
            return Some(Vec::new());
        };
        let DeValue::Array(rows) = value.into_inner() else {
            self.found.problems.push(Problem::at(
                source,
                format!("{key} is a list of tables: write [[{key}]]"),
            ));
            return None;
        };
        let rows: Vec<Option<(T, String)>> = rows.into_iter().map(|row| self.row(key, hidden, row)).collect();
        let (rows, printed): (Vec<T>, Vec<String>) = rows.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip();
        self.effective.insert(
            key.to_owned(),
            Effective {
                printed: printed.join("\n"),
                source,
                secret: 0,
            },
        );
        Some(rows)
    }

    fn row<T: DeserializeOwned>(
        &mut self,
        key: &str,
        hidden: &[&str],
        row: Spanned<DeValue<'a>>,
    ) -> Option<(T, String)> {
        let start = row.span().start;
        let text = row_text(key, hidden, row.clone()).unwrap_or_default();
        match T::deserialize(ValueDeserializer::from(row)) {
            Ok(value) => Some((value, text)),
            Err(error) => {
                let offset = error.span().map_or(start, |span| span.start);
                let source = self.found.file.map_or(Source::Default, |file| file.place(offset));
                self.found
                    .problems
                    .push(Problem::at(source, format!("in [[{key}]]: {}", error.message())));
                None
            }
        }
    }

    fn refuse_twins(&mut self, declaration: &Declaration, given: &[Given]) {
        let value = given.iter().find(|given| !given.names_file);
        let file = given.iter().find(|given| given.names_file);
        if let (Some(value), Some(file)) = (value, file) {
            let key = &declaration.key;
            let text = format!(
                "{key} and {key}_file are given together ({}); give one of them",
                file.source
            );
            self.found.problems.push(Problem::at(value.source.clone(), text));
        }
    }

    fn value<T: Value>(&mut self, declaration: &Declaration, given: Given) -> Option<(T, Source, u64)> {
        let Given {
            source,
            names_file,
            raw,
        } = given;
        let checked = if names_file {
            read_file(declaration, &raw)
        } else {
            Ok(raw)
        }
        .and_then(|raw| Ok((check(declaration, &raw)?, raw)));
        match checked {
            Ok((value, raw)) => {
                let secret = if declaration.kind.secret { raw.fingerprint() } else { 0 };
                Some((value, source, secret))
            }
            Err(text) => {
                self.found.problems.push(Problem::at(source, text));
                None
            }
        }
    }

    fn fallback<T: Value>(&mut self, declaration: &Declaration) -> Option<(T, Source, u64)> {
        let preset = self.presets.iter().find(|preset| preset.key == declaration.key);
        let (text, source) = match preset {
            Some(preset) => (preset.value.clone(), Source::Preset(preset.mode)),
            None => (declaration.default.to_owned(), Source::Default),
        };
        self.value(
            declaration,
            Given {
                source,
                names_file: false,
                raw: Raw::One(text),
            },
        )
    }
}

/// Reads a value and holds it against its bounds.
fn check<T: Value>(declaration: &Declaration, raw: &Raw) -> Result<T, String> {
    let within = |value: &T| match declaration.bounds {
        None => true,
        Some((least, most)) => {
            let rank = |text: &str| T::parse(text).and_then(|bound| bound.rank());
            rank(least) <= value.rank() && value.rank() <= rank(most)
        }
    };
    T::read(raw).filter(within).ok_or_else(|| {
        let shown = if declaration.kind.secret {
            "(not shown)".to_owned()
        } else {
            raw.show()
        };
        format!(
            "{} = {shown} is refused: must be {}",
            declaration.key,
            declaration.allowed()
        )
    })
}

/// The content of the file that holds a secret, without the newlines at its end. In a list, one item per line.
fn read_file(declaration: &Declaration, path: &Raw) -> Result<Raw, String> {
    let Raw::One(path) = path else {
        return Err(format!(
            "{}_file = {} is refused: must be one path",
            declaration.key,
            path.show()
        ));
    };
    let text =
        read_secret_file(path).map_err(|why| format!("{}_file = {path:?} is refused: {why}", declaration.key))?;
    if declaration.kind.list {
        return Ok(Raw::Many(
            text.lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        ));
    }
    Ok(Raw::One(text))
}

/// A row as TOML text, with its heading (and those of the tables inside of it).
fn row_text(key: &str, hidden: &[&str], row: Spanned<DeValue<'_>>) -> Option<String> {
    let mut row = <toml::Value as serde::Deserialize>::deserialize(ValueDeserializer::from(row)).ok()?;
    for field in hidden {
        if let Some(value) = row.get_mut(field) {
            *value = toml::Value::String(SHOWN.to_owned());
        }
    }
    let whole = key.rsplit('.').fold(toml::Value::Array(vec![row]), |inner, name| {
        toml::Value::Table(toml::Table::from_iter([(name.to_owned(), inner)]))
    });
    toml::to_string(&whole).ok()
}
