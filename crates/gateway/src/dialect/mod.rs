//! Dialects: how one application's Socket.IO client speaks, as data. A file says which events are which requests, what
//! is acknowledged, and as which events broadcasts are heard. Which dialect answers is chosen by namespace.
//!
//! - [`mod@file`]: reading and checking; [`template`]: how values are made of values.
//! - [`writer`]: from the node's frames to packets of Socket.IO, once for all sockets of a namespace.

mod file;
pub(crate) mod rosters;
mod template;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hallway_auth::Identity;
use hallway_hub::Foreign;
use hallway_protocol::{ClientFrame, ClientId, Endpoint, Error, ErrorCode, FrameError, RoomName, UserId, json, limits};
use hallway_socketio::packet::MAIN;
use serde_json::value::RawValue;

use crate::connection::requests::{Ask, Bring};
use template::{Missing, Path, Scope, Template};
use writer::SocketIo;

/// Those that ship, by name.
const SHIPPED: [(&str, &str); 6] = [
    ("native", include_str!("shipped/native.toml")),
    ("lobby", include_str!("shipped/lobby.toml")),
    ("lobby-public", include_str!("shipped/lobby-public.toml")),
    ("conversation", include_str!("shipped/conversation.toml")),
    ("presence", include_str!("shipped/presence.toml")),
    ("group", include_str!("shipped/group.toml")),
];
/// Most namespaces of all dialects.
const NAMESPACES: usize = 64;

/// How one kind of client speaks.
#[derive(Debug)]
pub(crate) struct Dialect {
    namespaces: Vec<String>,
    /// Whether who is nobody is refused.
    signed_in: bool,
    /// Rooms that a client is in by connecting.
    joins: Vec<Template>,
    /// What people read, by `code` or `code field`.
    errors: BTreeMap<String, String>,
    /// The first is for events that stand in none.
    sends: Vec<Sends>,
    hears: Vec<Hears>,
    greeting: Greeting,
}

/// An event of the client that is a request.
#[derive(Debug)]
struct Sends {
    event: String,
    /// All must hold; the first rule of an event that fits counts.
    when: Vec<Condition>,
    does: Does,
    bring: Option<Bringing>,
    then: Option<Follows>,
    ack: Template,
    ack_refused: Template,
    answer: Option<Event>,
    refused: Option<Event>,
}

/// What must be in the arguments.
#[derive(Debug)]
struct Condition {
    path: Path,
    pattern: String,
}

#[derive(Debug)]
enum Does {
    Ask { endpoint: Names, args: Option<Template> },
    Refuse(ErrorCode, String),
}

/// A user who is to be in a chat first.
#[derive(Debug)]
struct Bringing {
    user: Template,
    room: Template,
}

/// What is asked when the first is done.
#[derive(Debug)]
struct Follows {
    endpoint: Endpoint,
    args: Option<Template>,
}

/// What an event asks for.
#[derive(Debug)]
enum Names {
    One(Endpoint),
    /// It says so itself.
    From(Template),
    None,
}

/// A broadcast that is an event, or nothing.
#[derive(Debug)]
struct Hears {
    room: Option<String>,
    destination: Option<String>,
    event: Option<Event>,
}

#[derive(Debug)]
struct Event {
    /// As many events as names.
    names: Vec<Template>,
    data: Template,
}

#[derive(Debug)]
struct Greeting {
    hello: Option<Event>,
    goodbye: Option<Event>,
}

/// A dialect in one of its namespaces.
#[derive(Debug)]
pub struct Voice {
    namespace: String,
    dialect: Arc<Dialect>,
    form: Arc<Foreign>,
}

/// All that a node speaks, by namespace.
#[derive(Debug)]
pub struct Dialects {
    voices: HashMap<String, Arc<Voice>>,
    /// Forms of dialects that hear who is in a room.
    rosters: Vec<u8>,
    /// Whether their clients are told where they stand.
    pub recovery: bool,
}

impl Dialects {
    /// Those that ship, and the operator's files; `main` answers on the main namespace too.
    ///
    /// # Errors
    /// What is wrong, with the file and the line.
    pub fn load(main: &str, paths: &[String], recovery: bool) -> Result<Self, String> {
        let read = |path: &String| {
            let name = std::path::Path::new(path).file_stem().and_then(|stem| stem.to_str());
            let name = name.ok_or_else(|| format!("socketio.dialects: {path:?} is no file's name"))?;
            let text = std::fs::read_to_string(path).map_err(|why| format!("socketio.dialects: {path}: {why}"))?;
            Ok((name.to_owned(), text))
        };
        let files = paths.iter().map(read).collect::<Result<Vec<_>, String>>()?;
        let loaded = Self::with(main, &files)?;
        Ok(Self { recovery, ..loaded })
    }

    /// The same, of names and texts.
    fn with(main: &str, files: &[(String, String)]) -> Result<Self, String> {
        let shipped = SHIPPED.iter().copied();
        let own = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let mut voices = HashMap::new();
        let mut rosters = Vec::new();
        let mut number = 0;
        let mut found = false;
        for (name, text) in shipped.chain(own) {
            let dialect = Arc::new(file::read(text).map_err(|why| format!("the dialect {name}: {why}"))?);
            let mains = (name == main).then(|| MAIN.to_owned());
            found |= mains.is_some();
            for namespace in dialect.namespaces.iter().chain(&mains) {
                if voices.contains_key(namespace) {
                    return Err(format!("the dialect {name}: another one answers on {namespace}"));
                }
                let writer = SocketIo::new(namespace.clone(), Arc::clone(&dialect));
                voices.insert(
                    namespace.clone(),
                    Arc::new(Voice {
                        namespace: namespace.clone(),
                        dialect: Arc::clone(&dialect),
                        form: Arc::new(Foreign::new(number, Box::new(writer))),
                    }),
                );
                if dialect.hears_rosters() {
                    rosters.push(number);
                }
                number += 1;
                if usize::from(number) > NAMESPACES {
                    return Err(format!("more than {NAMESPACES} namespaces"));
                }
            }
        }
        if !found {
            return Err(format!("socketio.main: there is no dialect {main}"));
        }
        Ok(Self {
            voices,
            rosters,
            recovery: false,
        })
    }

    /// Whether clients of a form hear who is in a room.
    #[must_use]
    pub(crate) fn hears_rosters(&self, form: u8) -> bool {
        self.rosters.contains(&form)
    }

    /// Who answers in a namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<&Arc<Voice>> {
        self.voices.get(namespace)
    }
}

/// Where the answer to an event goes, as the id of a request: the rule, and the acknowledgement if one is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reply {
    rule: usize,
    ack: Option<u64>,
}

impl Reply {
    fn id(self) -> u64 {
        // Acknowledgement ids are below 2^31, and rules of a file far below 2^21.
        ((self.rule as u64) << 32) | self.ack.map_or(0, |ack| ack + 1)
    }

    fn of(id: u64) -> Self {
        Self {
            rule: (id >> 32) as usize,
            ack: (id & 0xffff_ffff).checked_sub(1),
        }
    }
}

impl Voice {
    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// How frames are written for it.
    #[must_use]
    pub fn form(&self) -> &Arc<Foreign> {
        &self.form
    }

    /// Whether who is nobody is refused.
    #[must_use]
    pub fn is_for_users(&self) -> bool {
        self.dialect.signed_in
    }

    /// What a client asks for by connecting.
    pub fn beginning(&self, who: (&Identity, ClientId)) -> Vec<Ask> {
        let known = Known::of(who);
        let scope = known.scope();
        let join = |room: &Template| {
            let mut args = String::from("{\"room\":");
            room.write(&scope, &mut args).ok()?;
            args.push('}');
            Some(Ask::from(ClientFrame {
                id: None,
                endpoint: Ok(Endpoint::RoomsJoin),
                args: RawValue::from_string(args).ok()?,
            }))
        };
        // A room of the user is none for who is nobody.
        self.dialect.joins.iter().filter_map(join).collect()
    }

    /// The request that an event is.
    ///
    /// # Errors
    /// Its arguments are not what the dialect needs, or nested too deep.
    pub fn request(
        &self,
        name: &str,
        args: &[&RawValue],
        ack: Option<u64>,
        who: (&Identity, ClientId),
    ) -> Result<Ask, FrameError> {
        let known = Known::of(who);
        let numbers: Vec<String> = (0..args.len()).map(|number| number.to_string()).collect();
        let scope = numbers
            .iter()
            .zip(args)
            .fold(known.scope(), |scope, (number, arg)| scope.with(number, arg.get()));
        let sends = &self.dialect.sends;
        let rule = sends
            .iter()
            .skip(1)
            .position(|rule| rule.event == name && rule.when.iter().all(|condition| condition.holds(&scope)))
            .map_or(0, |at| at + 1);
        let sends = &sends[rule];
        let wanted = ack.is_some() || sends.answer.is_some() || sends.refused.is_some();
        let id = wanted.then(|| Reply { rule, ack }.id());
        let wrong = |error: Error| match id {
            Some(id) => FrameError::Answerable(id, error),
            // Without anyone to tell, it is as if it had asked for nothing.
            None => FrameError::Answerable(Reply { rule, ack: None }.id(), error),
        };
        let (endpoint, args) = match &sends.does {
            Does::Refuse(code, message) => return Err(wrong(Error::new(*code, message.clone()))),
            Does::Ask { endpoint, args } => (endpoint.read(name, &scope).map_err(wrong)?, args),
        };
        let args = written(args.as_ref(), &scope).map_err(wrong)?;
        let text = |template: &Template| -> Result<String, Error> {
            let mut text = String::new();
            template.write(&scope, &mut text).map_err(missing)?;
            Ok(serde_json::from_str(&text).unwrap_or_default())
        };
        let bring = sends.bring.as_ref().map(|bring| {
            let bad = |why: &str| Error::bad_args("room", why.to_owned());
            let room = RoomName::parse(&text(&bring.room)?).map_err(|why| bad(&why.to_string()))?;
            let user = UserId::parse(&text(&bring.user)?).map_err(bad)?;
            Ok(Box::new(Bring { room, user }))
        });
        let then = sends.then.as_ref().map(|then| {
            Ok(Box::new(ClientFrame {
                id,
                endpoint: Ok(then.endpoint),
                args: written(then.args.as_ref(), &scope)?,
            }))
        });
        let (bring, then) = (bring.transpose().map_err(wrong)?, then.transpose().map_err(wrong)?);
        Ok(Ask {
            frame: ClientFrame {
                // What follows is what is answered.
                id: id.filter(|_| then.is_none()),
                endpoint,
                args,
            },
            then,
            bring,
        })
    }
}

/// What is known of who asks, as JSON.
struct Known {
    user: String,
    client: String,
}

impl Known {
    fn of((identity, client): (&Identity, ClientId)) -> Self {
        let user = identity.user.as_ref();
        Self {
            user: user.map_or("null".to_owned(), |user| template::quoted(user.as_str())),
            client: template::quoted(&client.to_string()),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::default().with("user", &self.user).with("client", &self.client)
    }
}

impl Condition {
    fn holds(&self, scope: &Scope<'_>) -> bool {
        match scope.text(&self.path) {
            Some(text) => covers(&self.pattern, &text),
            None => false,
        }
    }
}

impl Names {
    /// The endpoint; a name that is none is refused where all are.
    fn read(&self, event: &str, scope: &Scope<'_>) -> Result<Result<Endpoint, String>, Error> {
        match self {
            Self::One(endpoint) => Ok(Ok(*endpoint)),
            Self::None => Ok(Err(event.to_owned())),
            Self::From(template) => {
                let mut named = String::new();
                template.write(scope, &mut named).map_err(missing)?;
                let named: String = serde_json::from_str(&named).unwrap_or_default();
                // Who it is was said when it entered the namespace.
                let known = Endpoint::from_name(&named)
                    .filter(|endpoint| !matches!(endpoint, Endpoint::AuthConnect | Endpoint::AuthResume));
                Ok(known.ok_or(named))
            }
        }
    }
}

fn missing(Missing(path): Missing) -> Error {
    Error::bad_args(path.clone(), format!("{path} is missing"))
}

/// The arguments of a request.
fn written(args: Option<&Template>, scope: &Scope<'_>) -> Result<Box<RawValue>, Error> {
    let mut text = String::new();
    match args {
        Some(args) => match args.write(scope, &mut text) {
            Err(_) if matches!(args, Template::Value(_)) => text.push_str("{}"),
            result => result.map_err(missing)?,
        },
        None => text.push_str("{}"),
    }
    if !text.starts_with('{') {
        return Err(Error::bad_args("args", "args is an object"));
    }
    if json::depth(&text) > limits::JSON_DEPTH {
        return Err(Error::bad_args("args", "args is nested deeper than 64 levels"));
    }
    RawValue::from_string(text).map_err(|_| Error::bad_args("args", "args is no JSON"))
}

impl Dialect {
    fn hears_rosters(&self) -> bool {
        let is_roster = |hears: &Hears| hears.destination.as_deref() == Some(rosters::ROSTER);
        self.hears.iter().any(is_roster)
    }
}

impl Hears {
    fn covers(&self, room: &str, destination: &str) -> bool {
        let fits = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| covers(pattern, text));
        fits(&self.room, room) && fits(&self.destination, destination)
    }
}

fn covers(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => text == pattern,
    }
}

#[cfg(test)]
mod tests;
