//! The table of room kinds: what a room's name means. A kind says who may join, who may publish, what is
//! kept, whether people are shown, and which other rooms the same sockets hear.
//!
//! A room's kind is the text before its first `-`; a kind without an id (`pool`) is the whole name. A room
//! that is *included* (`board-7-tasks`) has no sockets of its own: whoever is in its home (`board-7`) hears it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ClientId, RoomName, RoomNameError, UserId};

/// Who may join a room of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinRule {
    /// The client, the user or the two users whose ids stand in the name.
    #[serde(rename = "self")]
    Own,
    /// Members by the database, and whoever `Claims` would let in.
    Members,
    /// Whoever the operator's backend lets in.
    Webhook,
    /// Whoever has the room, or a pattern that covers it, in the `rooms` claim of the token.
    Claims,
    /// Who is in the lobby whose room it is: `lobby.join` lets people in.
    Lobby,
    /// Anyone with an identity.
    SignedIn,
    /// Anyone, the anonymous too.
    Public,
}

/// Who may publish with `rooms.broadcast`. The operator's backend may always, through its API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishRule {
    /// Any signed-in socket that is in the room.
    InRoom,
    /// No client: the backend and the gateway itself.
    Backend,
}

/// What an id behind a kind's prefix must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdForm {
    /// Nothing: the kind's name is the room's name.
    None,
    /// Any text of the alphabet.
    Any,
    /// A connection.
    Client,
    /// A user.
    User,
    /// Two users, see [`pair`].
    Pair,
}

/// How much of a room's numbered broadcasts is kept for those who come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// At least this many of the newest broadcasts, as far as `bytes` allows.
    pub count: u32,
    /// About this many bytes at most, what is kept around the broadcasts included. The newest is kept in any case.
    pub bytes: u64,
    /// How long a broadcast can be brought to those who come back, and numbering and history outlive the last one.
    pub life: Duration,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The text before the first `-` of its rooms' names.
    pub name: String,
    /// Who may join.
    pub join: JoinRule,
    /// Which clients may publish.
    pub publish: PublishRule,
    /// Whether broadcasts are numbered and kept, and how many.
    pub keep: Option<Keep>,
    /// Whether people in its rooms are shown to one another.
    pub presence: bool,
    /// Whether messages are kept in its rooms (`messages.send` and its like).
    pub messages: bool,
    /// Whether people in its rooms are told who writes.
    pub typing: bool,
    /// Above how many users in a room their coming and going is told merged.
    pub merge_above: u32,
    /// How often then.
    pub merge_interval: Duration,
    /// Endings of the rooms that hear with this one, such as `-tasks`.
    pub includes: Vec<String>,
    /// Joined and left by the node itself, never on a client's request.
    pub by_node: bool,
    id: IdForm,
}

/// An operator's row: a new kind, or changes to a built-in one. Left-out fields keep what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindEntry {
    /// The kind: `[a-z][a-z0-9]*`.
    pub name: String,
    /// Who may join (a new kind: `members`).
    pub join: Option<JoinRule>,
    /// Which clients may publish (a new kind: `in-room`).
    pub publish: Option<PublishRule>,
    /// Whether broadcasts are numbered and kept (a new kind: yes).
    pub numbered: Option<bool>,
    /// How many broadcasts are kept (a new kind: 500).
    pub keep_count: Option<u32>,
    /// About how many bytes of them are kept at most (a new kind: 1,048,576).
    pub keep_bytes: Option<u64>,
    /// Seconds for which a broadcast can be caught up with, and that numbering and history outlive the last one (a new
    /// kind: 86,400).
    pub keep_seconds: Option<u64>,
    /// Whether people are shown (a new kind: yes).
    pub presence: Option<bool>,
    /// Whether messages are kept (a new kind: no).
    pub messages: Option<bool>,
    /// Whether people are told who writes (a new kind: as `presence`).
    pub typing: Option<bool>,
    /// Above how many users in a room their coming and going is told merged (a new kind: 100).
    pub presence_merge_above: Option<u32>,
    /// How often then, in milliseconds (a new kind: 2,000).
    pub presence_merge_ms: Option<u64>,
    /// Endings of included rooms (a new kind: none).
    pub includes: Option<Vec<String>>,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room<'k> {
    /// The row of the table.
    pub kind: &'k Kind,
    /// The room whose sockets hear it: itself, or the one that includes it.
    pub home: RoomName,
    /// Which line of the home it is: 0 for the home itself, then its kind's includes in order.
    pub line: usize,
    /// Whose room it is, where the id names someone.
    pub owner: Owner,
}

/// Whom a room's id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Nobody in particular.
    Nobody,
    /// One connection.
    Client(ClientId),
    /// One user.
    User(UserId),
    /// Two users, in sorted order.
    Pair(UserId, UserId),
}

/// All declared kinds.
#[derive(Debug, Clone)]
pub struct Kinds(BTreeMap<String, Kind>);

const DAY: Duration = Duration::from_secs(86_400);
const BYTES: u64 = 1024 * 1024;
const MERGE_ABOVE: u32 = 100;
const MERGE_INTERVAL: Duration = Duration::from_secs(2);

impl Kinds {
    /// The kinds that are always there.
    #[must_use]
    pub fn builtin() -> Self {
        use JoinRule::{Lobby, Members, Own, Public, SignedIn};
        use PublishRule::{Backend, InRoom};
        let kept = |count| {
            Some(Keep {
                count,
                bytes: BYTES,
                life: DAY,
            })
        };
        let row = |name: &str, id, join, publish, keep, presence| Kind {
            name: name.into(),
            join,
            publish,
            keep,
            presence,
            messages: matches!(name, "chat" | "group" | "lobby"),
            typing: presence,
            merge_above: MERGE_ABOVE,
            merge_interval: MERGE_INTERVAL,
            includes: Vec::new(),
            by_node: matches!(id, IdForm::Client),
            id,
        };
        let mut board = row("board", IdForm::Any, Members, InRoom, kept(500), true);
        board.includes = vec!["-tasks".into(), "-sprints".into()];
        let mut user = row("user", IdForm::User, Own, InRoom, kept(200), false);
        user.by_node = true;
        let rows = [
            row("client", IdForm::Client, Own, InRoom, None, false),
            user,
            row("org", IdForm::Any, Members, InRoom, kept(500), true),
            board,
            row("chat", IdForm::Pair, Own, InRoom, kept(500), true),
            row("group", IdForm::Any, Members, InRoom, kept(500), true),
            row("lobby", IdForm::Any, Lobby, InRoom, kept(200), true),
            row("pool", IdForm::None, SignedIn, Backend, None, false),
            row("presence", IdForm::User, SignedIn, Backend, None, false),
            row("public", IdForm::Any, Public, Backend, None, false),
        ];
        Self(rows.into_iter().map(|kind| (kind.name.clone(), kind)).collect())
    }

    /// The built-in kinds with an operator's rows laid over them.
    ///
    /// # Errors
    /// Says which row is wrong, and why.
    pub fn with(entries: &[KindEntry]) -> Result<Self, String> {
        let mut kinds = Self::builtin();
        for entry in entries {
            kinds
                .lay_over(entry)
                .map_err(|why| format!("kind `{}`: {why}", entry.name))?;
        }
        Ok(kinds)
    }

    fn lay_over(&mut self, entry: &KindEntry) -> Result<(), String> {
        let mut letters = entry.name.bytes();
        if !letters.next().is_some_and(|b| b.is_ascii_lowercase())
            || !letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            || entry.name.len() > 40
        {
            return Err("a kind's name is [a-z][a-z0-9]*, at most 40 bytes".into());
        }
        let kind = self.0.entry(entry.name.clone()).or_insert_with(|| Kind {
            name: entry.name.clone(),
            join: JoinRule::Members,
            publish: PublishRule::InRoom,
            keep: Some(Keep {
                count: 500,
                bytes: BYTES,
                life: DAY,
            }),
            presence: true,
            messages: false,
            typing: true,
            merge_above: MERGE_ABOVE,
            merge_interval: MERGE_INTERVAL,
            includes: Vec::new(),
            by_node: false,
            id: IdForm::Any,
        });
        if let Some(join) = entry.join {
            let named = matches!(kind.id, IdForm::Client | IdForm::User | IdForm::Pair);
            if join == JoinRule::Own && !named {
                return Err("join = \"self\" needs rooms whose id is a client or users".into());
            }
            if join == JoinRule::Lobby && kind.name != "lobby" {
                return Err("join = \"lobby\" is for the kind `lobby` only".into());
            }
            if join != JoinRule::Own && (kind.by_node || kind.id == IdForm::Pair) {
                return Err("who may join rooms of this kind cannot be changed".into());
            }
            kind.join = join;
        }
        kind.publish = entry.publish.unwrap_or(kind.publish);
        kind.typing = entry.typing.or(entry.presence).unwrap_or(kind.typing);
        kind.presence = entry.presence.unwrap_or(kind.presence);
        kind.messages = entry.messages.unwrap_or(kind.messages);
        if kind.messages && kind.by_node {
            return Err("rooms that the node itself joins keep no messages".into());
        }
        kind.merge_above = entry.presence_merge_above.unwrap_or(kind.merge_above);
        if let Some(interval) = entry.presence_merge_ms {
            if !(100..=60_000).contains(&interval) {
                return Err("presence_merge_ms is 100 to 60,000".into());
            }
            kind.merge_interval = Duration::from_millis(interval);
        }
        lay_over_keep(kind, entry)?;
        if let Some(includes) = &entry.includes {
            kind.includes = checked_includes(kind, includes)?;
        }
        Ok(())
    }

    /// The row of a kind.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// The row of a room's kind, if it has one.
    #[must_use]
    pub fn of(&self, room: &RoomName) -> Option<&Kind> {
        let text = room.as_str();
        self.get(text.split_once('-').map_or(text, |(name, _)| name))
    }

    /// The same table, with people shown in no room.
    #[must_use]
    pub fn without_presence(mut self) -> Self {
        self.0.values_mut().for_each(|kind| kind.presence = false);
        self
    }

    /// All rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.0.values()
    }

    /// Says what a room's name means.
    ///
    /// # Errors
    /// The name has no kind, or its id is none that the kind can have.
    pub fn resolve(&self, room: &RoomName) -> Result<Room<'_>, RoomNameError> {
        let text = room.as_str();
        let (name, id) = text.split_once('-').map_or((text, None), |(name, id)| (name, Some(id)));
        let kind = self.0.get(name).ok_or(RoomNameError::UnknownKind)?;
        let id = match (kind.id, id) {
            (IdForm::None, None) => {
                return Ok(Room {
                    kind,
                    home: room.clone(),
                    line: 0,
                    owner: Owner::Nobody,
                });
            }
            (IdForm::None, Some(_)) => return Err(RoomNameError::UnknownKind),
            (_, None | Some("")) => return Err(RoomNameError::NoId),
            (_, Some(id)) => id,
        };
        let (id, line) = strip_include(kind, id)?;
        let home = if line == 0 {
            room.clone()
        } else {
            RoomName::parse(&text[..name.len() + 1 + id.len()])?
        };
        let owner = match kind.id {
            IdForm::None | IdForm::Any => Owner::Nobody,
            IdForm::Client => Owner::Client(ClientId::parse(id).ok_or(RoomNameError::BadId)?),
            IdForm::User => Owner::User(UserId::parse(id).map_err(|_| RoomNameError::BadId)?),
            IdForm::Pair => {
                let (a, b) = pair(id).ok_or(RoomNameError::Pair)?;
                Owner::Pair(a, b)
            }
        };
        Ok(Room {
            kind,
            home,
            line,
            owner,
        })
    }

    /// The lines of a room: itself and those it includes, in order.
    #[must_use]
    pub fn lines(kind: &Kind, home: &RoomName) -> Vec<RoomName> {
        let mut lines = vec![home.clone()];
        // An included name may pass the length that a room name has; then nobody can publish there either.
        lines.extend(
            kind.includes
                .iter()
                .filter_map(|ending| RoomName::parse(&format!("{home}{ending}")).ok()),
        );
        lines
    }
}

fn lay_over_keep(kind: &mut Kind, entry: &KindEntry) -> Result<(), String> {
    let count = entry.keep_count.or(kind.keep.map(|keep| keep.count)).unwrap_or(500);
    let life = entry
        .keep_seconds
        .map(Duration::from_secs)
        .or(kind.keep.map(|keep| keep.life))
        .unwrap_or(DAY);
    let bytes = entry.keep_bytes.or(kind.keep.map(|keep| keep.bytes)).unwrap_or(BYTES);
    if !(4096..=1 << 30).contains(&bytes) {
        return Err("keep_bytes is 4,096 to 1,073,741,824".into());
    }
    if count == 0 || count > 100_000 {
        return Err("keep_count is 1 to 100,000".into());
    }
    if life < Duration::from_secs(60) || life > 365 * DAY {
        return Err("keep_seconds is 60 to 31,536,000".into());
    }
    let numbered = entry
        .numbered
        .unwrap_or(kind.keep.is_some() || entry.keep_count.is_some());
    kind.keep = numbered.then_some(Keep { count, bytes, life });
    Ok(())
}

fn checked_includes(kind: &Kind, includes: &[String]) -> Result<Vec<String>, String> {
    if kind.id != IdForm::Any && !includes.is_empty() {
        return Err("rooms of this kind include no others".into());
    }
    for (place, ending) in includes.iter().enumerate() {
        let good = ending.len() > 1 && ending.len() <= 40 && ending.starts_with('-');
        if !good
            || !ending[1..]
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        {
            return Err(format!("include `{ending}` is not -[a-z0-9]+"));
        }
        if includes[..place].contains(ending) {
            return Err(format!("include `{ending}` stands there twice"));
        }
    }
    Ok(includes.to_vec())
}

/// Takes an include's ending off an id, and says which line it is.
fn strip_include<'i>(kind: &Kind, id: &'i str) -> Result<(&'i str, usize), RoomNameError> {
    for (place, ending) in kind.includes.iter().enumerate() {
        // `board--tasks`: the ending is there, and no id before it.
        if id == &ending[1..] && ending.len() > 1 {
            continue;
        }
        if let Some(home) = id.strip_suffix(ending.as_str()) {
            return if home.is_empty() {
                Err(RoomNameError::NoId)
            } else {
                Ok((home, place + 1))
            };
        }
    }
    Ok((id, 0))
}

/// Whether a text has the form of a UUID (RFC 9562 §4), in either case.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Reads the two ids of a chat room, `{a}-{b}` with `a < b` bytewise. Ids may hold `-`, so a name can have
/// several readings; a wrong one would let a stranger in. The one that counts:
///
/// 1. the reading in which each id is a UUID or holds no `-`, if there is exactly one such;
/// 2. else the reading in sorted order, if there is exactly one such;
/// 3. else none: the name is refused.
#[must_use]
pub fn pair(id: &str) -> Option<(UserId, UserId)> {
    let readings = || {
        id.match_indices('-')
            .map(|(at, _)| (&id[..at], &id[at + 1..]))
            .filter(|(a, b)| a < b && !a.is_empty())
    };
    let whole = |text: &str| is_uuid(text) || !text.contains('-');
    let mut clear = readings().filter(|(a, b)| whole(a) && whole(b));
    let reading = match (clear.next(), clear.next()) {
        (Some(one), None) => Some(one),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let mut sorted = readings();
            sorted.next().filter(|_| sorted.next().is_none())
        }
    };
    let (a, b) = reading?;
    Some((UserId::parse(a).ok()?, UserId::parse(b).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<(String, String, usize), RoomNameError> {
        let kinds = Kinds::builtin();
        let room = RoomName::parse(text)?;
        let room = kinds.resolve(&room)?;
        Ok((room.kind.name.clone(), room.home.to_string(), room.line))
    }

    #[test]
    fn included_rooms_lead_home() {
        assert_eq!(resolve("board-7"), Ok(("board".into(), "board-7".into(), 0)));
        assert_eq!(resolve("board-7-tasks"), Ok(("board".into(), "board-7".into(), 1)));
        assert_eq!(resolve("board-7-sprints"), Ok(("board".into(), "board-7".into(), 2)));
        assert_eq!(resolve("board-tasks"), Ok(("board".into(), "board-tasks".into(), 0)));
        assert_eq!(resolve("board--tasks"), Err(RoomNameError::NoId));
        assert_eq!(resolve("org-7-tasks"), Ok(("org".into(), "org-7-tasks".into(), 0)));
    }

    #[test]
    fn nonsense_is_refused() {
        for (text, why) in [
            ("", RoomNameError::Empty),
            ("board", RoomNameError::NoId),
            ("board-", RoomNameError::NoId),
            ("bored-7", RoomNameError::UnknownKind),
            ("pool-7", RoomNameError::UnknownKind),
            ("board-a b", RoomNameError::Alphabet),
            ("board-\u{e9}", RoomNameError::Alphabet),
            ("board-{x}", RoomNameError::Alphabet),
            ("board-*", RoomNameError::Alphabet),
            ("client-nobody", RoomNameError::BadId),
            ("-", RoomNameError::UnknownKind),
        ] {
            assert_eq!(resolve(text).unwrap_err(), why, "{text:?}");
        }
        assert_eq!(
            resolve(&format!("org-{}", "x".repeat(197))).unwrap_err(),
            RoomNameError::TooLong
        );
        assert!(resolve(&format!("org-{}", "x".repeat(196))).is_ok());
    }

    #[test]
    fn a_pair_is_told_apart_without_doubt() {
        let read = |id: &str| pair(id).map(|(a, b)| (a.to_string(), b.to_string()));
        let two = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(read("alice-bob"), two("alice", "bob"));
        assert_eq!(read("bob-alice"), None, "not sorted");
        assert_eq!(read("bob-bob"), None, "one user");
        assert_eq!(read("a-b-c"), None, "two readings");
        assert_eq!(read("user-1-user-2"), two("user-1", "user-2"), "one sorted reading");
        let (low, high) = (
            "0b7d2b1e-5b7c-4a6e-9c55-0a4c5f1b2d3e",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        );
        assert_eq!(read(&format!("{low}-{high}")), two(low, high));
        assert_eq!(read(&format!("{high}-{low}")), None, "not sorted");
        assert_eq!(read(&format!("{low}-zoe")), two(low, "zoe"));
        for id in ["", "-", "a", "a-", "-a"] {
            assert_eq!(read(id), None, "{id}");
        }
    }

    #[test]
    fn an_operator_changes_and_adds_kinds() {
        let entry = |text: &str| serde_json::from_str::<KindEntry>(text).unwrap();
        let kinds = Kinds::with(&[
            entry(r#"{"name":"board","join":"signed-in"}"#),
            entry(r#"{"name":"order","includes":["-items"],"numbered":false}"#),
            entry(r#"{"name":"org","messages":true}"#),
        ])
        .unwrap();
        let with_messages: Vec<_> = kinds.iter().filter(|kind| kind.messages).collect();
        let names: Vec<_> = with_messages.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(names, ["chat", "group", "lobby", "org"]);
        assert_eq!(kinds.get("board").unwrap().join, JoinRule::SignedIn);
        assert_eq!(kinds.get("board").unwrap().includes.len(), 2, "kept");
        assert_eq!(kinds.get("order").unwrap().keep, None);
        for bad in [
            r#"{"name":"Order"}"#,
            r#"{"name":"a-b"}"#,
            r#"{"name":"user","join":"public"}"#,
            r#"{"name":"chat","join":"signed-in"}"#,
            r#"{"name":"order","join":"self"}"#,
            r#"{"name":"order","includes":["items"]}"#,
            r#"{"name":"order","includes":["-a","-a"]}"#,
            r#"{"name":"order","keep_count":0}"#,
            r#"{"name":"user","messages":true}"#,
        ] {
            assert!(Kinds::with(&[entry(bad)]).is_err(), "{bad}");
        }
    }
}
