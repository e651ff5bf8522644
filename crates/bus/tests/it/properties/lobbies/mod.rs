//! Lobbies: never too full, nobody in two, each with one beginning and one end, and what is said of them is so.

mod ledger;
mod model;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallway_bus::redis::RedisBus;
use hallway_bus::{Comer, Entered, InLobby, Lobbies, LobbyLife, LobbyTerms, NewLobby};
use hallway_protocol::lobby::LobbyCursor;
use hallway_protocol::{Keep, Lobby, LobbyId, RoomName, UserId};
use hallway_testkit::Random;

use super::nodes::Nodes;
use super::{STEPS, Trace, at_once, orders, pass_time, run};
use ledger::{Listener, Pool};
use model::{Act, Model, Outcome, Seat};
use plan::Sockets;

const LIFE: Duration = Duration::from_millis(40_005);
/// Longer than a node takes to look at a lobby at most.
const GRACE: Duration = Duration::from_millis(15_005);
const TERMS: LobbyTerms = LobbyTerms {
    keep: Some(Keep {
        count: 1000,
        bytes: 1 << 20,
        life: Duration::from_secs(86_400),
    }),
    life: LIFE,
    grace: GRACE,
};
const USERS: usize = 9;
/// Lobbies in a page.
const PAGE: usize = 2;

fn user(number: usize) -> UserId {
    UserId::parse(&format!("user{number}")).unwrap()
}

fn pool_room() -> RoomName {
    RoomName::parse("pool").unwrap()
}

#[test]
fn lobbies_are_as_promised_and_each_change_told_once() {
    run("lobbies", |seed| async move { Run::start(seed).await.run().await });
}

struct Run {
    random: Random,
    trace: Trace,
    nodes: Nodes,
    sockets: Sockets,
    model: Model,
    pool: Pool,
    rooms: BTreeMap<LobbyId, Listener>,
    swept_at: u64,
}

impl Run {
    async fn start(seed: u64) -> Self {
        Self {
            random: Random::new(seed, 2),
            trace: Trace::new(seed),
            nodes: Nodes::start(vec![pool_room()]).await,
            sockets: Sockets::default(),
            model: Model::default(),
            pool: Pool::default(),
            rooms: BTreeMap::new(),
            swept_at: 0,
        }
    }

    async fn run(mut self) {
        for _ in 0..STEPS {
            pass_time(&mut self.random, &mut self.nodes.clock, LIFE, GRACE);
            let acts = self.sockets.next(&mut self.random, &self.model);
            self.act(acts).await;
            let unseen = self.nodes.clock.now().saturating_sub(self.swept_at);
            if self.random.percent(50) || unseen > LIFE.as_millis() as u64 {
                self.swept_at = self.nodes.clock.now();
                let sweeps = 1 + usize::from(self.random.percent(30));
                self.act(vec![Act::Sweep; sweeps]).await;
            }
            self.compare().await;
        }
        // Nobody is kept any more: every lobby ends.
        self.nodes.clock.forward(LIFE + Duration::from_millis(10_005));
        self.act(vec![Act::Sweep]).await;
        self.compare().await;
        assert!(self.pool.there.is_empty(), "all have ended");
    }

    /// Does things at the same time, each on some node, and compares what came of them with some order of them.
    async fn act(&mut self, mut acts: Vec<Act>) {
        let now = self.nodes.clock.now();
        // Of whom the model is not sure, it asks afterwards; so one thing at a time.
        let unsure = self.model.unsure(now);
        if !unsure.is_empty() {
            acts.truncate(1);
        }
        self.trace.step(format!("at {now}: {acts:?}"));
        for act in &acts {
            if let Act::Create { id, .. } = act {
                self.nodes.listen(vec![id.room()]).await;
            }
        }
        let answers = at_once(&mut self.random, &self.nodes, &acts, call).await;
        for (act, (_, lobby)) in acts.iter().zip(&answers) {
            if let (Act::Create { .. }, Some(lobby)) = (act, lobby) {
                assert_eq!((lobby.created_at, lobby.updated_at), (now, now));
                self.rooms.insert(lobby.lobby_id, Listener::new(lobby.clone()));
            }
        }
        let outcomes: Vec<Outcome> = answers.into_iter().map(|(outcome, _)| outcome).collect();
        self.trace.step(format!("came of it: {outcomes:?}"));
        let stay = self.still_there(unsure).await;
        self.adopt(&acts, &outcomes, &stay, now);
        for (act, outcome) in acts.iter().zip(&outcomes) {
            self.sockets.learn(act, outcome);
        }
        self.listen().await;
    }

    async fn still_there(&mut self, unsure: Vec<Seat>) -> BTreeSet<Seat> {
        let bus = self.nodes.any(&mut self.random);
        let mut there = BTreeSet::new();
        for (id, user) in unsure {
            let lobby = bus.lobby(id).await.unwrap();
            if lobby.is_some_and(|lobby| lobby.has(&user)) {
                there.insert((id, user));
            }
        }
        there
    }

    /// Finds an order of the acts that explains what came of them, and goes on from there.
    fn adopt(&mut self, acts: &[Act], outcomes: &[Outcome], stay: &BTreeSet<Seat>, now: u64) {
        let mut expected = Vec::new();
        for order in orders(acts.len()) {
            let mut model = self.model.clone();
            let mut wanted = vec![Outcome::Done; acts.len()];
            for place in order {
                wanted[place] = model.act(&acts[place], now, stay);
            }
            if wanted == outcomes {
                self.model = model;
                return;
            }
            expected.push(wanted);
        }
        panic!("what came of it: {outcomes:#?}\nwhat should have: {expected:#?}");
    }

    async fn listen(&mut self) {
        for one in self.nodes.heard().await {
            let said = String::from_utf8_lossy(&one.message.data).into_owned();
            self.trace
                .step(format!("{}: {} {said}", one.room, one.message.destination));
            match LobbyId::of_room(&one.room) {
                Some(id) => self.rooms.get_mut(&id).expect("a lobby that was made").hear(&one),
                None => self.pool.hear(&one),
            }
        }
    }

    /// Compares all that can be asked, and what was said, with what is so.
    async fn compare(&mut self) {
        let bus = self.nodes.any(&mut self.random);
        for number in 0..USERS {
            let lobby = bus.lobby_of(user(number)).await.unwrap();
            let id = lobby.map(|lobby| lobby.lobby_id);
            assert_eq!(id, self.model.lobby_of(&user(number)), "the lobby of {}", user(number));
        }
        let listed = self.list(&bus).await;
        let mut wanted: Vec<_> = self.model.lobbies.iter().collect();
        wanted.sort_by_key(|(id, lobby)| (lobby.created_at, **id));
        wanted.reverse();
        let ids: Vec<LobbyId> = listed.iter().map(|lobby| lobby.lobby_id).collect();
        assert_eq!(ids, wanted.iter().map(|(id, _)| **id).collect::<Vec<_>>(), "the list");
        for (lobby, (id, model)) in listed.iter().zip(wanted) {
            let names: Vec<UserId> = lobby.members.iter().map(|member| member.user_id.clone()).collect();
            assert_eq!(names, model.names(), "members of {id}");
            assert_eq!(lobby.owner_id, model.owner, "the owner of {id}");
            assert!(lobby.members.len() <= model.capacity);
            assert_eq!(self.rooms[id].lobby, *lobby, "as its room was told");
            assert_eq!(self.pool.there[id], lobby.summary(), "as the pool was told");
        }
        assert_eq!(self.pool.there.len(), listed.len(), "lobbies by what the pool was told");
        assert_eq!(self.pool.gone, self.model.ended, "ends that the pool was told of");
        for (id, room) in &self.rooms {
            assert_eq!(
                room.has_ended,
                self.model.ended.contains(id),
                "as {id} was told of its end"
            );
        }
    }

    async fn list(&self, bus: &RedisBus) -> Vec<Lobby> {
        let (mut all, mut after) = (Vec::new(), None::<LobbyCursor>);
        loop {
            let page = bus.list_lobbies(after, PAGE).await.unwrap();
            assert!(page.lobbies.len() <= PAGE);
            all.extend(page.lobbies);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

async fn call(bus: Arc<RedisBus>, act: Act) -> (Outcome, Option<Lobby>) {
    let comer = |user, node: usize| Comer {
        user,
        name: None,
        node: node as u64,
    };
    let in_lobbies = |some: Vec<Seat>| some.into_iter().map(|(lobby, user)| InLobby { lobby, user }).collect();
    let outcome = match act {
        Act::Create {
            id,
            capacity,
            user,
            node,
        } => {
            let new = NewLobby {
                id,
                name: None,
                capacity: capacity as u32,
            };
            return entered(bus.create_lobby(new, comer(user, node), TERMS).await.unwrap());
        }
        Act::Join { id, user, node } => return entered(bus.join_lobby(id, comer(user, node), TERMS).await.unwrap()),
        Act::Leave(user) => left(bus.leave_lobby(user, TERMS).await.unwrap()),
        Act::End(id) => left(bus.end_lobby(id, TERMS).await.unwrap()),
        Act::Keep { some, node } => {
            let not_in = bus.keep_in_lobbies(in_lobbies(some), node as u64, TERMS).await.unwrap();
            Outcome::NotIn(not_in.into_iter().map(|one| (one.lobby, one.user)).collect())
        }
        Act::LetGo { some, node } => {
            let let_go = bus.let_go_in_lobbies(in_lobbies(some), node as u64, TERMS).await;
            let_go.unwrap();
            Outcome::Done
        }
        Act::Sweep => Outcome::Vanished(bus.sweep_lobbies(100, TERMS).await.unwrap().vanished),
    };
    (outcome, None)
}

fn entered(entered: Entered) -> (Outcome, Option<Lobby>) {
    match entered {
        Entered::In(lobby) => {
            let names = lobby.members.iter().map(|member| member.user_id.clone());
            (Outcome::In(lobby.lobby_id, names.collect()), Some(lobby))
        }
        Entered::Elsewhere(lobby) => (Outcome::Elsewhere(lobby.lobby_id), None),
        Entered::Full => (Outcome::Full, None),
        Entered::Missing => (Outcome::Missing, None),
    }
}

fn left(left: Option<hallway_bus::Left>) -> Outcome {
    Outcome::Left(left.map(|left| (left.lobby, left.ended)))
}
