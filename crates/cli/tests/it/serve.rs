//! A node as its operator runs it: what it prints, how the other commands reach it, and how it ends.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::run::{command, hallway};

/// A node in dev mode, killed if a test fails.
pub(crate) struct Served {
    child: Child,
    public: u16,
    internal: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Served {
    /// Starts a node and waits until it says what to open.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let (public, internal) = (free_port(), free_port());
        let mut child = command()
            .args(["serve", "--dev", "--listen", &format!("127.0.0.1:{public}")])
            .args(["--internal-listen", &format!("127.0.0.1:{internal}")])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let open = lines
            .find_map(|line| line.ok().filter(|line| line.contains("/demo")))
            .expect("what to open");
        assert!(open.contains(&format!("http://127.0.0.1:{public}/demo")), "{open}");
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            public,
            internal,
        }
    }

    /// The URL of its API.
    pub(crate) fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.internal)
    }

    /// The URL for clients.
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.public)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn wait(&mut self, patience: Duration) -> ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it has not ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn run(args: &[&str]) -> (bool, String) {
    let ended = hallway(args, &[]);
    (ended.code == Some(0), ended.out + &ended.err)
}

#[test]
fn commands_reach_a_node_with_nothing_set() {
    let served = Served::start(&[]);
    let (api, url) = (served.api(), served.url());
    let mut listening = command()
        .args(["tail", "--dev", "--url", &url, "--json", "board-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(listening.stderr.take().unwrap()).lines();
    notes
        .find(|note| note.as_ref().is_ok_and(|note| note.contains("connected")))
        .unwrap()
        .unwrap();
    // The room tells of the listener itself first.
    let mut heard = BufReader::new(listening.stdout.take().unwrap())
        .lines()
        .skip_while(|line| line.as_ref().is_ok_and(|line| line.contains("user-joined")));
    // It says that it is connected before it has joined, so publish until it hears.
    let (first_heard, line) = std::sync::mpsc::channel();
    std::thread::spawn(move || first_heard.send(heard.next()));
    let line = loop {
        let (good, text) = run(&["publish", "--dev", "--api", &api, "board-1", "greet", r#"{"n":1}"#]);
        assert!(good, "{text}");
        if let Ok(line) = line.recv_timeout(Duration::from_millis(200)) {
            break line.unwrap().unwrap();
        }
    };
    assert!(line.contains(r#""destination":"greet""#), "{line}");
    let (good, text) = run(&["nodes", "--dev", "--api", &api]);
    assert!(good && text.contains("NODE"), "{text}");
    listening.kill().unwrap();
    listening.wait().unwrap();
}

#[test]
fn a_first_signal_drains_and_a_second_ends_at_once() {
    let mut served = Served::start(&["--shutdown-drain", "100ms"]);
    served.signal("-TERM");
    assert_eq!(served.wait(Duration::from_secs(10)).code(), Some(0));

    let mut served = Served::start(&["--shutdown-delay", "20s", "--shutdown-deadline", "60s"]);
    served.signal("-TERM");
    // The readiness tells when the first one has arrived.
    let until = Instant::now() + Duration::from_secs(10);
    while ready(served.internal) {
        assert!(Instant::now() < until, "still ready");
    }
    served.signal("-TERM");
    assert_eq!(served.wait(Duration::from_secs(5)).code(), Some(143));
}

#[test]
fn health_is_an_exit_code() {
    let mut served = Served::start(&["--shutdown-delay", "20s", "--shutdown-deadline", "60s"]);
    let api = format!("http://127.0.0.1:{}", served.internal);
    let health = |more: &[&str]| hallway(&[&["health", "--dev", "--api", &api], more].concat(), &[]);
    let well = health(&[]);
    assert_eq!(
        (well.code, well.out.contains("\"ready\":true")),
        (Some(0), true),
        "{well:?}"
    );

    served.signal("-TERM");
    while ready(served.internal) {
        std::thread::yield_now();
    }
    let draining = health(&[]);
    assert_eq!(draining.code, Some(1), "{draining:?}");
    assert!(draining.err.contains("503"), "{draining:?}");
    assert_eq!(health(&["--alive"]).code, Some(0), "it lives");

    served.signal("-TERM");
    served.wait(Duration::from_secs(5));
    assert_eq!(health(&["--alive"]).code, Some(69), "nobody is there");
    assert_eq!(health(&["--api", "no url"]).code, Some(64));
}

fn ready(port: u16) -> bool {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (good, text) = run(&[
        "serve",
        "--dev",
        "--listen",
        &address,
        "--internal-listen",
        "127.0.0.1:0",
    ]);
    assert!(!good && text.contains(&address), "{text}");
}

#[test]
fn the_printed_documents_are_those_in_the_repository() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    for (arguments, page) in [
        (["config", "docs"], "docs/configuration.md"),
        (["metrics", "docs"], "docs/metrics.md"),
        (["protocol", "types"], "clients/typescript/src/generated.ts"),
    ] {
        let (_, printed) = run(&arguments);
        let kept = std::fs::read_to_string(format!("{root}{page}")).unwrap_or_default();
        assert!(printed.trim() == kept.trim(), "{page} is out of step: make docs");
    }
}
