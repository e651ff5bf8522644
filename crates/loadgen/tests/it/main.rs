//! The generator as a process, against the mock of `examples/mock_node.rs`.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hallway-loadgen");

fn mock() -> PathBuf {
    Path::new(PROGRAM).with_file_name("examples").join("mock_node")
}

/// Runs a scenario and returns its object.
fn run(args: &[&str]) -> Value {
    run_all(args)[0].take()
}

/// Runs a scenario in each setting that is asked for.
fn run_all(args: &[&str]) -> Vec<Value> {
    let output = Command::new(PROGRAM)
        .args(["--seconds=0.3", "--floor-seconds=0.05", "--patience=2", "--server-bin"])
        .arg(mock())
        .args(args)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    let Value::Array(scenarios) = report["scenarios"].take() else {
        panic!("{report:#}")
    };
    scenarios
}

/// That everything arrived, and how much that was.
fn complete(scenario: &Value) -> u64 {
    let run = &scenario["run"];
    for count in ["lost", "doubled", "outOfOrder", "refused", "otherBroadcasts"] {
        assert_eq!(run[count], 0, "{count} in {scenario:#}");
    }
    assert_eq!(run["delivered"], run["expected"]);
    run["delivered"].as_u64().unwrap()
}

#[test]
fn the_floor_has_its_three_figures() {
    let floor = run(&["floor", "--sockets", "50", "--under-way", "4"]);
    for figure in ["oneAtATime", "fullRate", "coalesced"] {
        assert!(floor[figure]["frames"].as_u64().unwrap() >= 50, "{floor:#}");
    }
}

#[test]
fn a_room_hears_everything_in_both_codecs() {
    for codec in ["json", "msgpack"] {
        for under_way in ["1", "16"] {
            let args = [
                "room",
                "--codec",
                codec,
                "--receivers=20",
                "--publishers=2",
                "--under-way",
                under_way,
            ];
            assert!(complete(&run(&args)) >= 21);
        }
    }
}

#[test]
fn small_rooms_hear_everything_from_sockets_and_from_the_api() {
    for via in ["socket", "api"] {
        let args = [
            "rooms",
            "--via",
            via,
            "--rooms=20",
            "--room-size=3",
            "--publishers=4",
            "--under-way=8",
        ];
        assert!(complete(&run(&args)) >= 3);
    }
}

#[test]
fn what_is_lost_doubled_or_swapped_is_noticed() {
    let faulty = |fault: &str| {
        let fault = format!("MOCK_FAULT={fault}");
        run(&["room", "--receivers=5", "--under-way=4", "--server-env", &fault])["run"].clone()
    };
    // A lost one is waited for in vain each time, so that the first one ends the run.
    let lost = faulty("lose");
    assert!(lost["lost"].as_u64().unwrap() >= 1, "{lost:#}");
    let doubled = faulty("double");
    assert!(doubled["doubled"].as_u64().unwrap() >= 1, "{doubled:#}");
    assert_eq!(doubled["lost"], 0);
    let swapped = faulty("swap");
    assert!(swapped["outOfOrder"].as_u64().unwrap() >= 1, "{swapped:#}");
}

#[test]
fn idle_connections_are_spread_over_processes() {
    let args = [
        "idle",
        "--connections=50",
        "--per-process=20",
        "--room-size=10",
        "--quiet-seconds=0.1",
    ];
    let idle = run(&args);
    let workers = idle["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 3);
    let alive: u64 = workers.iter().map(|worker| worker["alive"].as_u64().unwrap()).sum();
    let pings: u64 = workers.iter().map(|worker| worker["pings"].as_u64().unwrap()).sum();
    assert_eq!((alive, pings), (50, 50));
}

#[test]
fn what_is_not_installed_is_left_out_of_the_servers_side_by_side() {
    let peers = run(&[
        "peers",
        "--subjects=hallway,sockudo,socketio,socketioxide",
        "--peers-dir=/nowhere",
        "--rounds=2",
        "--room=10",
        "--large-room=20",
        "--rooms=8",
        "--room-size=3",
        "--connections=20",
    ]);
    assert_eq!(peers["skippedSubjects"].as_array().unwrap().len(), 3, "{peers:#}");
    let cases = peers["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let hallway = &case["subjects"][0];
        assert_eq!(hallway["failures"], serde_json::json!([]), "{case:#}");
        assert_eq!(hallway["figures"].as_array().unwrap().len(), 2);
        assert_eq!(hallway["delivered"], hallway["expected"]);
    }
    assert!(cases[0]["subjects"][0]["delivered"].as_u64().unwrap() >= 20);
    assert!(cases[0]["floor"]["median"].is_number() && cases[5]["floor"].is_null());
}

#[test]
fn a_scenario_is_run_in_each_codec_over_each_bus() {
    let mock = mock();
    let redis = ["--bus=embedded,redis", "--redis-bin", mock.to_str().unwrap()];
    let done = run_all(&[&["room", "--codec=json,msgpack", "--receivers=5"], &redis[..]].concat());
    let settings = done.iter().map(|one| (one["codec"].as_str(), one["bus"].as_str()));
    assert_eq!(
        settings.collect::<Vec<_>>(),
        [
            (Some("json"), Some("embedded")),
            (Some("json"), Some("redis")),
            (Some("msgpack"), Some("embedded")),
            (Some("msgpack"), Some("redis")),
        ]
    );
    for one in &done {
        assert!(complete(one) >= 5);
        assert_eq!(one["redisCpuSeconds"].is_number(), one["bus"] == "redis", "{one:#}");
    }
    // No bus is chosen for what has only one.
    assert_eq!(run_all(&["floor", "--sockets=5", "--bus=embedded,redis"]).len(), 1);
}

#[test]
fn a_room_of_many_stands_beside_one_of_few() {
    let growth = run(&["growth", "--small=5", "--large=40"]);
    let accepted = |run: usize| growth["runs"][run]["run"]["accepted"].as_u64().unwrap();
    let delivered = |run: usize| growth["runs"][run]["run"]["delivered"].as_u64().unwrap();
    for (run, receivers) in [5, 40, 5].into_iter().enumerate() {
        assert_eq!(delivered(run), accepted(run) * receivers, "{growth:#}");
    }
}

/// Nodes are filled one after another, on what the mock holds for them.
fn million(more: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("million")
        .arg("--server-bin")
        .arg(mock())
        .arg("--redis-bin")
        .arg(mock());
    command.args(["--connections=50", "--per-node=20", "--quiet-seconds=0.1", "--rounds=2"]);
    command.args(more);
    command
}

#[test]
fn as_many_as_were_asked_for_hear_what_is_said_to_all() {
    for codec in ["json", "msgpack"] {
        let output = million(&["--margin-gib=0", "--codec", codec]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let million = &report["scenarios"][0];
        assert_eq!((&million["connections"], &million["nodes"]), (&50.into(), &3.into()));
        assert_eq!(million["stoppedBy"], "as many as were asked for");
        assert!(million["memory"]["bytes"]["gateway"].as_u64().unwrap() > 0);
        let rounds = million["roomOfAll"].as_array().unwrap();
        assert_eq!(rounds.len(), 2);
        for round in rounds {
            assert_eq!(
                (&round["delivered"], &round["millis"]["samples"]),
                (&50.into(), &50.into())
            );
        }
    }
}

#[test]
fn nothing_is_opened_within_the_margin() {
    let output = million(&["--margin-gib=1000000"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no more memory than the margin"));
}

/// That clients which came and went heard everything once and in order.
fn settled(run: &Value) {
    for count in ["lost", "doubled", "outOfOrder", "otherEpochs", "lostButTold"] {
        assert_eq!(run[count], 0, "{count} in {run:#}");
    }
    assert!(run["expected"].as_u64().unwrap() > 0);
    assert_eq!(run["delivered"], run["expected"]);
}

/// A short run of clients that are cut off every second.
fn jitter(more: &[&str]) -> Value {
    let mut args = vec![
        "jitter",
        "--clients=60",
        "--rooms=4",
        "--broadcasts=30",
        "--rate=10",
        "--cycle-seconds=1",
        "--away-seconds=0.3",
        "--per-process=25",
    ];
    args.extend(more);
    run(&args)
}

#[test]
fn clients_that_are_cut_off_again_and_again_hear_everything_once() {
    for codec in ["json", "msgpack"] {
        let by_ticket = jitter(&["--nodes=1", "--codec", codec]);
        settled(&by_ticket["run"]);
        let comebacks = &by_ticket["comebacks"];
        assert!(comebacks["cuts"].as_u64().unwrap() >= 60, "{by_ticket:#}");
        assert_eq!(comebacks["byTicket"], comebacks["cuts"]);
        assert!(by_ticket["run"]["replayed"].as_u64().unwrap() > 0);
        assert!(comebacks["replayMillis"]["samples"].as_u64().unwrap() > 0);
    }
    let by_token = jitter(&["--nodes=1", "--no-ticket"]);
    settled(&by_token["run"]);
    assert_eq!(by_token["comebacks"]["byToken"], by_token["comebacks"]["cuts"]);
}

#[test]
fn what_a_resume_forgets_is_noticed() {
    let forgetful = jitter(&["--nodes=1", "--server-env=MOCK_FAULT=forget"]);
    assert!(forgetful["run"]["lost"].as_u64().unwrap() > 0, "{forgetful:#}");
    assert_eq!(forgetful["run"]["lostButTold"], 0);
}

#[test]
fn clients_of_a_killed_node_come_back_to_the_others() {
    let mock = mock();
    let avalanche = run(&[
        "avalanche",
        "--clients=60",
        "--rooms=5",
        "--rate=50",
        "--per-process=40",
        "--redis-bin",
        mock.to_str().unwrap(),
    ]);
    for how in ["byTicket", "byToken"] {
        let storm = &avalanche[how];
        settled(&storm["run"]);
        assert_eq!(storm["fled"], 20, "{storm:#}");
        assert_eq!(storm["returned"], 20, "{storm:#}");
        assert_eq!(storm["comebacks"][how], 20);
        assert_eq!(storm["comebacks"]["away"], 0);
    }
}

#[test]
fn a_server_that_does_not_start_is_an_error() {
    let output = Command::new(PROGRAM)
        .args(["--server-bin=/bin/false", "idle"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("ended with"));
}
