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

use crate::identity::Identity;
use crate::pattern::RoomPattern;

/// The `typ` of a ticket's header.
const TYPE: &str = "hallway-ticket+jwt";
/// Stands before the secret in a ticket's key. HMAC takes keys of any length and shows nothing of them, so that
/// this key and the tokens' are as good as unrelated.
const KEY_PREFIX: &str = "hallway resume ticket 1:";

/// Makes and reads tickets.
pub struct Tickets {
    signing: Option<EncodingKey>,
    keys: Vec<DecodingKey>,
    validation: Validation,
    life: Duration,
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
    pub const MAX_LEN: usize = 8192;

    /// Tickets signed with a key made from the first secret, and read with those of all. Empty secrets count as
    /// none; without any there are no tickets.
    pub fn new<'s>(secret: &'s str, previous: impl IntoIterator<Item = &'s str>, life: Duration) -> Self {
        let key = |secret: &str| format!("{KEY_PREFIX}{secret}").into_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            signing: (!secret.is_empty()).then(|| EncodingKey::from_secret(&key(secret))),
            keys: std::iter::once(secret)
                .chain(previous)
                .filter(|secret| !secret.is_empty())
                .map(|secret| DecodingKey::from_secret(&key(secret)))
                .collect(),
            validation,
            life,
        }
    }

    /// A ticket for who was let in, or nothing where there are none. `now` is in Unix milliseconds.
    #[must_use]
    pub fn issue(&self, identity: &Identity, now: u64) -> Option<String> {
        let claims = Claims {
            user: identity.user.clone(),
            name: identity.name.clone(),
            rooms: identity.rooms.iter().map(ToString::to_string).collect(),
            issued_at: identity.issued_at,
            expires_at: identity.expires_at,
            until: now.saturating_add(self.life.as_millis() as u64),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.into());
        // JSON made of texts and numbers can be written, and an HMAC takes any key.
        jsonwebtoken::encode(&header, &claims, self.signing.as_ref()?).ok()
    }

    /// Reads a ticket. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn redeem(&self, ticket: &str, now: u64) -> Result<Identity, TicketError> {
        if self.keys.is_empty() {
            return Err(TicketError::NotAccepted);
        }
        let claims = self.checked(ticket)?;
        if now >= claims.until || claims.expires_at.is_some_and(|end| now >= end) {
            return Err(TicketError::Expired);
        }
        let rooms = claims
            .rooms
            .iter()
            .map(|text| RoomPattern::parse(text).ok_or(TicketError::Invalid))
            .collect::<Result<_, _>>()?;
        Ok(Identity {
            user: claims.user,
            name: claims.name,
            rooms,
            expires_at: claims.expires_at,
            issued_at: claims.issued_at,
        })
    }

    fn checked(&self, ticket: &str) -> Result<Claims, TicketError> {
        if ticket.len() > Self::MAX_LEN {
            return Err(TicketError::Invalid);
        }
        for key in &self.keys {
            match jsonwebtoken::decode::<Claims>(ticket, key, &self.validation) {
                Ok(data) if data.header.typ.as_deref() == Some(TYPE) => return Ok(data.claims),
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
        }
    }

    #[test]
    fn a_ticket_brings_back_who_it_was_made_for() {
        for identity in [alice(), Identity::anonymous()] {
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
