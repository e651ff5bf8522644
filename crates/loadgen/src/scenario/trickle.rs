//! Broadcasts at a steady pace through the backend API, from a thread of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock;
use crate::error::Failure;
use crate::http::Caller;
use crate::payload;
use crate::samples::Samples;

/// What is published where: one room after the other, and one node after the other.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// The nodes' internal addresses.
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) rooms: Vec<String>,
    /// From one broadcast to the next. One that is late is made up for.
    pub(super) every: Duration,
    /// How many; without end if there is none.
    pub(super) count: Option<u64>,
    /// Bytes of the data.
    pub(super) payload: usize,
    /// The key of the backend API.
    pub(super) key: String,
    /// Whether each is repeated, with a key of its own, at one node after another until one has accepted it: as a
    /// backend does it that must know.
    pub(super) insists: bool,
}

/// A publisher under way. Dropped, it ends by itself after the broadcast that it is at.
pub(super) struct Trickle {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Published, Failure>>>,
}

/// What was published.
pub(super) struct Published {
    accepted: u64,
    refused: u64,
    /// Those of which nobody knows: the connection failed.
    unsure: u64,
    /// Those that another node was asked for, too.
    repeated: u64,
    problem: Option<String>,
    /// From the call to the answer.
    took: Samples,
}

impl Published {
    /// Those that nobody is known to have accepted.
    pub(super) fn failed(&self) -> u64 {
        self.refused + self.unsure
    }

    pub(super) fn report(&self) -> Value {
        json!({
            "accepted": self.accepted, "refused": self.refused, "unsure": self.unsure, "repeated": self.repeated,
            "problem": self.problem, "callMillis": self.took.report(),
        })
    }
}

impl Trickle {
    pub(super) fn start(pace: Pace) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = Some(std::thread::spawn(move || publish(&pace, &stopped)));
        Self { stop, thread }
    }

    /// Waits until all is published.
    pub(super) fn wait(mut self) -> Result<Published, Failure> {
        let ended = self.thread.take().map(JoinHandle::join);
        ended
            .and_then(Result::ok)
            .unwrap_or_else(|| Err(Failure::new("the publisher panicked")))
    }

    /// Publishes no more.
    pub(super) fn stop(self) -> Result<Published, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.wait()
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Publishes once in each room, so that whoever joins has a number to come back to.
pub(super) fn prime(pace: &Pace) -> Result<(), Failure> {
    let once = Pace {
        every: Duration::ZERO,
        count: Some(pace.rooms.len() as u64),
        ..pace.clone()
    };
    let published = publish(&once, &AtomicBool::new(false))?;
    match published.problem {
        Some(why) => Err(Failure(why)),
        None => Ok(()),
    }
}

fn publish(pace: &Pace, stop: &AtomicBool) -> Result<Published, Failure> {
    /// How soon a stop is noticed.
    const LOOK: Duration = Duration::from_millis(20);
    let mut publisher = Publisher {
        pace,
        callers: pace.nodes.iter().map(|_| None).collect(),
        published: Published {
            accepted: 0,
            refused: 0,
            unsure: 0,
            repeated: 0,
            problem: None,
            took: Samples::new()?,
        },
    };
    let mut due = Instant::now();
    for turn in 0..pace.count.unwrap_or(u64::MAX) {
        while let Some(wait) = due
            .checked_duration_since(Instant::now())
            .filter(|wait| !wait.is_zero() && !stop.load(Ordering::Relaxed))
        {
            std::thread::sleep(wait.min(LOOK));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        due += pace.every;
        publisher.publish(turn);
    }
    Ok(publisher.published)
}

struct Publisher<'a> {
    pace: &'a Pace,
    /// One per node.
    callers: Vec<Option<Caller>>,
    published: Published,
}

impl Publisher<'_> {
    fn publish(&mut self, turn: u64) {
        /// For so long one is repeated.
        const INSISTENCE: Duration = Duration::from_secs(30);
        /// How long all nodes are left alone after none has accepted.
        const PAUSE: Duration = Duration::from_millis(100);
        let (pace, nodes) = (self.pace, self.pace.nodes.len() as u64);
        let room = &pace.rooms[(turn % pace.rooms.len() as u64) as usize];
        let (began, until) = (clock::micros(), Instant::now() + INSISTENCE);
        let mut body = Vec::with_capacity(pace.payload + 128);
        if pace.insists {
            let key = format!("{}-{began}-{turn}", std::process::id());
            payload::keyed_arguments(&mut body, room, began, pace.payload, &key);
        } else {
            payload::arguments(&mut body, room, began, pace.payload);
        }
        let mut attempt = 0;
        let outcome = loop {
            let outcome = self.call(((turn + attempt) % nodes) as usize, &body);
            let accepted = matches!(outcome, Ok((200, _)));
            if accepted || !pace.insists || Instant::now() > until {
                break outcome;
            }
            attempt += 1;
            if attempt % nodes == 0 {
                std::thread::sleep(PAUSE);
            }
        };
        let published = &mut self.published;
        published.repeated += u64::from(attempt > 0);
        match outcome {
            Ok((200, _)) => published.accepted += 1,
            Ok((status, body)) => {
                published.refused += 1;
                published.problem = Some(format!("HTTP {status}: {}", String::from_utf8_lossy(&body)));
            }
            Err(why) => {
                published.unsure += 1;
                published.problem = Some(why.0);
            }
        }
        published.took.note(clock::micros().saturating_sub(began));
    }

    fn call(&mut self, node: usize, body: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        let mut open = match self.callers[node].take() {
            Some(open) => open,
            None => Caller::dial(self.pace.nodes[node], &self.pace.key)?,
        };
        let answer = open.post("/api/v1/broadcast", body)?;
        self.callers[node] = Some(open);
        Ok(answer)
    }
}
