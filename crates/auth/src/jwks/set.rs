//! What of a key set is accepted: public keys for signatures, each with one algorithm and told apart by its `kid`.
//! Everything else in a set is left out: it may be there for others (RFC 7517 §5), or for no good.

use std::collections::HashMap;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::algorithm::{Algorithm, Family};
use crate::claims::Claims;
use crate::header::Header;
use crate::key::Key;
use crate::token_error::TokenError;

use super::FetchError;

/// The most keys that a set may have, those that are left out too.
pub(super) const KEYS_MAX: usize = 64;

/// The keys of a set that tokens can be checked with.
pub(super) struct KeySet {
    keys: Vec<Key>,
    left_out: usize,
}

#[derive(Deserialize)]
struct Text<'t> {
    #[serde(borrow)]
    keys: Vec<&'t RawValue>,
}

/// A key as it is written (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). A member that stands there twice makes it unreadable.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// A secret, and a private key.
    k: Option<IgnoredAny>,
    d: Option<IgnoredAny>,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// It is none, or has too many keys. A key in it that is not accepted is left out, and is no error.
    pub(super) fn read(body: &[u8]) -> Result<Self, FetchError> {
        let text: Text<'_> = serde_json::from_slice(body).map_err(|_| FetchError::Malformed)?;
        if text.keys.len() > KEYS_MAX {
            return Err(FetchError::TooLarge);
        }
        let mut written: Vec<&str> = text.keys.iter().map(|key| key.get()).collect();
        written.sort_unstable();
        // The same key word for word is one key.
        written.dedup();
        let mut keys: Vec<Key> = written.into_iter().filter_map(accept).collect();
        drop_namesakes(&mut keys);
        Ok(Self {
            left_out: text.keys.len() - keys.len(),
            keys,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// The claims of a token that is signed with the key that it names. One that names none is checked only where it
    /// is clear which key it means, so that a token never costs more than one signature.
    pub(super) fn check(&self, token: &str, header: &Header, refused: TokenError) -> Result<Claims, TokenError> {
        if let Some(id) = &header.key_id {
            return match self.keys.iter().find(|key| key.id() == Some(id)) {
                Some(key) if key.algorithm() == header.algorithm => key.check(token),
                Some(_) => Err(TokenError::Algorithm),
                None => Err(TokenError::UnknownKey),
            };
        }
        let mut fitting = self.keys.iter().filter(|key| key.algorithm() == header.algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => key.check(token),
            (Some(_), Some(_)) => Err(TokenError::NoKeyId),
            (None, _) => Err(refused),
        }
    }
}

/// Two keys of one name: nobody could say which of them a token means.
fn drop_namesakes(keys: &mut Vec<Key>) {
    let mut names: HashMap<String, usize> = HashMap::new();
    for id in keys.iter().filter_map(Key::id) {
        *names.entry(id.to_owned()).or_default() += 1;
    }
    keys.retain(|key| key.id().is_none_or(|id| names.get(id) == Some(&1)));
}

fn accept(written: &str) -> Option<Key> {
    let jwk: Jwk = serde_json::from_str(written).ok()?;
    if jwk.k.is_some() || jwk.d.is_some() || !is_for_signatures(&jwk) {
        return None;
    }
    let algorithm = algorithm(&jwk)?;
    let key = Key::of_public(algorithm, &public_key(&jwk, algorithm)?).ok()?;
    Some(match jwk.kid {
        Some(id) => key.named(id),
        None => key,
    })
}

fn is_for_signatures(jwk: &Jwk) -> bool {
    jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(|one| one == "verify"))
}

/// The key's own algorithm. Where it states none, its curve does; of RSA's, RS256 is the one that all have to know.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let (family, usual) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", None) => (Family::Rsa, Algorithm::Rs256),
        ("EC", Some("P-256")) => (Family::P256, Algorithm::Es256),
        ("EC", Some("P-384")) => (Family::P384, Algorithm::Es384),
        ("OKP", Some("Ed25519")) => (Family::Ed25519, Algorithm::EdDsa),
        _ => return None,
    };
    match &jwk.alg {
        None => Some(usual),
        Some(name) => Algorithm::of_name(name).filter(|stated| stated.family() == family),
    }
}

fn public_key(jwk: &Jwk, algorithm: Algorithm) -> Option<Vec<u8>> {
    let bytes = |member: &Option<String>| URL_SAFE_NO_PAD.decode(member.as_deref()?).ok();
    let point = |len: usize| {
        let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
        // RFC 7518 §6.2.1.2: as long as the curve's field, zeros in front included.
        (x.len() == len && y.len() == len).then(|| [&[0x04][..], &x, &y].concat())
    };
    match algorithm.family() {
        Family::Secret => None,
        Family::Rsa => {
            let components = RsaPublicKeyComponents {
                n: bytes(&jwk.n)?,
                e: bytes(&jwk.e)?,
            };
            let parsed = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
            Some(parsed.as_ref().to_vec())
        }
        Family::P256 => point(32),
        Family::P384 => point(48),
        Family::Ed25519 => bytes(&jwk.x).filter(|x| x.len() == 32),
    }
}

#[cfg(test)]
mod tests;
