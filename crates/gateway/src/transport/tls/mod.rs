//! TLS of a listener: its certificate, and the handshake. The certificate is read again when its files change; a new one
//! that cannot be used leaves the old one in place.
//!
//! One provider of cryptography is built in (aws-lc-rs), and named here, so that nothing depends on which one is the
//! process's default.

mod not_after;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::metrics::Metrics;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// The first byte of a TLS connection: a record of the handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate and its chain, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    listener: &'static str,
    files: Files,
    config: ArcSwap<ServerConfig>,
    /// The files as they were when they were last read, whatever came of it.
    seen: Mutex<Seen>,
    metrics: Arc<Metrics>,
}

/// What tells one state of the files from another without reading them.
type Seen = [Option<(SystemTime, u64, u64)>; 2];

/// Why there is no TLS on a connection.
#[derive(Debug)]
pub enum NotAccepted {
    /// The client speaks something else, plain HTTP most likely; nothing was taken off the stream.
    Plain(TcpStream),
    /// The handshake failed, or the client left.
    Failed(io::Error),
}

impl Tls {
    /// Reads the certificate. `listener` is what the metrics call it.
    ///
    /// # Errors
    /// It cannot be used, in words for the operator.
    pub fn new(listener: &'static str, files: Files, metrics: Arc<Metrics>) -> Result<Self, String> {
        let seen = Mutex::new(files.seen());
        let (config, not_after) = files.read()?;
        let tls = Self {
            listener,
            files,
            config: ArcSwap::from_pointee(config),
            seen,
            metrics,
        };
        tls.show_end(not_after);
        Ok(tls)
    }

    /// Does the handshake. Waits as long as the client likes, so the caller sets a time.
    ///
    /// # Errors
    /// See [`NotAccepted`].
    pub async fn accept(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, NotAccepted> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(0) => return Err(NotAccepted::Failed(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) if first[0] != HANDSHAKE => return Err(NotAccepted::Plain(stream)),
            Ok(_) => {}
            Err(why) => return Err(NotAccepted::Failed(why)),
        }
        let acceptor = TlsAcceptor::from(self.config.load_full());
        acceptor.accept(stream).await.map_err(NotAccepted::Failed)
    }

    /// Reads the files again. Connections that are open keep what they have; new ones get what is new.
    pub fn reload(&self) {
        // Before reading: what changes meanwhile is seen by the next look.
        *self.seen.lock() = self.files.seen();
        let outcome = match self.files.read() {
            Ok((config, not_after)) => {
                // With new tickets, so that nobody resumes with the old certificate.
                self.config.store(Arc::new(config));
                self.show_end(not_after);
                tracing::info!(listener = self.listener, "the certificate was read again");
                "ok"
            }
            Err(why) => {
                tracing::error!(
                    listener = self.listener,
                    why,
                    "the certificate cannot be used; the old one stays"
                );
                "failed"
            }
        };
        self.metrics
            .tls
            .reloads
            .with_label_values(&[self.listener, outcome])
            .inc();
    }

    /// Looks at the files now and then, for as long as it is polled.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let this = Arc::clone(&self);
            let look = move || {
                let changed = this.files.seen() != *this.seen.lock();
                if changed {
                    this.reload();
                }
            };
            let _ = tokio::task::spawn_blocking(look).await;
        }
    }

    fn show_end(&self, not_after: Option<i64>) {
        self.metrics
            .tls
            .certificate_expires
            .with_label_values(&[self.listener])
            .set(not_after.unwrap_or(0));
        // Both are there before the first reload: an alert sees the first failure as a rise.
        for outcome in ["ok", "failed"] {
            let _ = self.metrics.tls.reloads.with_label_values(&[self.listener, outcome]);
        }
    }
}

impl Files {
    fn seen(&self) -> Seen {
        use std::os::unix::fs::MetadataExt;
        [&self.certificate, &self.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
        })
    }

    /// What connections are accepted with, and when that ends in Unix seconds.
    fn read(&self) -> Result<(ServerConfig, Option<i64>), String> {
        let of = |path: &PathBuf| {
            let path = path.display().to_string();
            move |why: &dyn std::fmt::Display| format!("{path}: {why}")
        };
        let (certificate, key) = (of(&self.certificate), of(&self.key));
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&self.certificate)
            .map_err(|why| certificate(&why))?
            .collect();
        let chain = chain.map_err(|why| certificate(&why))?;
        let Some(end_entity) = chain.first() else {
            return Err(certificate(&"there is no certificate in it"));
        };
        let not_after = not_after::not_after(end_entity);
        let secret = PrivateKeyDer::from_pem_file(&self.key).map_err(|why| key(&why))?;
        let provider = aws_lc_rs::default_provider();
        // TLS 1.3 and 1.2.
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|why| certificate(&format_args!("with {}: {why}", self.key.display())))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Who comes back to this node does so with a ticket that the node need not remember. One is enough: a client
        // asks for one connection.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(|why| why.to_string())?;
        config.send_tls13_tickets = 1;
        Ok((config, not_after))
    }
}
