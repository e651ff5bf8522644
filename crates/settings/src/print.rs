//! The configuration in force, as TOML.

use std::fmt::Write as _;

use crate::declaration::Item;
use crate::input::Source;
use crate::load::Loaded;

impl<C> Loaded<C> {
    /// What is in force, with a comment per key that says where it came from. Secrets stay hidden.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        for item in &self.items {
            // Writing to a String cannot fail.
            let _ = match item {
                Item::Section { key: "", .. } => Ok(()),
                Item::Section { key, .. } => writeln!(text, "\n[{key}]"),
                Item::Setting(declaration) => {
                    let name = declaration.key.rsplit('.').next().unwrap_or_default();
                    let Some(value) = self.effective.get(&declaration.key) else {
                        continue;
                    };
                    writeln!(text, "{name} = {} # {}", value.printed, value.source)
                }
                Item::Table { key, .. } => self.print_table(key, &mut text),
            };
        }
        text
    }

    fn print_table(&self, key: &str, text: &mut String) -> std::fmt::Result {
        let Some(rows) = self.effective.get(key) else {
            return Ok(());
        };
        if let Source::File(path, line) = &rows.source {
            writeln!(text, "\n# {path}:{line}")?;
        }
        text.write_str(&rows.printed)
    }
}
