//! Web origins (RFC 6454) that may connect.

use hallway_settings::{Kind, Value};

/// An entry of the list of allowed origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Every origin.
    Any,
    /// This one, as a browser writes it: lower case, without the scheme's own port.
    One(String),
}

impl Origin {
    /// Whether it covers what a browser sent in its `Origin` header. `null`, which sandboxed pages send, is
    /// covered by [`Origin::Any`] alone.
    #[must_use]
    pub fn covers(&self, header: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(origin) => canonical(header).as_ref() == Some(origin),
        }
    }
}

impl Value for Origin {
    const KIND: Kind = Kind::text(
        "ORIGIN",
        "`*` or scheme, host and, if not the scheme's own, port, such as https://app.example.com",
    );

    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            Some(Self::Any)
        } else {
            canonical(text).map(Self::One)
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Any => "\"*\"".to_owned(),
            // An origin holds nothing that TOML would escape.
            Self::One(origin) => format!("\"{origin}\""),
        }
    }
}

/// An origin as a browser writes it, or nothing if the text is more or less than one.
fn canonical(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://")?;
    let scheme_is_good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let (host, port) = split_port(rest)?;
    if !scheme_is_good || !is_host(host) {
        return None;
    }
    match (scheme, port) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

fn split_port(rest: &str) -> Option<(&str, Option<u16>)> {
    let after_host = if rest.starts_with('[') {
        rest.find(']')? + 1
    } else {
        rest.find(':').unwrap_or(rest.len())
    };
    // Both places are behind or at an ASCII byte, so they are character boundaries.
    let (host, port) = rest.split_at(after_host);
    if port.is_empty() {
        return Some((host, None));
    }
    let digits = port
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Some((host, Some(digits.parse().ok()?)))
}

fn is_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inside.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_covers_itself_however_it_is_written() {
        let origin = Origin::parse("https://App.example.com:443").unwrap();
        assert_eq!(origin.print(), "\"https://app.example.com\"");
        assert!(origin.covers("https://app.example.com"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://evil.com",
            "null",
            "",
        ] {
            assert!(!origin.covers(other), "{other}");
        }
        assert!(Origin::Any.covers("null"));
        assert!(Origin::parse("http://[::1]:3000").unwrap().covers("http://[::1]:3000"));
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "example.com",
            "https://",
            "https://a/",
            "https://a/path",
            "https://a:x",
            "https://a:70000",
            "https://*.a",
            "https://user@a",
            "https://a b",
            "https://[::1",
            "https://a:",
        ] {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
    }
}
