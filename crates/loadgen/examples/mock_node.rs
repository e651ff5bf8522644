//! A node as the generator's own tests need one: `serve` with the same flags, one process, no state, no Redis.
//! `MOCK_FAULT` makes it lose, double or swap one delivery in a hundred, to see that the generator notices.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use hallway_protocol::Codec;
use hallway_protocol::codec::{json_to_msgpack, msgpack_to_json};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

type Failure = Box<dyn Error + Send + Sync>;
type Outbound = mpsc::Sender<String>;

/// The last number, and the members.
type Room = (u64, Vec<(u64, Outbound)>);

#[derive(Default)]
struct Node {
    /// Locked for the whole of a fan-out, so that order holds.
    rooms: Mutex<HashMap<String, Room>>,
    fault: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag)?;
        args.get(at + 1).cloned()
    };
    let address = |flag: &str| after(flag).ok_or_else(|| format!("{flag} is missing"));
    let public = TcpListener::bind(address("--listen")?).await?;
    let internal = TcpListener::bind(address("--internal-listen")?).await?;
    let node = Arc::new(Node {
        fault: std::env::var("MOCK_FAULT").ok(),
        ..Node::default()
    });
    let mut clients = 0;
    loop {
        tokio::select! {
            accepted = public.accept() => {
                clients += 1;
                let (node, id, stream) = (node.clone(), clients, accepted?.0);
                tokio::spawn(async move { serve_socket(node, id, stream).await });
            }
            accepted = internal.accept() => {
                let (node, stream) = (node.clone(), accepted?.0);
                tokio::spawn(async move { serve_http(node, stream).await });
            }
        }
    }
}

async fn serve_socket(node: Arc<Node>, id: u64, stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut codec = Codec::Json;
    #[allow(clippy::result_large_err, reason = "the type is the library's")]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        const NAME: &str = "sec-websocket-protocol";
        let offer = request.headers().get(NAME).cloned();
        let authorized = request.headers().get("authorization").is_some();
        let chosen = offer
            .as_ref()
            .and_then(|offer| Codec::from_subprotocol(offer.to_str().ok()?));
        match (chosen, offer, authorized) {
            (Some(chosen), Some(offer), true) => {
                codec = chosen;
                response.headers_mut().insert(NAME, offer);
                Ok(response)
            }
            _ => Err(ErrorResponse::new(Some("no subprotocol or no token".into()))),
        }
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await?;
    let (mut sink, mut stream) = socket.split();
    let (outbound, mut queue) = mpsc::channel::<String>(1024);
    let hello = json!({"hello": {"clientId": id.to_string(), "node": "mock", "rooms": []}});
    outbound.send(hello.to_string()).await?;
    tokio::spawn(async move {
        // A ping behind the hello, which the generator has to pass over.
        while let Some(text) = queue.recv().await {
            if text.starts_with(r#"{"hello""#) {
                sink.send(Message::Ping(b"mock".to_vec().into())).await?;
            }
            sink.send(match codec {
                Codec::Json => Message::text(text),
                Codec::Msgpack => Message::binary(json_to_msgpack(text.as_bytes())?),
            })
            .await?;
        }
        Ok::<(), Failure>(())
    });
    while let Some(message) = stream.next().await {
        let text = match message? {
            Message::Text(text) => text.as_bytes().to_vec(),
            Message::Binary(bytes) => msgpack_to_json(&bytes)?,
            _ => continue,
        };
        let frame: Value = serde_json::from_slice(&text)?;
        let data = match frame["endpoint"].as_str() {
            Some("rooms.join") => node.join(&frame["args"], id, &outbound).await,
            Some("rooms.broadcast") => node.broadcast(&frame["args"], Some(id)).await,
            _ => json!(null),
        };
        let reply = format!(r#"{{"reply":{{"id":{},"data":{data}}}}}"#, frame["id"]);
        outbound.send(reply).await?;
    }
    Ok(())
}

impl Node {
    async fn join(&self, args: &Value, id: u64, outbound: &Outbound) -> Value {
        let mut rooms = self.rooms.lock().await;
        let room = rooms
            .entry(args["room"].as_str().unwrap_or_default().to_owned())
            .or_default();
        room.1.push((id, outbound.clone()));
        json!({"room": args["room"]})
    }

    async fn broadcast(&self, args: &Value, from: Option<u64>) -> Value {
        let name = args["room"].as_str().unwrap_or_default();
        let mut rooms = self.rooms.lock().await;
        let room = rooms.entry(name.to_owned()).or_default();
        room.0 += 1;
        let (seq, members) = (room.0, &room.1);
        let frame = |seq: u64| {
            format!(
                r#"{{"broadcast":{{"room":"{name}","destination":{},"data":{{"t":{},"pad":{}}},"seq":{seq},"epoch":"mock","ts":1}}}}"#,
                args["destination"], args["data"]["t"], args["data"]["pad"]
            )
        };
        let faulty = if seq % 100 == 0 { self.fault.as_deref() } else { None };
        for (number, (id, outbound)) in members.iter().enumerate() {
            if Some(*id) == from {
                continue;
            }
            let frames = match faulty.filter(|_| number == 0) {
                Some("lose") => vec![],
                Some("double") => vec![frame(seq), frame(seq)],
                Some("swap") => vec![frame(seq + 1), frame(seq)],
                _ => vec![frame(seq)],
            };
            for frame in frames {
                // An error means that the socket is gone.
                let _ = outbound.send(frame).await;
            }
        }
        json!({"seq": seq, "epoch": "mock", "ts": 1})
    }
}

async fn serve_http(node: Arc<Node>, mut stream: TcpStream) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    loop {
        let mut scratch = [0; 4096];
        let read = stream.read(&mut scratch).await?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&scratch[..read]);
        while let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let size = head + 4 + length.unwrap_or(0);
            let Some(body) = bytes.get(head + 4..size) else { break };
            let answer = if body.is_empty() {
                "ready".to_owned()
            } else {
                let result = node.broadcast(&serde_json::from_slice(body)?, None).await;
                json!({"results": [result]}).to_string()
            };
            let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(response.as_bytes()).await?;
            bytes.drain(..size);
        }
    }
}
