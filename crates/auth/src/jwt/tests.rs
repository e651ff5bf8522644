use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallway_protocol::{RoomName, UserId};
use jsonwebtoken::{Algorithm as Theirs, EncodingKey, Header};
use serde_json::json;

use super::*;
use crate::{Algorithm, KeyError, RoomPattern};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// 2023-11-14, in milliseconds.
const NOW: u64 = 1_700_000_000_000;

fn verifier() -> JwtVerifier {
    with_rules(Rules {
        leeway: Duration::from_secs(5),
        ..Rules::default()
    })
}

fn with_rules(rules: Rules) -> JwtVerifier {
    JwtVerifier::new(JwtOptions {
        keys: vec![Key::of_secret(Algorithm::Hs256, SECRET).unwrap()],
        signing: SigningKey::of_secret(Algorithm::Hs256, SECRET).ok(),
        rules,
        ..JwtOptions::default()
    })
}

fn sign_with(secret: &str, header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn sign(claims: &Value) -> String {
    sign_with(SECRET, &Header::new(Theirs::HS256), claims)
}

fn verify(claims: &Value) -> Result<Identity, TokenError> {
    verifier().verify(&sign(claims), NOW)
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn good() -> Value {
    json!({"sub": "alice", "exp": NOW / 1000 + 60})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

#[test]
fn a_good_token_says_who() {
    let mut claims = with("rooms", json!(["board-7", "org-*"]));
    claims["name"] = json!("Alice Ä");
    claims["iat"] = json!(NOW / 1000);
    let identity = verify(&claims).unwrap();
    assert_eq!(identity.user, UserId::parse("alice").ok());
    assert_eq!(identity.name.as_deref(), Some("Alice Ä"));
    assert_eq!(identity.expires_at, Some(NOW + 60_000));
    assert_eq!(identity.issued_at, Some(NOW));
    let may = |room: &str| identity.may_claim(&RoomName::parse(room).unwrap());
    assert!(may("board-7") && may("org-1") && !may("board-8"));
}

#[test]
fn a_minted_token_is_accepted() {
    let grant = Grant {
        user: UserId::parse("bob").unwrap(),
        name: Some("Bob".into()),
        rooms: vec![RoomPattern::parse("board-*").unwrap()],
        issued_at: NOW,
        life: Duration::from_secs(3600),
    };
    let picky = with_rules(Rules {
        audience: vec!["us".into(), "them".into()],
        issuer: "me".into(),
        user: "https://example.com/user.id".into(),
        rooms: "may.enter".into(),
        expires: "session_end".into(),
        required: vec!["iat".into()],
        ..Rules::default()
    });
    let identity = picky.verify(&picky.mint(&grant).unwrap(), NOW + 3_599_000).unwrap();
    assert_eq!(
        (identity.user, identity.name, identity.rooms),
        (Some(grant.user), grant.name, grant.rooms)
    );
    assert_eq!(identity.expires_at, Some(NOW + 3_600_000));
}

#[test]
fn times_are_kept_with_leeway() {
    let at = |claims: &Value, now: u64| verifier().verify(&sign(claims), now).map(|_| ());
    let claims = json!({"sub": "a", "exp": NOW / 1000, "nbf": NOW / 1000 - 100});
    assert_eq!(at(&claims, NOW + 4_999), Ok(()));
    assert_eq!(at(&claims, NOW + 5_000), Err(TokenError::Expired));
    assert_eq!(at(&claims, NOW - 105_000), Ok(()));
    assert_eq!(at(&claims, NOW - 105_001), Err(TokenError::NotYetValid));
    assert_eq!(at(&json!({"sub": "a", "exp": 0}), 5_000), Err(TokenError::Expired));
    assert_eq!(at(&json!({"sub": "a", "exp": u64::MAX}), NOW), Ok(()));
    assert_eq!(at(&json!({"sub": "a", "exp": 1e300}), NOW), Ok(()));
    assert_eq!(at(&json!({"sub": "a", "exp": 1_700_000_000.5}), NOW), Ok(()));
}

#[test]
fn each_bad_claim_is_named() {
    for name in ["exp", "sub"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        assert!(
            matches!(verify(&claims), Err(TokenError::MissingClaim(n)) if n == name),
            "{name}"
        );
        assert!(
            matches!(verify(&with(name, json!(null))), Err(TokenError::MissingClaim(n)) if n == name),
            "{name}"
        );
    }
    for (name, value) in [
        ("exp", json!("1700000060")),
        ("exp", json!(-1)),
        ("nbf", json!(true)),
        ("iat", json!([])),
        ("sub", json!(7)),
        ("sub", json!("")),
        ("sub", json!("a b")),
        ("sub", json!("x".repeat(97))),
        ("name", json!(7)),
        ("name", json!("x".repeat(257))),
        ("name", json!("a\u{7}b")),
        ("rooms", json!("board-7")),
        ("rooms", json!(["board-7", 7])),
        ("rooms", json!(["a b"])),
    ] {
        assert_eq!(
            verify(&with(name, value.clone())),
            Err(TokenError::BadClaim(name.to_owned())),
            "{name} {value}"
        );
    }
}

#[test]
fn audience_and_issuer_count_only_where_asked_for() {
    assert!(verify(&with("aud", json!("another"))).is_ok());
    assert!(verify(&with("iss", json!("another"))).is_ok());
    let picky = with_rules(Rules {
        audience: vec!["us".into(), "ours".into()],
        ..Rules::default()
    });
    let aud = |value: Value| picky.verify(&sign(&with("aud", value)), NOW).map(|_| ());
    assert_eq!(aud(json!("us")), Ok(()));
    assert_eq!(aud(json!("ours")), Ok(()));
    assert_eq!(aud(json!(["them", "us"])), Ok(()));
    assert_eq!(aud(json!(["them"])), Err(TokenError::BadClaim("aud".into())));
    assert_eq!(aud(json!(7)), Err(TokenError::BadClaim("aud".into())));
    assert_eq!(aud(json!(null)), Err(TokenError::MissingClaim("aud".into())));
    let picky = with_rules(Rules {
        issuer: "me".into(),
        ..Rules::default()
    });
    let iss = |value: Value| picky.verify(&sign(&with("iss", value)), NOW).map(|_| ());
    assert_eq!(iss(json!("me")), Ok(()));
    assert_eq!(iss(json!(["me"])), Err(TokenError::BadClaim("iss".into())));
    assert_eq!(iss(json!("you")), Err(TokenError::BadClaim("iss".into())));
}

#[test]
fn a_changed_token_is_refused() {
    let token = sign(&good());
    let parts: Vec<&str> = token.split('.').collect();
    let other = encode(&with("sub", json!("mallory")));
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    assert_eq!(verifier().verify(&forged, NOW), Err(TokenError::Signature));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(verifier().verify(&unsigned, NOW), Err(TokenError::Signature));
    // Any one byte, anywhere.
    for place in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verifier().verify(&changed, NOW).is_err(), "byte {place}");
    }
    for end in 0..token.len() {
        assert!(verifier().verify(&token[..end], NOW).is_err(), "cut at {end}");
    }
}

#[test]
fn another_key_does_not_fit_and_a_previous_one_does() {
    let old = "fedcba9876543210fedcba9876543210";
    let token = sign_with(old, &Header::new(Theirs::HS256), &good());
    assert_eq!(verifier().verify(&token, NOW), Err(TokenError::Signature));
    let keys = [SECRET, old].map(|secret| Key::of_secret(Algorithm::Hs256, secret).unwrap());
    let rotated = JwtVerifier::new(JwtOptions {
        keys: keys.into(),
        ..JwtOptions::default()
    });
    assert!(rotated.verify(&token, NOW).is_ok());
    assert!(rotated.verify(&sign(&good()), NOW).is_ok());
}

#[test]
fn without_a_secret_no_token_is_good() {
    let none = JwtVerifier::new(JwtOptions::default());
    assert_eq!(Key::of_secret(Algorithm::Hs256, "").unwrap_err(), KeyError::Empty);
    let token = sign_with("", &Header::new(Theirs::HS256), &good());
    assert_eq!(none.verify(&token, NOW), Err(TokenError::NotAccepted));
    let grant = Grant {
        user: UserId::parse("a").unwrap(),
        name: None,
        rooms: vec![],
        issued_at: NOW,
        life: Duration::from_secs(1),
    };
    assert_eq!(none.mint(&grant), None);
}

#[test]
fn what_is_no_token_is_malformed() {
    for text in ["", ".", "..", "a.b.c", "a.b", "a.b.c.d", "🦀.🦀.🦀", "null.null.null"] {
        assert_eq!(verifier().verify(text, NOW), Err(TokenError::Malformed), "{text}");
    }
    let header = Header::new(Theirs::HS256);
    for claims in [json!([]), json!("a"), json!(null), json!(7)] {
        assert_eq!(
            verifier().verify(&sign_with(SECRET, &header, &claims), NOW),
            Err(TokenError::Malformed)
        );
    }
    for header in [
        json!({}),
        json!([]),
        json!({"alg": "HS256", "crit": ["b64"], "b64": false}),
    ] {
        let token = format!("{}.{}.AAAA", encode(&header), encode(&good()));
        assert_eq!(verifier().verify(&token, NOW), Err(TokenError::Malformed), "{header}");
    }
}

#[test]
fn giant_tokens_are_refused_before_they_are_read() {
    let token = sign(&with("padding", json!("x".repeat(JwtVerifier::MAX_LEN))));
    assert_eq!(verifier().verify(&token, NOW), Err(TokenError::TooLarge));
    assert_eq!(
        verifier().verify(&"x".repeat(JwtVerifier::MAX_LEN), NOW),
        Err(TokenError::Malformed)
    );
}

#[test]
fn nothing_secret_is_shown() {
    assert!(!format!("{:?}", verifier()).contains("0123456789abcdef"));
}

#[test]
fn claims_are_found_where_the_operator_says() {
    let verifier = with_rules(Rules {
        user: "https://id.example/user.id".into(),
        name: "profile.name".into(),
        rooms: "may.enter".into(),
        expires: "session.end".into(),
        required: vec!["tenant.id".into(), "iat".into()],
        ..Rules::default()
    });
    let seconds = NOW / 1000;
    let claims = json!({
        "https://id.example/user": {"id": 42}, "sub": "not-me", "exp": seconds + 60, "iat": seconds,
        "profile": {"name": "Zoë"}, "may": {"enter": ["board-7"]}, "session": {"end": seconds + 30}, "tenant": {"id": false},
    });
    let verify = |claims: &Value| verifier.verify(&sign(claims), NOW);
    let identity = verify(&claims).unwrap();
    assert_eq!(identity.user, UserId::parse("42").ok());
    assert_eq!(identity.name.as_deref(), Some("Zoë"));
    assert!(identity.may_claim(&RoomName::parse("board-7").unwrap()));
    assert_eq!(identity.expires_at, Some(NOW + 30_000), "the earlier of both ends");
    let mut changed = claims.clone();
    changed["exp"] = json!(seconds + 10);
    assert_eq!(verify(&changed).unwrap().expires_at, Some(NOW + 10_000));
    changed["exp"] = json!(seconds - 1);
    assert_eq!(verify(&changed), Err(TokenError::Expired));
    // A claim that has the dots in its own name comes first.
    let mut changed = claims.clone();
    changed["profile.name"] = json!("Ada");
    assert_eq!(verify(&changed).unwrap().name.as_deref(), Some("Ada"));
    for (path, name) in [
        ("/https:~1~1id.example~1user/id", "https://id.example/user.id"),
        ("/session/end", "session.end"),
        ("/tenant/id", "tenant.id"),
        ("/iat", "iat"),
    ] {
        let mut changed = claims.clone();
        *changed.pointer_mut(path).unwrap() = Value::Null;
        assert_eq!(verify(&changed), Err(TokenError::MissingClaim(name.to_owned())));
    }
    for (path, name, value) in [
        (
            "/https:~1~1id.example~1user/id",
            "https://id.example/user.id",
            json!(-1),
        ),
        (
            "/https:~1~1id.example~1user/id",
            "https://id.example/user.id",
            json!(4.5),
        ),
        ("/profile/name", "profile.name", json!({"first": "Ada"})),
        ("/may/enter", "may.enter", json!("board-7")),
        ("/session/end", "session.end", json!("never")),
    ] {
        let mut changed = claims.clone();
        *changed.pointer_mut(path).unwrap() = value;
        assert_eq!(verify(&changed), Err(TokenError::BadClaim(name.to_owned())));
    }
}
