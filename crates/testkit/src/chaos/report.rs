//! What is said of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::judge::{Finding, Judgement};
use super::plan::Plan;

/// A run's outcome.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was to happen.
    pub plan: Plan,
    /// What was heard, and what is wrong with it.
    pub judgement: Judgement,
    /// What went wrong beside that: a node that ended, or was not ready in time.
    pub complaints: Vec<String>,
    /// Counts of the clients.
    pub counts: Counts,
    /// When the plan's time began, on the clock of the findings.
    pub began: Duration,
    /// From the first start to the last answer.
    pub took: Duration,
    /// The nodes' logs, kept where something is wrong.
    pub logs: Option<PathBuf>,
}

/// Counts of the clients, over all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Times that a client came back.
    pub reconnects: u64,
    /// Of these, with a ticket.
    pub resumed: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.judgement.findings.is_empty() && self.complaints.is_empty()
    }

    /// Gaps told, of all kinds.
    #[must_use]
    pub fn resyncs(&self) -> u64 {
        self.judgement.told.values().sum()
    }

    /// Findings that are the same for many clients, the first of each with all their numbers; by time.
    fn grouped(&self) -> Vec<(&Finding, Vec<usize>)> {
        let mut groups: BTreeMap<(&str, String), (&Finding, Vec<usize>)> = BTreeMap::new();
        for finding in &self.judgement.findings {
            let key = (finding.room.as_str(), format!("{:?}", finding.what));
            let group = groups.entry(key).or_insert((finding, Vec::new()));
            group.1.extend(finding.client);
            if finding.at < group.0.at {
                group.0 = finding;
            }
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|(first, _)| (first.at.is_none(), first.at));
        groups
    }

    /// All there is to say where something is wrong.
    #[must_use]
    pub fn details(&self) -> String {
        const MOST: usize = 200;
        let mut text = format!("seed {} ({})\n", self.plan.seed, self.plan.setup);
        for planned in &self.plan.faults {
            text += &format!("  {:.3}s plan: {planned}\n", (self.began + planned.from).as_secs_f64());
        }
        for complaint in &self.complaints {
            text += &format!("  wrong: {complaint}\n");
        }
        let grouped = self.grouped();
        for (first, clients) in grouped.iter().take(MOST) {
            text += &format!("  wrong: {first}");
            if clients.len() > 1 {
                text += &format!(" (and so for {} clients: {clients:?})", clients.len());
            }
            text.push('\n');
            for noted in &first.before {
                text += &format!("           {noted}\n");
            }
        }
        let more = grouped.len().saturating_sub(MOST);
        if more > 0 {
            text += &format!("  and {more} more\n");
        }
        if let Some(logs) = &self.logs {
            text += &format!("  logs: {}\n", logs.display());
        }
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [accepted, uncertain, refused] = self.judgement.published;
        write!(f, "{} {:.1}s, ", self.plan, self.took.as_secs_f64())?;
        write!(f, "published {accepted} (+{uncertain} unknown, {refused} refused), ")?;
        write!(
            f,
            "{} deliveries, {} resyncs",
            self.judgement.deliveries,
            self.resyncs()
        )?;
        for (cause, count) in &self.judgement.told {
            write!(f, " ({count} {cause:?})")?;
        }
        let Counts { reconnects, resumed } = self.counts;
        write!(f, ", {reconnects} reconnects ({resumed} resumed): ")?;
        if self.is_well() {
            f.write_str("ok")
        } else {
            write!(f, "FAULTS: {}", self.judgement.findings.len() + self.complaints.len())
        }
    }
}
