//! `hallway-chaos`: three nodes, their Redis, clients and publishers, hurt as a seed decides; says of every run whether
//! each client heard everything once and in order, or was told.
//!
//! One line per run, then totals. Where something is wrong: all of it, the command that repeats it, and the folder with
//! the nodes' logs. What must stay true: a run that fails fails the program, but not the runs after it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use hallway_testkit::chaos::{Options, Plan, Report, Setup, run};
use tokio::task::JoinSet;

/// Checks that every broadcast is heard once and in order, or told of, under faults that a seed decides.
#[derive(Debug, Clone, Parser)]
#[command(name = "hallway-chaos", version)]
struct Cli {
    /// The node's binary.
    #[arg(long, default_value = "target/release/hallway")]
    server_bin: PathBuf,
    /// The first run's seed; the runs after it count on from there.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Keep on for so many minutes, whatever --runs says.
    #[arg(long)]
    minutes: Option<f64>,
    /// What keeps the history: standalone, appendonly, sentinel, cluster, or any, which leaves it to the seed.
    #[arg(long, default_value = "any", value_parser = setup)]
    setup: Choice,
    /// Seconds of publishing in each run.
    #[arg(long, default_value_t = 8.0, value_parser = seconds)]
    seconds: f64,
    /// Runs at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    parallel: u64,
    /// Whether gaps that are told count as faults: `auto` where the plan loses no history, `always`, or `never`.
    #[arg(long, default_value = "auto", value_parser = ["auto", "always", "never"])]
    strict: String,
    /// Only say what the seeds mean.
    #[arg(long)]
    plan: bool,
}

/// A set-up, or the seed's.
#[derive(Debug, Clone, Copy)]
struct Choice(Option<Setup>);

fn setup(text: &str) -> Result<Choice, String> {
    if text == "any" {
        return Ok(Choice(None));
    }
    text.parse().map(|setup| Choice(Some(setup)))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (2.0..=3600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("from 2 to 3600".to_owned())
    }
}

/// What all runs came to.
#[derive(Debug, Default)]
struct Totals {
    runs: u64,
    bad: Vec<u64>,
    deliveries: u64,
    resyncs: u64,
    reconnects: u64,
    resumed: u64,
    published: [u64; 3],
    by_setup: BTreeMap<Setup, u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.plan {
        (0..cli.runs).for_each(|number| say(&plan(&cli, cli.seed.wrapping_add(number)).to_string()));
        return ExitCode::SUCCESS;
    }
    if !cli.server_bin.exists() {
        say(&format!(
            "{}: no such file; give --server-bin",
            cli.server_bin.display()
        ));
        return ExitCode::from(2);
    }
    let began = Instant::now();
    let is_over = |next: u64| match cli.minutes {
        Some(minutes) => began.elapsed().as_secs_f64() >= minutes * 60.0,
        None => next >= cli.runs,
    };
    let (mut totals, mut running, mut next) = (Totals::default(), JoinSet::new(), 0);
    loop {
        while (running.len() as u64) < cli.parallel && !is_over(next) {
            let seed = cli.seed.wrapping_add(next);
            next += 1;
            let cli = cli.clone();
            running.spawn(async move { (seed, one(&cli, seed).await) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((seed, Ok(report)))) => totals.add(seed, &report, &cli),
            Some(Ok((seed, Err(why)))) => totals.add_broken(seed, &why),
            Some(Err(why)) => totals.add_broken(0, &why.to_string()),
        }
    }
    totals.say(began.elapsed());
    if totals.bad.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn plan(cli: &Cli, seed: u64) -> Plan {
    Plan::new(seed, cli.setup.0, Duration::from_secs_f64(cli.seconds))
}

/// One run; an error where it could not be carried out.
async fn one(cli: &Cli, seed: u64) -> Result<Report, String> {
    let options = Options {
        server_bin: cli.server_bin.clone(),
        tolerates_gaps: match cli.strict.as_str() {
            "always" => Some(false),
            "never" => Some(true),
            _ => None,
        },
    };
    run(plan(cli, seed), options).await
}

impl Totals {
    fn add(&mut self, seed: u64, report: &Report, cli: &Cli) {
        say(&report.to_string());
        self.runs += 1;
        self.deliveries += report.judgement.deliveries;
        self.resyncs += report.resyncs();
        self.reconnects += report.counts.reconnects;
        self.resumed += report.counts.resumed;
        for (sum, count) in self.published.iter_mut().zip(report.judgement.published) {
            *sum += count;
        }
        *self.by_setup.entry(report.plan.setup).or_default() += 1;
        if !report.is_well() {
            self.bad.push(seed);
            say(&report.details());
            say(&format!(
                "  again: hallway-chaos --server-bin {} --seed {seed} --setup {} --seconds {} --strict {}",
                cli.server_bin.display(),
                report.plan.setup,
                cli.seconds,
                cli.strict
            ));
        }
    }

    fn add_broken(&mut self, seed: u64, why: &str) {
        self.runs += 1;
        self.bad.push(seed);
        say(&format!("seed {seed}: could not be carried out: {why}"));
    }

    fn say(&self, took: Duration) {
        let setups: Vec<_> = self
            .by_setup
            .iter()
            .map(|(setup, count)| format!("{count} {setup}"))
            .collect();
        let [accepted, uncertain, refused] = self.published;
        say(&format!(
            "total: {} runs ({}) in {:.0}s; published {accepted} (+{uncertain} unknown, {refused} refused); {} deliveries, \
             {} resyncs, {} reconnects ({} resumed); {}",
            self.runs,
            setups.join(", "),
            took.as_secs_f64(),
            self.deliveries,
            self.resyncs,
            self.reconnects,
            self.resumed,
            if self.bad.is_empty() {
                "ok".to_owned()
            } else {
                format!("FAULTS in seeds {:?}", self.bad)
            }
        ));
    }
}

fn say(line: &str) {
    // Whoever closed the pipe does not want to read on.
    let _ = writeln!(std::io::stdout(), "{}", line.trim_end());
}
