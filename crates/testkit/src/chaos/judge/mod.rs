//! Judges what each client heard in each room, over all its connections: between two gaps that were told, each number
//! exactly once and rising by one, each payload the one that was acknowledged under it; and everything up to the
//! last marker. What was published with an unknown result may be heard or not, but never twice.

mod finding;
mod follower;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use hallway_client::{Cause, ResumeFrom};

pub use finding::Finding;
pub(super) use finding::What;
use follower::Follower;

use super::ledger::{Inner as Published, Outcome};

/// What a client noted of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// It was let in, and hears what follows.
    Joined(Option<ResumeFrom>),
    /// A broadcast.
    Heard {
        at: Option<ResumeFrom>,
        /// The publish that its payload names.
        id: Option<usize>,
        /// Whether the payload is that publish's.
        is_intact: bool,
    },
    /// A broadcast of the gateway's own: who came and who left.
    News(Option<ResumeFrom>),
    /// A broadcast that it had heard before.
    Double(Option<ResumeFrom>),
    /// A gap was told.
    Told(Cause, Option<ResumeFrom>),
    /// It was refused.
    Refused(String),
}

/// A note and its time, counted from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) at: Duration,
    pub(super) note: Note,
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s {:?}", self.at.as_secs_f64(), self.note)
    }
}

/// All that one client noted, by room.
pub(super) type Log = BTreeMap<String, Vec<Noted>>;

/// What holds for a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Numbers and history may be lost, so that a repeat may be published anew.
    pub(super) loses_history: bool,
    /// Gaps that are told are well; where not, they should have been mended.
    pub(super) tolerates_gaps: bool,
}

/// The outcome.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// All that is wrong.
    pub findings: Vec<Finding>,
    /// Broadcasts heard.
    pub deliveries: u64,
    /// Gaps told, by how.
    pub told: BTreeMap<Cause, u64>,
    /// Publishes acknowledged, with an unknown result, and refused.
    pub published: [u64; 3],
    /// Of those with an unknown result, how many were heard.
    pub uncertain_heard: u64,
}

/// Judges a run. `markers` is what was published last in each room.
pub(super) fn judge(
    logs: &[Log],
    published: &Published,
    markers: &BTreeMap<String, ResumeFrom>,
    rules: Rules,
) -> Judgement {
    let mut judgement = Judgement::default();
    for one in &published.published {
        let place = match one.outcome {
            Outcome::Accepted(_) => 0,
            Outcome::Uncertain => 1,
            Outcome::Refused => 2,
        };
        judgement.published[place] += 1;
    }
    for (room, at, first, second) in &published.given_twice {
        let what = What::GivenTwice {
            at: at.clone(),
            first: *first,
            second: *second,
        };
        judgement
            .findings
            .push(Finding::of_room(room, published.published[*second].at, what));
    }
    let mut heard_under = HashMap::new();
    for (client, log) in logs.iter().enumerate() {
        for (room, notes) in log {
            let mut follower = Follower::new(client, room, published, rules, &mut heard_under, &mut judgement);
            notes.iter().for_each(|noted| follower.take(noted));
            follower.finish(markers.get(room));
        }
    }
    let is_uncertain = |id: &usize| {
        published
            .published
            .get(*id)
            .is_some_and(|one| one.outcome == Outcome::Uncertain)
    };
    let heard: std::collections::HashSet<usize> = heard_under.into_values().collect();
    judgement.uncertain_heard = heard.iter().filter(|id| is_uncertain(id)).count() as u64;
    judgement
}
