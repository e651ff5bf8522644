//! Nothing that is secret is in a `Debug` text, a printed configuration, a metric or an answer. The log is looked at in
//! the tests of the binary.

use hallway_gateway::config;
use hallway_testkit::{Cluster, Raw, http, token};

const SECRETS: [&str; 6] = [
    "jwt-hunter2-0123456789-0123456789-0123456789",
    "previous-hunter2-0123456789-0123456789-01234",
    "api-hunter2-0123456789",
    "redis-hunter2-0123456789",
    "bad-hunter2-0123456789",
    "ticket-hunter2-0123456789",
];

fn must_not_show(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows a secret: {text}");
    }
    assert!(!text.contains("hunter2"), "{what} shows a part of a secret: {text}");
}

fn settings() -> String {
    format!(
        "[auth]\njwt_secret = '{}'\njwt_previous_secrets = ['{}']\n[api]\nkeys = ['{}']\n",
        SECRETS[0], SECRETS[1], SECRETS[2]
    )
}

#[test]
fn a_configuration_keeps_its_secrets() {
    let text = format!("{}[redis]\nurl = 'redis://bob:{}@redis:6379'\n", settings(), SECRETS[3]);
    let input = hallway_settings::Input {
        file: Some(("test.toml".into(), text)),
        ..Default::default()
    };
    let loaded = config::load(input.clone()).unwrap();
    must_not_show("config print", &loaded.print());
    must_not_show("Debug of the loaded configuration", &format!("{loaded:?}"));
    must_not_show("Debug of the configuration", &format!("{:#?}", loaded.config));
    let access = hallway_gateway::access::Access::of(&loaded.config).unwrap();
    must_not_show("Debug of the node's access", &format!("{access:#?}"));
    must_not_show("Debug of the verifier", &format!("{:?}", loaded.config.auth.verifier()));
    must_not_show("Debug of the tickets", &format!("{:?}", loaded.config.auth.tickets()));

    // Refused, it is not shown either.
    let mut short = input.clone();
    short.file = Some((
        "test.toml".into(),
        "[auth]\njwt_secret = 'hunter2'\n[redis]\nurl = 'hunter2'\n".into(),
    ));
    must_not_show("a problem", &config::load(short).unwrap_err().to_string());
    let mut short = input;
    short.file = Some((
        "test.toml".into(),
        "[auth]\njwt_secret = 'hunter2'\n[api]\nkeys = ['hunter2', '']".into(),
    ));
    let problems = config::check(&config::load(short).unwrap()).unwrap_err();
    must_not_show("a problem", &problems.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_keeps_what_it_is_shown() {
    let cluster = Cluster::alone(&settings()).await;
    let address = cluster.node(0).public_address();
    let bad = format!("Authorization: Bearer {}\r\n", SECRETS[4]);
    let (status, answer) = Raw::open(address, &bad).await.unwrap_err();
    assert_eq!(status, 401);
    must_not_show("a refusal", &answer);
    let mut late = Raw::open(address, "").await.unwrap();
    late.text(&format!(
        r#"{{"endpoint":"auth.resume","args":{{"ticket":"{}","rooms":{{}}}}}}"#,
        SECRETS[5]
    ))
    .await;
    while let Some(frame) = late.frame().await {
        must_not_show("a close", &frame.text());
    }
    // Signed with another secret than the node's.
    let (status, _) = Raw::open(address, &format!("Authorization: Bearer {}\r\n", token("alice", &[])))
        .await
        .unwrap_err();
    assert_eq!(status, 401);
    let internal = cluster.node(0).internal_address();
    for key in [SECRETS[2], SECRETS[4]] {
        let header = format!("Authorization: Bearer {key}\r\n");
        let (_, answer) = http::call(internal, "GET", "/api/v1/nodes", &header, "").await;
        must_not_show("an answer of the API", &answer);
    }
    let (_, exposition) = http::call(internal, "GET", "/metrics", "", "").await;
    must_not_show("/metrics", &exposition);
    let (_, document) = http::call(internal, "GET", "/api/v1/openapi.json", "", "").await;
    must_not_show("the API's document", &document);
}
