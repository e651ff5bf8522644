//! From claims to an identity, claim by claim.

use std::time::Duration;

use hallway_protocol::UserId;
use serde_json::{Map, Value};

use crate::identity::{Attributes, Identity};
use crate::pattern::RoomPattern;
use crate::token_error::TokenError;

pub(crate) type Claims = Map<String, Value>;

/// What must hold beside the signature, and which claim means what. A claim's name may be a path with dots, to reach
/// one that is inside of others; a claim whose name has the dots itself comes first.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How far clocks may be apart.
    pub leeway: Duration,
    /// The audiences that are this service: a token must name one of them. None: it is not looked at.
    pub audience: Vec<String>,
    /// The issuer that a token must name. Empty: it is not looked at.
    pub issuer: String,
    /// Claims that must be there, whatever they say.
    pub required: Vec<String>,
    /// The claim that is the user's id.
    pub user: String,
    /// The claim that is the user's name.
    pub name: String,
    /// The claim that lists rooms.
    pub rooms: String,
    /// The claim that says when what the token allows is over. `exp` counts beside it.
    pub expires: String,
    /// Claims that become attributes.
    pub attributes: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            leeway: Duration::ZERO,
            audience: Vec::new(),
            issuer: String::new(),
            required: Vec::new(),
            user: "sub".into(),
            name: "name".into(),
            rooms: "rooms".into(),
            expires: "exp".into(),
            attributes: Vec::new(),
        }
    }
}

/// Reads the claims of a token whose signature was checked. `now` is in Unix milliseconds.
pub(crate) fn identity(claims: &Claims, rules: &Rules, now: u64) -> Result<Identity, TokenError> {
    let expires_at = expiry(claims, rules)?;
    let leeway = u64::try_from(rules.leeway.as_millis()).unwrap_or(u64::MAX);
    // RFC 7519 §4.1.4: on or after its time a token must not be accepted.
    if now >= expires_at.saturating_add(leeway) {
        return Err(TokenError::Expired);
    }
    if time(claims, "nbf")?.is_some_and(|begins| now.saturating_add(leeway) < begins) {
        return Err(TokenError::NotYetValid);
    }
    audience(claims, &rules.audience)?;
    issuer(claims, &rules.issuer)?;
    for name in &rules.required {
        required(claims, name)?;
    }
    Ok(Identity {
        user: Some(user(claims, &rules.user)?),
        name: name(claims, &rules.name)?,
        rooms: rooms(claims, &rules.rooms)?,
        expires_at: Some(expires_at),
        issued_at: time(claims, "iat")?,
        session: None,
        attributes: attributes(claims, &rules.attributes)?,
    })
}

fn missing(name: &str) -> TokenError {
    TokenError::MissingClaim(name.to_owned())
}

fn bad(name: &str) -> TokenError {
    TokenError::BadClaim(name.to_owned())
}

/// A claim that is there; `null` counts as not there.
fn claim<'c>(claims: &'c Claims, path: &str) -> Option<&'c Value> {
    at(claims, path).filter(|value| !value.is_null())
}

fn at<'c>(claims: &'c Claims, path: &str) -> Option<&'c Value> {
    if let Some(whole) = claims.get(path) {
        return Some(whole);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        // A dot is one byte, so both sides end and begin at a character.
        let (head, tail) = (path.get(..dot)?, path.get(dot + 1..)?);
        at(claims.get(head)?.as_object()?, tail)
    })
}

fn required<'c>(claims: &'c Claims, path: &str) -> Result<&'c Value, TokenError> {
    claim(claims, path).ok_or_else(|| missing(path))
}

/// A time in Unix milliseconds. Tokens have seconds, possibly with a fraction (RFC 7519 §2, NumericDate).
fn time(claims: &Claims, path: &str) -> Result<Option<u64>, TokenError> {
    let Some(value) = claim(claims, path) else {
        return Ok(None);
    };
    if let Some(seconds) = value.as_u64() {
        return Ok(Some(seconds.saturating_mul(1000)));
    }
    match value.as_f64() {
        // The cast saturates, which is what a time beyond all times needs.
        Some(seconds) if seconds >= 0.0 => Ok(Some((seconds * 1000.0) as u64)),
        _ => Err(bad(path)),
    }
}

/// The end, in Unix milliseconds: what the configured claim says, which must be there, and never later than `exp`.
fn expiry(claims: &Claims, rules: &Rules) -> Result<u64, TokenError> {
    let own = time(claims, &rules.expires)?.ok_or_else(|| missing(&rules.expires))?;
    Ok(time(claims, "exp")?.map_or(own, |exp| own.min(exp)))
}

/// The user's id. `sub` is a text (RFC 7519 §4.1.2); another claim may hold the number that a backend counts users by.
fn user(claims: &Claims, path: &str) -> Result<UserId, TokenError> {
    let text = match required(claims, path)? {
        Value::String(text) => text.clone(),
        Value::Number(number) if path != "sub" && number.is_u64() => number.to_string(),
        _ => return Err(bad(path)),
    };
    UserId::parse(&text).map_err(|_| bad(path))
}

fn name(claims: &Claims, path: &str) -> Result<Option<String>, TokenError> {
    match claim(claims, path) {
        None => Ok(None),
        Some(Value::String(name)) if Identity::is_name(name) => Ok(Some(name.clone()).filter(|name| !name.is_empty())),
        Some(_) => Err(bad(path)),
    }
}

/// Those of the claims that are there, each under its name as configured.
fn attributes(claims: &Claims, paths: &[String]) -> Result<Attributes, TokenError> {
    let found = paths
        .iter()
        .filter_map(|path| Some((path.clone(), claim(claims, path)?.clone())));
    let attributes = found.collect();
    match Identity::is_within_bounds(&attributes) {
        true => Ok(attributes),
        false => Err(bad(&paths.join(", "))),
    }
}

fn rooms(claims: &Claims, path: &str) -> Result<Vec<RoomPattern>, TokenError> {
    match claim(claims, path) {
        None => Ok(Vec::new()),
        Some(Value::Array(entries)) => entries
            .iter()
            .map(|entry| entry.as_str().and_then(RoomPattern::parse).ok_or_else(|| bad(path)))
            .collect(),
        Some(_) => Err(bad(path)),
    }
}

/// A token may name several audiences (RFC 7519 §4.1.3); one of them has to be ours.
fn audience(claims: &Claims, ours: &[String]) -> Result<(), TokenError> {
    if ours.is_empty() {
        return Ok(());
    }
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| ours.iter().any(|one| one == text));
    let found = match required(claims, "aud")? {
        Value::Array(several) => several.iter().any(is_ours),
        one => is_ours(one),
    };
    if found { Ok(()) } else { Err(bad("aud")) }
}

fn issuer(claims: &Claims, wanted: &str) -> Result<(), TokenError> {
    if wanted.is_empty() || required(claims, "iss")? == wanted {
        Ok(())
    } else {
        Err(bad("iss"))
    }
}
