//! Who may connect, and how they say who they are. From settings to keys: `keys.rs`.

use std::path::Path;
use std::time::Duration;

use hallway_auth::jwks::{HttpSource, Jwks, JwksOptions, UrlError};
use hallway_auth::{Algorithm, JwtOptions, JwtVerifier, Rules, Tickets};
use hallway_settings::{Secret, settings};

use super::keys::{self, KeyEntry, RefusedKey};
use super::origin::Origin;

settings! {
    /// Who may connect, and how they say who they are. See [authentication.md](authentication.md).
    pub struct Auth {
        /// The secret that tokens are signed with, and resume tickets with a key made from it. At least as long as the
        /// algorithm's hash (32 bytes for HS256), the same on all nodes.
        jwt_secret: Secret = "";
        /// Secrets that were in use before: tokens signed with them are still good, new ones are not made.
        jwt_previous_secrets: Vec<Secret> = "";
        /// The one algorithm of these secrets: HS256, HS384 or HS512.
        jwt_algorithm: Algorithm = "HS256";
        /// A public key in PEM (`BEGIN PUBLIC KEY`) that tokens are checked with. Several: `[[auth.keys]]`.
        jwt_public_key: Secret = "";
        /// The one algorithm of that public key.
        jwt_public_key_algorithm: Algorithm = "RS256";
        /// Where a JSON Web Key Set with public keys is fetched from, `https://…`. Empty: nowhere.
        jwks_url: String = "";
        /// A PEM file with the authorities that may sign that server's certificate. Empty: the system's.
        jwks_ca: String = "";
        /// How often the key set is fetched anew.
        jwks_refresh: Duration = "5m", from "1s" to "1d";
        /// The least time between two fetches that are caused by tokens whose key is not known.
        jwks_cooldown: Duration = "10s", from "100ms" to "1h";
        /// How long a fetch may take.
        jwks_timeout: Duration = "5s", from "100ms" to "1m";
        /// How far the clocks of who signs tokens and of this node may be apart.
        jwt_leeway: Duration = "5s", from "0s" to "5m";
        /// The audiences that are this service: a token must name one of them (`aud`). Empty: it is not looked at.
        jwt_audience: Vec<String> = "";
        /// The issuer that a token must name (`iss`). Empty: a token's issuer is not looked at.
        jwt_issuer: String = "";
        /// Claims that a token must have, whatever they say, beside those that say who and until when.
        required_claims: Vec<String> = "";
        /// The claim that is the user's id: a text, or (if it is not `sub`) a whole number. Dots reach inside of claims.
        claim_user: String = "sub";
        /// The claim that is the user's name, as others see it. Dots reach inside of claims.
        claim_name: String = "name";
        /// The claim that lists the rooms which the token opens. Dots reach inside of claims.
        claim_rooms: String = "rooms";
        /// The claim that says when the authorization ends, in Unix seconds. `exp` counts beside it, whichever is
        /// earlier. Dots reach inside of claims.
        claim_expires: String = "exp";
        /// The secret that resume tickets are signed with, at least 32 bytes, the same on all nodes. Empty: a key made from
        /// `auth.jwt_secret`, and no tickets without one.
        ticket_secret: Secret = "";
        /// How long a resume ticket is good, if the token behind it is good for that long. A client asks for a new one
        /// with `ping` before then.
        ticket_life: Duration = "15m", from "10s" to "1d";
        /// How long it is remembered that a user's credentials were revoked. Longer than any token is good for.
        revocation_life: Duration = "30d", from "1m" to "400d";
        /// How long before its token expires a client is told (`auth-expiring`), so that it brings a newer one
        /// (`auth.refresh`).
        expiry_warning: Duration = "1m", from "0s" to "1d";
        /// How long a client may stay after its token has expired; then it is closed with 4401. Until then it hears, and can
        /// ask for nothing but `auth.refresh` and `ping`.
        expiry_grace: Duration = "10s", from "0s" to "10m";
        /// Whether a client without a token is let in. It reaches public rooms only.
        anonymous: bool = false;
        /// How long a client may take from the end of the handshake to its first frame with a token; then it is
        /// closed with 4408.
        timeout: Duration = "10s", from "100ms" to "5m";
        /// Whether the token may come as `?token=`. URLs are logged by proxies, so a token in one is not secret.
        query_token: bool = false;
        /// The session cookie that holds the token. Empty: cookies are not looked at.
        cookie: String = "";
        /// Origins whose pages may connect, or `*` for any. Empty: pages of this host only, and any in dev mode.
        origins: Vec<Origin> = "";
    }
    tables {
        /// Keys that tokens are checked with, each for one algorithm; several while one is replaced by another. Fields: `id`
        /// (the `kid` that tokens name; without one the key is tried for all tokens of its algorithm), `algorithm`, and
        /// either `secret` or `secret_file` (HS256, HS384, HS512), or `public_key` or `public_key_file` (PEM; the others).
        keys: KeyEntry ["secret", "public_key"],
    }
}

impl Auth {
    /// What makes and reads resume tickets. Those signed with what was in use before are read, not made.
    #[must_use]
    pub fn tickets(&self) -> Tickets {
        let mut secrets = [&self.ticket_secret, &self.jwt_secret]
            .into_iter()
            .chain(&self.jwt_previous_secrets)
            .filter(|secret| secret.is_set())
            .map(Secret::expose);
        let signs = (self.ticket_secret.is_set() || self.jwt_secret.is_set()).then(|| secrets.next());
        Tickets::new(signs.flatten().unwrap_or_default(), secrets, self.ticket_life)
    }

    /// What reads tokens, and makes them for `hallway token`. Keys from a URL are not among its keys yet: see
    /// [`jwks`](Self::jwks).
    ///
    /// # Errors
    /// A key is none.
    pub fn verifier(&self) -> Result<JwtVerifier, RefusedKey> {
        let keys = keys::read(self)?;
        Ok(JwtVerifier::new(JwtOptions {
            keys: keys.checking,
            signing: keys.signing,
            jwks: None,
            rules: self.rules(),
        }))
    }

    /// The keys of `auth.jwks_url`, not fetched yet; nothing without one. With `plain` it may be any host without TLS.
    ///
    /// # Errors
    /// Why the URL, or the authorities beside it, are refused.
    pub fn jwks(&self, plain: bool) -> Result<Option<Jwks>, UrlError> {
        if self.jwks_url.is_empty() {
            return Ok(None);
        }
        let ca = (!self.jwks_ca.is_empty()).then(|| Path::new(&self.jwks_ca));
        let options = JwksOptions {
            refresh: self.jwks_refresh,
            cooldown: self.jwks_cooldown,
            timeout: self.jwks_timeout,
        };
        Ok(Some(Jwks::new(HttpSource::new(&self.jwks_url, ca, plain)?, options)))
    }

    fn rules(&self) -> Rules {
        Rules {
            leeway: self.jwt_leeway,
            audience: self.jwt_audience.clone(),
            issuer: self.jwt_issuer.clone(),
            required: self.required_claims.clone(),
            user: self.claim_user.clone(),
            name: self.claim_name.clone(),
            rooms: self.claim_rooms.clone(),
            expires: self.claim_expires.clone(),
            // The settings of admission say which, see `node.rs`.
            attributes: Vec::new(),
        }
    }
}
