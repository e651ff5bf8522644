//! Dialects: how one application's Socket.IO client speaks, as data. A file says which events are which requests, what
//! is acknowledged, and as which events broadcasts are heard. Which dialect answers is chosen by namespace.
//!
//! - [`mod@file`]: reading and checking; [`template`]: how values are made of values.
//! - [`writer`]: from the node's frames to packets of Socket.IO, once for all sockets of a namespace.

mod file;
mod template;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;

use hallway_auth::Identity;
use hallway_hub::Foreign;
use hallway_protocol::{ClientFrame, ClientId, Endpoint, Error, FrameError, json, limits};
use hallway_socketio::packet::MAIN;
use serde_json::value::RawValue;

use template::{Missing, Scope, Template};
use writer::SocketIo;

/// Those that ship, by name.
const SHIPPED: [(&str, &str); 1] = [("native", include_str!("shipped/native.toml"))];
/// Most namespaces of all dialects.
const NAMESPACES: usize = 64;

/// How one kind of client speaks.
#[derive(Debug)]
pub(crate) struct Dialect {
    namespaces: Vec<String>,
    /// The first is for events that stand in none.
    sends: Vec<Sends>,
    hears: Vec<Hears>,
    greeting: Greeting,
}

/// An event of the client that is a request.
#[derive(Debug)]
struct Sends {
    event: String,
    endpoint: Names,
    args: Option<Template>,
    ack: Template,
    ack_refused: Template,
    answer: Option<Event>,
    refused: Option<Event>,
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
    name: Template,
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
            recovery: false,
        })
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
    ) -> Result<ClientFrame, FrameError> {
        let sends = &self.dialect.sends;
        let rule = sends
            .iter()
            .skip(1)
            .position(|rule| rule.event == name)
            .map_or(0, |at| at + 1);
        let sends = &sends[rule];
        let wanted = ack.is_some() || sends.answer.is_some() || sends.refused.is_some();
        let id = wanted.then(|| Reply { rule, ack }.id());
        let wrong = |error: Error| match id {
            Some(id) => FrameError::Answerable(id, error),
            // Without anyone to tell, it is as if it had asked for nothing.
            None => FrameError::Answerable(Reply { rule, ack: None }.id(), error),
        };
        let numbers: Vec<String> = (0..args.len()).map(|number| number.to_string()).collect();
        let user = who
            .0
            .user
            .as_ref()
            .map_or("null".to_owned(), |user| template::quoted(user.as_str()));
        let client = template::quoted(&who.1.to_string());
        let scope = numbers
            .iter()
            .zip(args)
            .fold(Scope::default(), |scope, (number, arg)| scope.with(number, arg.get()))
            .with("user", &user)
            .with("client", &client);
        let missing = |Missing(path)| wrong(Error::bad_args(path.clone(), format!("{path} is missing")));
        let mut text = String::new();
        match &sends.args {
            Some(args) => match args.write(&scope, &mut text) {
                Err(_) if matches!(args, Template::Value(_)) => text.push_str("{}"),
                result => result.map_err(missing)?,
            },
            None => text.push_str("{}"),
        }
        if !text.starts_with('{') {
            return Err(wrong(Error::bad_args("args", "args is an object")));
        }
        if json::depth(&text) > limits::JSON_DEPTH {
            return Err(wrong(Error::bad_args("args", "args is nested deeper than 64 levels")));
        }
        let endpoint = match &sends.endpoint {
            Names::One(endpoint) => Ok(*endpoint),
            Names::None => Err(name.to_owned()),
            Names::From(template) => {
                let mut named = String::new();
                template.write(&scope, &mut named).map_err(missing)?;
                let named: String = serde_json::from_str(&named).unwrap_or_default();
                // Who it is was said when it entered the namespace.
                let known = Endpoint::from_name(&named)
                    .filter(|endpoint| !matches!(endpoint, Endpoint::AuthConnect | Endpoint::AuthResume));
                known.ok_or(named)
            }
        };
        let args = RawValue::from_string(text).map_err(|_| wrong(Error::bad_args("args", "args is no JSON")))?;
        Ok(ClientFrame { id, endpoint, args })
    }
}

impl Hears {
    fn covers(&self, room: &str, destination: &str) -> bool {
        let fits = |pattern: &Option<String>, text: &str| match pattern {
            None => true,
            Some(pattern) => match pattern.strip_suffix('*') {
                Some(beginning) => text.starts_with(beginning),
                None => text == pattern,
            },
        };
        fits(&self.room, room) && fits(&self.destination, destination)
    }
}

#[cfg(test)]
mod tests;
