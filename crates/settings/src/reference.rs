//! The reference document, from the declarations.

use std::fmt::Write as _;

use crate::declaration::{Declaration, Item};
use crate::load::items;
use crate::section::Section;

/// All settings of a configuration as Markdown: a table per section. Headings begin at level two.
#[must_use]
pub fn reference<C: Section>() -> String {
    let mut text = String::new();
    for item in items::<C>() {
        // Writing to a String cannot fail.
        let _ = match &item {
            Item::Section { key, sentence } => section(key, sentence, &mut text),
            Item::Setting(declaration) => row(declaration, &mut text),
            Item::Table { key, sentence } => {
                writeln!(text, "\n## `[[{key}]]`\n\n{sentence}\n\nIn the file only.")
            }
        };
    }
    text
}

fn section(key: &str, sentence: &str, text: &mut String) -> std::fmt::Result {
    let title = if key.is_empty() {
        "Top of the file".to_owned()
    } else {
        format!("`[{key}]`")
    };
    let break_before = if text.is_empty() { "" } else { "\n" };
    writeln!(text, "{break_before}## {title}\n\n{sentence}\n")?;
    writeln!(text, "| key | variable, flag | default | allowed | meaning |")?;
    writeln!(text, "| --- | --- | --- | --- | --- |")
}

fn row(declaration: &Declaration, text: &mut String) -> std::fmt::Result {
    let default = if declaration.default.is_empty() {
        "–".to_owned()
    } else {
        format!("`{}`", declaration.default)
    };
    let twin = if declaration.kind.secret {
        "; secret, also as `…_file`"
    } else {
        ""
    };
    writeln!(
        text,
        "| `{}` | `{}`<br>`{}` | {default} | {}{twin} | {} |",
        declaration.key,
        declaration.variable(),
        declaration.flag(),
        cell(&declaration.allowed()),
        cell(&declaration.sentence),
    )
}

/// A text inside a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
