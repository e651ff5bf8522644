//! Every metric, declared once: a struct per area, from which the registry, the exposition and
//! `docs/metrics.md` come. Names are `hallway_<thing>_<unit>`, counters end in `_total`, and label values come
//! from closed sets, never from a room, a user or a socket. `process` has the names that all programs share; `zeros` shows
//! what is not there before its first event; `losses` notices many at once.

mod declare;

pub mod auth;
pub mod bus;
pub mod connections;
pub mod delivery;
pub mod hooks;
pub mod http;
pub mod lobbies;
pub mod losses;
pub mod messages;
pub mod presence;
pub mod process;
pub mod socketio;
pub mod tls;
pub mod traces;
pub mod typing;
pub mod webhooks;
mod zeros;

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
    /// Who is there.
    pub presence: presence::Presence,
    /// The backend API.
    pub http: http::Http,
    /// Messages that are kept.
    pub messages: messages::Messages,
    /// Questions to the operator's backend.
    pub webhooks: webhooks::Webhooks,
    /// What the operator's backend is told.
    pub hooks: hooks::Hooks,
    /// TLS of the listeners.
    pub tls: tls::Tls,
    /// Clients of Socket.IO.
    pub socketio: socketio::SocketIo,
    /// Who writes.
    pub typing: typing::Typing,
    /// Lobbies.
    pub lobbies: lobbies::Lobbies,
    /// The process, as the operating system sees it.
    pub process: process::Process,
    /// Notices many lost connections at once.
    pub losses: losses::Losses,
    /// Spans for a collector.
    pub traces: traces::Traces,
}

/// The areas with what they declare, for the documentation.
#[must_use]
pub fn areas() -> [(&'static str, &'static [Descriptor]); 15] {
    [
        ("Connections", connections::Connections::DESCRIPTORS),
        ("Delivery", delivery::Delivery::DESCRIPTORS),
        ("Authentication", auth::Auth::DESCRIPTORS),
        ("Bus", bus::Bus::DESCRIPTORS),
        ("Presence", presence::Presence::DESCRIPTORS),
        ("Backend API", http::Http::DESCRIPTORS),
        ("Messages", messages::Messages::DESCRIPTORS),
        ("Webhooks", webhooks::Webhooks::DESCRIPTORS),
        ("Hooks", hooks::Hooks::DESCRIPTORS),
        ("TLS", tls::Tls::DESCRIPTORS),
        ("Socket.IO", socketio::SocketIo::DESCRIPTORS),
        ("Typing", typing::Typing::DESCRIPTORS),
        ("Lobbies", lobbies::Lobbies::DESCRIPTORS),
        ("Process", process::Process::DESCRIPTORS),
        ("Traces", traces::Traces::DESCRIPTORS),
    ]
}

impl Metrics {
    /// Metrics in a registry of their own.
    ///
    /// # Errors
    /// Two metrics have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            connections: connections::Connections::register(&registry)?,
            delivery: delivery::Delivery::register(&registry)?,
            auth: auth::Auth::register(&registry)?,
            bus: bus::Bus::register(&registry)?,
            presence: presence::Presence::register(&registry)?,
            http: http::Http::register(&registry)?,
            messages: messages::Messages::register(&registry)?,
            webhooks: webhooks::Webhooks::register(&registry)?,
            hooks: hooks::Hooks::register(&registry)?,
            tls: tls::Tls::register(&registry)?,
            socketio: socketio::SocketIo::register(&registry)?,
            typing: typing::Typing::register(&registry)?,
            lobbies: lobbies::Lobbies::register(&registry)?,
            process: process::Process::register(&registry)?,
            losses: losses::Losses::default(),
            traces: traces::Traces::register(&registry)?,
            registry,
        };
        zeros::show(&metrics);
        Ok(metrics)
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
                let is_ours = ["hallway_", "process_"]
                    .iter()
                    .any(|ours| metric.name.starts_with(ours));
                assert!(is_ours, "{}", metric.name);
                assert_eq!(
                    metric.name.ends_with("_total"),
                    metric.kind == "counter",
                    "{}",
                    metric.name
                );
                assert!(metric.help.ends_with('.'), "{}: {}", metric.name, metric.help);
            }
        }
        let exposition = metrics.expose();
        assert!(exposition.contains("# TYPE hallway_bus_up gauge"));
        assert!(
            exposition.contains("hallway_handshakes_total{outcome=\"unavailable\"} 0"),
            "before it happens"
        );
        assert!(exposition.contains("hallway_connections_closed_total{code=\"1006\"} 0"));
    }
}
