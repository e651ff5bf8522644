//! Several sockets over one connection.

use std::sync::Arc;

use bytes::Bytes;
use hallway_hub::{Burst, Carried, Carrier, Foreign, Hub, Link, Options, Sent, Socket, Writer};
use hallway_protocol::{ClientId, CloseCode, Codec};
use tokio::io::AsyncReadExt;

use super::{hub, room};

#[derive(Debug)]
struct Marked(&'static str);

impl Writer for Marked {
    fn write(&self, json: &[u8]) -> Bytes {
        [self.0.as_bytes(), json].concat().into()
    }
}

fn socket(hub: &Hub, carrier: &Arc<Carrier>, number: u8) -> Arc<Socket> {
    let mark = if number == 1 { "one:" } else { "two:" };
    let options = Options {
        id: ClientId::from_bits(number.into()),
        user: None,
        codec: Codec::Json,
        authorization: Default::default(),
        badge: None,
    };
    let farewell = Bytes::from_static(b"farewell");
    let form = Arc::new(Foreign::new(number, Box::new(Marked(mark))));
    let carried = Carried::new(Arc::clone(carrier), form, farewell, false);
    let socket = hub.admit(options, Link::Carried(Box::new(carried)));
    socket.open(Bytes::new());
    socket
}

fn fetched(carrier: &Carrier) -> String {
    String::from_utf8(carrier.fetch().concat()).unwrap()
}

#[tokio::test]
async fn sockets_share_a_connection_and_not_a_form() {
    let hub = hub();
    let carrier = Carrier::new(None, 1024);
    let sockets = [socket(&hub, &carrier, 1), socket(&hub, &carrier, 2)];
    let held = hub.hold(vec![room("board-1")]);
    for socket in &sockets {
        held.join(socket, |_| hallway_hub::Answer::Enter(None));
    }
    let mut burst = Burst::default();
    burst.push(b"a".to_vec(), None, None);
    burst.push(b"b".to_vec(), Some(sockets[1].id()), None);
    assert_eq!(burst.send(&held.members()).await.frames, 3);
    assert_eq!(fetched(&carrier), "one:aone:btwo:a");
}

#[tokio::test]
async fn a_socket_that_closes_leaves_the_others() {
    let hub = hub();
    let carrier = Carrier::new(None, 1024);
    let sockets = [socket(&hub, &carrier, 1), socket(&hub, &carrier, 2)];
    sockets[0].close(CloseCode::Forbidden, "");
    carrier.changed().await;
    assert_eq!(fetched(&carrier), "farewell");
    assert_eq!(sockets[0].send(&Bytes::from_static(b"x")), Sent::Gone);
    assert_eq!(sockets[1].send(&Bytes::from_static(b"y")), Sent::Written);
    // One that is to come back is told nothing: its connection ends.
    sockets[1].close(CloseCode::Draining, "");
    assert_eq!(fetched(&carrier), "y");
}

#[tokio::test]
async fn the_bound_is_of_the_connection() {
    let hub = hub();
    let carrier = Carrier::new(None, 8);
    let sockets = [socket(&hub, &carrier, 1), socket(&hub, &carrier, 2)];
    assert_eq!(sockets[0].send(&Bytes::from_static(b"12345")), Sent::Written);
    assert_eq!(sockets[1].queued_bytes(), 5);
    assert_eq!(sockets[1].send(&Bytes::from_static(b"6789")), Sent::Overflowed);
    assert_eq!(sockets[1].close_code(), Some(CloseCode::SlowConsumer));
    assert!(carrier.is_over());
    assert_eq!(carrier.cause(), Some(CloseCode::SlowConsumer));
}

#[tokio::test]
async fn what_waits_leaves_over_the_link_that_comes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) = tokio::join!(
        tokio::net::TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    let hub = hub();
    let carrier = Carrier::new(None, 32 * 1024 * 1024);
    let socket = socket(&hub, &carrier, 1);
    socket.send(&Bytes::from_static(b"before "));
    carrier.attach(Arc::new(Link::Tcp(accepted.unwrap().0)));
    // More than the kernel takes at once.
    let large = Bytes::from(vec![b'x'; 16 * 1024 * 1024]);
    socket.send(&large);
    carrier.finish(Bytes::from_static(b" after"));
    let mut heard = Vec::new();
    client.unwrap().read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard.len(), large.len() + 13);
    assert!(heard.starts_with(b"before x") && heard.ends_with(b"x after"));
}
