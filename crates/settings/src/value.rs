//! The types a setting can have: how each is read from text, and how it is printed.

use std::net::SocketAddr;

use crate::raw::Raw;

/// What a TOML file may hold for a setting. Text from the environment and from flags fits every form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// An integer.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// What is the same for all settings of one type.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Stands for the value in `--help`.
    pub placeholder: &'static str,
    /// What is allowed, as the end of the sentence "must be …".
    pub allowed: &'static str,
    /// What a TOML file may hold.
    pub forms: &'static [Form],
    /// Whether the value is never shown, and may come from a file of its own (`…_file`).
    pub secret: bool,
    /// Whether there may be several.
    pub list: bool,
    /// Whether the flag may stand without a value.
    pub switch: bool,
}

impl Kind {
    /// A kind written as a string, one value, not secret.
    #[must_use]
    pub const fn text(placeholder: &'static str, allowed: &'static str) -> Self {
        Self {
            placeholder,
            allowed,
            forms: &[Form::Text],
            secret: false,
            list: false,
            switch: false,
        }
    }
}

/// A type that a setting can have.
pub trait Value: Sized + Clone {
    /// How such values are described.
    const KIND: Kind;

    /// Reads one value from its text; nothing if the text is none. The text comes as the operator wrote it.
    fn parse(text: &str) -> Option<Self>;

    /// Reads what was given, one value or several. Only lists take several.
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::One(text) => Self::parse(text),
            Raw::Many(_) => None,
        }
    }

    /// The value as TOML; a secret's is never shown.
    fn print(&self) -> String;

    /// The value's place among all of its type, for those that can have bounds.
    fn rank(&self) -> Option<u128> {
        None
    }
}

/// Quotes a text as TOML does.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Value for String {
    const KIND: Kind = Kind::text("TEXT", "a text");

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn print(&self) -> String {
        quote(self)
    }
}

impl Value for bool {
    const KIND: Kind = Kind {
        forms: &[Form::Boolean],
        switch: true,
        ..Kind::text("BOOL", "true or false")
    };

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for SocketAddr {
    const KIND: Kind = Kind::text(
        "ADDRESS",
        "an IP address and a port, such as 0.0.0.0:8080 or [::1]:8080",
    );

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn print(&self) -> String {
        quote(&self.to_string())
    }
}

macro_rules! integers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            const KIND: Kind = Kind { forms: &[Form::Integer], ..Kind::text("NUMBER", "a whole number") };

            fn parse(text: &str) -> Option<Self> {
                // `parse` alone would take a leading plus sign as well.
                text.starts_with(|first: char| first.is_ascii_digit()).then(|| text.parse().ok())?
            }

            fn print(&self) -> String {
                self.to_string()
            }

            fn rank(&self) -> Option<u128> {
                Some(*self as u128)
            }
        }
    )+};
}

integers!(u8, u16, u32, u64, usize);

/// In TOML an array; elsewhere separated by commas, with nothing at all for the empty list.
impl<T: Value> Value for Vec<T> {
    const KIND: Kind = Kind {
        list: true,
        switch: false,
        ..T::KIND
    };

    fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::new());
        }
        text.split(',').map(|part| T::parse(part.trim())).collect()
    }

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::One(text) => Self::parse(text),
            Raw::Many(texts) => texts.iter().map(|text| T::parse(text)).collect(),
        }
    }

    fn print(&self) -> String {
        let parts: Vec<String> = self.iter().map(Value::print).collect();
        format!("[{}]", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_digits() {
        assert_eq!(u32::parse("42"), Some(42));
        for text in ["", "-1", "+1", "1e3", "1.0", " 1", "4294967296"] {
            assert_eq!(u32::parse(text), None, "{text}");
        }
    }

    #[test]
    fn lists_are_split_at_commas() {
        assert_eq!(Vec::<u16>::parse("1, 2,3"), Some(vec![1, 2, 3]));
        assert_eq!(Vec::<u16>::parse(""), Some(vec![]));
        assert_eq!(Vec::<u16>::parse("1,,2"), None);
        assert_eq!(vec!["a".to_owned(), "b\"".to_owned()].print(), r#"["a", 'b"']"#);
    }
}
