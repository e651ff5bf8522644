//! The URL of a database, which may hold a password.

use std::fmt;

use hallway_settings::{Kind, Value};

use super::redis_url::{HIDDEN, without_passwords};

/// Where a Postgres is; empty for none. Shown without its password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The URL with its password, or nothing if none is set.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }

    /// The URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        without_passwords(&self.0)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({})", self.shown())
    }
}

impl Value for StoreUrl {
    const KIND: Kind = Kind {
        secret: true,
        ..Kind::text(
            "URL",
            "empty; or postgres://[user[:password]@]host[:port][/database]\
             [?sslmode=disable|prefer|require|verify-ca|verify-full&sslrootcert=file&sslcert=file&sslkey=file]",
        )
    };

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let (scheme, rest) = text.split_once("://")?;
        let is_known = matches!(scheme, "postgres" | "postgresql");
        let has_something = !rest.is_empty() && !rest.starts_with(':');
        // `print` relies on it: nothing that TOML would escape.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['"', '\\']);
        (is_known && has_something && is_plain && !text.contains(HIDDEN)).then(|| Self(text.to_owned()))
    }

    fn print(&self) -> String {
        format!("\"{}\"", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        for (url, shown) in [
            ("postgres://db.internal:5432/chat", "postgres://db.internal:5432/chat"),
            ("postgres://bob:hunter2@h/d", "postgres://bob:(hidden)@h/d"),
            (
                "postgres://h/d?user=bob&password=hunter2",
                "postgres://h/d?user=bob&password=(hidden)",
            ),
        ] {
            let url = StoreUrl::parse(url).unwrap();
            assert_eq!(url.shown(), shown);
            assert!(!format!("{url:?}{}", url.print()).contains("hunter2"));
            assert_eq!(StoreUrl::parse(shown).is_none(), shown.contains(HIDDEN));
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "h/d",
            "mysql://h/d",
            "sqlite:x",
            "postgres://",
            "postgres://:5432",
            "postgres://h d",
        ] {
            assert!(StoreUrl::parse(text).is_none(), "{text}");
        }
        assert_eq!(StoreUrl::parse("").unwrap().expose(), None);
        for text in [
            "postgresql://h",
            "postgres://u@h/d?sslmode=require",
            "postgres://%2Frun%2Fpostgresql/d",
        ] {
            assert!(StoreUrl::parse(text).is_some(), "{text}");
        }
    }
}
