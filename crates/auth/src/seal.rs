//! What stands in a resume ticket and is not for whoever holds the ticket: the token of a session.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Stands before the secret in a seal's key, so that it has nothing to do with the keys of signatures.
const KEY_PREFIX: &str = "hallway ticket seal 1:";
/// What that key is made for.
const PURPOSE: &[u8] = b"session token";
/// Bytes of a nonce (RFC 8452 §4), which stands before what is sealed.
const NONCE_LEN: usize = 12;

/// Seals and opens. AES-256-GCM-SIV (RFC 8452): nonces are random, and there are more tickets in a key's life than plain GCM
/// may have of those.
pub(crate) struct Seal(RandomizedNonceKey);

impl Seal {
    /// With a key made from a secret.
    pub(crate) fn of_secret(secret: &str) -> Result<Self, Unspecified> {
        let prefixed = Key::new(HMAC_SHA256, format!("{KEY_PREFIX}{secret}").as_bytes());
        RandomizedNonceKey::new(&AES_256_GCM_SIV, sign(&prefixed, PURPOSE).as_ref()).map(Self)
    }

    /// A sealed text, in base64url.
    pub(crate) fn close(&self, text: &str) -> Result<String, Unspecified> {
        let mut bytes = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut bytes)?;
        let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What was sealed, if it was with this key.
    pub(crate) fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, Aad::empty(), rest).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_its_key_only() {
        let (ours, other) = (Seal::of_secret("a").unwrap(), Seal::of_secret("b").unwrap());
        let sealed = ours.close("the token").unwrap();
        assert_ne!(sealed, ours.close("the token").unwrap(), "no two look alike");
        assert_eq!(ours.open(&sealed).as_deref(), Some("the token"));
        for foreign in [
            other.close("the token").unwrap(),
            String::new(),
            "AAAA".into(),
            sealed[1..].to_owned(),
        ] {
            assert_eq!(ours.open(&foreign), None);
        }
    }
}
