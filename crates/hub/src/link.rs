//! The transport under a socket. Everything above it asks only these few questions, so that another transport
//! (TLS, a poll-driven one) is another variant here.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;

use tokio::net::TcpStream;

/// A connected transport. Writing and reading never wait; waiting is asked for apart.
#[derive(Debug)]
pub enum Link {
    /// Plain TCP, as the listener accepted it.
    Tcp(TcpStream),
}

impl Link {
    /// Writes what the kernel takes now.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing now; anything else is the end of the link.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
        }
    }

    /// Writes of several buffers what the kernel takes now.
    ///
    /// # Errors
    /// As [`Link::try_write`].
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(buffers),
        }
    }

    /// Reads what is there now; 0 is the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; anything else is the end of the link.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
        }
    }

    /// Waits until a read may succeed. Cancel safe. For one task at a time: the last one to ask is woken. (Polled
    /// rather than awaited, since the library's own future would take a hundred bytes of every idle connection.)
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => poll_fn(|cx| stream.poll_read_ready(cx)).await,
        }
    }

    /// Waits until a write may succeed. Cancel safe. For one task at a time, as [`Link::readable`].
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => poll_fn(|cx| stream.poll_write_ready(cx)).await,
        }
    }

    /// Ends one or both directions. Whoever waits to read or write is woken.
    pub fn shutdown(&self, how: Shutdown) {
        match self {
            // An error says that it is closed already.
            Self::Tcp(stream) => drop(socket2::SockRef::from(stream).shutdown(how)),
        }
    }
}
