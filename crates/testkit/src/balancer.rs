//! A load balancer as clients meet one: TCP, to the ready node with the fewest connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http::try_call;

/// How long a node may take to say that it is ready; one that does not say so gets nobody.
const TO_ANSWER: Duration = Duration::from_secs(5);

/// A node behind it.
struct Backend {
    public: SocketAddr,
    internal: SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// The balancer. Dropped, it cuts everyone off.
pub struct Balancer {
    address: SocketAddr,
    backends: Arc<parking_lot::Mutex<Vec<Arc<Backend>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Balancer {
    /// One without nodes, on a free port.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let backends = Arc::default();
        let task = tokio::spawn(run(listener, Arc::clone(&backends)));
        Self {
            address,
            backends,
            task,
        }
    }

    /// Puts a node behind it, by its public and its internal listener.
    pub fn add(&self, public: SocketAddr, internal: SocketAddr) {
        self.backends.lock().push(Arc::new(Backend {
            public,
            internal,
            connections: Arc::default(),
        }));
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(listener: TcpListener, backends: Arc<parking_lot::Mutex<Vec<Arc<Backend>>>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let mut candidates = backends.lock().clone();
                candidates.sort_by_key(|backend| backend.connections.load(Ordering::Relaxed));
                // One after the other, so that each sees where the last one went.
                let Some((backend, stream)) = choose(candidates).await else { continue };
                backend.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(forward(client, stream, backend));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn choose(candidates: Vec<Arc<Backend>>) -> Option<(Arc<Backend>, TcpStream)> {
    for backend in candidates {
        let ready = try_call(backend.internal, "GET", "/readyz", "", "", TO_ANSWER).await;
        if ready.is_ok_and(|(status, _)| status == 200)
            && let Ok(stream) = TcpStream::connect(backend.public).await
        {
            return Some((backend, stream));
        }
    }
    None
}

async fn forward(mut client: TcpStream, mut node: TcpStream, backend: Arc<Backend>) {
    let _ = (client.set_nodelay(true), node.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut node).await;
    backend.connections.fetch_sub(1, Ordering::Relaxed);
}
