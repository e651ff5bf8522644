//! What the TOML file sets.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::declaration::{Declaration, Item, settings};
use crate::input::Source;
use crate::load::{Found, Given};
use crate::near::nearest;
use crate::problem::Problem;
use crate::raw::Raw;

/// A file as it is read.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl File<'_> {
    /// The place of a byte.
    pub(crate) fn place(&self, offset: usize) -> Source {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        Source::File(
            self.path.to_owned(),
            1 + before.iter().filter(|byte| **byte == b'\n').count(),
        )
    }
}

/// Takes over what the file sets; refuses what it does not know. A file that is no TOML sets nothing.
pub(crate) fn gather<'a>(file: File<'a>, items: &[Item], found: &mut Found<'a>) {
    let (root, errors) = DeTable::parse_recoverable(file.text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        // `message` is the rule that was broken; the text of the line, which may hold a secret, is not in it.
        found.problems.push(Problem::at(
            file.place(offset),
            format!("not TOML: {}", error.message()),
        ));
    }
    if errors.is_empty() {
        let mut walk = Walk { file, items, found };
        walk.table("", root.into_inner());
    }
}

struct Walk<'w, 'a> {
    file: File<'a>,
    items: &'w [Item],
    found: &'w mut Found<'a>,
}

impl<'a> Walk<'_, 'a> {
    fn table(&mut self, section: &str, table: DeTable<'a>) {
        for (name, value) in table {
            let key = if section.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{section}.{}", name.get_ref())
            };
            let source = self.file.place(name.span().start);
            self.entry(key, source, value);
        }
    }

    fn entry(&mut self, key: String, source: Source, value: Spanned<DeValue<'a>>) {
        let items = self.items;
        for item in items {
            match item {
                Item::Setting(declaration) if declaration.key == key => {
                    return self.setting(declaration, source, value);
                }
                Item::Setting(declaration) if declaration.file_key().as_deref() == Some(&key) => {
                    return self.secret_file(declaration, &key, source, value);
                }
                Item::Section { key: section, .. } if *section == key && !key.is_empty() => {
                    return self.section(&key, source, value);
                }
                Item::Table { key: name, .. } if *name == key => {
                    self.found.tables.insert(name.clone(), (source, value));
                    return;
                }
                _ => {}
            }
        }
        self.found.problems.push(unknown(&key, source, items));
    }

    fn section(&mut self, key: &str, source: Source, value: Spanned<DeValue<'a>>) {
        match value.into_inner() {
            DeValue::Table(table) => self.table(key, table),
            _ => self
                .found
                .problems
                .push(Problem::at(source, format!("{key} is a section: write [{key}]"))),
        }
    }

    fn setting(&mut self, declaration: &Declaration, source: Source, value: Spanned<DeValue<'a>>) {
        match Raw::of_toml(value.get_ref(), &declaration.kind) {
            Some(raw) => self.found.give(
                &declaration.key,
                Given {
                    source,
                    names_file: false,
                    raw,
                },
            ),
            None => {
                let written = self.file.text.get(value.span()).unwrap_or_default();
                let shown = if declaration.kind.secret {
                    "(not shown)"
                } else {
                    written
                };
                let text = format!(
                    "{} = {shown} is refused: must be {}",
                    declaration.key,
                    form(declaration)
                );
                self.found.problems.push(Problem::at(source, text));
            }
        }
    }

    fn secret_file(&mut self, declaration: &Declaration, key: &str, source: Source, value: Spanned<DeValue<'a>>) {
        match value.into_inner() {
            DeValue::String(path) => {
                let given = Given {
                    source,
                    names_file: true,
                    raw: Raw::One(path.to_string()),
                };
                self.found.give(&declaration.key, given);
            }
            _ => self
                .found
                .problems
                .push(Problem::at(source, format!("{key} must be a file's path in quotes"))),
        }
    }
}

/// What is allowed, with the way it is written in TOML.
fn form(declaration: &Declaration) -> String {
    use crate::value::Form;
    let forms = declaration.kind.forms;
    let written = match (forms.contains(&Form::Text), forms.contains(&Form::Integer)) {
        (true, false) => ", in quotes",
        (false, true) => ", without quotes",
        _ => "",
    };
    format!("{}{written}", declaration.allowed())
}

fn unknown(key: &str, source: Source, items: &[Item]) -> Problem {
    let keys = settings(items).map(|declaration| declaration.key.as_str());
    let others = items.iter().filter_map(|item| match item {
        Item::Section { key, .. } if !key.is_empty() => Some(*key),
        Item::Table { key, .. } => Some(key.as_str()),
        _ => None,
    });
    let hint = match nearest(key, keys.chain(others)) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Problem::at(source, format!("there is no setting {key}{hint}"))
}
