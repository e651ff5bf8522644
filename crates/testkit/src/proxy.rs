//! A TCP proxy that delays, cuts, stalls and refuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// What the way is like now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Way {
    /// How long bytes take, each way.
    delay: Duration,
    /// Nothing goes through, and nobody is told.
    is_stalled: bool,
    /// New connections are closed at once.
    is_refusing: bool,
    /// Connections of an older cut are closed.
    cut: u64,
    /// Where new connections go.
    port: u16,
}

/// A way to a server, through which connections go. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Proxy {
    /// A way to a server at 127.0.0.1.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let way = Arc::new(watch::Sender::new(Way { port, ..Way::default() }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&way)));
        Self {
            address,
            way,
            accepting,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on bytes take so long, each way.
    pub fn delay(&self, delay: Duration) {
        self.way.send_modify(|way| way.delay = delay);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.way.send_modify(|way| way.cut += 1);
    }

    /// Lets nothing through, without closing anything, as where packets are dropped. New connections are taken and
    /// get nothing either.
    pub fn stall(&self) {
        self.way.send_modify(|way| way.is_stalled = true);
    }

    /// Closes new connections at once; present ones stay.
    pub fn refuse(&self) {
        self.way.send_modify(|way| way.is_refusing = true);
    }

    /// Leads new connections to another server at 127.0.0.1, as an address that moves does; present ones stay.
    pub fn lead_to(&self, port: u16) {
        self.way.send_modify(|way| way.port = port);
    }

    /// Ends delays, stalls and refusals. What was stalled goes through.
    pub fn heal(&self) {
        self.way.send_modify(|way| {
            *way = Way {
                cut: way.cut,
                port: way.port,
                ..Way::default()
            }
        });
    }
}

async fn accept(listener: TcpListener, way: Arc<watch::Sender<Way>>) {
    while let Ok((client, _)) = listener.accept().await {
        if way.borrow().is_refusing {
            continue;
        }
        tokio::spawn(connect(client, way.subscribe()));
    }
}

async fn connect(client: TcpStream, mut way: watch::Receiver<Way>) {
    let port = way.borrow().port;
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let cut = way.borrow().cut;
    tokio::select! {
        () = carry(from_client, to_server, way.clone()) => {}
        () = carry(from_server, to_client, way.clone()) => {}
        _ = way.wait_for(|way| way.cut != cut) => {}
    }
}

/// Carries bytes one way until an end closes.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let timing = way.clone();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + timing.borrow().delay;
            if sender.send((due, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if way.wait_for(|way| !way.is_stalled).await.is_err() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
