//! A link over TLS does what a plain one does: it never waits, keeps little, and loses nothing.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hallway_hub::{Link, Options, Sent, Socket, Tls};
use hallway_protocol::{ClientId, CloseCode, Codec};
use hallway_testkit::Certificates;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::hub;

async fn pair() -> (Link, TlsStream<TcpStream>) {
    let certificates = Certificates::make().await;
    let (certificate, key) = certificates.server();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificates.ca()).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let name = ServerName::from(address.ip());
        TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
            .unwrap()
    };
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        // So that little fits between the two.
        socket2::SockRef::from(&stream).set_send_buffer_size(16 * 1024).unwrap();
        TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap()
    };
    let (client, accepted) = tokio::join!(connect, accept);
    let (stream, session) = accepted.into_inner();
    (Link::Tls(Box::new(Tls::new(stream, session))), client)
}

/// Bytes that tell where they stand.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_taken_arrives_once_and_in_order() {
    let (link, mut client) = pair().await;
    let data = pattern(1_000_000);
    let received = tokio::spawn(async move {
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.expect("an end that is said");
        all
    });
    let mut at = 0;
    let mut step = 1;
    while at < data.len() {
        let end = (at + step).min(data.len());
        match link.try_write(&data[at..end]) {
            Ok(taken) => at += taken,
            Err(why) => {
                assert_eq!(why.kind(), ErrorKind::WouldBlock);
                link.writable().await.unwrap();
            }
        }
        step = step % 60_000 * 3 + 1;
    }
    while !link.try_flush().unwrap() {
        link.writable().await.unwrap();
    }
    assert!(!link.has_rest());
    while !link.try_finish().unwrap() {
        link.writable().await.unwrap();
    }
    assert!(received.await.unwrap() == data);
}

#[tokio::test]
async fn no_more_is_encrypted_than_the_kernel_and_one_buffer_take() {
    let (link, client) = pair().await;
    let mut taken = 0;
    let chunk = vec![0; 1_000_000];
    loop {
        match link.try_write(&chunk) {
            Ok(count) => {
                assert!(count <= 32 * 1024, "{count} at once");
                taken += count;
            }
            Err(why) => {
                assert_eq!(why.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(link.has_rest() && !link.try_flush().unwrap());
    // Loopback's own buffers are a few hundred KiB at the most.
    assert!(taken < 1_000_000, "{taken}");
    drop(client);
}

#[tokio::test]
async fn what_came_in_one_piece_is_read_to_its_end() {
    let (link, mut client) = pair().await;
    let data = pattern(100_000);
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
        client
    });
    let mut all = Vec::new();
    // Smaller than a record, so that the rest waits where the kernel does not see it.
    let mut buffer = [0; 100];
    loop {
        tokio::time::timeout(Duration::from_secs(20), link.readable())
            .await
            .expect("what is there is told")
            .unwrap();
        match link.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(why) => assert_eq!(why.kind(), ErrorKind::WouldBlock),
        }
    }
    assert!(all == data);
    sending.await.unwrap();
}

#[tokio::test]
async fn a_client_that_vanishes_is_an_end() {
    let (link, client) = pair().await;
    let (stream, _) = client.into_inner();
    drop(stream);
    loop {
        link.readable().await.unwrap();
        match link.try_read(&mut [0; 100]) {
            Ok(count) => return assert_eq!(count, 0),
            Err(why) if why.kind() == ErrorKind::WouldBlock => {}
            Err(why) => return assert_eq!(why.kind(), ErrorKind::ConnectionReset),
        }
    }
}

#[tokio::test]
async fn a_socket_sends_everything_it_queued_and_then_its_close() {
    let (link, mut client) = pair().await;
    let hub = hub();
    let options = Options {
        id: ClientId::from_bits(1),
        user: None,
        codec: Codec::Json,
        badge: None,
        authorization: Default::default(),
    };
    let socket: Arc<Socket> = hub.admit(options, link);
    socket.open(Bytes::new());
    let data = Bytes::from(pattern(50_000));
    let sent: Vec<_> = (0..15).map(|_| socket.send(&data)).collect();
    assert!(sent.contains(&Sent::Queued) && !sent.contains(&Sent::Overflowed));
    // Its last bytes are with TLS and not in the queue for a while: they must not be forgotten.
    for _ in 0..3 {
        let small = Bytes::from_static(b"small");
        assert!(matches!(socket.send(&small), Sent::Queued | Sent::Written));
    }
    socket.close(CloseCode::Normal, "");
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.expect("an end that is said");
    let mut expected = data.repeat(15);
    expected.extend_from_slice(b"smallsmallsmall");
    assert!(all.starts_with(&expected), "{} of {}", all.len(), expected.len());
    assert_eq!(all[expected.len()] & 0x0f, 8, "a close frame comes last");
    assert_eq!(socket.queued_bytes(), 0);
}
