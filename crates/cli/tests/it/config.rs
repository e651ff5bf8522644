//! `hallway config`, and how a node that cannot start says so.

use crate::run::hallway;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    file
}

#[test]
fn what_is_in_force_is_printed_with_its_sources() {
    let file = file("[auth]\njwt_secret = 'hunter2-hunter2-hunter2-hunter2-hunter2'\n");
    let path = file.path().to_str().unwrap();
    let args = ["config", "print", "--config", path, "--limits-frame-size", "32KiB"];
    let ended = hallway(&args, &[("HALLWAY_REDIS_URL", "redis://bob:hunter2@r:6379")]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for line in [
        "listen = \"0.0.0.0:8080\" # default".to_owned(),
        "frame_size = \"32KiB\" # flag --limits-frame-size".to_owned(),
        "url = \"redis://bob:(hidden)@r:6379\" # variable HALLWAY_REDIS_URL".to_owned(),
        format!("jwt_secret = \"(set)\" # {path}:2"),
    ] {
        assert!(
            ended.out.lines().any(|printed| printed == line),
            "{line}\n{}",
            ended.out
        );
    }
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
}

#[test]
fn all_mistakes_are_told_at_once_and_end_with_64() {
    let file = file("[limits]\nframe_sise = '1KiB'\nping_interval = 25\n");
    let path = file.path().to_str().unwrap();
    for command in [&["config", "check"] as &[_], &["serve"]] {
        let args = [command, &["--shutdown-drain", "fast"]].concat();
        let ended = hallway(
            &args,
            &[("HALLWAY_CONFIG", path), ("HALLWAY_REDIS_URI", "redis://:hunter2@r")],
        );
        assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
        for part in [
            format!("hallway: {path}:2: there is no setting limits.frame_sise; did you mean limits.frame_size?"),
            format!("hallway: {path}:3: limits.ping_interval = \"25\" is refused: must be a length of time"),
            "hallway: variable HALLWAY_REDIS_URI: no setting has this name; did you mean HALLWAY_REDIS_URL?".to_owned(),
            "hallway: flag --shutdown-drain: shutdown.drain = \"fast\" is refused".to_owned(),
        ] {
            assert!(
                ended.err.lines().any(|line| line.starts_with(&part)),
                "{part}\n{}",
                ended.err
            );
        }
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
}

#[test]
fn a_node_that_nobody_could_use_is_refused() {
    let ended = hallway(&["serve"], &[]);
    assert_eq!(ended.code, Some(64));
    assert!(
        ended.err.contains("nobody could connect: set auth.jwt_secret"),
        "{}",
        ended.err
    );
    assert_eq!(hallway(&["config", "check", "--dev"], &[]).code, Some(0));
    assert_eq!(hallway(&["config", "check", "--auth-anonymous"], &[]).code, Some(0));
    assert_eq!(hallway(&["config", "check"], &[("HALLWAY_DEV", "true")]).code, Some(0));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ended = hallway(&["config", "check"], &[("HALLWAY_CONFIG", "/does/not/exist.toml")]);
    assert_eq!(ended.code, Some(64));
    let expected = "hallway: variable HALLWAY_CONFIG: cannot read \"/does/not/exist.toml\": ";
    assert!(ended.err.starts_with(expected), "{}", ended.err);
}

#[test]
fn the_reference_is_printed() {
    let ended = hallway(&["config", "docs"], &[]);
    assert_eq!(ended.code, Some(0));
    assert!(
        ended
            .out
            .contains("| `limits.frame_size` | `HALLWAY_LIMITS_FRAME_SIZE`<br>`--limits-frame-size` | `64KiB` |")
    );
}

#[test]
fn unknown_flags_and_commands_end_with_64() {
    for args in [
        &["serve", "--lisen", "x"] as &[_],
        &["no-such-command"],
        &[],
        &["serve", "--redis-url"],
    ] {
        let ended = hallway(args, &[]);
        assert_eq!(ended.code, Some(64), "{args:?}");
        assert!(!ended.err.is_empty());
    }
    let help = hallway(&["serve", "--help"], &[]);
    assert_eq!(help.code, Some(0));
    assert!(
        help.out.contains("--redis-url <URL>") && help.out.contains("Settings [limits]:"),
        "{}",
        help.out
    );
}
