//! Whether the node can do its job. That the process lives is another question (`/healthz`).

use hallway_bus::Health;
use serde::Serialize;
use tokio::sync::watch;

/// What readiness listens to.
#[derive(Debug)]
pub struct Readiness {
    course: watch::Sender<Course>,
    bus: watch::Receiver<Health>,
}

/// Whether the node stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Course {
    /// The process ends.
    leaving: bool,
    /// No new connections.
    draining: bool,
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
            course: watch::Sender::new(Course::default()),
            bus,
        }
    }

    /// From now on the node is not ready, whatever else holds, and that is not taken back. It still takes connections,
    /// for load balancers that have not noticed.
    pub fn start_leaving(&self) {
        self.course.send_modify(|course| course.leaving = true);
    }

    /// From now on it is not ready and takes no new connections.
    pub fn start_draining(&self) {
        self.course
            .send_if_modified(|course| !std::mem::replace(&mut course.draining, true));
    }

    /// Takes new connections again. False where the process ends: then nothing changes.
    pub fn stay(&self) -> bool {
        self.course.send_if_modified(|course| {
            let was_draining = course.draining;
            course.draining &= course.leaving;
            was_draining != course.draining
        });
        !self.course.borrow().leaving
    }

    /// Whether it takes no new connections.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.course.borrow().draining
    }

    /// Follows whether it takes new connections, and whether it leaves, from now on.
    #[must_use]
    pub fn follow(&self) -> Following {
        Following(self.course.subscribe())
    }

    /// Whether the bus delivers, as far as is known.
    #[must_use]
    pub fn bus_is_up(&self) -> bool {
        self.bus.borrow().ready
    }

    /// The answer.
    #[must_use]
    pub fn report(&self) -> Report {
        let course = *self.course.borrow();
        let (bus, serving) = (self.bus_is_up(), !course.leaving && !course.draining);
        Report {
            ready: bus && serving,
            bus,
            serving,
        }
    }
}

/// Somebody who follows a node's course, as long as the node is there.
#[derive(Debug)]
pub struct Following(watch::Receiver<Course>);

impl Following {
    /// Waits until it begins or ceases to take new connections, or begins to leave. Cancel safe.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The node is gone, and nothing changes any more.
            std::future::pending::<()>().await;
        }
    }
}
