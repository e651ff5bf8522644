//! Losing a connection, trying again, being back.

use std::io::ErrorKind;
use std::time::Duration;

use rustix::event::epoll;
use rustix::io::Errno;
use socket2::Socket;

use super::alarms::Alarm;
use super::client::{Link, Phase};
use super::{Fleet, key};
use crate::clock;
use crate::swarm::bound;
use crate::wire;

/// How long an attempt may take, from the connect until the client is in all its rooms.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The first wait after a loss is anything up to this, each further one up to twice as much (full jitter).
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Fleet {
    /// Does what is due for a client, if it is still about the connection that it was meant for.
    pub(super) fn ring(&mut self, at: usize, life: u32, alarm: Alarm, now: u64) {
        let client = &self.clients[at];
        let same = client.life == life;
        match (alarm, client.phase) {
            (Alarm::Cut, phase) => {
                if phase == Phase::Live {
                    self.cut(at, now);
                } else {
                    self.saw.cuts_skipped += 1;
                }
                let next = now + micros(self.plan.cycle);
                if next < self.cuts_until {
                    self.alarms.set(next, at, 0, Alarm::Cut);
                }
            }
            (Alarm::Return, Phase::Away) if same => self.attempt(at),
            (Alarm::GiveUp, Phase::Connecting | Phase::Upgrading | Phase::Greeting | Phase::Joining) if same => {
                self.lost(at, "an attempt that does not come to its end");
            }
            (Alarm::Return | Alarm::GiveUp, _) => {}
        }
    }

    /// Cuts each client off every cycle, beginning within the first after `from`, each at its own phase.
    pub(super) fn cut_from(&mut self, from: u64, until: u64) {
        self.cuts_until = until;
        let cycle = micros(self.plan.cycle);
        for (at, client) in self.clients.iter().enumerate() {
            let first = from + cycle * client.number as u64 / self.plan.total.max(1) as u64;
            if first < until {
                self.alarms.set(first, at, 0, Alarm::Cut);
            }
        }
    }

    /// Ends a connection as a broken network does: no close frame, only a reset.
    fn cut(&mut self, at: usize, now: u64) {
        self.saw.cuts += 1;
        self.let_go(at, now);
        let client = &self.clients[at];
        self.alarms
            .set(now + micros(self.plan.away), at, client.life, Alarm::Return);
    }

    /// Tries to open a connection: to any node but the last one, the first time to the client's own.
    pub(super) fn attempt(&mut self, at: usize) {
        let now = clock::micros();
        let node = self.pick(at);
        let client = &mut self.clients[at];
        client.node = node;
        client.life += 1;
        client.phase = Phase::Connecting;
        client.began_at.get_or_insert(now);
        for held in &mut client.rooms {
            held.entered = false;
        }
        let life = client.life;
        match self.connect(at) {
            Ok(socket) => {
                let client = &mut self.clients[at];
                client.link = Some(Link {
                    socket,
                    by_ticket: client.ticket.is_some(),
                    waits_to_write: true,
                    rest: Vec::new(),
                    out: Vec::new(),
                });
                self.alarms.set(now + micros(ATTEMPT), at, life, Alarm::GiveUp);
            }
            Err(why) => self.lost(at, &format!("connect: {why}")),
        }
    }

    fn pick(&mut self, at: usize) -> usize {
        let client = &self.clients[at];
        let last = client.node;
        if client.life == 0 {
            return last;
        }
        let there = |node: &usize| self.gone[*node].is_none();
        let others = (0..self.gone.len()).filter(|node| *node != last && there(node)).count();
        let chosen = self.chance.below(others as u64) as usize;
        let mut others = (0..self.gone.len()).filter(|node| *node != last && there(node));
        others.nth(chosen).unwrap_or(last)
    }

    /// Begins to connect, without waiting: a full backlog must hold up nobody else.
    fn connect(&self, at: usize) -> std::io::Result<Socket> {
        let client = &self.clients[at];
        let socket = bound(self.plan.source)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&self.plan.nodes[client.node].into()) {
            Err(why) if why.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => return Err(why),
            _ => {}
        }
        let data = epoll::EventData::new_u64(key(at, client.life));
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT;
        epoll::add(&self.epoll, &socket, data, flags)?;
        Ok(socket)
    }

    /// The connect has come to its end: asks for the upgrade.
    pub(super) fn connected(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let Some(link) = &mut client.link else { return };
        let error = match link.socket.take_error() {
            Ok(None) => None,
            Ok(Some(why)) | Err(why) => Some(why),
        };
        if let Some(why) = error.filter(|why| why.kind() != ErrorKind::WouldBlock) {
            return self.lost(at, &format!("connect: {why}"));
        }
        let token = (!link.by_ticket).then(|| self.issuer.token(&format!("client-{}", client.number)));
        let host = self.plan.nodes[client.node].to_string();
        link.out = wire::upgrade(&host, self.codec.subprotocol(), token.as_deref()).into_bytes();
        client.phase = Phase::Upgrading;
        self.dirty.push(at);
    }

    /// The server ended the connection.
    pub(super) fn closed(&mut self, at: usize, code: u16, why: &str) {
        if self.clients[at].link.is_some() {
            *self.saw.closes.entry(code).or_default() += 1;
            self.lost(at, why);
        }
    }

    /// A connection is lost, or an attempt has failed; the client tries again, and says why it had to.
    pub(super) fn lost(&mut self, at: usize, why: &str) {
        self.lost_for(at, why, Duration::ZERO);
    }

    /// The same, with a time that the server asked to wait.
    pub(super) fn lost_for(&mut self, at: usize, why: &str, asked: Duration) {
        let now = clock::micros();
        let client = &self.clients[at];
        let (number, node) = (client.number, client.node);
        let gone = self.gone[node].filter(|gone| *gone <= now);
        if gone.is_none() {
            self.saw
                .problem(|| format!("client {number} at node {node}, {:?}: {why}", client.phase));
        }
        if client.phase == Phase::Live {
            self.let_go(at, gone.unwrap_or(now));
        } else {
            self.saw.retries += 1;
            let client = &mut self.clients[at];
            client.failures += 1;
            client.link = None;
            client.phase = Phase::Away;
        }
        let client = &self.clients[at];
        let most = FIRST_WAIT * 2_u32.saturating_pow(client.failures.min(5));
        let wait = asked + self.chance.up_to(most.min(LONGEST_WAIT));
        self.alarms.set(now + micros(wait), at, client.life, Alarm::Return);
    }

    /// A client that was in its rooms has no connection any more.
    fn let_go(&mut self, at: usize, lost_at: u64) {
        let client = &mut self.clients[at];
        client.link = None;
        client.phase = Phase::Away;
        client.lost_at = Some(lost_at);
        client.began_at = None;
        client.greeted_at = None;
        client.replayed = 0;
        self.live -= 1;
    }

    /// The client is in all its rooms, and has what it missed.
    pub(super) fn back(&mut self, at: usize) {
        let now = clock::micros();
        let client = &mut self.clients[at];
        client.phase = Phase::Live;
        client.failures = 0;
        self.live += 1;
        let Some(lost_at) = client.lost_at else { return };
        let by_ticket = client.link.as_ref().is_some_and(|link| link.by_ticket);
        *(if by_ticket {
            &mut self.saw.by_ticket
        } else {
            &mut self.saw.by_token
        }) += 1;
        let greeted = client.greeted_at.unwrap_or(now);
        self.saw.back.note(greeted.saturating_sub(lost_at));
        self.saw.caught_up.note(now.saturating_sub(lost_at));
        if client.replayed > 0 {
            self.saw.replay.note(now.saturating_sub(client.began_at.unwrap_or(now)));
        }
        self.saw.back_at(greeted);
        self.saw.last_caught_up = self.saw.last_caught_up.max(now);
        if std::mem::take(&mut client.fleeing) {
            self.fleeing -= 1;
        }
    }

    /// From `when` on a node is gone for good: nobody goes there. Returns how many clients are at it.
    pub(super) fn leave(&mut self, node: usize, when: u64) -> usize {
        self.gone[node] = Some(when);
        for client in self.clients.iter_mut().filter(|client| client.node == node) {
            client.fleeing = true;
            self.fleeing += 1;
        }
        self.fleeing
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
