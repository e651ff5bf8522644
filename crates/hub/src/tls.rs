//! TLS under a socket: what is written is encrypted at once, and what the kernel does not take of that stays here, at
//! most [`REST`] bytes of it. As for plain TCP, nothing waits: neither a write, nor a read, nor the end.

use std::io::{self, IoSlice, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustls::ServerConnection;
use tokio::net::TcpStream;

/// Most encrypted bytes that wait for the kernel. Nothing more is encrypted while there are any, so that what a slow
/// client costs stays in its queue, where it is counted.
const REST: usize = 32 * 1024;

/// Reads in a row that bring nothing to read, such as empty records: then it is somebody else's turn.
const ROUNDS: usize = 16;

/// A TLS connection after its handshake.
///
/// Its lock is the innermost: it is held for one read or one write, never across a wait.
#[derive(Debug)]
pub struct Tls {
    stream: TcpStream,
    session: Mutex<ServerConnection>,
    /// Whether encrypted bytes wait for the kernel.
    has_rest: AtomicBool,
    /// Whether decrypted bytes wait for the reader, whom the kernel will not wake for them.
    has_more: AtomicBool,
}

impl Tls {
    /// Takes over a connection whose handshake is done.
    #[must_use]
    pub fn new(stream: TcpStream, mut session: ServerConnection) -> Self {
        session.set_buffer_limit(Some(REST));
        Self {
            stream,
            has_rest: AtomicBool::new(session.wants_write()),
            // The last bytes of the handshake may have come with the first of what follows.
            has_more: AtomicBool::new(true),
            session: Mutex::new(session),
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether a read brings something even if the kernel has nothing.
    pub(crate) fn has_more(&self) -> bool {
        self.has_more.load(Ordering::Relaxed)
    }

    /// Whether something that was written waits for the kernel: see [`Tls::try_flush`].
    pub(crate) fn has_rest(&self) -> bool {
        self.has_rest.load(Ordering::Relaxed)
    }

    /// Encrypts as much as there is room for, and writes what the kernel takes of it. What it does not take is for
    /// [`Tls::try_flush`].
    pub(crate) fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut session = self.session.lock();
        if !self.flush(&mut session)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = session.writer().write_vectored(buffers)?;
        self.flush(&mut session)?;
        Ok(written)
    }

    /// Writes what the kernel takes of what waits for it; true if nothing waits any more.
    pub(crate) fn try_flush(&self) -> io::Result<bool> {
        self.flush(&mut self.session.lock())
    }

    fn flush(&self, session: &mut ServerConnection) -> io::Result<bool> {
        let result = loop {
            if !session.wants_write() {
                break Ok(true);
            }
            match session.write_tls(&mut Kernel(&self.stream)) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(why) => break Err(why),
            }
        };
        self.has_rest.store(session.wants_write(), Ordering::Relaxed);
        result
    }

    /// Reads and decrypts what is there; 0 is the end. A stream that ends without saying so (TLS calls that truncation)
    /// is an end like any other: a WebSocket says itself where its messages end.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut session = self.session.lock();
        let mut rounds = 0;
        loop {
            match session.reader().read(buffer) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    self.has_more.store(false, Ordering::Relaxed);
                    if rounds == ROUNDS {
                        // The kernel may have more, and says so to whoever waits.
                        return Err(why);
                    }
                }
                Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Ok(count) => {
                    // A full buffer may have left something behind.
                    self.has_more.store(count == buffer.len(), Ordering::Relaxed);
                    return Ok(count);
                }
                Err(why) => return Err(why),
            }
            rounds += 1;
            // The end (0) is told by the reader in the next round.
            session.read_tls(&mut Kernel(&self.stream))?;
            let processed = session.process_new_packets();
            // Answers of TLS itself: a new key, or why this is the end.
            let flushed = self.flush(&mut session);
            processed.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            flushed?;
        }
    }

    /// Says in TLS that nothing more is written; true if the kernel has taken that. Repeating it writes what is left.
    pub(crate) fn try_finish(&self) -> io::Result<bool> {
        let mut session = self.session.lock();
        session.send_close_notify();
        self.flush(&mut session)
    }
}

/// The stream as something that never waits.
struct Kernel<'s>(&'s TcpStream);

impl Read for Kernel<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Kernel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
