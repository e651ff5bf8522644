//! The binary under faults, for a few fixed seeds: every broadcast is heard once and in order, or told of. More of
//! it: `make chaos`.

use std::time::Duration;

use hallway_testkit::chaos::{Options, Plan, Setup, run};
use tokio::task::JoinSet;

/// Between them: clients cut; nodes killed, hanging and drained; their links to Redis cut; subscribers' links killed;
/// Redis hanging, killed and back with its data, and emptied; a primary killed; a slot moved. The first and the last lose
/// no history, so that no gap may be told.
const SEEDS: [(u64, Setup); 4] = [
    (6, Setup::Appendonly),
    (74, Setup::Standalone),
    (34, Setup::Sentinel),
    (25, Setup::Cluster),
];
const TIME: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_silence() {
    let options = Options {
        server_bin: env!("CARGO_BIN_EXE_hallway").into(),
        tolerates_gaps: None,
    };
    let mut runs = JoinSet::new();
    for (seed, setup) in SEEDS {
        let options = options.clone();
        runs.spawn(run(Plan::new(seed, Some(setup), TIME), options));
    }
    let mut wrong = String::new();
    for report in runs.join_all().await {
        let report = report.expect("the servers start");
        println!("{report}");
        if !report.is_well() {
            wrong += &report.details();
        }
        assert!(report.judgement.deliveries > 0, "{report}");
    }
    assert!(wrong.is_empty(), "seeds {SEEDS:?}:\n{wrong}");
}
