//! What is done with what came.

use hallway_protocol::Codec;

use super::connection::Phase;
use super::{Role, Swarm};
use crate::clock;
use crate::error::Failure;
use crate::heard::{self, Heard, hear};
use crate::http;
use crate::order::Verdict;
use crate::wire;

impl Swarm {
    /// Takes what is whole at the beginning of `bytes`; returns how much that was.
    pub(super) fn consume(&mut self, at: usize, bytes: &[u8]) -> usize {
        let mut used = 0;
        while self.connections[at].stream.is_some() {
            let bytes = &bytes[used..];
            let taken = match (self.connections[at].phase, self.connections[at].role) {
                (_, Role::Backend) => self.response(bytes),
                (Phase::Upgrading, _) => self.upgraded(at, bytes),
                _ => self.frame(at, bytes),
            };
            match taken {
                Ok(0) => break,
                Ok(taken) => used += taken,
                Err(why) => {
                    self.fail(at, &why.0);
                    break;
                }
            }
        }
        used
    }

    /// The answer to a call of the backend API.
    fn response(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(response) = http::response(bytes)? else {
            return Ok(0);
        };
        if response.status == 200 {
            self.tally.accepted += 1;
        } else {
            self.tally.refused += 1;
            self.tally
                .problem(format!("HTTP {}: {}", response.status, excerpt(response.body)));
        }
        Ok(response.size)
    }

    fn upgraded(&mut self, at: usize, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(head) = http::head(bytes) else { return Ok(0) };
        if !bytes.starts_with(b"HTTP/1.1 101 ") {
            return Err(Failure(format!("the handshake was refused: {}", excerpt(bytes))));
        }
        self.connections[at].phase = Phase::Greeting;
        Ok(head)
    }

    fn frame(&mut self, at: usize, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(frame) = wire::parse(bytes)? else { return Ok(0) };
        match frame.opcode {
            wire::TEXT | wire::BINARY => self.said(at, frame.payload)?,
            wire::PING => {
                self.tally.pings += 1;
                let mut pong = Vec::new();
                wire::put_masked(&mut pong, wire::PONG, frame.payload);
                self.put(at, &pong);
            }
            wire::CLOSE => {
                let code = frame
                    .payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                self.tally.closed(code);
                let reason = frame.payload.get(2..).unwrap_or_default();
                return Err(Failure(format!("closed with {code}: {}", excerpt(reason))));
            }
            _ => {}
        }
        Ok(frame.size)
    }

    fn said(&mut self, at: usize, payload: &[u8]) -> Result<(), Failure> {
        if let Some(dialect) = self.dialect {
            return self.said_in(dialect, at, payload);
        }
        let connection = &mut self.connections[at];
        match (hear(self.codec, payload), connection.phase) {
            (Heard::Broadcast(fields), _) => self.broadcast(at, fields),
            (Heard::Hello, Phase::Greeting) => self.join_next(at)?,
            (Heard::Reply { done: true, .. }, Phase::Joining) => {
                connection.joining.start += 1;
                self.join_next(at)?;
            }
            (Heard::Reply { done: true, .. }, Phase::Ready) => self.tally.accepted += 1,
            (Heard::Reply { done: false, .. }, Phase::Ready) => {
                self.tally.refused += 1;
                self.tally.problem(format!("refused: {}", excerpt(payload)));
            }
            (Heard::Goodbye, _) => self.tally.goodbyes += 1,
            _ => return Err(Failure(format!("not expected now: {}", excerpt(payload)))),
        }
        Ok(())
    }

    fn broadcast(&mut self, at: usize, fields: &[u8]) {
        let codec = self.codec;
        let connection = &mut self.connections[at];
        if connection.role == Role::Publisher {
            let ours = heard::is_ours_somewhere(codec, fields);
            *(if ours {
                &mut self.tally.delivered
            } else {
                &mut self.tally.other
            }) += 1;
            return;
        }
        let beginning = &self.rooms[connection.room as usize].beginning;
        if !beginning.is_in_room(fields) {
            self.tally.other += 1;
            return;
        }
        match heard::seq(codec, fields).map(|seq| connection.order.hear(seq)) {
            Some(Verdict::Double) => self.tally.doubled += 1,
            Some(Verdict::Late) => self.tally.out_of_order += 1,
            Some(Verdict::Next | Verdict::Skipping) | None => {}
        }
        match beginning.ours(codec, fields) {
            Some(made) => {
                self.tally.delivered += 1;
                if self.tally.samples {
                    self.tally
                        .latency
                        .saturating_record(clock::micros().saturating_sub(made).max(1));
                }
            }
            None => self.tally.other += 1,
        }
    }

    /// Puts a data frame on its way.
    pub(super) fn say(&mut self, at: usize, payload: &[u8]) {
        let opcode = match self.codec {
            Codec::Json => wire::TEXT,
            Codec::Msgpack => wire::BINARY,
        };
        let out = &mut self.connections[at].out;
        if out.is_empty() {
            self.dirty.push(at);
        }
        wire::put_masked(out, opcode, payload);
    }

    /// Puts ready bytes on their way.
    pub(super) fn put(&mut self, at: usize, bytes: &[u8]) {
        let out = &mut self.connections[at].out;
        if out.is_empty() {
            self.dirty.push(at);
        }
        out.extend_from_slice(bytes);
    }
}

pub(super) fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned()
}
