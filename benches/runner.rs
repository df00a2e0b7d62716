//! What the gate and the runner cost over a plain fork and exec.
//!
//! Method: a database on disk and an SOP whose command is `true`. Each round proposes it, which is not timed, and then times
//! the approval: the decisions, the stored intent, the supervisor's start, its claim on the disk, `true` itself and the
//! outcome, until that is on the disk. `true` started directly, in between, is what it is compared with. Where writing to the
//! disk is slow, so is this: the time of one write with fsync is printed beside it. Figures are printed, never asserted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot set itself up has nothing to say"
)]

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiops::adapters::host::{self, Host, SystemClock};
use aiops::adapters::process::{ProcessRunner, reads_can_be_confined};
use aiops::domain::action::build::Reads;
use aiops::domain::action::grant::Approval;
use aiops::domain::action::spec::{Confinement, Target};
use aiops::domain::actor::Actor;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::id::{IncidentId, NodeId, SopId};
use aiops::domain::procedure::NodeKind;
use aiops::domain::time::Timestamp;
use aiops::engine::backend::{Backend as _, Command as Wish, Done};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::{ActionRunner as _, Clock as _, Probe};
use aiops::engine::runner::Runner;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};

/// Rounds that are timed, and those before them that are not.
const ROUNDS: usize = 200;
const WARM_UP: usize = 10;
/// How often it is looked whether the outcome is there; much less than what is measured.
const LOOK_EVERY: Duration = Duration::from_micros(100);
const LEASE: Duration = Duration::from_secs(60);
const TARGET: &str = "here";
const SOP: &str = "true.md";
const TEXT: &str =
    "+++\ntitle = \"True\"\nalerts = [\"A\"]\n+++\n\n# True\n\n## Diagnosis\n\n1. Look:\n\n   ```sh\n   true\n   ```\n";

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("build: {build}, machine: {}", common::machine());
    for confinement in [Confinement::Free, Confinement::ReadsOnly] {
        if confinement == Confinement::ReadsOnly && !reads_can_be_confined() {
            println!("confined by Landlock: NOT MEASURED, this kernel cannot do it");
            continue;
        }
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { Bench::new(home.path(), confinement).await.run().await });
    }
}

struct Bench {
    backend: LocalBackend,
    store: Store,
    processes: ProcessRunner,
    home: PathBuf,
    alert: AlertKey,
    node: NodeId,
    confinement: Confinement,
}

impl Bench {
    async fn new(home: &Path, confinement: Confinement) -> Self {
        let sops = home.join("sops");
        std::fs::create_dir_all(&sops).unwrap();
        std::fs::write(sops.join(SOP), TEXT).unwrap();
        let library = Library::only(&[sops]);
        let document = library.get(&SopId::from(SOP)).unwrap();
        let is_command = |kind: &NodeKind| matches!(kind, NodeKind::Command { .. });
        let node = document.procedure.nodes.iter().find(|node| is_command(&node.kind)).unwrap().id.clone();
        let Host { name, boot_id, pid } = Host::detect();
        let identity = Identity { host: name, boot_id, pid, person: host::person() };
        let now = Arc::new(|| (SystemClock.now(), SystemClock.monotonic()));
        let store = Store::open(&home.join("aiops.db"), OpenOptions { identity, now }).unwrap();
        let alert = fire(&store).await;
        let actor = Actor::Person(host::person());
        let processes = ProcessRunner::new(env!("CARGO_BIN_EXE_aiops").into());
        let root = home.join("attempts").display().to_string();
        let started = Arc::new(processes.clone());
        let runner = Runner::new(store.clone(), started, Arc::new(SystemClock), actor.clone(), root);
        let settings = RunSettings {
            reads: Reads { confinement, env: BTreeMap::new() },
            target: Target::ThisHost { name: TARGET.to_owned() },
            directory: "/".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            terminal_env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        };
        let backend = LocalBackend::new(store.clone(), Arc::new(library), runner, settings, actor);
        Self { backend, store, processes, home: home.to_owned(), alert, node, confinement }
    }

    async fn run(&self) {
        let (mut plain, mut approved, mut synced) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..WARM_UP + ROUNDS {
            let times = (start_plainly(), self.start_approved().await, sync(&self.home.join("synced")));
            if round >= WARM_UP {
                plain.push(times.0);
                approved.push(times.1);
                synced.push(times.2);
            }
        }
        let [plain, approved, synced] = [plain, approved, synced].map(|mut times: Vec<Duration>| {
            times.sort_unstable();
            (times[times.len() / 2], times[times.len() * 99 / 100])
        });
        let how = match self.confinement {
            Confinement::Free => "not confined",
            Confinement::ReadsOnly => "confined by Landlock",
        };
        println!(
            "{how}: `true` plainly {:.2?} (p99 {:.2?}); from the yes to its outcome on the disk {:.2?} (p99 {:.2?}); \
             overhead of gate and runner at the median {:.2?} of 15 ms allowed; one write with fsync {:.2?}; {ROUNDS} rounds",
            plain.0,
            plain.1,
            approved.0,
            approved.1,
            approved.0.saturating_sub(plain.0),
            synced.0,
        );
    }

    /// Proposes and approves it; the time from the yes to the outcome.
    async fn start_approved(&self) -> Duration {
        let wish = Wish::Propose {
            incident: IncidentId(1),
            alert: self.alert.clone(),
            sop: SopId::from(SOP),
            node: self.node.clone(),
            values: BTreeMap::new(),
        };
        let Done::Proposed(proposal) = self.backend.send(wish).await.unwrap() else { panic!("no proposal") };
        assert_eq!(proposal.spec.confinement, self.confinement);
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: Some(TARGET.to_owned()),
            rendered: "true".to_owned(),
            terminal: (80, 24),
        };
        let start = Instant::now();
        let done = self.backend.send(Wish::Approve { proposal: proposal.id, approval }).await.unwrap();
        let Done::Started(attempt) = done else { panic!("{done:?}") };
        let directory = self.store.attempt(attempt).await.unwrap().unwrap().directory;
        loop {
            match self.processes.probe(&directory) {
                Probe::Ended(_) => return start.elapsed(),
                Probe::Running { .. } => std::thread::sleep(LOOK_EVERY),
                Probe::Lost { .. } => panic!("the attempt in {directory} is lost"),
            }
        }
    }
}

fn start_plainly() -> Duration {
    let start = Instant::now();
    assert!(Command::new("/usr/bin/true").status().unwrap().success());
    start.elapsed()
}

fn sync(path: &Path) -> Duration {
    let mut file = File::create(path).unwrap();
    let start = Instant::now();
    file.write_all(&[0; 2048]).unwrap();
    file.sync_all().unwrap();
    start.elapsed()
}

/// Lets an alert fire in an empty store.
async fn fire(store: &Store) -> AlertKey {
    let held = store.acquire_lease(INGEST_LEASE, "bench", LEASE).await.unwrap();
    let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
    let key =
        AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(1_000_000_000) };
    let alert = Alert {
        key: key.clone(),
        status: AlertStatus::Firing,
        ends_at: None,
        labels: BTreeMap::from([("alertname".to_owned(), "A".to_owned())]),
        annotations: BTreeMap::new(),
        generator_url: None,
    };
    let (origin, digest) = (BatchOrigin::Webhook, "0".repeat(64));
    let batch = AlertBatch { source: "am".into(), origin, alerts: vec![alert], digest };
    store.ingest(fence, batch, LEASE).await.unwrap();
    key
}
