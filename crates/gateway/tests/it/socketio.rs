//! The published client of Socket.IO, in Node and in a browser, against real nodes: what `clients/socketio-tests` plays.

mod stage;

use std::sync::Arc;

use hallway_testkit::{Certificates, Cluster, PostgresServer, RedisServer};
use serde_json::{Value, json};

use stage::Stage;

/// As clients choose them: WebSocket alone, HTTP first, HTTP alone.
fn all_transports() -> [Value; 3] {
    [json!(["websocket"]), Value::Null, json!(["polling"])]
}

async fn alone(settings: &str) -> Stage {
    Stage::of(Cluster::alone(settings).await).await
}

/// Three nodes over one Redis.
async fn three(redis: &RedisServer, settings: &str) -> Stage {
    let settings = format!(
        "[redis]\nurl = '{}'\ncommand_timeout = '20s'\nprobe_timeout = '20s'\n{settings}",
        redis.url()
    );
    Stage::of(Cluster::start(3, &settings).await).await
}

/// Three nodes behind a load balancer with sticky sessions, where this dialect answers on the main namespace.
async fn behind_a_balancer(redis: &RedisServer, main: &str, settings: &str) -> Stage {
    let settings = format!("{settings}\n[socketio]\nmain = '{main}'\n");
    three(redis, &settings).await.balanced().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_websocket() {
    let mut stage = alone("").await;
    stage.play("basics.mjs", json!(["websocket"])).await;
    let open = stage.cluster.metric(0, "hallway_connections_opened_total").await;
    assert!(open >= 2.0, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_http_alone() {
    alone("").await.play("basics.mjs", json!(["polling"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_begins_over_http() {
    alone("").await.play("basics.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls() {
    let certificates = Certificates::make().await;
    let (certificate, key) = certificates.server();
    let (certificate, key) = (certificate.display(), key.display());
    let settings = format!("[tls]\ncert = '{certificate}'\nkey = '{key}'\n");
    for transports in all_transports() {
        let mut stage = alone(&settings).await.secure(&certificates.ca());
        stage.play("basics.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_io_by_hand() {
    let settings = "[limits]\nhandshake_timeout = '2s'\n[auth]\norigins = ['http://app.example.com']";
    alone(settings).await.play("engine.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documents_of_both_protocols_ask_for() {
    let settings = "[limits]\nping_interval = '1s'\npong_timeout = '1s'\nframe_size = 1000000\nsocket_queue = '4MiB'\n[auth]\ntimeout = '10s'";
    alone(settings).await.play("conformance.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_of_three_nodes() {
    let redis = RedisServer::start().await;
    let mut stage = three(&redis, "").await;
    stage.play("cluster.mjs", json!(["websocket"])).await;
    stage.play("cluster.mjs", json!(["polling"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_client_and_one_of_socket_io_hear_each_other() {
    let mut stage = alone("").await;
    let (mut native, _) = stage.cluster.connect(0, "carol").await;
    let board = json!({"room": "board-3"});
    native.request("rooms.join", board).await.expect("joined");
    let plays = stage.play("native.mjs", Value::Null);
    let hears = async {
        let heard = super::broadcast(&mut native).await;
        let said = json!({"room": "board-3", "destination": "from-native", "data": heard.data});
        native.request("rooms.broadcast", said).await.expect("published");
    };
    tokio::join!(plays, hears);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_do_so_across_the_death_of_a_node() {
    for transports in all_transports() {
        let redis = RedisServer::start().await;
        let mut stage = three(&redis, "").await.proxied().await;
        stage.play("death.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_recovers_rooms_and_what_was_missed() {
    for transports in all_transports() {
        let redis = RedisServer::start().await;
        let mut stage = three(&redis, "").await.proxied().await;
        stage.play("recovery.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_recovery_nothing_is_told_beside_events() {
    alone("[socketio]\nrecovery = false")
        .await
        .play("unstamped.mjs", Value::Null)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_reaches_the_wrong_node() {
    let redis = RedisServer::start().await;
    let mut stage = three(&redis, "").await.proxied().await;
    stage.play("wrongnode.mjs", Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_on_a_page_of_another_origin() {
    for transports in all_transports() {
        let cluster = Cluster::alone("[auth]\norigins = ['http://app.example.com']").await;
        Stage::of(cluster)
            .await
            .proxied()
            .await
            .play("browser.mjs", transports)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_document_000_makes_rooms() {
    let postgres = PostgresServer::shared().await;
    let url = postgres.create_database("socketio_lobby").await;
    postgres.sql_at(&url, crate::sessions::NEXT_AUTH).await;
    let settings = format!(
        "[sessions]\nenabled = true\nurl = '{url}'\n[auth]\nanonymous = true\n[stats]\ninterval = '1s'\n\
         [lobbies]\ngrace = '300ms'\n"
    );
    for transports in all_transports() {
        // Each with nobody there before, since it counts who is.
        let redis = RedisServer::start().await;
        let mut stage = behind_a_balancer(&redis, "native", &settings).await;
        stage.play("lobby.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_document_001_follows_a_board() {
    let redis = RedisServer::start().await;
    let mut stage = behind_a_balancer(&redis, "native", "").await;
    for transports in all_transports() {
        stage.play("board.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_document_002_writes_to_another() {
    let redis = RedisServer::start().await;
    let (_postgres, settings) = store("socketio_conversation").await;
    let mut stage = behind_a_balancer(&redis, "conversation", &settings).await;
    for transports in all_transports() {
        stage.play("conversation.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_document_003_says_how_it_stands() {
    let redis = RedisServer::start().await;
    let (_postgres, settings) = store("socketio_presence").await;
    let mut stage = behind_a_balancer(&redis, "presence", &settings).await;
    for transports in all_transports() {
        stage.play("presence.mjs", transports).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_document_004_chats_in_a_group() {
    let redis = RedisServer::start().await;
    let (_postgres, settings) = store("socketio_group").await;
    let settings = settings + "[presence]\nrooms = true\ngrace = '300ms'\n";
    let mut stage = behind_a_balancer(&redis, "group", &settings).await;
    for transports in all_transports() {
        stage.play("group.mjs", transports).await;
    }
}

/// One database for all nodes, as messages need.
async fn store(name: &str) -> (Arc<PostgresServer>, String) {
    let postgres = PostgresServer::shared().await;
    let url = postgres.create_database(name).await;
    (postgres, format!("[store]\nurl = '{url}'\n"))
}
