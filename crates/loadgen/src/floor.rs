//! The floor: a process that does nothing but `write(2)` one ready frame to sockets. What a delivery costs on
//! this machine at this moment, whatever the server does.
//!
//! The writer is told what to do by bytes on a connection of its own, one per broadcast, so that it is driven
//! exactly as a server is: as many broadcasts under way, the same readers, the same waiting.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hallway_protocol::Codec;
use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::{Doing, Failure};
use crate::payload;
use crate::process::cpu_of;
use crate::swarm::{Drive, Open, Role, Swarm, Target, Via};
use crate::wire;

/// Bytes of the frame with its header.
const FRAME: usize = 140;

/// How long nothing may come of the writer; it loses nothing, so this says that it hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sockets' only room.
const ROOM: &str = "floor";

/// What the writer does for one broadcast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Sockets in all.
    pub(crate) sockets: usize,
    /// Sockets that one broadcast goes to; the next goes to the next ones.
    pub(crate) group: usize,
    /// Frames in one write.
    pub(crate) coalesced: usize,
    /// Broadcasts under way.
    pub(crate) under_way: u64,
}

/// What it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// CPU seconds of the writer per million frames.
    pub(crate) per_million: f64,
    frames: u64,
    seconds: f64,
}

impl Cost {
    pub(crate) fn report(&self) -> Value {
        json!({"cpuSecondsPerMillion": self.per_million, "frames": self.frames, "seconds": self.seconds})
    }
}

/// Starts a writer, drives it for `time`, and says what it cost.
pub(crate) fn measure(shape: Shape, time: Duration) -> Result<Cost, Failure> {
    let mut writer = Writer::start(shape)?;
    let target = Target {
        address: writer.address,
        source: 1,
    };
    let mut swarm = Swarm::new(Codec::Json, [ROOM.to_owned()])?;
    let socket = |role| Open {
        role,
        rooms: 0..1,
        token: String::new(),
    };
    let control = swarm.open(&target, 1, [socket(Role::Control)])?;
    swarm.open(&target, 1, (0..shape.sockets).map(|_| socket(Role::Floor)))?;
    writer.wait()?;
    let drive = Drive {
        via: Via::Socket,
        first: control,
        publishers: 1,
        rooms_each: 1,
        receivers: (shape.group * shape.coalesced) as u64,
        under_way: shape.under_way,
        rate: None,
        payload: 0,
        time,
        patience: PATIENCE,
    };
    let warm_up = Drive {
        time: time / 10,
        ..drive.clone()
    };
    swarm.drive(&warm_up, |_| Ok(Duration::MAX))?;
    let before = cpu_of(writer.child.id())?;
    let driven = swarm.drive(&drive, |_| Ok(Duration::MAX))?;
    let cpu = cpu_of(writer.child.id())? - before;
    if driven.lost() > 0 {
        return Err(Failure(format!(
            "the floor lost {} frames: {}",
            driven.lost(),
            swarm.tally.trouble()
        )));
    }
    Ok(Cost {
        per_million: cpu * 1e6 / driven.delivered.max(1) as f64,
        frames: driven.delivered,
        seconds: driven.seconds,
    })
}

/// The writer as a child process; it ends when its control connection does.
struct Writer {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Writer {
    fn start(shape: Shape) -> Result<Self, Failure> {
        let program = std::env::current_exe().doing("own path")?;
        let mut child = Command::new(program)
            .arg("floor-writer")
            .args(["--sockets", &shape.sockets.to_string()])
            .args(["--group", &shape.group.to_string()])
            .args(["--coalesced", &shape.coalesced.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .doing("starting the floor's writer")?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("the writer has no output"))?;
        let mut writer = Self {
            child,
            lines: BufReader::new(out),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
        };
        writer.address = writer.line()?.parse().doing("the writer's address")?;
        Ok(writer)
    }

    /// Waits until it has accepted all sockets.
    fn wait(&mut self) -> Result<(), Failure> {
        self.line().map(drop)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.lines.read_line(&mut line).doing("the floor's writer")?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does. The first connection tells it to write, the others are written to.
pub(crate) fn write(sockets: usize, group: usize, coalesced: usize) -> Result<(), Failure> {
    let listener = listen().doing("listening")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", listener.local_addr().doing("own address")?).doing("stdout")?;
    let accept = || -> std::io::Result<TcpStream> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let mut control = accept().doing("accept")?;
    let mut readers = (0..sockets)
        .map(|_| accept())
        .collect::<Result<Vec<_>, _>>()
        .doing("accept")?;
    writeln!(out, "ready").doing("stdout")?;
    let frames = frame().repeat(coalesced);
    let mut orders = [0; 4096];
    let mut next = 0;
    loop {
        // The parent's going is a reset.
        let orders = control.read(&mut orders).unwrap_or(0);
        if orders == 0 {
            return Ok(());
        }
        for _ in 0..orders {
            for reader in &mut readers[next..next + group] {
                reader.write_all(&frames).doing("write")?;
            }
            next = (next + group) % sockets;
        }
    }
}

/// With a backlog that takes sockets as fast as they come.
fn listen() -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn frame() -> Vec<u8> {
    let mut text = format!(
        r#"{{"broadcast":{{"room":"{ROOM}","destination":"{}","data":"#,
        payload::DESTINATION
    )
    .into_bytes();
    // Four bytes of header, two braces at the end.
    let size = FRAME - 4 - 2 - text.len();
    payload::data(&mut text, 0, size);
    text.extend_from_slice(b"}}");
    let mut frame = Vec::new();
    wire::put_plain(&mut frame, wire::TEXT, &text);
    frame
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_frame_has_its_size() {
        assert_eq!(super::frame().len(), super::FRAME);
    }
}
