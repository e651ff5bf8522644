//! Who may connect, and how they say who they are.

use std::time::Duration;

use hallway_auth::{JwtOptions, JwtVerifier, Tickets};
use hallway_settings::{Secret, settings};

use super::origin::Origin;

settings! {
    /// Who may connect, and how they say who they are.
    pub struct Auth {
        /// The secret that tokens are signed with (JWT, HS256), and resume tickets with a key made from it. At
        /// least 32 bytes, the same on all nodes.
        jwt_secret: Secret = "";
        /// Secrets that were in use before: tokens signed with them are still good, new ones are not made.
        jwt_previous_secrets: Vec<Secret> = "";
        /// How far the clocks of who signs tokens and of this node may be apart.
        jwt_leeway: Duration = "5s", from "0s" to "5m";
        /// The audience that a token must name (`aud`). Empty: a token's audience is not looked at.
        jwt_audience: String = "";
        /// The issuer that a token must name (`iss`). Empty: a token's issuer is not looked at.
        jwt_issuer: String = "";
        /// How long a resume ticket is good, if the token behind it is good for that long. A client asks for a new one
        /// with `ping` before then.
        ticket_life: Duration = "15m", from "10s" to "1d";
        /// How long it is remembered that a user's credentials were revoked. Longer than any token is good for.
        revocation_life: Duration = "30d", from "1m" to "400d";
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
}

impl Auth {
    /// What makes and reads resume tickets.
    #[must_use]
    pub fn tickets(&self) -> Tickets {
        let previous = self.jwt_previous_secrets.iter().map(Secret::expose);
        Tickets::new(self.jwt_secret.expose(), previous, self.ticket_life)
    }

    /// What reads tokens, and makes them for `hallway token`.
    #[must_use]
    pub fn verifier(&self) -> JwtVerifier {
        let previous: Vec<&str> = self.jwt_previous_secrets.iter().map(Secret::expose).collect();
        JwtVerifier::new(JwtOptions {
            secret: self.jwt_secret.expose(),
            previous: &previous,
            leeway: self.jwt_leeway,
            audience: &self.jwt_audience,
            issuer: &self.jwt_issuer,
        })
    }
}
