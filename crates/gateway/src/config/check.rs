//! What only shows when settings are seen together. Done before a port is bound.

use hallway_protocol::Kinds;
use hallway_settings::{Loaded, Problem, Problems, Secret, print_duration};

use super::Config;

/// Shortest secret for HS256 in bytes, outside of dev mode (RFC 7518 §3.2: as long as the hash).
pub const SECRET_LEN: usize = 32;

/// Whether a node can run with this configuration.
///
/// # Errors
/// All that speaks against it.
pub fn check(loaded: &Loaded<Config>) -> Result<(), Problems> {
    let mut problems = Vec::new();
    names(loaded, &mut problems);
    secrets(loaded, &mut problems);
    api_keys(loaded, &mut problems);
    times(loaded, &mut problems);
    sizes(loaded, &mut problems);
    super::tls::check(loaded, &mut problems);
    if let Err(why) = Kinds::with(&loaded.config.kinds) {
        problems.push(Problem::at(loaded.source("kinds"), format!("[[kinds]]: {why}")));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(problems))
    }
}

fn names(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    let is_name = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if config.node.len() > 100 || !is_name(&config.node) {
        problems.push(loaded.problem("node", "must have at most 100 of A-Z a-z 0-9 . _ -"));
    }
    let is_cookie = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if !config.auth.cookie.bytes().all(is_cookie) {
        problems.push(loaded.problem(
            "auth.cookie",
            "must be a cookie's name (RFC 6265: no spaces, no separators)",
        ));
    }
    if config.proxy_protocol && config.trusted_proxies.is_empty() {
        problems.push(loaded.problem("proxy_protocol", "trusted_proxies must name those who speak it"));
    }
    let prefix = &config.redis.channel_prefix;
    if prefix.len() > 100
        || !prefix
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"{}*?[]\\".contains(&b))
    {
        let why =
            "must have at most 100 visible ASCII characters, none of { } * ? [ ] \\, which mean something to Redis";
        problems.push(loaded.problem("redis.channel_prefix", why));
    }
}

fn secrets(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    let auth = &config.auth;
    if config.dev {
        return;
    }
    if !auth.jwt_secret.is_set() && !auth.anonymous {
        let text = "nobody could connect: set auth.jwt_secret (HALLWAY_AUTH_JWT_SECRET or …_FILE, at least 32 bytes), or \
                    allow auth.anonymous, or, on your own machine, use --dev";
        problems.push(Problem::of_all(text));
    }
    let is_short = |secret: &Secret| secret.is_set() && secret.expose().len() < SECRET_LEN;
    let too_short = format!("must have at least {SECRET_LEN} bytes (openssl rand -base64 32 makes one)");
    if is_short(&auth.jwt_secret) {
        problems.push(loaded.problem("auth.jwt_secret", &too_short));
    }
    if auth
        .jwt_previous_secrets
        .iter()
        .any(|secret| is_short(secret) || !secret.is_set())
    {
        problems.push(loaded.problem("auth.jwt_previous_secrets", &format!("each {too_short}")));
    }
    let is_dev_secret = |secret: &Secret| secret.expose() == super::DEV_SECRET;
    if is_dev_secret(&auth.jwt_secret) || auth.jwt_previous_secrets.iter().any(is_dev_secret) {
        problems.push(loaded.problem("auth.jwt_secret", "the secret of dev mode is known to everybody"));
    }
    if config
        .api
        .keys
        .iter()
        .any(|key| !key.is_set() || key.expose() == super::DEV_API_KEY)
    {
        problems.push(loaded.problem("api.keys", "a key must be neither empty nor that of dev mode"));
    }
}

fn api_keys(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    if let Err(why) = loaded.config.api.verifier() {
        problems.push(loaded.problem("api.keys", &why.to_string()));
    }
}

fn times(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    let shutdown = &config.shutdown;
    let needed = shutdown.delay + shutdown.drain;
    if shutdown.deadline < needed {
        let why = format!(
            "must not be shorter than shutdown.delay and shutdown.drain together ({})",
            print_duration(needed)
        );
        problems.push(loaded.problem("shutdown.deadline", &why));
    }
    let (interval, timeout) = (config.redis.probe_interval, config.redis.probe_timeout);
    if timeout <= interval {
        let why = format!(
            "must be longer than redis.probe_interval ({})",
            print_duration(interval)
        );
        problems.push(loaded.problem("redis.probe_timeout", &why));
    }
}

fn sizes(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let limits = &loaded.config.limits;
    if limits.unauthenticated_frame_size > limits.frame_size {
        let why = format!("must not be larger than limits.frame_size ({})", limits.frame_size);
        problems.push(loaded.problem("limits.unauthenticated_frame_size", &why));
    }
    if limits.socket_queue.0 < 2 * limits.frame_size.0 {
        let why = format!("must hold two frames of limits.frame_size ({})", limits.frame_size);
        problems.push(loaded.problem("limits.socket_queue", &why));
    }
}
