//! Bytes to many sockets, and sockets in and out of rooms. `make bench-micro ARGS=hub`

#![allow(clippy::unwrap_used, reason = "what fails here is a mistake in the benchmark")]

mod churn;
mod crowd;
mod fanout;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    fanout::bench(&mut criterion);
    churn::bench(&mut criterion);
    criterion.final_summary();
}
