use hallway_protocol::ErrorCode;

use super::*;

fn voice() -> Arc<Voice> {
    voice_of("/")
}

fn voice_of(namespace: &str) -> Arc<Voice> {
    Arc::clone(Dialects::with("native", &[]).unwrap().of(namespace).unwrap())
}

fn alice() -> Identity {
    let mut alice = Identity::anonymous();
    alice.user = Some(UserId::parse("alice").unwrap());
    alice
}

fn ask_of(voice: &Voice, name: &str, args: &[&str], ack: Option<u64>) -> Result<Ask, FrameError> {
    let args: Vec<Box<RawValue>> = args
        .iter()
        .map(|arg| RawValue::from_string((*arg).into()).unwrap())
        .collect();
    let args: Vec<&RawValue> = args.iter().map(|arg| &**arg).collect();
    voice.request(name, &args, ack, (&alice(), ClientId::from_bits(1)))
}

fn ask(name: &str, args: &[&str], ack: Option<u64>) -> Result<ClientFrame, FrameError> {
    ask_of(&voice(), name, args, ack).map(|ask| ask.frame)
}

fn said(json: &str) -> String {
    let bytes = hallway_hub::Form::Foreign(voice().form()).write(json.as_bytes());
    String::from_utf8_lossy(bytes.get(2..).unwrap_or_default()).into_owned()
}

#[test]
fn an_event_is_a_request_and_its_answer_an_acknowledgement() {
    let event = r#"{"endpointName":"rooms.leave","endpointArgs":{"room":"board-1"}}"#;
    let frame = ask("endpoint", &[event], Some(0)).unwrap();
    assert_eq!(frame.endpoint, Ok(Endpoint::RoomsLeave));
    assert_eq!(frame.args.get(), r#"{"room":"board-1"}"#);
    let id = frame.id.unwrap();
    assert_eq!(
        said(&format!(r#"{{"reply":{{"id":{id},"data":{{"a":1}}}}}}"#)),
        r#"430[{"data":{"a":1}}]"#
    );
    let refused = format!(r#"{{"reply":{{"id":{id},"error":{{"code":"x","message":"y"}}}}}}"#);
    assert_eq!(said(&refused), r#"430[{"error":{"code":"x","message":"y"}}]"#);
    assert!(ask("endpoint", &[event], None).unwrap().id.is_none());
    let id = ask("getRoomState", &["{}"], Some(2)).unwrap().id.unwrap();
    assert_eq!(said(&format!(r#"{{"reply":{{"id":{id},"data":null}}}}"#)), "432[null]");
}

#[test]
fn what_is_unknown_or_wrong_is_told_to_who_wants_an_answer() {
    assert_eq!(ask("nothing", &[], Some(3)).unwrap().endpoint, Err("nothing".into()));
    let Err(FrameError::Answerable(id, error)) = ask("endpoint", &["7"], Some(5)) else {
        panic!("refused");
    };
    assert_eq!((Reply::of(id).ack, error.code), (Some(5), ErrorCode::BadArgs));
}

#[test]
fn a_broadcast_is_an_event_and_bytes_in_it_an_attachment() {
    let broadcast =
        r#"{"broadcast":{"room":"board-1","destination":"d","data":{"n":1.50},"seq":1,"epoch":"k","ts":2}}"#;
    let event = said(broadcast);
    let expected =
        r#"42["broadcast",{"room":"board-1","destination":"d","data":{"n":1.50},"seq":1,"epoch":"k","ts":2}]"#;
    assert_eq!(event, expected);
    let with = said(r#"{"broadcast":{"room":"r","destination":"d","data":{"$binary":"AQI="}}}"#);
    assert!(
        with.starts_with(r#"451-["broadcast","#) && with.ends_with("\u{2}\u{1}\u{2}"),
        "{with:?}"
    );
}

#[test]
fn the_first_rule_that_fits_counts() {
    let voice = voice_of("/conversation");
    let send = |data: &str| ask_of(&voice, "message:send", &[data], None);
    let room = |ask: &Ask| serde_json::from_str::<serde_json::Value>(ask.frame.args.get()).unwrap()["room"].clone();
    let direct = send(r#"{"content":"x","to":"bob"}"#).unwrap();
    assert_eq!(room(&direct), "chat-alice-bob");
    let bring = direct.bring.unwrap();
    assert_eq!((bring.room.as_str(), bring.user.as_str()), ("chat-alice-bob", "bob"));
    let known = send(r#"{"content":"x","conversationId":"chat-alice-bob"}"#).unwrap();
    assert_eq!(room(&known), "chat-alice-bob");
    assert!(known.bring.is_none());
    assert_eq!(
        room(&send(r#"{"content":"x","conversationId":"7"}"#).unwrap()),
        "group-7"
    );
    for (data, message) in [
        (r#"{"content":"x"}"#, "Missing conversation ID"),
        (r#"{"conversationId":"7"}"#, "Invalid message"),
        ("7", "Invalid message"),
    ] {
        let Err(FrameError::Answerable(_, error)) = send(data) else {
            panic!("{data} is refused");
        };
        assert_eq!(error.message, message, "{data}");
    }
}

#[test]
fn an_event_may_be_two_requests_of_which_the_last_is_answered() {
    let voice = voice_of("/group");
    let ask = ask_of(&voice, "join_group", &["\"7\""], Some(4)).unwrap();
    let then = ask.then.unwrap();
    assert_eq!((ask.frame.endpoint, ask.frame.id), (Ok(Endpoint::RoomsJoin), None));
    assert_eq!(then.endpoint, Ok(Endpoint::RoomsInfo));
    let id = then.id.unwrap();
    let reply = format!(
        r#"{{"reply":{{"id":{id},"data":{{"room":"group-7","users":[{{"userId":"a"}},{{"userId":"b"}}],"userCount":2}}}}}}"#
    );
    let said = hallway_hub::Form::Foreign(voice.form()).write(reply.as_bytes());
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        said.ends_with(r#"43/group,4[{"groupId":"7","memberCount":2,"onlineMembers":["a","b"],"success":true}]"#),
        "{said}"
    );
}

#[test]
fn rooms_of_nobody_are_not_entered() {
    let voice = voice_of("/presence");
    let names = |identity: &Identity| -> Vec<String> {
        let asks = voice.beginning((identity, ClientId::from_bits(1)));
        asks.into_iter().map(|ask| ask.frame.args.get().to_owned()).collect()
    };
    assert_eq!(names(&alice()), [r#"{"room":"presence-alice"}"#]);
    assert!(names(&Identity::anonymous()).is_empty());
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let wrong = |text: &str| Dialects::with("native", &[("mine".into(), text.into())]).unwrap_err();
    let unknown = "namespaces = ['/a']\n\n[[send]]\nevent = 'a'\nendpoint = 'rooms.nothing'\n";
    let why = wrong(unknown);
    assert!(why.contains("mine: line 3") && why.contains("rooms.nothing"), "{why}");
    assert!(wrong("namespaces = ['a']").contains("no namespace"));
    assert!(wrong("namespaces = ['/a']\n[[hear]]\nevent = 'x'\ndata = '$nothing'\n").contains("nothing"));
    assert!(wrong("namespaces = ['/a']\n[[hear]]\nroom = 'a*b'\n").contains("at the end"));
    assert!(wrong("namespaces = ['/a']\nnonsense = 1\n").contains("nonsense"));
    assert!(wrong("namespaces = ['/native']\n").contains("another"));
    assert!(wrong("namespaces = ['/a']\n[errors]\nnonsense = 'x'\n").contains("no code"));
    let twice =
        "namespaces = ['/a']\n[[send]]\nevent = 'a'\nendpoint = 'ping'\n[[send]]\nevent = 'a'\nendpoint = 'ping'\n";
    assert!(wrong(twice).contains("line 5"), "{}", wrong(twice));
    let neither = "namespaces = ['/a']\n[[send]]\nevent = 'a'\n";
    assert!(wrong(neither).contains("either endpoint or refuse"));
    assert!(Dialects::with("mine", &[]).unwrap_err().contains("socketio.main"));
}
