//! Whether a server goes on with the numbers that were given out before it.
//!
//! A promoted replica that was behind, or a server that came back from an old copy of its data, would give out
//! numbers again that clients hold already, for other broadcasts. So every new link for commands has the server
//! prove that it has everything. One that cannot raises the floor: epochs below it are over, whatever the server
//! holds of them. The floor stands in Redis, so that all nodes read the same (`scripts/lineage.lua`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::{CustomCommand, Value};
use hallway_protocol::Epoch;
use parking_lot::Mutex;

use super::script::{self, text_of};

/// What this node knows of all servers' numbering. It only rises.
#[derive(Debug, Default)]
pub(super) struct Floors {
    floor: AtomicU64,
    /// The latest time by a server's clock, in milliseconds.
    seen: AtomicU64,
}

impl Floors {
    /// Whether an epoch counts.
    pub(super) fn holds(&self, epoch: Epoch) -> bool {
        epoch.0 >= self.floor()
    }

    /// Epochs below it are over.
    pub(super) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Remembers a time that a server told, in milliseconds.
    pub(super) fn saw(&self, ts: u64) {
        self.seen.fetch_max(ts, Ordering::Relaxed);
    }
}

/// From where on epochs count, as the script that publishes is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Since {
    /// Epochs below it are over.
    pub(super) floor: u64,
    /// How many milliseconds the clock that epochs are taken from is ahead of the server's.
    pub(super) ahead: u64,
}

impl Since {
    /// A time of the server's clock by the clock that epochs are taken from; 0 for none.
    pub(super) fn on_epochs_clock(self, ts: Option<u64>) -> u64 {
        ts.map_or(0, |ts| ts.saturating_add(self.ahead))
    }
}

/// The lineage of one server, or of those that follow one another in its place.
pub(super) struct Lineage {
    /// The key of its record.
    key: String,
    floors: Arc<Floors>,
    /// As the server last told it.
    known: Mutex<String>,
    ahead: AtomicU64,
}

impl Lineage {
    /// `known`: the run that was in its place before, if it was under another key.
    pub(super) fn new(key: String, floors: Arc<Floors>, known: String) -> Self {
        Self {
            key,
            floors,
            known: Mutex::new(known),
            ahead: AtomicU64::new(0),
        }
    }

    pub(super) fn floors(&self) -> &Arc<Floors> {
        &self.floors
    }

    /// The run that was there last; empty for none.
    pub(super) fn known(&self) -> String {
        self.known.lock().clone()
    }

    /// From where on epochs count now.
    pub(super) fn since(&self) -> Since {
        Since {
            floor: self.floors.floor(),
            ahead: self.ahead.load(Ordering::Relaxed),
        }
    }

    /// Has a server prove what it goes on with, and learns the floor.
    ///
    /// # Errors
    /// The server is a replica (`READONLY`), does not let us ask (`NOPERM`), or is away.
    pub(super) async fn prove(&self, client: &Client) -> Result<Proven, Error> {
        let home = home(client).await?;
        let was = self.known.lock().clone();
        let args = vec![
            home.into(),
            was.clone().into(),
            self.since().floor.to_string().into(),
            self.floors.seen.load(Ordering::Relaxed).to_string().into(),
        ];
        let answer = script::LINEAGE
            .run_loading(client, vec![self.key.as_str().into()], args)
            .await?;
        let unreadable = || Error::new(ErrorKind::Parse, "the server's lineage could not be read");
        let mut answer = answer.into_array().into_iter().map_while(text_of);
        let run = answer.next().ok_or_else(unreadable)?;
        let mut number = || answer.next().and_then(|text| text.parse::<u64>().ok());
        let (Some(floor), Some(ahead), Some(clock)) = (number(), number(), number()) else {
            return Err(unreadable());
        };
        let before = self.floors.floor.fetch_max(floor, Ordering::AcqRel);
        if before != 0 && before < floor {
            tracing::warn!(
                floor,
                "this Redis cannot show that it has all that was published: numbering begins anew, and clients are told"
            );
        }
        self.ahead.store(ahead, Ordering::Relaxed);
        let is_same = was == run;
        *self.known.lock() = run;
        Ok(Proven { is_same, clock })
    }
}

/// What a server proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proven {
    /// Whether it is the run that was there before, and not another or the first.
    pub(super) is_same: bool,
    /// What the clock said that epochs are taken from, in milliseconds.
    pub(super) clock: u64,
}

/// The server's own address, if it writes down what it does before it answers: then what it finds when it starts again
/// there is all that it ever said. Empty if it does not, or does not tell. It is the server that names its address:
/// nodes may reach it by ways of their own, and two servers in turn by one way.
async fn home(client: &Client) -> Result<String, Error> {
    let mode = asked(client, "CONFIG", &["GET", "appendfsync"]).await?;
    let mode = mode.and_then(|answer| answer.into_array().into_iter().nth(1).and_then(text_of));
    if mode.as_deref() != Some("always") {
        return Ok(String::new());
    }
    let info = asked(client, "CLIENT", &["INFO"]).await?.and_then(text_of);
    let address = info.as_deref().and_then(|info| {
        let mut fields = info.split_ascii_whitespace();
        fields.find_map(|field| field.strip_prefix("laddr="))
    });
    Ok(address.unwrap_or_default().to_owned())
}

/// The answer to a question that the server may not permit, or not know where it is someone else's: `None` then.
async fn asked(client: &Client, command: &'static str, args: &[&str]) -> Result<Option<Value>, Error> {
    let command = CustomCommand::new_static(command, None, false);
    let args: Vec<Value> = args.iter().map(|&arg| arg.into()).collect();
    match client.custom::<Value, _>(command, args).await {
        Ok(answer) => Ok(Some(answer)),
        Err(why) if matches!(why.kind(), ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled) => Err(why),
        Err(_) => Ok(None),
    }
}
