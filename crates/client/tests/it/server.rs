//! A server that accepts one connection and then follows a script.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The server's side of a connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// The request head.
    pub(crate) request: Request,
    msgpack: bool,
}

impl Peer {
    pub(crate) async fn say(&mut self, frame: Value) {
        let message = if self.msgpack {
            Message::binary(rmp_serde::to_vec_named(&frame).unwrap())
        } else {
            Message::text(frame.to_string())
        };
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn hello(&mut self) {
        let hello = json!({"hello": {"clientId": "c1", "userId": "u1", "node": "n1", "rooms": ["client-c1", "user-u1"],
            "pingIntervalMs": 25000, "serverTime": 1, "expiresAt": 2}});
        self.say(hello).await;
    }

    /// Closes with a code, and waits until the client is gone.
    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "scripted".into(),
        };
        self.socket.send(Message::Close(Some(frame))).await.unwrap();
        while self.hear().await.is_some() {}
    }

    /// The next frame that is not a control frame; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Binary(bytes) => return rmp_serde::from_slice(&bytes).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }
}

/// Accepts one connection and hands it to `script`. Returns the URL.
pub(crate) async fn serve<F, S>(script: S) -> String
where
    S: FnOnce(Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(accept(stream).await).await;
    });
    url
}

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    (listener, format!("ws://{address}/ws"))
}

/// The next connection, for scripts of several.
pub(crate) async fn next(listener: &TcpListener) -> Peer {
    let (stream, _) = listener.accept().await.unwrap();
    accept(stream).await
}

async fn accept(stream: TcpStream) -> Peer {
    let mut seen = None;
    #[allow(clippy::result_large_err)]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let offers = request.headers().get("sec-websocket-protocol");
        let first = offers.map(|offers| offers.to_str().unwrap().split(", ").next().unwrap().to_owned());
        if let Some(first) = &first {
            response
                .headers_mut()
                .insert("sec-websocket-protocol", first.parse().unwrap());
        }
        seen = Some((request.clone(), first.as_deref() == Some("hallway.v1.msgpack")));
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
    let (request, msgpack) = seen.unwrap();
    Peer {
        socket,
        request,
        msgpack,
    }
}
