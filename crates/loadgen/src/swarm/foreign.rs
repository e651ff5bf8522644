//! What is done with what came in a dialect.

use super::connection::Phase;
use super::frames::excerpt;
use super::{Role, Swarm};
use crate::dialect::{Dialect, Said};
use crate::error::Failure;
use crate::order::Verdict;

impl Swarm {
    pub(super) fn said_in(&mut self, dialect: Dialect, at: usize, payload: &[u8]) -> Result<(), Failure> {
        let connection = &mut self.connections[at];
        match (dialect.hear(payload), connection.phase) {
            (Said::Load(number), _) => self.load(at, number),
            (Said::Open(name), Phase::Greeting) => {
                let token = std::mem::replace(&mut connection.name, name.to_owned());
                match dialect.introduction(&token) {
                    Some(introduction) => self.say(at, &introduction),
                    None => self.join_next(at)?,
                }
            }
            (Said::Welcome, Phase::Greeting) => self.join_next(at)?,
            (Said::Done, Phase::Joining) => {
                connection.joining.start += 1;
                self.join_next(at)?;
            }
            (Said::Done, Phase::Ready) => self.tally.accepted += 1,
            (Said::Refused, Phase::Ready) => {
                self.tally.refused += 1;
                self.tally.problem(format!("refused: {}", excerpt(payload)));
            }
            (Said::Ping, _) => {
                self.tally.pings += 1;
                self.say(at, dialect.pong());
            }
            (Said::Aside, _) => {}
            _ => return Err(Failure(format!("not expected now: {}", excerpt(payload)))),
        }
        Ok(())
    }

    /// A broadcast of ours. A publisher hears several rooms, whose numbers are not told apart.
    fn load(&mut self, at: usize, number: u64) {
        let connection = &mut self.connections[at];
        self.tally.delivered += 1;
        if connection.role == Role::Publisher {
            return;
        }
        match connection.order.hear(number) {
            Verdict::Double => self.tally.doubled += 1,
            Verdict::Late => self.tally.out_of_order += 1,
            Verdict::Next | Verdict::Skipping => {}
        }
    }
}
