//! RFC 6455 framing, client to server: bytes in, messages out. Does no IO and keeps nothing between whole
//! frames, so that a connection at rest costs a few words.

use std::io::Cursor;

use hallway_protocol::CloseCode;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Longest frame header, in bytes: 2, then 8 of length, then 4 of mask.
const HEADER_MAX: usize = 14;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A whole text message, which is UTF-8.
    Text(Vec<u8>),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// To be answered with a pong of the same payload.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong,
    /// The client closes, with this code.
    Close(Option<u16>),
}

/// How a client broke the protocol; the connection ends with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The close code.
    pub code: CloseCode,
    /// The reason beside it.
    pub reason: &'static str,
}

const fn violation(reason: &'static str) -> Violation {
    Violation {
        code: CloseCode::Protocol,
        reason,
    }
}

/// The state between reads. After a violation it must not be fed again.
#[derive(Debug)]
pub struct Decoder {
    /// Only while a frame or a message is incomplete.
    unfinished: Option<Box<Unfinished>>,
    message_max: usize,
}

#[derive(Debug, Default)]
struct Unfinished {
    /// Beginning of a header that is not whole yet.
    header: Vec<u8>,
    /// The frame whose payload is coming.
    frame: Option<Frame>,
    /// Payload of that frame, if it is a control frame.
    control: Vec<u8>,
    /// The message that fragments add to, and whether it is text.
    message: Option<(bool, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    /// Payload bytes still to come, and how many have.
    left: usize,
    done: usize,
}

impl Decoder {
    /// A decoder that refuses messages longer than `message_max` bytes.
    #[must_use]
    pub fn new(message_max: usize) -> Self {
        Self {
            unfinished: None,
            message_max,
        }
    }

    /// Allows longer or shorter messages from the next frame on.
    pub fn set_message_max(&mut self, message_max: usize) {
        self.message_max = message_max;
    }

    /// Takes in bytes and hands out what they complete. Unmasks in place: `bytes` is garbage afterwards.
    ///
    /// # Errors
    /// The client broke the protocol, or its message is too big. What was completed before stands in `out`.
    pub fn push(&mut self, mut bytes: &mut [u8], out: &mut Vec<Inbound>) -> Result<(), Violation> {
        while !bytes.is_empty() {
            let frame = match self.unfinished.as_mut().and_then(|unfinished| unfinished.frame.take()) {
                Some(frame) => frame,
                None => match self.header(&mut bytes)? {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            bytes = self.payload(frame, bytes, out)?;
        }
        Ok(())
    }

    /// Reads a header off the front; nothing if it is not whole yet.
    fn header(&mut self, bytes: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        let begun = self.unfinished.as_ref().map_or(0, |unfinished| unfinished.header.len());
        let (parsed, used) = if begun == 0 {
            parse_header(bytes)?
        } else {
            let unfinished = self.unfinished.get_or_insert_default();
            let more = bytes.len().min(HEADER_MAX - begun);
            unfinished.header.extend_from_slice(&bytes[..more]);
            let (parsed, used) = parse_header(&unfinished.header)?;
            if parsed.is_some() {
                unfinished.header = Vec::new();
            } else {
                // Fewer than a longest header: all of it was taken.
                *bytes = &mut [];
            }
            (parsed, used.saturating_sub(begun))
        };
        let Some((header, length)) = parsed else {
            if !bytes.is_empty() {
                self.unfinished.get_or_insert_default().header.extend_from_slice(bytes);
            }
            return Ok(None);
        };
        let frame = self.check(&header, length)?;
        *bytes = &mut std::mem::take(bytes)[used..];
        Ok(Some(frame))
    }

    /// Refuses what a client must not send (RFC 6455 §5.1 to §5.5), before its payload is taken in.
    fn check(&self, header: &FrameHeader, length: u64) -> Result<Frame, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(violation("a reserved bit is set"));
        }
        let Some(mask) = header.mask else {
            return Err(violation("a client masks its frames"));
        };
        let message = self
            .unfinished
            .as_ref()
            .and_then(|unfinished| unfinished.message.as_ref());
        match header.opcode {
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => {
                return Err(violation("an opcode that means nothing"));
            }
            OpCode::Control(_) if length > 125 => return Err(violation("a control frame holds at most 125 bytes")),
            OpCode::Control(_) if !header.is_final => return Err(violation("a control frame is not fragmented")),
            OpCode::Control(_) => {}
            OpCode::Data(Data::Continue) if message.is_none() => return Err(violation("nothing to continue")),
            OpCode::Data(Data::Text | Data::Binary) if message.is_some() => {
                return Err(violation("a message within a message"));
            }
            OpCode::Data(_) => {
                let so_far = message.map_or(0, |(_, bytes)| bytes.len()) as u64;
                if so_far.saturating_add(length) > self.message_max as u64 {
                    return Err(Violation {
                        code: CloseCode::TooBig,
                        reason: CloseCode::TooBig.reason(),
                    });
                }
            }
        }
        // At most `message_max` or 125, so it fits.
        Ok(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            mask,
            left: length as usize,
            done: 0,
        })
    }

    /// Takes payload off the front; what is behind it is returned.
    fn payload<'b>(
        &mut self,
        mut frame: Frame,
        bytes: &'b mut [u8],
        out: &mut Vec<Inbound>,
    ) -> Result<&'b mut [u8], Violation> {
        let (here, rest) = bytes.split_at_mut(frame.left.min(bytes.len()));
        unmask(here, frame.mask, frame.done);
        frame.left -= here.len();
        frame.done += here.len();
        match frame.opcode {
            // The common case: a whole message in one frame in one read.
            OpCode::Data(kind)
                if frame.is_final && frame.left == 0 && frame.done == here.len() && kind != Data::Continue =>
            {
                out.push(message(kind == Data::Text, here.to_vec())?);
                self.unfinished = None;
                return Ok(rest);
            }
            OpCode::Data(kind) => {
                let unfinished = self.unfinished.get_or_insert_default();
                let (_, whole) = unfinished
                    .message
                    .get_or_insert_with(|| (kind == Data::Text, Vec::new()));
                whole.extend_from_slice(here);
            }
            OpCode::Control(_) => self.unfinished.get_or_insert_default().control.extend_from_slice(here),
        }
        self.finish(frame, out)?;
        Ok(rest)
    }

    fn finish(&mut self, frame: Frame, out: &mut Vec<Inbound>) -> Result<(), Violation> {
        let unfinished = self.unfinished.get_or_insert_default();
        if frame.left > 0 {
            unfinished.frame = Some(frame);
            return Ok(());
        }
        match frame.opcode {
            OpCode::Control(kind) => out.push(control(kind, std::mem::take(&mut unfinished.control))?),
            OpCode::Data(_) if frame.is_final => {
                if let Some((text, whole)) = unfinished.message.take() {
                    out.push(message(text, whole)?);
                }
            }
            OpCode::Data(_) => {}
        }
        if unfinished.message.is_none() {
            self.unfinished = None;
        }
        Ok(())
    }
}

type Parsed = (Option<(FrameHeader, u64)>, usize);

fn parse_header(bytes: &[u8]) -> Result<Parsed, Violation> {
    let mut cursor = Cursor::new(bytes);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| violation("not a frame header"))?;
    let used = if parsed.is_some() {
        cursor.position() as usize
    } else {
        0
    };
    Ok((parsed, used))
}

fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut turned = mask;
    turned.rotate_left(offset % 4);
    let (words, tail) = bytes.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(turned)).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(turned) {
        *byte ^= key;
    }
}

fn message(text: bool, bytes: Vec<u8>) -> Result<Inbound, Violation> {
    if !text {
        return Ok(Inbound::Binary(bytes));
    }
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(Inbound::Text(bytes)),
        Err(_) => Err(Violation {
            code: CloseCode::InvalidPayload,
            reason: CloseCode::InvalidPayload.reason(),
        }),
    }
}

fn control(kind: Control, payload: Vec<u8>) -> Result<Inbound, Violation> {
    match kind {
        Control::Ping => Ok(Inbound::Ping(payload)),
        Control::Pong => Ok(Inbound::Pong),
        Control::Close | Control::Reserved(_) => close(&payload).map(Inbound::Close),
    }
}

/// Reads a close frame's payload (RFC 6455 §5.5.1, §7.4).
fn close(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(violation("half a close code"))
        };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(violation("a close code that must not be sent"));
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(Violation {
            code: CloseCode::InvalidPayload,
            reason: CloseCode::InvalidPayload.reason(),
        });
    }
    Ok(Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
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
        bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        bytes
    }

    fn decode(bytes: &[u8], step: usize) -> (Vec<Inbound>, Result<(), Violation>, bool) {
        let mut decoder = Decoder::new(100_000);
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            if let Err(why) = decoder.push(&mut piece.to_vec(), &mut out) {
                return (out, Err(why), false);
            }
        }
        (out, Ok(()), decoder.unfinished.is_none())
    }

    #[test]
    fn however_the_bytes_arrive_the_messages_are_the_same() {
        let long = vec![b'x'; 70_000];
        let mut bytes = frame(0x81, b"hello");
        bytes.extend(frame(0x82, &[]));
        bytes.extend(frame(0x01, "h\u{e9}".as_bytes().split_at(2).0));
        bytes.extend(frame(0x89, b"are you there"));
        bytes.extend(frame(0x80, "h\u{e9}".as_bytes().split_at(2).1));
        bytes.extend(frame(0x82, &long));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x88, &[0x03, 0xe8]));
        let whole = decode(&bytes, bytes.len());
        assert_eq!(
            whole.0,
            [
                Inbound::Text(b"hello".to_vec()),
                Inbound::Binary(Vec::new()),
                Inbound::Ping(b"are you there".to_vec()),
                Inbound::Text("h\u{e9}".as_bytes().to_vec()),
                Inbound::Binary(long),
                Inbound::Pong,
                Inbound::Close(Some(1000)),
            ]
        );
        for step in [1, 2, 3, 5, 7, 13, 14, 15, 1000, 65_536] {
            assert_eq!(decode(&bytes, step), whole, "in pieces of {step}");
        }
        assert!(whole.2, "nothing is kept between whole messages");
    }

    #[test]
    fn what_a_client_must_not_send_ends_with_its_code() {
        let unmasked = vec![0x81, 1, b'x'];
        let cases: [(Vec<u8>, CloseCode); 11] = [
            (unmasked, CloseCode::Protocol),
            (frame(0xc1, b""), CloseCode::Protocol),
            (frame(0x83, b""), CloseCode::Protocol),
            (frame(0x8b, b""), CloseCode::Protocol),
            (frame(0x80, b""), CloseCode::Protocol),
            (frame(0x09, b""), CloseCode::Protocol),
            (frame(0x89, &[0; 126]), CloseCode::Protocol),
            (frame(0x88, &[3]), CloseCode::Protocol),
            (frame(0x88, &[0x03, 0xed]), CloseCode::Protocol),
            (frame(0x81, b"\xff"), CloseCode::InvalidPayload),
            (frame(0x82, &[0; 100_001]), CloseCode::TooBig),
        ];
        for (bytes, code) in cases {
            for step in [1, bytes.len()] {
                assert_eq!(decode(&bytes, step).1.unwrap_err().code, code, "{:x?}", &bytes[..2]);
            }
        }
        let mut fragments = frame(0x02, &[0; 60_000]);
        fragments.extend(frame(0x80, &[0; 60_000]));
        assert_eq!(
            decode(&fragments, 1000).1.unwrap_err().code,
            CloseCode::TooBig,
            "all fragments count"
        );
    }
}
