//! Tokens: JSON Web Tokens (RFC 7519), signed with HS256.
//!
//! The library checks the signature. The claims are checked here, because its own checks read the system's clock,
//! refuse every token that names an audience where none is asked for, and leave `nbf` alone unless told.
//!
//! Decisions: `exp` and `sub` are required. `nbf` is honoured. `aud` and `iss` are looked at only where the operator
//! asks for one, and are then required: a token made for several services goes on working. Headers with `crit`
//! are refused, since none of what they could ask for is known here (RFC 7515 §4.1.11).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use crate::claims::{self, Claims, Rules};
use crate::identity::{Grant, Identity};
use crate::token_error::TokenError;

/// What a verifier is made from. Empty secrets count as none: an empty key would check nothing.
#[derive(Clone, Copy, Default)]
pub struct JwtOptions<'o> {
    /// The secret that tokens are signed with.
    pub secret: &'o str,
    /// Secrets that were in use before.
    pub previous: &'o [&'o str],
    /// How far clocks may be apart.
    pub leeway: Duration,
    /// The audience that a token must name; empty for any.
    pub audience: &'o str,
    /// The issuer that a token must name; empty for any.
    pub issuer: &'o str,
}

/// Reads tokens, and makes them.
pub struct JwtVerifier {
    keys: Vec<DecodingKey>,
    signing: Option<EncodingKey>,
    validation: Validation,
    rules: Rules,
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("keys", &self.keys.len())
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl JwtVerifier {
    /// Largest token in bytes.
    pub const MAX_LEN: usize = 8192;

    /// A verifier.
    #[must_use]
    pub fn new(options: JwtOptions<'_>) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let secrets = std::iter::once(options.secret).chain(options.previous.iter().copied());
        let rules = Rules {
            leeway: u64::try_from(options.leeway.as_millis()).unwrap_or(u64::MAX),
            audience: given(options.audience),
            issuer: given(options.issuer),
        };
        Self {
            keys: secrets
                .filter(|s| !s.is_empty())
                .map(|s| DecodingKey::from_secret(s.as_bytes()))
                .collect(),
            signing: given(options.secret).map(|secret| EncodingKey::from_secret(secret.as_bytes())),
            validation: signature_only(),
            rules,
        }
    }

    /// Reads a token. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// Says why the token is refused; the text may be sent to the client.
    pub fn verify(&self, token: &str, now: u64) -> Result<Identity, TokenError> {
        if self.keys.is_empty() {
            return Err(TokenError::NotAccepted);
        }
        if token.len() > Self::MAX_LEN {
            return Err(TokenError::TooLarge);
        }
        check_header(token)?;
        let claims = self.checked_claims(token)?;
        claims::identity(&claims, &self.rules, now)
    }

    /// Makes a token that this verifier accepts; nothing if it has no secret.
    #[must_use]
    pub fn mint(&self, grant: &Grant) -> Option<String> {
        let issued_at = grant.issued_at / 1000;
        let mut claims = Claims::new();
        claims.insert("sub".into(), grant.user.as_str().into());
        claims.insert("iat".into(), issued_at.into());
        claims.insert("exp".into(), issued_at.saturating_add(grant.life.as_secs()).into());
        let named = [
            ("name", &grant.name),
            ("aud", &self.rules.audience),
            ("iss", &self.rules.issuer),
        ];
        for (name, value) in named {
            claims.extend(
                value
                    .as_ref()
                    .map(|value| (name.to_owned(), Value::from(value.as_str()))),
            );
        }
        if !grant.rooms.is_empty() {
            claims.insert("rooms".into(), grant.rooms.iter().map(ToString::to_string).collect());
        }
        // JSON made of texts and numbers can be written, and an HMAC takes any key.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, self.signing.as_ref()?).ok()
    }

    /// The claims, once a key of ours fits.
    fn checked_claims(&self, token: &str) -> Result<Claims, TokenError> {
        for key in &self.keys {
            match jsonwebtoken::decode::<Claims>(token, key, &self.validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => match error.into_kind() {
                    ErrorKind::InvalidSignature => {}
                    ErrorKind::InvalidAlgorithm => return Err(TokenError::Algorithm),
                    _ => return Err(TokenError::Malformed),
                },
            }
        }
        Err(TokenError::Signature)
    }
}

/// The library's part: HS256 and nothing else, and no look at the claims.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Looks at the header before the library does: it knows no `alg` but its own, and would call `none` malformed.
fn check_header(token: &str) -> Result<(), TokenError> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    let header: Claims = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    match header.get("alg") {
        Some(Value::String(algorithm)) if algorithm == "HS256" => {}
        Some(_) => return Err(TokenError::Algorithm),
        None => return Err(TokenError::Malformed),
    }
    if header.contains_key("crit") {
        Err(TokenError::Malformed)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
