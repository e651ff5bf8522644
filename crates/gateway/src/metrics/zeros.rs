//! Series that stand at zero from the start. A rate needs a value before the first event, or the first is never seen: so
//! what alerts ask is there before it happens. What is missing here only begins with its first event.

use hallway_bus::Lost;
use hallway_protocol::{CloseCode, Codec};

use super::Metrics;

/// What becomes of a handshake, as `transport` and `connection/admission` count it.
const HANDSHAKES: [&str; 17] = [
    "ok",
    "auth-timeout",
    "bad-request",
    "busy",
    "draining",
    "dropped",
    "full",
    "not-tls",
    "origin",
    "proxy-header",
    "refused",
    "revoked",
    "timeout",
    "tls",
    "too-many",
    "unauthenticated",
    "unavailable",
];

/// Gaps that are found by looking; those that the bus tells of are its own list.
const FOUND: [&str; 2] = ["patrol", "number-missing"];

pub(super) fn show(metrics: &Metrics) {
    let connections = &metrics.connections;
    let mut kinds = vec![[hallway_hub::FOREIGN, "websocket"], [hallway_hub::FOREIGN, "polling"]];
    for codec in Codec::ALL {
        kinds.push([codec.name(), "websocket"]);
    }
    for labels in kinds {
        let _ = connections.open.with_label_values(&labels);
        let _ = connections.opened.with_label_values(&labels);
    }
    // Without a close frame (RFC 6455 §7.1.5), which is no code of the catalogue.
    let codes = CloseCode::ALL.iter().map(|code| code.wire()).chain([1006]);
    for code in codes {
        let _ = connections.closed.with_label_values(&[&code.to_string()]);
    }
    for outcome in ["recovered", "anew"] {
        let _ = metrics.socketio.returned.with_label_values(&[outcome]);
    }
    for outcome in HANDSHAKES {
        let _ = connections.handshakes.with_label_values(&[outcome]);
    }
    for outcome in ["ok", "unavailable"] {
        let _ = metrics.delivery.broadcasts_out.with_label_values(&[outcome]);
    }
    for cause in Lost::LABELS.into_iter().chain(FOUND) {
        let _ = metrics.delivery.gaps.with_label_values(&[cause]);
    }
}
