//! Sixteen processes race for the same approvals: nobody is kept out by a lock, and each action runs exactly once.
//!
//! A racer is this test program, started again for the one test [`racer`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiops::adapters::host::{self, SystemClock};
use aiops::domain::action::attempt::{Attempt, AttemptState};
use aiops::domain::actor::Actor;
use aiops::engine::backend::BackendError;
use aiops::engine::runner::Runner;
use aiops::store::Action;
use serde::{Deserialize, Serialize};

use crate::engine::approve;
use crate::headless::{Headless, Proposer};
use crate::support::{Draw, full_or, runner, say, until};

const PROCESSES: usize = 16;
/// Seconds of racing: all of them, and what is done every time.
const SECONDS: (usize, usize) = (600, 20);
/// So many proposals wait at a time, so that several racers meet at each.
const WAITING: usize = 8;

/// Names the home to the program that plays a racer.
const HOME: &str = "AIOPS_TEST_RACER_HOME";
/// Its number, from 0.
const NUMBER: &str = "AIOPS_TEST_RACER_NUMBER";

/// What one racer has seen.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    /// Microseconds of each approval that it won, until the supervisor ran.
    won: Vec<u64>,
    /// Microseconds of each that somebody else had won.
    refused: Vec<u64>,
    /// What failed otherwise, such as by a lock.
    failed: Vec<String>,
}

fn database(home: &Path) -> PathBuf {
    home.join("data").join("aiops.db")
}

fn result_of(home: &Path, number: usize) -> PathBuf {
    home.join(format!("racer-{number}.json"))
}

/// Not a test of its own: with [`HOME`] set it is a racer, which approves whatever waits until a file says stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racer() {
    let (Ok(home), Ok(number)) = (std::env::var(HOME), std::env::var(NUMBER)) else { return };
    let (home, number) = (PathBuf::from(home), number.parse::<usize>().unwrap());
    let store = crate::headless::open(&database(&home));
    let root = home.join("data").join("attempts").display().to_string();
    let actor = Actor::Person(host::person());
    let engine = Runner::new(store.clone(), Arc::new(runner()), Arc::new(SystemClock), actor, root);
    let (mut draw, mut seen) = (Draw::new(number as u64), Seen::default());
    while !home.join("stop").exists() {
        let tray = store.tray().await.unwrap();
        if tray.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let at = usize::try_from(draw.below(tray.len() as u64)).unwrap();
        let begun = Instant::now();
        let answer = approve(engine.clone(), tray[at].clone()).await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap();
        match answer {
            Ok(_) => seen.won.push(micros),
            Err(BackendError::Refused(_)) => seen.refused.push(micros),
            Err(other) => seen.failed.push(other.to_string()),
        }
    }
    std::fs::write(result_of(&home, number), serde_json::to_vec(&seen).unwrap()).unwrap();
}

fn start_racer(home: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "racing_processes::racer", "--nocapture"])
        .env(HOME, home)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Keeps proposals waiting until `end`; returns how many there were.
async fn feed(proposer: &Proposer, end: Instant) -> usize {
    let mut proposed = 0;
    while Instant::now() < end {
        if proposer.store.tray().await.unwrap().len() < WAITING {
            proposed += 1;
            proposer.propose(proposed).await;
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    proposed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_processes_approve_the_same_and_each_action_runs_once() {
    let seconds = full_or(SECONDS);
    let home = Headless::new("echo \"$1\" >> \"$LEDGER\"");
    let proposer = home.proposer().await;
    let mut racers: Vec<Child> = (0..PROCESSES).map(|number| start_racer(home.path(), number)).collect();
    let proposed = feed(&proposer, Instant::now() + Duration::from_secs(seconds as u64)).await;
    std::fs::write(home.path().join("stop"), "").unwrap();
    for racer in &mut racers {
        until("a racer has ended", || racer.try_wait().unwrap().is_some_and(|status| status.success()));
    }
    let mut all = Seen::default();
    for number in 0..PROCESSES {
        let seen: Seen = serde_json::from_slice(&std::fs::read(result_of(home.path(), number)).unwrap()).unwrap();
        all.won.extend(seen.won);
        all.refused.extend(seen.refused);
        all.failed.extend(seen.failed);
    }
    let waited = home.run(&["runs", "wait"]);
    assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
    let runs = proposer.store.read_view(|reader| reader.actions(None, u32::MAX)).await.unwrap();
    let exited = |run: &Action| matches!(&run.attempt, Some(attempt) if has_exited(attempt));
    assert_eq!(runs.iter().filter(|run| exited(run)).count(), all.won.len(), "every end is recorded");
    let double = judge(&home, &all);
    say(&format!(
        "{PROCESSES} processes for {seconds} s (the full time is {} s): {} of {proposed} proposals approved, {:.1} a second; \
         approve to running p50 {:?}, p99 {:?}; refused {} times, p50 {:?}, p99 {:?}; {} lock errors, {double} double executions",
        SECONDS.0,
        all.won.len(),
        all.won.len() as f64 / seconds as f64,
        percentile(&mut all.won, 50),
        percentile(&mut all.won, 99),
        all.refused.len(),
        percentile(&mut all.refused, 50),
        percentile(&mut all.refused, 99),
        all.failed.len(),
    ));
    assert!(all.failed.is_empty(), "{:?}", all.failed);
    assert_eq!(double, 0);
    // Otherwise nobody raced.
    assert!(all.won.len() >= seconds && all.refused.len() >= seconds, "{} {}", all.won.len(), all.refused.len());
}

/// Compares the ledger with what was won; returns how many actions ran more than once.
fn judge(home: &Headless, all: &Seen) -> usize {
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    home.ledger().into_iter().for_each(|line| *lines.entry(line).or_default() += 1);
    assert_eq!(lines.len(), all.won.len(), "every approval ran, and nothing else");
    assert!(home.run(&["journal", "verify"]).status.success(), "the chain is broken");
    lines.values().filter(|count| **count > 1).count()
}

fn has_exited(attempt: &Attempt) -> bool {
    matches!(&attempt.state, AttemptState::Ended { outcome, .. } if outcome.succeeded())
}

/// The value below which so many of a hundred lie.
fn percentile(micros: &mut [u64], percent: usize) -> Duration {
    micros.sort_unstable();
    let at = (micros.len() * percent / 100).min(micros.len().saturating_sub(1));
    Duration::from_micros(micros.get(at).copied().unwrap_or_default())
}
