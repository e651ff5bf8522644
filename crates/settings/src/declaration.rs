//! A setting's row as data, and the names that follow from its key.

use crate::value::Kind;

/// What every environment variable of ours begins with.
pub(crate) const VARIABLE_PREFIX: &str = "HALLWAY_";

/// What the key of a secret's twin ends with: the twin names a file that holds the secret.
pub(crate) const FILE_SUFFIX: &str = "_file";

/// One declared setting.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its place in the TOML file, with dots between sections.
    pub key: String,
    /// What it does, in a sentence or two.
    pub sentence: String,
    /// The kind of value.
    pub kind: Kind,
    /// The default, as text.
    pub default: &'static str,
    /// Least and greatest value, as text.
    pub bounds: Option<(&'static str, &'static str)>,
}

impl Declaration {
    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable_of(&self.key)
    }

    /// The flag, with its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        flag_of(&self.key)
    }

    /// The key that names a file holding the value, for secrets.
    #[must_use]
    pub fn file_key(&self) -> Option<String> {
        self.kind.secret.then(|| format!("{}{FILE_SUFFIX}", self.key))
    }

    /// What is allowed, as the end of the sentence "must be …".
    #[must_use]
    pub fn allowed(&self) -> String {
        let bounds = self
            .bounds
            .map(|(least, most)| format!(", from {least} to {most}"))
            .unwrap_or_default();
        let list = if self.kind.list { "a list, each item " } else { "" };
        format!("{list}{}{bounds}", self.kind.allowed)
    }
}

/// The environment variable of a key.
pub(crate) fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// The flag of a key, with its dashes.
pub(crate) fn flag_of(key: &str) -> String {
    format!("--{}", key.replace(['.', '_'], "-"))
}

/// What a configuration consists of, in the order of declaration.
#[derive(Debug, Clone)]
pub enum Item {
    /// A section begins; the settings behind it are in it, up to the next section.
    Section {
        /// Its name in the TOML file; empty for the top.
        key: &'static str,
        /// What it is about.
        sentence: String,
    },
    /// A setting.
    Setting(Declaration),
    /// An array of tables, in the TOML file only.
    Table {
        /// Its place in the TOML file, with dots between sections.
        key: String,
        /// What its rows are.
        sentence: String,
    },
}

/// The declared settings among the items.
pub(crate) fn settings(items: &[Item]) -> impl Iterator<Item = &Declaration> {
    items.iter().filter_map(|item| match item {
        Item::Setting(declaration) => Some(declaration),
        _ => None,
    })
}
