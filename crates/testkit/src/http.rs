//! As much HTTP as a test needs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends one request on a connection of its own; returns the status and the body.
///
/// # Panics
/// If there is no answer within 10 s.
pub async fn call(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let answer = try_call(address, method, path, headers, body, PATIENCE).await;
    answer.expect("an answer in time")
}

/// The same of a server that may be hurt. Cancel safe, but what was sent may be done.
///
/// # Errors
/// There is no connection, no answer within `patience`, or what came is no HTTP.
pub async fn try_call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
    patience: Duration,
) -> io::Result<(u16, String)> {
    let exchange = async { ask(TcpStream::connect(address).await?, method, path, headers, body).await };
    tokio::time::timeout(patience, exchange)
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

/// The same over a connection that is there already, and for as long as it takes. Cancel safe, but what was sent may be
/// done.
///
/// # Errors
/// There is no answer, or what came is no HTTP.
pub async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: hallway.test\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Ok((status, if chunked { unchunk(body) } else { body.to_owned() }))
}

fn unchunk(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || size > rest.len() {
            break;
        }
        out.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    out
}

/// A metric's value in an exposition, all its labels summed.
///
/// # Panics
/// If there is no such metric.
#[must_use]
pub fn metric(exposition: &str, name: &str) -> f64 {
    let mut found = false;
    let mut sum = 0.0;
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        if series == name || series.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) {
            found = true;
            sum += value.parse::<f64>().unwrap_or(0.0);
        }
    }
    assert!(found || exposition.contains("hallway_"), "no exposition");
    sum
}
