//! Several sockets over one connection.

use std::sync::Arc;

use bytes::Bytes;
use hallway_hub::places::Home;
use hallway_hub::{Answer, Burst, Carried, Carrier, Foreign, Hub, Link, Opcode, Options, Sent, Socket, Writer, frame};
use hallway_protocol::{ClientId, CloseCode, Codec, Epoch, Position};
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

#[derive(Debug)]
struct Events;

impl Writer for Events {
    fn write(&self, json: &[u8]) -> Bytes {
        let text = [b"42[\"b\",", json, b"]"].concat();
        frame::whole(Opcode::Text, &text)
    }
}

#[tokio::test]
async fn every_event_says_where_its_client_stands() {
    let hub = hub();
    let carrier = Carrier::new(None, 1 << 20);
    let options = Options {
        id: ClientId::from_bits(1),
        user: None,
        codec: Codec::Json,
        authorization: Default::default(),
        badge: None,
    };
    let form = Arc::new(Foreign::new(1, Box::new(Events)));
    let carried = Carried::new(Arc::clone(&carrier), form, Bytes::new(), true);
    let socket = hub.admit(options, Link::Carried(Box::new(carried)));
    let at = |seq| Position { epoch: Epoch(1), seq };
    let held = hub.hold(vec![room("board-1")]);
    let home = Home {
        lines: [(room("board-1"), Some(at(4)))].into_iter().collect(),
    };
    held.join(&socket, |_| {
        assert!(!socket.enters(&home), "the first frame says it");
        Answer::Enter(None)
    });
    // What is broadcast before the first frame waits behind it, and is not in what it says.
    let place = |seq| Some((room("board-1"), at(seq)));
    let mut burst = Burst::default();
    burst.push(b"5".to_vec(), None, place(5));
    burst.push(b"6".to_vec(), Some(socket.id()), place(6));
    burst.push(b"7".to_vec(), None, None);
    burst.push(b"8".to_vec(), None, place(7));
    let delivered = burst.send(&held.members()).await;
    assert_eq!(delivered.frames, 3);
    let client = socket.id();
    socket.open_placed(|entered| {
        assert_eq!(entered, format!("{client};board-1!1.4"));
        frame::whole(Opcode::Text, b"first")
    });
    let frames: Bytes = carrier.fetch().concat().into();
    let mut rest: &[u8] = &frames;
    let mut texts = Vec::new();
    while let Some((_, payload, after)) = frame::split(rest) {
        texts.push(String::from_utf8_lossy(payload).into_owned());
        rest = after;
    }
    // Its own passes it by, and counts; what has no number changes nothing.
    let said = |json: &str, seq: u64| format!(r#"42["b",{json},"{client};board-1!1.{seq}"]"#);
    assert_eq!(texts, ["first".to_owned(), said("5", 5), said("7", 6), said("8", 7)]);
    assert!(socket.leaves(held.name()));
    assert!(!socket.leaves(held.name()));
}
