//! What is needed to reach Redis through TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fred::rustls::crypto::aws_lc_rs;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::TlsConfig;

use crate::BusError;

/// Whom to believe, and what to show. Read once, at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisTls {
    /// A PEM file with the authorities that may sign the server's certificate; the system's without one.
    pub ca: Option<PathBuf>,
    /// PEM files of this node's own certificate (with its chain) and its key, where the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

fn bad(path: &Path, why: impl std::fmt::Display) -> BusError {
    BusError::Options(format!("{}: {why}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BusError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(bad(path, "no certificate in it")),
        Ok(found) => Ok(found),
        Err(why) => Err(bad(path, why)),
    }
}

/// The authorities of the system. Some of them may be of a kind that is not understood.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = fred::rustls_native_certs::load_native_certs();
    let (known, ignored) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        tracing::warn!(ignored, errors = ?found.errors, "this system has no certificate authorities");
    }
    roots
}

impl RedisTls {
    /// The client library's configuration.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub(super) fn config(&self) -> Result<TlsConfig, BusError> {
        let roots = match &self.ca {
            None => system(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|why| bad(path, why))?;
                }
                roots
            }
        };
        // Said, not left to the process: other crates could bring a second one.
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| BusError::Options(format!("TLS: {why}")))?
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key_file)) => {
                let key = PrivateKeyDer::from_pem_file(key_file).map_err(|why| bad(key_file, why))?;
                config
                    .with_client_auth_cert(certificates(chain)?, key)
                    .map_err(|why| bad(chain, why))?
            }
        };
        Ok(TlsConfig::from(config))
    }
}
