//! The whole way: what is given, what is refused, what is printed.

use std::net::SocketAddr;
use std::time::Duration;

use hallway_settings::{ByteSize, Input, Preset, Secret, Source, choice, load, reference, settings};

choice! {
    /// How a line is written.
    pub enum Format {
        /// For people.
        Human = "human",
        /// For programs.
        Json = "json",
    }
}

settings! {
    /// Who may come in.
    pub struct Auth {
        /// The key.
        secret: Secret = "";
        /// Several keys.
        keys: Vec<Secret> = "";
    }
    tables {
        /// Doors, each with its own.
        doors: Door ["secret"],
    }
}

/// A row of a table in a section, with a field that is never shown.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    name: String,
    secret: Secret,
}

settings! {
    /// How much is too much.
    pub struct Limits {
        /// Size of a frame.
        frame_size: ByteSize = "64KiB", from "1KiB" to "1MiB";
        /// How long to wait,
        /// in all.
        wait: Duration = "10s", from "1s" to "5m";
        /// Sockets.
        sockets: u32 = 10, from 1 to 100;
    }
}

/// A row of the table.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    prefix: String,
}

settings! {
    /// Everything.
    pub struct Config {
        /// Where to listen.
        listen: SocketAddr = "0.0.0.0:8080";
        /// Without safety.
        dev: bool = false;
        /// Lines.
        format: Format = "human";
        /// Names.
        names: Vec<String> = "";
    }
    sections {
        auth: Auth,
        limits: Limits,
    }
    tables {
        /// More kinds.
        kinds: Kind,
    }
}

fn file(text: &str) -> Input {
    Input {
        file: Some(("h.toml".into(), text.into())),
        ..Input::default()
    }
}

fn variable(mut input: Input, name: &str, value: &str) -> Input {
    input.variables.push((name.into(), value.into()));
    input
}

fn flag(mut input: Input, key: &str, values: &[&str]) -> Input {
    input
        .flags
        .push((key.into(), values.iter().map(|value| (*value).to_owned()).collect()));
    input
}

fn problems(input: &Input) -> Vec<String> {
    load::<Config>(input)
        .expect_err("must be refused")
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn without_anything_the_defaults_hold() {
    let config = load::<Config>(&Input::default()).unwrap().config;
    assert_eq!(config.listen, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(config.limits.frame_size, ByteSize(65_536));
    assert_eq!(config.format, Format::Human);
    assert!(!config.auth.secret.is_set() && config.kinds.is_empty() && config.names.is_empty());
}

#[test]
fn flag_over_environment_over_file_over_preset_over_default() {
    let preset = Preset {
        key: "limits.sockets",
        value: "2".into(),
        mode: "dev mode",
    };
    let input = Input {
        presets: vec![preset],
        ..Input::default()
    };
    let load = |input: &Input| {
        let loaded = load::<Config>(input).unwrap();
        (loaded.config.limits.sockets, loaded.source("limits.sockets"))
    };
    assert_eq!(load(&input), (2, Source::Preset("dev mode")));
    let input = Input {
        file: Some(("h.toml".into(), "[limits]\n\nsockets = 3".into())),
        ..input
    };
    assert_eq!(load(&input), (3, Source::File("h.toml".into(), 3)));
    let input = variable(input, "HALLWAY_LIMITS_SOCKETS", "4");
    assert_eq!(load(&input), (4, Source::Variable("HALLWAY_LIMITS_SOCKETS".into())));
    let input = flag(input, "limits.sockets", &["5"]);
    assert_eq!(load(&input), (5, Source::Flag("--limits-sockets".into())));
}

#[test]
fn all_that_is_wrong_is_listed_at_once() {
    let text =
        "lisetn = '1'\nformat = 'xml'\n[limits]\nframe_size = '64KB'\nwait = 10\nsockets = '5'\n[limit]\na = 1\n";
    let input = variable(file(text), "HALLWAY_LISEN", "x");
    let input = flag(variable(input, "HALLWAY_DEV", "yes"), "limits.sockets", &["101"]);
    let mut listed = problems(&input);
    listed.sort();
    let expected = [
        r#"flag --limits-sockets: limits.sockets = "101" is refused: must be a whole number, from 1 to 100"#,
        "h.toml:1: there is no setting lisetn; did you mean listen?",
        r#"h.toml:2: format = "xml" is refused: must be one of human, json"#,
        r#"h.toml:4: limits.frame_size = "64KB" is refused: must be a number of bytes or a size such as 512B, 64KiB, 1MiB or 1GiB, from 1KiB to 1MiB"#,
        r#"h.toml:5: limits.wait = "10" is refused: must be a length of time such as 250ms, 10s, 5m, 1h or 7d, from 1s to 5m"#,
        "h.toml:6: limits.sockets = '5' is refused: must be a whole number, from 1 to 100, without quotes",
        "h.toml:7: there is no setting limit; did you mean limits?",
        r#"variable HALLWAY_DEV: dev = "yes" is refused: must be true or false"#,
        "variable HALLWAY_LISEN: no setting has this name; did you mean HALLWAY_LISTEN?",
    ];
    assert_eq!(listed, expected);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let listed = problems(&file("listen = '127.0.0.1:1'\n[auth]\nsecret = hunter2\n"));
    assert!(listed[0].starts_with("h.toml:3: not TOML: "), "{listed:?}");
    assert!(!listed.concat().contains("hunter2"), "{listed:?}");
}

#[test]
fn lists_come_from_arrays_from_commas_and_from_repeated_flags() {
    let names = |input: &Input| load::<Config>(input).unwrap().config.names;
    assert_eq!(names(&file("names = ['a', 'b,c']")), ["a", "b,c"]);
    assert_eq!(names(&variable(Input::default(), "HALLWAY_NAMES", "a, b")), ["a", "b"]);
    assert_eq!(names(&flag(Input::default(), "names", &["a", "b,c"])), ["a", "b", "c"]);
}

#[test]
fn a_secret_comes_from_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "hunter2\nhunter3\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load::<Config>(&flag(Input::default(), "auth.keys_file", &[path]))
        .unwrap()
        .config;
    assert_eq!(
        config.auth.keys.iter().map(Secret::expose).collect::<Vec<_>>(),
        ["hunter2", "hunter3"]
    );
    let input = variable(Input::default(), "HALLWAY_AUTH_SECRET_FILE", path);
    assert_eq!(
        load::<Config>(&input).unwrap().config.auth.secret.expose(),
        "hunter2\nhunter3"
    );
    let twins = problems(&variable(
        file("[auth]\nsecret = 'x'"),
        "HALLWAY_AUTH_SECRET_FILE",
        path,
    ));
    assert_eq!(
        twins,
        [
            "h.toml:2: auth.secret and auth.secret_file are given together (variable HALLWAY_AUTH_SECRET_FILE); give one of them"
        ]
    );
    let missing = problems(&file("[auth]\nsecret_file = '/does/not/exist'"));
    assert!(missing[0].starts_with("h.toml:2: auth.secret_file = \"/does/not/exist\" is refused: No such file"));
}

#[test]
fn a_secret_is_never_shown() {
    let input = variable(
        file("[auth]\nsecret = 'hunter2'"),
        "HALLWAY_AUTH_KEYS",
        "hunter3,hunter4",
    );
    let loaded = load::<Config>(&input).unwrap();
    let shown = format!("{loaded:?}{}", loaded.print());
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("secret = \"(set)\" # h.toml:2"));
    assert!(shown.contains("keys = [\"(set)\", \"(set)\"] # variable HALLWAY_AUTH_KEYS"));
    let listed = problems(&file("[auth]\nsecret = 5555"));
    assert!(!listed.concat().contains("5555"), "{listed:?}");
    // A printed configuration is no configuration file.
    assert!(load::<Config>(&file("[auth]\nsecret = '(set)'")).is_err());
}

#[test]
fn tables_are_read_by_serde_with_their_lines() {
    let loaded = load::<Config>(&file("[[kinds]]\nprefix = 'a-'\n[[kinds]]\nprefix = 'b-'\n")).unwrap();
    assert_eq!(
        loaded
            .config
            .kinds
            .iter()
            .map(|kind| kind.prefix.as_str())
            .collect::<Vec<_>>(),
        ["a-", "b-"]
    );
    assert!(
        loaded.print().contains("[[kinds]]\nprefix = \"a-\""),
        "{}",
        loaded.print()
    );
    let listed = problems(&file("[[kinds]]\nprefix = 'a-'\n[[kinds]]\nprefix = 'b-'\nsize = 3\n"));
    assert!(
        listed[0].starts_with("h.toml:5: in [[kinds]]: unknown field `size`"),
        "{listed:?}"
    );
    assert_eq!(
        problems(&file("kinds = 3")),
        ["h.toml:1: kinds is a list of tables: write [[kinds]]"]
    );
    assert_eq!(
        problems(&file("limits = 3")),
        ["h.toml:1: limits is a section: write [limits]"]
    );
}

#[test]
fn a_table_stands_in_a_section_and_keeps_its_secrets() {
    let text = "[[auth.doors]]\nname = 'front'\nsecret = 'sesame'\n[[auth.doors]]\nname = 'back'\nsecret = 'mellon'";
    let loaded = load::<Config>(&file(text)).unwrap();
    let doors = &loaded.config.auth.doors;
    assert_eq!((doors[0].name.as_str(), doors[0].secret.expose()), ("front", "sesame"));
    assert_eq!((doors[1].name.as_str(), doors[1].secret.expose()), ("back", "mellon"));
    let printed = loaded.print();
    assert!(
        printed.contains("[[auth.doors]]\nname = \"back\"\nsecret = \"(set)\""),
        "{printed}"
    );
    assert!(!printed.contains("sesame") && !format!("{:?}", loaded.config).contains("sesame"));
    assert!(
        problems(&file(&printed))
            .iter()
            .any(|problem| problem.contains("(set)"))
    );
    for wrong in ["4711", "4711.5", "true", "'a'\nopen = 4711"] {
        let listed = problems(&file(&format!("[[auth.doors]]\nname = 'a'\nsecret = {wrong}"))).join("\n");
        assert!(
            listed.starts_with("h.toml:") && listed.contains("in [[auth.doors]]"),
            "{listed}"
        );
        assert!(!listed.contains("4711"), "{listed}");
    }
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    let input = file("listen = '[::1]:80'\nnames = ['a\"b']\n[limits]\nwait = '90s'\n[[kinds]]\nprefix = 'x-'\n");
    let first = load::<Config>(&input).unwrap();
    let second = load::<Config>(&file(&first.print())).unwrap();
    assert_eq!(format!("{:?}", first.config), format!("{:?}", second.config));
}

#[test]
fn the_reference_has_a_row_per_setting() {
    let text = reference::<Config>();
    let row = "| `limits.wait` | `HALLWAY_LIMITS_WAIT`<br>`--limits-wait` | `10s` | a length of time such as 250ms, 10s, 5m, 1h or 7d, from 1s to 5m | How long to wait, in all. |";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("## `[[kinds]]`\n\nMore kinds."), "{text}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let input = variable(Input::default(), "HALLWAY_SERVICE_HOST", "10.0.0.1");
    let input = variable(input, "PATH", "/bin");
    let mut input = variable(input, "HALLWAY_CONFIG", "x");
    assert_eq!(problems(&input).len(), 1);
    input.foreign_variables.push("HALLWAY_CONFIG".into());
    assert!(load::<Config>(&input).is_ok());
}
