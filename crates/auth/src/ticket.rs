//! Resume tickets: what a connection was let in as, signed by the node that let it in and good on every node that
//! has the same secret. Who comes back with one is not looked up anew.
//!
//! A ticket is a JSON Web Token too, so that its making and checking are the library's; but of a type and a key of
//! its own: no ticket is ever taken for a token, and no token for a ticket.

use std::fmt;
use std::time::Duration;

use hallway_protocol::UserId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::identity::{Attributes, Identity};
use crate::pattern::RoomPattern;
use crate::seal::Seal;
use crate::session::SessionToken;

/// The `typ` of a ticket's header.
const TYPE: &str = "hallway-ticket+jwt";
/// Stands before the secret in a ticket's key. HMAC takes keys of any length and shows nothing of them, so that
/// this key and the tokens' are as good as unrelated.
const KEY_PREFIX: &str = "hallway resume ticket 1:";

/// Makes and reads tickets.
pub struct Tickets {
    /// The first of `keys`, where tickets are made.
    signing: Option<EncodingKey>,
    keys: Vec<TicketKey>,
    validation: Validation,
    life: Duration,
}

/// What tickets of one secret are checked and opened with.
struct TicketKey {
    decoding: DecodingKey,
    seal: Seal,
}

/// Why a ticket is refused. The texts may be sent to the client, which then shows its token instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TicketError {
    /// No key is configured, so there are none.
    #[error("resume tickets are not in use here")]
    NotAccepted,
    /// Not one of ours, or changed.
    #[error("the resume ticket is not valid")]
    Invalid,
    /// Its time, or that of the token behind it, is over.
    #[error("the resume ticket has expired")]
    Expired,
}

/// What is signed. Short names, since it goes out with every hello.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// The user; none for the anonymous.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<String>,
    /// When the token was made, and when it ends, in Unix milliseconds.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    issued_at: Option<u64>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    /// The token of the session, sealed: who holds the ticket does not have the session, and it is looked at again.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
    /// When the ticket ends, in Unix milliseconds.
    #[serde(rename = "t")]
    until: u64,
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets")
            .field("keys", &self.keys.len())
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

impl Tickets {
    /// Largest ticket in bytes.
    pub const MAX_LEN: usize = 16 * 1024;

    /// Tickets signed with a key made from the first secret, and read with those of all. Empty secrets count as
    /// none; without any there are no tickets.
    pub fn new<'s>(secret: &'s str, previous: impl IntoIterator<Item = &'s str>, life: Duration) -> Self {
        let prefixed = |secret: &str| format!("{KEY_PREFIX}{secret}").into_bytes();
        // Keys of the algorithm's length, which are never refused.
        let key = |secret: &str| {
            let decoding = DecodingKey::from_secret(&prefixed(secret));
            Seal::of_secret(secret).ok().map(|seal| TicketKey { decoding, seal })
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            signing: (!secret.is_empty()).then(|| EncodingKey::from_secret(&prefixed(secret))),
            keys: std::iter::once(secret)
                .chain(previous)
                .filter(|secret| !secret.is_empty())
                .filter_map(key)
                .collect(),
            validation,
            life,
        }
    }

    /// A ticket for who was let in, or nothing where there are none. `now` is in Unix milliseconds.
    #[must_use]
    pub fn issue(&self, identity: &Identity, now: u64) -> Option<String> {
        let (signing, key) = (self.signing.as_ref()?, self.keys.first()?);
        let session = match &identity.session {
            // Without it nobody would look at the session again, so then there is no ticket.
            Some(token) => Some(key.seal.close(token.expose()).ok()?),
            None => None,
        };
        let claims = Claims {
            user: identity.user.clone(),
            name: identity.name.clone(),
            rooms: identity.rooms.iter().map(ToString::to_string).collect(),
            issued_at: identity.issued_at,
            expires_at: identity.expires_at,
            session,
            attributes: identity.attributes.clone(),
            until: now.saturating_add(self.life.as_millis() as u64),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.into());
        // JSON made of texts and numbers can be written, and an HMAC takes any key.
        let ticket = jsonwebtoken::encode(&header, &claims, signing).ok()?;
        (ticket.len() <= Self::MAX_LEN).then_some(ticket)
    }

    /// Reads a ticket. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn redeem(&self, ticket: &str, now: u64) -> Result<Identity, TicketError> {
        if self.keys.is_empty() {
            return Err(TicketError::NotAccepted);
        }
        let (claims, key) = self.checked(ticket)?;
        if now >= claims.until || claims.expires_at.is_some_and(|end| now >= end) {
            return Err(TicketError::Expired);
        }
        let rooms = claims
            .rooms
            .iter()
            .map(|text| RoomPattern::parse(text).ok_or(TicketError::Invalid))
            .collect::<Result<_, _>>()?;
        let open = |sealed: String| key.seal.open(&sealed).and_then(|token| SessionToken::parse(&token));
        let session = claims.session.map(|sealed| open(sealed).ok_or(TicketError::Invalid));
        Ok(Identity {
            user: claims.user,
            name: claims.name,
            rooms,
            expires_at: claims.expires_at,
            issued_at: claims.issued_at,
            session: session.transpose()?,
            attributes: claims.attributes,
        })
    }

    fn checked(&self, ticket: &str) -> Result<(Claims, &TicketKey), TicketError> {
        if ticket.len() > Self::MAX_LEN {
            return Err(TicketError::Invalid);
        }
        for key in &self.keys {
            match jsonwebtoken::decode::<Claims>(ticket, &key.decoding, &self.validation) {
                Ok(data) if data.header.typ.as_deref() == Some(TYPE) => return Ok((data.claims, key)),
                Err(why) if *why.kind() == ErrorKind::InvalidSignature => {}
                Ok(_) | Err(_) => return Err(TicketError::Invalid),
            }
        }
        Err(TicketError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Grant, JwtOptions, JwtVerifier, Key, SigningKey};

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const ALGORITHM: Algorithm = Algorithm::Hs256;
    const NOW: u64 = 1_700_000_000_000;
    const LIFE: Duration = Duration::from_secs(60);

    fn tickets() -> Tickets {
        Tickets::new(SECRET, [], LIFE)
    }

    fn alice() -> Identity {
        Identity {
            user: UserId::parse("alice").ok(),
            name: Some("Alice Ä".into()),
            rooms: vec![RoomPattern::parse("board-*").unwrap()],
            expires_at: Some(NOW + 30_000),
            issued_at: Some(NOW - 1000),
            ..Identity::default()
        }
    }

    fn of_session() -> Identity {
        let attributes = serde_json::from_str(r#"{"credits":7}"#).unwrap();
        Identity {
            rooms: Vec::new(),
            session: SessionToken::parse("the-session-token"),
            attributes,
            ..alice()
        }
    }

    #[test]
    fn the_token_of_a_session_is_in_it_and_cannot_be_read() {
        use base64::Engine;
        let ticket = tickets().issue(&of_session(), NOW).unwrap();
        let payload = ticket.split('.').nth(1).unwrap();
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(payload)
            .unwrap();
        assert!(!String::from_utf8_lossy(&payload).contains("session-token"));
        assert_eq!(tickets().redeem(&ticket, NOW), Ok(of_session()));
        let rotated = Tickets::new("another-secret-of-32-bytes-or-more!", [SECRET], LIFE);
        assert_eq!(rotated.redeem(&ticket, NOW), Ok(of_session()));
    }

    #[test]
    fn a_ticket_brings_back_who_it_was_made_for() {
        for identity in [alice(), of_session(), Identity::anonymous()] {
            let ticket = tickets().issue(&identity, NOW).unwrap();
            assert_eq!(tickets().redeem(&ticket, NOW + 1), Ok(identity));
        }
    }

    #[test]
    fn it_ends_with_its_own_time_and_with_the_tokens() {
        let ticket = tickets().issue(&alice(), NOW).unwrap();
        assert!(tickets().redeem(&ticket, NOW + 29_999).is_ok());
        assert_eq!(tickets().redeem(&ticket, NOW + 30_000), Err(TicketError::Expired));
        let ticket = tickets().issue(&Identity::anonymous(), NOW).unwrap();
        assert!(tickets().redeem(&ticket, NOW + 59_999).is_ok());
        assert_eq!(tickets().redeem(&ticket, NOW + 60_000), Err(TicketError::Expired));
    }

    #[test]
    fn what_is_no_ticket_of_ours_is_refused() {
        let ticket = tickets().issue(&alice(), NOW).unwrap();
        let (rest, signature) = ticket.rsplit_once('.').unwrap();
        let other = Tickets::new("another-secret-of-32-bytes-or-more!", [], LIFE);
        let verifier = JwtVerifier::new(JwtOptions {
            keys: Key::of_secret(ALGORITHM, SECRET).into_iter().collect(),
            signing: SigningKey::of_secret(ALGORITHM, SECRET).ok(),
            ..JwtOptions::default()
        });
        let token = verifier.mint(&Grant {
            user: UserId::parse("alice").unwrap(),
            name: None,
            rooms: vec![],
            issued_at: NOW,
            life: LIFE,
        });
        for text in ["", "a.b.c", rest, &format!("{rest}A.{signature}"), &token.unwrap()] {
            assert_eq!(tickets().redeem(text, NOW), Err(TicketError::Invalid), "{text}");
        }
        assert_eq!(other.redeem(&ticket, NOW), Err(TicketError::Invalid));
        assert!(verifier.verify(&ticket, NOW).is_err(), "nor is it a token");
        let none = Tickets::new("", [], LIFE);
        assert_eq!(none.redeem(&ticket, NOW), Err(TicketError::NotAccepted));
        assert_eq!(none.issue(&alice(), NOW), None);
    }

    #[test]
    fn a_previous_secret_still_reads() {
        let ticket = tickets().issue(&alice(), NOW).unwrap();
        let rotated = Tickets::new("another-secret-of-32-bytes-or-more!", [SECRET], LIFE);
        assert!(rotated.redeem(&ticket, NOW).is_ok());
    }
}
