//! A node as the generator's own tests need one: `serve` with the same flags, one process, rooms in memory.
//! `MOCK_FAULT` makes it lose, double or swap one delivery in twenty, or forget the first of what was missed, to
//! see that the generator notices.
//!
//! Several nodes are as many relays to one that is started as their Redis (`--port`) and holds what they share.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
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

#[derive(Default)]
struct Room {
    members: Vec<(u64, Outbound)>,
    /// All frames so far; the number of the last is their count.
    history: Vec<String>,
}

#[derive(Default)]
struct Node {
    /// Locked for the whole of a fan-out, so that order holds.
    rooms: Mutex<HashMap<String, Room>>,
    fault: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--version") {
        writeln!(std::io::stdout(), "mock_node 0.1.0")?;
        return Ok(());
    }
    let after = |flag: &str| {
        let at = args.iter().position(|arg| arg == flag)?;
        args.get(at + 1).cloned()
    };
    let address = |flag: &str| after(flag).ok_or_else(|| format!("{flag} is missing"));
    let node = Arc::new(Node {
        fault: std::env::var("MOCK_FAULT").ok(),
        ..Node::default()
    });
    if let Some(port) = after("--port") {
        let shared = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        let mut clients = 0;
        loop {
            clients += 1;
            let (node, id, stream) = (node.clone(), clients, shared.accept().await?.0);
            tokio::spawn(async move { serve_either(node, id, stream).await });
        }
    }
    let shared = args.iter().find_map(|arg| arg.strip_prefix("--redis-url=redis://"));
    let public = TcpListener::bind(address("--listen")?).await?;
    let internal = TcpListener::bind(address("--internal-listen")?).await?;
    let mut clients = 0;
    loop {
        let stream = tokio::select! {
            accepted = public.accept() => accepted?.0,
            accepted = internal.accept() => accepted?.0,
        };
        clients += 1;
        let (node, id, shared) = (node.clone(), clients, shared.map(str::to_owned));
        tokio::spawn(async move {
            match shared {
                Some(shared) => relay(stream, shared).await,
                None => serve_either(node, id, stream).await,
            }
        });
    }
}

async fn relay(mut stream: TcpStream, to: String) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut shared = TcpStream::connect(to).await?;
    shared.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut stream, &mut shared).await?;
    Ok(())
}

/// Tells by its first bytes what a connection is for.
async fn serve_either(node: Arc<Node>, id: u64, mut stream: TcpStream) -> Result<(), Failure> {
    let mut start = [0; 8];
    loop {
        match stream.peek(&mut start).await? {
            0 => return Ok(()),
            6.. => break,
            // The rest of so short a beginning is already on its way.
            _ => tokio::task::yield_now().await,
        }
    }
    if start.starts_with(b"PING") {
        return Ok(stream.write_all(b"+PONG\r\n").await?);
    }
    if start.starts_with(b"GET /ws") {
        serve_socket(node, id, stream).await
    } else {
        serve_http(node, stream).await
    }
}

async fn serve_socket(node: Arc<Node>, id: u64, stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let (mut codec, mut authorized) = (Codec::Json, false);
    #[allow(clippy::result_large_err, reason = "the type is the library's")]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        const NAME: &str = "sec-websocket-protocol";
        let offer = request.headers().get(NAME).cloned();
        authorized = request.headers().get("authorization").is_some();
        let chosen = offer
            .as_ref()
            .and_then(|offer| Codec::from_subprotocol(offer.to_str().ok()?));
        match (chosen, offer) {
            (Some(chosen), Some(offer)) => {
                codec = chosen;
                response.headers_mut().insert(NAME, offer);
                Ok(response)
            }
            _ => Err(ErrorResponse::new(Some("no subprotocol".into()))),
        }
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await?;
    let (mut sink, mut stream) = socket.split();
    let (outbound, mut queue) = mpsc::channel::<String>(1024);
    if authorized {
        outbound.send(hello(id, &json!({}))).await?;
    }
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
        if frame["endpoint"] == "auth.resume" {
            if frame["args"]["ticket"] != "mock" {
                return Err("not a ticket".into());
            }
            // Locked until the hello is on its way, so that no broadcast overtakes what came before it.
            let mut rooms = node.rooms.lock().await;
            let mut resumed = json!({});
            for (room, position) in frame["args"]["rooms"].as_object().into_iter().flatten() {
                let args = json!({"room": room, "resume": position});
                resumed[room] = node.join(&mut rooms, &args, id, &outbound);
            }
            outbound.send(hello(id, &resumed)).await?;
            continue;
        }
        let reply = |data: Value| format!(r#"{{"reply":{{"id":{},"data":{data}}}}}"#, frame["id"]);
        match frame["endpoint"].as_str() {
            Some("rooms.join") => {
                let mut rooms = node.rooms.lock().await;
                let joined = node.join(&mut rooms, &frame["args"], id, &outbound);
                outbound.send(reply(joined)).await?;
            }
            Some("rooms.broadcast") => {
                let done = node.broadcast(&frame["args"], Some(id)).await;
                outbound.send(reply(done)).await?;
            }
            _ => outbound.send(reply(Value::Null)).await?,
        }
    }
    Ok(())
}

fn hello(id: u64, resumed: &Value) -> String {
    json!({"hello": {"clientId": id.to_string(), "node": "mock", "rooms": [], "resumeTicket": "mock",
        "resumed": resumed}})
    .to_string()
}

impl Node {
    fn join(&self, rooms: &mut HashMap<String, Room>, args: &Value, id: u64, outbound: &Outbound) -> Value {
        let room = rooms
            .entry(args["room"].as_str().unwrap_or_default().to_owned())
            .or_default();
        room.members.push((id, outbound.clone()));
        let resumes = args["resume"]["seq"].as_u64();
        let seen = resumes.map_or(room.history.len(), |seq| seq as usize);
        let forgotten = usize::from(self.fault.as_deref() == Some("forget"));
        let missed = room.history.iter().skip(seen).skip(forgotten);
        let missed = missed.map(|frame| serde_json::from_str::<Value>(frame).unwrap_or_default()["broadcast"].take());
        json!({"room": args["room"], "state": state(room), "recovered": resumes.is_some(),
            "missed": missed.collect::<Vec<_>>()})
    }

    async fn history(&self, name: &str) -> Value {
        json!({"broadcasts": [], "state": self.rooms.lock().await.get(name).map(state)})
    }

    async fn broadcast(&self, args: &Value, from: Option<u64>) -> Value {
        let name = args["room"].as_str().unwrap_or_default();
        let mut rooms = self.rooms.lock().await;
        let room = rooms.entry(name.to_owned()).or_default();
        let seq = room.history.len() as u64 + 1;
        let frame = |seq: u64| {
            format!(
                r#"{{"broadcast":{{"room":"{name}","destination":{},"data":{{"t":{},"pad":{}}},"seq":{seq},"epoch":"mock","ts":1}}}}"#,
                args["destination"], args["data"]["t"], args["data"]["pad"]
            )
        };
        room.history.push(frame(seq));
        let faulty = if seq.is_multiple_of(20) {
            self.fault.as_deref()
        } else {
            None
        };
        for (number, (id, outbound)) in room.members.iter().enumerate() {
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

fn state(room: &Room) -> Value {
    json!({"seq": room.history.len(), "epoch": "mock", "lastBroadcastTimestamp": 1})
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
            let history = text
                .strip_prefix("get /api/v1/rooms/")
                .and_then(|rest| rest.split_once("/history"));
            let answer = if let Some((room, _)) = history {
                node.history(room).await.to_string()
            } else if body.is_empty() {
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
