//! Whether the node can do its job. That the process lives is another question (`/healthz`).

use std::sync::atomic::{AtomicBool, Ordering};

use hallway_bus::Health;
use serde::Serialize;
use tokio::sync::watch;

/// What readiness listens to.
#[derive(Debug)]
pub struct Readiness {
    leaving: AtomicBool,
    draining: AtomicBool,
    bus: watch::Receiver<Health>,
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// All of the below.
    pub ready: bool,
    /// The link to Redis is up and a loop-back probe came back in time.
    pub bus: bool,
    /// The node is not taking its leave.
    pub serving: bool,
}

impl Readiness {
    /// Ready as far as the bus is.
    #[must_use]
    pub fn new(bus: watch::Receiver<Health>) -> Self {
        Self {
            leaving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            bus,
        }
    }

    /// From now on the node is not ready, whatever else holds. It still takes connections, for load balancers
    /// that have not noticed.
    pub fn start_leaving(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// From now on it takes no new ones either.
    pub fn start_draining(&self) {
        self.start_leaving();
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether it takes its leave and no new connections.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the bus delivers, as far as is known.
    #[must_use]
    pub fn bus_is_up(&self) -> bool {
        self.bus.borrow().ready
    }

    /// The answer.
    #[must_use]
    pub fn report(&self) -> Report {
        let (bus, serving) = (self.bus_is_up(), !self.leaving.load(Ordering::Relaxed));
        Report {
            ready: bus && serving,
            bus,
            serving,
        }
    }
}
