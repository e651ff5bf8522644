//! What nodes do next: their own idea of who is connected to them, and chance.

use std::collections::BTreeSet;

use hallway_bus::presence::{Deed, RoomStep, Step, UserDeed};
use hallway_protocol::{ClientId, Status, UserId};
use hallway_testkit::Random;

use super::super::nodes::Nodes;
use super::model::Act;
use super::{ROOMS, user};

/// Users who come and go.
const USERS: usize = 6;
/// Most sockets at a time.
const SOCKETS: usize = 16;

#[derive(Debug, Clone)]
struct Socket {
    client: ClientId,
    user: Option<UserId>,
    node: usize,
    rooms: BTreeSet<usize>,
    about: String,
}

impl Socket {
    fn deed(&self, deed: Deed) -> Option<UserDeed> {
        let user = self.user.clone()?;
        Some(UserDeed { user, deed })
    }

    fn here(&self) -> Option<UserDeed> {
        self.deed(Deed::Here {
            client: self.client,
            about: self.about.clone(),
        })
    }

    fn step(&self, step: Step) -> RoomStep {
        RoomStep {
            step,
            user: self.user.clone(),
            client: self.client,
        }
    }
}

/// All sockets that nodes have.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    all: Vec<Socket>,
    made: u32,
}

impl Sockets {
    /// What is known of a socket at its node.
    pub(super) fn about(&self, client: ClientId) -> Option<&str> {
        let socket = self.all.iter().find(|one| one.client == client)?;
        Some(&socket.about)
    }

    /// Acts that happen at the same time.
    pub(super) fn next(&mut self, random: &mut Random) -> Vec<Act> {
        let mut acts = match random.below(100) {
            0..16 => self.come(random),
            16..34 => self.enter(random),
            34..42 => self.leave_room(random),
            42..50 => self.leave(random),
            50..56 => self.reload(random),
            56..70 => {
                let node = Nodes::any_number(random);
                self.keep(|one| one.node == node)
            }
            70..75 => {
                let one = random.one_of(&self.all).map(|one| one.client);
                self.keep(|other| Some(other.client) == one)
            }
            75..82 => choose(random),
            82..86 => self.say_about(random),
            86..88 => {
                let node = Nodes::any_number(random);
                self.all.retain(|one| one.node != node);
                Vec::new()
            }
            _ => vec![Act::Sweep],
        };
        if acts.is_empty() || random.percent(30) {
            acts.push(Act::Sweep);
        }
        acts
    }

    fn new_socket(&mut self, user: Option<UserId>, node: usize) -> Socket {
        self.made += 1;
        Socket {
            client: ClientId::from_bits(self.made.into()),
            user,
            node,
            rooms: BTreeSet::new(),
            about: format!("about {}", self.made),
        }
    }

    fn come(&mut self, random: &mut Random) -> Vec<Act> {
        if self.all.len() >= SOCKETS {
            return self.leave(random);
        }
        let who = (!random.percent(15)).then(|| user(random.below(USERS)));
        let mut socket = self.new_socket(who, Nodes::any_number(random));
        let mut acts: Vec<Act> = socket.here().map(|deed| Act::Users(vec![deed])).into_iter().collect();
        if socket.user.is_none() || random.percent(30) {
            let room = random.below(ROOMS.len());
            socket.rooms.insert(room);
            acts.push(Act::Rooms(vec![(room, vec![socket.step(Step::Enter)])]));
        }
        self.all.push(socket);
        acts
    }

    fn enter(&mut self, random: &mut Random) -> Vec<Act> {
        if self.all.is_empty() {
            return self.come(random);
        }
        let place = random.below(self.all.len());
        let socket = &mut self.all[place];
        let room = random.below(ROOMS.len());
        socket.rooms.insert(room);
        vec![Act::Rooms(vec![(room, vec![socket.step(Step::Enter)])])]
    }

    fn leave_room(&mut self, random: &mut Random) -> Vec<Act> {
        let places: Vec<(usize, usize)> = (0..self.all.len())
            .flat_map(|place| self.all[place].rooms.iter().map(move |room| (place, *room)))
            .collect();
        let Some(&(place, room)) = random.one_of(&places) else {
            return Vec::new();
        };
        self.all[place].rooms.remove(&room);
        vec![Act::Rooms(vec![(room, vec![self.all[place].step(Step::Leave)])])]
    }

    fn leave(&mut self, random: &mut Random) -> Vec<Act> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let place = random.below(self.all.len());
        let socket = self.all.swap_remove(place);
        let deeds = socket.deed(Deed::Left(socket.client)).into_iter().collect();
        let steps = |room: &usize| (*room, vec![socket.step(Step::Leave)]);
        calls(deeds, socket.rooms.iter().map(steps).collect())
    }

    /// One socket ends and another takes its place, as when a page is loaded anew.
    fn reload(&mut self, random: &mut Random) -> Vec<Act> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let place = random.below(self.all.len());
        let old = self.all.swap_remove(place);
        let mut new = self.new_socket(old.user.clone(), Nodes::any_number(random));
        new.rooms.clone_from(&old.rooms);
        let left = old.deed(Deed::Left(old.client));
        let steps = |room: &usize| (*room, vec![old.step(Step::Leave), new.step(Step::Enter)]);
        let acts = calls(
            left.into_iter().chain(new.here()).collect(),
            old.rooms.iter().map(steps).collect(),
        );
        self.all.push(new);
        acts
    }

    fn keep(&self, whose: impl Fn(&Socket) -> bool) -> Vec<Act> {
        let some: Vec<&Socket> = self.all.iter().filter(|one| whose(one)).collect();
        let deeds = some.iter().filter_map(|one| one.deed(Deed::Keep(one.client)));
        let rooms = (0..ROOMS.len()).filter_map(|room| {
            let here = some.iter().filter(|one| one.rooms.contains(&room));
            let steps: Vec<RoomStep> = here.map(|one| one.step(Step::Keep)).collect();
            (!steps.is_empty()).then_some((room, steps))
        });
        calls(deeds.collect(), rooms.collect())
    }

    fn say_about(&mut self, random: &mut Random) -> Vec<Act> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let place = random.below(self.all.len());
        let socket = &mut self.all[place];
        socket.about.push('!');
        calls(socket.here().into_iter().collect(), Vec::new())
    }
}

fn calls(deeds: Vec<UserDeed>, rooms: Vec<(usize, Vec<RoomStep>)>) -> Vec<Act> {
    let mut acts = Vec::new();
    if !deeds.is_empty() {
        acts.push(Act::Users(deeds));
    }
    if !rooms.is_empty() {
        acts.push(Act::Rooms(rooms));
    }
    acts
}

fn choose(random: &mut Random) -> Vec<Act> {
    let statuses = [Status::Online, Status::Idle, Status::Dnd, Status::Offline];
    let status = statuses[random.below(statuses.len())];
    vec![Act::Users(vec![UserDeed {
        user: user(random.below(USERS)),
        deed: Deed::Chose(status),
    }])]
}
