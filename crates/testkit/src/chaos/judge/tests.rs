//! The judge finds what is wrong, and nothing else.

use super::*;
use crate::chaos::ledger::Ledger;

const ROOM: &str = "board-1";

fn at(epoch: &str, seq: u64) -> ResumeFrom {
    let epoch = epoch.to_owned();
    ResumeFrom { epoch, seq }
}

fn heard(epoch: &str, seq: u64, id: usize) -> Note {
    Note::Heard {
        at: Some(at(epoch, seq)),
        id: Some(id),
        is_intact: true,
    }
}

fn told(seq: u64) -> Note {
    Note::Told(Cause::Told, Some(at("e", seq)))
}

/// Ten publishes: 0 to 7 acknowledged under 1 to 8, 8 unknown, 9 refused.
fn ledger() -> Ledger {
    let ledger = Ledger::default();
    for id in 0..10 {
        assert_eq!(ledger.begin(ROOM, Duration::ZERO), id);
        match id {
            0..8 => ledger.settle(id, Outcome::Accepted(at("e", id as u64 + 1))),
            8 => ledger.settle(id, Outcome::Uncertain),
            _ => ledger.settle(id, Outcome::Refused),
        }
    }
    ledger
}

const STRICT: Rules = Rules {
    loses_history: false,
    tolerates_gaps: false,
};
const LOSSY: Rules = Rules {
    loses_history: true,
    tolerates_gaps: true,
};

/// Judges a client that joined before everything, with the marker at 4.
fn judged(ledger: &Ledger, notes: Vec<Note>, rules: Rules) -> Judgement {
    let joined = std::iter::once(Note::Joined(Some(at("e", 0))));
    let noted = joined.chain(notes).map(|note| Noted {
        at: Duration::ZERO,
        note,
    });
    let logs = [Log::from([(ROOM.to_owned(), noted.collect())])];
    let markers = BTreeMap::from([(ROOM.to_owned(), at("e", 4))]);
    judge(&logs, &ledger.lock(), &markers, rules)
}

fn whats(notes: Vec<Note>, rules: Rules) -> Vec<What> {
    let findings = judged(&ledger(), notes, rules).findings;
    findings.into_iter().map(|finding| finding.what).collect()
}

/// The first four, as they should come.
fn good() -> Vec<Note> {
    (0..4).map(|id| heard("e", id as u64 + 1, id)).collect()
}

#[test]
fn all_of_it_in_order_is_well() {
    let judgement = judged(&ledger(), good(), STRICT);
    assert!(judgement.findings.is_empty(), "{:?}", judgement.findings);
    assert_eq!((judgement.deliveries, judgement.published), (4, [8, 1, 1]));
}

#[test]
fn one_dropped_is_found_at_the_next_or_at_the_end() {
    let mut notes = good();
    notes.remove(1);
    assert!(
        matches!(&whats(notes, LOSSY)[..], [What::Lost { after: Some(after), came }]
        if after.seq == 1 && came.seq == 3)
    );
    let mut notes = good();
    notes.pop();
    assert!(matches!(&whats(notes, LOSSY)[..], [What::Missing { .. }]));
    assert!(matches!(&whats(Vec::new(), LOSSY)[..], [What::Missing { .. }]));
}

#[test]
fn one_doubled_is_found_whoever_saw_it() {
    let mut notes = good();
    notes.insert(2, heard("e", 2, 1));
    assert!(matches!(&whats(notes, LOSSY)[..], [What::Double { .. }]));
    let mut notes = good();
    notes.insert(2, Note::Double(Some(at("e", 2))));
    assert!(matches!(&whats(notes, LOSSY)[..], [What::Double { .. }]));
}

#[test]
fn two_that_changed_places_are_found() {
    let mut notes = good();
    notes.swap(1, 2);
    let whats = whats(notes, LOSSY);
    assert!(
        matches!(&whats[..], [What::Lost { .. }, What::Double { .. }, What::Lost { .. }]),
        "{whats:?}"
    );
}

#[test]
fn another_payload_is_found() {
    let mut notes = good();
    notes[1] = heard("e", 2, 8);
    assert!(matches!(
        &whats(notes, LOSSY)[..],
        [What::OtherPayload { id: 8, expected: 1, .. }]
    ));
    let mut notes = good();
    notes[1] = Note::Heard {
        at: Some(at("e", 2)),
        id: Some(1),
        is_intact: false,
    };
    assert!(matches!(&whats(notes, LOSSY)[..], [What::Mangled { id: Some(1), .. }]));
}

#[test]
fn a_gap_that_is_told_is_well_only_where_history_may_be_lost() {
    let mut notes = good();
    notes.splice(1..2, [told(2)]);
    assert_eq!(whats(notes.clone(), LOSSY), []);
    assert!(matches!(&whats(notes.clone(), STRICT)[..], [What::NeedlessGap { .. }]));
    notes[1] = Note::Told(Cause::NotRecovered, Some(at("e", 2)));
    assert!(matches!(&whats(notes, STRICT)[..], [What::NeedlessGap { .. }]));
    // A gap that ends behind the marker was told of it.
    assert_eq!(whats(vec![told(4)], LOSSY), []);
    assert!(matches!(&whats(vec![told(3)], LOSSY)[..], [What::Missing { .. }]));
}

#[test]
fn after_a_gap_the_numbers_must_follow_it() {
    let mut notes = good();
    notes.splice(1..3, [told(2)]);
    assert!(matches!(&whats(notes, LOSSY)[..], [What::Lost { .. }]));
    let anew = vec![Note::Told(Cause::Told, None), heard("f", 2, 8)];
    assert!(matches!(
        &whats(anew, LOSSY)[..],
        [What::Lost { after: None, .. }, What::Missing { .. }]
    ));
}

#[test]
fn another_epoch_must_be_told() {
    let ledger = ledger();
    let marker = ledger.begin(ROOM, Duration::ZERO);
    ledger.settle(marker, Outcome::Accepted(at("f", 1)));
    let mut notes = good();
    notes.push(heard("f", 1, marker));
    let findings = judged(&ledger, notes, LOSSY).findings;
    let whats: Vec<_> = findings.into_iter().map(|finding| finding.what).collect();
    assert!(
        matches!(&whats[..], [What::OtherEpoch { .. }, What::Missing { .. }]),
        "{whats:?}"
    );
}

#[test]
fn what_nobody_knows_may_be_heard_but_once() {
    let mut notes = good();
    notes.push(told(8));
    notes.push(heard("e", 9, 8));
    let judgement = judged(&ledger(), notes.clone(), LOSSY);
    assert!(
        judgement.findings.is_empty() && judgement.uncertain_heard == 1,
        "{:?}",
        judgement.findings
    );
    notes.push(heard("e", 10, 8));
    assert!(matches!(&whats(notes, LOSSY)[..], [What::HeardTwice { id: 8, .. }]));
}

#[test]
fn what_was_refused_or_said_elsewhere_must_not_be_heard() {
    let mut notes = good();
    notes.push(told(8));
    notes.push(heard("e", 9, 9));
    assert!(matches!(
        &whats(notes.clone(), LOSSY)[..],
        [What::NeverPublished { id: 9, .. }]
    ));
    notes[5] = heard("e", 9, 5);
    assert!(matches!(&whats(notes, LOSSY)[..], [What::OtherNumber { id: 5, .. }]));
}

#[test]
fn a_repeat_may_be_another_publish_only_after_the_history_was_lost() {
    let repeated = || {
        let ledger = ledger();
        let id = ledger.begin(ROOM, Duration::ZERO);
        ledger.repeat(id);
        ledger.settle(id, Outcome::Accepted(at("f", 1)));
        let mut notes = vec![
            told(8),
            heard("e", 9, id),
            Note::Told(Cause::Told, None),
            heard("f", 1, id),
        ];
        notes.push(told(4));
        (ledger, notes)
    };
    let (ledger, notes) = repeated();
    assert_eq!(judged(&ledger, notes, LOSSY).findings, []);
    let (ledger, notes) = repeated();
    let strict = judged(&ledger, notes, STRICT).findings;
    assert!(
        strict
            .iter()
            .any(|finding| matches!(finding.what, What::HeardTwice { .. })),
        "{strict:?}"
    );
}

#[test]
fn a_number_that_was_given_twice_is_found() {
    let ledger = ledger();
    let id = ledger.begin(ROOM, Duration::ZERO);
    ledger.settle(id, Outcome::Accepted(at("e", 8)));
    let findings = judged(&ledger, good(), LOSSY).findings;
    assert!(
        matches!(
            &findings[..],
            [Finding {
                what: What::GivenTwice { first: 7, .. },
                ..
            }]
        ),
        "{findings:?}"
    );
}

#[test]
fn two_clients_must_have_heard_the_same() {
    let ledger = ledger();
    let other = ledger.begin(ROOM, Duration::ZERO);
    let log = |id| {
        let mut notes = vec![Note::Joined(Some(at("e", 8)))];
        notes.push(heard("e", 9, id));
        let noted = notes.into_iter().map(|note| Noted {
            at: Duration::ZERO,
            note,
        });
        Log::from([(ROOM.to_owned(), noted.collect())])
    };
    let found = judge(&[log(8), log(other)], &ledger.lock(), &BTreeMap::new(), LOSSY).findings;
    assert!(
        matches!(
            &found[..],
            [Finding {
                what: What::OtherPayload { .. },
                ..
            }]
        ),
        "{found:?}"
    );
}

#[test]
fn who_was_refused_is_found() {
    let whats = whats(vec![Note::Refused("forbidden".into())], LOSSY);
    assert!(matches!(&whats[..], [What::Refused { .. }, What::Missing { .. }]));
}
