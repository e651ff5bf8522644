//! The process that holds clients. It reads lines, first a [`Plan`], then what to do ([`Order`]), and writes lines
//! of what became of it ([`News`]). It ends when it has said what it saw, or when its input ends.

use std::io::{Stdin, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Fleet, Head, Plan, Saw};
use crate::error::{Doing, Failure};

/// How long nothing may come of any of the clients that are opening.
const STANDSTILL: Duration = Duration::from_secs(20);

/// Longest wait between two looks at what is due.
const LOOK: Duration = Duration::from_millis(100);

/// What the parent asks for. Times are microseconds of the machine's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Order {
    /// Cut every client off once per cycle.
    Cut { from: u64, until: u64 },
    /// A node will be gone for good at this time; answered with [`News::Leaving`].
    Leave { node: usize, at: u64 },
    /// Wait until every client has everything up to these heads, one per room, or nothing comes any more.
    Finish { heads: Vec<Head> },
}

/// What a process of clients says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum News {
    /// All clients are in their rooms.
    Opened,
    /// How many clients are at the node that will be gone.
    Leaving(usize),
    /// They are all back.
    Returned,
    /// The end.
    Saw(Box<Saw>),
}

/// What the child does.
pub(crate) fn work() -> Result<(), Failure> {
    let mut input = Input {
        stdin: std::io::stdin(),
        bytes: Vec::new(),
        ended: false,
    };
    let plan: Plan = loop {
        if let Some(line) = input.line() {
            break serde_json::from_slice(&line).doing("the plan")?;
        }
        if input.ended {
            return Err(Failure::new("there is no plan"));
        }
        input.read()?;
    };
    let mut fleet = Fleet::new(plan)?;
    fleet.watch(&input.stdin)?;
    fleet.open()?;
    say(&News::Opened)?;
    let mut awaited = false;
    while !input.ended {
        fleet.turn(LOOK)?;
        if std::mem::take(&mut fleet.foreign) {
            input.read()?;
        }
        while let Some(line) = input.line() {
            match serde_json::from_slice(&line).doing("an order")? {
                Order::Cut { from, until } => fleet.cut_from(from, until),
                Order::Leave { node, at } => {
                    awaited = true;
                    say(&News::Leaving(fleet.leave(node, at)))?;
                }
                Order::Finish { heads } => return say(&News::Saw(Box::new(fleet.finish(&heads)?))),
            }
        }
        if awaited && fleet.fleeing == 0 {
            awaited = false;
            say(&News::Returned)?;
        }
    }
    Ok(())
}

fn say(news: &News) -> Result<(), Failure> {
    let line = serde_json::to_string(news).doing("news")?;
    writeln!(std::io::stdout().lock(), "{line}").doing("stdout")
}

impl Fleet {
    /// Opens the first connection of every client, `at_once` at a time, and returns when all are in their rooms.
    fn open(&mut self) -> Result<(), Failure> {
        let (mut begun, mut progress) = (0, (0, Instant::now()));
        while self.live < self.clients.len() {
            while begun < self.clients.len() && begun - self.live.min(begun) < self.plan.at_once.max(1) {
                self.attempt(begun);
                begun += 1;
            }
            self.turn(LOOK)?;
            if self.live != progress.0 {
                progress = (self.live, Instant::now());
            } else if progress.1.elapsed() > STANDSTILL {
                let comebacks = self.saw.comebacks();
                return Err(Failure(format!(
                    "opening stands still at {} of {}: {comebacks}",
                    self.live,
                    self.clients.len()
                )));
            }
        }
        Ok(())
    }

    /// Waits for what is still to come, and settles the account.
    fn finish(&mut self, heads: &[Head]) -> Result<Saw, Failure> {
        self.cuts_until = 0;
        let mut progress = ((0, 0), Instant::now());
        while !self.clients.iter().all(|client| client.is_at(heads)) {
            self.turn(LOOK)?;
            let seen = (self.saw.heard, self.live);
            if seen != progress.0 {
                progress = (seen, Instant::now());
            } else if progress.1.elapsed() > self.plan.patience {
                break;
            }
        }
        let mut saw = std::mem::replace(&mut self.saw, Saw::new()?);
        saw.away = (self.clients.len() - self.live) as u64;
        (saw.expected, saw.heard) = (0, 0);
        for held in self.clients.iter().flat_map(|client| &client.rooms) {
            let (Some(place), Some(head)) = (&held.place, heads.get(held.room)) else {
                continue;
            };
            saw.other_epochs += u64::from(!place.is_of(&head.epoch));
            saw.expected += place.expected(head.seq);
            saw.heard += place.heard();
            saw.told_lost += place.told_lost();
        }
        Ok(saw)
    }
}

/// Lines of the input, read only when there is something, so that nothing is hidden in a buffer.
struct Input {
    stdin: Stdin,
    bytes: Vec<u8>,
    ended: bool,
}

impl Input {
    fn read(&mut self) -> Result<(), Failure> {
        let mut scratch = [0; 16 * 1024];
        let read = rustix::io::read(&self.stdin, &mut scratch).doing("stdin")?;
        self.bytes.extend_from_slice(&scratch[..read]);
        self.ended = read == 0;
        Ok(())
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        Some(self.bytes.drain(..=end).collect())
    }
}
