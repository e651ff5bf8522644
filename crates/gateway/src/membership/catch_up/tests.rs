use std::time::Duration;

use bytes::Bytes;
use hallway_bus::{Message, RoomState};
use hallway_protocol::Epoch;

use super::*;

const KEEP: Keep = Keep {
    count: 100,
    bytes: 1 << 20,
    life: Duration::from_secs(100),
};
/// The bus's clock; epochs are times of it.
const NOW: u64 = 1_000_000;
const LIFE: u64 = NOW - 50_000;

fn at(epoch: u64, seq: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        seq,
    }
}

fn track(epoch: u64, seq: u64) -> Track {
    Track::At(at(epoch, seq), NOW)
}

/// What the bus answers that has broadcasts of a life in a room, after a place.
fn kept(epoch: u64, seqs: std::ops::RangeInclusive<u64>, after: Position) -> History {
    let last = *seqs.end();
    let first = if after.epoch == Epoch(epoch) { after.seq + 1 } else { 0 };
    let broadcasts: Vec<Heard> = seqs
        .filter(|seq| *seq >= first)
        .map(|seq| Heard {
            room: RoomName::parse("board-1").unwrap(),
            position: Some(at(epoch, seq)),
            ts: Some(NOW - 1000),
            message: Message {
                destination: "d".into(),
                data: Bytes::from_static(b"1"),
                exclude: None,
                sent: None,
            },
        })
        .collect();
    let state = RoomState {
        position: at(epoch, last),
        ts: NOW,
    };
    History::of(Some(state), Some(after), broadcasts)
}

fn from(position: Position) -> CatchUp {
    CatchUp::new(KEEP, From::new(position, &Allowance::new(100_000)))
}

/// Recovered or not, and the numbers of what was missed.
fn entered(catch_up: &CatchUp, track: Track) -> Result<(bool, Vec<u64>), Wanting> {
    catch_up.judge(track).map(|verdict| {
        let entered = catch_up.clone().enter(track, verdict);
        let seqs = entered.missed.iter().filter_map(|heard| heard.position);
        (entered.recovered, seqs.map(|position| position.seq).collect())
    })
}

#[test]
fn who_has_everything_enters_at_once() {
    assert_eq!(entered(&from(at(LIFE, 7)), track(LIFE, 7)), Ok((true, vec![])));
}

#[test]
fn what_was_missed_meets_what_is_to_come() {
    let place = at(LIFE, 7);
    let mut catch_up = from(place);
    assert_eq!(entered(&catch_up, track(LIFE, 9)), Err(Wanting::History));
    assert!(!catch_up.take(kept(LIFE, 1..=10, place), NOW));
    // Two more were delivered while it was read.
    assert_eq!(entered(&catch_up, track(LIFE, 12)), Err(Wanting::History));
    assert!(!catch_up.take(kept(LIFE, 1..=13, at(LIFE, 10)), NOW));
    // The thirteenth is still on its way.
    assert_eq!(entered(&catch_up, track(LIFE, 12)), Ok((true, (8..=12).collect())));
}

#[test]
fn who_is_ahead_of_this_node_waits_for_it() {
    let place = at(LIFE, 7);
    let mut catch_up = from(place);
    for behind in [track(LIFE, 5), Track::Empty(NOW), track(LIFE - 1000, 70)] {
        assert_eq!(entered(&catch_up, behind), Err(Wanting::History));
    }
    catch_up.take(kept(LIFE, 1..=8, place), NOW);
    for behind in [track(LIFE, 5), Track::Empty(NOW), track(LIFE - 1000, 70)] {
        assert_eq!(entered(&catch_up, behind), Err(Wanting::Delivery));
    }
    assert_eq!(entered(&catch_up, track(LIFE, 7)), Ok((true, vec![])));
}

#[test]
fn what_cannot_be_proven_is_not_recovered() {
    let place = at(LIFE, 7);
    let gone = History::of(None, Some(place), vec![]);
    let mut old = kept(LIFE, 1..=10, place);
    old.broadcasts[0].ts = Some(NOW - 200_000);
    let cases = [
        ("trimmed", kept(LIFE, 9..=10, place), track(LIFE, 10)),
        ("another life", kept(LIFE + 9, 1..=10, place), track(LIFE + 9, 10)),
        ("went back", kept(LIFE, 1..=5, place), track(LIFE, 5)),
        ("expired", gone, Track::Empty(NOW)),
        ("too old", old, track(LIFE, 10)),
    ];
    for (why, history, track) in cases {
        let mut catch_up = from(place);
        assert_eq!(entered(&catch_up, track), Err(Wanting::History), "{why}");
        assert!(!catch_up.take(history, NOW));
        assert_eq!(entered(&catch_up, track), Ok((false, vec![])), "{why}");
    }
}

#[test]
fn the_allowance_is_shared() {
    let place = at(LIFE, 0);
    let allowance = Allowance::new(5 * (AROUND + 1));
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let mut catch_up = CatchUp::new(KEEP, From::new(place, &allowance));
        catch_up.take(kept(LIFE, 1..=3, place), NOW);
        outcomes.push(entered(&catch_up, track(LIFE, 3)));
    }
    assert_eq!(outcomes, [Ok((true, vec![1, 2, 3])), Ok((false, vec![]))]);
}

#[test]
fn from_an_empty_room_all_of_the_life_that_began_since_is_brought() {
    let empty = at(NOW - 60_000, 0);
    let mut catch_up = from(empty);
    assert_eq!(entered(&catch_up, track(LIFE, 2)), Err(Wanting::History));
    catch_up.take(kept(LIFE, 1..=3, empty), NOW);
    assert_eq!(entered(&catch_up, track(LIFE, 2)), Ok((true, vec![1, 2])));
    // Here the first of them is still to come.
    let mut catch_up = from(empty);
    catch_up.take(kept(LIFE, 1..=3, empty), NOW);
    assert_eq!(entered(&catch_up, Track::Empty(NOW)), Ok((true, vec![])));
    // Still empty.
    let mut catch_up = from(empty);
    assert_eq!(entered(&catch_up, Track::Empty(NOW)), Err(Wanting::History));
    catch_up.take(History::of(None, Some(empty), vec![]), NOW);
    assert_eq!(entered(&catch_up, Track::Empty(NOW)), Ok((true, vec![])));
}

#[test]
fn from_an_empty_room_a_life_in_between_is_not_overlooked() {
    let empty = at(NOW - 60_000, 0);
    // This node still stands in a life that began since then, and the bus is in the next.
    let mut catch_up = from(empty);
    catch_up.take(kept(LIFE, 1..=3, empty), NOW);
    assert_eq!(entered(&catch_up, track(LIFE - 1000, 9)), Ok((false, vec![])));
    // A life could have ended in the time since.
    let long_ago = at(NOW - 100_000, 0);
    for history in [kept(LIFE, 1..=3, long_ago), History::of(None, Some(long_ago), vec![])] {
        let mut catch_up = from(long_ago);
        catch_up.take(history, NOW);
        assert_eq!(entered(&catch_up, track(LIFE, 3)), Ok((false, vec![])));
    }
    // The bus's clock is not known.
    let mut catch_up = from(empty);
    catch_up.take(kept(LIFE, 1..=3, empty), 0);
    assert_eq!(entered(&catch_up, track(LIFE, 3)), Ok((false, vec![])));
}

#[test]
fn long_histories_come_in_pages() {
    let place = at(LIFE, 0);
    let page = limits::HISTORY_PAGE as u64;
    let mut catch_up = CatchUp::new(KEEP, From::new(place, &Allowance::new(usize::MAX)));
    let mut first = kept(LIFE, 1..=page + 5, place);
    first.broadcasts.truncate(limits::HISTORY_PAGE);
    first.complete = false;
    assert!(catch_up.take(first, NOW), "there is more");
    assert!(!catch_up.take(kept(LIFE, 1..=page + 5, at(LIFE, page)), NOW));
    let (recovered, missed) = entered(&catch_up, track(LIFE, page + 5)).unwrap();
    assert!(recovered && missed.into_iter().eq(1..=page + 5));
}
