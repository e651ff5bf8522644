//! A plain WebSocket echo, built from the gateway's own transport: the listener's handshake is left out, and
//! what a conformance suite wants to see (framing, fragmentation, control frames, UTF-8, closing) is all there.
//!
//! `cargo run -p hallway-gateway --example echo -- --listen 127.0.0.1:9001`

use std::sync::Arc;
use std::time::Duration;

use hallway_gateway::transport::websocket::{Inbound, Read, Reader};
use hallway_hub::{Hub, HubOptions, Link, Opcode, Options, Socket, WheelOptions, frame};
use hallway_protocol::{ClientId, CloseCode, Codec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The suite's largest message.
const MESSAGE: usize = 64 * 1024 * 1024;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().skip_while(|argument| argument != "--listen").nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    #[allow(clippy::print_stdout)]
    {
        println!("listening on {}", listener.local_addr()?);
    }
    let hub = Arc::new(Hub::new(HubOptions {
        socket_queue_bytes: 4 * MESSAGE,
        close_timeout: Duration::from_secs(2),
        wheel: WheelOptions {
            ping_interval: Duration::from_secs(60),
            pong_timeout: Duration::from_secs(60),
            idle_timeout: Duration::ZERO,
            expiry_warning: Duration::ZERO,
            expiry_grace: Duration::ZERO,
        },
    }));
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await?;
        number += 1;
        let hub = Arc::clone(&hub);
        tokio::spawn(async move {
            if let Ok((stream, begun)) = upgrade(stream).await {
                let id = ClientId::from_bits(number);
                let options = Options {
                    id,
                    user: None,
                    codec: Codec::Json,
                    authorization: Default::default(),
                    badge: None,
                };
                let socket = hub.admit(options, Link::Tcp(stream));
                socket.open(bytes::Bytes::new());
                echo(&socket, &begun).await;
                hub.remove(&socket);
            }
        });
    }
}

/// Answers whatever handshake comes; returns what came behind it.
async fn upgrade(mut stream: TcpStream) -> std::io::Result<(TcpStream, Vec<u8>)> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let end = loop {
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim().to_owned())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok((stream, request.split_off(end)))
}

async fn echo(socket: &Arc<Socket>, begun: &[u8]) {
    let mut reader = Reader::new(MESSAGE);
    let mut inbound = Vec::new();
    let mut result = reader.push(begun, &mut inbound);
    loop {
        for one in inbound.drain(..) {
            match one {
                Inbound::Text(bytes) => drop(socket.send(&frame::whole(Opcode::Text, &bytes))),
                Inbound::Binary(bytes) => drop(socket.send(&frame::whole(Opcode::Binary, &bytes))),
                Inbound::Ping(payload) => drop(socket.send(&frame::whole(Opcode::Pong, &payload))),
                Inbound::Pong => {}
                Inbound::Close(code) => socket.closed_by_peer(code),
            }
        }
        if let Err(violation) = result {
            socket.close(violation.code, violation.reason);
        }
        if socket.close_code().is_some() {
            let linger = Reader::discard(socket.link());
            let _ = tokio::time::timeout(Duration::from_secs(2), linger).await;
            return socket.abort(CloseCode::Normal);
        }
        match reader.read(socket.link(), &mut inbound).await {
            Ok(Read::Some(next)) => result = next,
            Ok(Read::End) | Err(_) => return,
        }
    }
}
