//! From options to a connection that said hello.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hallway_protocol::Codec;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL};
use http::{Request, Uri};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, lookup_host};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self};

use crate::Client;
use crate::driver::{Driver, Socket, closed_by};
use crate::error::{Closed, ConnectError};
use crate::events::Events;
use crate::frame::{ClientFrame, Hello, ServerFrame, decode, encode};
use crate::options::{FirstFrame, Options};
use crate::requests::Requests;
use crate::stream::Stream;

/// A server's word on its pings is believed up to this.
const MOST_PING_INTERVAL_MS: u64 = 600_000;

/// See [`Client::connect`].
pub(crate) async fn connect(options: Options) -> Result<(Client, Hello), ConnectError> {
    let opening = Box::pin(open(&options));
    let (socket, codec, hello) = timeout(options.connect_timeout, opening)
        .await
        .map_err(|_| ConnectError::Timeout)??;
    let limit = options.requests.max(1);
    let (commands, orders) = mpsc::channel(limit);
    let (events, receiver) = mpsc::channel(options.events.max(1));
    let closed = Arc::new(OnceLock::new());
    let driver = Driver {
        socket,
        codec,
        commands: orders,
        events,
        closed: closed.clone(),
        write_timeout: options.write_timeout,
        // A server pings; one that is not heard for three times as long is gone, whatever TCP believes.
        silence: Duration::from_millis(hello.ping_interval_ms.clamp(1000, MOST_PING_INTERVAL_MS)) * 3,
        requests: limit,
        waiting: HashMap::new(),
        last_id: 0,
    };
    tokio::spawn(driver.run());
    let requests = Requests {
        commands,
        permits: Arc::new(Semaphore::new(limit)),
        timeout: options.request_timeout,
        closed,
    };
    let events = Events { receiver };
    Ok((Client { requests, events }, hello))
}

async fn open(options: &Options) -> Result<(Socket, Codec, Hello), ConnectError> {
    let request = request(options)?;
    let stream = dial(options, request.uri()).await?;
    // Small buffers: tests hold thousands of clients.
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(16 * 1024);
    let (mut socket, response) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(refused)?;
    let codec = match response.headers().get(SEC_WEBSOCKET_PROTOCOL) {
        None => Codec::Json,
        Some(answer) => answer
            .to_str()
            .ok()
            .and_then(Codec::from_subprotocol)
            .ok_or_else(|| ConnectError::Transport(format!("the server chose the subprotocol {answer:?}")))?,
    };
    if let Some(first) = &options.first_frame {
        let (endpoint, args) = first_frame(first);
        let id = None;
        let args = &args;
        let frame = encode(codec, &ClientFrame { id, endpoint, args }).map_err(ConnectError::Options)?;
        socket.send(frame).await.map_err(failed)?;
    }
    let hello = hello(&mut socket, codec).await?;
    Ok((socket, codec, hello))
}

fn request(options: &Options) -> Result<Request<()>, ConnectError> {
    let unusable = |what: &str, why: &dyn std::fmt::Display| ConnectError::Options(format!("{what}: {why}"));
    let mut request = options
        .url
        .as_str()
        .into_client_request()
        .map_err(|why| unusable("url", &why))?;
    let mut put = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|why| unusable(name.as_str(), &why))?;
        request.headers_mut().append(name, value);
        Ok(())
    };
    if let Some(token) = &options.token {
        put(AUTHORIZATION, &format!("Bearer {token}"))?;
    }
    let offers = options.offers();
    if !offers.is_empty() {
        put(SEC_WEBSOCKET_PROTOCOL, &offers.join(", "))?;
    }
    for (name, value) in &options.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|why| unusable(name, &why))?;
        put(name, value)?;
    }
    Ok(request)
}

async fn dial(options: &Options, uri: &Uri) -> Result<Stream, ConnectError> {
    let tls = match uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => {
            return Err(ConnectError::Options(
                "url: only ws:// and wss:// are spoken here".into(),
            ));
        }
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let mut last = ConnectError::Transport(format!("{host} has no address"));
    for address in lookup_host((host, port)).await.map_err(broken)? {
        let connected = async {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            socket.set_nodelay(true)?;
            if let Some(local) = options.local_address {
                socket.bind((local, 0).into())?;
            }
            socket.connect(address).await
        };
        match connected.await {
            Ok(stream) if tls => {
                let authorities = options.authorities.as_deref();
                return Stream::tls(stream, host, authorities).await.map_err(broken);
            }
            Ok(stream) => return Ok(Stream::Plain(stream)),
            Err(why) => last = broken(why),
        }
    }
    Err(last)
}

fn first_frame(first: &FirstFrame) -> (&'static str, Value) {
    match first {
        FirstFrame::Connect { token } => ("auth.connect", json!({"token": token})),
        FirstFrame::Resume { ticket, rooms } => ("auth.resume", json!({"ticket": ticket, "rooms": rooms})),
    }
}

async fn hello(socket: &mut Socket, codec: Codec) -> Result<Hello, ConnectError> {
    loop {
        let message = match socket.next().await {
            None => return Err(ConnectError::Closed(Closed::abnormal("the stream ended"))),
            Some(message) => message.map_err(failed)?,
        };
        match &message {
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(frame) => return Err(ConnectError::Closed(closed_by(frame.as_ref()))),
            message => {
                return match decode(codec, message) {
                    Ok(ServerFrame::Hello(hello)) => Ok(*hello),
                    Ok(other) => Err(ConnectError::Transport(format!(
                        "the first frame is no hello: {other:?}"
                    ))),
                    Err(why) => Err(ConnectError::Transport(why)),
                };
            }
        }
    }
}

fn refused(error: tungstenite::Error) -> ConnectError {
    match error {
        tungstenite::Error::Http(response) => ConnectError::Refused {
            status: response.status().as_u16(),
            retry_after_ms: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
                .map(|seconds| seconds.saturating_mul(1000)),
            body: response
                .body()
                .as_deref()
                .map(|body| String::from_utf8_lossy(body).into_owned())
                .unwrap_or_default(),
        },
        other => failed(other),
    }
}

fn failed(error: tungstenite::Error) -> ConnectError {
    ConnectError::Transport(error.to_string())
}

fn broken(error: std::io::Error) -> ConnectError {
    ConnectError::Transport(error.to_string())
}
