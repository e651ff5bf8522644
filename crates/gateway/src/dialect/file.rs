//! A dialect's file: read and checked at start, so that a mistake is told before the first client comes.

use hallway_protocol::Endpoint;
use serde::Deserialize;
use toml::Spanned;

use super::template::Template;
use super::{Dialect, Event, Greeting, Hears, Names, Sends};

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
    endpoint: String,
    args: Option<toml::Value>,
    ack: Option<toml::Value>,
    ack_refused: Option<toml::Value>,
    answer: Option<Said>,
    refused: Option<Said>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hear {
    #[serde(default)]
    room: Option<String>,
    #[serde(default)]
    destination: Option<String>,
    event: Option<String>,
    data: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    event: String,
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
        if sends.iter().any(|one| one.event == read.event) {
            return Err(at(span, format!("the event {:?} stands here twice", read.event)));
        }
        sends.push(read);
    }
    let hears = file.hear.into_iter().map(|rule| {
        let span = rule.span();
        hear(rule.into_inner()).map_err(|why| at(span, why))
    });
    let greeting = |said: Option<Spanned<Said>>, roots: &[&str]| {
        said.map(|said| {
            let span = said.span();
            event(said.into_inner(), roots).map_err(|why| at(span, why))
        })
        .transpose()
    };
    Ok(Dialect {
        namespaces: file.namespaces,
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
        endpoint: "$event".into(),
        args: None,
        ack: None,
        ack_refused: None,
        answer: None,
        refused: None,
    })
}

fn send(rule: Send) -> Result<Sends, String> {
    let endpoint = match rule.endpoint.strip_prefix('$') {
        Some(_) if rule.event.is_empty() => Names::None,
        Some(_) => Names::From(template("endpoint", &rule.endpoint.clone().into(), &ASKED, true)?),
        None => match Endpoint::from_name(&rule.endpoint) {
            Some(Endpoint::AuthConnect | Endpoint::AuthResume) => {
                return Err(format!("endpoint: {:?} is not for dialects", rule.endpoint));
            }
            Some(endpoint) => Names::One(endpoint),
            None => return Err(format!("endpoint: there is no {:?}", rule.endpoint)),
        },
    };
    let default = |value: Option<toml::Value>, otherwise: &str| value.unwrap_or_else(|| otherwise.into());
    Ok(Sends {
        endpoint,
        args: match &rule.args {
            Some(args) => Some(template("args", args, &ASKED, true)?),
            None => None,
        },
        ack: template("ack", &default(rule.ack, "$reply"), &ANSWERED, false)?,
        ack_refused: template("ack_refused", &default(rule.ack_refused, "$reply"), &REFUSED, false)?,
        answer: rule.answer.map(|said| event(said, &ANSWERED)).transpose()?,
        refused: rule.refused.map(|said| event(said, &REFUSED)).transpose()?,
        event: rule.event,
    })
}

fn hear(rule: Hear) -> Result<Hears, String> {
    for pattern in rule.room.iter().chain(&rule.destination) {
        if pattern.trim_end_matches('*').contains('*') || pattern.is_empty() {
            return Err(format!("{pattern:?}: a * stands at the end"));
        }
    }
    let data = rule.data.unwrap_or_else(|| "$data".into());
    let event = match rule.event {
        Some(name) => Some(Event {
            name: template("event", &name.into(), &HEARD, false)?,
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
        name: template("event", &said.event.into(), &[], false)?,
        data: template("data", &data, roots, false)?,
    })
}

fn template(field: &str, value: &toml::Value, roots: &[&str], numbers: bool) -> Result<Template, String> {
    Template::read(value, roots, numbers).map_err(|why| format!("{field}: {why}"))
}
