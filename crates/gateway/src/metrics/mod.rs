//! Every metric, declared once: a struct per area, from which the registry, the exposition and
//! `docs/metrics.md` come. Names are `hallway_<thing>_<unit>`, counters end in `_total`, and label values come
//! from closed sets, never from a room, a user or a socket.

mod declare;

pub mod auth;
pub mod bus;
pub mod connections;
pub mod delivery;
pub mod http;
pub mod tls;
pub mod webhooks;

use std::fmt::Write;

use prometheus::{Encoder, IntCounter, Registry, TextEncoder};

/// What is printed about a metric.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// Its full name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// Its sentence.
    pub help: &'static str,
}

/// All metrics of a node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Connections, handshakes, frames.
    pub connections: connections::Connections,
    /// Broadcasts on their way to sockets.
    pub delivery: delivery::Delivery,
    /// Who clients are.
    pub auth: auth::Auth,
    /// The bus.
    pub bus: bus::Bus,
    /// The backend API.
    pub http: http::Http,
    /// Questions to the operator's backend.
    pub webhooks: webhooks::Webhooks,
    /// TLS of the listeners.
    pub tls: tls::Tls,
}

/// The areas with what they declare, for the documentation.
#[must_use]
pub fn areas() -> [(&'static str, &'static [Descriptor]); 7] {
    [
        ("Connections", connections::Connections::DESCRIPTORS),
        ("Delivery", delivery::Delivery::DESCRIPTORS),
        ("Authentication", auth::Auth::DESCRIPTORS),
        ("Bus", bus::Bus::DESCRIPTORS),
        ("Backend API", http::Http::DESCRIPTORS),
        ("Webhooks", webhooks::Webhooks::DESCRIPTORS),
        ("TLS", tls::Tls::DESCRIPTORS),
    ]
}

impl Metrics {
    /// Metrics in a registry of their own.
    ///
    /// # Errors
    /// Two metrics have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            connections: connections::Connections::register(&registry)?,
            delivery: delivery::Delivery::register(&registry)?,
            auth: auth::Auth::register(&registry)?,
            bus: bus::Bus::register(&registry)?,
            http: http::Http::register(&registry)?,
            webhooks: webhooks::Webhooks::register(&registry)?,
            tls: tls::Tls::register(&registry)?,
            registry,
        })
    }

    /// The text exposition.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut out = Vec::new();
        // Fails only for metrics without values, which are left out by `gather`.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Takes over what is counted elsewhere. Two scrapes at once may both add: a counter that is a little ahead waits for
/// the other.
fn catch_up(counter: &IntCounter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}

/// `docs/metrics.md`, from the declarations.
#[must_use]
pub fn docs() -> String {
    let mut out = String::from(
        "# Metrics\n\nPrinted by `hallway metrics docs` from the declarations; do not edit.\n\n\
         A node serves them at `/metrics` on the internal listener.\n",
    );
    for (area, descriptors) in areas() {
        let _ = write!(
            out,
            "\n## {area}\n\n| metric | type | labels | what |\n| --- | --- | --- | --- |\n"
        );
        for metric in descriptors {
            let labels = metric
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect::<Vec<_>>()
                .join(", ");
            let _ = writeln!(
                out,
                "| `{}` | {} | {labels} | {} |",
                metric.name, metric.kind, metric.help
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are() {
        let metrics = Metrics::new().unwrap();
        let mut seen = std::collections::HashSet::new();
        for (_, descriptors) in areas() {
            for metric in descriptors {
                assert!(seen.insert(metric.name), "{} stands there twice", metric.name);
                assert!(metric.name.starts_with("hallway_"), "{}", metric.name);
                assert_eq!(
                    metric.name.ends_with("_total"),
                    metric.kind == "counter",
                    "{}",
                    metric.name
                );
                assert!(metric.help.ends_with('.'), "{}: {}", metric.name, metric.help);
            }
        }
        assert!(metrics.expose().contains("# TYPE hallway_bus_up gauge"));
    }
}
