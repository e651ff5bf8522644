//! What attackers show, and what they are answered (the table in `docs/authentication.md`); and that each algorithm is
//! accepted from who holds its key.

use std::sync::LazyLock;

use hallway_testkit::{Signer, hmac_token, unsigned_token};
use serde_json::json;

use super::*;
use crate::{Algorithm, KeyError};

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// 2023-11-14, in milliseconds.
const NOW: u64 = 1_700_000_000_000;

static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::make("RS256"));
static OTHER_RSA: LazyLock<Signer> = LazyLock::new(|| Signer::make("RS256"));

fn claims() -> String {
    json!({"sub": "alice", "aud": "us", "exp": NOW / 1000 + 60}).to_string()
}

fn header(algorithm: &str) -> String {
    json!({"alg": algorithm, "typ": "JWT"}).to_string()
}

fn rules() -> Rules {
    Rules {
        audience: vec!["us".into()],
        ..Rules::default()
    }
}

fn verifier(keys: Vec<Key>) -> JwtVerifier {
    JwtVerifier::new(JwtOptions {
        keys,
        rules: rules(),
        ..JwtOptions::default()
    })
}

/// The key that a token of an algorithm is checked with, and a token.
fn pair(algorithm: Algorithm) -> (Key, String) {
    if algorithm.is_symmetric() {
        let signing = SigningKey::of_secret(algorithm, SECRET).unwrap();
        let header = jsonwebtoken::Header::new(algorithm.library());
        let claims: Claims = serde_json::from_str(&claims()).unwrap();
        let token = jsonwebtoken::encode(&header, &claims, &signing.encoding).unwrap();
        return (Key::of_secret(algorithm, SECRET).unwrap(), token);
    }
    let signer = Signer::make(algorithm.name());
    let token = signer.sign(algorithm.name(), &header(algorithm.name()), &claims());
    (Key::of_pem(algorithm, &signer.public_pem()).unwrap(), token)
}

const ALL: [Algorithm; 12] = [
    Algorithm::Hs256,
    Algorithm::Hs384,
    Algorithm::Hs512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

#[test]
fn each_algorithm_is_accepted_by_its_own_key_and_by_no_other() {
    let pairs: Vec<(Algorithm, Key, String)> = ALL
        .into_iter()
        .map(|algorithm| {
            let (key, token) = pair(algorithm);
            (algorithm, key, token)
        })
        .collect();
    let tokens: Vec<(Algorithm, String)> = pairs.iter().map(|(one, _, token)| (*one, token.clone())).collect();
    for (algorithm, key, _) in pairs {
        assert_eq!(
            (key.algorithm(), Algorithm::of_name(algorithm.name())),
            (algorithm, Some(algorithm))
        );
        let verifier = verifier(vec![key]);
        for (of, token) in &tokens {
            let verdict = verifier.verify(token, NOW);
            if *of == algorithm {
                assert!(verdict.is_ok(), "{algorithm:?}: {verdict:?}");
            } else {
                assert_eq!(verdict, Err(TokenError::Algorithm), "{of:?} shown to {algorithm:?}");
            }
        }
    }
}

/// An attack, the token that is shown, and the answer to it.
type Attack = (&'static str, String, TokenError);

/// What is shown to a node that checks with an RSA key and an HMAC secret, both of the name that is in their tokens.
fn attacks() -> Vec<Attack> {
    let pem = RSA.public_pem();
    let rs256 = |claims: &serde_json::Value| RSA.sign("RS256", &header("RS256"), &claims.to_string());
    let good = RSA.sign("RS256", &header("RS256"), &claims());
    let (_, rest) = good.split_once('.').unwrap();
    let relabelled = |algorithm: &str| {
        let token = unsigned_token(&header(algorithm), "");
        format!("{}.{rest}", token.split('.').next().unwrap())
    };
    let seconds = NOW / 1000;
    let with_key = |member: &str, value: serde_json::Value| {
        OTHER_RSA.sign("RS256", &json!({"alg": "RS256", member: value}).to_string(), &claims())
    };
    let own_jwk: serde_json::Value = serde_json::from_str(&OTHER_RSA.jwk("")).unwrap();
    let bad = |name: &str| TokenError::BadClaim(name.into());
    let mut attacks = vec![
        (
            "no signature, alg none",
            unsigned_token(&header("none"), &claims()),
            TokenError::Algorithm,
        ),
        (
            "alg in other letters",
            unsigned_token(&header("NonE"), &claims()),
            TokenError::Algorithm,
        ),
        (
            "no signature, alg kept",
            unsigned_token(&header("RS256"), &claims()),
            TokenError::Signature,
        ),
        (
            "a good signature, alg swapped to none",
            relabelled("none"),
            TokenError::Algorithm,
        ),
        (
            "a good signature, alg swapped in the family",
            relabelled("RS512"),
            TokenError::Algorithm,
        ),
        (
            "a good signature, alg swapped to HMAC",
            relabelled("HS256"),
            TokenError::Signature,
        ),
        (
            "alg that is no text",
            unsigned_token(r#"{"alg":["RS256"]}"#, &claims()),
            TokenError::Algorithm,
        ),
        (
            "alg twice",
            RSA.sign("RS256", r#"{"alg":"none","alg":"RS256"}"#, &claims()),
            TokenError::Malformed,
        ),
        ("no alg", unsigned_token("{}", &claims()), TokenError::Malformed),
        (
            "another's key",
            OTHER_RSA.sign("RS256", &header("RS256"), &claims()),
            TokenError::Signature,
        ),
        (
            "its own key brought along",
            with_key("jwk", own_jwk),
            TokenError::Signature,
        ),
        (
            "a key pointed to",
            with_key("jku", json!("https://evil.example/jwks.json")),
            TokenError::Signature,
        ),
        (
            "an extension that is not known",
            with_key("crit", json!(["b64"])),
            TokenError::Malformed,
        ),
        (
            "a kid that is a path",
            with_key("kid", json!("../../dev/null")),
            TokenError::UnknownKey,
        ),
        (
            "a kid that is no text",
            with_key("kid", json!(7)),
            TokenError::Malformed,
        ),
        (
            "expired",
            rs256(&json!({"sub": "a", "aud": "us", "exp": seconds})),
            TokenError::Expired,
        ),
        (
            "never expires",
            rs256(&json!({"sub": "a", "aud": "us"})),
            TokenError::MissingClaim("exp".into()),
        ),
        (
            "not valid yet",
            rs256(&json!({"sub": "a", "aud": "us", "exp": seconds + 60, "nbf": seconds + 1})),
            TokenError::NotYetValid,
        ),
        (
            "for another service",
            rs256(&json!({"sub": "a", "aud": "them", "exp": seconds + 60})),
            bad("aud"),
        ),
        (
            "for nobody",
            rs256(&json!({"sub": "a", "exp": seconds + 60})),
            TokenError::MissingClaim("aud".into()),
        ),
    ];
    // Key confusion: what everybody knows, as an HMAC secret, in each way that it could be read.
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for secret in [
        pem.clone(),
        pem.trim_end().to_owned(),
        pem.replace('\n', ""),
        body,
        String::new(),
    ] {
        let token = hmac_token(secret.as_bytes(), &header("HS256"), &claims());
        attacks.push(("HS256 with the public key as its secret", token, TokenError::Signature));
        let token = hmac_token(secret.as_bytes(), &header("RS256"), &claims());
        attacks.push(("an HMAC that says RS256", token, TokenError::Signature));
    }
    attacks
}

#[test]
fn each_attack_has_its_answer() {
    let keys = || {
        vec![
            Key::of_secret(Algorithm::Hs256, SECRET).unwrap().named("secret"),
            Key::of_pem(Algorithm::Rs256, &RSA.public_pem()).unwrap().named("key"),
        ]
    };
    let verifier = verifier(keys());
    assert!(
        verifier
            .verify(&RSA.sign("RS256", &header("RS256"), &claims()), NOW)
            .is_ok()
    );
    for (attack, token, answer) in attacks() {
        assert_eq!(verifier.verify(&token, NOW), Err(answer), "{attack}");
    }
}

#[test]
fn without_a_secret_no_hmac_is_even_looked_at() {
    let verifier = verifier(vec![Key::of_pem(Algorithm::Rs256, &RSA.public_pem()).unwrap()]);
    let token = hmac_token(RSA.public_pem().as_bytes(), &header("HS256"), &claims());
    assert_eq!(verifier.verify(&token, NOW), Err(TokenError::Algorithm));
}

#[test]
fn names_tell_keys_of_one_algorithm_apart() {
    let (old, new) = (&*OTHER_RSA, &*RSA);
    let key = |signer: &Signer, id: &str| Key::of_pem(Algorithm::Rs256, &signer.public_pem()).unwrap().named(id);
    let verifier = verifier(vec![key(new, "2024"), key(old, "2023")]);
    let shown = |signer: &Signer, more: &str| {
        let token = signer.sign("RS256", &format!(r#"{{"alg":"RS256"{more}}}"#), &claims());
        verifier.verify(&token, NOW).map(|_| ())
    };
    assert_eq!(shown(old, r#","kid":"2023""#), Ok(()));
    assert_eq!(shown(new, r#","kid":"2024""#), Ok(()));
    assert_eq!(shown(old, ""), Ok(()), "without a name each is tried");
    assert_eq!(shown(new, r#","kid":"2023""#), Err(TokenError::Signature));
    assert_eq!(shown(new, r#","kid":"2022""#), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_that_is_not_for_its_algorithm_is_refused_at_once() {
    let pem = |algorithm: &str| Signer::make(algorithm).public_pem();
    let (p256, p384, ed25519) = (pem("ES256"), pem("ES384"), pem("EdDSA"));
    let refused = |algorithm, text: &str| Key::of_pem(algorithm, text).unwrap_err();
    for (algorithm, text) in [
        (Algorithm::Es256, &p384),
        (Algorithm::Es384, &p256),
        (Algorithm::Es256, &ed25519),
        (Algorithm::EdDsa, &p256),
        (Algorithm::Rs256, &p256),
        (Algorithm::Es256, &RSA.public_pem()),
    ] {
        assert_eq!(refused(algorithm, text), KeyError::Unfit(algorithm), "{algorithm:?}");
    }
    assert_eq!(
        refused(Algorithm::Hs256, &p256),
        KeyError::NoPublicKey(Algorithm::Hs256)
    );
    let private = "-----BEGIN PRIVATE KEY-----\nMEECAQAw\n-----END PRIVATE KEY-----";
    assert_eq!(refused(Algorithm::Rs256, private), KeyError::Private);
    for text in [
        "",
        "key",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
        &format!("{p256}{p384}"),
    ] {
        assert_eq!(refused(Algorithm::Es256, text), KeyError::NoPem, "{text}");
    }
    assert!(
        Key::of_pem(Algorithm::Es256, &p256.replace('\n', "\\n")).is_ok(),
        "as a variable may hold it"
    );
    let secret = |algorithm, text: &str| Key::of_secret(algorithm, text).unwrap_err();
    assert_eq!(secret(Algorithm::Rs256, SECRET), KeyError::NoSecret(Algorithm::Rs256));
    assert_eq!(secret(Algorithm::Hs256, &p256), KeyError::PemAsSecret);
}

/// Too weak to be of use: made with `openssl genrsa 1024 | openssl rsa -pubout`.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDYMkH3239pgBycmTRlgsipG+kq
Bmz7VRltcT9DNtQywgJ4zjb4yXDurY8HuVtwRYOk6dSTy3jxF7uQ5YRg4wacoRdv
L/MQu5YmkNhpS9gtPtxMeUOIDp5aXxGBV7UemcXf/3qnFehUF0aqO46408MRiMZf
r0vPk6dEJ7MIpcf9swIDAQAB
-----END PUBLIC KEY-----";

#[test]
fn a_short_rsa_key_is_refused() {
    assert_eq!(
        Key::of_pem(Algorithm::Rs256, RSA_1024).unwrap_err(),
        KeyError::Unfit(Algorithm::Rs256)
    );
}

#[test]
fn nothing_of_a_key_is_shown() {
    let verifier = verifier(vec![
        Key::of_secret(Algorithm::Hs512, SECRET).unwrap().named("first"),
        Key::of_pem(Algorithm::Rs256, &RSA.public_pem()).unwrap(),
    ]);
    let shown = format!("{verifier:?}");
    assert!(shown.contains("first") && !shown.contains("0123456789"), "{shown}");
    assert!(!shown.contains("MII"), "{shown}");
}
