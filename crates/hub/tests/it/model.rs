//! Random joins, leaves, departures and fan-outs, held against a naive model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hallway_hub::{Answer, Burst, Joined, Socket};
use hallway_protocol::ClientId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::{hub, room, socket};

const SOCKETS: usize = 300;
const ROOMS: usize = 4;
const STEPS: usize = 6000;

#[tokio::test]
async fn membership_is_what_a_naive_model_says() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u64>);
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let hub = hub();
    let mut sockets: Vec<Option<(Arc<Socket>, tokio::net::TcpStream)>> = Vec::new();
    for number in 0..SOCKETS {
        sockets.push(Some(socket(&hub, number as u128, &format!("u{}", number % 50)).await));
    }
    let rooms: Vec<_> = (0..ROOMS)
        .map(|number| hub.hold(vec![room(&format!("board-{number}"))]))
        .collect();
    let mut model: BTreeMap<usize, BTreeSet<ClientId>> = BTreeMap::new();
    for step in 0..STEPS {
        let (at, number) = (random.random_range(0..ROOMS), random.random_range(0..SOCKETS));
        let members = model.entry(at).or_default();
        let Some((one, _)) = &sockets[number] else { continue };
        match random.random_range(0..100) {
            // A snapshot that is held across changes is what makes chunks be copied.
            0..=54 => {
                let snapshot = rooms[at].members();
                let before = snapshot.iter().map(|chunk| chunk.len()).sum::<usize>();
                let joined = rooms[at].join(one, |_| Answer::Enter(None));
                assert_eq!(joined == Joined::Entered, members.insert(one.id()), "step {step}");
                assert_eq!(
                    snapshot.iter().map(|chunk| chunk.len()).sum::<usize>(),
                    before,
                    "step {step}"
                );
            }
            55..=97 => assert_eq!(rooms[at].leave(one), members.remove(&one.id()), "step {step}"),
            _ => {
                let left = hub.remove(one);
                let expected = model
                    .values_mut()
                    .filter_map(|members| members.remove(&one.id()).then_some(()))
                    .count();
                assert_eq!(left.len(), expected, "step {step}");
                assert_eq!(rooms[at].join(one, |_| Answer::Enter(None)), Joined::Gone, "no ghosts");
                sockets[number] = None;
            }
        }
        let members = model.entry(at).or_default();
        assert_eq!(rooms[at].len(), members.len(), "step {step}");
        if step % 50 == 0 {
            let there: BTreeSet<_> = rooms[at]
                .members()
                .iter()
                .flat_map(|chunk| chunk.iter().map(|one| one.id()))
                .collect();
            assert_eq!(&there, members, "step {step}");
        }
    }
    assert_eq!(hub.socket_count(), sockets.iter().flatten().count());
    for (at, room) in rooms.iter().enumerate() {
        let mut burst = Burst::default();
        burst.push(b"{}".to_vec(), None, None);
        assert_eq!(burst.send(&room.members()).await.frames, model[&at].len() as u64);
    }
}
