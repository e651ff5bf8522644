//! Sockets of a hub that are all in one room, on loopback, with the clients' ends.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_hub::{Answer, Hub, HubOptions, Joined, Link, Options, Room, Socket, WheelOptions};
use hallway_protocol::{ClientId, Codec, RoomName, UserId};
use tokio::runtime::{Builder, Runtime};

/// How long a client waits for what was sent to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sockets in a room. One thread has them all: what a socket reads is read when it is asked to, not beside.
pub(super) struct Crowd {
    pub(super) runtime: Runtime,
    pub(super) hub: Hub,
    pub(super) room: Arc<Room>,
    pub(super) sockets: Vec<Arc<Socket>>,
    clients: Vec<TcpStream>,
}

impl Crowd {
    /// Every other socket in the second codec, so that a broadcast is written twice.
    pub(super) fn gather(count: usize, codecs: &[Codec]) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let hub = Hub::new(HubOptions {
            socket_queue_bytes: 1024 * 1024,
            close_timeout: Duration::from_secs(5),
            wheel: WheelOptions {
                ping_interval: Duration::from_secs(25),
                pong_timeout: Duration::from_secs(20),
                idle_timeout: Duration::ZERO,
                expiry_warning: Duration::ZERO,
                expiry_grace: Duration::ZERO,
            },
        });
        let room = hub.hold(lines("board-1"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut sockets, mut clients) = (Vec::new(), Vec::new());
        for number in 0..count {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            let link = runtime.block_on(link(listener.accept().unwrap().0));
            let socket = hub.admit(options(number, codecs[number % codecs.len()]), link);
            socket.open(Bytes::new());
            enter(&room, &socket);
            sockets.push(socket);
            clients.push(client);
        }
        Self {
            runtime,
            hub,
            room,
            sockets,
            clients,
        }
    }

    /// Has every client read a whole frame.
    pub(super) fn read(&mut self) {
        for client in &mut self.clients {
            let mut head = [0; 4];
            client.read_exact(&mut head).unwrap();
            // What is sent here takes the second of the three ways to write a length.
            assert_eq!(head[1], 126);
            let mut payload = [0; 1024];
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            client.read_exact(&mut payload[..length]).unwrap();
        }
    }
}

/// A link that is known to be writable, as one is that has been read from.
async fn link(stream: TcpStream) -> Link {
    stream.set_nonblocking(true).unwrap();
    stream.set_nodelay(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    stream.writable().await.unwrap();
    Link::Tcp(stream)
}

fn options(number: usize, codec: Codec) -> Options {
    Options {
        id: ClientId::from_bits(number as u128),
        user: Some(UserId::parse(&format!("user-{number}")).unwrap()),
        codec,
        authorization: Default::default(),
        badge: None,
    }
}

/// The lines of a board: its own and those that it includes.
pub(super) fn lines(name: &str) -> Vec<RoomName> {
    ["", "-tasks", "-sprints"]
        .map(|ending| RoomName::parse(&format!("{name}{ending}")).unwrap())
        .into()
}

pub(super) fn enter(room: &Arc<Room>, socket: &Arc<Socket>) {
    assert_eq!(room.join(socket, |_| Answer::Enter(None)), Joined::Entered);
}
