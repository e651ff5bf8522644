//! A session against scripted servers: it comes back, into its rooms, and says where something may be missing.

use std::time::Duration;

use hallway_client::{Broadcast, Cause, Event, Options, RequestError, ResumeFrom, Session, SessionOptions};
use serde_json::{Value, json};

use crate::server::{Peer, listen, next};

/// A session that does not wait long.
fn start(addresses: &[String]) -> Session {
    let mut options = SessionOptions::new(addresses, Options::new("").token("the-token"));
    options.backoff_first = Duration::from_millis(5);
    options.backoff_most = Duration::from_millis(20);
    options.seed = Some(1);
    Session::start(options)
}

async fn hello(peer: &mut Peer, more: Value) {
    let mut hello = json!({"clientId": "c", "node": "n", "rooms": [], "pingIntervalMs": 25000, "serverTime": 1});
    for (key, value) in more.as_object().unwrap() {
        hello[key] = value.clone();
    }
    peer.say(json!({"hello": hello})).await;
}

/// Expects a join and answers it.
async fn let_in(peer: &mut Peer, resume: Value, mut data: Value) {
    let frame = peer.hear().await.unwrap();
    assert_eq!(
        (&frame["endpoint"], &frame["args"]["resume"]),
        (&json!("rooms.join"), &resume)
    );
    data["room"] = frame["args"]["room"].clone();
    peer.say(json!({"reply": {"id": frame["id"], "data": data}})).await;
}

fn numbered(seq: u64) -> Value {
    json!({"room": "board-1", "destination": "d", "data": {}, "seq": seq, "epoch": "e", "ts": 1})
}

async fn publish(peer: &mut Peer, seq: u64) {
    peer.say(json!({"broadcast": numbered(seq)})).await;
}

fn state(seq: u64) -> Value {
    json!({"epoch": "e", "seq": seq, "lastBroadcastTimestamp": 1})
}

/// The next event, which must be there soon.
async fn event(session: &mut Session) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(20), session.next());
    next.await.expect("in time").expect("an event")
}

async fn connected(session: &mut Session) -> bool {
    match event(session).await {
        Event::Connected { resumed, .. } => resumed,
        other => panic!("{other:?}"),
    }
}

async fn heard(session: &mut Session) -> u64 {
    match event(session).await {
        Event::Broadcast(Broadcast { seq, .. }) => seq.unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn lost(session: &mut Session) -> (u16, bool) {
    match event(session).await {
        Event::Disconnected { code, comes_back, .. } => (code, comes_back),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_comes_back_with_its_ticket_and_hears_what_it_missed_first() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        assert_eq!(peer.request.headers()["authorization"], "Bearer the-token");
        hello(&mut peer, json!({"resumeTicket": "first"})).await;
        let_in(
            &mut peer,
            Value::Null,
            json!({"state": state(4), "recovered": false, "missed": []}),
        )
        .await;
        publish(&mut peer, 5).await;
        drop(peer);

        let mut peer = next(&listener).await;
        assert!(peer.request.headers().get("authorization").is_none());
        let resume = json!({"ticket": "first", "rooms": {"board-1": {"epoch": "e", "seq": 5}}});
        let first = peer.hear().await.unwrap();
        assert_eq!(first, json!({"endpoint": "auth.resume", "args": resume}));
        let entry = json!({"recovered": true, "missed": [numbered(6), numbered(7)], "state": state(7)});
        hello(
            &mut peer,
            json!({"resumeTicket": "second", "resumed": {"board-1": entry}}),
        )
        .await;
        publish(&mut peer, 7).await;
        publish(&mut peer, 8).await;
        peer.hear().await;
    });
    let mut session = start(&[url]);
    session.handle().join("board-1").await;
    assert!(!connected(&mut session).await);
    let at = Some(ResumeFrom {
        epoch: "e".into(),
        seq: 4,
    });
    let room = "board-1".to_owned();
    assert_eq!(event(&mut session).await, Event::Joined { room, at });
    assert_eq!(heard(&mut session).await, 5);
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(connected(&mut session).await);
    assert_eq!(heard(&mut session).await, 6);
    assert_eq!(heard(&mut session).await, 7);
    assert!(matches!(
        event(&mut session).await,
        Event::Double(Broadcast { seq: Some(7), .. })
    ));
    assert_eq!(heard(&mut session).await, 8);
}

#[tokio::test]
async fn a_refused_ticket_is_followed_by_the_token_and_joins_with_resume() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "stale"})).await;
        let_in(&mut peer, Value::Null, json!({"state": state(4)})).await;
        drop(peer);

        let mut peer = next(&listener).await;
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "auth.resume");
        peer.close(4401).await;

        let mut peer = next(&listener).await;
        assert_eq!(peer.request.headers()["authorization"], "Bearer the-token");
        hello(&mut peer, json!({})).await;
        let from = json!({"epoch": "e", "seq": 4});
        let_in(
            &mut peer,
            from,
            json!({"state": state(9), "recovered": false, "missed": []}),
        )
        .await;
        publish(&mut peer, 10).await;
        peer.hear().await;
    });
    let mut session = start(&[url]);
    session.handle().join("board-1").await;
    assert!(!connected(&mut session).await);
    assert!(matches!(event(&mut session).await, Event::Joined { .. }));
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(!connected(&mut session).await);
    match event(&mut session).await {
        Event::Resync { cause, at, .. } => assert_eq!((cause, at.unwrap().seq), (Cause::NotRecovered, 9)),
        other => panic!("{other:?}"),
    }
    assert_eq!(heard(&mut session).await, 10);
}

#[tokio::test]
async fn a_gap_that_is_told_is_told_on() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({})).await;
        let_in(&mut peer, Value::Null, json!({"state": state(4)})).await;
        let mut notice = numbered(20);
        notice["destination"] = json!("room.resync");
        peer.say(json!({"broadcast": notice})).await;
        publish(&mut peer, 21).await;
        peer.hear().await;
    });
    let mut session = start(&[url]);
    session.handle().join("board-1").await;
    assert!(!connected(&mut session).await);
    assert!(matches!(event(&mut session).await, Event::Joined { .. }));
    match event(&mut session).await {
        Event::Resync { cause, at, .. } => assert_eq!((cause, at.unwrap().seq), (Cause::Told, 20)),
        other => panic!("{other:?}"),
    }
    assert_eq!(heard(&mut session).await, 21);
}

#[tokio::test]
async fn after_44xx_it_stays_away() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "t"})).await;
        peer.close(4410).await;
        drop(listener);
    });
    let mut session = start(&[url]);
    let handle = session.handle();
    assert!(!connected(&mut session).await);
    assert_eq!(lost(&mut session).await, (4410, false));
    assert_eq!(session.next().await, None);
    // Orders to a session that has ended hang nobody up.
    handle.join("board-1").await;
    let error = handle.request("ping", json!({})).await.unwrap_err();
    assert!(matches!(error, RequestError::Disconnected), "{error}");
}

#[tokio::test]
async fn a_draining_node_is_left_for_the_next_address_when_it_says() {
    let ((first, first_url), (second, second_url)) = (listen().await, listen().await);
    let (said, leave) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut peer = next(&first).await;
        hello(&mut peer, json!({})).await;
        let _ = said.send(std::time::Instant::now());
        peer.say(json!({"goodbye": {"reason": "draining", "reconnectAfterMs": 150}}))
            .await;
        peer.close(1012).await;
    });
    let back = tokio::spawn(async move {
        let mut peer = next(&second).await;
        let back = std::time::Instant::now();
        hello(&mut peer, json!({})).await;
        peer.hear().await;
        back
    });
    let mut session = start(&[first_url, second_url]);
    assert!(!connected(&mut session).await);
    assert_eq!(lost(&mut session).await, (1012, true));
    assert!(!connected(&mut session).await);
    session.handle().close().await;
    assert_eq!(session.next().await, None);
    // The clock begins when the goodbye is heard, which is after it was said.
    let (said, back) = (leave.await.unwrap(), back.await.unwrap());
    assert!(back - said >= Duration::from_millis(150), "{:?}", back - said);
}

#[tokio::test]
async fn away_requests_fail_and_a_passing_refusal_is_asked_again() {
    let (listener, url) = listen().await;
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({})).await;
        let id = peer.hear().await.unwrap()["id"].clone();
        let error = json!({"code": "unavailable", "message": "later", "retryAfterMs": 1});
        peer.say(json!({"reply": {"id": id, "error": error}})).await;
        let_in(&mut peer, Value::Null, json!({"state": null})).await;
        // Forbidden after all.
        let id = peer.hear().await.unwrap()["id"].clone();
        let error = json!({"code": "forbidden", "message": "no"});
        peer.say(json!({"reply": {"id": id, "error": error}})).await;
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "ping");
        drop(peer);
        wait.await.unwrap();
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({})).await;
        // Nothing was numbered when it was left, so there is no place to resume from.
        let_in(&mut peer, Value::Null, json!({"state": state(1)})).await;
        peer.hear().await;
    });
    let mut session = start(&[url]);
    let handle = session.handle();
    let error = handle.request("ping", json!({})).await.unwrap_err();
    assert!(matches!(error, RequestError::Disconnected), "{error}");
    handle.join("board-1").await;
    assert!(!connected(&mut session).await);
    assert!(matches!(event(&mut session).await, Event::Joined { at: None, .. }));
    handle.join("board-2").await;
    assert!(matches!(event(&mut session).await, Event::Refused { room, .. } if room == "board-2"));
    let error = handle.request("ping", json!({})).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed(_)), "{error}");
    assert_eq!(lost(&mut session).await, (1006, true));
    go.send(()).unwrap();
    assert!(!connected(&mut session).await);
    let resync = event(&mut session).await;
    assert!(
        matches!(
            resync,
            Event::Resync {
                cause: Cause::NotRecovered,
                ..
            }
        ),
        "{resync:?}"
    );
}

#[tokio::test]
async fn a_connection_can_be_dropped_without_a_word() {
    let (listener, url) = listen().await;
    let ended = tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({})).await;
        let ended = peer.hear().await;
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({})).await;
        peer.hear().await;
        ended
    });
    let mut session = start(&[url]);
    assert!(!connected(&mut session).await);
    session.handle().drop_connection().await;
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(!connected(&mut session).await);
    drop(session);
    assert_eq!(ended.await.unwrap(), None);
}

#[tokio::test]
async fn tickets_are_renewed_before_they_run_out() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "first"})).await;
        let frame = peer.hear().await.unwrap();
        assert_eq!(
            (&frame["endpoint"], &frame["args"]),
            (&json!("ping"), &json!({"ticket": true}))
        );
        let data = json!({"serverTime": 1, "resumeTicket": "second"});
        peer.say(json!({"reply": {"id": frame["id"], "data": data}})).await;
        // It asks again only when it has the answer.
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "ping");
        drop(peer);
        let mut peer = next(&listener).await;
        assert_eq!(peer.hear().await.unwrap()["args"]["ticket"], "second");
        hello(&mut peer, json!({})).await;
        peer.hear().await;
    });
    let mut options = SessionOptions::new([url], Options::new("").token("the-token"));
    options.ticket_every = Duration::from_millis(20);
    options.backoff_first = Duration::from_millis(5);
    let mut session = Session::start(options);
    assert!(!connected(&mut session).await);
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(connected(&mut session).await);
}

/// Answers a handshake with an HTTP status.
async fn refuse(listener: &tokio::net::TcpListener, status: u16) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 4096];
    let _ = stream.read(&mut head).await.unwrap();
    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_bad_token_is_not() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        refuse(&listener, 503).await;
        refuse(&listener, 429).await;
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "t"})).await;
        drop(peer);
        // The ticket of a user who may not come any more is not followed by the token.
        let mut peer = next(&listener).await;
        peer.close(4410).await;
        panic!("it came back: {:?}", listener.accept().await);
    });
    let mut session = start(&[url]);
    assert!(!connected(&mut session).await);
    assert_eq!(lost(&mut session).await, (1006, true));
    assert_eq!(lost(&mut session).await, (4410, false));
    assert_eq!(session.next().await, None);

    let (listener, url) = listen().await;
    tokio::spawn(async move { refuse(&listener, 401).await });
    let mut session = start(&[url]);
    assert_eq!(lost(&mut session).await, (4401, false));
    assert_eq!(session.next().await, None);
}

#[tokio::test]
async fn rooms_that_could_not_be_resumed_just_now_are_asked_for_with_all_that_belongs_to_them() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let own = json!({"user-u": {"epoch": "u", "seq": 2}});
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "t", "positions": own})).await;
        let tasks = json!({"board-1-tasks": {"state": {"epoch": "t", "seq": 1}}});
        let_in(&mut peer, Value::Null, json!({"state": state(4), "includes": tasks})).await;
        // Heard by the client when it asks for something else.
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "ping");
        drop(peer);

        let mut peer = next(&listener).await;
        let rooms = peer.hear().await.unwrap()["args"]["rooms"].clone();
        assert_eq!(rooms["board-1-tasks"], json!({"epoch": "t", "seq": 1}));
        assert_eq!(rooms["user-u"], own["user-u"]);
        let away = json!({"error": {"code": "unavailable", "message": "later", "retryAfterMs": 1}});
        let resumed = json!({"board-1": away, "board-1-tasks": away, "user-u": away});
        hello(&mut peer, json!({"resumed": resumed, "positions": own})).await;
        let frame = peer.hear().await.unwrap();
        assert_eq!(frame["args"]["resume"], json!({"epoch": "e", "seq": 4}));
        assert_eq!(
            frame["args"]["includes"],
            json!({"board-1-tasks": {"epoch": "t", "seq": 1}})
        );
        let missed = json!({"room": "board-1-tasks", "destination": "d", "seq": 2, "epoch": "t"});
        let tasks =
            json!({"board-1-tasks": {"state": {"epoch": "t", "seq": 2}, "recovered": true, "missed": [missed]}});
        let data = json!({"state": state(4), "recovered": true, "missed": [], "includes": tasks});
        peer.say(json!({"reply": {"id": frame["id"], "data": data}})).await;
        peer.hear().await;
    });
    let mut session = start(&[url]);
    let handle = session.handle();
    handle.join("board-1").await;
    assert!(!connected(&mut session).await);
    for expected in ["user-u", "board-1", "board-1-tasks"] {
        assert!(matches!(event(&mut session).await, Event::Joined { room, .. } if room == expected));
    }
    let error = handle.request("ping", json!({})).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed(_)), "{error}");
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(connected(&mut session).await);
    // The user's own room has not moved, and nothing of the others was lost.
    assert_eq!(heard(&mut session).await, 2);
}

#[tokio::test]
async fn an_included_room_whose_numbering_was_lost_is_named_on_coming_back() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let mut peer = next(&listener).await;
        hello(&mut peer, json!({"resumeTicket": "t"})).await;
        let tasks = json!({"board-1-tasks": {"state": {"epoch": "t", "seq": 1}}});
        let_in(&mut peer, Value::Null, json!({"state": state(4), "includes": tasks})).await;
        let notice = json!({"room": "board-1-tasks", "destination": "room.resync", "data": {}});
        peer.say(json!({"broadcast": notice})).await;
        assert_eq!(peer.hear().await.unwrap()["endpoint"], "ping");
        drop(peer);

        let mut peer = next(&listener).await;
        let named = peer.hear().await.unwrap()["args"]["rooms"].clone();
        assert_eq!(
            named,
            json!({"board-1": {"epoch": "e", "seq": 4}, "board-1-tasks": null})
        );
        // Two were published while it was away. Both rooms are answered for, so that neither is asked for again: what
        // is heard before that answer would be in it once more.
        let back = json!({"board-1": {"state": state(4), "recovered": true, "missed": []},
            "board-1-tasks": {"state": {"epoch": "u", "seq": 2}, "recovered": false, "missed": []}});
        hello(&mut peer, json!({"resumed": back})).await;
        let asked = peer.hear().await.unwrap();
        assert_eq!(asked["endpoint"], "ping", "{asked}");
    });
    let mut session = start(&[url]);
    let handle = session.handle();
    handle.join("board-1").await;
    assert!(!connected(&mut session).await);
    for expected in ["board-1", "board-1-tasks"] {
        assert!(matches!(event(&mut session).await, Event::Joined { room, .. } if room == expected));
    }
    assert!(matches!(
        event(&mut session).await,
        Event::Resync {
            cause: Cause::Told,
            at: None,
            ..
        }
    ));
    let error = handle.request("ping", json!({})).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed(_)), "{error}");
    assert_eq!(lost(&mut session).await, (1006, true));
    assert!(connected(&mut session).await);
    match event(&mut session).await {
        Event::Resync { room, cause, at } => {
            assert_eq!(
                (room.as_str(), cause, at.unwrap().seq),
                ("board-1-tasks", Cause::NotRecovered, 2)
            );
        }
        other => panic!("{other:?}"),
    }
    handle.request("ping", json!({})).await.unwrap_err();
}
