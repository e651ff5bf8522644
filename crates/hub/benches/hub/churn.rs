//! A socket into a room and out of it again.

use criterion::Criterion;
use hallway_protocol::Codec;

use crate::crowd::{Crowd, enter, lines};

pub(super) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub/join and leave");
    let crowd = Crowd::gather(400, &[Codec::Json]);
    let (hub, room) = (&crowd.hub, &crowd.room);
    let comer = &crowd.sockets[200];
    room.leave(comer);
    group.bench_function("a room of 400", |bencher| {
        bencher.iter(|| {
            enter(room, comer);
            room.leave(comer);
        });
    });
    // A fan-out that is under way holds on to the list of members, which is then not changed in its place.
    group.bench_function("a room of 400 in a broadcast", |bencher| {
        bencher.iter(|| {
            let members = room.members();
            enter(room, comer);
            room.leave(comer);
            members
        });
    });
    group.bench_function("a room of its own", |bencher| {
        let lines = lines("board-fresh");
        bencher.iter(|| {
            let room = hub.hold(lines.clone());
            enter(&room, comer);
            room.leave(comer);
            assert!(hub.release(&room) && hub.evict(&room, |_| ()));
        });
    });
    group.finish();
}
