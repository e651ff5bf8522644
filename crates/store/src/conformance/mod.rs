//! What every store must do, as tests. [`conformance_tests!`](crate::conformance_tests) makes a test of each.

mod members;
mod messages;
mod outbox;
mod people;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use hallway_protocol::{RoomName, UserId};
use tokio::time::timeout;

pub use members::*;
pub use messages::*;
pub use outbox::*;
pub use people::*;

use crate::{Answer, MessageKind, NewMessage, Store, Stored};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a case asks for.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// For how long who stored a change has it to themselves.
    pub lease: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(3600),
        }
    }
}

/// Two nodes' stores over one database that nobody else uses.
pub struct Subject {
    /// The first node's.
    pub store: Arc<dyn Store>,
    /// The second node's.
    pub other: Arc<dyn Store>,
    /// What they need to live, such as their server.
    pub guard: Box<dyn Any + Send>,
}

/// What a call that must work answered.
async fn done<T>(call: Answer<T>) -> T {
    timeout(PATIENCE, call).await.expect("in time").expect("done")
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a room's name")
}

fn user(id: &str) -> UserId {
    UserId::parse(id).expect("a user's id")
}

fn text(room: &RoomName, from: &UserId, content: &str) -> NewMessage {
    NewMessage {
        room: room.clone(),
        from_user: from.clone(),
        kind: MessageKind::Text,
        content: content.to_owned(),
        reply_to: None,
        client_message_id: None,
    }
}

impl Subject {
    async fn say(&self, room: &RoomName, content: &str) -> Stored {
        done(self.store.insert_message(text(room, &user("ann"), content))).await
    }
}

/// Makes a test of every case. The argument is an `async fn(Setup) -> Subject`.
#[macro_export]
macro_rules! conformance_tests {
    ($make:path) => {
        $crate::conformance_tests! { $make;
            users_have_names_and_statuses
            an_older_status_is_not_taken
            closing_ends_calls
            members_come_and_go
            a_member_has_one_role
            a_mute_outlives_leaving
            a_ban_ends_a_membership_and_forbids_another
            members_and_rooms_come_in_pages
            messages_are_stored_as_they_are
            a_repeat_is_the_same_message
            repeats_on_two_nodes_are_one_message
            an_answer_needs_its_message
            messages_come_in_pages
            ids_rise_across_nodes
            a_reader_misses_nothing_while_nodes_write
            edits_and_deletions_are_changes
            changes_are_found_since_a_time
            reactions_are_counted
            reactions_are_bounded
            what_is_not_there_cannot_be_changed
            sql_in_a_text_is_text
            a_nul_is_refused_everywhere
            positions_only_move_forward
            read_positions_come_in_pages
            changes_wait_until_they_are_sent
            a_lease_keeps_changes_from_others
            nodes_share_what_is_unsent
            what_an_outbox_tells_is_complete
        }
    };
    ($make:path; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$case($make).await;
            }
        )+
    };
}
