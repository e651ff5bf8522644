//! Whose credentials are over, in this process.

use std::collections::HashMap;
use std::time::Duration;

use crate::Revocation;

/// Subjects, and the time before which their credentials are over.
#[derive(Debug, Default)]
pub(super) struct Revoked(HashMap<String, u64>);

impl Revoked {
    pub(super) fn revoke(&mut self, subject: String, life: Duration, now: u64) -> Revocation {
        let now = self.0.values().copied().max().unwrap_or(0).max(now);
        self.put(subject.clone(), now);
        self.forget(now, life);
        Revocation { subject, before: now }
    }

    pub(super) fn restore(&mut self, known: Vec<Revocation>, life: Duration, now: u64) {
        for one in known {
            self.put(one.subject, one.before);
        }
        self.forget(now, life);
    }

    pub(super) fn since(&self, since: u64, limit: usize) -> Vec<Revocation> {
        let later = self.0.iter().filter(|(_, before)| **before >= since);
        let mut later: Vec<Revocation> = later
            .map(|(subject, before)| Revocation {
                subject: subject.clone(),
                before: *before,
            })
            .collect();
        later.sort_by(|one, other| (one.before, &one.subject).cmp(&(other.before, &other.subject)));
        later.truncate(limit);
        later
    }

    fn put(&mut self, subject: String, before: u64) {
        let known = self.0.entry(subject).or_default();
        *known = before.max(*known);
    }

    fn forget(&mut self, now: u64, life: Duration) {
        let end = now.saturating_sub(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
        self.0.retain(|_, before| *before >= end);
    }
}
