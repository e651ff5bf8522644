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
