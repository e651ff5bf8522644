//! The answer to a call that asks for several rooms.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::BusError;

/// The answer to one call of subscribe.
pub(super) type Answer = oneshot::Receiver<Result<(), BusError>>;

/// A call that waits for several rooms.
pub(super) struct Waiting(Mutex<Pending>);

struct Pending {
    /// How many of its rooms are not confirmed.
    left: usize,
    /// Gone once it was answered.
    answer: Option<oneshot::Sender<Result<(), BusError>>>,
}

impl Waiting {
    /// For so many rooms. One more is counted, so that it is not answered before the last of them was looked at.
    pub(super) fn new(rooms: usize) -> (Arc<Self>, Answer) {
        let (sender, answer) = oneshot::channel();
        let pending = Pending {
            left: rooms + 1,
            answer: Some(sender),
        };
        (Arc::new(Self(Mutex::new(pending))), answer)
    }

    pub(super) fn one_is_done(&self) {
        let mut inner = self.0.lock();
        inner.left -= 1;
        if inner.left == 0
            && let Some(answer) = inner.answer.take()
        {
            let _ = answer.send(Ok(()));
        }
    }

    /// Whether it still waits.
    pub(super) fn is_live(&self) -> bool {
        self.0.lock().answer.is_some()
    }

    pub(super) fn fail(&self, why: BusError) {
        if let Some(answer) = self.0.lock().answer.take() {
            let _ = answer.send(Err(why));
        }
    }
}
