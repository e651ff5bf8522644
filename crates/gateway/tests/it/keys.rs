//! Tokens that others sign: a public key from the settings, and keys from a URL.

use std::time::{SystemTime, UNIX_EPOCH};

use hallway_client::{Client, ConnectError, FirstFrame, Options};
use hallway_testkit::http::{call, metric};
use hallway_testkit::{Cluster, KeyAnswer, KeyServer, Raw, Signer, free_port, token};

fn signed(signer: &Signer, algorithm: &str, kid: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(
        r#"{{"sub":"alice","rooms":["board-7"],"aud":"hallway","exp":{}}}"#,
        now + 3600
    );
    signer.sign(algorithm, &format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#), &claims)
}

fn jwk(signer: &Signer, kid: &str) -> String {
    signer.jwk(&format!(r#""kid":"{kid}","use":"sig""#))
}

/// How a token is answered: in the handshake, and as the first frame.
async fn answers(cluster: &Cluster, token: &str) -> (u16, u16) {
    let status = match Client::connect(Options::new(cluster.url(0)).token(token)).await {
        Ok(_) => 101,
        Err(ConnectError::Refused { status, .. }) => status,
        Err(other) => panic!("let in or refused, not {other:?}"),
    };
    let first = FirstFrame::Connect {
        token: token.to_owned(),
    };
    let code = match Client::connect(Options::new(cluster.url(0)).first_frame(first)).await {
        Ok(_) => 0,
        Err(ConnectError::Closed(closed)) => closed.code,
        Err(other) => panic!("let in or closed, not {other:?}"),
    };
    (status, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_checks_what_its_holder_signs() {
    let (signer, stranger) = (Signer::make("RS256"), Signer::make("RS256"));
    let settings = format!(
        "[auth]\njwt_audience = 'hallway'\njwt_public_key = '''{}'''\nticket_secret = 'a-secret-for-tickets-of-32-bytes-or-more'",
        signer.public_pem()
    );
    let cluster = Cluster::alone(&settings).await;
    let good = signed(&signer, "RS256", "any");
    let (client, hello) = Client::connect(Options::new(cluster.url(0)).token(&good))
        .await
        .unwrap();
    assert_eq!(hello.user_id.as_deref(), Some("alice"));
    assert!(hello.resume_ticket.is_some());
    client
        .request("rooms.join", serde_json::json!({"room": "board-7"}))
        .await
        .unwrap();
    assert_eq!(answers(&cluster, &good).await, (101, 0));
    for bad in [
        signed(&stranger, "RS256", "any"),
        signed(&signer, "PS256", "any"),
        token("alice", &[]),
    ] {
        // The last is signed with the secret of the node, and names no audience.
        assert_eq!(answers(&cluster, &bad).await, (401, 4401));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_from_a_url_are_rotated_under_a_running_node() {
    let (old, new, never) = (Signer::make("ES256"), Signer::make("EdDSA"), Signer::make("EdDSA"));
    let server = KeyServer::start(&[jwk(&old, "old")]).await;
    let settings = format!(
        "[auth]\njwks_url = '{}'\njwks_cooldown = '100ms'\n[limits]\nfailed_logins = 0",
        server.url()
    );
    let cluster = Cluster::alone(&settings).await;
    assert_eq!(answers(&cluster, &signed(&old, "ES256", "old")).await, (101, 0));
    assert_eq!(answers(&cluster, &signed(&never, "EdDSA", "never")).await, (401, 4401));
    assert_eq!(
        answers(&cluster, &token("bob", &[])).await,
        (101, 0),
        "beside the secret"
    );
    server.serve(&[jwk(&new, "new")]);
    let by_new = signed(&new, "EdDSA", "new");
    // Whether the cooldown is over is the machine's affair; that it ends is not.
    while answers(&cluster, &by_new).await != (101, 0) {}
    assert_eq!(answers(&cluster, &by_new).await, (101, 0));
    assert_eq!(
        answers(&cluster, &signed(&old, "ES256", "old")).await.0,
        401,
        "what is no longer served is over"
    );
    server.answer(KeyAnswer::Status(503, String::new()));
    assert_eq!(answers(&cluster, &by_new).await, (101, 0), "what is known is kept");
    let unknown = signed(&never, "EdDSA", "never");
    while answers(&cluster, &unknown).await != (503, 1013) {}
    let (_, exposition) = call(cluster.node(0).internal_address(), "GET", "/metrics", "", "").await;
    assert!(
        metric(&exposition, "hallway_jwks_fetches_total{outcome=\"ok\"}") >= 2.0,
        "{exposition}"
    );
    assert!(metric(&exposition, "hallway_jwks_fetches_total{outcome=\"status\"}") >= 1.0);
    assert!((metric(&exposition, "hallway_jwks_keys") - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_without_its_key_source_and_says_so() {
    let settings = format!("[auth]\njwks_url = 'http://127.0.0.1:{}/keys'", free_port());
    let cluster = Cluster::alone(&settings).await;
    let token_of_others = signed(&Signer::make("ES256"), "ES256", "a");
    assert_eq!(answers(&cluster, &token_of_others).await, (503, 1013));
    assert_eq!(
        answers(&cluster, &token("bob", &[])).await,
        (101, 0),
        "other keys do not wait for it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_sign_in_with_keys_from_a_url_too() {
    let (held, never) = (Signer::make("ES384"), Signer::make("ES384"));
    let server = KeyServer::start(&[jwk(&held, "a")]).await;
    let settings = format!("[auth]\nanonymous = true\njwks_url = '{}'", server.url());
    let cluster = Cluster::alone(&settings).await;
    let sign_in = async |token: &str| {
        let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
        raw.answer().await.unwrap();
        raw.text(&format!(
            r#"{{"endpoint":"auth.connect","args":{{"token":"{token}"}}}}"#
        ))
        .await;
        raw
    };
    let mut known = sign_in(&signed(&held, "ES384", "a")).await;
    assert!(known.answer().await.unwrap().text().contains(r#""userId":"alice""#));
    let mut unknown = sign_in(&signed(&never, "ES384", "b")).await;
    assert_eq!(unknown.close_code().await, Some(4401));
}
