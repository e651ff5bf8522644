use hallway_settings::Source;

use super::*;

fn input(text: &str) -> Input {
    Input {
        file: Some(("h.toml".into(), text.into())),
        ..Input::default()
    }
}

fn problems(text: &str) -> Vec<String> {
    let problems = match load(input(text)) {
        Ok(loaded) => check(&loaded).expect_err("must be refused"),
        Err(problems) => problems,
    };
    problems.0.iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_is_allowed() {
    let loaded = load(Input::default()).unwrap();
    let expected = ["nobody could connect: set auth.jwt_secret"];
    let problems = check(&loaded).unwrap_err();
    assert_eq!(problems.0.len(), expected.len(), "{problems}");
    assert!(problems.to_string().starts_with(expected[0]));
}

#[test]
fn dev_mode_needs_nothing_and_stays_on_loopback() {
    let loaded = load(input("dev = true")).unwrap();
    check(&loaded).unwrap();
    let config = &loaded.config;
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.auth.jwt_secret.expose(), DEV_SECRET);
    assert_eq!(config.api.keys[0].expose(), DEV_API_KEY);
    assert!(!config.auth.anonymous);
    assert_eq!(loaded.source("listen"), Source::Preset("dev mode"));
}

#[test]
fn dev_mode_yields_to_what_is_set() {
    let text = "dev = true\nlisten = '0.0.0.0:80'\n[auth]\njwt_secret = 'short'\n[api]\nkeys = ['k']";
    let loaded = load(input(text)).unwrap();
    check(&loaded).unwrap();
    assert_eq!(loaded.config.listen.to_string(), "0.0.0.0:80");
    assert_eq!(loaded.config.auth.jwt_secret.expose(), "short");
}

#[test]
fn the_switch_of_dev_mode_obeys_precedence() {
    let is_dev = |input: Input| load(input).unwrap().config.auth.jwt_secret.is_set();
    let mut over = input("dev = true");
    assert!(is_dev(over.clone()));
    over.variables.push(("HALLWAY_DEV".into(), "false".into()));
    assert!(!is_dev(over.clone()));
    over.flags.push(("dev".into(), vec!["true".into()]));
    assert!(is_dev(over));
}

#[test]
fn a_secret_of_dev_mode_is_none_elsewhere() {
    assert_eq!(problems(&format!("[auth]\njwt_secret = '{DEV_SECRET}'")).len(), 1);
    let short = problems("[auth]\njwt_secret = 'short'\n[api]\nkeys = ['dev']");
    assert_eq!(short.len(), 2, "{short:?}");
    assert!(
        short[0].starts_with("h.toml:2: auth.jwt_secret = \"(set)\" is refused: must have at least 32 bytes"),
        "{short:?}"
    );
    assert!(
        short[1].starts_with("h.toml:4: api.keys = [\"(set)\"] is refused"),
        "{short:?}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused_together() {
    let text = "dev = true\nnode = 'a b'\n[shutdown]\ndeadline = '5s'\n[redis]\nprobe_timeout = '1s'\nchannel_prefix = '{x}'\n\
                [limits]\nframe_size = '4KiB'\n[auth]\ncookie = 'a;b'\n[[kinds]]\nname = 'Bad'";
    let listed = problems(text);
    for (problem, beginning) in listed.iter().zip([
        "h.toml:2: node = \"a b\" is refused: must have at most 100",
        "h.toml:11: auth.cookie = \"a;b\" is refused: must be a cookie's name",
        "h.toml:7: redis.channel_prefix = \"{x}\" is refused",
        "h.toml:4: shutdown.deadline = \"5s\" is refused: must not be shorter than shutdown.delay and shutdown.drain together (10s)",
        "h.toml:6: redis.probe_timeout = \"1s\" is refused: must be longer than redis.probe_interval (1s)",
        "default: limits.unauthenticated_frame_size = \"32KiB\" is refused: must not be larger than limits.frame_size (4KiB)",
        "h.toml:12: [[kinds]]: kind `Bad`",
    ]) {
        assert!(problem.starts_with(beginning), "{problem}\n{beginning}");
    }
    assert_eq!(listed.len(), 7, "{listed:?}");
}

#[test]
fn the_file_variable_is_no_setting() {
    let mut input = input("dev = true");
    input.variables.push((FILE_VARIABLE.into(), "x".into()));
    assert!(load(input).is_ok());
}

#[test]
fn the_store_needs_a_name_and_a_place() {
    let base = "dev = true\n[store]\n";
    for (text, key) in [
        ("schema = ''", "store.schema"),
        ("schema = '1x'", "store.schema"),
        ("schema = 'a-b'", "store.schema"),
        ("path = ''", "store.path"),
    ] {
        let problems = problems(&format!("{base}{text}"));
        assert!(problems.len() == 1 && problems[0].contains(key), "{text}: {problems:?}");
    }
    let loaded = load(input(&format!("{base}path = ''\nurl = 'postgres://h/d'"))).unwrap();
    check(&loaded).unwrap();
    assert_eq!(load(input("dev = true")).unwrap().config.store.path, ":memory:");
}

/// A public key for ES256, made with `openssl ecparam -name prime256v1 -genkey`, and one for RS256.
const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKYRmIW5r42tvnBGJ/kc3sqxomYst
HumNjgIAbJbryOeq5Z/SvznEz8AwA9IlHVyAKEio/FFiTViubmnSUl5DIA==
-----END PUBLIC KEY-----";
const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAy3a4NX+1i8K4HWmarR1C
/EilFPlvRGNkjW1Tc51/UFe/DotbSc2ZA1qw0m78g3fikhRQWshElr7a6YFUXt6x
cnFwNuS6eDKlKdvA8GerMla5ldGUTkWnJ7/yOASKyshWPjhWcJdTlghmtQ/21Pfq
c6acSoxDE01JymIATTkA3k6Qd0ceLqdzQ0DD+XI4eNotde6S4YO9LHrNQ5BBtbgb
RXFPmB4iMR1TcAPY1m/WkF7CV/xBcIjm387XqwnJIVXhkPe3BO5+QoWFhGkbDZhW
HCHsZkYSch0J5cR1n03k6is3+XigKXhhyCX8cHhKG7f2le+RXBjJ+W5G2ImBCfs8
gwIDAQAB
-----END PUBLIC KEY-----";
const STRONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn keys_of_all_kinds_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, secret) = (folder.path().join("key.pem"), folder.path().join("secret"));
    std::fs::write(&pem, P256).unwrap();
    std::fs::write(&secret, format!("{STRONG}\n")).unwrap();
    let text = format!(
        "[auth]\njwt_public_key = '''{RSA}'''\njwks_url = 'https://id.example/keys'\njwt_audience = 'us'\n\
         [[auth.keys]]\nid = 'a'\nalgorithm = 'ES256'\npublic_key_file = '{pem}'\n\
         [[auth.keys]]\nid = 'b'\nalgorithm = 'HS512'\nsecret_file = '{secret}'\n\
         [[auth.keys]]\nalgorithm = 'HS256'\nsecret = '{STRONG}'\n\
         [[auth.keys]]\nid = 'c'\nalgorithm = 'PS512'\npublic_key = '''{RSA}'''\n",
        pem = pem.display(),
        secret = secret.display(),
    );
    let loaded = load(input(&text)).unwrap();
    check(&loaded).unwrap();
    let auth = &loaded.config.auth;
    let shown = format!("{:?}", auth.verifier().unwrap());
    for key in [
        "Rs256",
        "\"a\"), algorithm: Es256",
        "\"b\"), algorithm: Hs512",
        "None, algorithm: Hs256",
        "\"c\"), algorithm: Ps512",
    ] {
        assert!(shown.contains(key), "{key}: {shown}");
    }
    assert!(auth.jwks(false).unwrap().is_some());
    let printed = loaded.print();
    assert!(!printed.contains("0123456789") && !printed.contains("MII"), "{printed}");
    // A file's end of line is not part of its secret.
    let grant = hallway_auth::Grant {
        user: hallway_protocol::UserId::parse("a").unwrap(),
        name: None,
        rooms: vec![],
        issued_at: 0,
        life: std::time::Duration::from_secs(1),
    };
    let token = auth
        .verifier()
        .unwrap()
        .mint(&grant)
        .expect("the table's first secret signs");
    let own = hallway_auth::Key::of_secret(hallway_auth::Algorithm::Hs512, STRONG).unwrap();
    let reader = hallway_auth::JwtVerifier::new(hallway_auth::JwtOptions {
        keys: vec![own.named("b")],
        ..Default::default()
    });
    assert!(reader.verify(&token, 0).is_ok());
}

#[test]
fn the_usual_key_fits_into_the_environment() {
    let with = |variables: &[(&str, &str)]| {
        let input = Input {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            ..Input::default()
        };
        check(&load(input).unwrap())
    };
    with(&[
        ("HALLWAY_AUTH_JWT_SECRET", STRONG),
        ("HALLWAY_AUTH_JWT_ALGORITHM", "HS512"),
    ])
    .unwrap();
    let pem = P256.replace('\n', "\\n");
    with(&[
        ("HALLWAY_AUTH_JWT_PUBLIC_KEY", &pem),
        ("HALLWAY_AUTH_JWT_PUBLIC_KEY_ALGORITHM", "ES256"),
    ])
    .unwrap();
    with(&[
        ("HALLWAY_AUTH_JWKS_URL", "https://id.example/keys"),
        ("HALLWAY_AUTH_JWT_AUDIENCE", "a,b"),
    ])
    .unwrap();
}

#[test]
fn keys_that_are_none_are_refused_with_their_place() {
    let row = |fields: &str| format!("[[auth.keys]]\nid = 'k'\n{fields}");
    let private = "-----BEGIN PRIVATE KEY-----\nMEECAQAw\n-----END PRIVATE KEY-----";
    for (text, problem) in [
        (
            "[auth]\njwt_secret = 'x'\njwt_algorithm = 'RS256'".to_owned(),
            "h.toml:3: auth.jwt_algorithm = \"RS256\" is refused: a secret is for HS256",
        ),
        (
            "[auth]\njwt_algorithm = 'none'".to_owned(),
            "h.toml:2: auth.jwt_algorithm = \"none\" is refused: must be one of HS256",
        ),
        (
            format!("[auth]\njwt_secret = '{}'\njwt_algorithm = 'HS512'", &STRONG[1..]),
            "h.toml:2: auth.jwt_secret = \"(set)\" is refused: must have at least 64 bytes",
        ),
        (
            format!("[auth]\njwt_secret = '''{RSA}'''"),
            "h.toml:2: auth.jwt_secret = \"(set)\" is refused: a PEM is given as a secret",
        ),
        (
            format!("[auth]\njwt_public_key = '''{private}'''"),
            "h.toml:2: auth.jwt_public_key = \"(set)\" is refused: it is a private key",
        ),
        (
            "[auth]\njwt_public_key = 'key.pem'".to_owned(),
            "h.toml:2: auth.jwt_public_key = \"(set)\" is refused: it must be one public key in PEM",
        ),
        (
            format!("[auth]\njwt_public_key = '''{P256}'''"),
            "default: auth.jwt_public_key_algorithm = \"RS256\" is refused: RS256 needs an RSA key",
        ),
        (
            format!("[auth]\njwt_public_key_algorithm = 'HS256'\njwt_public_key = '''{P256}'''"),
            "h.toml:2: auth.jwt_public_key_algorithm = \"HS256\" is refused: a public key is never a secret",
        ),
        (
            row("algorithm = 'HS256'\nsecret = 'short'"),
            "h.toml:1: [[auth.keys]]: must have at least 32 bytes",
        ),
        (
            row("algorithm = 'HS256'"),
            "h.toml:1: [[auth.keys]]: row 1 (\"k\"): must have one of secret, secret_file",
        ),
        (
            row(&format!("algorithm = 'HS256'\nsecret = '{STRONG}'\nsecret_file = 'x'")),
            "h.toml:1: [[auth.keys]]: row 1 (\"k\"): must have one of",
        ),
        (
            row("algorithm = 'HS256'\nsecret_file = '/does/not/exist'"),
            "h.toml:1: [[auth.keys]]: row 1 (\"k\"): \"/does/not/exist\": No such file",
        ),
        (
            row(&format!("algorithm = 'RS256'\nsecret = '{STRONG}'")),
            "h.toml:1: [[auth.keys]]: row 1 (\"k\"): a secret is for",
        ),
        (
            row(&format!("algorithm = 'ES384'\npublic_key = '''{P256}'''")),
            "h.toml:1: [[auth.keys]]: row 1 (\"k\"): ES384 needs an EC key on the curve P-384",
        ),
        (
            row(&format!(
                "algorithm = 'ES256'\npublic_key = '''{P256}'''\n{}",
                row(&format!("algorithm = 'RS256'\npublic_key = '''{RSA}'''"))
            )),
            "h.toml:1: [[auth.keys]]: row 2 (\"k\"): another key has this id",
        ),
        (
            row("algorithm = 'ES256K'\nsecret = 'x'"),
            "h.toml:3: in [[auth.keys]]: algorithm \"ES256K\" is refused: must be one of HS256",
        ),
        (
            row("algorithm = 'HS256'\nsecret = 4711471147114711"),
            "h.toml:4: in [[auth.keys]]: a secret is written in quotes",
        ),
        (
            row("algorithm = 'HS256'\nkey = 'x'"),
            "h.toml:4: in [[auth.keys]]: unknown field `key`",
        ),
        (
            "[auth]\njwks_url = 'http://id.example/keys'".to_owned(),
            "h.toml:2: auth.jwks_url = \"http://id.example/keys\" is refused: must begin with https://",
        ),
        (
            "[auth]\njwks_url = 'id.example'".to_owned(),
            "h.toml:2: auth.jwks_url = \"id.example\" is refused: must be a URL such as",
        ),
        (
            "[auth]\njwks_url = 'https://id.example'\njwks_ca = '/does/not/exist'".to_owned(),
            "h.toml:3: auth.jwks_ca = \"/does/not/exist\" is refused: /does/not/exist: ",
        ),
        (
            "[auth]\nanonymous = true\nclaim_user = ''".to_owned(),
            "h.toml:3: auth.claim_user = \"\" is refused: must be a claim's name",
        ),
        (
            "[auth]\nanonymous = true\nrequired_claims = ['a', '']".to_owned(),
            "h.toml:3: auth.required_claims = [\"a\", \"\"] is refused",
        ),
        (
            "[auth]\nanonymous = true\nticket_secret = 'short'".to_owned(),
            "h.toml:3: auth.ticket_secret = \"(set)\" is refused: must have at least 32 bytes",
        ),
    ] {
        let listed = problems(&text);
        assert!(
            listed.len() == 1 && listed[0].starts_with(problem),
            "{listed:?}\n{problem}"
        );
        assert!(
            !listed[0].contains("4711") && !listed[0].contains("MII") && !listed[0].contains("0123456789"),
            "{listed:?}"
        );
    }
}
