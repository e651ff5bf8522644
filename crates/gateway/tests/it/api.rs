//! The backend API, through the front door.

use hallway_testkit::{API_KEY, Cluster};
use serde_json::{Value, json};

use crate::{broadcast, close_code};

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_publishes() {
    let cluster = Cluster::alone("").await;
    let (mut alice, hello) = cluster.connect(0, "alice").await;
    let (mut bob, _) = cluster.connect(0, "bob").await;
    for client in [&alice, &bob] {
        client.request("rooms.join", json!({"room": "board-1"})).await.unwrap();
    }
    let body = json!({"rooms": ["board-1", "user-bob"], "destination": "update-task", "data": {"id": 1}, "excludeClient": hello.client_id});
    let (status, answer) = cluster.api(0, "POST", "/api/v1/broadcast", &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["results"][0]["room"], "board-1");
    assert_eq!(answer["results"][0]["seq"], 1);
    assert_eq!(answer["results"][1]["room"], "user-bob");
    let mut rooms = [broadcast(&mut bob).await.room, broadcast(&mut bob).await.room];
    rooms.sort();
    assert_eq!(rooms, ["board-1", "user-bob"]);
    let to_client = json!({"room": format!("client-{}", hello.client_id), "destination": "d", "data": 1});
    let (_, answer) = cluster
        .api(0, "POST", "/api/v1/broadcast", &to_client.to_string())
        .await;
    assert_eq!(answer["results"][0].get("seq"), None);
    let heard = broadcast(&mut alice).await;
    assert_eq!(
        (heard.data, heard.seq),
        (json!(1), None),
        "and not what she was excluded from"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_a_key_is_harmless() {
    let cluster = Cluster::alone("").await;
    let body = json!({"room": "board-1", "destination": "d", "data": 1, "idempotencyKey": "k1"}).to_string();
    let (_, first) = cluster.api(0, "POST", "/api/v1/broadcast", &body).await;
    let (_, again) = cluster.api(0, "POST", "/api/v1/broadcast", &body).await;
    assert_eq!(first, again);
    let (_, room) = cluster.api(0, "GET", "/api/v1/rooms/board-1", "").await;
    assert_eq!(room["state"]["seq"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_calls_are_told_what_is_wrong() {
    let cluster = Cluster::alone("[limits]\napi_body = '1KiB'").await;
    let call = |method: &'static str, path: &'static str, body: Value| {
        let cluster = &cluster;
        async move {
            let (status, answer) = cluster.api(0, method, path, &body.to_string()).await;
            (
                status,
                answer["error"]["code"].clone(),
                answer["error"]["field"].clone(),
            )
        }
    };
    let post = "/api/v1/broadcast";
    let cases = [
        ("POST", post, json!([]), 400, "bad-frame", Value::Null),
        ("POST", post, json!({}), 400, "bad-args", json!("destination")),
        (
            "POST",
            post,
            json!({"destination": "d", "data": 1}),
            400,
            "bad-args",
            json!("room"),
        ),
        (
            "POST",
            post,
            json!({"room": "a b", "destination": "d", "data": 1}),
            400,
            "bad-args",
            json!("room"),
        ),
        (
            "POST",
            post,
            json!({"room": "nope-1", "destination": "d", "data": 1}),
            400,
            "bad-args",
            json!("room"),
        ),
        (
            "POST",
            post,
            json!({"rooms": [], "destination": "d", "data": 1}),
            400,
            "bad-args",
            json!("rooms"),
        ),
        (
            "POST",
            post,
            json!({"rooms": ["board-1", "board-1"], "destination": "d", "data": 1}),
            400,
            "bad-args",
            json!("rooms"),
        ),
        (
            "POST",
            post,
            json!({"room": "board-1", "destination": "room.x", "data": 1}),
            400,
            "bad-args",
            json!("destination"),
        ),
        (
            "POST",
            post,
            json!({"room": "board-1", "destination": "d", "data": "x".repeat(1100)}),
            413,
            "too-large",
            Value::Null,
        ),
        (
            "POST",
            "/api/v1/disconnect",
            json!({}),
            400,
            "bad-args",
            json!("userId"),
        ),
        (
            "POST",
            "/api/v1/disconnect",
            json!({"clientId": "0123456789abcdef", "revoke": true}),
            400,
            "bad-args",
            json!("revoke"),
        ),
        (
            "PUT",
            "/api/v1/rooms/user-alice/users/alice",
            Value::Null,
            403,
            "forbidden",
            Value::Null,
        ),
        (
            "PUT",
            "/api/v1/rooms/board-1-tasks/users/alice",
            Value::Null,
            400,
            "bad-args",
            json!("room"),
        ),
        ("GET", "/api/v1/rooms/nope", Value::Null, 400, "bad-args", json!("room")),
        (
            "GET",
            "/api/v1/rooms/board-1/history?limit=0",
            Value::Null,
            400,
            "bad-args",
            json!("limit"),
        ),
        (
            "GET",
            "/api/v1/rooms/board-1/history?limit=x",
            Value::Null,
            400,
            "bad-args",
            json!("query"),
        ),
        ("GET", "/api/v1/nowhere", Value::Null, 404, "not-found", Value::Null),
    ];
    for (method, path, body, status, code, field) in cases {
        let shown = format!("{method} {path} {body:.80}");
        assert_eq!(call(method, path, body).await, (status, json!(code), field), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_with_a_key() {
    let cluster = Cluster::alone("").await;
    let internal = cluster.node(0).internal_address();
    for key in [
        "",
        "Authorization: Bearer wrong\r\n",
        &format!("Authorization: Basic {API_KEY}\r\n"),
    ] {
        let (status, body) = hallway_testkit::http::call(internal, "GET", "/api/v1/nodes", key, "").await;
        assert_eq!(status, 401);
        assert!(body.contains("unauthenticated"));
    }
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"] {
        assert_eq!(
            hallway_testkit::http::call(internal, "GET", path, "", "").await.0,
            200,
            "{path} needs none"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_put_in_taken_out_and_sent_away() {
    let cluster = Cluster::alone("").await;
    let (mut one, hello) = cluster.connect(0, "alice").await;
    let (mut two, _) = cluster.connect(0, "alice").await;
    let (status, _) = cluster
        .api(0, "PUT", "/api/v1/rooms/chat-bob-carol/users/alice", "")
        .await;
    assert_eq!(status, 200, "the backend decides, not the room's rule");
    let say = json!({"room": "chat-bob-carol", "destination": "d", "data": 1}).to_string();
    cluster.api(0, "POST", "/api/v1/broadcast", &say).await;
    assert_eq!(broadcast(&mut one).await.room, "chat-bob-carol");
    assert_eq!(broadcast(&mut two).await.room, "chat-bob-carol");
    let (_, room) = cluster.api(0, "GET", "/api/v1/rooms/chat-bob-carol", "").await;
    assert_eq!((&room["userCount"], &room["socketCount"]), (&json!(1), &json!(2)));
    cluster
        .api(0, "DELETE", "/api/v1/rooms/chat-bob-carol/users/alice", "")
        .await;
    let (_, room) = cluster.api(0, "GET", "/api/v1/rooms/chat-bob-carol", "").await;
    assert_eq!(room["socketCount"], 0);
    let away = json!({"clientId": hello.client_id, "reason": "bye"}).to_string();
    assert_eq!(
        cluster.api(0, "POST", "/api/v1/disconnect", &away).await,
        (200, json!({}))
    );
    assert_eq!(close_code(&mut one).await, 4403);
    let away = json!({"userId": "alice"}).to_string();
    cluster.api(0, "POST", "/api/v1/disconnect", &away).await;
    assert_eq!(close_code(&mut two).await, 4403);
}

/// The document is made from the handlers; this holds the answers against it.
#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_says_what_is_answered() {
    let cluster = Cluster::alone("").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    let (_, document) = cluster.api(0, "GET", "/api/v1/openapi.json", "").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let say = json!({"room": "user-alice", "destination": "d", "data": 1}).to_string();
    let message = json!({"fromUserId": "alice", "content": "hello", "type": "SYSTEM"}).to_string();
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let room = match method.as_str() {
                "put" | "delete" => "board-1",
                _ if path.ends_with("/messages") => "chat-alice-bob",
                _ => "user-alice",
            };
            let mut real = path.replace("{room}", room).replace("{userId}", "alice");
            if path.contains("{lobbyId}") {
                // One of the operations ends it.
                let lobby = match alice.request("lobby.get", json!({})).await {
                    Ok(lobby) => lobby,
                    Err(_) => alice.request("lobby.create", json!({})).await.unwrap(),
                };
                real = real.replace("{lobbyId}", lobby["lobbyId"].as_str().unwrap());
            }
            let body = match real.as_str() {
                "/api/v1/broadcast" => say.clone(),
                "/api/v1/rooms/chat-alice-bob/messages" => message.clone(),
                "/api/v1/disconnect" => json!({"userId": "nobody"}).to_string(),
                _ => String::new(),
            };
            let (status, answer) = cluster.api(0, &method.to_uppercase(), &real, &body).await;
            assert_eq!(status, 200, "{method} {real}: {answer}");
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            assert_conforms(&document, schema, &answer, &real);
            let failure = &operation["responses"]["4XX"]["content"]["application/json"]["schema"];
            let (status, answer) = cluster
                .api(
                    0,
                    &method.to_uppercase(),
                    &real.replace("alice", "a%20b").replace("board-1", "a%20b"),
                    "{",
                )
                .await;
            if status >= 400 {
                assert_conforms(&document, failure, &answer, &real);
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 13, "every call of the protocol");
}

/// As much of JSON Schema as the document uses: types, required and known properties, items, references.
fn assert_conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference}"));
        return assert_conforms(document, target, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let chosen = choices
            .iter()
            .find(|choice| (choice["type"] == "null") == value.is_null());
        return assert_conforms(document, chosen.unwrap_or_else(|| panic!("{at}: {value}")), value, at);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at}: {value} is no {kinds:?}");
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "{at}: {name} is missing in {value}"
        );
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            let schema = known
                .get(name)
                .unwrap_or_else(|| panic!("{at}: {name} is not documented"));
            assert_conforms(document, schema, field, &format!("{at}.{name}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        assert_conforms(document, &schema["items"], item, at);
    }
}
