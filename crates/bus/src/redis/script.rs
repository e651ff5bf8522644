//! Scripts that Redis runs, and their loading.

use std::sync::LazyLock;

use bytes::Bytes;
use fred::bytes_utils::Str;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::LuaInterface;
use fred::types::{Key, Value};

/// A script, called by the hash of its text.
pub(super) struct Script {
    text: &'static str,
    hash: LazyLock<Str>,
}

macro_rules! scripts {
    ($($(#[$about:meta])* $name:ident = $($file:literal)+;)*) => {
        $($(#[$about])* pub(super) static $name: Script = Script {
            text: concat!($(include_str!($file)),+),
            hash: LazyLock::new(|| fred::util::sha1_hash(concat!($(include_str!($file)),+)).into()),
        };)*
        /// All of them.
        static ALL: &[&Script] = &[$(&$name),*];
    };
}

scripts! {
    /// Publishes many.
    PUBLISH = "scripts/number.lua" "scripts/publish.lua";
    /// Where rooms stand.
    STATES = "scripts/states.lua";
    /// A room's history.
    HISTORY = "scripts/history.lua";
    /// Whether a server goes on with what was there before it.
    LINEAGE = "scripts/lineage.lua";
    /// Who is alive.
    NODES = "scripts/nodes.lua";
    /// Says that a node is alive.
    ANNOUNCE = "scripts/announce.lua";
    /// Remembers whose credentials are over.
    REVOKE = "scripts/revoke.lua";
    /// Whose credentials are over.
    REVOKED = "scripts/revoked.lua";
    /// Takes a seat.
    TAKE_SEAT = "scripts/take_seat.lua";
    /// Renews seats.
    RENEW_SEATS = "scripts/renew_seats.lua";
    /// Gives seats back.
    GIVE_BACK_SEATS = "scripts/give_back_seats.lua";
    /// Makes a lobby.
    CREATE_LOBBY = "scripts/lobby.lua" "scripts/lobby_create.lua";
    /// Lets someone into a lobby.
    JOIN_LOBBY = "scripts/lobby.lua" "scripts/lobby_join.lua";
    /// Takes someone out of a lobby, or all.
    LEAVE_LOBBY = "scripts/lobby.lua" "scripts/lobby_leave.lua";
    /// Says whose sockets a node holds in lobbies.
    HOLD_IN_LOBBIES = "scripts/lobby.lua" "scripts/lobby_hold.lua";
    /// Takes out of lobbies whose time is up.
    SETTLE_LOBBIES = "scripts/lobby.lua" "scripts/lobby_settle.lua";
    /// Reads lobbies.
    READ_LOBBIES = "scripts/lobby.lua" "scripts/lobby_read.lua";
    /// Says which lobby a user is in.
    CLAIM_LOBBY = "scripts/lobby_claim.lua";
    /// Renews that.
    RENEW_CLAIMS = "scripts/lobby_claims.lua";
    /// Changes the list of lobbies.
    LIST_LOBBIES = "scripts/lobbies_list.lua";
    /// Reads a page of it.
    PAGE_OF_LOBBIES = "scripts/lobbies_page.lua";
    /// Finds lobbies that are due.
    DUE_LOBBIES = "scripts/lobbies_due.lua";
    /// Takes a piece of work.
    LEASE = "scripts/lease.lua";
    /// Notes what users do.
    PEOPLE = "scripts/people.lua";
    /// What is known of users.
    PEOPLE_READ = "scripts/people_read.lua";
    /// Notes who enters rooms and who leaves.
    ROSTER = "scripts/number.lua" "scripts/roster.lua";
    /// Who is in a room.
    ROSTER_READ = "scripts/roster_read.lua";
    /// Writes down what is to be looked at.
    AGENDA = "scripts/agenda.lua";
    /// Gives out what is due.
    AGENDA_DUE = "scripts/agenda_due.lua";
    /// Appends to a partition of the journal.
    JOURNAL_APPEND = "scripts/journal_append.lua";
    /// Takes or renews a partition's lease, and reads.
    JOURNAL_TAKE = "scripts/journal_take.lua";
    /// Forgets what was taken from a partition.
    JOURNAL_CONFIRM = "scripts/journal_confirm.lua";
    /// Gives a partition's lease back.
    JOURNAL_RELEASE = "scripts/journal_release.lua";
}

impl Script {
    /// Runs it once. Sends its command at the first poll.
    pub(super) async fn run(&self, client: &Client, keys: Vec<Key>, args: Vec<Value>) -> Result<Value, Error> {
        client.evalsha(self.hash.clone(), keys, args).await
    }

    /// Runs it; loads all of them and runs it again where the server does not know it.
    pub(super) async fn run_loading(&self, client: &Client, keys: Vec<Key>, args: Vec<Value>) -> Result<Value, Error> {
        match self.run(client, keys.clone(), args.clone()).await {
            Err(why) if is_unknown_script(&why) => {
                load(client).await?;
                self.run(client, keys, args).await
            }
            result => result,
        }
    }
}

/// Whether a server says that it does not know a script.
pub(super) fn is_unknown_script(why: &Error) -> bool {
    why.details().starts_with("NOSCRIPT")
}

/// Makes a server know all of them.
pub(super) async fn load(client: &Client) -> Result<(), Error> {
    for script in ALL {
        let _: Value = client.script_load(script.text).await?;
    }
    Ok(())
}

/// Text in an answer.
pub(super) fn text_of(value: Value) -> Option<String> {
    bytes_of(value).and_then(|bytes| String::from_utf8(bytes.into()).ok())
}

/// Text or bytes in an answer.
pub(super) fn bytes_of(value: Value) -> Option<Bytes> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::String(text) => Some(text.into_inner()),
        _ => None,
    }
}
