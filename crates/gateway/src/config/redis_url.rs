//! The URL of Redis, which may hold a password.

use std::fmt;

use hallway_settings::{Kind, Value};

/// Names what the sentinels watch.
const SERVICE: &str = "sentinelServiceName=";

/// Where Redis is; empty for none. Shown without its passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL with its passwords, or nothing if none is set.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }

    /// The URL without its passwords: that of the server, and those of queries (a sentinel's).
    #[must_use]
    pub fn shown(&self) -> String {
        without_passwords(&self.0)
    }
}

/// Stands for a password where a URL is shown. A URL that holds it was copied from a printed configuration and is
/// refused.
pub(super) const HIDDEN: &str = "(hidden)";

/// A URL with its passwords hidden: behind the user's name, and in parameters.
pub(super) fn without_passwords(url: &str) -> String {
    let (main, query) = url
        .split_once('?')
        .map_or((url, None), |(main, query)| (main, Some(query)));
    let mut shown = hide_userinfo(main);
    if let Some(query) = query {
        let parts: Vec<String> = query.split('&').map(hide_in_query).collect();
        shown = format!("{shown}?{}", parts.join("&"));
    }
    shown
}

fn hide_userinfo(main: &str) -> String {
    let Some((scheme, rest)) = main.split_once("://") else {
        return main.to_owned();
    };
    let Some((userinfo, host)) = rest.rsplit_once('@') else {
        return main.to_owned();
    };
    let user = userinfo.split_once(':').map_or("", |(user, _)| user);
    format!("{scheme}://{user}:{HIDDEN}@{host}")
}

fn hide_in_query(part: &str) -> String {
    match part.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.shown())
    }
}

impl Value for RedisUrl {
    const KIND: Kind = Kind {
        secret: true,
        ..Kind::text(
            "URL",
            "empty; or redis://[user:password@]host[:port][/database]; \
             redis-sentinel://[user:password@]host:port[/database]?sentinelServiceName=name[&node=host:port…]\
             [&sentinelUsername=user&sentinelPassword=password]; \
             redis-cluster://[user:password@]host:port[?node=host:port…]; each with rediss for TLS",
        )
    };

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let (scheme, rest) = text.split_once("://")?;
        let (main, query) = rest.split_once('?').unwrap_or((rest, ""));
        let host = main.rsplit('@').next()?;
        let kind = scheme.strip_prefix("rediss").or_else(|| scheme.strip_prefix("redis"))?;
        let is_known = match kind {
            "" => query.is_empty(),
            "-sentinel" => query
                .split('&')
                .any(|part| part.len() > SERVICE.len() && part.starts_with(SERVICE)),
            // A cluster has no databases.
            "-cluster" => !host.trim_end_matches('/').contains('/'),
            _ => false,
        };
        let has_host = !host.is_empty() && !host.starts_with(['/', ':']);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['"', '\\']);
        (is_known && has_host && is_plain && !text.contains(HIDDEN)).then(|| Self(text.to_owned()))
    }

    fn print(&self) -> String {
        // `parse` lets nothing in that TOML would escape.
        format!("\"{}\"", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        for (url, shown) in [
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://:hunter2@h/3", "redis://:(hidden)@h/3"),
            ("redis://hunter2@h", "redis://:(hidden)@h"),
            ("redis://bob:hun@ter2@h:1", "redis://bob:(hidden)@h:1"),
            (
                "redis-sentinel://h?sentinelServiceName=m&node=a:1&sentinelPassword=hunter2",
                "redis-sentinel://h?sentinelServiceName=m&node=a:1&sentinelPassword=(hidden)",
            ),
        ] {
            let url = RedisUrl::parse(url).unwrap();
            assert_eq!(url.shown(), shown);
            assert!(!format!("{url:?}{}", url.print()).contains("hunter2"));
            let copied = RedisUrl::parse(&url.shown());
            assert_eq!(copied.is_none(), shown.contains(HIDDEN));
        }
    }

    #[test]
    fn six_schemes_are_known() {
        for text in [
            "redis://h",
            "rediss://user:word@h:6380/3",
            "redis-sentinel://h:26379/0?sentinelServiceName=main&node=b:26379",
            "rediss-sentinel://h?sentinelServiceName=main",
            "redis-cluster://h:6379?node=b:6379",
            "rediss-cluster://user:word@h:6379/",
        ] {
            assert!(RedisUrl::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "localhost:6379",
            "http://h",
            "redisss://h",
            "redis-other://h",
            "redis-sentinel://h:1",
            "redis-sentinel://h:1?sentinelServiceName=",
            "redis-cluster://h:1/2",
            "redis://h?node=a:1",
            "redis://",
            "redis://:6379",
            "redis://h h",
        ] {
            assert!(RedisUrl::parse(text).is_none(), "{text}");
        }
        assert_eq!(RedisUrl::parse("").unwrap().expose(), None);
    }
}
