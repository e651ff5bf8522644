//! A client of the backend API: one request, one answer, one connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use hallway_client::Stream;
use hallway_gateway::config::Config;
use http::uri::Authority;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// How long a call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer in bytes.
const ANSWER_MAX: usize = 16 << 20;

/// The API of a node.
pub(crate) struct Api {
    /// Whether it speaks TLS.
    tls: bool,
    /// The file with the authority of its certificate, if it is not one of the system's.
    ca: Option<PathBuf>,
    authority: String,
    base: String,
    /// What is shown; nothing to what is open to all.
    key: Option<String>,
}

impl Api {
    /// The API that the flags and the configuration name, with its key.
    pub(crate) fn of(matches: &ArgMatches, config: &Config) -> Result<Self, Failure> {
        let key = match (matches.get_one::<String>("key"), config.api.keys.first()) {
            (Some(key), _) => key.clone(),
            (None, Some(key)) => key.expose().to_owned(),
            (None, None) => {
                return Err(Failure::usage(
                    "no API key: set api.keys (HALLWAY_API_KEYS), or use --key or --dev",
                ));
            }
        };
        Ok(Self {
            key: Some(key),
            ..Self::without_key(matches, config)?
        })
    }

    /// The same for what needs no key.
    pub(crate) fn without_key(matches: &ArgMatches, config: &Config) -> Result<Self, Failure> {
        let url = match matches.get_one::<String>("api") {
            Some(url) => url.clone(),
            None => {
                let scheme = if config.internal_tls.cert.is_empty() {
                    "http"
                } else {
                    "https"
                };
                format!("{scheme}://{}", reachable(config.internal_listen))
            }
        };
        let refused = || {
            Failure::usage(format!(
                "flag --api: {url:?} is refused: must be http:// or https://host[:port][/path]"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri
            .authority()
            .filter(|authority| !authority.host().is_empty())
            .ok_or_else(refused)?;
        let tls = uri.scheme_str() == Some("https");
        if !(tls || uri.scheme_str() == Some("http")) || uri.query().is_some() {
            return Err(refused());
        }
        Ok(Self {
            tls,
            ca: matches.get_one::<String>("ca").map(PathBuf::from),
            authority: authority.to_string(),
            base: uri.path().trim_end_matches('/').to_owned(),
            key: None,
        })
    }

    /// Calls it, and waits for the answer's JSON.
    pub(crate) fn call(&self, method: Method, path: &str, body: String) -> Result<Value, Failure> {
        let (status, bytes) = self.ask(method, path, body, TIMEOUT)?;
        let answer: Option<Value> = serde_json::from_slice(&bytes).ok();
        match (status.is_success(), answer) {
            (true, Some(answer)) => Ok(answer),
            (true, None) => Err(Failure::failed(format!("{}: the answer is not JSON", self.authority))),
            (false, answer) => Err(Failure::failed(format!(
                "{}: {}",
                self.authority,
                refusal(status, answer.as_ref())
            ))),
        }
    }

    /// Calls it, and waits so long for the answer, whatever it is.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: String,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
        let exchange = async { tokio::time::timeout(patience, self.exchange(method, path, body)).await };
        match runtime.block_on(exchange) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::failed(format!("{}: {error}", self.authority))),
            Err(_) => Err(Failure::failed(format!(
                "{}: no answer within {}s",
                self.authority,
                patience.as_secs()
            ))),
        }
    }

    async fn exchange(&self, method: Method, path: &str, body: String) -> Result<(StatusCode, Bytes), BoxError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let stream = TcpStream::connect(with_port(&self.authority, self.tls)).await?;
        let stream = if self.tls {
            let host = self.authority.parse::<Authority>()?;
            Stream::tls(stream, host.host().trim_matches(['[', ']']), self.ca.as_deref()).await?
        } else {
            Stream::Plain(stream)
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the connection, or with the runtime.
        tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await?;
        Ok((status, body.to_bytes()))
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The address under which a listener on this machine is reached: one that is bound to all is on loopback too.
pub(crate) fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

fn with_port(authority: &str, tls: bool) -> String {
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:{}", if tls { 443 } else { 80 })
    }
}

/// The API's own words, where the answer has them.
fn refusal(status: StatusCode, answer: Option<&Value>) -> String {
    let text = |name: &str| answer.and_then(|answer| answer["error"][name].as_str());
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => format!("HTTP {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        assert_eq!(with_port("localhost", false), "localhost:80");
        assert_eq!(with_port("[::1]", true), "[::1]:443");
        assert_eq!(with_port("[::1]:9000", false), "[::1]:9000");
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
    }
}
