//! What waits for a socket that does not take bytes now. Bounded in bytes; a socket that passes the bound is a
//! slow consumer and is closed, so that no one else feels it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;

use crate::link::Link;

/// Buffers that leave in one `writev`.
const SLICES: usize = 32;

/// Bytes in order, the first of them perhaps partly written. Whole frames go in, so that no frame is ever cut
/// by another.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    waiting: VecDeque<Bytes>,
    /// How much of the first buffer is written.
    written: usize,
    /// Bytes in `waiting` that are not yet written.
    bytes: usize,
}

impl Outbound {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a buffer at the end, of which `written` bytes are already out (only where nothing waits).
    pub(crate) fn push(&mut self, buffer: Bytes, written: usize) {
        debug_assert!(
            written == 0 || self.waiting.is_empty(),
            "a written beginning belongs to the first buffer"
        );
        if self.waiting.is_empty() {
            self.written = written;
        }
        self.bytes += buffer.len() - written;
        self.waiting.push_back(buffer);
    }

    /// Puts a buffer before all others, none of which has begun to be written.
    pub(crate) fn push_first(&mut self, buffer: Bytes) {
        debug_assert!(self.written == 0, "a begun buffer stays the first");
        self.bytes += buffer.len();
        self.waiting.push_front(buffer);
    }

    /// Forgets what has not begun to be written; the rest of a begun buffer must follow its beginning.
    pub(crate) fn drop_unbegun(&mut self) {
        self.waiting.truncate(usize::from(self.written > 0));
        self.bytes = self.waiting.front().map_or(0, |first| first.len() - self.written);
        self.waiting.shrink_to(2);
    }

    /// Hands out everything, none of which has begun to be written.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        debug_assert!(self.written == 0, "a begun buffer belongs to its link");
        std::mem::take(self).waiting.into()
    }

    /// Forgets everything: the link is gone.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes until nothing waits (`Ok(true)`) or the link takes no more (`Ok(false)`).
    pub(crate) fn flush(&mut self, link: &Link) -> io::Result<bool> {
        while !self.waiting.is_empty() {
            let result = {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut count = 0;
                for (slice, buffer) in slices.iter_mut().zip(&self.waiting) {
                    let skip = if count == 0 { self.written } else { 0 };
                    *slice = IoSlice::new(&buffer[skip..]);
                    count += 1;
                }
                link.try_write_vectored(&slices[..count])
            };
            match result {
                Ok(written) => self.advance(written),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(why) => return Err(why),
            }
        }
        // An idle socket owns no buffer.
        self.waiting = VecDeque::new();
        link.try_flush()
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(first) = self.waiting.front() {
            let left = first.len() - self.written;
            if written < left {
                self.written += written;
                return;
            }
            written -= left;
            self.written = 0;
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_keeps_the_rest_of_a_begun_buffer() {
        let mut outbound = Outbound::default();
        outbound.push(Bytes::from_static(b"begun"), 2);
        outbound.push(Bytes::from_static(b"waiting"), 0);
        assert_eq!(outbound.bytes(), 10);
        outbound.drop_unbegun();
        assert_eq!(outbound.bytes(), 3);
        outbound.advance(3);
        assert!(outbound.is_empty());
        outbound.push(Bytes::from_static(b"whole"), 0);
        outbound.drop_unbegun();
        assert!(outbound.is_empty());
        assert_eq!(outbound.bytes(), 0);
    }
}
