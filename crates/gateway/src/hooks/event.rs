//! What the backend is told of, declared once: the names of the settings and metrics, and the bodies, come from here.

use hallway_protocol::{ClientId, RoomName, UserId};
use hallway_settings::{Kind, Value};
use serde::Serialize;

/// Declares the events: a row per event, with its name and what is said.
macro_rules! hook_events {
    ($(
        #[doc = $doc:literal]
        $event:ident = $name:literal {
            $($(#[$attribute:meta])* $field:ident: $type:ty,)+
        }
    )+) => {
        /// What the backend is told. Times are Unix milliseconds.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "type", content = "data")]
        #[allow(missing_docs, reason = "the sentence of an event tells its fields")]
        pub enum HookEvent {
            $(
                #[doc = $doc]
                #[serde(rename = $name, rename_all = "camelCase")]
                $event { $($(#[$attribute])* $field: $type,)+ },
            )+
        }

        /// Which event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum HookKind {
            $(#[doc = $doc] $event,)+
        }

        impl HookKind {
            /// Every row, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$event,)+];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$event => $name,)+ }
            }
        }

        impl HookEvent {
            /// Which one it is.
            #[must_use]
            pub fn kind(&self) -> HookKind {
                match self { $(Self::$event { .. } => HookKind::$event,)+ }
            }
        }

        impl Value for HookKind {
            const KIND: Kind = Kind::text("EVENT", concat!("one of:" $(, " ", $name)+));

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == text)
            }

            fn print(&self) -> String {
                // A name holds nothing that TOML would escape.
                format!("\"{}\"", self.name())
            }
        }
    };
}

hook_events! {
    /// A user's first socket on any node.
    UserOnline = "user.online" { user_id: UserId, }
    /// A user's last socket on any node is gone; when they were last there.
    UserOffline = "user.offline" { user_id: UserId, last_seen_at: u64, }
    /// A room's first socket on any node.
    RoomOccupied = "room.occupied" { room: RoomName, }
    /// A room's last socket on any node is gone.
    RoomVacated = "room.vacated" { room: RoomName, }
    /// A connection was admitted, with a user or, where that is allowed, without.
    ClientConnected = "client.connected" {
        client_id: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        node: String,
        connected_at: u64,
    }
    /// A connection ended; with which WebSocket close code (1006: without a close frame).
    ClientDisconnected = "client.disconnected" {
        client_id: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        code: u16,
        node: String,
        connected_at: u64,
    }
    /// A message was stored for a user who has no socket: the moment for a push notification.
    MessageOffline = "message.offline" { user_id: UserId, room: RoomName, message: serde_json::Value, }
}

impl HookEvent {
    /// Whom it is about: what is about one subject is told in order. A connection is about its user.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::UserOnline { user_id } | Self::UserOffline { user_id, .. } | Self::MessageOffline { user_id, .. } => {
                user(user_id)
            }
            Self::RoomOccupied { room } | Self::RoomVacated { room } => format!("room/{room}"),
            Self::ClientConnected { client_id, user_id, .. } | Self::ClientDisconnected { client_id, user_id, .. } => {
                user_id.as_ref().map_or_else(|| Self::subject_of(*client_id), user)
            }
        }
    }

    /// A connection without a user.
    pub(super) fn subject_of(client: ClientId) -> String {
        format!("client/{client}")
    }
}

fn user(id: &UserId) -> String {
    format!("user/{id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alice() -> UserId {
        UserId::parse("alice").unwrap()
    }

    fn room() -> RoomName {
        RoomName::parse("board-42").unwrap()
    }

    #[test]
    fn what_each_says() {
        let client_id = ClientId::from_bits(7);
        let id = serde_json::to_value(client_id).unwrap();
        let connected = |user_id| HookEvent::ClientConnected {
            client_id,
            user_id,
            node: "n".into(),
            connected_at: 5,
        };
        let disconnected = HookEvent::ClientDisconnected {
            client_id,
            user_id: Some(alice()),
            code: 1006,
            node: "n".into(),
            connected_at: 5,
        };
        let offline = HookEvent::UserOffline {
            user_id: alice(),
            last_seen_at: 9,
        };
        let message = HookEvent::MessageOffline {
            user_id: alice(),
            room: room(),
            message: json!({"id": 1}),
        };
        let told = [
            (
                HookEvent::UserOnline { user_id: alice() },
                "user.online",
                json!({"userId": "alice"}),
                "user/alice",
            ),
            (
                offline,
                "user.offline",
                json!({"userId": "alice", "lastSeenAt": 9}),
                "user/alice",
            ),
            (
                HookEvent::RoomOccupied { room: room() },
                "room.occupied",
                json!({"room": "board-42"}),
                "room/board-42",
            ),
            (
                HookEvent::RoomVacated { room: room() },
                "room.vacated",
                json!({"room": "board-42"}),
                "room/board-42",
            ),
            (
                connected(Some(alice())),
                "client.connected",
                json!({"clientId": id, "userId": "alice", "node": "n", "connectedAt": 5}),
                "user/alice",
            ),
            (
                connected(None),
                "client.connected",
                json!({"clientId": id, "node": "n", "connectedAt": 5}),
                &format!("client/{client_id}"),
            ),
            (
                disconnected,
                "client.disconnected",
                json!({"clientId": id, "userId": "alice", "code": 1006, "node": "n", "connectedAt": 5}),
                "user/alice",
            ),
            (
                message,
                "message.offline",
                json!({"userId": "alice", "room": "board-42", "message": {"id": 1}}),
                "user/alice",
            ),
        ];
        for (event, name, data, subject) in told {
            assert_eq!(
                serde_json::to_value(&event).unwrap(),
                json!({"type": name, "data": data})
            );
            assert_eq!((event.kind().name(), event.subject().as_str()), (name, subject));
            assert_eq!(HookKind::parse(name), Some(event.kind()));
        }
        assert_eq!(HookKind::parse("user.gone"), None);
    }
}
