//! `hallway token`: a token for trying things out, and for backends that are shell scripts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use hallway_auth::{Grant, JwtVerifier, RoomPattern};
use hallway_protocol::UserId;
use hallway_settings::Value as _;

use crate::failure::Failure;
use crate::{input, output};

pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let config = input::load(matches)?.config;
    let grant = Grant {
        user: user(matches)?,
        name: matches.get_one::<String>("name").cloned(),
        rooms: rooms(matches)?,
        issued_at: unix_millis(),
        life: life(matches)?,
    };
    let verifier = config.auth.verifier().map_err(Failure::usage)?;
    let token = make(&verifier, &grant)?;
    verifier
        .verify(&token, grant.issued_at)
        .map_err(|error| Failure::usage(format!("nobody would accept it: {error}")))?;
    output::line(&token)
}

/// Signs a token, if there is something to sign it with.
pub(crate) fn make(verifier: &JwtVerifier, grant: &Grant) -> Result<String, Failure> {
    verifier.mint(grant).ok_or_else(|| {
        Failure::usage("no secret to sign with: set auth.jwt_secret (--secret, HALLWAY_AUTH_JWT_SECRET), or use --dev")
    })
}

/// The user of `--user`.
pub(crate) fn user(matches: &ArgMatches) -> Result<UserId, Failure> {
    let user = matches.get_one::<String>("user").map_or("", String::as_str);
    UserId::parse(user).map_err(|why| Failure::usage(format!("flag --user: {user:?} is refused: {why}")))
}

/// The time of day in Unix milliseconds.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn rooms(matches: &ArgMatches) -> Result<Vec<RoomPattern>, Failure> {
    let given = matches.get_many::<String>("room").unwrap_or_default();
    let refused = |text: &String| {
        Failure::usage(format!(
            "flag --room: {text:?} is refused: must be a room's name, or its beginning and a *"
        ))
    };
    given
        .map(|text| RoomPattern::parse(text).ok_or_else(|| refused(text)))
        .collect()
}

fn life(matches: &ArgMatches) -> Result<Duration, Failure> {
    let text = matches.get_one::<String>("ttl").map_or("", String::as_str);
    Duration::parse(text).filter(|life| life.as_secs() > 0).ok_or_else(|| {
        Failure::usage(format!(
            "flag --ttl: {text:?} is refused: must be {}, at least 1s",
            Duration::KIND.allowed
        ))
    })
}
