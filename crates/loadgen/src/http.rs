//! As much of HTTP/1.1 as the backend API and the probes need.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Doing, Failure};

/// A whole response at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    /// Head and body.
    pub(crate) size: usize,
}

/// The size of the head, if it is all there.
pub(crate) fn head(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// Reads one response with a `Content-Length`; `None` while it is not all there.
pub(crate) fn response(bytes: &[u8]) -> Result<Option<Response<'_>>, Failure> {
    let Some(head) = head(bytes) else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let (Some(status), Some(length)) = (status, length) else {
        return Err(Failure(format!("not a response with a length: {text}")));
    };
    let size = head + length;
    Ok(bytes.get(head..size).map(|body| Response { status, body, size }))
}

/// Appends a call of the backend API.
pub(crate) fn post(out: &mut Vec<u8>, path: &str, key: &str, body: &[u8]) {
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "POST {path} HTTP/1.1\r\nHost: loadgen\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(body);
}

/// The status of a path, on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<u16, Failure> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).doing("connect")?;
    stream.set_read_timeout(Some(PATIENCE)).doing("timeout")?;
    stream.set_write_timeout(Some(PATIENCE)).doing("timeout")?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: loadgen\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).doing("write")?;
    let mut head = [0; 64];
    let read = stream.read(&mut head).doing("read")?;
    let text = String::from_utf8_lossy(&head[..read]);
    text.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| Failure(format!("no status: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_read_when_it_is_all_there() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1";
        let read = response(bytes).unwrap().unwrap();
        assert_eq!(
            (read.status, read.body, read.size),
            (200, b"{}".as_slice(), bytes.len() - 8)
        );
        assert_eq!(response(&bytes[..read.size - 1]).unwrap(), None);
        assert!(response(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
