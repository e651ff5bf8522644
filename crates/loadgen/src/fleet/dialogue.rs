//! What is said on a client's connection.

use std::collections::BTreeMap;
use std::time::Duration;

use hallway_protocol::Codec;
use serde_json::json;

use super::Fleet;
use super::answer::{self, Entered};
use super::client::Phase;
use super::place::{Place, Step};
use crate::clock;
use crate::error::{Doing, Failure};
use crate::heard::{self, Heard, hear};
use crate::http;
use crate::payload;
use crate::wire;

impl Fleet {
    /// Takes what is whole at the beginning of `bytes`; returns how much that was.
    pub(super) fn consume(&mut self, at: usize, bytes: &[u8]) -> usize {
        let mut used = 0;
        while self.clients[at].link.is_some() {
            let bytes = &bytes[used..];
            let taken = match self.clients[at].phase {
                Phase::Upgrading => self.upgraded(at, bytes),
                _ => self.frame(at, bytes),
            };
            match taken {
                Ok(0) => break,
                Ok(taken) => used += taken,
                Err(why) => {
                    self.lost(at, &why.0);
                    break;
                }
            }
        }
        used
    }

    fn upgraded(&mut self, at: usize, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(size) = http::head(bytes) else { return Ok(0) };
        let head = http::Head::read(&bytes[..size])?;
        if head.status != 101 {
            *self.saw.handshakes_refused.entry(head.status).or_default() += 1;
            let asked = head.retry_after.unwrap_or(Duration::ZERO);
            self.lost_for(
                at,
                &format!("the handshake was refused with HTTP {}", head.status),
                asked,
            );
            return Ok(size);
        }
        self.clients[at].phase = Phase::Greeting;
        self.resume(at)?;
        Ok(size)
    }

    /// Shows the ticket, where the connection was opened without a token.
    fn resume(&mut self, at: usize) -> Result<(), Failure> {
        let client = &self.clients[at];
        if !client.link.as_ref().is_some_and(|link| link.by_ticket) {
            return Ok(());
        }
        let positions = client.rooms.iter().filter_map(|held| {
            let (epoch, seq) = held.place.as_ref()?.position()?;
            let name = self.rooms[held.room].name.as_str();
            Some((name, json!({"epoch": epoch, "seq": seq})))
        });
        let rooms: BTreeMap<&str, _> = positions.collect();
        let frame = json!({"endpoint": "auth.resume", "args": {"ticket": client.ticket, "rooms": rooms}});
        let frame = hallway_protocol::codec::encode(self.codec, &frame).doing("auth.resume")?;
        self.say(at, &frame);
        Ok(())
    }

    fn frame(&mut self, at: usize, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(frame) = wire::parse(bytes)? else { return Ok(0) };
        match frame.opcode {
            wire::TEXT | wire::BINARY => self.said(at, frame.payload)?,
            wire::PING => {
                let mut pong = Vec::new();
                wire::put_masked(&mut pong, wire::PONG, frame.payload);
                self.put(at, &pong);
            }
            wire::CLOSE => self.close(at, frame.payload),
            _ => {}
        }
        Ok(frame.size)
    }

    /// The server closes. A ticket that it does not take is thrown away, and the token shown next time.
    fn close(&mut self, at: usize, payload: &[u8]) {
        let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
        let client = &mut self.clients[at];
        let by_ticket = client.link.as_ref().is_some_and(|link| link.by_ticket);
        if by_ticket && client.phase == Phase::Greeting && (4400..4500).contains(&code) {
            client.ticket = None;
            self.saw.refused_tickets += 1;
        }
        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
        self.closed(at, code, &format!("closed with {code}: {reason}"));
    }

    fn said(&mut self, at: usize, payload: &[u8]) -> Result<(), Failure> {
        match (hear(self.codec, payload), self.clients[at].phase) {
            (Heard::Broadcast(fields), _) => self.broadcast(at, fields),
            (Heard::Hello, Phase::Greeting) => self.greeted(at, payload)?,
            (Heard::Reply { id, done: true }, Phase::Joining) => {
                let entered = answer::entered(self.codec, payload)?;
                let held = usize::try_from(id).unwrap_or(usize::MAX);
                if held >= self.clients[at].rooms.len() {
                    return Err(Failure::new("a reply to what was not asked"));
                }
                self.entered(at, held, &entered);
                self.join_next(at)?;
            }
            (Heard::Reply { .. }, Phase::Joining) => {
                self.saw.refused_rooms += 1;
                return Err(Failure(format!("a room was refused: {}", excerpt(payload))));
            }
            // The close that follows says more.
            (Heard::Goodbye, _) => {}
            _ => return Err(Failure(format!("not expected now: {}", excerpt(payload)))),
        }
        Ok(())
    }

    fn greeted(&mut self, at: usize, payload: &[u8]) -> Result<(), Failure> {
        let mut hello = answer::hello(self.codec, payload)?;
        let by_ticket = self.plan.by_ticket;
        let client = &mut self.clients[at];
        client.greeted_at = Some(clock::micros());
        client.phase = Phase::Joining;
        client.ticket = hello.resume_ticket.take().filter(|_| by_ticket);
        if by_ticket && client.ticket.is_none() {
            self.saw.problem(|| "a hello without a ticket".into());
        }
        for held in 0..self.clients[at].rooms.len() {
            let room = self.clients[at].rooms[held].room;
            match hello.resumed.get(&self.rooms[room].name) {
                Some(entered) if entered.error.is_none() => self.entered(at, held, entered),
                Some(_) => self.saw.refused_rooms += 1,
                None => {}
            }
        }
        self.join_next(at)
    }

    /// Takes the answer about a room: what was missed, or that it cannot be told.
    fn entered(&mut self, at: usize, held: usize, answer: &Entered) {
        let client = &mut self.clients[at];
        let comes_back = client.lost_at.is_some();
        let held = &mut client.rooms[held];
        held.entered = true;
        let (epoch, seq) = answer.stands().unwrap_or_default();
        let Some(place) = &mut held.place else {
            held.place = Some(Place::joined(epoch, seq));
            return;
        };
        for missed in &answer.missed {
            client.replayed += 1;
            let step = place.hear(missed.epoch.as_bytes(), missed.seq);
            self.saw.replayed += u64::from(matches!(step, Step::New | Step::Late));
            self.saw.step(step);
        }
        if comes_back && !answer.recovered {
            self.saw.unrecovered += 1;
            self.saw.other_epochs += u64::from(place.told(epoch, seq));
        }
    }

    /// Asks to join the next room that the client is not in yet, or notes that it is in all.
    fn join_next(&mut self, at: usize) -> Result<(), Failure> {
        let client = &self.clients[at];
        let Some(next) = client.rooms.iter().position(|held| !held.entered) else {
            self.back(at);
            return Ok(());
        };
        let held = &client.rooms[next];
        let mut args = json!({"room": self.rooms[held.room].name});
        if let Some((epoch, seq)) = held.place.as_ref().and_then(Place::position) {
            args["resume"] = json!({"epoch": epoch, "seq": seq});
        }
        let request = payload::request(self.codec, next as u64, "rooms.join", args.to_string().as_bytes())?;
        self.say(at, &request);
        Ok(())
    }

    fn broadcast(&mut self, at: usize, fields: &[u8]) {
        let codec = self.codec;
        let rooms = &self.rooms;
        let held = self.clients[at]
            .rooms
            .iter_mut()
            .find(|held| rooms[held.room].beginning.is_in_room(fields));
        let (Some(held), Some((epoch, seq))) = (held, heard::place(codec, fields)) else {
            self.saw.other += 1;
            return;
        };
        let place = held.place.get_or_insert_default();
        if rooms[held.room].beginning.ours(codec, fields).is_none() && heard::is_called(codec, fields, "room.resync") {
            self.saw.resyncs += 1;
            self.saw.other_epochs += u64::from(place.told(&String::from_utf8_lossy(epoch), seq));
            return;
        }
        let step = place.hear(epoch, seq);
        self.saw.step(step);
    }

    /// Puts a data frame on its way.
    fn say(&mut self, at: usize, payload: &[u8]) {
        let opcode = match self.codec {
            Codec::Json => wire::TEXT,
            Codec::Msgpack => wire::BINARY,
        };
        let mut frame = Vec::with_capacity(payload.len() + 16);
        wire::put_masked(&mut frame, opcode, payload);
        self.put(at, &frame);
    }

    /// Puts ready bytes on their way.
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let Some(link) = &mut self.clients[at].link else { return };
        if link.out.is_empty() {
            self.dirty.push(at);
        }
        link.out.extend_from_slice(bytes);
    }
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned()
}
