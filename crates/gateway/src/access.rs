//! Whom the node lets in, and what it lets them do. Replaced as a whole when the configuration is read again, so that
//! nobody ever sees half of a new one.

use std::net::IpAddr;
use std::sync::Arc;

use hallway_auth::{ApiKeys, JwtVerifier, Tickets};

use crate::config::{Config, Network, Origin};

/// Whom the node lets in, and what it lets them do.
#[derive(Debug)]
pub struct Access {
    /// A developer's own machine: the demo, any origin.
    pub dev: bool,
    /// Whether who shows no token is let in.
    pub anonymous: bool,
    /// The cookie that may hold a token.
    pub cookie: Option<String>,
    /// Whether a token may stand in the URL.
    pub query_token: bool,
    /// Origins of pages that may connect; none means the node's own.
    pub origins: Vec<Origin>,
    /// Proxies whose word on a client's address is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether their connections begin with the PROXY protocol's header.
    pub proxy_protocol: bool,
    /// Reads tokens.
    pub verifier: JwtVerifier,
    /// Makes and reads resume tickets.
    pub tickets: Tickets,
    /// Keys of the backend API.
    pub api_keys: ApiKeys,
    /// Largest body of a call, in bytes.
    pub api_body: usize,
}

impl Access {
    /// What a configuration says.
    ///
    /// # Errors
    /// A key that cannot be used, in words for the operator.
    pub fn of(config: &Config) -> Result<Self, String> {
        let auth = &config.auth;
        Ok(Self {
            dev: config.dev,
            anonymous: auth.anonymous,
            cookie: (!auth.cookie.is_empty()).then(|| auth.cookie.clone()),
            query_token: auth.query_token,
            origins: auth.origins.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            proxy_protocol: config.proxy_protocol,
            verifier: verifier(config)?,
            tickets: auth.tickets(),
            api_keys: config.api.verifier().map_err(|why| format!("api.keys: {why}"))?,
            api_body: config.limits.api_body.bytes(),
        })
    }

    /// What a later configuration says, without what only a restart changes.
    ///
    /// # Errors
    /// As [`Access::of`].
    pub fn renewed(&self, config: &Config) -> Result<Self, String> {
        let later = Self::of(config)?;
        Ok(Self {
            dev: self.dev,
            // With the keys that it has fetched.
            verifier: later.verifier.with_jwks(self.verifier.jwks().cloned()),
            ..later
        })
    }

    /// Whether an address is that of a proxy of ours.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|proxy| proxy.contains(address))
    }
}

fn verifier(config: &Config) -> Result<JwtVerifier, String> {
    let auth = &config.auth;
    let jwks = auth.jwks(config.dev).map_err(|why| format!("auth.jwks_url: {why}"))?;
    if jwks.is_some() && auth.jwt_audience.is_empty() {
        tracing::warn!(
            "auth.jwks_url is set and auth.jwt_audience is not: tokens that were made for other services are good here"
        );
    }
    let verifier = auth.verifier().map_err(|why| why.to_string())?;
    let verifier = verifier.with_attributes(config.admission.claims.clone());
    Ok(verifier.with_jwks(jwks.map(Arc::new)))
}
