//! A token's header, as far as it says which key to take. Nothing in it is believed: it only narrows the choice among
//! keys of ours. Keys that it brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::token_error::TokenError;

/// What a token says about its key.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
}

impl Header {
    /// Reads the header of a token of three parts. The library does so too, but calls `none` malformed, and knows
    /// nothing of `crit`: what that asks for is not known here, so that the token is refused (RFC 7515 §4.1.11).
    pub(crate) fn of(token: &str) -> Result<Self, TokenError> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::Malformed);
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let mut header: Claims = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => Algorithm::of_name(name).ok_or(TokenError::Algorithm)?,
            Some(_) => return Err(TokenError::Algorithm),
            None => return Err(TokenError::Malformed),
        };
        if header.contains_key("crit") {
            return Err(TokenError::Malformed);
        }
        let key_id = match header.remove("kid") {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(TokenError::Malformed),
        };
        Ok(Self { algorithm, key_id })
    }
}
