//! The signature by which a backend knows that a call comes from the gateway: Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>), symmetric.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request;

use crate::clock::unix_ms;

/// What secrets begin with that are base64; others are taken as they stand.
const ENCODED: &str = "whsec_";

/// Signs calls. The first key is the present one; a backend may still know the others.
pub struct Signer {
    keys: Vec<Key>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("keys", &self.keys.len()).finish()
    }
}

impl Signer {
    /// With secrets as they stand in the settings.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let key = |secret: &str| match secret.strip_prefix(ENCODED).map(|text| STANDARD.decode(text)) {
            Some(Ok(bytes)) => Key::new(HMAC_SHA256, &bytes),
            _ => Key::new(HMAC_SHA256, secret.as_bytes()),
        };
        Self {
            keys: secrets.into_iter().map(key).collect(),
        }
    }

    /// Adds the headers that show whose a body is.
    #[must_use]
    pub fn sign(&self, request: request::Builder, body: &[u8]) -> request::Builder {
        let id = format!("msg_{:032x}", rand::random::<u128>());
        self.sign_as(request, body, &id, unix_ms() / 1000)
    }

    /// The same for a call that is repeated: its id stays.
    #[must_use]
    pub fn sign_as(&self, request: request::Builder, body: &[u8], id: &str, seconds: u64) -> request::Builder {
        let mut signed = format!("{id}.{seconds}.").into_bytes();
        signed.extend_from_slice(body);
        let signatures: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("v1,{}", STANDARD.encode(sign(key, &signed))))
            .collect();
        request
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example() {
        // From the reference implementations' tests of Standard Webhooks.
        let signer = Signer::new(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        let body = br#"{"test": 2432232314}"#;
        let request = http::Request::post("http://backend/");
        let request = signer.sign_as(request, body, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let headers = request.headers_ref().unwrap();
        assert_eq!(
            headers["webhook-signature"],
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(format!("{signer:?}"), "Signer { keys: 1 }");
    }
}
