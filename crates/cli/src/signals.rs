//! The signals that end a process, and the one that has it read its configuration again.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A signal that asks the process to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    /// From a terminal (Ctrl-C).
    Interrupt,
    /// From an orchestrator.
    Terminate,
}

impl Signal {
    /// What a shell reports for a process that a signal ended: 128 and the signal's number.
    pub(crate) const fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// All of them. From the moment this exists they do not end the process by themselves.
pub(crate) struct Signals {
    interrupt: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Signals {
    /// Must be called inside of a runtime.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one that asks the process to end; `on_hangup` runs for each hangup before it. Cancel safe.
    pub(crate) async fn next(&mut self, mut on_hangup: impl FnMut()) -> Signal {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Signal::Interrupt,
                _ = self.terminate.recv() => return Signal::Terminate,
                _ = self.hangup.recv() => on_hangup(),
            }
        }
    }
}
