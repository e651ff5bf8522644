//! A real Postgres server that can be hurt.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::free_port;

/// How long a server may take to be made, to answer, or to be gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// The server's first user; and the system's user that runs it where the tests run as root, which Postgres refuses to be.
/// Debian's package brings them.
const USER: &str = "postgres";

/// A Postgres server of its own (15 or newer), on 127.0.0.1, with a folder of its own. All of its processes are killed when it
/// is dropped. It does not wait for the disk: what it has outlives its processes, not the machine.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    folder: TempDir,
    programs: PathBuf,
    /// Of the standard library, not of tokio: a shared server outlives the runtime of the test that started it.
    child: Option<Child>,
}

impl PostgresServer {
    /// Makes one, and waits until it answers.
    ///
    /// # Panics
    /// There is no Postgres, or it does not answer in time.
    pub async fn start() -> Self {
        let mut server = Self {
            port: free_port(),
            folder: tempfile::tempdir().expect("a temporary folder"),
            programs: programs(),
            child: None,
        };
        server.initialize().await;
        for _ in 0..5 {
            server.spawn();
            if server.answers().await {
                return server;
            }
            // Someone else took the port.
            server.kill().await;
            server.port = free_port();
        }
        panic!("postgres does not answer: {}", server.log());
    }

    /// One for all tests of this process that do not hurt it, since making one takes seconds. It ends with the last test that
    /// holds it.
    pub async fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&server);
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database that it always has. Its texts are sorted as in English.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same by way of another port of 127.0.0.1, such as a proxy's.
    #[must_use]
    pub fn url_at(&self, port: u16) -> String {
        format!("postgres://{USER}@127.0.0.1:{port}/postgres")
    }

    /// Makes an empty database, and gives its URL.
    pub async fn create_database(&self, name: &str) -> String {
        self.sql(&format!("CREATE DATABASE \"{name}\"")).await;
        format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs SQL in the database of [`PostgresServer::url`] and gives what it prints: fields separated by `|`.
    ///
    /// # Panics
    /// It is refused, or the server is away.
    pub async fn sql(&self, sql: &str) -> String {
        self.sql_at(&self.url(), sql).await
    }

    /// The same in the database of another URL.
    ///
    /// # Panics
    /// As for [`PostgresServer::sql`].
    pub async fn sql_at(&self, url: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--dbname", url, "--command", sql])
            .stdin(Stdio::null());
        output(psql).await.unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// Ends it at once, all of its processes, as `kill -9` does.
    pub async fn kill(&mut self) {
        self.end();
        // It says that the server runs. The numbers in it may be other processes' by now.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Starts it again at the same port, with what it has, and waits until it answers.
    ///
    /// # Panics
    /// It does not in time.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.spawn();
        assert!(
            self.answers().await,
            "postgres does not answer after a restart: {}",
            self.log()
        );
    }

    /// Hangs all of its processes (`kill -STOP`): connections stay and new ones are made, nothing is answered.
    pub async fn pause(&self) {
        let id = self.id().expect("postgres is running");
        // The first process before the others, so that it starts no more of them.
        signal("-STOP", &[id]);
        signal("-STOP", &children(id));
    }

    /// Ends that.
    pub async fn resume(&self) {
        let id = self.id().expect("postgres is running");
        signal("-CONT", &children(id));
        signal("-CONT", &[id]);
    }

    fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn initialize(&self) {
        let folder = self.folder.path();
        if is_root() {
            let mut chown = Command::new("chown");
            chown.arg(USER).arg(folder);
            output(chown).await.expect("the system's user of Postgres");
        }
        let mut initdb = self.command("initdb");
        initdb
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"])
            // Not byte by byte, so that a test notices who relies on that without saying so.
            .args([
                "--locale",
                "C.UTF-8",
                "--locale-provider",
                "icu",
                "--icu-locale",
                "en-US",
            ]);
        output(initdb).await.expect("initdb");
    }

    fn spawn(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"));
        let mut postgres = self.command("postgres");
        postgres
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "fsync=off", "-c", "unix_socket_directories="])
            .args(["-c", "shared_buffers=32MB", "-c", "autovacuum=off"])
            .stdout(Stdio::null())
            .stderr(log.expect("a file in our own folder"));
        self.child = Some(postgres.spawn().expect("postgres is installed"));
    }

    /// One of its programs, as a user that may run it.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            // It replaces itself by the program, so that the child is the server.
            let mut command = Command::new("setpriv");
            let group = format!("--regid={USER}");
            command.args([&format!("--reuid={USER}"), &group, "--clear-groups", "--inh-caps=-all"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        // Who runs the tests may stand in a folder that the other user cannot enter.
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Waits until it answers; false if it ended or did not in time.
    async fn answers(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let is_running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
            if !self.child.as_mut().is_some_and(is_running) {
                return false;
            }
            let mut asked = Command::new(self.programs.join("pg_isready"));
            asked.args(["--quiet", "--host", "127.0.0.1", "--port", &self.port.to_string()]);
            if output(asked).await.is_ok() {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Kills all of its processes and waits until they are gone.
    fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Stopped first, so that it starts no others. They would end by themselves a moment later; the files are needed now.
        signal("-STOP", &[child.id()]);
        let children = children(child.id());
        signal("-KILL", &children);
        signal("-KILL", &[child.id()]);
        let _ = child.wait();
        let until = std::time::Instant::now() + PATIENCE;
        while children.iter().any(|&id| is_alive(id)) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Asked to end at once, it takes its shared memory along; killed, it would leave that to the machine.
        if let Some(child) = &mut self.child {
            let id = child.id();
            signal("-CONT", &children(id));
            signal("-CONT", &[id]);
            signal("-QUIT", &[id]);
            let until = std::time::Instant::now() + Duration::from_secs(10);
            while matches!(child.try_wait(), Ok(None)) && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.end();
    }
}

/// Where Debian puts the programs of its newest version, which are not on the path; elsewhere: the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|programs| programs.join("initdb").exists())
        .max_by_key(|programs| {
            let version = programs.parent().and_then(|version| version.file_name());
            version.and_then(|version| version.to_str()?.parse::<u32>().ok())
        });
    newest.unwrap_or_default()
}

/// Whether the tests run as root.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Runs a program to its end, beside other tests of the same thread; what it printed, or what it complained of.
async fn output(mut command: Command) -> Result<String, String> {
    let run = tokio::task::spawn_blocking(move || command.output());
    let run = run.await.expect("no panic").map_err(|why| why.to_string())?;
    if run.status.success() {
        Ok(String::from_utf8_lossy(&run.stdout).trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&run.stderr).trim_end().to_owned())
    }
}

/// Processes whose parent is this one.
fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|&id| stat(id).is_some_and(|(_, parent)| parent == of))
        .collect()
}

/// Whether a process is there, and more than a corpse.
fn is_alive(id: u32) -> bool {
    stat(id).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process (proc(5), `/proc/pid/stat`).
fn stat(id: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn signal(signal: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let ids = processes.iter().map(u32::to_string);
    // One that is gone already is no harm.
    let _ = Command::new("kill")
        .arg(signal)
        .args(ids)
        .stderr(Stdio::null())
        .status();
}
