//! Reading a socket without a buffer of its own.

use std::cell::RefCell;
use std::io;

use hallway_hub::Link;

use super::{Decoder, Inbound, Violation};

/// Bytes read at once. One buffer per thread, since reading never waits while it holds the buffer.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// What a read brought.
#[derive(Debug)]
pub enum Read {
    /// Messages, perhaps none yet, and the violation that ended them.
    Some(Result<(), Violation>),
    /// The end of the stream.
    End,
}

/// Reads messages off a link.
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
}

impl Reader {
    /// A reader that refuses messages longer than `message_max` bytes.
    #[must_use]
    pub fn new(message_max: usize) -> Self {
        Self {
            decoder: Decoder::new(message_max),
        }
    }

    /// Allows longer or shorter messages from the next frame on.
    pub fn set_message_max(&mut self, message_max: usize) {
        self.decoder.set_message_max(message_max);
    }

    /// Takes in bytes that were read elsewhere.
    ///
    /// # Errors
    /// The client broke the protocol.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Inbound>) -> Result<(), Violation> {
        self.decoder.push(&mut bytes.to_vec(), out)
    }

    /// Waits for bytes and hands out what they complete. Cancel safe: bytes are taken only together with the
    /// messages they complete.
    ///
    /// # Errors
    /// The link is broken.
    pub async fn read(&mut self, link: &Link, out: &mut Vec<Inbound>) -> io::Result<Read> {
        loop {
            link.readable().await?;
            let read = BUFFER.with_borrow_mut(|buffer| match link.try_read(buffer) {
                Ok(0) => Ok(Read::End),
                Ok(count) => Ok(Read::Some(self.decoder.push(&mut buffer[..count], out))),
                Err(why) => Err(why),
            });
            match read {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Waits for the end of the stream and throws away what comes before it. Cancel safe.
    pub async fn discard(link: &Link) {
        loop {
            if link.readable().await.is_err() {
                return;
            }
            match BUFFER.with_borrow_mut(|buffer| link.try_read(buffer)) {
                Ok(0) => return,
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}
