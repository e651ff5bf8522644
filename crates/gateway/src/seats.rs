//! A user's sockets are counted over all nodes: each has a seat on the bus, which its node renews. A node that dies gives its
//! seats back when they are not renewed any more ([`hallway_bus::SEAT_LIFE`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hallway_bus::{BusError, Seat, Seats as Log};
use hallway_hub::{Hub, Socket};
use hallway_protocol::{Error, ErrorCode};
use tokio::sync::mpsc;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Every seat is renewed once in so many rounds: three times in its life.
const ROUNDS: usize = 30;
/// Seats that wait to be given back; one that does not fit ends by itself.
const LEAVING: usize = 16 * 1024;
/// Given back with one question.
const BATCH: usize = 1000;
/// Longest wait for the bus.
const PATIENCE: Duration = Duration::from_secs(3);

/// The seats of this node's sockets.
pub struct Seats {
    log: Arc<dyn Log>,
    hub: Arc<Hub>,
    /// How many a user may have; zero is no limit, and then nothing is counted.
    most: usize,
    leaving: mpsc::Sender<Seat>,
    left: tokio::sync::Mutex<mpsc::Receiver<Seat>>,
}

fn seat_of(socket: &Socket) -> Option<Seat> {
    socket.user().map(|user| Seat {
        user: user.clone(),
        client: socket.id(),
    })
}

impl Seats {
    /// At most `most` for each user; zero is no limit.
    pub fn new(log: Arc<dyn Log>, hub: Arc<Hub>, most: usize) -> Self {
        let (leaving, left) = mpsc::channel(LEAVING);
        Self {
            log,
            hub,
            most,
            leaving,
            left: tokio::sync::Mutex::new(left),
        }
    }

    /// Takes a seat for a socket that is in the hub. May be dropped at any time: a seat that nobody sits in is not renewed.
    ///
    /// # Errors
    /// `rate-limited`: the user has as many as there may be; `unavailable`: the bus is away.
    pub async fn take(&self, socket: &Socket) -> Result<(), Error> {
        let Some(seat) = seat_of(socket).filter(|_| self.most > 0) else {
            return Ok(());
        };
        let taken = tokio::time::timeout(PATIENCE, self.log.take_seat(seat, self.most)).await;
        match taken
            .unwrap_or(Err(BusError::Timeout))
            .map_err(crate::error::from_bus)?
        {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::RateLimited, "too many sockets of one user").retry_after(1000)),
        }
    }

    /// Gives a socket's seat back, soon.
    pub fn give_back(&self, socket: &Socket) {
        if let Some(seat) = seat_of(socket).filter(|_| self.most > 0) {
            let _ = self.leaving.try_send(seat);
        }
    }

    /// Renews seats and gives them back. Runs until it is dropped; not twice at once.
    pub async fn run(&self) {
        if self.most == 0 {
            return;
        }
        let mut left = self.left.lock().await;
        let mut tick = tokio::time::interval(ROUND);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut ahead, mut share) = (VecDeque::new(), 0);
        loop {
            let mut gone = Vec::new();
            let kept = tokio::select! {
                _ = tick.tick() => {
                    if ahead.is_empty() {
                        self.hub.for_each_socket(|socket| ahead.extend(seat_of(socket)));
                        share = ahead.len().div_ceil(ROUNDS);
                    }
                    // Who has left since is not to be taken for someone who sits there.
                    let now = ahead.drain(..share.min(ahead.len()));
                    let now: Vec<Seat> = now.filter(|seat| self.hub.socket(seat.client).is_some()).collect();
                    patiently(self.log.renew_seats(now)).await
                }
                _ = left.recv_many(&mut gone, BATCH) => patiently(self.log.give_back_seats(gone)).await,
            };
            if let Err(why) = kept {
                tracing::debug!(%why, "seats could not be kept");
            }
        }
    }
}

async fn patiently(work: impl Future<Output = Result<(), BusError>>) -> Result<(), BusError> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(BusError::Timeout))
}
