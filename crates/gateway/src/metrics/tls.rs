//! TLS of the listeners.

use super::declare::metrics;

metrics! {
    /// TLS of the listeners.
    pub struct Tls {
        /// When the certificate in use ends, in Unix seconds (0: that cannot be read).
        certificate_expires: gauge ["listener"] = "hallway_tls_certificate_expires_seconds",
        /// Certificates read again, since their files changed or on SIGHUP (`failed`: the old one stays).
        reloads: counter ["listener", "outcome"] = "hallway_tls_reloads_total",
    }
}
