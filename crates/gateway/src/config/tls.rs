//! TLS of the two listeners.

use hallway_settings::{Loaded, Problem, settings};

use super::Config;
use crate::transport::tls::Files;

settings! {
    /// TLS of the public listener (`wss://`, `https://`). The files are read again when they change, and on SIGHUP.
    pub struct Tls {
        /// The PEM file with the certificate and its chain. Empty: no TLS.
        cert: String = "";
        /// The PEM file with the key of `tls.cert`.
        key: String = "";
    }
}

settings! {
    /// TLS of the internal listener. The files are read again when they change, and on SIGHUP.
    pub struct InternalTls {
        /// The PEM file with the certificate and its chain. Empty: no TLS.
        cert: String = "";
        /// The PEM file with the key of `internal_tls.cert`.
        key: String = "";
    }
}

impl Tls {
    /// The files, if there is to be TLS.
    #[must_use]
    pub fn files(&self) -> Option<Files> {
        files(&self.cert, &self.key)
    }
}

impl InternalTls {
    /// The files, if there is to be TLS.
    #[must_use]
    pub fn files(&self) -> Option<Files> {
        files(&self.cert, &self.key)
    }
}

fn files(certificate: &str, key: &str) -> Option<Files> {
    (!certificate.is_empty()).then(|| Files {
        certificate: certificate.into(),
        key: key.into(),
    })
}

/// A certificate without its key, or a key without its certificate.
pub(super) fn check(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    for (section, certificate, key) in [
        ("tls", &config.tls.cert, &config.tls.key),
        ("internal_tls", &config.internal_tls.cert, &config.internal_tls.key),
    ] {
        if certificate.is_empty() != key.is_empty() {
            let missing = if key.is_empty() { "key" } else { "cert" };
            let why = format!("{section}.cert and {section}.key need one another");
            problems.push(loaded.problem(&format!("{section}.{missing}"), &why));
        }
    }
}
