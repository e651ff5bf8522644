//! What was counted.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::error::{Doing, Failure};

/// Problems that are kept in words; the rest is counted only.
const PROBLEMS: usize = 5;

/// What a swarm has counted since its beginning.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Broadcasts of ours that were heard.
    pub(crate) delivered: u64,
    /// Broadcasts of others: the gateway's own.
    pub(crate) other: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    /// Requests that were answered, and done.
    pub(crate) accepted: u64,
    /// Requests that were answered with an error.
    pub(crate) refused: u64,
    pub(crate) pings: u64,
    pub(crate) goodbyes: u64,
    /// Connections that came to be in all their rooms.
    pub(crate) ready: u64,
    /// Connections that ended before that.
    pub(crate) unopened: u64,
    /// By close code.
    pub(crate) closes: BTreeMap<u16, u64>,
    pub(crate) problems: Vec<String>,
    /// Whether each delivery's latency goes into `latency`.
    pub(crate) samples: bool,
    /// Microseconds from making to hearing, over all readers.
    pub(crate) latency: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            delivered: 0,
            other: 0,
            doubled: 0,
            out_of_order: 0,
            accepted: 0,
            refused: 0,
            pings: 0,
            goodbyes: 0,
            ready: 0,
            unopened: 0,
            closes: BTreeMap::new(),
            problems: Vec::new(),
            samples: false,
            // Up to ten minutes, to three digits.
            latency: Histogram::new_with_bounds(1, 600_000_000, 3).doing("histogram")?,
        })
    }

    pub(super) fn closed(&mut self, code: u16) {
        *self.closes.entry(code).or_default() += 1;
    }

    pub(super) fn problem(&mut self, what: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(what);
        }
    }

    /// What did not go as it should, for the report.
    pub(crate) fn trouble(&self) -> Value {
        json!({"refused": self.refused, "closes": self.closes, "goodbyes": self.goodbyes, "problems": self.problems})
    }
}
