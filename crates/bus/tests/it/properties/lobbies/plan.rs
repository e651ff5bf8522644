//! What nodes do next: their own idea of whose sockets they have in which lobby, and chance.

use std::collections::BTreeSet;

use hallway_protocol::LobbyId;
use hallway_testkit::Random;

use super::super::nodes::Nodes;
use super::model::{Act, Model, Outcome, Seat};
use super::{USERS, user};

/// Whose sockets are where.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    all: BTreeSet<(usize, Seat)>,
}

impl Sockets {
    /// Acts that happen at the same time.
    pub(super) fn next(&mut self, random: &mut Random, model: &Model) -> Vec<Act> {
        let mut acts = match random.below(100) {
            0..14 => vec![create(random)],
            14..34 => join(random, model).into_iter().collect(),
            34..42 => rush(random, model),
            42..47 => astride(random, model),
            47..57 => vec![self.leave(random)],
            57..60 => random.one_of(&ids(model)).map(|id| Act::End(*id)).into_iter().collect(),
            60..76 => vec![self.keep(random)],
            // While someone looks: what is let go of meanwhile must not be looked at too late.
            76..86 => self.let_go(random).into_iter().chain([Act::Sweep]).collect(),
            86..88 => {
                let dead = Nodes::any_number(random);
                self.all.retain(|(node, _)| *node != dead);
                Vec::new()
            }
            88..92 => vec![self.leave(random), self.leave(random)],
            _ => vec![Act::Sweep],
        };
        if acts.is_empty() || acts.len() == 1 && random.percent(35) {
            acts.push(Act::Sweep);
        }
        acts
    }

    /// What nodes learn from what came of acts.
    pub(super) fn learn(&mut self, act: &Act, outcome: &Outcome) {
        match (act, outcome) {
            (Act::Create { user, node, .. } | Act::Join { user, node, .. }, Outcome::In(id, _)) => {
                self.all.insert((*node, (*id, user.clone())));
            }
            (Act::Keep { node, .. }, Outcome::NotIn(seats)) => {
                for seat in seats {
                    self.all.remove(&(*node, seat.clone()));
                }
            }
            _ => {}
        }
    }

    /// All sockets of theirs are taken out, if the nodes hear of it in time.
    fn leave(&mut self, random: &mut Random) -> Act {
        let who = user(random.below(USERS));
        if random.percent(70) {
            self.all.retain(|(_, (_, user))| *user != who);
        }
        Act::Leave(who)
    }

    fn keep(&self, random: &mut Random) -> Act {
        let node = Nodes::any_number(random);
        let some = self.all.iter().filter(|(one, _)| *one == node);
        Act::Keep {
            some: some.map(|(_, seat)| seat.clone()).collect(),
            node,
        }
    }

    fn let_go(&mut self, random: &mut Random) -> Option<Act> {
        let all: Vec<_> = self.all.iter().cloned().collect();
        let one = random.one_of(&all)?;
        self.all.remove(one);
        Some(Act::LetGo {
            some: vec![one.1.clone()],
            node: one.0,
        })
    }
}

fn ids(model: &Model) -> Vec<LobbyId> {
    model.lobbies.keys().copied().collect()
}

fn create(random: &mut Random) -> Act {
    Act::Create {
        id: LobbyId::from_bits(u128::from(random.draw())),
        capacity: random.between(2, 4),
        user: user(random.below(USERS)),
        node: Nodes::any_number(random),
    }
}

fn join(random: &mut Random, model: &Model) -> Option<Act> {
    let ended: Vec<LobbyId> = model.ended.iter().copied().collect();
    let id = match random.percent(5) {
        true => *random.one_of(&ended)?,
        false => *random.one_of(&ids(model))?,
    };
    Some(Act::Join {
        id,
        user: user(random.below(USERS)),
        node: Nodes::any_number(random),
    })
}

/// Two who want into the same lobby, where there may be one seat left.
fn rush(random: &mut Random, model: &Model) -> Vec<Act> {
    let near_full = model
        .lobbies
        .iter()
        .filter(|(_, one)| one.members.len() + 1 >= one.capacity);
    let near_full: Vec<LobbyId> = near_full.map(|(id, _)| *id).collect();
    let Some(&id) = random.one_of(&near_full) else {
        return Vec::new();
    };
    let free: Vec<_> = (0..USERS)
        .map(user)
        .filter(|user| model.lobby_of(user).is_none())
        .collect();
    let comers = free.into_iter().take(2);
    let joins = comers.map(|user| Act::Join {
        id,
        user,
        node: Nodes::any_number(random),
    });
    joins.collect()
}

/// One who wants into two lobbies.
fn astride(random: &mut Random, model: &Model) -> Vec<Act> {
    let (who, ids) = (user(random.below(USERS)), ids(model));
    let joins = ids.into_iter().take(2).map(|id| Act::Join {
        id,
        user: who.clone(),
        node: Nodes::any_number(random),
    });
    joins.collect()
}
