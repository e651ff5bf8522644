//! Small templates over JSON text. `$data.room` is the value at a path, untouched; `"group-{0.groupId}"` is text with
//! values in it; everything else stands for itself. `{data.room|after:group-}` leaves out a beginning.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;

/// Deepest nesting of a template.
const DEPTH: usize = 8;

/// What a value is made from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    /// JSON text.
    Literal(String),
    Value(Path),
    Text(Vec<Piece>),
    List(Vec<Template>),
    /// A field whose value is missing is left out.
    Map(Vec<(String, Template)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    Value(Path),
}

/// Where a value is: a root, and fields or places below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    steps: Vec<String>,
    filter: Option<Filter>,
}

#[derive(Debug, Clone, PartialEq)]
enum Filter {
    /// Leaves out a beginning; a value without it is missing.
    After(String),
    /// Makes of a user's id the name of the caller's chat with them.
    Chat,
}

/// A path that leads nowhere.
#[derive(Debug, PartialEq)]
pub(super) struct Missing(pub(super) String);

/// The roots that paths begin at.
#[derive(Debug, Default)]
pub(super) struct Scope<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Scope<'a> {
    /// Adds a root: JSON text.
    pub(super) fn with(mut self, name: &'a str, json: &'a str) -> Self {
        self.0.push((name, json));
        self
    }

    fn root(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(one, _)| *one == name).map(|(_, json)| *json)
    }

    fn find(&self, path: &Path) -> Option<Cow<'a, str>> {
        let (root, below) = path.steps.split_first()?;
        walk(self.root(root)?, below)
    }

    pub(super) fn text(&self, path: &Path) -> Option<String> {
        let json = self.find(path)?;
        let text = match json.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(&json).ok()?,
            b'{' | b'[' => return None,
            _ => json.into_owned(),
        };
        match &path.filter {
            Some(Filter::After(beginning)) => text.strip_prefix(beginning).map(str::to_owned),
            Some(Filter::Chat) => {
                let me: String = serde_json::from_str(self.root("user")?).ok()?;
                Some(chat(&me, &text))
            }
            None => Some(text),
        }
    }
}

/// What is at the end of the steps. Where one is `*`, the list of what is at the end of the rest in each item.
fn walk<'a>(json: &'a str, steps: &[String]) -> Option<Cow<'a, str>> {
    let Some((step, rest)) = steps.split_first() else {
        return (json != "null").then_some(Cow::Borrowed(json));
    };
    if step != "*" {
        return walk(below_of(json, step)?, rest);
    }
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let items: Vec<_> = items.iter().filter_map(|item| walk(item.get(), rest)).collect();
    Some(Cow::Owned(format!("[{}]", items.join(","))))
}

/// The name of the chat of two users.
fn chat(one: &str, other: &str) -> String {
    format!("chat-{}-{}", one.min(other), one.max(other))
}

fn below_of<'a>(json: &'a str, step: &str) -> Option<&'a str> {
    let value = match json.as_bytes().first()? {
        b'{' => serde_json::from_str::<HashMap<String, &RawValue>>(json)
            .ok()?
            .remove(step)?,
        b'[' => serde_json::from_str::<Vec<&RawValue>>(json)
            .ok()?
            .get(step.parse::<usize>().ok()?)
            .copied()?,
        _ => return None,
    };
    Some(value.get())
}

impl Template {
    /// Reads a template; `roots` are those that there are. Where `numbers`, positions are roots too.
    pub(super) fn read(value: &toml::Value, roots: &[&str], numbers: bool) -> Result<Self, String> {
        let check = |path: Path| path.check(roots, numbers);
        Self::read_below(value, &check, DEPTH)
    }

    fn read_below(
        value: &toml::Value,
        check: &impl Fn(Path) -> Result<Path, String>,
        depth: usize,
    ) -> Result<Self, String> {
        let depth = depth.checked_sub(1).ok_or("nested too deep")?;
        match value {
            toml::Value::String(text) => match text.strip_prefix('$') {
                Some(path) => Ok(Self::Value(check(Path::read(path)?)?)),
                None => Self::read_text(text, check),
            },
            toml::Value::Array(items) => {
                let items = items.iter().map(|item| Self::read_below(item, check, depth));
                Ok(Self::List(items.collect::<Result<_, _>>()?))
            }
            toml::Value::Table(table) => {
                let fields = table
                    .iter()
                    .map(|(name, item)| Ok((name.clone(), Self::read_below(item, check, depth)?)));
                Ok(Self::Map(fields.collect::<Result<_, String>>()?))
            }
            toml::Value::Integer(number) => Ok(Self::Literal(number.to_string())),
            toml::Value::Boolean(yes) => Ok(Self::Literal(yes.to_string())),
            toml::Value::Float(_) | toml::Value::Datetime(_) => Err("neither fractions nor dates".to_owned()),
        }
    }

    fn read_text(text: &str, check: &impl Fn(Path) -> Result<Path, String>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once('{') {
            let (path, after) = inside.split_once('}').ok_or("a { without its }")?;
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::Value(check(Path::read(path)?)?));
            rest = after;
        }
        if pieces.is_empty() {
            return Ok(Self::Literal(quoted(text)));
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self::Text(pieces))
    }

    /// Writes the value as JSON text.
    pub(super) fn write(&self, scope: &Scope<'_>, out: &mut String) -> Result<(), Missing> {
        match self {
            Self::Literal(json) => out.push_str(json),
            Self::Value(path) if path.filter.is_some() => {
                out.push_str(&quoted(&scope.text(path).ok_or_else(|| path.missing())?));
            }
            Self::Value(path) => out.push_str(&scope.find(path).ok_or_else(|| path.missing())?),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Value(path) => text.push_str(&scope.text(path).ok_or_else(|| path.missing())?),
                    }
                }
                out.push_str(&quoted(&text));
            }
            Self::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    item.write(scope, out)?;
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                let start = out.len();
                for (name, item) in fields {
                    let before = out.len();
                    if before > start {
                        out.push(',');
                    }
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{}:", quoted(name));
                    if matches!((item.write(scope, out), item), (Err(_), Self::Value(_) | Self::Text(_))) {
                        out.truncate(before);
                    }
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

impl Path {
    fn read(text: &str) -> Result<Self, String> {
        let (path, filter) = match text.split_once('|') {
            Some((path, "chat")) => (path, Some(Filter::Chat)),
            Some((path, filter)) => match filter.strip_prefix("after:") {
                Some(beginning) => (path, Some(Filter::After(beginning.to_owned()))),
                None => return Err(format!("`|{filter}` is neither `|after:…` nor `|chat`")),
            },
            None => (text, None),
        };
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(format!("`{path}` is no path"));
        }
        Ok(Self { steps, filter })
    }

    /// Reads one whose root is among these.
    pub(super) fn checked(text: &str, roots: &[&str], numbers: bool) -> Result<Self, String> {
        Self::read(text)?.check(roots, numbers)
    }

    fn check(self, roots: &[&str], numbers: bool) -> Result<Self, String> {
        let root = self.steps.first().map_or("", String::as_str);
        let is_number = numbers && root.parse::<u8>().is_ok();
        if self.filter == Some(Filter::Chat) && !roots.contains(&"user") {
            return Err("`|chat` is for what a client sends".to_owned());
        }
        if is_number || roots.contains(&root) {
            Ok(self)
        } else {
            Err(format!("there is no `{root}` here, but {}", roots.join(", ")))
        }
    }

    fn missing(&self) -> Missing {
        Missing(self.steps.join("."))
    }
}

/// Text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str, scope: &Scope<'_>) -> Result<String, Missing> {
        let table: toml::Table = format!("t = {template}").parse().unwrap();
        let template = Template::read(&table["t"], &["data", "room"], true).unwrap();
        let mut out = String::new();
        template.write(scope, &mut out).map(|()| out)
    }

    #[test]
    fn values_stay_what_they_are_and_text_is_put_together() {
        let scope = Scope::default()
            .with(
                "data",
                r#"{"n":1.50,"big":123456789012345678901234567890,"list":["x"],"none":null}"#,
            )
            .with("room", r#""group-7""#)
            .with("0", "42");
        assert_eq!(made("'$data.n'", &scope).unwrap(), "1.50");
        assert_eq!(made("'$data.big'", &scope).unwrap(), "123456789012345678901234567890");
        assert_eq!(made("'$data.list.0'", &scope).unwrap(), r#""x""#);
        assert_eq!(made("'group-{0}!'", &scope).unwrap(), r#""group-42!""#);
        assert_eq!(made("'{room|after:group-}'", &scope).unwrap(), r#""7""#);
        assert_eq!(
            made("{ a = '$data.none', b = [1, true, 'c'] }", &scope).unwrap(),
            r#"{"b":[1,true,"c"]}"#
        );
        assert_eq!(made("'$data.gone'", &scope), Err(Missing("data.gone".into())));
        assert_eq!(made("'{room|after:board-}'", &scope), Err(Missing("room".into())));
    }

    #[test]
    fn a_wrong_template_is_refused() {
        for bad in ["'$nothing'", "'{room'", "'$data..a'", "'{room|upper}'", "1.5"] {
            let table: toml::Table = format!("t = {bad}").parse().unwrap();
            assert!(Template::read(&table["t"], &["data", "room"], false).is_err(), "{bad}");
        }
    }
}
