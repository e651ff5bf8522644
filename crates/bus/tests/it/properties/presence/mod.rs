//! Who is there: every change is told once, and who is asked says what is so.

mod ledger;
mod model;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use hallway_bus::presence::{Change, Deed, Noted, Presence, RoomSteps, RoomTerms, Stepped, Terms, TermsOf, UserDeed};
use hallway_bus::redis::RedisBus;
use hallway_protocol::{ClientId, Keep, RoomName, UserId};
use hallway_testkit::Random;

use super::nodes::Nodes;
use super::{STEPS, Trace, at_once, orders, pass_time, run};
use ledger::Listener;
use model::{Act, Model, Move, Outcome};
use plan::Sockets;

const LIFE: Duration = Duration::from_millis(30_005);
const GRACE: Duration = Duration::from_millis(5_005);
const MERGE_INTERVAL: Duration = Duration::from_millis(2_005);
const TERMS: Terms = Terms {
    life: LIFE,
    grace: GRACE,
    remember: Duration::from_secs(86_400),
};
/// Rooms, each with the number of users above which it is told merged.
const ROOMS: [(&str, u32); 3] = [("board-1", 100), ("board-2", 100), ("hall-1", 2)];
/// Users of a room that are asked for at once.
const PAGE: usize = 2;

fn user(number: usize) -> UserId {
    UserId::parse(&format!("user{number}")).unwrap()
}

fn room(number: usize) -> RoomName {
    RoomName::parse(ROOMS[number].0).unwrap()
}

fn is_merged(number: usize) -> bool {
    ROOMS[number].1 < 100
}

fn number_of(room: &RoomName) -> usize {
    ROOMS.iter().position(|(name, _)| *name == room.as_str()).unwrap()
}

fn terms_of(number: usize) -> RoomTerms {
    RoomTerms {
        keep: Some(Keep {
            count: 1000,
            bytes: 1 << 20,
            life: Duration::from_secs(86_400),
        }),
        merge_above: ROOMS[number].1,
        merge_interval: MERGE_INTERVAL,
    }
}

#[test]
fn who_is_there_is_known_and_each_change_told_once() {
    run("presence", |seed| async move { Run::start(seed).await.run().await });
}

/// What a node was answered.
#[derive(Default)]
struct Answer {
    changes: Vec<Change>,
    rooms: Vec<(usize, bool)>,
    unknown: Vec<(UserId, ClientId)>,
}

impl Answer {
    fn note(&mut self, noted: Noted) {
        assert_eq!(noted.failed, None);
        self.changes.extend(noted.changes);
        self.unknown.extend(noted.unknown);
    }

    fn step(&mut self, stepped: Stepped) {
        assert_eq!((&stepped.failed, stepped.untold), (&None, 0));
        let rooms = stepped.changes.iter();
        self.rooms
            .extend(rooms.map(|one| (number_of(&one.room), one.is_occupied)));
    }
}

struct Run {
    random: Random,
    trace: Trace,
    nodes: Nodes,
    sockets: Sockets,
    model: Model,
    listeners: Vec<Listener>,
    swept_at: u64,
}

impl Run {
    async fn start(seed: u64) -> Self {
        let rooms = (0..ROOMS.len()).map(room).collect();
        Self {
            random: Random::new(seed, 1),
            trace: Trace::new(seed),
            nodes: Nodes::start(rooms).await,
            sockets: Sockets::default(),
            model: Model {
                people: (0..6).map(|number| (user(number), model::Person::default())).collect(),
                rooms: vec![model::Room::default(); ROOMS.len()],
            },
            listeners: ROOMS.iter().map(|_| Listener::default()).collect(),
            swept_at: 0,
        }
    }

    async fn run(mut self) {
        for _ in 0..STEPS {
            let before = self.nodes.clock.now();
            pass_time(&mut self.random, &mut self.nodes.clock, LIFE, GRACE);
            if !self.model.may_go_back_to(self.nodes.clock.now()) {
                self.nodes.clock.set(before);
            }
            // What is due, and nobody looks at for a life and a grace, is forgotten without a word: there was no node.
            let now = self.nodes.clock.now();
            if now > self.swept_at + (LIFE + GRACE).as_millis() as u64 {
                self.nodes.clock.set(before);
                self.sweep(1).await;
                self.nodes.clock.set(now);
            }
            let acts = self.sockets.next(&mut self.random);
            self.act(acts).await;
            // Not always: then more than one thing is due when someone looks.
            if self.random.percent(60) {
                let sweeps = 1 + usize::from(self.random.percent(25));
                self.sweep(sweeps).await;
            }
        }
        // Nobody is kept any more: everyone goes, and every room says so.
        self.sweep(1).await;
        for _ in 0..3 {
            self.nodes.clock.forward(LIFE + Duration::from_millis(5));
            self.sweep(1).await;
        }
        for listener in &self.listeners {
            assert!(listener.members.is_empty(), "all have left");
        }
    }

    /// So many at once.
    async fn sweep(&mut self, sweeps: usize) {
        self.swept_at = self.nodes.clock.now();
        for listener in &mut self.listeners {
            listener.count = None;
        }
        self.act(vec![Act::Sweep; sweeps]).await;
        for (listener, room) in self.listeners.iter().zip(&self.model.rooms) {
            let users = room.users().len() as u64;
            assert!(
                listener.count.is_none_or(|count| count == users),
                "{:?}, not {users}",
                listener.count
            );
        }
        self.compare().await;
    }

    /// Does things at the same time, each on some node, and compares what came of them with some order of them.
    async fn act(&mut self, acts: Vec<Act>) {
        let now = self.nodes.clock.now();
        self.trace.step(format!("at {now}: {acts:?}"));
        let mut answer = Answer::default();
        for mut one in at_once(&mut self.random, &self.nodes, &acts, call).await {
            answer.changes.append(&mut one.changes);
            answer.rooms.append(&mut one.rooms);
            answer.unknown.append(&mut one.unknown);
        }
        let backs = self.backs(&answer.unknown);
        let mut acts = acts;
        if !backs.is_empty() {
            self.trace
                .step(format!("unknown, so they are told of again: {backs:?}"));
            let act = Act::Users(backs);
            let back = call(self.nodes.any(&mut self.random), act.clone()).await;
            assert!(back.unknown.is_empty());
            answer.changes.extend(back.changes);
            acts.push(act);
        }
        for change in &answer.changes {
            assert_eq!(change.at, now, "{change:?}");
            assert!(!change.now.is_here || change.seen_at == now, "{change:?}");
        }
        let told = self.listen().await;
        self.adopt(&acts, &answer, told, now);
    }

    /// What a node does with sockets that it kept and that were not known: it says all of them again.
    fn backs(&self, unknown: &[(UserId, ClientId)]) -> Vec<UserDeed> {
        let now = self.nodes.clock.now();
        let backs = unknown.iter().map(|(user, client)| {
            let known = self.model.people[user].sockets.get(client);
            assert!(
                known.is_none_or(|(until, _)| *until <= now),
                "{user} {client} was known"
            );
            let about = self.sockets.about(*client).unwrap().to_owned();
            let deed = Deed::Back { client: *client, about };
            UserDeed {
                user: user.clone(),
                deed,
            }
        });
        backs.collect()
    }

    /// Finds an order of the acts that explains the answer, and goes on from there.
    fn adopt(&mut self, acts: &[Act], answer: &Answer, told: Vec<Move>, now: u64) {
        let mut got = Outcome::default();
        for change in &answer.changes {
            let changes = got.changes.entry(change.user.clone()).or_default();
            changes.push((change.before, change.now));
        }
        for (room, is_occupied) in &answer.rooms {
            got.occupied.entry(*room).or_default().push(*is_occupied);
        }
        got.unknown.extend(answer.unknown.iter().cloned());
        sort(&mut got);
        let mut expected = Vec::new();
        for order in orders(acts.len()) {
            let mut model = self.model.clone();
            let mut outcome = Outcome::default();
            let mut moves = Vec::new();
            for place in order {
                let (one, mut moved) = model.act(&acts[place], now, &got.unknown);
                outcome.unknown.extend(one.unknown);
                for (user, changes) in one.changes {
                    outcome.changes.entry(user).or_default().extend(changes);
                }
                for (room, changes) in one.occupied {
                    outcome.occupied.entry(room).or_default().extend(changes);
                }
                moves.append(&mut moved);
            }
            sort(&mut outcome);
            let moves = told_at_once(moves);
            if (&outcome, &moves) == (&got, &told) {
                self.model = model;
                return;
            }
            expected.push((outcome, moves));
        }
        panic!(
            "what came of it: {got:#?} {told:#?}\nwhat should have: {:#?}",
            expected[0]
        );
    }

    /// Hears what rooms were told of moves. Gives those that are told one by one.
    async fn listen(&mut self) -> Vec<Move> {
        let mut moves = Vec::new();
        for one in self.nodes.heard().await {
            let number = number_of(&one.room);
            let said = String::from_utf8_lossy(&one.message.data).into_owned();
            self.trace
                .step(format!("{}: {} {said}", one.room, one.message.destination));
            moves.extend(self.listeners[number].hear(number, &one));
        }
        told_at_once(moves)
    }

    /// Compares all that can be asked, after a sweep.
    async fn compare(&mut self) {
        let now = self.nodes.clock.now();
        let bus = self.nodes.any(&mut self.random);
        let names: Vec<UserId> = self.model.people.keys().cloned().collect();
        let people = bus.people(names.clone()).await.unwrap();
        for (name, person) in names.iter().zip(people) {
            let model = &self.model.people[name];
            assert_eq!(person.standing, model.standing(), "{name}");
            let mut sockets = person.sockets;
            sockets.sort();
            let wanted = model
                .sockets
                .iter()
                .map(|(client, (_, about))| (*client, about.clone()));
            assert_eq!(sockets, wanted.collect::<Vec<_>>(), "{name}'s sockets");
        }
        for (number, (name, _)) in ROOMS.iter().enumerate() {
            let (model, listener) = (&self.model.rooms[number], &self.listeners[number]);
            let (mut users, mut after) = (Vec::new(), None);
            loop {
                let page = bus.roster(room(number), after, PAGE).await.unwrap();
                assert_eq!(page.socket_count, model.sockets.len() as u64, "{name}");
                assert_eq!(page.user_count, model.users().len() as u64, "{name}");
                after = page.users.last().map(|(user, _)| user.clone());
                users.extend(page.users);
                if !page.has_more {
                    break;
                }
            }
            assert_eq!(users, model.users(), "{name}");
            if !is_merged(number) || now > model.told_by {
                assert_eq!(listener.members, model.members(), "as {name} was told");
            }
        }
    }
}

/// Those of rooms that do not tell them merged, in an order of our own.
fn told_at_once(mut moves: Vec<Move>) -> Vec<Move> {
    moves.retain(|(number, ..)| !is_merged(*number));
    moves.sort();
    moves
}

fn sort(outcome: &mut Outcome) {
    for changes in outcome.changes.values_mut() {
        changes.sort_by_key(|change| format!("{change:?}"));
    }
    for changes in outcome.occupied.values_mut() {
        changes.sort_unstable();
    }
}

async fn call(bus: Arc<RedisBus>, act: Act) -> Answer {
    let mut answer = Answer::default();
    match act {
        Act::Users(deeds) => answer.note(bus.note_users(TERMS, deeds).await),
        Act::Rooms(rooms) => {
            let rooms = rooms.into_iter().map(|(number, steps)| RoomSteps {
                room: room(number),
                terms: terms_of(number),
                steps,
            });
            answer.step(bus.note_rooms(TERMS, rooms.collect()).await);
        }
        Act::Sweep => {
            let terms: TermsOf = Arc::new(|room| Some(terms_of(number_of(room))));
            let swept = bus.sweep(TERMS, terms).await.unwrap();
            answer.note(swept.people);
            answer.step(swept.rooms);
        }
    }
    answer
}
