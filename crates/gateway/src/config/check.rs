//! What only shows when settings are seen together. Done before a port is bound.

use hallway_auth::jwks::UrlError;
use hallway_protocol::Kinds;
use hallway_settings::{Loaded, Problem, Problems, Secret, print_duration};

use super::{Config, keys};

/// Shortest secret of resume tickets in bytes, outside of dev mode; tokens' depend on their algorithm.
pub const SECRET_LEN: usize = 32;

/// Whether a node can run with this configuration.
///
/// # Errors
/// All that speaks against it.
pub fn check(loaded: &Loaded<Config>) -> Result<(), Problems> {
    let mut problems = Vec::new();
    names(loaded, &mut problems);
    keys(loaded, &mut problems);
    store(loaded, &mut problems);
    secrets(loaded, &mut problems);
    api_keys(loaded, &mut problems);
    times(loaded, &mut problems);
    sizes(loaded, &mut problems);
    super::tls::check(loaded, &mut problems);
    super::hooks::check(loaded, &mut problems);
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
    let cookie = "must be a cookie's name (RFC 6265: no spaces, no separators)";
    if !config.auth.cookie.bytes().all(is_cookie) {
        problems.push(loaded.problem("auth.cookie", cookie));
    }
    let is_name_of_cookie = |name: &String| !name.is_empty() && name.bytes().all(is_cookie);
    if !config.sessions.cookies.iter().all(is_name_of_cookie) {
        problems.push(loaded.problem("sessions.cookies", &format!("each {cookie}")));
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

/// What tokens are checked with. In dev mode a secret may be short, but a key is never another than it says.
fn keys(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    let auth = &config.auth;
    let table = |why: &str| Problem::at(loaded.source("auth.keys"), format!("[[auth.keys]]: {why}"));
    let refuse = |setting: &str, why: &str| match setting {
        "auth.keys" => table(why),
        setting => loaded.problem(setting, why),
    };
    match keys::read(auth) {
        Ok(keys) if !config.dev => {
            for short in keys.lengths.iter().filter(|length| length.given < length.least) {
                let why = format!(
                    "must have at least {least} bytes (openssl rand -base64 {least} makes one)",
                    least = short.least
                );
                problems.push(refuse(short.setting, &why));
            }
        }
        Ok(_) => {}
        Err(why) => problems.push(refuse(why.setting, &why.why)),
    }
    if let Err(why) = auth.jwks(config.dev) {
        let setting = match why {
            UrlError::Authorities(_) => "auth.jwks_ca",
            UrlError::NoUrl | UrlError::Plain => "auth.jwks_url",
        };
        problems.push(loaded.problem(setting, &why.to_string()));
    }
    for (setting, claim) in [
        ("auth.claim_user", &auth.claim_user),
        ("auth.claim_name", &auth.claim_name),
        ("auth.claim_rooms", &auth.claim_rooms),
        ("auth.claim_expires", &auth.claim_expires),
    ] {
        if claim.is_empty() {
            problems.push(loaded.problem(setting, "must be a claim's name"));
        }
    }
    if config.admission.claims.iter().any(String::is_empty) {
        problems.push(loaded.problem("admission.claims", "each must be a claim's name"));
    }
    if auth.required_claims.iter().any(String::is_empty) {
        problems.push(loaded.problem("auth.required_claims", "each must be a claim's name"));
    }
    if auth.jwt_audience.iter().any(String::is_empty) {
        problems.push(loaded.problem("auth.jwt_audience", "each must be an audience's name"));
    }
}

fn store(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let store = &loaded.config.store;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = store.schema.starts_with(|first: char| !first.is_ascii_digit());
    if store.schema.len() > 63 || !begins_well || !store.schema.bytes().all(is_name) {
        problems.push(loaded.problem(
            "store.schema",
            "must have 1 to 63 of a-z 0-9 _ and not begin with a digit",
        ));
    }
    if store.url.expose().is_none() && (store.path.is_empty() || store.path.contains('\0')) {
        problems.push(loaded.problem(
            "store.path",
            "must be a file's path, or :memory:, where store.url is empty",
        ));
    }
}

fn secrets(loaded: &Loaded<Config>, problems: &mut Vec<Problem>) {
    let config = &loaded.config;
    let auth = &config.auth;
    if config.dev {
        return;
    }
    let no_key =
        !auth.jwt_secret.is_set() && !auth.jwt_public_key.is_set() && auth.keys.is_empty() && auth.jwks_url.is_empty();
    let nothing_to_check_with = no_key && !config.sessions.enabled;
    if nothing_to_check_with && !auth.anonymous {
        let text = "nobody could connect: set auth.jwt_secret (HALLWAY_AUTH_JWT_SECRET or …_FILE, at least 32 bytes), \
                    auth.jwt_public_key, auth.jwks_url or sessions.enabled, or allow auth.anonymous, or, on your own machine, use --dev";
        problems.push(Problem::of_all(text));
    }
    if auth.ticket_secret.is_set() && auth.ticket_secret.expose().len() < SECRET_LEN {
        let why = format!("must have at least {SECRET_LEN} bytes (openssl rand -base64 32 makes one)");
        problems.push(loaded.problem("auth.ticket_secret", &why));
    }
    if auth.jwt_previous_secrets.iter().any(|secret| !secret.is_set()) {
        problems.push(loaded.problem("auth.jwt_previous_secrets", "none of them may be empty"));
    }
    let is_dev_secret = |secret: &Secret| secret.expose() == super::DEV_SECRET;
    if is_dev_secret(&auth.jwt_secret) || auth.jwt_previous_secrets.iter().any(is_dev_secret) {
        problems.push(loaded.problem("auth.jwt_secret", "the secret of dev mode is known to everybody"));
    }
    let of_row = |entry: &keys::KeyEntry| entry.secret.as_ref().is_some_and(is_dev_secret);
    if is_dev_secret(&auth.ticket_secret) || auth.keys.iter().any(of_row) {
        problems.push(Problem::of_all(
            "auth.ticket_secret and [[auth.keys]]: the secret of dev mode is known to everybody",
        ));
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
