//! Publishing at a measure, and waiting for what was published.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Role, Swarm};
use crate::clock;
use crate::error::Failure;
use crate::http;
use crate::payload;

/// Requests that one socket has unanswered at most: a node's own default.
const PER_SOCKET: u64 = 32;

/// How broadcasts are published.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    /// `rooms.broadcast` on a socket in the room, or a byte to the floor's writer.
    Socket,
    /// `POST /api/v1/broadcast` with this key.
    Backend(String),
}

/// What to publish.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    pub(crate) via: Via,
    /// The number of the first publishing connection; the others follow.
    pub(crate) first: usize,
    pub(crate) publishers: usize,
    /// Rooms per publisher, all rooms being dealt out in order; a backend's connections take any room.
    pub(crate) rooms_each: usize,
    /// Deliveries that one broadcast makes.
    pub(crate) receivers: u64,
    /// Broadcasts that are not everywhere yet, at most.
    pub(crate) under_way: u64,
    /// Broadcasts a second, at most.
    pub(crate) rate: Option<u64>,
    /// Bytes of the data.
    pub(crate) payload: usize,
    /// How long to publish; waiting for the last comes on top.
    pub(crate) time: Duration,
    /// How long nothing may come before what is still missing counts as lost.
    pub(crate) patience: Duration,
}

/// What became of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Driven {
    pub(crate) published: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) delivered: u64,
    pub(crate) other: u64,
    pub(crate) expected: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    pub(crate) seconds: f64,
}

impl Driven {
    /// Deliveries of any kind.
    pub(crate) fn deliveries(&self) -> u64 {
        self.delivered + self.other
    }

    pub(crate) fn lost(&self) -> u64 {
        (self.expected + self.doubled).saturating_sub(self.delivered)
    }

    pub(crate) fn report(&self) -> Value {
        json!({
            "seconds": self.seconds, "published": self.published, "accepted": self.accepted,
            "refused": self.refused, "delivered": self.delivered, "expected": self.expected,
            "otherBroadcasts": self.other, "lost": self.lost(), "doubled": self.doubled,
            "outOfOrder": self.out_of_order,
            "deliveriesPerSecond": (self.deliveries() as f64 / self.seconds).round(),
            "acceptedPerSecond": (self.accepted as f64 / self.seconds).round(),
        })
    }
}

/// The state of a drive.
struct Course {
    start: Instant,
    published: u64,
    accepted: u64,
    refused: u64,
    delivered: u64,
    doubled: u64,
    /// The publisher whose turn it is.
    turn: usize,
    /// The room that each publisher takes next, of its own.
    rooms: Vec<usize>,
}

impl Swarm {
    /// Publishes for `drive.time`, then waits until everything is delivered or nothing comes any more. `idle` is
    /// called after every turn, for what the caller does beside; it says when it wants to be called again.
    pub(crate) fn drive(
        &mut self,
        drive: &Drive,
        mut idle: impl FnMut(&mut Self) -> Result<Duration, Failure>,
    ) -> Result<Driven, Failure> {
        let (other, out_of_order) = (self.tally.other, self.tally.out_of_order);
        let mut course = Course {
            start: Instant::now(),
            published: 0,
            accepted: self.tally.accepted,
            refused: self.tally.refused,
            delivered: self.tally.delivered,
            doubled: self.tally.doubled,
            turn: 0,
            rooms: vec![0; drive.publishers],
        };
        let mut progress = (0, Instant::now());
        let mut called_in = Duration::ZERO;
        let seconds = loop {
            let elapsed = course.start.elapsed();
            if elapsed < drive.time {
                self.publish_more(drive, &mut course)?;
            } else if self.outstanding(drive, &course) == 0 {
                break elapsed.as_secs_f64();
            }
            let wait = self
                .next_in(drive, &course)
                .min(called_in)
                .min(Duration::from_millis(100));
            self.turn(wait)?;
            called_in = idle(self)?;
            let seen = self.tally.accepted + self.tally.refused + self.tally.delivered;
            if seen != progress.0 {
                progress = (seen, Instant::now());
            } else if self.outstanding(drive, &course) > 0 && progress.1.elapsed() > drive.patience {
                break elapsed.saturating_sub(drive.patience).as_secs_f64();
            }
        };
        let accepted = self.accepted(drive, &course);
        Ok(Driven {
            published: course.published,
            accepted,
            refused: self.tally.refused - course.refused,
            delivered: self.tally.delivered - course.delivered,
            other: self.tally.other - other,
            expected: accepted * drive.receivers,
            doubled: self.tally.doubled - course.doubled,
            out_of_order: self.tally.out_of_order - out_of_order,
            seconds: seconds.max(0.001),
        })
    }

    /// Broadcasts that the server took. The floor's writer takes every one, and a server that acknowledges nothing those
    /// that it does not refuse.
    fn accepted(&self, drive: &Drive, course: &Course) -> u64 {
        if self.connections[drive.first].role == Role::Control {
            course.published
        } else if self.dialect.is_some_and(|dialect| !dialect.acknowledges()) {
            course.published.saturating_sub(self.tally.refused - course.refused)
        } else {
            self.tally.accepted - course.accepted
        }
    }

    /// Broadcasts that are not answered, or not everywhere yet.
    fn outstanding(&self, drive: &Drive, course: &Course) -> u64 {
        let accepted = self.accepted(drive, course);
        let answered = accepted + self.tally.refused - course.refused;
        // One that came twice must not stand for one that has not come yet.
        let doubled = self.tally.doubled - course.doubled;
        let delivered = (self.tally.delivered - course.delivered).saturating_sub(doubled);
        let travelling = match drive.receivers {
            0 => 0,
            // Of those in the air some may be delivered before they are answered; they count once.
            receivers => accepted.saturating_sub(delivered / receivers),
        };
        (course.published - answered.min(course.published)) + travelling
    }

    /// How long until the next broadcast is due by the rate; zero means now.
    fn next_in(&self, drive: &Drive, course: &Course) -> Duration {
        let Some(rate) = drive.rate else {
            return Duration::from_millis(100);
        };
        let due = Duration::from_micros(course.published * 1_000_000 / rate.max(1));
        due.saturating_sub(course.start.elapsed())
    }

    fn publish_more(&mut self, drive: &Drive, course: &mut Course) -> Result<(), Failure> {
        let each = match drive.via {
            Via::Socket if self.connections[drive.first].role == Role::Control => drive.under_way,
            Via::Socket => PER_SOCKET,
            Via::Backend(_) => 1,
        };
        let most = drive.under_way.min(each * drive.publishers as u64);
        let mut free = most.saturating_sub(self.outstanding(drive, course));
        while free > 0 && (drive.rate.is_none() || self.next_in(drive, course).is_zero()) {
            self.publish(drive, course)?;
            free -= 1;
        }
        Ok(())
    }

    fn publish(&mut self, drive: &Drive, course: &mut Course) -> Result<(), Failure> {
        let publisher = course.turn;
        course.turn = (course.turn + 1) % drive.publishers;
        let at = drive.first + publisher;
        course.published += 1;
        if self.connections[at].role == Role::Control {
            self.put(at, b"w");
            return Ok(());
        }
        let own = course.rooms[publisher];
        course.rooms[publisher] = (own + 1) % drive.rooms_each;
        let count = self.rooms.len();
        let room = &mut self.rooms[(publisher * drive.rooms_each + own) % count];
        if let Some(dialect) = self.dialect {
            room.number += 1;
            let request = dialect.publish(&room.name, course.published, room.number, drive.payload);
            self.say(at, &request);
            return Ok(());
        }
        let mut args = Vec::with_capacity(drive.payload + 128);
        payload::arguments(&mut args, &room.name, clock::micros(), drive.payload);
        match &drive.via {
            Via::Socket => {
                let request = payload::request(self.codec, course.published, "rooms.broadcast", &args)?;
                self.say(at, &request);
            }
            Via::Backend(key) => {
                let mut call = Vec::with_capacity(args.len() + 256);
                http::post(&mut call, "/api/v1/broadcast", key, &args);
                self.put(at, &call);
            }
        }
        Ok(())
    }
}
