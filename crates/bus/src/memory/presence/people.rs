//! One user: the sockets, what they chose, and how they stand. Does what `redis/scripts/people.lua` does.

use std::time::Instant;

use hallway_protocol::{ClientId, Status};

use crate::presence::{Deed, Person, Standing, Terms};

/// Now, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) now: Instant,
    /// Milliseconds since 1970.
    pub(super) unix: u64,
}

#[derive(Debug)]
struct Socket {
    client: ClientId,
    ends: Instant,
    about: Box<str>,
}

/// What is known of a user.
#[derive(Debug, Default)]
pub(super) struct Record {
    sockets: Vec<Socket>,
    chosen: Option<Status>,
    is_here: bool,
    /// Since when without sockets.
    gone: Option<Instant>,
    /// When a socket was last there, in milliseconds since 1970.
    pub(super) seen_at: u64,
    /// When to look at it again; nothing once there is nothing to know.
    pub(super) due: Option<Instant>,
}

/// Who is not known.
pub(super) fn nobody() -> Person {
    Record::default().read(Instant::now())
}

impl Record {
    /// Notes a deed; the change, if it is one. The socket, if it was to be kept and is not known.
    pub(super) fn note(
        &mut self,
        deed: Deed,
        terms: Terms,
        time: Time,
    ) -> Result<Option<(Standing, Standing)>, ClientId> {
        let ends = time.now + terms.life;
        let before = self.standing();
        match deed {
            Deed::Here { client, about } | Deed::Back { client, about } => {
                self.sockets.retain(|socket| socket.client != client);
                self.sockets.push(Socket {
                    client,
                    ends,
                    about: about.into(),
                });
            }
            Deed::Keep(client) => match self.sockets.iter_mut().find(|socket| socket.client == client) {
                Some(socket) => socket.ends = ends,
                None => return Err(client),
            },
            Deed::Left(client) => {
                let had = self.sockets.len();
                self.sockets.retain(|socket| socket.client != client);
                if self.sockets.len() < had {
                    self.seen_at = time.unix;
                }
            }
            Deed::Chose(status) => {
                self.chosen = Some(status);
                self.seen_at = time.unix;
            }
        }
        self.judge(terms, time);
        let now = self.standing();
        Ok((before != now).then_some((before, now)))
    }

    /// Looks whether time has changed anything; the change, if so.
    pub(super) fn judge(&mut self, terms: Terms, time: Time) -> Option<(Standing, Standing)> {
        let before = self.standing();
        let over = self.sockets.iter().filter(|socket| socket.ends <= time.now);
        if let Some(last) = over.map(|socket| socket.ends).max() {
            let ago = (time.now - last) + terms.life;
            self.seen_at = self.seen_at.max(time.unix.saturating_sub(ago.as_millis() as u64));
            self.sockets.retain(|socket| socket.ends > time.now);
        }
        let last = self.sockets.iter().map(|socket| socket.ends).max();
        if last.is_some() {
            (self.is_here, self.gone, self.due) = (true, None, last);
        } else {
            let gone = *self.gone.get_or_insert(time.now);
            self.is_here &= gone + terms.grace > time.now;
            let forget = gone + terms.grace + terms.remember;
            self.due = match self.is_here {
                true => Some(gone + terms.grace),
                false => Some(forget).filter(|forget| *forget > time.now),
            };
            if !before.is_here && self.chosen.is_none() && self.seen_at == 0 {
                self.due = None;
            }
        }
        let now = self.standing();
        (before != now).then_some((before, now))
    }

    fn standing(&self) -> Standing {
        Standing {
            is_here: self.is_here,
            status: match self.is_here {
                true => self.chosen.unwrap_or(Status::Online),
                false => Status::Offline,
            },
        }
    }

    pub(super) fn read(&self, now: Instant) -> Person {
        let living = self.sockets.iter().filter(|socket| socket.ends > now);
        Person {
            standing: self.standing(),
            seen_at: Some(self.seen_at).filter(|at| *at > 0),
            sockets: living.map(|socket| (socket.client, socket.about.to_string())).collect(),
        }
    }
}
