//! Whether who has shown who they are may connect: by the operator's SQL, claims and backend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hallway_client::{Client, Closed, ConnectError, Hello, Options};
use hallway_testkit::{Cluster, PostgresServer, Raw, SECRET, hmac_token, token};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::sessions::NEXT_AUTH;

/// Connect only with credits left; as in docs/authentication.md.
const CREDITS: &str = r#"
    SELECT name, credits, CASE WHEN credits <= 0 THEN 'no credits left' END AS refused FROM "User" WHERE id = $1
"#;

async fn connect(cluster: &Cluster, user: &str) -> Result<(Client, Hello), ConnectError> {
    Client::connect(Options::new(cluster.url(0)).token(token(user, &[]))).await
}

fn closed(result: Result<(Client, Hello), ConnectError>) -> Closed {
    match result.map(|(_, hello)| hello) {
        Err(ConnectError::Closed(closed)) => closed,
        other => panic!("closed, not {other:?}"),
    }
}

async fn database(name: &str) -> (Arc<PostgresServer>, String) {
    let server = PostgresServer::shared().await;
    let url = server.create_database(name).await;
    server.sql_at(&url, NEXT_AUTH).await;
    (server, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_credits_left_is_told_so() {
    let (server, url) = database("admission_credits").await;
    let settings = format!("[admission]\nurl = '{url}'\nsql = '''{CREDITS}'''\n[auth]\nanonymous = true");
    let cluster = Cluster::alone(&settings).await;
    let (_alice, hello) = connect(&cluster, "alice").await.unwrap();
    assert_eq!(Value::Object(hello.attributes), json!({"credits": 5}));
    for (user, reason) in [("bob", "no credits left"), ("carol", "not admitted")] {
        let closed = closed(connect(&cluster, user).await);
        assert_eq!((closed.code, closed.reason.as_str()), (4403, reason), "{user}");
    }
    // What was known goes with the ticket, which is good for its time whatever becomes of the credits.
    server.sql_at(&url, r#"UPDATE "User" SET credits = 0"#).await;
    assert_eq!(closed(connect(&cluster, "alice").await).code, 4403);
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    raw.answer().await.expect("the hello of the anonymous");
    let resume = json!({"endpoint": "auth.resume", "args": {"ticket": hello.resume_ticket}});
    raw.text(&resume.to_string()).await;
    let hello = raw.answer().await.unwrap().text();
    assert!(hello.contains(r#""attributes":{"credits":5}"#), "{hello}");
    // The anonymous are asked about when they say who they are.
    let mut raw = Raw::open(cluster.node(0).public_address(), "").await.unwrap();
    raw.answer().await.expect("the hello of the anonymous");
    let sign_in = json!({"endpoint": "auth.connect", "args": {"token": token("bob", &[])}});
    raw.text(&sign_in.to_string()).await;
    assert_eq!(raw.close_code().await, Some(4403));
    assert!(cluster.metric(0, "hallway_admissions_total{outcome=\"refused\"}").await >= 4.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_while_the_database_is_away() {
    let mut server = PostgresServer::start().await;
    server.sql(NEXT_AUTH).await;
    let settings = format!(
        "[admission]\nurl = '{}'\nsql = '''{CREDITS}'''\n[store]\ntimeout = '500ms'",
        server.url()
    );
    let cluster = Cluster::alone(&settings).await;
    let (alice, _) = connect(&cluster, "alice").await.unwrap();
    server.kill().await;
    assert_eq!(closed(connect(&cluster, "alice").await).code, 1013);
    alice.request("ping", json!({})).await.unwrap();
    server.restart().await;
    while connect(&cluster, "alice").await.is_err() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_knows_is_bounded() {
    let (_server, url) = database("admission_bounds").await;
    let sql = "SELECT repeat('x', 5000) AS biography WHERE $1 <> ''";
    let cluster = Cluster::alone(&format!("[admission]\nurl = '{url}'\nsql = \"{sql}\"")).await;
    assert_eq!(closed(connect(&cluster, "alice").await).code, 1013);
}

/// A token with a claim of the operator's.
fn token_with(user: &str, plan: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": user, "exp": now + 3600, "app": {"plan": plan}});
    hmac_token(SECRET.as_bytes(), r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_become_attributes() {
    let cluster = Cluster::alone("[admission]\nclaims = ['app.plan', 'missing']").await;
    let connect = |plan: Value| Client::connect(Options::new(cluster.url(0)).token(token_with("alice", &plan)));
    let (_client, hello) = connect(json!("gold")).await.unwrap();
    assert_eq!(Value::Object(hello.attributes), json!({"app.plan": "gold"}));
    let long = connect(json!("x".repeat(5000))).await.map(drop);
    assert!(
        matches!(long, Err(ConnectError::Refused { status: 401, .. })),
        "{long:?}"
    );
}

/// A backend that answers by the user's id, and what it was asked last.
async fn backend() -> (SocketAddr, Arc<Mutex<Value>>) {
    async fn answer(State(asked): State<Arc<Mutex<Value>>>, Json(question): Json<Value>) -> Response {
        let user = question["userId"].as_str().unwrap_or_default().to_owned();
        *asked.lock() = question;
        match user.as_str() {
            "alice" => Json(json!({"allowed": true, "name": "Alice", "attributes": {"credits": 7}})).into_response(),
            "bob" => Json(json!({"allowed": false, "reason": "no credits left"})).into_response(),
            "carol" => StatusCode::FORBIDDEN.into_response(),
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
    let asked = Arc::new(Mutex::new(Value::Null));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new()
        .route("/admission", post(answer))
        .with_state(Arc::clone(&asked));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_is_asked_who_may_connect() {
    let (address, asked) = backend().await;
    let cluster = Cluster::alone(&format!(
        "[admission]\nclaims = ['app.plan']\n\
         [webhook]\nadmission_url = 'http://{address}/admission'\nsecret = 'a-secret-of-24-bytes-or-more'"
    ))
    .await;
    let alice = token_with("alice", &json!("gold"));
    let (_client, hello) = Client::connect(Options::new(cluster.url(0)).token(alice))
        .await
        .unwrap();
    assert_eq!(
        Value::Object(hello.attributes),
        json!({"app.plan": "gold", "credits": 7})
    );
    let question = json!({"type": "admission", "userId": "alice", "claims": {"app.plan": "gold"}});
    assert_eq!(*asked.lock(), question);
    for (user, code, reason) in [
        ("bob", 4403, "no credits left"),
        ("carol", 4403, "not admitted"),
        ("dave", 1013, "it cannot be known who may connect"),
    ] {
        let closed = closed(connect(&cluster, user).await);
        assert_eq!((closed.code, closed.reason.as_str()), (code, reason), "{user}");
    }
}
