//! A WebSocket by hand: for clients that misbehave, which no library lets one be.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that says exactly what it is told to.
#[derive(Debug)]
pub struct Raw {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// What it speaks over: TCP, or TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Stream for S {}

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The payload as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The code of a close frame.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        (self.opcode == 8).then(|| {
            self.payload
                .first_chunk()
                .map_or(1005, |code| u16::from_be_bytes(*code))
        })
    }
}

impl Raw {
    /// Connects and upgrades `/ws` with a token; any status but 101 is returned with the answer.
    ///
    /// # Errors
    /// The status and everything that was answered.
    ///
    /// # Panics
    /// If nothing is answered.
    pub async fn open(address: SocketAddr, headers: &str) -> Result<Self, (u16, String)> {
        Self::open_path(address, "/ws", headers).await
    }

    /// The same for any path.
    ///
    /// # Errors
    /// The status and everything that was answered.
    ///
    /// # Panics
    /// If nothing is answered.
    pub async fn open_path(address: SocketAddr, path: &str, headers: &str) -> Result<Self, (u16, String)> {
        Self::over(
            TcpStream::connect(address).await.expect("connected"),
            address,
            path,
            headers,
        )
        .await
    }

    /// The same over a connection that is there already.
    ///
    /// # Errors
    /// The status and everything that was answered.
    ///
    /// # Panics
    /// If nothing is answered.
    pub async fn over(
        stream: impl Stream + 'static,
        address: SocketAddr,
        path: &str,
        headers: &str,
    ) -> Result<Self, (u16, String)> {
        let mut raw = Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        raw.write(request.as_bytes()).await;
        let end = loop {
            if let Some(at) = raw.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(raw.fill().await, "an answer to the handshake");
        };
        let head = String::from_utf8_lossy(&raw.buffer[..end]).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        if status != 101 {
            while raw.fill().await {}
            return Err((status, String::from_utf8_lossy(&raw.buffer).into_owned()));
        }
        raw.buffer.drain(..end);
        Ok(raw)
    }

    /// The same with so small a window that what it does not read soon waits at the server.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn deaf(address: SocketAddr, token: &str) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small window");
        let stream = socket.connect(address).await.expect("connected");
        let headers = format!("Authorization: Bearer {token}\r\n");
        let mut raw = Self::over(stream, address, "/ws", &headers).await.expect("upgraded");
        raw.answer().await.expect("hello");
        raw
    }

    /// Connects with a token and reads the hello.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn signed_in(address: SocketAddr, token: &str) -> Self {
        let mut raw = Self::open(address, &format!("Authorization: Bearer {token}\r\n"))
            .await
            .expect("upgraded");
        // Pings may come before it: they are no frames of the protocol.
        let hello = raw.answer().await.expect("hello");
        assert!(hello.text().starts_with(r#"{"hello""#), "{}", hello.text());
        raw
    }

    /// Writes bytes as they are.
    ///
    /// # Panics
    /// If they are not taken in time.
    pub async fn write(&mut self, bytes: &[u8]) {
        // A peer that has closed is seen when reading.
        let write = async {
            self.stream.write_all(bytes).await?;
            // TLS may hold some back.
            self.stream.flush().await
        };
        let _ = tokio::time::timeout(PATIENCE, write).await.expect("taken in time");
    }

    /// Sends a masked frame; `first` is its first byte.
    pub async fn send(&mut self, first: u8, payload: &[u8]) {
        let frame = masked(first, payload);
        self.write(&frame).await;
    }

    /// Sends a text frame.
    pub async fn text(&mut self, text: &str) {
        self.send(0x81, text.as_bytes()).await;
    }

    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
            .await
            .expect("in time");
        read.is_ok_and(|count| count > 0)
    }

    /// The next frame; nothing at the end of the stream.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, used)) = parse(&self.buffer) {
                self.buffer.drain(..used);
                return Some(frame);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next frame that is no ping.
    pub async fn answer(&mut self) -> Option<Frame> {
        loop {
            match self.frame().await {
                Some(frame) if frame.opcode == 9 => {}
                other => return other,
            }
        }
    }

    /// Reads to the end of the stream; returns the close code, if one was said.
    pub async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(frame) = self.frame().await {
            code = code.or(frame.close_code());
        }
        code
    }
}

/// A masked frame.
#[must_use]
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn parse(buffer: &[u8]) -> Option<(Frame, usize)> {
    let short = usize::from(*buffer.get(1)?) & 0x7f;
    let (len, head) = match short {
        126 => (usize::from(u16::from_be_bytes(*buffer.get(2..)?.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*buffer.get(2..)?.first_chunk()?) as usize, 10),
        len => (len, 2),
    };
    let payload = buffer.get(head..head + len)?.to_vec();
    Some((
        Frame {
            opcode: buffer[0] & 0x0f,
            payload,
        },
        head + len,
    ))
}
