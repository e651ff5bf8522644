//! Where the scripts of `clients/socketio-tests` play: nodes, a proxy before the first, a load balancer before all; and who
//! does what a script asks for.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hallway_testkit::{Cluster, Proxy, free_port, token};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

/// No script takes as long; one that does waits for something that never came.
const PATIENCE: Duration = Duration::from_secs(150);

/// Nodes and what is before them.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) set: Value,
    proxy: Option<Proxy>,
    balancer: Option<Balancer>,
    authority: Option<PathBuf>,
}

/// HAProxy before all nodes, with sticky sessions by cookie.
struct Balancer {
    haproxy: Child,
    _folder: TempDir,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.haproxy.start_kill();
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/socketio-tests")
}

/// Installs what the lock file names, once.
async fn installed() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let there = folder().join("node_modules/.package-lock.json").exists();
        if !there {
            let npm = Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(folder())
                .output();
            let npm = npm.await.expect("npm is there");
            assert!(npm.status.success(), "{}", String::from_utf8_lossy(&npm.stderr));
        }
    };
    INSTALLED.get_or_init(install).await;
}

impl Stage {
    pub(super) async fn of(cluster: Cluster) -> Self {
        installed().await;
        let urls: Vec<String> = (0..cluster.len())
            .map(|number| format!("http://{}", cluster.node(number).public_address()))
            .collect();
        let patterns = ["board-*", "group-*", "org-*"];
        let set = json!({
            "urls": urls,
            "tokens": {"alice": token("alice", &patterns), "bob": token("bob", &patterns), "carol": token("carol", &["board-*"])},
        });
        Self {
            cluster,
            set,
            proxy: None,
            balancer: None,
            authority: None,
        }
    }

    fn port(&self, number: usize) -> u16 {
        self.cluster.node(number).public_address().port()
    }

    /// With a proxy before the first node.
    pub(super) async fn proxied(mut self) -> Self {
        let proxy = Proxy::start(self.port(0)).await;
        self.set["proxied"] = format!("http://127.0.0.1:{}", proxy.port()).into();
        self.proxy = Some(proxy);
        self
    }

    /// With a load balancer before all.
    pub(super) async fn balanced(mut self) -> Self {
        let ports: Vec<u16> = (0..self.cluster.len()).map(|number| self.port(number)).collect();
        let (balancer, port) = Balancer::start(&ports).await;
        self.set["balanced"] = format!("http://127.0.0.1:{port}").into();
        self.balancer = Some(balancer);
        self
    }

    /// Over TLS, with certificates of this authority.
    pub(super) fn secure(mut self, authority: &Path) -> Self {
        let url = format!("https://localhost:{}", self.port(0));
        self.set["urls"] = json!([url]);
        self.authority = Some(authority.to_owned());
        self
    }

    /// Plays a script; `transports` as the client takes them, null for its default.
    pub(super) async fn play(&mut self, script: &str, transports: Value) {
        let name = format!("{script} with {transports}");
        self.set["transports"] = transports;
        let mut command = Command::new("node");
        if let Some(authority) = &self.authority {
            command.env("NODE_EXTRA_CA_CERTS", authority);
        }
        let mut node = command
            .arg(folder().join(script))
            .env("HALLWAY_TEST", self.set.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is there");
        let mut stderr = node.stderr.take().expect("a pipe");
        let complaints = tokio::spawn(async move {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text).await;
            text
        });
        let played = tokio::time::timeout(PATIENCE, self.serve(&mut node)).await;
        let _ = node.start_kill();
        let said = complaints.await.expect("read");
        match played {
            Ok((true, _)) => {}
            Ok((false, out)) => panic!("{name}:\n{out}{said}"),
            Err(_) => panic!("{name} waits for ever:\n{said}"),
        }
    }

    /// Does what the script asks for, until it is over; whether it was well, and what it said.
    async fn serve(&mut self, node: &mut Child) -> (bool, String) {
        let mut answers = node.stdin.take().expect("a pipe");
        let mut lines = BufReader::new(node.stdout.take().expect("a pipe")).lines();
        let mut said = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            match line.strip_prefix("> ") {
                Some(command) => {
                    self.obey(command);
                    answers.write_all(b"done\n").await.expect("it listens");
                }
                None => said = said + &line + "\n",
            }
        }
        let status = node.wait().await.expect("it ended");
        (status.success(), said)
    }

    fn obey(&mut self, command: &str) {
        let proxy = self.proxy.as_ref().expect("a proxy");
        match command.split(' ').collect::<Vec<_>>()[..] {
            ["cut"] => proxy.cut(),
            ["refuse"] => proxy.refuse(),
            ["heal"] => proxy.heal(),
            ["lead", number] => proxy.lead_to(self.port(number.parse().expect("a number"))),
            // The first node dies with all its connections, and who comes by the proxy is led to the second.
            ["kill"] => {
                proxy.lead_to(self.port(1));
                proxy.refuse();
                proxy.cut();
                drop(self.cluster.take(0));
            }
            _ => panic!("{command:?} is not known here"),
        }
    }
}

impl Balancer {
    async fn start(ports: &[u16]) -> (Self, u16) {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let mut config = format!(
            "defaults\n mode http\n timeout connect 3s\n timeout client 60s\n timeout server 60s\n timeout tunnel 90s\n\
             frontend clients\n bind 127.0.0.1:{port}\n default_backend nodes\n\
             backend nodes\n balance roundrobin\n cookie HALLWAY insert indirect nocache\n"
        );
        for (number, port) in ports.iter().enumerate() {
            config += &format!(" server node-{number} 127.0.0.1:{port} cookie n{number}\n");
        }
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, config).expect("written");
        // Debian keeps it where the path of an ordinary user does not lead.
        let path_of = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
        let haproxy = Command::new("haproxy")
            .env("PATH", path_of)
            .args(["-db", "-q", "-f"])
            .arg(&path)
            .kill_on_drop(true)
            .spawn()
            .expect("haproxy is there");
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), listens)
            .await
            .expect("haproxy listens");
        let balancer = Self {
            haproxy,
            _folder: folder,
        };
        (balancer, port)
    }
}
