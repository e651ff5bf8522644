//! Random operations of three nodes on one real Redis, against a simple model of what the documentation promises.
//!
//! Redis's clock stands still but for the steps that a test makes, so the model knows to the millisecond what is due. All
//! times that matter end in 5 ms and all steps are of whole 10 ms: nothing is ever due at the very moment of a look.
//!
//! One seed, one run: `HALLWAY_TEST_SEED=7` repeats it, `HALLWAY_TEST_ROUNDS=200` runs as many.

#![allow(
    clippy::print_stderr,
    reason = "seeds, and what led to a failure, are for whoever runs the tests"
)]

mod lobbies;
mod nodes;
mod presence;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hallway_bus::Bus;
use hallway_bus::redis::RedisBus;
use hallway_protocol::RoomName;
use hallway_testkit::{Random, SteppedClock};

use nodes::Nodes;

/// Operations of one run.
const STEPS: usize = 150;

/// The seeds to run: some that are always the same, and one that is new each time.
fn seeds(of: &str) -> Vec<u64> {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse::<u64>().unwrap())
    };
    let seeds = match (number("HALLWAY_TEST_SEED"), number("HALLWAY_TEST_ROUNDS")) {
        (Some(seed), _) => vec![seed],
        (None, rounds) => {
            let new = RandomState::new().build_hasher().finish() >> 32;
            (1..rounds.unwrap_or(6)).chain([new]).collect()
        }
    };
    eprintln!("{of}: {} seeds, the last is {:?}", seeds.len(), seeds.last());
    seeds
}

/// Runs seeds, each in a runtime of its own: what its nodes have begun ends with it.
fn run<F: Future<Output = ()>>(of: &str, one: impl Fn(u64) -> F) {
    for seed in seeds(of) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(one(seed));
    }
}

/// Says where a run was when it failed, and what led there.
struct Trace {
    seed: u64,
    steps: Vec<String>,
}

impl Trace {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            steps: Vec::new(),
        }
    }

    fn step(&mut self, what: String) {
        self.steps.push(what);
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let behind = self.steps.len().saturating_sub(25);
        for (number, step) in self.steps.iter().enumerate().skip(behind) {
            eprintln!("seed {}, step {number}: {step}", self.seed);
        }
        eprintln!("That was the last. To repeat it: HALLWAY_TEST_SEED={}", self.seed);
    }
}

/// Tens of milliseconds between two times.
fn tens(random: &mut Random, least: u64, most: u64) -> Duration {
    Duration::from_millis(10 * random.between(least as usize / 10, most as usize / 10) as u64)
}

/// Steps the clock, or not. Now and then it goes back, as one that is corrected does.
fn pass_time(random: &mut Random, clock: &mut SteppedClock, life: Duration, grace: Duration) {
    let (life, grace) = (life.as_millis() as u64, grace.as_millis() as u64);
    match random.below(100) {
        0..30 => {}
        30..55 => clock.forward(tens(random, 10, 900)),
        55..75 => clock.forward(tens(random, 1000, life / 2)),
        75..88 => clock.forward(tens(random, grace, grace + 2000)),
        88..93 => clock.forward(tens(random, life, life + 3000)),
        _ => clock.back(tens(random, 10, 3000)),
    }
}

/// Waits for so many answers, so that what happens at the same time meets in different steps of it.
fn late(bus: &RedisBus, answers: usize) -> impl Future<Output = ()> + use<> {
    let room = RoomName::parse("anywhere").unwrap();
    let questions: Vec<_> = (0..answers).map(|_| bus.states(vec![room.clone()])).collect();
    async move {
        for question in questions {
            question.await.unwrap();
        }
    }
}

/// Does things at the same time, each on some node; what came of each.
async fn at_once<A: Clone, F: Future>(
    random: &mut Random,
    nodes: &Nodes,
    acts: &[A],
    call: impl Fn(Arc<RedisBus>, A) -> F,
) -> Vec<F::Output> {
    let mut calls = Vec::new();
    for act in acts {
        let delay = late(&nodes.any(random), random.below(4));
        let call = call(nodes.any(random), act.clone());
        calls.push(async move {
            delay.await;
            call.await
        });
    }
    join_all(calls).await
}

/// All orders of so many things, by their places.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for place in 0..count {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            (0..=order.len()).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, place);
                longer
            })
        });
        orders = longer.collect();
    }
    orders
}
