//! `SIGHUP`: what a running node takes over, what it says about the rest, and what its log never says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::run::command;

const SECRET: &str = "jwt-hunter2-0123456789-0123456789-0123456789";

/// A node with a file for its configuration, and all that it logs. Killed if a test fails.
struct Served {
    child: Child,
    public: String,
    internal: String,
    folder: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hallway.toml");
        std::fs::write(&path, settings).unwrap();
        let mut child = command()
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .args(["--log-filter", "trace", "--config", path.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log: Arc<Mutex<String>> = Arc::default();
        let (lines, own) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = own.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut served = Self {
            child,
            public: String::new(),
            internal: String::new(),
            folder,
            log,
        };
        let up = served.wait_for("hallway is up");
        let address = |name: &str| {
            let rest = up.split(&format!("{name}=")).nth(1).expect("an address");
            rest.split_whitespace().next().unwrap().to_owned()
        };
        (served.public, served.internal) = (address("public"), address("internal"));
        served
    }

    /// Waits until the log has a line with this; returns the line.
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let log = self.log.lock().unwrap().clone();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "no line with {text:?} in\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn write(&self, settings: &str) {
        std::fs::write(self.folder.path().join("hallway.toml"), settings).unwrap();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    fn ask(&self, address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The status that the API answers a key with.
    fn api(&self, key: &str) -> String {
        let request = format!(
            "GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        let answer = self.ask(&self.internal, &request);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// What an upgrade with a token is answered with; it is over with the connection.
    fn upgrade(&self, path: &str, token: &str) -> String {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{token}\r\n"
        );
        let mut stream = TcpStream::connect(&self.public).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8_lossy(&start[9..]).into_owned()
    }
}

fn settings(key: &str, more: &str) -> String {
    format!("{more}\n[auth]\njwt_secret = '{SECRET}'\nquery_token = true\n[api]\nkeys = ['{key}']\n")
}

#[test]
fn a_hangup_takes_over_what_can_change_and_names_the_rest() {
    let served = Served::start(&settings("one", ""));
    assert_eq!((served.api("one").as_str(), served.api("two").as_str()), ("200", "401"));

    served.write(&settings("two", "node = 'other'"));
    let waiting = served.wait_for("wait for a restart");
    assert!(waiting.contains("settings=\"node\""), "{waiting}");
    assert_eq!((served.api("one").as_str(), served.api("two").as_str()), ("401", "200"));

    served.write("[auth]\njwt_sekret = 'x'");
    let refused = served.wait_for("nothing has changed");
    assert!(refused.contains("jwt_sekret"), "{refused}");
    assert_eq!((served.api("one").as_str(), served.api("two").as_str()), ("401", "200"));
}

#[test]
fn the_log_keeps_what_it_is_shown() {
    let served = Served::start(&settings("api-hunter2-0123456789", ""));
    let ended = crate::run::hallway(
        &["token", "--user", "alice", "--room", "board-*"],
        &[("HALLWAY_AUTH_JWT_SECRET", SECRET)],
    );
    let good = ended.out.trim();
    assert!(good.contains('.'), "{}", ended.err);
    let bad = "bad-hunter2-0123456789";
    for (token, status) in [(good, "101"), (bad, "401")] {
        assert_eq!(
            served.upgrade("/ws", &format!("Authorization: Bearer {token}\r\n")),
            status
        );
        assert_eq!(served.upgrade(&format!("/ws?token={token}"), ""), status);
        let offered = format!("Sec-WebSocket-Protocol: hallway.v1.json, hallway.token.{token}\r\n");
        assert_eq!(served.upgrade("/ws", &offered), status);
    }
    assert_eq!(served.api("api-hunter2-0123456789"), "200");
    assert_eq!(served.api(bad), "401");
    served.write(&settings("api-hunter2-9876543210", "node = 'other'"));
    served.wait_for("wait for a restart");
    // What was asked for before it has been logged by now: the log is written by whoever has something to say.
    let log = served.log.lock().unwrap().clone();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "it does say much:\n{log}"
    );
    assert!(!log.contains("hunter2"), "{log}");
    let signature = good.rsplit('.').next().unwrap();
    assert!(!log.contains(signature), "{log}");
}
