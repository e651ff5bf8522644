//! Follows one client through one room.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hallway_client::ResumeFrom;

use super::{Finding, Judgement, Note, Noted, Rules, What};
use crate::chaos::ledger::{Inner as Published, Outcome};

/// What was heard under a room's number, by whoever heard it first.
pub(super) type HeardUnder = HashMap<(String, String, u64), usize>;

/// Notes told with a finding.
const BEFORE: usize = 6;

pub(super) struct Follower<'a> {
    client: usize,
    room: &'a str,
    published: &'a Published,
    rules: Rules,
    heard_under: &'a mut HeardUnder,
    judgement: &'a mut Judgement,
    /// Where the client stands; nothing before it joins, and where the numbering begins anew.
    place: Option<ResumeFrom>,
    has_joined: bool,
    /// The last notes, for whoever looks for the cause.
    before: VecDeque<Noted>,
    /// The publishes that it heard, and where.
    heard: HashMap<usize, ResumeFrom>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        client: usize,
        room: &'a str,
        published: &'a Published,
        rules: Rules,
        heard_under: &'a mut HeardUnder,
        judgement: &'a mut Judgement,
    ) -> Self {
        Self {
            client,
            room,
            published,
            rules,
            heard_under,
            judgement,
            place: None,
            has_joined: false,
            before: VecDeque::new(),
            heard: HashMap::new(),
        }
    }

    pub(super) fn take(&mut self, noted: &Noted) {
        self.judge(noted);
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(noted.clone());
    }

    fn judge(&mut self, noted: &Noted) {
        let time = noted.at;
        match &noted.note {
            Note::Joined(at) => {
                self.has_joined = true;
                self.place.clone_from(at);
            }
            Note::Told(cause, at) => {
                *self.judgement.told.entry(*cause).or_default() += 1;
                let after = std::mem::replace(&mut self.place, at.clone());
                if !self.rules.tolerates_gaps {
                    let (cause, to) = (*cause, at.clone());
                    self.find(time, What::NeedlessGap { cause, after, to });
                }
            }
            Note::Double(came) => {
                let (after, came) = (self.place.clone(), came.clone());
                self.find(time, What::Double { after, came });
            }
            Note::Refused(why) => {
                let why = why.clone();
                self.find(time, What::Refused { why });
            }
            Note::News(Some(at)) => {
                self.judgement.deliveries += 1;
                self.check_number(time, at);
                self.place = Some(at.clone());
            }
            Note::News(None) => self.find(time, What::Unnumbered { id: None }),
            Note::Heard { at: None, id, .. } => self.find(time, What::Unnumbered { id: *id }),
            Note::Heard {
                at: Some(at),
                id,
                is_intact,
            } => {
                self.judgement.deliveries += 1;
                self.check_number(time, at);
                match id {
                    Some(id) if *is_intact => self.check_payload(time, at, *id),
                    id => self.find(
                        time,
                        What::Mangled {
                            came: at.clone(),
                            id: *id,
                        },
                    ),
                }
                self.place = Some(at.clone());
            }
        }
    }

    /// At the end: the marker was heard, or a gap told that ends behind it.
    pub(super) fn finish(&mut self, marker: Option<&ResumeFrom>) {
        let Some(marker) = marker else { return };
        let is_there = |place: &ResumeFrom| place.epoch == marker.epoch && place.seq >= marker.seq;
        if !self.has_joined || !self.place.as_ref().is_some_and(is_there) {
            let what = What::Missing {
                heard: self.place.clone(),
                marker: marker.clone(),
            };
            self.push(None, what);
        }
    }

    fn check_number(&mut self, time: Duration, came: &ResumeFrom) {
        let came = came.clone();
        let what = match self.place.clone() {
            None if came.seq == 1 => return,
            None => What::Lost { after: None, came },
            Some(after) if after.epoch != came.epoch => What::OtherEpoch { after, came },
            Some(after) if came.seq == after.seq + 1 => return,
            Some(after) if came.seq <= after.seq => What::Double {
                after: Some(after),
                came: Some(came),
            },
            after => What::Lost { after, came },
        };
        self.find(time, what);
    }

    fn check_payload(&mut self, time: Duration, at: &ResumeFrom, id: usize) {
        let came = at.clone();
        let key = (self.room.to_owned(), at.epoch.clone(), at.seq);
        let acknowledged = self.published.numbers.get(&(key.0.clone(), key.1.clone()));
        let acknowledged = acknowledged.and_then(|line| line.get(&at.seq)).copied();
        let expected = acknowledged.unwrap_or(*self.heard_under.entry(key).or_insert(id));
        if expected != id {
            return self.find(time, What::OtherPayload { came, id, expected });
        }
        let one = self.published.published.get(id).filter(|one| one.room == self.room);
        // A repeat whose first try went down with the history, key and all, is another publish.
        let (mut may_differ, mut outcome) = (false, &Outcome::Refused);
        if let Some(one) = one {
            may_differ = one.was_repeated && self.rules.loses_history;
            outcome = &one.outcome;
        }
        match outcome {
            Outcome::Refused => self.find(time, What::NeverPublished { came, id }),
            Outcome::Accepted(other) if other != at && !(may_differ && other.epoch != at.epoch) => {
                let acknowledged = other.clone();
                self.find(time, What::OtherNumber { came, id, acknowledged });
            }
            Outcome::Accepted(_) | Outcome::Uncertain => {}
        }
        let first = self.heard.insert(id, at.clone());
        if let Some(first) = first.filter(|first| first != at && !(may_differ && first.epoch != at.epoch)) {
            let came = at.clone();
            self.find(time, What::HeardTwice { came, id, first });
        }
    }

    fn find(&mut self, time: Duration, what: What) {
        self.push(Some(time), what);
    }

    fn push(&mut self, at: Option<Duration>, what: What) {
        self.judgement.findings.push(Finding {
            client: Some(self.client),
            room: self.room.to_owned(),
            at,
            what,
            before: self.before.iter().map(Noted::to_string).collect(),
        });
    }
}
