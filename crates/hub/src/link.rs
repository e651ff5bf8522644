//! The transport under a socket. Everything above it asks only these few questions, so that another transport
//! is another variant here.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;

use bytes::Bytes;
use hallway_protocol::CloseCode;
use parking_lot::Mutex;
use tokio::net::TcpStream;

use crate::carrier::Carried;
use crate::form::Foreign;
use crate::frame;
use crate::places::Places;
use crate::tls::Tls;

/// Engine.IO's ping, a text frame.
static CARRIED_PING: Bytes = Bytes::from_static(&[0x81, 1, b'2']);

/// A connected transport. Writing and reading never wait; waiting is asked for apart.
#[derive(Debug)]
pub enum Link {
    /// Plain TCP, as the listener accepted it.
    Tcp(TcpStream),
    /// TLS over TCP. In a box, so that a plain connection does not pay for its size.
    Tls(Box<Tls>),
    /// A share of a connection under several sockets; in a box for the same reason. Whoever has the connection reads it.
    Carried(Box<Carried>),
}

/// A plain connection is no larger for there being another.
const _: () = assert!(size_of::<Link>() == size_of::<TcpStream>());

impl Link {
    /// Writes what the kernel takes now. Over TLS, what was taken may not have left yet: see [`Link::has_rest`].
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing now; anything else is the end of the link.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Tls(tls) => tls.try_write_vectored(&[IoSlice::new(bytes)]),
            Self::Carried(carried) => carried.carrier().send(bytes).map(|()| bytes.len()),
        }
    }

    /// Writes of several buffers what the kernel takes now.
    ///
    /// # Errors
    /// As [`Link::try_write`].
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(buffers),
            Self::Tls(tls) => tls.try_write_vectored(buffers),
            Self::Carried(carried) => buffers.iter().try_fold(0, |written, buffer| {
                carried.carrier().send(buffer)?;
                Ok(written + buffer.len())
            }),
        }
    }

    /// Whether something that was written waits for the kernel. Until [`Link::try_flush`] has seen to that, writes would
    /// block.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Carried(_) => false,
            Self::Tls(tls) => tls.has_rest(),
        }
    }

    /// Writes what the kernel takes now of what waits for it; true if nothing waits any more.
    ///
    /// # Errors
    /// The end of the link.
    pub fn try_flush(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(_) | Self::Carried(_) => Ok(true),
            Self::Tls(tls) => tls.try_flush(),
        }
    }

    /// Reads what is there now; 0 is the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; anything else is the end of the link.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
            Self::Tls(tls) => tls.try_read(buffer),
            Self::Carried(_) => Ok(0),
        }
    }

    /// Waits until a read may succeed. Cancel safe. For one task at a time: the last one to ask is woken. (Polled
    /// rather than awaited, since the library's own future would take a hundred bytes of every idle connection.)
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        let stream = match self {
            Self::Tls(tls) if tls.has_more() => return Ok(()),
            _ => self.stream(),
        };
        let Some(stream) = stream else { return Ok(()) };
        poll_fn(|cx| stream.poll_read_ready(cx)).await
    }

    /// Waits until a write may succeed. Cancel safe. For one task at a time, as [`Link::readable`].
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn writable(&self) -> io::Result<()> {
        let Some(stream) = self.stream() else { return Ok(()) };
        poll_fn(|cx| stream.poll_write_ready(cx)).await
    }

    /// What the kernel tells about; nothing where others do.
    fn stream(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Tls(tls) => Some(tls.stream()),
            Self::Carried(_) => None,
        }
    }

    /// Ends writing: everything written has left, and so does the end itself. False if the kernel does not take that
    /// now; then it is to be asked again when it is writable.
    ///
    /// # Errors
    /// The end of the link.
    pub fn try_finish(&self) -> io::Result<bool> {
        if let Self::Tls(tls) = self
            && !tls.try_finish()?
        {
            return Ok(false);
        }
        self.shutdown(Shutdown::Write);
        Ok(true)
    }

    /// Ends one or both directions at once. Whoever waits to read or write is woken.
    pub fn shutdown(&self, how: Shutdown) {
        match self {
            // An error says that it is closed already.
            Self::Tcp(stream) => drop(socket2::SockRef::from(stream).shutdown(how)),
            Self::Tls(tls) => drop(socket2::SockRef::from(tls.stream()).shutdown(how)),
            // The connection is its owner's to end.
            Self::Carried(carried) => carried.carrier().stir(),
        }
    }

    /// How frames are written for it, where that is not for the client to choose.
    pub(crate) fn form(&self) -> Option<&Foreign> {
        match self {
            Self::Tcp(_) | Self::Tls(_) => None,
            Self::Carried(carried) => Some(carried.form()),
        }
    }

    /// Where its client is told that it stands, if it is.
    pub(crate) fn places(&self) -> Option<&Mutex<Places>> {
        match self {
            Self::Tcp(_) | Self::Tls(_) => None,
            Self::Carried(carried) => carried.places(),
        }
    }

    /// What asks the client whether it is there: whole frames.
    pub(crate) fn ping(&self) -> &'static Bytes {
        match self {
            Self::Tcp(_) | Self::Tls(_) => &frame::PING,
            Self::Carried(_) => &CARRIED_PING,
        }
    }

    /// The last that is said to a client, and why: whole frames.
    pub(crate) fn farewell(&self, code: CloseCode, reason: &str) -> Bytes {
        match self {
            Self::Tcp(_) | Self::Tls(_) => frame::close(code, reason),
            Self::Carried(carried) => carried.farewell(code),
        }
    }

    /// What it is, for labels.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        match self {
            Self::Tcp(_) | Self::Tls(_) => "websocket",
            Self::Carried(carried) => carried.carrier().transport(),
        }
    }

    /// Bytes that wait below this link.
    pub(crate) fn queued_bytes(&self) -> usize {
        match self {
            Self::Tcp(_) | Self::Tls(_) => 0,
            Self::Carried(carried) => carried.carrier().queued_bytes(),
        }
    }
}
