//! A key set over HTTP: one GET on a connection of its own. Fetches are rare, so that nothing is worth keeping open.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::source::{FetchError, Fetching, KeySource};

/// The most bytes of a set that are read.
const BODY_MAX: usize = 256 * 1024;
/// The most bytes of the answer's head.
const HEAD_MAX: usize = 32 * 1024;

/// Fetches from a URL.
pub struct HttpSource {
    host: String,
    port: u16,
    authority: String,
    path: String,
    /// For `https`.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why a URL is refused: the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL that can be fetched.
    #[error("must be a URL such as https://id.example.com/.well-known/jwks.json, without user and password")]
    NoUrl,
    /// Whoever is on the way could put in keys of their own.
    #[error("must begin with https:// (http:// is for this machine itself, and for dev mode)")]
    Plain,
    /// The authorities' file cannot be used.
    #[error("{0}")]
    Authorities(String),
}

impl HttpSource {
    /// A source at a URL. `ca` is a PEM file with the authorities that may sign the server's certificate; the system's
    /// without one. Without TLS only this machine is asked, unless `plain` allows more.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn new(url: &str, ca: Option<&Path>, plain: bool) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::NoUrl)?;
        let authority = uri.authority().ok_or(UrlError::NoUrl)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(UrlError::NoUrl);
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (is_tls, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") if plain || is_this_machine(&host) => (false, 80),
            Some("http") => return Err(UrlError::Plain),
            _ => return Err(UrlError::NoUrl),
        };
        let tls = if is_tls {
            let name = ServerName::try_from(host.clone()).map_err(|_| UrlError::NoUrl)?;
            Some((connector(ca)?, name))
        } else {
            None
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(usual),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            host,
            tls,
        })
    }

    async fn get(&self) -> Result<Vec<u8>, FetchError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(unreachable)?;
        match &self.tls {
            None => self.exchange(stream).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(unreachable)?;
                self.exchange(stream).await
            }
        }
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Vec<u8>, FetchError> {
        let mut http = hyper::client::conn::http1::Builder::new();
        let (mut sender, connection) = http
            .max_buf_size(HEAD_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(unreachable)?;
        // Ends with this future, however that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::get(&self.path)
            .header(HOST, &self.authority)
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .header(USER_AGENT, concat!("hallway/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())
            .map_err(unreachable)?;
        let answer = sender.send_request(request).await.map_err(unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        match Limited::new(answer.into_body(), BODY_MAX).collect().await {
            Ok(body) => Ok(body.to_bytes().into()),
            Err(why) if why.is::<LengthLimitError>() => Err(FetchError::TooLarge),
            Err(why) => Err(unreachable(why)),
        }
    }
}

impl KeySource for HttpSource {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.get())
    }
}

fn unreachable(why: impl std::fmt::Display) -> FetchError {
    FetchError::Unreachable(why.to_string())
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn connector(ca: Option<&Path>) -> Result<TlsConnector, UrlError> {
    let roots = match ca {
        None => system(),
        Some(path) => authorities(path).map_err(|why| UrlError::Authorities(format!("{}: {why}", path.display())))?,
    };
    // Said, not left to the process: other crates could bring a second one.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| UrlError::Authorities(format!("TLS: {why}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|why| why.to_string())? {
        let certificate = certificate.map_err(|why| why.to_string())?;
        roots.add(certificate).map_err(|why| why.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in it".to_owned());
    }
    Ok(roots)
}

/// The authorities of the system. Some of them may be of a kind that is not understood.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (known, ignored) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        tracing::warn!(ignored, errors = ?found.errors, "this system has no certificate authorities");
    }
    roots
}
