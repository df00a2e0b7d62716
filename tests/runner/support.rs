//! Grants, directories and predicates for tests with real processes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aiops::adapters::process::{OutcomeRecord, ProcessRunner};
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::build::{BuildRequest, Reads, build};
use aiops::domain::action::grant::{Approval, Grant, PolicyFacts, World, decide_approve, decide_start};
use aiops::domain::action::proposal::{Proposal, ProposalState};
use aiops::domain::action::spec::{ActionSpec, Execution, StepRef, Target};
use aiops::domain::action::subject::Subject;
use aiops::domain::action::tie::AlertNow;
use aiops::domain::alert::{AlertKey, Labels};
use aiops::domain::id::{AttemptId, IncidentId, ProposalId};
use aiops::domain::policy::{Circumstances, Policy, Request};
use aiops::domain::procedure::Shell;
use aiops::domain::time::Timestamp;
use aiops::engine::ports::{ActionRunner as _, Probe};

/// Nothing here takes this long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An action built from a script, as the console would.
pub(crate) fn spec(script: &str) -> ActionSpec {
    let (labels, typed) = (Labels::new(), BTreeMap::new());
    let alert =
        AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(1_000_000_000) };
    build(BuildRequest {
        incident: IncidentId(1),
        subject: Subject::new(alert, &labels, []),
        step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: String::new() },
        script,
        shell: Shell::Sh,
        mode: Execution::Supervised,
        labels: &labels,
        typed: &typed,
        target: Target::ThisHost { name: "here".to_owned() },
        cwd: "/",
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        reads: Reads::default(),
        time_limit: Duration::from_secs(60),
    })
    .unwrap_or_else(|error| panic!("{script:?}: {error}"))
}

/// A grant for `spec`, through the same decisions as everywhere.
pub(crate) fn grant(spec: ActionSpec) -> Grant {
    let now = Timestamp::from_millis(1_000);
    let digest = spec.digest(true);
    let approval = Approval {
        digest: digest.clone(),
        typed_target: Some(spec.target.name().to_owned()),
        rendered: String::new(),
        terminal: (80, 24),
    };
    let decision = Policy::default().decide(&Request::of(&spec, Circumstances::default()));
    let world = World {
        labels: spec.labels_used.clone(),
        alert: AlertNow::Fires,
        revision: Some(spec.step.revision.clone()),
        policy: PolicyFacts::of(decision),
    };
    let mut proposal = Proposal {
        id: ProposalId(1),
        spec,
        digest,
        state: ProposalState::Pending,
        created_at: now,
        asked_by: "ada".to_owned(),
        reason: String::new(),
        ruling: None,
        first_approver: None,
    };
    let record = decide_approve(&proposal, &approval, &world, "ada", now).expect("approved");
    proposal.state = ProposalState::Granted;
    decide_start(&proposal, &record, &world, AttemptId(1), now).expect("granted")
}

/// A runner that uses the program under test.
pub(crate) fn runner() -> ProcessRunner {
    ProcessRunner::new(PathBuf::from(env!("CARGO_BIN_EXE_aiops")))
}

/// An attempt in a directory of its own.
pub(crate) struct Attempt {
    pub(crate) runner: ProcessRunner,
    directory: tempfile::TempDir,
}

impl Attempt {
    /// Starts `spec` with the default limits.
    pub(crate) fn start(spec: ActionSpec) -> Self {
        Self::start_with(runner(), spec)
    }

    pub(crate) fn start_with(runner: ProcessRunner, spec: ActionSpec) -> Self {
        let attempt = Self { runner, directory: tempfile::tempdir().expect("a directory") };
        attempt.runner.run(grant(spec), attempt.directory()).expect("started");
        attempt
    }

    pub(crate) fn directory(&self) -> &str {
        self.path().to_str().expect("UTF-8")
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn probe(&self) -> Probe {
        self.runner.probe(self.directory())
    }

    /// Output so far.
    pub(crate) fn output(&self) -> String {
        let bytes = self.runner.output(self.directory(), 0, usize::MAX).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for the recorded end.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut outcome = None;
        until("the end is recorded", || match self.probe() {
            Probe::Ended(end) => {
                outcome = Some(end.outcome);
                true
            }
            Probe::Running { .. } => false,
            lost @ Probe::Lost { .. } => panic!("{lost:?}: {}", self.log()),
        });
        outcome.expect("ended")
    }

    /// The whole record of the end.
    pub(crate) fn record(&self) -> OutcomeRecord {
        self.outcome();
        read_record(self.path())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("supervisor.log")).unwrap_or_default()
    }
}

pub(crate) fn read_record(directory: &Path) -> OutcomeRecord {
    serde_json::from_slice(&std::fs::read(directory.join("outcome.json")).expect("a record")).expect("readable")
}

/// Runs a script to its end; returns how it ended, and its output.
pub(crate) fn finish(script: &str) -> (Outcome, String) {
    let attempt = Attempt::start(spec(script));
    (attempt.outcome(), attempt.output())
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The state letter of a process; `None` when there is none.
pub(crate) fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Whether a process is neither gone nor a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Prints a line that the test harness does not swallow when the test passes.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The first of two counts when `AIOPS_LONG=1` asks for all, else the second, which is done every time.
pub(crate) fn full_or((full, every_time): (usize, usize)) -> usize {
    if std::env::var("AIOPS_LONG").is_ok_and(|value| value == "1") { full } else { every_time }
}

/// Numbers that look random and are the same every time: SplitMix64.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
