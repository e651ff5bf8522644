//! Spans of a broadcast, from the backend's call through Redis to the sockets, as a collector gets them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hallway_testkit::http::call;
use hallway_testkit::{Cluster, RedisServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A span and the node that made it.
type Made = (String, Span);

/// A collector: what it got, and where it is.
async fn collector() -> (SocketAddr, mpsc::UnboundedReceiver<Made>) {
    let (made, receiver) = mpsc::unbounded_channel();
    let app = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(Arc::new(made));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, receiver)
}

async fn collect(
    State(made): State<Arc<mpsc::UnboundedSender<Made>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let text = |key: &str| {
            let value = attributes.iter().find(|one| one.key == key).unwrap().value.clone();
            format!("{:?}", value.unwrap().value.unwrap())
        };
        assert!(text("service.name").contains("hallway"));
        let node = text("service.instance.id");
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            made.send((node.clone(), span)).unwrap();
        }
    }
    (StatusCode::OK, Bytes::new())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn publish(cluster: &Cluster, number: usize, flags: &str) {
    let headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\ntraceparent: 00-{TRACE}-{CALLER}-{flags}\r\n",
        hallway_testkit::API_KEY
    );
    let body = json!({"room": "board-7", "destination": "update-task", "data": flags}).to_string();
    let address = cluster.node(0).internal_address();
    let (status, answer) = call(address, "POST", "/api/v1/broadcast", &headers, &body).await;
    assert_eq!(status, 200, "{number}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_goes_on_to_every_node() {
    let (address, mut spans) = collector().await;
    // Nothing is sampled but what a caller records.
    let redis = RedisServer::start().await;
    let settings = format!(
        "[redis]\nurl = '{}'\n[traces]\nurl = 'http://{address}/v1/traces'\none_in = 1000000000",
        redis.url()
    );
    let cluster = Cluster::start(2, &settings).await;
    let mut clients = Vec::new();
    for node in 0..2 {
        let (client, _) = cluster.connect(node, "alice").await;
        client.request("rooms.join", json!({"room": "board-7"})).await.unwrap();
        clients.push(client);
    }
    publish(&cluster, 0, "00").await;
    publish(&cluster, 1, "01").await;
    let mut made = Vec::new();
    while made.len() < 3 {
        let span = timeout(Duration::from_secs(30), spans.recv()).await;
        made.push(span.unwrap_or_else(|_| panic!("no more than {made:?}")).unwrap());
    }
    assert!(made.iter().all(|(_, span)| hex(&span.trace_id) == TRACE), "{made:?}");
    let (published, delivered): (Vec<_>, Vec<_>) = made.into_iter().partition(|(_, span)| span.name == "publish");
    let [(_, publish)] = &published[..] else {
        panic!("one publication, not {published:?}")
    };
    assert_eq!(hex(&publish.parent_span_id), CALLER);
    assert!(format!("{:?}", publish.attributes).contains("update-task"));
    assert_eq!(delivered.len(), 2);
    assert_ne!(delivered[0].0, delivered[1].0, "each node its own");
    for (_, deliver) in &delivered {
        assert_eq!(
            (deliver.name.as_str(), &deliver.parent_span_id),
            ("deliver", &publish.span_id)
        );
        let sockets = deliver
            .attributes
            .iter()
            .find(|one| one.key == "hallway.sockets")
            .unwrap();
        assert!(format!("{sockets:?}").contains("IntValue(1)"), "{sockets:?}");
    }
    assert!(spans.try_recv().is_err(), "what the caller does not record is not made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_what_clients_publish_is_traced() {
    let (address, mut spans) = collector().await;
    let cluster = Cluster::alone(&format!("[traces]\nurl = 'http://{address}/v1/traces'\none_in = 1")).await;
    let (client, _) = cluster.connect(0, "alice").await;
    client.request("rooms.join", json!({"room": "board-7"})).await.unwrap();
    let args = json!({"room": "board-7", "destination": "d", "data": 1});
    client.request("rooms.broadcast", args).await.unwrap();
    for _ in 0..2 {
        let (_, span) = timeout(Duration::from_secs(30), spans.recv())
            .await
            .expect("in time")
            .unwrap();
        assert!(["publish", "deliver"].contains(&span.name.as_str()), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_nothing_but_its_spans() {
    let port = hallway_testkit::free_port();
    let settings = format!("[traces]\nurl = 'http://127.0.0.1:{port}/v1/traces'\none_in = 1\ntimeout = '200ms'");
    let cluster = Cluster::alone(&settings).await;
    let (client, _) = cluster.connect(0, "alice").await;
    client.request("rooms.join", json!({"room": "board-7"})).await.unwrap();
    for number in 0..10 {
        let args = json!({"room": "board-7", "destination": "d", "data": number});
        client.request("rooms.broadcast", args).await.unwrap();
    }
    let failed = "hallway_trace_spans_total{outcome=\"failed\"}";
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while cluster.metric(0, failed).await < 20.0 {
        assert!(tokio::time::Instant::now() < end, "the spans are given up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        cluster.metric(0, "hallway_trace_spans_total{outcome=\"made\"}").await,
        20.0
    );
}
