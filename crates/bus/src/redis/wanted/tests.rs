use super::*;

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

fn want(wanted: &Wanted, rooms: Vec<RoomName>) -> Answer {
    wanted.want(rooms).unwrap().0
}

fn up() -> Wanted {
    let wanted = Wanted::default();
    wanted.add(0);
    wanted.link_is_up(0);
    wanted
}

#[test]
fn a_call_is_answered_when_all_of_its_rooms_are_confirmed() {
    let wanted = up();
    let mut answer = want(&wanted, vec![room("board-1"), room("board-2")]);
    let first = wanted.take(0, 1).unwrap();
    wanted.confirmed(0, &first);
    assert!(answer.try_recv().is_err());
    let second = wanted.take(0, 1).unwrap();
    wanted.confirmed(0, &second);
    assert_eq!(answer.try_recv(), Ok(Ok(())));
    assert!(wanted.take(0, 1).is_none());
    assert_eq!(want(&wanted, vec![room("board-1")]).try_recv(), Ok(Ok(())));
    assert_eq!(want(&wanted, vec![]).try_recv(), Ok(Ok(())));
}

#[test]
fn what_was_wanted_last_counts() {
    let wanted = up();
    let mut first = want(&wanted, vec![room("board-1")]);
    wanted.unwant(vec![room("board-1")]);
    assert_eq!(first.try_recv(), Ok(Ok(())));
    assert!(wanted.take(0, 9).is_none());
    assert_eq!(wanted.len(), 0);

    let _second = want(&wanted, vec![room("board-1")]);
    let subscribing = wanted.take(0, 9).unwrap();
    wanted.unwant(vec![room("board-1")]);
    let mut third = want(&wanted, vec![room("board-1")]);
    wanted.confirmed(0, &subscribing);
    assert_eq!(third.try_recv(), Ok(Ok(())));
    assert!(wanted.take(0, 9).is_none());

    wanted.unwant(vec![room("board-1")]);
    let unsubscribing = wanted.take(0, 9).unwrap();
    assert_eq!(unsubscribing.unsubscribe.len(), 1);
    let mut fourth = want(&wanted, vec![room("board-1")]);
    wanted.confirmed(0, &unsubscribing);
    assert!(fourth.try_recv().is_err());
    let again = wanted.take(0, 9).unwrap();
    assert_eq!(again.subscribe.len(), 1);
    wanted.confirmed(0, &again);
    assert_eq!(fourth.try_recv(), Ok(Ok(())));
}

#[test]
fn only_what_was_confirmed_outlives_the_link() {
    let wanted = up();
    let _held = want(&wanted, vec![room("board-1")]);
    let changes = wanted.take(0, 9).unwrap();
    wanted.confirmed(0, &changes);
    let mut pending = want(&wanted, vec![room("board-1"), room("board-2")]);
    wanted.link_is_down(0);
    assert_eq!(pending.try_recv(), Ok(Err(BusError::Interrupted)));
    assert!(wanted.want(vec![room("board-3")]).is_err());
    wanted.link_is_up(0);
    assert_eq!(wanted.take(0, 9).unwrap().subscribe, [room("board-1")]);
}

/// Two servers; of the rooms used here, `board-1` and `board-2` are of different slots.
fn owners(one: ShardId, other: ShardId) -> Vec<Option<ShardId>> {
    let mut owners = vec![Some(one); slots::SLOTS];
    owners[usize::from(slots::of("board-2"))] = Some(other);
    owners
}

#[test]
fn a_room_that_moves_is_subscribed_where_it_is() {
    let wanted = Wanted::default();
    for shard in [1, 2] {
        wanted.add(shard);
        wanted.link_is_up(shard);
    }
    wanted.route("", owners(1, 2));
    let mut both = want(&wanted, vec![room("board-1"), room("board-2")]);
    let (first, second) = (wanted.take(1, 9).unwrap(), wanted.take(2, 9).unwrap());
    assert_eq!(
        (&first.subscribe, &second.subscribe),
        (&vec![room("board-1")], &vec![room("board-2")])
    );
    assert!(!wanted.confirmed(1, &first));
    // It moves before it is confirmed; what the old server says counts no more.
    wanted.route("", owners(1, 1));
    assert!(!wanted.confirmed(2, &second));
    assert!(both.try_recv().is_err());
    let moved = wanted.take(1, 9).unwrap();
    assert!(wanted.confirmed(1, &moved));
    assert_eq!(both.try_recv(), Ok(Ok(())));
    // Refused ones wait until it is known who has them.
    wanted.route("", owners(1, 2));
    let again = wanted.take(2, 9).unwrap();
    wanted.refused(2, &again.subscribe);
    assert!(wanted.take(2, 9).is_none());
    wanted.route("", owners(1, 2));
    assert!(wanted.confirmed(2, &wanted.take(2, 9).unwrap()));
}

#[test]
fn a_call_that_fails_leaves_nothing_behind() {
    let wanted = Wanted::default();
    for shard in [1, 2] {
        wanted.add(shard);
        wanted.link_is_up(shard);
    }
    wanted.route("", owners(1, 2));
    let mut both = want(&wanted, vec![room("board-1"), room("board-2")]);
    let first = wanted.take(1, 9).unwrap();
    wanted.link_is_down(2);
    assert_eq!(both.try_recv(), Ok(Err(BusError::Interrupted)));
    wanted.confirmed(1, &first);
    assert_eq!(wanted.take(1, 9).unwrap().unsubscribe, [room("board-1")]);
    assert!(wanted.want(vec![room("board-2")]).is_err());
}
