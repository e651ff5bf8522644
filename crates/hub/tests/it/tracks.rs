//! Numbering and holds.

use bytes::Bytes;
use hallway_hub::{Answer, Heard, Track, frame};
use hallway_protocol::{Epoch, Position};
use tokio::io::AsyncReadExt;

use crate::{hub, room, socket};

fn at(epoch: u64, seq: u64) -> Option<Position> {
    Some(Position {
        epoch: Epoch(epoch),
        seq,
    })
}

#[tokio::test]
async fn only_what_follows_on_is_next() {
    let hub = hub();
    let room = hub.hold(vec![room("board-1"), room("board-1-tasks")]);
    room.set_track(0, Track::Empty(3));
    let hear = |arrived: &[Option<Position>]| {
        let arrived: Vec<_> = arrived.iter().map(|position| (*position, 1)).collect();
        let (count, heard, _) = room.hear(0, &arrived);
        (count, heard)
    };
    assert_eq!(hear(&[at(5, 2)]), (1, Heard::Gap), "the first is missing");
    assert_eq!(hear(&[at(5, 1), at(5, 2), at(5, 2), at(5, 3)]), (2, Heard::Next));
    assert_eq!(hear(&[at(5, 2), at(5, 1), at(5, 3)]), (2, Heard::Old));
    assert_eq!(
        hear(&[at(5, 3), None, at(5, 4), at(5, 6)]),
        (3, Heard::Next),
        "what has no number passes"
    );
    assert_eq!(hear(&[at(5, 6), at(5, 5)]), (1, Heard::Gap));
    assert_eq!(hear(&[at(6, 1)]), (1, Heard::OtherEpoch));
    assert_eq!(room.track(0), Track::At(at(5, 4).unwrap(), 1), "a gap moves nothing");
    assert_eq!(room.track(1), Track::Untracked, "each line has its own");
}

#[tokio::test]
async fn what_the_bus_says_late_does_not_turn_a_line_back() {
    let hub = hub();
    let room = hub.hold(vec![room("board-1")]);
    room.hear(0, &[(at(5, 7), 1)]);
    for late in [
        Track::Empty(3),
        Track::At(at(5, 6).unwrap(), 1),
        Track::At(at(4, 9).unwrap(), 1),
    ] {
        room.set_track(0, late);
        assert_eq!(room.track(0), Track::At(at(5, 7).unwrap(), 1), "{late:?}");
    }
    room.set_track(0, Track::At(at(5, 8).unwrap(), 2));
    assert_eq!(room.track(0), Track::At(at(5, 8).unwrap(), 2));
}

#[tokio::test]
async fn the_reply_to_a_join_comes_first() {
    let hub = hub();
    let room = hub.hold(vec![room("board-1")]);
    let (socket, mut client) = socket(&hub, 1, "u").await;
    room.join(&socket, |_| {
        Answer::Enter(Some(frame::whole(frame::Opcode::Text, b"reply")))
    });
    let (_, _, members) = room.hear(0, &[(at(5, 1), 1)]);
    for chunk in &members {
        for one in chunk.iter() {
            one.send(&Bytes::from_static(b"broadcast"));
        }
    }
    let mut bytes = [0; 16];
    client.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes[2..], b"replybroadcast");
}

#[tokio::test]
async fn a_room_that_is_held_again_is_not_evicted() {
    let hub = hub();
    let lines = || vec![room("board-1"), room("board-1-tasks")];
    let first = hub.hold(lines());
    assert!(hub.release(&first), "nobody is left");
    let again = hub.hold(lines());
    assert!(!hub.evict(&first, |_| panic!("somebody holds it")));
    assert!(hub.release(&again));
    let mut let_go = Vec::new();
    assert!(hub.evict(&first, |lines| let_go = lines.to_vec()));
    assert_eq!(let_go, lines());
    assert!(hub.line(&room("board-1")).is_none() && hub.line(&room("board-1-tasks")).is_none());
    assert!(!hub.evict(&first, |_| panic!("it is gone")));
}
