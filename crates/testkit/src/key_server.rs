//! A server of a key set over HTTP that can be hurt: it answers what it is told to, and counts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is answered.
#[derive(Debug, Clone)]
pub enum KeyAnswer {
    /// 200 with this body.
    Body(String),
    /// This status, with more head lines (each with its `\r\n`) and without a body.
    Status(u16, String),
    /// Nothing, until it is told to answer something else; then that.
    Stall,
    /// What stands here, whether it is HTTP or not, and the end of the stream.
    Raw(Vec<u8>),
}

/// The server. Ends when it is dropped.
pub struct KeyServer {
    address: SocketAddr,
    answer: watch::Sender<KeyAnswer>,
    requests: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl KeyServer {
    /// Serves these keys, each a JSON Web Key.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start(keys: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let answer = watch::Sender::new(KeyAnswer::Body(key_set(keys)));
        let (count, requests) = watch::channel(0);
        let (answers, count) = (answer.clone(), Arc::new(count));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.subscribe(), Arc::clone(&count)));
            }
        });
        Self {
            address,
            answer,
            requests,
            task,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/keys.json?of=all", self.address)
    }

    /// From now on it serves these keys.
    pub fn serve(&self, keys: &[String]) {
        self.answer(KeyAnswer::Body(key_set(keys)));
    }

    /// From now on it answers this.
    pub fn answer(&self, answer: KeyAnswer) {
        self.answer.send_replace(answer);
    }

    /// How often it was asked.
    #[must_use]
    pub fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Waits until it was asked so often.
    ///
    /// # Panics
    /// The server ended.
    pub async fn asked(&self, times: usize) {
        let mut requests = self.requests.clone();
        requests
            .wait_for(|count| *count >= times)
            .await
            .expect("the server runs");
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A key set of these keys.
#[must_use]
pub fn key_set(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

async fn serve(mut stream: TcpStream, mut answer: watch::Receiver<KeyAnswer>, count: Arc<watch::Sender<usize>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    assert!(
        head.starts_with(b"GET /keys.json?of=all HTTP/1.1\r\n"),
        "the URL's path and query"
    );
    count.send_modify(|count| *count += 1);
    let answer = answer.wait_for(|answer| !matches!(answer, KeyAnswer::Stall)).await;
    let Ok(answer) = answer.map(|answer| answer.clone()) else {
        return;
    };
    let bytes = match answer {
        KeyAnswer::Body(body) => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
        KeyAnswer::Status(status, more) => {
            format!("HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\n\r\n").into_bytes()
        }
        KeyAnswer::Raw(bytes) => bytes,
        KeyAnswer::Stall => return,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
    // The reader may not have taken it yet: what is dropped unread on either side is a reset.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}
