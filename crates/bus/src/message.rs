//! What a broadcast says, and its compact form in Redis.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hallway_protocol::ClientId;

/// What a broadcast says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The event's name; at most 65,535 bytes.
    pub destination: Arc<str>,
    /// JSON text, validated by whoever accepted it.
    pub data: Bytes,
    /// Whom not to send it to.
    pub exclude: Option<ClientId>,
    /// Where and when it was accepted.
    pub sent: Option<Sent>,
}

/// Where and when a broadcast was accepted, so that the node that did so, and only it, can measure how long
/// it took: by one clock, without skew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The node's number.
    pub node: u64,
    /// That node's own monotonic microseconds.
    pub micros: u64,
    /// The span that published it, where that is traced.
    pub trace: Option<TraceContext>,
}

/// A span of a trace that is recorded, as W3C Trace Context knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
}

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

const EXCLUDE: u8 = 1;
const SENT: u8 = 2;
const TRACE: u8 = 4;

impl Message {
    /// The compact form: a byte of flags, then what they say (the excluded client's id; node and microseconds,
    /// 8 bytes each, big-endian; trace and span, 16 and 8 bytes), then the destination behind its length in 2 bytes, then the data.
    ///
    /// # Errors
    /// The destination is too long.
    pub(crate) fn encode(&self) -> Result<Bytes, Malformed> {
        let length = u16::try_from(self.destination.len()).map_err(|_| Malformed("the destination is too long"))?;
        let mut out = BytesMut::with_capacity(59 + self.destination.len() + self.data.len());
        let trace = self.sent.and_then(|sent| sent.trace);
        let flags = self.exclude.map_or(0, |_| EXCLUDE) | self.sent.map_or(0, |_| SENT) | trace.map_or(0, |_| TRACE);
        out.put_u8(flags);
        if let Some(client) = self.exclude {
            out.put_slice(client.as_str().as_bytes());
        }
        if let Some(sent) = self.sent {
            out.put_u64(sent.node);
            out.put_u64(sent.micros);
        }
        if let Some(trace) = trace {
            out.put_slice(&trace.trace_id);
            out.put_slice(&trace.span_id);
        }
        out.put_u16(length);
        out.put_slice(self.destination.as_bytes());
        out.put_slice(&self.data);
        Ok(out.freeze())
    }

    /// Reads the compact form; the data stays where it is.
    pub(crate) fn decode(mut from: Bytes) -> Result<Self, Malformed> {
        const SHORT: Malformed = Malformed("too short");
        let flags = from.try_get_u8().map_err(|_| SHORT)?;
        // Only what was sent by a node is traced.
        if flags & !(EXCLUDE | SENT | TRACE) != 0 || flags & (SENT | TRACE) == TRACE {
            return Err(Malformed("unknown flags"));
        }
        let exclude = match flags & EXCLUDE {
            0 => None,
            _ => Some(client_id(&take(&mut from, ClientId::LEN).ok_or(SHORT)?)?),
        };
        let sent = match flags & SENT {
            0 => None,
            _ => Some(Sent {
                node: from.try_get_u64().map_err(|_| SHORT)?,
                micros: from.try_get_u64().map_err(|_| SHORT)?,
                trace: match flags & TRACE {
                    0 => None,
                    _ => Some(TraceContext {
                        trace_id: from.try_get_u128().map_err(|_| SHORT)?.to_be_bytes(),
                        span_id: from.try_get_u64().map_err(|_| SHORT)?.to_be_bytes(),
                    }),
                },
            }),
        };
        let length = from.try_get_u16().map_err(|_| SHORT)?;
        let destination = take(&mut from, length.into()).ok_or(SHORT)?;
        let destination = std::str::from_utf8(&destination).map_err(|_| Malformed("the destination is no text"))?;
        Ok(Self {
            destination: destination.into(),
            data: from,
            exclude,
            sent,
        })
    }
}

fn take(from: &mut Bytes, length: usize) -> Option<Bytes> {
    (from.len() >= length).then(|| from.split_to(length))
}

fn client_id(bytes: &[u8]) -> Result<ClientId, Malformed> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(ClientId::parse)
        .ok_or(Malformed("no client id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            destination: "update-task".into(),
            data: Bytes::from_static(br#"{"id":1}"#),
            exclude: Some(ClientId::from_bits(42)),
            sent: Some(Sent {
                node: 7,
                micros: u64::MAX,
                trace: Some(TraceContext {
                    trace_id: [9; 16],
                    span_id: [8; 8],
                }),
            }),
        }
    }

    #[test]
    fn a_message_reads_back_as_itself() {
        let full = message();
        let bare = Message {
            exclude: None,
            sent: None,
            ..message()
        };
        let mut untraced = message();
        untraced.sent = untraced.sent.map(|sent| Sent { trace: None, ..sent });
        for message in [full, bare, untraced] {
            assert_eq!(Message::decode(message.encode().unwrap()).unwrap(), message);
        }
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_an_error_or_a_message() {
        let whole = message().encode().unwrap();
        let head = whole.len() - message().data.len();
        for length in 0..head {
            assert!(Message::decode(whole.slice(..length)).is_err(), "{length} bytes");
        }
        for place in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.to_vec();
                changed[place] = byte;
                let _ = Message::decode(changed.into());
            }
        }
    }
}
