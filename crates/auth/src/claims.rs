//! From claims to an identity, claim by claim.

use hallway_protocol::UserId;
use serde_json::{Map, Value};

use crate::identity::Identity;
use crate::pattern::RoomPattern;
use crate::token_error::TokenError;

/// Longest `name` in bytes: it is sent to others in rooms.
const NAME_MAX: usize = 256;

pub(crate) type Claims = Map<String, Value>;

/// What must hold beside the signature.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// In milliseconds.
    pub(crate) leeway: u64,
    pub(crate) audience: Option<String>,
    pub(crate) issuer: Option<String>,
}

/// Reads the claims of a token whose signature was checked. `now` is in Unix milliseconds.
pub(crate) fn identity(claims: &Claims, rules: &Rules, now: u64) -> Result<Identity, TokenError> {
    let expires_at = time(claims, "exp")?.ok_or(TokenError::MissingClaim("exp"))?;
    // RFC 7519 §4.1.4: on or after its time a token must not be accepted.
    if now >= expires_at.saturating_add(rules.leeway) {
        return Err(TokenError::Expired);
    }
    if time(claims, "nbf")?.is_some_and(|begins| now.saturating_add(rules.leeway) < begins) {
        return Err(TokenError::NotYetValid);
    }
    named(claims, "aud", rules.audience.as_deref())?;
    named(claims, "iss", rules.issuer.as_deref())?;
    Ok(Identity {
        user: Some(user(claims)?),
        name: name(claims)?,
        rooms: rooms(claims)?,
        expires_at: Some(expires_at),
        issued_at: time(claims, "iat")?,
    })
}

/// A claim that is there; `null` counts as not there.
fn claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    claims.get(name).filter(|value| !value.is_null())
}

/// A time in Unix milliseconds. Tokens have seconds, possibly with a fraction (RFC 7519 §2, NumericDate).
fn time(claims: &Claims, name: &'static str) -> Result<Option<u64>, TokenError> {
    let Some(value) = claim(claims, name) else {
        return Ok(None);
    };
    if let Some(seconds) = value.as_u64() {
        return Ok(Some(seconds.saturating_mul(1000)));
    }
    match value.as_f64() {
        // The cast saturates, which is what a time beyond all times needs.
        Some(seconds) if seconds >= 0.0 => Ok(Some((seconds * 1000.0) as u64)),
        _ => Err(TokenError::BadClaim(name)),
    }
}

fn user(claims: &Claims) -> Result<UserId, TokenError> {
    let subject = claim(claims, "sub").ok_or(TokenError::MissingClaim("sub"))?;
    let text = subject.as_str().ok_or(TokenError::BadClaim("sub"))?;
    UserId::parse(text).map_err(|_| TokenError::BadClaim("sub"))
}

fn name(claims: &Claims) -> Result<Option<String>, TokenError> {
    match claim(claims, "name") {
        None => Ok(None),
        Some(Value::String(name)) if name.len() <= NAME_MAX && !name.chars().any(char::is_control) => {
            Ok(Some(name.clone()).filter(|name| !name.is_empty()))
        }
        Some(_) => Err(TokenError::BadClaim("name")),
    }
}

fn rooms(claims: &Claims) -> Result<Vec<RoomPattern>, TokenError> {
    let bad = TokenError::BadClaim("rooms");
    match claim(claims, "rooms") {
        None => Ok(Vec::new()),
        Some(Value::Array(entries)) => entries
            .iter()
            .map(|entry| entry.as_str().and_then(RoomPattern::parse).ok_or(bad))
            .collect(),
        Some(_) => Err(bad),
    }
}

/// Holds a claim that is one text or several against the one that is asked for.
fn named(claims: &Claims, name: &'static str, wanted: Option<&str>) -> Result<(), TokenError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let found = match claim(claims, name).ok_or(TokenError::MissingClaim(name))? {
        Value::String(text) => text == wanted,
        // Only the audience may be several (RFC 7519 §4.1.3); one of them has to be ours.
        Value::Array(texts) if name == "aud" => texts.iter().any(|text| text == wanted),
        _ => false,
    };
    if found { Ok(()) } else { Err(TokenError::BadClaim(name)) }
}
