//! `hallway token`.

use std::time::{SystemTime, UNIX_EPOCH};

use hallway_auth::{Algorithm, JwtOptions, JwtVerifier, Key, TokenError};

use crate::run::hallway;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis() as u64
}

fn verifier(secret: &str) -> JwtVerifier {
    JwtVerifier::new(JwtOptions {
        keys: Key::of_secret(Algorithm::Hs256, secret).into_iter().collect(),
        ..JwtOptions::default()
    })
}

#[test]
fn a_token_says_what_was_asked_for() {
    let args = [
        "token", "--user", "alice", "--name", "Alice", "--room", "board-*", "--room", "org-1", "--ttl", "10m",
    ];
    let ended = hallway(&[&args as &[_], &["--secret", SECRET]].concat(), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let identity = verifier(SECRET).verify(ended.out.trim_end(), now()).unwrap();
    assert_eq!(identity.user.unwrap().as_str(), "alice");
    assert_eq!(identity.name.as_deref(), Some("Alice"));
    assert_eq!(
        identity.rooms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["board-*", "org-1"]
    );
    let life = identity.expires_at.unwrap() - identity.issued_at.unwrap();
    assert_eq!(life, 600_000);
    assert_eq!(
        verifier("another").verify(ended.out.trim_end(), now()),
        Err(TokenError::Signature)
    );
}

#[test]
fn the_secret_comes_from_the_configuration() {
    let dev = hallway(&["token", "--user", "a", "--dev"], &[]);
    assert!(
        verifier(hallway_gateway::config::DEV_SECRET)
            .verify(dev.out.trim_end(), now())
            .is_ok()
    );
    let variable = hallway(&["token", "--user", "a"], &[("HALLWAY_AUTH_JWT_SECRET", SECRET)]);
    assert!(verifier(SECRET).verify(variable.out.trim_end(), now()).is_ok());
    let none = hallway(&["token", "--user", "a"], &[]);
    assert_eq!((none.code, none.out.as_str()), (Some(64), ""));
    assert!(none.err.contains("no secret to sign with"), "{}", none.err);
}

#[test]
fn what_makes_no_token_is_refused() {
    for (args, part) in [
        (
            &["--user", "a b"] as &[_],
            "flag --user: \"a b\" is refused: a user id holds only",
        ),
        (
            &["--user", "a", "--ttl", "10"],
            "flag --ttl: \"10\" is refused: must be a length of time",
        ),
        (&["--user", "a", "--ttl", "0"], "flag --ttl: \"0\" is refused"),
        (&["--user", "a", "--room", "a b"], "flag --room: \"a b\" is refused"),
        (
            &["--user", "a", "--name", "a\nb"],
            "nobody would accept it: the token's `name` claim",
        ),
    ] {
        let ended = hallway(&[&["token", "--dev"], args].concat(), &[]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""), "{args:?}");
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}
