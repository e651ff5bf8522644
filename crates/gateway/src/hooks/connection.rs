//! `client.connected` and `client.disconnected`.

use hallway_hub::Socket;

use super::{HookEvent, Hooks};
use crate::clock::unix_ms;

/// How a connection began.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// In Unix milliseconds.
    at: u64,
    /// Whether it had no user yet: its end is told in order with its beginning, not with its later user's events.
    anonymous: bool,
}

impl Hooks {
    /// A connection was admitted by a node.
    pub fn connected(&self, node: &str, socket: &Socket) -> Since {
        let (at, user) = (unix_ms(), socket.user());
        let since = Since {
            at,
            anonymous: user.is_none(),
        };
        if self.work.is_some() {
            self.tell(HookEvent::ClientConnected {
                client_id: socket.id(),
                user_id: user.cloned(),
                node: node.to_owned(),
                connected_at: at,
            });
        }
        since
    }

    /// It ended.
    pub fn disconnected(&self, node: &str, socket: &Socket, since: Since) {
        if self.work.is_none() {
            return;
        }
        let event = HookEvent::ClientDisconnected {
            client_id: socket.id(),
            user_id: socket.user().cloned(),
            code: socket.close_code_wire(),
            node: node.to_owned(),
            connected_at: since.at,
        };
        if since.anonymous {
            self.tell_about(HookEvent::subject_of(socket.id()), &event);
        } else {
            self.tell(event);
        }
    }
}
