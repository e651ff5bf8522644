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

/// What a handshake's answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// How long to wait before the next attempt, if it says so.
    pub(crate) retry_after: Option<Duration>,
}

impl Head {
    /// Reads a whole head.
    pub(crate) fn read(head: &[u8]) -> Result<Self, Failure> {
        let text = String::from_utf8_lossy(head).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let seconds = text
            .lines()
            .find_map(|line| line.strip_prefix("retry-after:")?.trim().parse().ok());
        Ok(Self {
            status: status.ok_or_else(|| Failure(format!("not a response: {text}")))?,
            retry_after: seconds.map(Duration::from_secs),
        })
    }
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

/// A connection to the backend API that is kept, and waits for each answer.
pub(crate) struct Caller {
    stream: TcpStream,
    key: String,
    bytes: Vec<u8>,
}

impl Caller {
    /// How long an answer may take.
    const PATIENCE: Duration = Duration::from_secs(10);

    pub(crate) fn dial(address: SocketAddr, key: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect_timeout(&address, Self::PATIENCE).doing("connect")?;
        stream.set_nodelay(true).doing("TCP_NODELAY")?;
        stream.set_read_timeout(Some(Self::PATIENCE)).doing("timeout")?;
        stream.set_write_timeout(Some(Self::PATIENCE)).doing("timeout")?;
        Ok(Self {
            stream,
            key: key.to_owned(),
            bytes: Vec::new(),
        })
    }

    /// Posts JSON; the status and the body of the answer. After an error the connection is of no use any more.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        let mut call = Vec::with_capacity(body.len() + 256);
        post(&mut call, path, &self.key, body);
        self.exchange(&call)
    }

    /// The same for what is only read.
    pub(crate) fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>), Failure> {
        let call = format!(
            "GET {path} HTTP/1.1\r\nHost: loadgen\r\nAuthorization: Bearer {}\r\n\r\n",
            self.key
        );
        self.exchange(call.as_bytes())
    }

    fn exchange(&mut self, call: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        self.stream.write_all(call).doing("the backend API")?;
        loop {
            if let Some(answer) = response(&self.bytes)? {
                let (status, body, size) = (answer.status, answer.body.to_vec(), answer.size);
                self.bytes.drain(..size);
                return Ok((status, body));
            }
            let mut scratch = [0; 4096];
            match self.stream.read(&mut scratch).doing("the backend API")? {
                0 => return Err(Failure::new("the backend API closed the connection")),
                read => self.bytes.extend_from_slice(&scratch[..read]),
            }
        }
    }
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

    #[test]
    fn a_refusal_may_say_when_to_come_back() {
        let head = |text: &str| Head::read(text.as_bytes()).map(|head| (head.status, head.retry_after));
        let refused = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n\r\n";
        assert_eq!(head(refused).unwrap(), (503, Some(Duration::from_secs(2))));
        assert_eq!(head("HTTP/1.1 101 Switching Protocols\r\n\r\n").unwrap(), (101, None));
        assert!(head("nothing").is_err());
    }
}
