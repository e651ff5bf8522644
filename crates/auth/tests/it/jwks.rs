//! A key set over HTTP: found, rotated, kept, and what a source can do wrong.

use std::time::Duration;

use hallway_auth::TokenError;
use hallway_auth::jwks::{HttpSource, JwksOptions, UrlError};
use hallway_testkit::{KeyAnswer, KeyServer, Signer, free_port, hmac_token, key_set};

use super::{Fetching, LONG, NOW, jwk, token};

#[tokio::test]
async fn keys_are_rotated_without_a_restart() {
    let (old, new) = (Signer::make("RS256"), Signer::make("ES256"));
    let server = KeyServer::start(&[jwk(&old, "old")]).await;
    let fetching = Fetching::start(&server.url(), None, LONG);
    let (by_old, by_new) = (token(&old, "RS256", "old"), token(&new, "ES256", "new"));
    assert_eq!(fetching.shown(&by_old).await.unwrap().user.unwrap().as_str(), "alice");
    assert_eq!(fetching.shown(&by_new).await, Err(TokenError::UnknownKey));
    let before = server.requests();
    server.serve(&[jwk(&old, "old"), jwk(&new, "new")]);
    assert!(fetching.shown(&by_new).await.is_ok());
    assert!(fetching.shown(&by_old).await.is_ok());
    assert_eq!(server.requests(), before + 1, "what is known causes no fetch");
    server.serve(&[jwk(&new, "new")]);
    // What is no longer served is good until the set is fetched again, which any unknown key causes here.
    assert!(fetching.shown(&by_old).await.is_ok());
    assert_eq!(
        fetching.shown(&token(&old, "RS256", "x")).await,
        Err(TokenError::UnknownKey)
    );
    assert_eq!(fetching.shown(&by_old).await, Err(TokenError::UnknownKey));
    assert!(fetching.shown(&by_new).await.is_ok());
}

#[tokio::test]
async fn what_is_no_set_changes_nothing() {
    let (held, other) = (Signer::make("ES256"), Signer::make("ES256"));
    let server = KeyServer::start(&[jwk(&held, "a")]).await;
    let fetching = Fetching::start(&server.url(), None, LONG);
    let (good, unknown) = (token(&held, "ES256", "a"), token(&other, "ES256", "b"));
    assert!(fetching.shown(&good).await.is_ok());
    let poison = key_set(&[jwk(&other, "b")]);
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let endless = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        chunk.repeat(5)
    );
    let answers = [
        ("status", KeyAnswer::Status(500, String::new())),
        ("status", KeyAnswer::Status(404, String::new())),
        ("status", KeyAnswer::Status(204, String::new())),
        (
            "status",
            KeyAnswer::Status(302, format!("Location: {}\r\n", server.url())),
        ),
        ("malformed", KeyAnswer::Body("<html>moved</html>".into())),
        ("malformed", KeyAnswer::Body(String::new())),
        ("malformed", KeyAnswer::Body(r#"{"keys":"all"}"#.into())),
        ("malformed", KeyAnswer::Body(poison[..poison.len() - 1].into())),
        ("too-large", KeyAnswer::Body(key_set(&vec![jwk(&other, "b"); 65]))),
        (
            "too-large",
            KeyAnswer::Body(format!("{}{poison}", " ".repeat(256 * 1024))),
        ),
        ("too-large", KeyAnswer::Raw(endless.into_bytes())),
        ("unreachable", KeyAnswer::Raw(Vec::new())),
        ("unreachable", KeyAnswer::Raw(b"no HTTP at all\r\n\r\n".to_vec())),
        (
            "unreachable",
            KeyAnswer::Raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{poison}", "x".repeat(64 * 1024)).into()),
        ),
        (
            "unreachable",
            KeyAnswer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"keys\":[]}".to_vec()),
        ),
    ];
    for (outcome, answer) in answers {
        server.answer(answer.clone());
        let before = fetching.fetches(outcome);
        assert_eq!(
            fetching.shown(&unknown).await,
            Err(TokenError::Unavailable),
            "{answer:?}"
        );
        assert!(fetching.fetches(outcome) > before, "{outcome}: {answer:?}");
        assert!(fetching.shown(&good).await.is_ok(), "the keys are kept: {answer:?}");
    }
    server.answer(KeyAnswer::Body(poison));
    assert!(fetching.shown(&unknown).await.is_ok(), "and it goes on");
}

#[tokio::test]
async fn a_secret_from_a_url_is_never_one() {
    let rsa = Signer::make("RS256");
    let octets = r#"{"kty":"oct","kid":"s","alg":"HS256","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}"#;
    let server = KeyServer::start(&[octets.to_owned(), jwk(&rsa, "r")]).await;
    let fetching = Fetching::start(&server.url(), None, LONG);
    assert!(fetching.shown(&token(&rsa, "RS256", "r")).await.is_ok());
    let claims = format!(r#"{{"sub":"alice","exp":{}}}"#, NOW / 1000 + 60);
    let pem = rsa.public_pem();
    for (secret, kid) in [
        (b"0123456789abcdef0123456789abcdef" as &[u8], "s"),
        (pem.as_bytes(), "r"),
    ] {
        for header in [
            format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
            r#"{"alg":"HS256"}"#.to_owned(),
        ] {
            let shown = fetching.shown(&hmac_token(secret, &header, &claims)).await;
            assert_eq!(shown, Err(TokenError::Algorithm), "{header}");
        }
    }
    assert_eq!(server.requests(), 1, "none of this is worth a fetch");
}

#[tokio::test]
async fn a_slow_source_holds_up_nobody_else() {
    let held = Signer::make("EdDSA");
    let server = KeyServer::start(&[jwk(&held, "a")]).await;
    let fetching = Fetching::start(&server.url(), None, LONG);
    let good = token(&held, "EdDSA", "a");
    assert!(fetching.shown(&good).await.is_ok());
    server.answer(KeyAnswer::Stall);
    let unknown = token(&held, "EdDSA", "b");
    let waiting = fetching.shown(&unknown);
    tokio::pin!(waiting);
    tokio::select! {
        biased;
        verdict = &mut waiting => panic!("nobody answered: {verdict:?}"),
        () = server.asked(2) => {}
    }
    // Known keys need no fetch, so their tokens do not wait.
    assert!(fetching.verifier.verify(&good, NOW).is_ok());
    server.serve(&[jwk(&held, "a"), jwk(&held, "b")]);
    assert!(waiting.await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_source_that_never_answers_is_given_up() {
    let server = KeyServer::start(&[]).await;
    server.answer(KeyAnswer::Stall);
    let impatient = JwksOptions {
        timeout: Duration::from_millis(100),
        ..LONG
    };
    let fetching = Fetching::start(&server.url(), None, impatient);
    let shown = fetching.shown(&token(&Signer::make("ES256"), "ES256", "a")).await;
    assert_eq!(shown, Err(TokenError::Unavailable));
    assert!(fetching.fetches("timeout") > 0);
}

#[tokio::test]
async fn a_source_that_is_not_there_may_come() {
    let url = format!("http://127.0.0.1:{}/keys.json", free_port());
    let fetching = Fetching::start(&url, None, LONG);
    let shown = fetching.shown(&token(&Signer::make("ES256"), "ES256", "a")).await;
    assert_eq!(shown, Err(TokenError::Unavailable), "nothing is known about the token");
    assert!(fetching.fetches("unreachable") > 0);
}

#[test]
fn only_urls_that_can_be_trusted_are_taken() {
    let refused = |url: &str| HttpSource::new(url, None, false).err();
    for url in [
        "",
        "keys.json",
        "/keys.json",
        "ftp://id.example/x",
        "https://",
        "https://bob:secret@id.example/x",
        "https:// /",
    ] {
        assert_eq!(refused(url), Some(UrlError::NoUrl), "{url}");
    }
    for url in [
        "http://id.example/keys",
        "http://10.0.0.1/keys",
        "http://127.0.0.1.example/keys",
        "http://localhost.example",
    ] {
        assert_eq!(refused(url), Some(UrlError::Plain), "{url}");
        assert!(HttpSource::new(url, None, true).is_ok(), "{url}");
    }
    for url in [
        "http://127.0.0.1:1/keys",
        "http://[::1]/keys",
        "http://localhost:80",
        "https://id.example",
        "https://[::1]:1/k?a=b",
    ] {
        assert_eq!(refused(url), None, "{url}");
    }
}
