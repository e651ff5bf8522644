//! A wall clock for [`RedisServer`] that stands still until a test steps it, so that what time alone decides happens exactly
//! when the test says, and hours of it in no time. `TIME`, in scripts too, and the lives of keys follow it.
//!
//! It works by a few lines of C ([`SOURCE`]), compiled by `cc`, which is wherever Rust links, and put before the server's own
//! by `LD_PRELOAD`. What a server measures by the monotonic clock, such as how long it waits for its clients, goes on as ever.

use std::fs;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::RedisServer;

const SOURCE: &str = include_str!("stand_still.c");

/// A clock that stands still until it is stepped. It must live for as long as its servers.
#[derive(Debug)]
pub struct SteppedClock {
    folder: TempDir,
    file: fs::File,
    millis: u64,
}

impl SteppedClock {
    /// One that stands at a time, in Unix milliseconds.
    ///
    /// # Panics
    /// There is no `cc`, or no place for what it writes.
    #[must_use]
    pub fn at(millis: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("stand_still.c");
        fs::write(&source, SOURCE).expect("a file in our own folder");
        let library = folder.path().join("stand_still.so");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(&source);
        let compiled = compiler.status().expect("cc is installed");
        assert!(compiled.success(), "cc: {compiled}");
        let options = fs::OpenOptions::new().write(true).create_new(true).to_owned();
        let file = options
            .open(folder.path().join("time"))
            .expect("a file in our own folder");
        let mut clock = Self {
            folder,
            file,
            millis: 0,
        };
        clock.set(millis);
        clock
    }

    /// Starts a server that goes by this clock and keeps nothing on disk.
    pub async fn start_redis(&self) -> RedisServer {
        let path = |name| self.folder.path().join(name).into_os_string();
        let environment = vec![
            ("LD_PRELOAD", path("stand_still.so")),
            ("HALLWAY_TEST_CLOCK", path("time")),
        ];
        RedisServer::start_in(environment, &["--save", "", "--appendonly", "no"]).await
    }

    /// What it says, in Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.millis
    }

    /// Sets it.
    ///
    /// # Panics
    /// Its file cannot be written.
    pub fn set(&mut self, millis: u64) {
        self.millis = millis;
        let micros = i64::try_from(millis * 1000).expect("a time");
        self.file
            .write_all_at(&micros.to_ne_bytes(), 0)
            .expect("the clock's file");
    }

    /// Steps it forward.
    pub fn forward(&mut self, time: Duration) {
        self.set(self.millis + time.as_millis() as u64);
    }

    /// Steps it back.
    pub fn back(&mut self, time: Duration) {
        self.set(self.millis - time.as_millis() as u64);
    }
}
