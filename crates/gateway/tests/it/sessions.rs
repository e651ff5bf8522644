//! Sessions in a database: each way to show one, what is none, and what becomes of sockets when one is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hallway_client::{Client, ConnectError, FirstFrame, Hello, Options};
use hallway_protocol::UserId;
use hallway_testkit::{Cluster, PostgresServer, Raw, RedisServer, token};
use serde_json::json;

use crate::close_code;

/// What Prisma makes of next-auth's schema on Postgres, and some sessions.
pub(crate) const NEXT_AUTH: &str = r#"
    CREATE TABLE "User" (id text PRIMARY KEY, name text, credits int NOT NULL DEFAULT 0);
    CREATE TABLE "Session" (id text PRIMARY KEY, "sessionToken" text UNIQUE NOT NULL, "userId" text NOT NULL,
        expires timestamp(3) NOT NULL);
    INSERT INTO "User" VALUES ('alice', 'Alice', 5), ('bob', NULL, 0);
    INSERT INTO "Session" VALUES ('1', 'token-alice', 'alice', '2100-01-02 03:04:05.678'),
        ('2', 'token/alice=2', 'alice', '2100-01-02 03:04:05.678'), ('3', 'token-bob', 'bob', 'infinity'),
        ('4', 'token-old', 'alice', now() - interval '1 hour');
"#;
const PROTOCOL: &str = "hallway.v1.json";

/// A database of its own, and settings for nodes that look there.
async fn database(name: &str, sessions: &str) -> (Arc<PostgresServer>, String, String) {
    let server = PostgresServer::shared().await;
    let url = server.create_database(name).await;
    server.sql_at(&url, NEXT_AUTH).await;
    let settings = settings(&url, sessions);
    (server, url, settings)
}

fn settings(url: &str, sessions: &str) -> String {
    format!("[sessions]\nenabled = true\nurl = '{url}'\n{sessions}\n")
}

fn with_cookie(cluster: &Cluster, node: usize, cookie: &str) -> Options {
    Options::new(cluster.url(node)).header("Cookie", format!("theme=dark; {cookie}"))
}

async fn by_cookie(cluster: &Cluster, node: usize, token: &str) -> Result<(Client, Hello), ConnectError> {
    Client::connect(with_cookie(cluster, node, &format!("authjs.session-token={token}"))).await
}

fn with_first_frame(cluster: &Cluster, node: usize, token: &str) -> Options {
    let token = token.to_owned();
    Options::new(cluster.url(node)).first_frame(FirstFrame::Connect { token })
}

async fn resume(cluster: &Cluster, node: usize, ticket: &str) -> Result<(Client, Hello), ConnectError> {
    let (ticket, rooms) = (ticket.to_owned(), BTreeMap::new());
    let frame = FirstFrame::Resume { ticket, rooms };
    Client::connect(Options::new(cluster.url(node)).first_frame(frame)).await
}

/// The status of a refusal, or the code of a close.
fn refusal(result: Result<(Client, Hello), ConnectError>) -> u16 {
    match result.map(|(_, hello)| hello) {
        Err(ConnectError::Refused { status, .. }) => status,
        Err(ConnectError::Closed(closed)) => closed.code,
        other => panic!("refused, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_shown_in_each_way() {
    let (_server, _, settings) = database("sessions_ways", "").await;
    let cluster = Cluster::alone(&settings).await;
    let mut by_subprotocol = Options::new(cluster.url(0));
    by_subprotocol.token_subprotocol = Some("token-alice".into());
    let mut ways = vec![
        Options::new(cluster.url(0)).token("token-alice"),
        by_subprotocol,
        with_first_frame(&cluster, 0, "token-alice"),
        with_first_frame(&cluster, 0, "token/alice=2"),
        with_cookie(&cluster, 0, "authjs.session-token=token%2Falice%3D2"),
    ];
    for name in ["authjs", "__Secure-authjs", "next-auth", "__Secure-next-auth"] {
        ways.push(with_cookie(&cluster, 0, &format!("{name}.session-token=token-alice")));
    }
    for way in ways {
        let (alice, hello) = Client::connect(way).await.unwrap();
        assert_eq!(hello.user_id.as_deref(), Some("alice"));
        assert_eq!(hello.expires_at, Some(4_102_542_245_678));
        assert!(hello.rooms.contains(&"user-alice".to_owned()), "{:?}", hello.rooms);
        let why = alice.request("rooms.join", json!({"room": "user-bob"})).await;
        assert_eq!(why.unwrap_err().code(), Some("forbidden"));
    }
    let (_bob, hello) = by_cookie(&cluster, 0, "token-bob").await.unwrap();
    assert_eq!((hello.user_id.as_deref(), hello.expires_at), (Some("bob"), None));
    // Tokens that were signed are as good as before.
    let (_carol, hello) = Client::connect(Options::new(cluster.url(0)).token(token("carol", &[])))
        .await
        .unwrap();
    assert_eq!(hello.user_id.as_deref(), Some("carol"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_session_is_refused() {
    let (server, url, settings) = database("sessions_refused", "").await;
    let cluster = Cluster::alone(&settings).await;
    let long = "x".repeat(1025);
    for bad in [
        "token-old",
        "token-nobody",
        "TOKEN-ALICE",
        "' OR '1'='1",
        "'; DROP TABLE \"Session\"; --",
        "token-alice'--",
        "token-alice\\",
        "$1",
        "%",
        "a.b",
        "a.b.c.d.e",
        &long,
    ] {
        let by_bearer = Client::connect(Options::new(cluster.url(0)).token(bad)).await;
        assert_eq!(refusal(by_bearer), 401, "{bad}");
        let by_frame = Client::connect(with_first_frame(&cluster, 0, bad)).await;
        assert_eq!(refusal(by_frame), 4401, "{bad}");
    }
    let with_nul = Client::connect(with_first_frame(&cluster, 0, "token-alice\0")).await;
    assert_eq!(refusal(with_nul), 4401);
    // A token of three parts is asked of keys and never of the database.
    let before = cluster.metric(0, "hallway_session_questions_total").await;
    let forged = Client::connect(Options::new(cluster.url(0)).token("a.b.c")).await;
    assert_eq!(refusal(forged), 401);
    assert_eq!(cluster.metric(0, "hallway_session_questions_total").await, before);
    assert_eq!(server.sql_at(&url, r#"SELECT count(*) FROM "Session""#).await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_with_one_cookie_are_one_question() {
    let (_server, _, settings) = database("sessions_flight", "fresh = '5m'\nreview = '1h'").await;
    let cluster = Cluster::alone(&settings).await;
    let connects = (0..100).map(|_| by_cookie(&cluster, 0, "token-alice"));
    let all = join_all(connects).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(cluster.metric(0, "hallway_session_questions_total").await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_session_ends_its_sockets_and_tickets_on_every_node() {
    let (server, url, settings) = database("sessions_deleted", "fresh = '0s'\nreview = '1s'").await;
    let redis = RedisServer::start().await;
    let settings = format!("{settings}[redis]\nurl = 'redis://127.0.0.1:{}'", redis.port());
    let cluster = Cluster::start(2, &settings).await;
    let (first, hello) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
    let ticket = hello.resume_ticket.unwrap();
    // One that came with a ticket stands on the session as well.
    let (second, _) = resume(&cluster, 1, &ticket).await.unwrap();
    let (other_session, _) = by_cookie(&cluster, 1, "token%2Falice%3D2").await.unwrap();
    let (bob, _) = by_cookie(&cluster, 0, "token-bob").await.unwrap();
    let delete = r#"DELETE FROM "Session" WHERE "sessionToken" = 'token-alice'"#;
    server.sql_at(&url, delete).await;
    for mut client in [first, second] {
        assert_eq!(close_code(&mut client).await, 4401);
    }
    for node in [0, 1] {
        assert_eq!(refusal(by_cookie(&cluster, node, "token-alice").await), 401);
        // A node that has not read yet that the session is over closes when it has.
        loop {
            match resume(&cluster, node, &ticket).await {
                Ok((mut client, _)) => assert_eq!(close_code(&mut client).await, 4401),
                refused => break assert_eq!(refusal(refused), 4401),
            }
        }
    }
    for client in [other_session, bob] {
        client.request("ping", json!({})).await.unwrap();
    }
    assert!(cluster.metric(0, "hallway_sessions_ended_total").await >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_prolonged_prolongs_its_sockets() {
    let (server, url, settings) = database("sessions_longer", "review = '1s'").await;
    let cluster = Cluster::alone(&settings).await;
    let (alice, _) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
    server
        .sql_at(
            &url,
            r#"UPDATE "Session" SET expires = '2101-01-01' WHERE "userId" = 'alice'"#,
        )
        .await;
    let user = UserId::parse("alice").unwrap();
    let prolonged = async {
        loop {
            let sockets = cluster.node(0).node().hub.sockets_of(&user);
            if sockets.iter().any(|socket| socket.expires_at() == 4_133_980_800) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), prolonged)
        .await
        .expect("prolonged");
    let pong = alice.request("ping", json!({"ticket": true})).await.unwrap();
    let (_, hello) = resume(&cluster, 0, pong["resumeTicket"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(hello.expires_at, Some(4_133_980_800_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_user_is_let_in_again_by_a_session_that_is_still_there() {
    let (_server, _, settings) = database("sessions_revoked", "fresh = '5m'").await;
    let cluster = Cluster::alone(&settings).await;
    let (mut alice, hello) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
    let body = json!({"userId": "alice", "revoke": true}).to_string();
    // The clock of the node must have moved on, so that the session was asked about before.
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(cluster.api(0, "POST", "/api/v1/disconnect", &body).await.0, 200);
    assert_eq!(close_code(&mut alice).await, 4410);
    assert_eq!(refusal(resume(&cluster, 0, &hello.resume_ticket.unwrap()).await), 4410);
    by_cookie(&cluster, 0, "token-alice").await.unwrap();
    assert_eq!(cluster.metric(0, "hallway_session_questions_total").await, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_sent_away_by_its_token() {
    let (_server, _, settings) = database("sessions_by_token", "fresh = '0s'").await;
    let cluster = Cluster::alone(&settings).await;
    let (other, _) = by_cookie(&cluster, 0, "token%2Falice%3D2").await.unwrap();
    for (revoke, code) in [(false, 4403), (true, 4401)] {
        let (mut alice, hello) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
        let ticket = hello.resume_ticket.unwrap();
        let body = json!({"sessionToken": "token-alice", "revoke": revoke}).to_string();
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(cluster.api(0, "POST", "/api/v1/disconnect", &body).await.0, 200);
        assert_eq!(close_code(&mut alice).await, code);
        let resumed = resume(&cluster, 0, &ticket).await;
        assert_eq!(resumed.is_ok(), !revoke);
    }
    other.request("ping", json!({})).await.unwrap();
    let body = json!({"sessionToken": "token-alice", "userId": "alice"}).to_string();
    assert_eq!(cluster.api(0, "POST", "/api/v1/disconnect", &body).await.0, 400);
}

/// What a browser does that comes back: its cookie goes with the handshake, its ticket is the first frame.
async fn come_back(cluster: &Cluster, cookie: &str, ticket: &str) -> Raw {
    let headers = format!("Sec-WebSocket-Protocol: {PROTOCOL}\r\nCookie: authjs.session-token={cookie}\r\n");
    let mut raw = Raw::open(cluster.node(0).public_address(), &headers).await.unwrap();
    let frame = json!({"endpoint": "auth.resume", "args": {"ticket": ticket, "rooms": {"chat-alice-bob": null}}});
    raw.text(&frame.to_string()).await;
    let hello = raw.answer().await.unwrap().text();
    assert!(hello.contains(r#""hello""#) && !hello.contains("resumed"), "{hello}");
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_brings_rooms_to_a_connection_that_has_its_identity() {
    let (_server, _, settings) = database("sessions_resume", "").await;
    let cluster = Cluster::alone(&settings).await;
    let (alice, hello) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
    alice
        .request("rooms.join", json!({"room": "chat-alice-bob"}))
        .await
        .unwrap();
    let ticket = hello.resume_ticket.unwrap();
    let mut raw = come_back(&cluster, "token-alice", &ticket).await;
    let second = raw.answer().await.unwrap().text();
    assert!(second.contains(r#""resumed":{"chat-alice-bob""#), "{second}");
    assert!(second.contains(r#""userId":"alice""#), "{second}");
    // It is in the room, and has had its first frame.
    raw.text(r#"{"id":1,"endpoint":"rooms.info","args":{"room":"chat-alice-bob"}}"#)
        .await;
    assert!(raw.answer().await.unwrap().text().contains(r#""socketCount":2"#));
    let again = json!({"id": 2, "endpoint": "auth.resume", "args": {"ticket": ticket}});
    raw.text(&again.to_string()).await;
    assert!(raw.answer().await.unwrap().text().contains("conflict"));
    for (cookie, ticket) in [("token-bob", ticket.as_str()), ("token-alice", "x.y.z")] {
        let mut refused = come_back(&cluster, cookie, ticket).await;
        assert_eq!(refused.close_code().await, Some(4401));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nobody_comes_in_and_nobody_goes() {
    let mut server = PostgresServer::start().await;
    server.sql(NEXT_AUTH).await;
    let settings = settings(&server.url(), "fresh = '0s'\nreview = '1s'");
    let settings = format!("{settings}[store]\ntimeout = '500ms'\nretry_interval = '50ms'");
    let cluster = Cluster::alone(&settings).await;
    let (alice, hello) = by_cookie(&cluster, 0, "token-alice").await.unwrap();
    let ticket = hello.resume_ticket.unwrap();
    let away = r#"hallway_session_questions_total{outcome="unavailable"}"#;
    for hang in [true, false] {
        if hang {
            server.pause().await;
        } else {
            server.kill().await;
        }
        match by_cookie(&cluster, 0, "token-bob").await.map(drop) {
            Err(ConnectError::Refused {
                status, retry_after_ms, ..
            }) => {
                assert_eq!(status, 503);
                assert!(retry_after_ms.is_some());
            }
            other => panic!("refused for now, not {other:?}"),
        }
        let by_frame = Client::connect(with_first_frame(&cluster, 0, "token-bob")).await;
        assert_eq!(refusal(by_frame), 1013);
        // Those are two questions; any other is one that was asked again about alice.
        let begun = cluster.metric(0, away).await;
        while cluster.metric(0, away).await < begun + 2.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        alice.request("ping", json!({})).await.unwrap();
        // A ticket spares the database.
        resume(&cluster, 0, &ticket).await.unwrap();
        if hang {
            server.resume().await;
        } else {
            // Nor does a node need it to begin.
            let newcomer = Cluster::alone(&settings).await;
            assert_eq!(refusal(by_cookie(&newcomer, 0, "token-bob").await), 503);
            server.restart().await;
            while by_cookie(&newcomer, 0, "token-bob").await.is_err() {}
        }
        while by_cookie(&cluster, 0, "token-bob").await.is_err() {}
    }
}
