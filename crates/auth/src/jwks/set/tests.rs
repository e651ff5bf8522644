use hallway_testkit::{Signer, key_set};
use serde_json::{Value, json};

use super::*;

const CLAIMS: &str = r#"{"sub":"alice"}"#;

fn read(keys: &[String]) -> KeySet {
    KeySet::read(key_set(keys).as_bytes()).unwrap()
}

/// What a set says about a token that a signer makes under a name.
fn shown(set: &KeySet, signer: &Signer, algorithm: &str, kid: Option<&str>) -> Result<(), TokenError> {
    let header = match kid {
        Some(kid) => json!({"alg": algorithm, "kid": kid}),
        None => json!({"alg": algorithm}),
    };
    let token = signer.sign(algorithm, &header.to_string(), CLAIMS);
    let header = Header::of(&token).unwrap();
    set.check(&token, &header, TokenError::Algorithm).map(|_| ())
}

#[test]
fn a_key_of_each_kind_checks_what_its_holder_signed() {
    for algorithm in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ] {
        let signer = Signer::make(algorithm);
        let set = read(&[signer.jwk(&format!(
            r#""kid":"a","use":"sig","key_ops":["verify"],"alg":"{algorithm}""#
        ))]);
        assert_eq!((set.len(), set.left_out()), (1, 0), "{algorithm}");
        assert_eq!(shown(&set, &signer, algorithm, Some("a")), Ok(()), "{algorithm}");
        assert_eq!(
            shown(&set, &signer, algorithm, None),
            Ok(()),
            "{algorithm}: there is but one"
        );
        assert_eq!(shown(&set, &signer, algorithm, Some("b")), Err(TokenError::UnknownKey));
        let another = shown(&set, &Signer::make(algorithm), algorithm, Some("a"));
        assert_eq!(another, Err(TokenError::Signature), "{algorithm}");
    }
}

#[test]
fn a_key_without_an_algorithm_has_the_usual_one() {
    for (usual, other) in [("RS256", "PS256"), ("RS256", "RS512")] {
        let signer = Signer::make(usual);
        let set = read(&[signer.jwk(r#""kid":"a""#)]);
        assert_eq!(shown(&set, &signer, usual, Some("a")), Ok(()));
        assert_eq!(
            shown(&set, &signer, other, Some("a")),
            Err(TokenError::Algorithm),
            "{other}"
        );
    }
    for usual in ["ES256", "ES384", "EdDSA"] {
        let signer = Signer::make(usual);
        assert_eq!(
            shown(&read(&[signer.jwk(r#""kid":"a""#)]), &signer, usual, Some("a")),
            Ok(())
        );
    }
}

#[test]
fn of_several_a_token_has_to_name_one() {
    let (a, b) = (Signer::make("ES256"), Signer::make("ES256"));
    let set = read(&[a.jwk(r#""kid":"a""#), b.jwk(r#""kid":"b""#)]);
    assert_eq!(shown(&set, &a, "ES256", Some("a")), Ok(()));
    assert_eq!(shown(&set, &b, "ES256", Some("b")), Ok(()));
    assert_eq!(shown(&set, &a, "ES256", Some("b")), Err(TokenError::Signature));
    assert_eq!(shown(&set, &a, "ES256", None), Err(TokenError::NoKeyId));
    assert_eq!(
        shown(&set, &Signer::make("EdDSA"), "EdDSA", None),
        Err(TokenError::Algorithm)
    );
}

/// A JSON Web Key with a member changed, or with none where the value is null.
fn changed(signer: &Signer, member: &str, value: Value) -> String {
    let mut jwk: Value = serde_json::from_str(&signer.jwk(r#""kid":"a""#)).unwrap();
    match value {
        Value::Null => drop(jwk.as_object_mut().unwrap().remove(member)),
        value => jwk[member] = value,
    }
    jwk.to_string()
}

#[test]
fn a_poisoned_set_brings_nothing_in() {
    let (rsa, ec, ed) = (Signer::make("RS256"), Signer::make("ES256"), Signer::make("EdDSA"));
    let octets =
        |more: &str| format!(r#"{{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA","kid":"a"{more}}}"#);
    let poison = [
        ("a secret", octets("")),
        ("a secret for HMAC", octets(r#","alg":"HS256""#)),
        ("a secret that says it is RSA", octets(r#","alg":"RS256","use":"sig""#)),
        ("a public key for HMAC", changed(&rsa, "alg", json!("HS256"))),
        ("for no algorithm", changed(&rsa, "alg", json!("none"))),
        (
            "for encryption, by its algorithm",
            changed(&rsa, "alg", json!("RSA-OAEP-256")),
        ),
        (
            "for an algorithm of another kind of key",
            changed(&rsa, "alg", json!("ES256")),
        ),
        ("for the other curve's algorithm", changed(&ec, "alg", json!("ES384"))),
        ("for encryption", changed(&rsa, "use", json!("enc"))),
        ("for something else", changed(&rsa, "use", json!(""))),
        ("for signing only", changed(&rsa, "key_ops", json!(["sign"]))),
        ("for nothing", changed(&rsa, "key_ops", json!([]))),
        ("its private part beside it", changed(&rsa, "d", json!("AQAB"))),
        ("a secret beside it", changed(&ec, "k", json!("AQAB"))),
        ("exponent 1", changed(&rsa, "e", json!("AQ"))),
        ("an even exponent", changed(&rsa, "e", json!("AQAC"))),
        ("no exponent", changed(&rsa, "e", Value::Null)),
        ("a short modulus", changed(&rsa, "n", json!("AQAB"))),
        ("a modulus that is not base64url", changed(&rsa, "n", json!("+/+/"))),
        ("a giant modulus", changed(&rsa, "n", json!("f".repeat(22_000)))),
        ("a curve for RSA", changed(&rsa, "crv", json!("P-256"))),
        (
            "a point that is not on the curve",
            changed(&ec, "x", json!(URL_SAFE_NO_PAD.encode([1; 32]))),
        ),
        ("a point of another length", changed(&ec, "x", json!("AQAB"))),
        ("no y", changed(&ec, "y", Value::Null)),
        ("another curve", changed(&ec, "crv", json!("secp256k1"))),
        ("a curve that is not supported", changed(&ed, "crv", json!("Ed448"))),
        ("a curve for another use", changed(&ed, "crv", json!("X25519"))),
        (
            "half a point",
            changed(&ed, "x", json!(URL_SAFE_NO_PAD.encode([1; 16]))),
        ),
        ("a kid that is no text", changed(&rsa, "kid", json!(7))),
        ("of no kind", changed(&rsa, "kty", Value::Null)),
        ("a member twice", rsa.jwk(r#""kid":"a","kid":"b""#)),
        ("no key", "7".to_owned()),
        ("no key", "null".to_owned()),
        ("no key", "[]".to_owned()),
        ("nested deeply", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
    ];
    let good = Signer::make("ES256");
    for (what, key) in poison {
        let set = read(&[key, good.jwk(r#""kid":"good""#)]);
        assert_eq!((set.len(), set.left_out()), (1, 1), "{what}");
        assert_eq!(
            shown(&set, &good, "ES256", Some("good")),
            Ok(()),
            "{what}: the others stay"
        );
        assert_eq!(
            shown(&set, &rsa, "RS256", Some("a")),
            Err(TokenError::UnknownKey),
            "{what}"
        );
    }
}

#[test]
fn two_keys_of_one_name_are_nobodys() {
    let (a, b, c) = (Signer::make("ES256"), Signer::make("ES256"), Signer::make("ES256"));
    let set = read(&[a.jwk(r#""kid":"a""#), b.jwk(r#""kid":"a""#), c.jwk(r#""kid":"c""#)]);
    for signer in [&a, &b] {
        assert_eq!(shown(&set, signer, "ES256", Some("a")), Err(TokenError::UnknownKey));
    }
    assert_eq!(shown(&set, &c, "ES256", Some("c")), Ok(()));
    let set = read(&[a.jwk(r#""kid":"a""#), a.jwk(r#""kid":"a""#)]);
    assert_eq!(shown(&set, &a, "ES256", Some("a")), Ok(()), "the same key twice is one");
}

#[test]
fn what_is_no_set_is_an_error() {
    for garbage in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[1,]}"#,
        "\u{0}",
        "<html>",
    ] {
        assert_eq!(
            KeySet::read(garbage.as_bytes()).err(),
            Some(FetchError::Malformed),
            "{garbage}"
        );
    }
    assert_eq!(KeySet::read(&[0xff, 0xfe]).err(), Some(FetchError::Malformed));
    assert_eq!(
        KeySet::read(br#"{"keys":[],"keys":[]}"#).err(),
        Some(FetchError::Malformed)
    );
    let many = vec!["{}".to_owned(); KEYS_MAX + 1];
    assert_eq!(
        KeySet::read(key_set(&many).as_bytes()).err(),
        Some(FetchError::TooLarge)
    );
    assert!(read(&[]).is_empty());
}
