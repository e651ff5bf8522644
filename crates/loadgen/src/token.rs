//! Tokens as an application's login would issue them: HS256, good for every board and organization.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::error::{Doing, Failure};

/// Issues tokens that hold for a day.
pub(crate) struct Issuer {
    key: Hmac<Sha256>,
    expires_at: u64,
}

impl Issuer {
    pub(crate) fn new(secret: &str) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).doing("the clock")?;
        Ok(Self {
            key: Hmac::new_from_slice(secret.as_bytes()).doing("the secret")?,
            expires_at: now.as_secs() + 86_400,
        })
    }

    pub(crate) fn token(&self, user: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims = json!({"sub": user, "name": user, "rooms": ["board-*", "org-*"], "exp": self.expires_at});
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut key = self.key.clone();
        key.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(key.finalize().into_bytes());
        format!("{signed}.{signature}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_three_parts_and_the_same_every_time() {
        let issuer = Issuer::new("secret").unwrap();
        let token = issuer.token("u1");
        assert_eq!(token, issuer.token("u1"));
        assert_eq!(token.split('.').count(), 3);
        assert_ne!(token, Issuer::new("other").unwrap().token("u1"));
    }

    #[test]
    fn the_signature_is_that_of_rfc_7515() {
        // RFC 7515, A.1: this key and this text give this signature.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(&URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
        mac.update(text.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }
}
