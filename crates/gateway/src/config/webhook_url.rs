//! The URL of a webhook.

use hallway_settings::{Kind, Value};
use http::Uri;

/// Where a backend is asked; empty for nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookUrl(Option<Uri>);

impl WebhookUrl {
    /// The URL, if there is one.
    #[must_use]
    pub fn uri(&self) -> Option<&Uri> {
        self.0.as_ref()
    }
}

impl Value for WebhookUrl {
    const KIND: Kind = Kind::text(
        "URL",
        "empty; or http://host[:port]/path or https://…, without a password",
    );

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let uri: Uri = text.parse().ok()?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        // What stands before an @ would be printed and logged.
        let has_host = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        (is_http && has_host).then_some(Self(Some(uri)))
    }

    fn print(&self) -> String {
        let text = self.0.as_ref().map(Uri::to_string).unwrap_or_default();
        toml::Value::String(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_http_are_taken() {
        for good in ["", "http://backend:3000/hooks/rooms", "https://example.com/"] {
            assert!(WebhookUrl::parse(good).is_some(), "{good}");
        }
        for bad in ["backend", "/hooks", "ftp://backend/", "http://user:pass@backend/"] {
            assert!(WebhookUrl::parse(bad).is_none(), "{bad}");
        }
    }
}
