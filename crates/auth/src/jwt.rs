//! Tokens: JSON Web Tokens (RFC 7519).
//!
//! The library checks the signature. The claims are checked here, because its own checks read the system's clock,
//! refuse every token that names an audience where none is asked for, and leave `nbf` alone unless told.
//!
//! Decisions: who and until when (`sub` and `exp`, or the claims in their place) are required. `nbf` is honoured. `aud`
//! and `iss` are looked at only where the operator asks for one, and are then required: a token made for several
//! services goes on working.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::claims::{self, Claims, Rules};
use crate::header::Header;
use crate::identity::{Grant, Identity};
use crate::jwks::Jwks;
use crate::key::{Key, SigningKey};
use crate::token_error::TokenError;

/// What a verifier is made from. Without any key it accepts nothing.
#[derive(Debug, Default)]
pub struct JwtOptions {
    /// Keys that are good, several of one algorithm too: while one is replaced by another, both are.
    pub keys: Vec<Key>,
    /// What tokens are made with.
    pub signing: Option<SigningKey>,
    /// Keys that come from a URL.
    pub jwks: Option<Arc<Jwks>>,
    /// What must hold beside the signature.
    pub rules: Rules,
}

/// Reads tokens, and makes them.
pub struct JwtVerifier(JwtOptions);

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("keys", &self.0.keys)
            .field("jwks", &self.0.jwks.is_some())
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}

impl JwtVerifier {
    /// Largest token in bytes.
    pub const MAX_LEN: usize = 8192;

    /// A verifier.
    #[must_use]
    pub fn new(options: JwtOptions) -> Self {
        Self(options)
    }

    /// The same, with keys from a URL beside its own.
    #[must_use]
    pub fn with_jwks(mut self, jwks: Option<Arc<Jwks>>) -> Self {
        self.0.jwks = jwks;
        self
    }

    /// The same, making attributes of these claims.
    #[must_use]
    pub fn with_attributes(mut self, claims: Vec<String>) -> Self {
        self.0.rules.attributes = claims;
        self
    }

    /// Keys that come from a URL.
    #[must_use]
    pub fn jwks(&self) -> Option<&Arc<Jwks>> {
        self.0.jwks.as_ref()
    }

    /// Reads a token. `now` is in Unix milliseconds. Waits for nothing: after [`TokenError::UnknownKey`] it is worth to
    /// [look for new keys](Self::look_for_keys) and try again.
    ///
    /// # Errors
    /// Says why the token is refused; the text may be sent to the client.
    pub fn verify(&self, token: &str, now: u64) -> Result<Identity, TokenError> {
        if self.0.keys.is_empty() && self.0.jwks.is_none() {
            return Err(TokenError::NotAccepted);
        }
        if token.len() > Self::MAX_LEN {
            return Err(TokenError::TooLarge);
        }
        let header = Header::of(token)?;
        let claims = self.checked_claims(token, &header)?;
        claims::identity(&claims, &self.0.rules, now)
    }

    /// Waits until the source of keys was asked anew, if it may be asked now ([`Jwks::look`]).
    ///
    /// # Errors
    /// [`TokenError::Unavailable`]: it did not answer, so that nothing can be said about the token.
    pub async fn look_for_keys(&self) -> Result<(), TokenError> {
        match &self.0.jwks {
            Some(jwks) => jwks.look().await,
            None => Ok(()),
        }
    }

    /// Makes a token that this verifier accepts, unless other claims are required; nothing if it has nothing to sign
    /// with.
    #[must_use]
    pub fn mint(&self, grant: &Grant) -> Option<String> {
        let (signing, rules) = (self.0.signing.as_ref()?, &self.0.rules);
        let issued_at = grant.issued_at / 1000;
        let expires_at = issued_at.saturating_add(grant.life.as_secs());
        let mut claims = Claims::new();
        let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        set("iat", issued_at.into());
        set("exp", expires_at.into());
        set(&rules.expires, expires_at.into());
        set(&rules.user, grant.user.as_str().into());
        if let Some(name) = &grant.name {
            set(&rules.name, name.as_str().into());
        }
        if let Some(audience) = rules.audience.first() {
            set("aud", audience.as_str().into());
        }
        if !rules.issuer.is_empty() {
            set("iss", rules.issuer.as_str().into());
        }
        if !grant.rooms.is_empty() {
            set(&rules.rooms, grant.rooms.iter().map(ToString::to_string).collect());
        }
        let mut header = jsonwebtoken::Header::new(signing.algorithm.library());
        header.kid.clone_from(&signing.id);
        // JSON made of texts and numbers can be written, and an HMAC takes any key.
        jsonwebtoken::encode(&header, &claims, &signing.encoding).ok()
    }

    /// The claims, once a key of ours fits.
    fn checked_claims(&self, token: &str, header: &Header) -> Result<Claims, TokenError> {
        let mut refused = TokenError::Algorithm;
        for key in self.0.keys.iter().filter(|key| key.algorithm() == header.algorithm) {
            let named = match (&header.key_id, key.id()) {
                (Some(wanted), Some(id)) if wanted != id => {
                    if refused == TokenError::Algorithm {
                        refused = TokenError::UnknownKey;
                    }
                    continue;
                }
                (Some(_), Some(_)) => true,
                _ => false,
            };
            match key.check(token) {
                // Another key may fit, unless it is this one that the token names.
                Err(TokenError::Signature) if !named => refused = TokenError::Signature,
                checked => return checked,
            }
        }
        match &self.0.jwks {
            // What comes from a URL is never a secret.
            Some(jwks) if !header.algorithm.is_symmetric() => jwks.check(token, header, refused),
            _ => Err(refused),
        }
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
