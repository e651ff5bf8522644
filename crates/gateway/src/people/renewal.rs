//! Keeps this node's sockets known: each once in a third of its life, evenly spread, through the line. Who is in the hub
//! answers pings, since the wheel closes who does not; so a socket that died is kept for no longer than the wheel waits.

use std::collections::VecDeque;
use std::time::Duration;

use hallway_bus::presence::{Deed, RoomStep, Step, UserDeed};
use hallway_protocol::{ClientId, RoomName, UserId};

use super::{Entry, People};

/// Between two shares, and longest delay of what is new about a socket; shorter where a life is.
const TICK: Duration = Duration::from_secs(1);

impl People {
    /// Runs until it is dropped.
    pub(super) async fn renew(&self) {
        let round = self.terms.life / 3;
        let mut tick = tokio::time::interval(TICK.min(round / 4));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ticks = round.as_micros().div_ceil(tick.period().as_micros().max(1)).max(1) as usize;
        let mut users: VecDeque<(UserId, ClientId)> = VecDeque::new();
        let mut rooms: VecDeque<RoomName> = VecDeque::new();
        let (mut share_of_users, mut share_of_rooms, mut left) = (0, 0, 0_usize);
        loop {
            tick.tick().await;
            self.tell_changes();
            if left == 0 {
                self.hub.for_each_socket(|socket| {
                    // One that is still on its way in may never arrive.
                    let user = socket.user().filter(|_| self.is_told(socket.id()));
                    users.extend(user.map(|user| (user.clone(), socket.id())));
                });
                rooms.extend(self.hub.lines_where(|room| self.shows(room)));
                (share_of_users, share_of_rooms) = (users.len().div_ceil(ticks), rooms.len().div_ceil(ticks));
                left = ticks;
            }
            left -= 1;
            for (user, client) in users.drain(..share_of_users.min(users.len())) {
                let deed = Deed::Keep(client);
                let _ = self.line.send(Entry::User(UserDeed { user, deed })).await;
            }
            for room in rooms.drain(..share_of_rooms.min(rooms.len())) {
                self.renew_room(&room).await;
            }
        }
    }

    async fn renew_room(&self, room: &RoomName) {
        // An included one has the sockets of its home, and no roster.
        let Some(line) = self.hub.line(room).filter(|line| line.line == 0) else {
            return;
        };
        for chunk in line.room.members() {
            for socket in chunk.iter() {
                let step = RoomStep {
                    step: Step::Keep,
                    user: socket.user().cloned(),
                    client: socket.id(),
                };
                let _ = self.line.send(Entry::Room(room.clone(), step)).await;
            }
        }
    }

    fn tell_changes(&self) {
        let changed: Vec<ClientId> = self.changed.iter().map(|client| *client).collect();
        for client in changed {
            self.changed.remove(&client);
            if let Some(socket) = self.hub.socket(client) {
                self.tell(&socket, |client, about| Deed::Here { client, about });
            }
        }
    }
}
