//! A key set over HTTPS: fetched from who shows a certificate of a known authority, and from nobody else.

use std::process::Stdio;

use hallway_auth::TokenError;
use hallway_auth::jwks::{HttpSource, UrlError};
use hallway_testkit::{Certificates, Signer, free_port, key_set};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Fetching, LONG, jwk, token};

/// `openssl s_server`, which serves the files of a folder.
async fn serve(certificates: &Certificates, folder: &std::path::Path, port: u16) -> Child {
    let (certificate, key) = certificates.server();
    let mut server = Command::new("openssl")
        .current_dir(folder)
        .args(["s_server", "-WWW", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("ACCEPT") {
            // What it says later is of no interest, but must have where to go.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return server;
        }
    }
    panic!("openssl s_server did not start");
}

#[tokio::test]
async fn only_a_known_authority_is_believed() {
    let certificates = Certificates::make().await;
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::make("PS384");
    let key = signer.jwk(r#""kid":"a","alg":"PS384""#);
    std::fs::write(folder.path().join("keys.json"), key_set(&[key])).unwrap();
    let port = free_port();
    let _server = serve(&certificates, folder.path(), port).await;
    let token = token(&signer, "PS384", "a");
    for url in [
        format!("https://127.0.0.1:{port}/keys.json"),
        format!("https://localhost:{port}/keys.json"),
    ] {
        let known = Fetching::start(&url, Some(&certificates.ca()), LONG);
        assert!(known.shown(&token).await.is_ok(), "{url}");
        let strangers = Certificates::make().await;
        for ca in [None, Some(strangers.ca())] {
            let unknown = Fetching::start(&url, ca.as_deref(), LONG);
            assert_eq!(
                unknown.shown(&token).await,
                Err(TokenError::Unavailable),
                "{url} {ca:?}"
            );
            assert!(unknown.fetches("unreachable") > 0);
        }
    }
}

#[tokio::test]
async fn a_file_of_authorities_must_hold_some() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let source = || HttpSource::new("https://127.0.0.1/", Some(&path), false).err();
    assert!(matches!(source(), Some(UrlError::Authorities(why)) if why.contains("ca.pem")));
    std::fs::write(&path, jwk(&Signer::make("ES256"), "a")).unwrap();
    assert!(matches!(source(), Some(UrlError::Authorities(why)) if why.contains("no certificate in it")));
}
