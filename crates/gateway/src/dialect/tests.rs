use hallway_protocol::ErrorCode;

use super::*;

fn voice() -> Arc<Voice> {
    Arc::clone(Dialects::with("native", &[]).unwrap().of("/").unwrap())
}

fn ask(name: &str, args: &[&str], ack: Option<u64>) -> Result<ClientFrame, FrameError> {
    let args: Vec<Box<RawValue>> = args
        .iter()
        .map(|arg| RawValue::from_string((*arg).into()).unwrap())
        .collect();
    let args: Vec<&RawValue> = args.iter().map(|arg| &**arg).collect();
    voice().request(name, &args, ack, (&Identity::anonymous(), ClientId::from_bits(1)))
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
    assert!(Dialects::with("mine", &[]).unwrap_err().contains("socketio.main"));
}
