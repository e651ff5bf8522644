//! A Redis of the run's own, and plain RESP to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::clock;
use crate::error::{Doing, Failure};
use crate::payload::{self, TIME_BASE};
use crate::process::Process;
use crate::server::free_address;

const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis without persistence, which ends with the run.
pub(crate) struct Redis {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Redis {
    /// Whether there is one to start.
    pub(crate) fn is_installed(program: &str) -> bool {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    pub(crate) fn start(program: &str) -> Result<Self, Failure> {
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no"]);
        let mut process = Process::start("redis-server", &mut command)?;
        process.wait_until(PATIENCE, || ping(address).is_ok())?;
        Ok(Self { process, address })
    }

    /// CPU microseconds of Redis for one plain `PUBLISH` to one subscriber, `batch` at a time.
    pub(crate) fn plain_publish_cost(&self, payload: usize, batch: usize, time: Duration) -> Result<f64, Failure> {
        const CHANNEL: &str = "loadgen-plain";
        let mut subscriber = dial(self.address)?;
        subscribe(&mut subscriber, CHANNEL)?;
        let ending = subscriber.try_clone().doing("Redis")?;
        let reader = std::thread::spawn(move || {
            let mut scratch = vec![0; 64 * 1024];
            while subscriber.read(&mut scratch).is_ok_and(|read| read > 0) {}
        });
        let mut publisher = dial(self.address)?;
        let mut one = Vec::new();
        put_publish(&mut one, CHANNEL, clock::micros(), payload);
        let calls = one.repeat(batch);
        // Each is answered with `:1`.
        let mut answers = vec![0; 4 * batch];
        let (start, before, mut count) = (Instant::now(), self.process.cpu()?, 0_u64);
        while start.elapsed() < time {
            publisher.write_all(&calls).doing("PUBLISH")?;
            publisher.read_exact(&mut answers).doing("PUBLISH")?;
            count += batch as u64;
        }
        let cost = (self.process.cpu()? - before) * 1e6 / count.max(1) as f64;
        // The reader then reads an end.
        let _ = ending.shutdown(Shutdown::Both);
        let _ = reader.join();
        Ok(cost)
    }
}

fn ping(address: SocketAddr) -> Result<(), Failure> {
    let mut stream = dial(address)?;
    stream.write_all(b"PING\r\n").doing("PING")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).doing("PING")?;
    if &answer == b"+PONG\r\n" {
        Ok(())
    } else {
        Err(Failure::new("no PONG"))
    }
}

fn dial(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).doing("Redis")?;
    stream.set_nodelay(true).doing("Redis")?;
    stream.set_read_timeout(Some(PATIENCE)).doing("Redis")?;
    stream.set_write_timeout(Some(PATIENCE)).doing("Redis")?;
    Ok(stream)
}

fn subscribe(stream: &mut TcpStream, channel: &str) -> Result<(), Failure> {
    stream
        .write_all(format!("SUBSCRIBE {channel}\r\n").as_bytes())
        .doing("SUBSCRIBE")?;
    let mut answer = [0; 256];
    let read = stream.read(&mut answer).doing("SUBSCRIBE")?;
    if answer[..read].starts_with(b"*3") {
        Ok(())
    } else {
        Err(Failure::new("Redis does not subscribe"))
    }
}

fn put_publish(out: &mut Vec<u8>, channel: &str, micros: u64, size: usize) {
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${size}\r\n",
        channel.len()
    );
    payload::data(out, micros, size);
    out.extend_from_slice(b"\r\n");
}

/// A publisher and a subscriber of one channel: the way through Redis and nothing else.
pub(crate) struct PingPair {
    publisher: TcpStream,
    pub(crate) subscriber: TcpStream,
    kept: Vec<u8>,
    payload: usize,
}

impl PingPair {
    const CHANNEL: &str = "loadgen-ping";

    pub(crate) fn new(address: SocketAddr, payload: usize) -> Result<Self, Failure> {
        let (publisher, mut subscriber) = (dial(address)?, dial(address)?);
        subscribe(&mut subscriber, Self::CHANNEL)?;
        subscriber.set_nonblocking(true).doing("Redis")?;
        publisher.set_nonblocking(true).doing("Redis")?;
        Ok(Self {
            publisher,
            subscriber,
            kept: Vec::new(),
            payload,
        })
    }

    /// Publishes the time.
    pub(crate) fn send(&mut self) -> Result<(), Failure> {
        let mut scratch = [0; 4096];
        // What was answered to earlier ones; nothing there is fine.
        let _ = self.publisher.read(&mut scratch);
        let mut call = Vec::new();
        put_publish(&mut call, Self::CHANNEL, clock::micros(), self.payload);
        self.publisher.write_all(&call).doing("PUBLISH")
    }

    /// The latencies, in microseconds, of what has come.
    pub(crate) fn receive(&mut self) -> Vec<u64> {
        const BEFORE: &[u8] = br#"{"t":"#;
        let mut scratch = [0; 16 * 1024];
        if let Ok(read) = self.subscriber.read(&mut scratch) {
            self.kept.extend_from_slice(&scratch[..read]);
        }
        let now = clock::micros();
        let mut latencies = Vec::new();
        while let Some(at) = self.kept.windows(BEFORE.len()).position(|window| window == BEFORE) {
            let Some(digits) = self.kept.get(at + BEFORE.len()..at + BEFORE.len() + 16) else {
                break;
            };
            let made = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse::<u64>().ok());
            latencies.extend(made.map(|made| now.saturating_sub(made.saturating_sub(TIME_BASE)).max(1)));
            self.kept.drain(..at + BEFORE.len() + 16);
        }
        latencies
    }
}
