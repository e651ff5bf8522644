//! Keys from a URL, over real HTTP.

// What is no `#[test]` itself helps one here, and fails it in the same way.
#![allow(clippy::unwrap_used)]

mod jwks;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallway_auth::jwks::{HttpSource, Jwks, JwksOptions};
use hallway_auth::{Identity, JwtOptions, JwtVerifier, TokenError};
use hallway_testkit::Signer;
use tokio::task::JoinHandle;

/// 2023-11-14, in milliseconds.
const NOW: u64 = 1_700_000_000_000;

/// Times that only what should happen can end: nothing here waits for one of them.
const LONG: JwksOptions = JwksOptions {
    refresh: Duration::from_secs(86_400),
    cooldown: Duration::ZERO,
    timeout: Duration::from_secs(60),
};

/// A verifier whose keys are fetched.
struct Fetching {
    verifier: JwtVerifier,
    task: JoinHandle<()>,
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetching {
    fn start(url: &str, ca: Option<&Path>, options: JwksOptions) -> Self {
        let jwks = Arc::new(Jwks::new(HttpSource::new(url, ca, false).unwrap(), options));
        let run = Arc::clone(&jwks);
        Self {
            task: tokio::spawn(async move { run.run().await }),
            verifier: JwtVerifier::new(JwtOptions {
                jwks: Some(jwks),
                ..JwtOptions::default()
            }),
        }
    }

    /// What becomes of a token, as the gateway asks.
    async fn shown(&self, token: &str) -> Result<Identity, TokenError> {
        match self.verifier.verify(token, NOW) {
            Err(TokenError::UnknownKey) => {
                self.verifier.look_for_keys().await?;
                self.verifier.verify(token, NOW)
            }
            verdict => verdict,
        }
    }

    /// How often something came of a fetch.
    fn fetches(&self, outcome: &str) -> u64 {
        let stats = self.verifier.jwks().unwrap().stats();
        stats.fetches().find(|(label, _)| *label == outcome).unwrap().1
    }
}

/// A token of a signer under a name.
fn token(signer: &Signer, algorithm: &str, kid: &str) -> String {
    let claims = format!(r#"{{"sub":"alice","exp":{}}}"#, NOW / 1000 + 60);
    signer.sign(algorithm, &format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#), &claims)
}

/// A signer's key under a name.
fn jwk(signer: &Signer, kid: &str) -> String {
    signer.jwk(&format!(r#""kid":"{kid}","use":"sig""#))
}
