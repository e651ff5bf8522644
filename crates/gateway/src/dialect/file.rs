//! A dialect's file: read and checked at start, so that a mistake is told before the first client comes.

use std::collections::BTreeMap;

use hallway_protocol::{Endpoint, ErrorCode};
use serde::Deserialize;
use toml::Spanned;

use super::template::{Path, Template};
use super::{Bringing, Condition, Dialect, Does, Event, Follows, Greeting, Hears, Names, Sends};

/// The roots of templates: what a client sent, what it is answered, what it hears.
const ASKED: [&str; 2] = ["user", "client"];
const ANSWERED: [&str; 2] = ["data", "reply"];
const REFUSED: [&str; 2] = ["error", "reply"];
const HEARD: [&str; 6] = ["broadcast", "room", "destination", "data", "ts", "seq"];
const GREETED: [&str; 1] = ["hello"];
const LEFT: [&str; 1] = ["goodbye"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    namespaces: Vec<String>,
    /// Whether who is nobody is refused.
    #[serde(default)]
    signed_in: bool,
    /// Rooms that a client is in by connecting.
    #[serde(default)]
    join: Vec<Spanned<String>>,
    /// What people read, by `code` or `code field`.
    #[serde(default)]
    errors: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    send: Vec<Spanned<Send>>,
    #[serde(default)]
    hear: Vec<Spanned<Hear>>,
    greet: Option<Spanned<Said>>,
    goodbye: Option<Spanned<Said>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    event: String,
    /// What must be in the arguments, by path: a text, or one that begins so.
    #[serde(default)]
    when: BTreeMap<String, String>,
    endpoint: Option<String>,
    args: Option<toml::Value>,
    bring: Option<Bring>,
    then: Option<Then>,
    refuse: Option<Refuse>,
    ack: Option<toml::Value>,
    ack_refused: Option<toml::Value>,
    answer: Option<Said>,
    refused: Option<Said>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bring {
    user: String,
    room: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    endpoint: String,
    args: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    code: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hear {
    #[serde(default)]
    room: Option<String>,
    #[serde(default)]
    destination: Option<String>,
    event: Option<Several>,
    data: Option<toml::Value>,
}

/// One, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Several {
    One(String),
    All(Vec<String>),
}

impl Several {
    fn into_all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::All(all) => all,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    event: Several,
    data: Option<toml::Value>,
}

/// Reads a dialect.
///
/// # Errors
/// What is wrong, with the line where it stands.
pub(super) fn read(text: &str) -> Result<Dialect, String> {
    let file: File = toml::from_str(text).map_err(|why| why.to_string().trim_end().to_owned())?;
    let at = |span: std::ops::Range<usize>, why: String| {
        let line = text[..span.start].matches('\n').count() + 1;
        format!("line {line}: {why}")
    };
    if file.namespaces.is_empty() {
        return Err("line 1: namespaces names none".to_owned());
    }
    if let Some(bad) = file
        .namespaces
        .iter()
        .find(|name| !name.starts_with('/') || name.len() == 1 || name.contains([',', '?']))
    {
        return Err(format!(
            "line 1: {bad:?} is no namespace: it begins with /, goes on, and has neither comma nor question mark"
        ));
    }
    let mut sends = vec![unknown()?];
    for rule in file.send {
        let span = rule.span();
        let read = send(rule.into_inner()).map_err(|why| at(span.clone(), why))?;
        if sends.iter().any(|one| one.event == read.event && one.when.is_empty()) {
            return Err(at(span, format!("nothing of {:?} is left for this rule", read.event)));
        }
        sends.push(read);
    }
    let hears = file.hear.into_iter().map(|rule| {
        let span = rule.span();
        hear(rule.into_inner()).map_err(|why| at(span, why))
    });
    let mut joins = Vec::new();
    for room in file.join {
        let span = room.span();
        let room = template("join", &room.into_inner().into(), &ASKED, false);
        joins.push(room.map_err(|why| at(span, why))?);
    }
    let mut errors = BTreeMap::new();
    for (name, message) in file.errors {
        let code = name.get_ref().split(' ').next().unwrap_or_default();
        if error_code(code).is_none() {
            return Err(at(name.span(), format!("errors: there is no code {code:?}")));
        }
        errors.insert(name.into_inner(), message);
    }
    let greeting = |said: Option<Spanned<Said>>, roots: &[&str]| {
        said.map(|said| {
            let span = said.span();
            event(said.into_inner(), roots).map_err(|why| at(span, why))
        })
        .transpose()
    };
    Ok(Dialect {
        namespaces: file.namespaces,
        signed_in: file.signed_in,
        joins,
        errors,
        hears: hears.collect::<Result<_, _>>()?,
        greeting: Greeting {
            hello: greeting(file.greet, &GREETED)?,
            goodbye: greeting(file.goodbye, &LEFT)?,
        },
        sends,
    })
}

/// What an event that stands in no rule is answered.
fn unknown() -> Result<Sends, String> {
    send(Send {
        event: String::new(),
        when: BTreeMap::new(),
        endpoint: Some("$event".into()),
        args: None,
        bring: None,
        then: None,
        refuse: None,
        ack: None,
        ack_refused: None,
        answer: None,
        refused: None,
    })
}

fn send(rule: Send) -> Result<Sends, String> {
    let does = match (rule.endpoint, rule.refuse) {
        (Some(endpoint), None) => {
            let args = rule
                .args
                .map(|args| template("args", &args, &ASKED, true))
                .transpose()?;
            Does::Ask {
                endpoint: names(&rule.event, &endpoint)?,
                args,
            }
        }
        (None, Some(refuse)) => {
            let code = error_code(&refuse.code);
            let code = code.ok_or_else(|| format!("refuse: there is no code {:?}", refuse.code))?;
            Does::Refuse(code, refuse.message)
        }
        _ => return Err("either endpoint or refuse".to_owned()),
    };
    let bring = rule.bring.map(|bring| {
        Ok::<_, String>(Bringing {
            user: template("bring", &bring.user.into(), &ASKED, true)?,
            room: template("bring", &bring.room.into(), &ASKED, true)?,
        })
    });
    let then = rule.then.map(|then| {
        Ok::<_, String>(Follows {
            endpoint: one_endpoint(&then.endpoint)?,
            args: then
                .args
                .map(|args| template("then", &args, &ASKED, true))
                .transpose()?,
        })
    });
    let when = rule.when.into_iter().map(|(path, pattern)| {
        check_pattern(&pattern)?;
        Ok::<_, String>(Condition {
            path: Path::checked(&path, &ASKED, true)?,
            pattern,
        })
    });
    let default = |value: Option<toml::Value>, otherwise: &str| value.unwrap_or_else(|| otherwise.into());
    Ok(Sends {
        does,
        when: when.collect::<Result<_, _>>()?,
        bring: bring.transpose()?,
        then: then.transpose()?,
        ack: template("ack", &default(rule.ack, "$reply"), &ANSWERED, false)?,
        ack_refused: template("ack_refused", &default(rule.ack_refused, "$reply"), &REFUSED, false)?,
        answer: rule.answer.map(|said| event(said, &ANSWERED)).transpose()?,
        refused: rule.refused.map(|said| event(said, &REFUSED)).transpose()?,
        event: rule.event,
    })
}

fn names(event: &str, endpoint: &str) -> Result<Names, String> {
    match endpoint.strip_prefix('$') {
        Some(_) if event.is_empty() => Ok(Names::None),
        Some(_) => Ok(Names::From(template("endpoint", &endpoint.into(), &ASKED, true)?)),
        None => one_endpoint(endpoint).map(Names::One),
    }
}

fn one_endpoint(name: &str) -> Result<Endpoint, String> {
    match Endpoint::from_name(name) {
        Some(Endpoint::AuthConnect | Endpoint::AuthResume) => Err(format!("endpoint: {name:?} is not for dialects")),
        Some(endpoint) => Ok(endpoint),
        None => Err(format!("endpoint: there is no {name:?}")),
    }
}

fn error_code(name: &str) -> Option<ErrorCode> {
    ErrorCode::ALL.iter().copied().find(|code| code.wire() == name)
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.trim_end_matches('*').contains('*') || pattern.is_empty() {
        return Err(format!("{pattern:?}: a * stands at the end"));
    }
    Ok(())
}

fn hear(rule: Hear) -> Result<Hears, String> {
    rule.room
        .iter()
        .chain(&rule.destination)
        .try_for_each(|pattern| check_pattern(pattern))?;
    let data = rule.data.unwrap_or_else(|| "$data".into());
    let event = match rule.event {
        Some(names) => Some(Event {
            names: event_names(names, &HEARD)?,
            data: template("data", &data, &HEARD, false)?,
        }),
        None => None,
    };
    Ok(Hears {
        room: rule.room,
        destination: rule.destination,
        event,
    })
}

fn event(said: Said, roots: &[&str]) -> Result<Event, String> {
    let data = said.data.unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
    Ok(Event {
        names: event_names(said.event, &[])?,
        data: template("data", &data, roots, false)?,
    })
}

fn event_names(names: Several, roots: &[&str]) -> Result<Vec<Template>, String> {
    let names = names.into_all().into_iter();
    names
        .map(|name| template("event", &name.into(), roots, false))
        .collect()
}

fn template(field: &str, value: &toml::Value, roots: &[&str], numbers: bool) -> Result<Template, String> {
    Template::read(value, roots, numbers).map_err(|why| format!("{field}: {why}"))
}
