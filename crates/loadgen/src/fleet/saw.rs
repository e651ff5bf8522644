//! What clients that come and go have seen, in one process or merged over several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::place::Step;
use crate::error::Failure;
use crate::samples::Samples;

/// Problems that are kept in words, per process; the rest is counted only.
const PROBLEMS: usize = 5;

/// Counts since the beginning. Numbers are per client and room: one broadcast to five clients is five.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saw {
    /// Numbers that clients were to hear, known at the end.
    pub(crate) expected: u64,
    /// Different numbers heard.
    pub(crate) heard: u64,
    /// Of those, the ones that came in an answer to a resume.
    pub(crate) replayed: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    /// Numbers not heard, of which the gateway said so.
    pub(crate) told_lost: u64,
    /// Rooms whose numbering was another all at once.
    pub(crate) other_epochs: u64,
    /// `room.resync`s.
    pub(crate) resyncs: u64,
    /// Rooms that were answered with `recovered: false`.
    pub(crate) unrecovered: u64,
    /// Rooms that were answered with an error.
    pub(crate) refused_rooms: u64,
    /// Broadcasts in rooms of the gateway's own.
    pub(crate) other: u64,
    /// Connections cut off by the client.
    pub(crate) cuts: u64,
    /// Cuts that were due while the client was not back from the one before.
    pub(crate) cuts_skipped: u64,
    /// Clients that came back, by a ticket or by a token.
    pub(crate) by_ticket: u64,
    pub(crate) by_token: u64,
    /// Tickets that were not taken; the client then came with its token.
    pub(crate) refused_tickets: u64,
    /// Attempts that failed, and were repeated.
    pub(crate) retries: u64,
    /// Handshakes answered with anything but 101, by status.
    pub(crate) handshakes_refused: BTreeMap<u16, u64>,
    /// Connections that the server ended, by close code; 1006 for none.
    pub(crate) closes: BTreeMap<u16, u64>,
    /// Clients that are not in all their rooms at the end.
    pub(crate) away: u64,
    pub(crate) problems: Vec<String>,
    /// From the loss of the connection to the hello of the next.
    pub(crate) back: Samples,
    /// From the loss of the connection until all its rooms have said what was missed.
    pub(crate) caught_up: Samples,
    /// From the first connect after a loss to the last missed broadcast, where one was missed.
    pub(crate) replay: Samples,
    /// When the last client was back, and when the last had caught up; on the clock of the machine.
    pub(crate) last_back: u64,
    pub(crate) last_caught_up: u64,
    /// Clients that were back, by the second of the machine's clock.
    pub(crate) back_in: BTreeMap<u64, u64>,
}

impl Saw {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            expected: 0,
            heard: 0,
            replayed: 0,
            doubled: 0,
            out_of_order: 0,
            told_lost: 0,
            other_epochs: 0,
            resyncs: 0,
            unrecovered: 0,
            refused_rooms: 0,
            other: 0,
            cuts: 0,
            cuts_skipped: 0,
            by_ticket: 0,
            by_token: 0,
            refused_tickets: 0,
            retries: 0,
            handshakes_refused: BTreeMap::new(),
            closes: BTreeMap::new(),
            away: 0,
            problems: Vec::new(),
            back: Samples::new()?,
            caught_up: Samples::new()?,
            replay: Samples::new()?,
            last_back: 0,
            last_caught_up: 0,
            back_in: BTreeMap::new(),
        })
    }

    /// Notes that a client was back.
    pub(super) fn back_at(&mut self, at: u64) {
        self.last_back = self.last_back.max(at);
        *self.back_in.entry(at / 1_000_000).or_default() += 1;
    }

    /// The most clients that were back in one second.
    pub(crate) fn most_back(&self) -> u64 {
        self.back_in.values().copied().max().unwrap_or(0)
    }

    /// Numbers that never came.
    pub(crate) fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.heard)
    }

    /// Percent of the expected numbers that came.
    pub(crate) fn share(&self) -> f64 {
        self.heard as f64 * 100.0 / self.expected.max(1) as f64
    }

    pub(crate) fn returns(&self) -> u64 {
        self.by_ticket + self.by_token
    }

    pub(super) fn problem(&mut self, what: impl FnOnce() -> String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(what());
        }
    }

    /// Counts a number that a client heard.
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::New => self.heard += 1,
            Step::Late => {
                self.heard += 1;
                self.out_of_order += 1;
            }
            Step::Double => self.doubled += 1,
            Step::OtherEpoch => {
                self.heard += 1;
                self.other_epochs += 1;
            }
        }
    }

    /// Takes in what another process saw.
    pub(crate) fn merge(&mut self, other: Self) {
        self.expected += other.expected;
        self.heard += other.heard;
        self.replayed += other.replayed;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.told_lost += other.told_lost;
        self.other_epochs += other.other_epochs;
        self.resyncs += other.resyncs;
        self.unrecovered += other.unrecovered;
        self.refused_rooms += other.refused_rooms;
        self.other += other.other;
        self.cuts += other.cuts;
        self.cuts_skipped += other.cuts_skipped;
        self.by_ticket += other.by_ticket;
        self.by_token += other.by_token;
        self.refused_tickets += other.refused_tickets;
        self.retries += other.retries;
        self.away += other.away;
        for (status, count) in other.handshakes_refused {
            *self.handshakes_refused.entry(status).or_default() += count;
        }
        for (code, count) in other.closes {
            *self.closes.entry(code).or_default() += count;
        }
        self.problems.extend(other.problems);
        self.back.merge(&other.back);
        self.caught_up.merge(&other.caught_up);
        self.replay.merge(&other.replay);
        self.last_back = self.last_back.max(other.last_back);
        self.last_caught_up = self.last_caught_up.max(other.last_caught_up);
        for (second, count) in other.back_in {
            *self.back_in.entry(second).or_default() += count;
        }
    }

    /// What was to be heard, and what was.
    pub(crate) fn deliveries(&self) -> Value {
        json!({
            "expected": self.expected, "delivered": self.heard, "percent": self.share(), "replayed": self.replayed,
            "lost": self.lost(), "lostButTold": self.told_lost, "doubled": self.doubled,
            "outOfOrder": self.out_of_order, "otherEpochs": self.other_epochs, "otherBroadcasts": self.other,
        })
    }

    /// How clients came back; times in milliseconds.
    pub(crate) fn comebacks(&self) -> Value {
        json!({
            "cuts": self.cuts, "cutsSkipped": self.cuts_skipped, "byTicket": self.by_ticket,
            "byToken": self.by_token, "away": self.away, "unrecovered": self.unrecovered, "resyncs": self.resyncs,
            "refusedRooms": self.refused_rooms, "refusedTickets": self.refused_tickets, "retries": self.retries,
            "handshakesRefused": self.handshakes_refused, "closes": self.closes,
            "mostBackInOneSecond": self.most_back(), "backMillis": self.back.report(), "caughtUpMillis": self.caught_up.report(),
            "replayMillis": self.replay.report(), "problems": self.problems,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_processes() {
        let saw = |heard, at| {
            let mut saw = Saw::new().unwrap();
            saw.expected = 10;
            saw.heard = heard;
            saw.closes.insert(1006, 2);
            saw.back.note(at);
            saw.back_at(at);
            saw
        };
        let sent = serde_json::to_string(&saw(7, 300)).unwrap();
        let mut all = saw(10, 200);
        all.merge(serde_json::from_str(&sent).unwrap());
        assert_eq!((all.expected, all.heard, all.lost()), (20, 17, 3));
        assert!((all.share() - 85.0).abs() < 1e-9);
        assert_eq!((all.closes[&1006], all.back.count()), (4, 2));
        assert_eq!((all.last_back, all.most_back()), (300, 2));
    }
}
