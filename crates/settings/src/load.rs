//! Reading a configuration: gather what is given, then let each declared setting take what is its own.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeValue;

use crate::declaration::{Declaration, Item, settings};
use crate::file::File;
use crate::input::{Input, Source};
use crate::problem::{Problem, Problems};
use crate::raw::Raw;
use crate::reader::Reader;
use crate::section::Section;
use crate::{environment, file};

/// A value that something sets.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) source: Source,
    /// Whether it is not the value, but the path of a file that holds it.
    pub(crate) names_file: bool,
    pub(crate) raw: Raw,
}

/// All that is given, by key, and what was refused so far.
#[derive(Default)]
pub(crate) struct Found<'a> {
    pub(crate) given: HashMap<String, Vec<Given>>,
    pub(crate) tables: HashMap<String, (Source, Spanned<DeValue<'a>>)>,
    pub(crate) file: Option<File<'a>>,
    pub(crate) problems: Vec<Problem>,
}

impl Found<'_> {
    pub(crate) fn give(&mut self, key: &str, given: Given) {
        self.given.entry(key.to_owned()).or_default().push(given);
    }
}

/// A value in force, as it is printed.
#[derive(Debug, Clone)]
pub(crate) struct Effective {
    pub(crate) printed: String,
    pub(crate) source: Source,
    /// Tells two secrets apart where what is printed does not: a hash with a key that this process alone has.
    pub(crate) secret: u64,
}

/// A configuration, and where each of its values came from.
#[derive(Debug, Clone)]
pub struct Loaded<C> {
    /// The configuration.
    pub config: C,
    pub(crate) items: Vec<Item>,
    pub(crate) effective: HashMap<String, Effective>,
}

impl<C> Loaded<C> {
    /// Where a setting's value came from; [`Source::Default`] for a key that is not declared.
    #[must_use]
    pub fn source(&self, key: &str) -> Source {
        self.effective
            .get(key)
            .map_or(Source::Default, |effective| effective.source.clone())
    }

    /// Keys of what has another value in a later configuration, in the order of declaration. A secret counts by what it
    /// is, although it prints the same.
    #[must_use]
    pub fn differing<'a>(&'a self, later: &Self) -> Vec<&'a str> {
        let value = |loaded: &Self, key: &str| {
            let effective = loaded.effective.get(key)?;
            Some((effective.printed.clone(), effective.secret))
        };
        self.items
            .iter()
            .filter_map(|item| match item {
                Item::Section { .. } => None,
                Item::Setting(declaration) => Some(declaration.key.as_str()),
                Item::Table { key, .. } => Some(key.as_str()),
            })
            .filter(|key| value(self, key) != value(later, key))
            .collect()
    }

    /// A problem with a setting's value that only shows beside other settings. `why` ends the sentence.
    #[must_use]
    pub fn problem(&self, key: &str, why: &str) -> Problem {
        match self.effective.get(key) {
            Some(effective) => {
                let text = format!("{key} = {} is refused: {why}", effective.printed);
                Problem::at(effective.source.clone(), text)
            }
            None => Problem::of_all(format!("{key}: {why}")),
        }
    }
}

/// What a configuration declares.
pub(crate) fn items<C: Section>() -> Vec<Item> {
    let mut items = Vec::new();
    C::declare("", &mut items);
    items
}

/// Reads a configuration.
///
/// # Errors
/// All that was refused, at once.
pub fn load<C: Section>(input: &Input) -> Result<Loaded<C>, Problems> {
    let items = items::<C>();
    let mut found = Found::default();
    let declarations: Vec<&Declaration> = settings(&items).collect();
    gather_flags(input, &declarations, &mut found);
    environment::gather(input, &declarations, &mut found);
    if let Some((path, text)) = &input.file {
        let file = File { path, text };
        found.file = Some(file);
        file::gather(file, &items, &mut found);
    }
    let mut reader = Reader::new(found, &input.presets);
    let config = C::read("", &mut reader);
    let (effective, problems) = reader.finish();
    match config {
        Some(config) if problems.is_empty() => Ok(Loaded {
            config,
            items,
            effective,
        }),
        _ => Err(Problems(problems)),
    }
}

fn gather_flags(input: &Input, declarations: &[&Declaration], found: &mut Found<'_>) {
    for (key, values) in &input.flags {
        let target = declarations.iter().find_map(|declaration| {
            let is_file = declaration.file_key().as_ref() == Some(key);
            (declaration.key == *key || is_file).then_some((declaration, is_file))
        });
        let source = Source::Flag(crate::declaration::flag_of(key));
        let Some((declaration, names_file)) = target else {
            found.problems.push(Problem::at(source, "no setting has this name"));
            continue;
        };
        let raw = match values.as_slice() {
            [value] => Raw::One(value.clone()),
            values => Raw::Many(
                values
                    .iter()
                    .flat_map(|value| value.split(','))
                    .map(|v| v.trim().to_owned())
                    .collect(),
            ),
        };
        found.give(
            &declaration.key,
            Given {
                source,
                names_file,
                raw,
            },
        );
    }
}
