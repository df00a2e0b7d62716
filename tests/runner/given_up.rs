//! Consoles that stop, or lose their disk, between the stored intent and the recorded end.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use aiops::domain::action::attempt::{AttemptState, Outcome, ProcessId};
use aiops::domain::action::grant::Grant;
use aiops::engine::backend::BackendError;
use aiops::engine::ports::{ActionRunner, GivenUp, Probe, RunError};

use crate::engine::Scene;
use crate::support::{Attempt, grant, runner, spec, until};

/// Longer than an intent without a supervisor is waited for.
const LONG: Duration = Duration::from_secs(3_600);

/// What a test does to a console at the moment at which it would start something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// SIGSTOP, until the test lets it go on.
    Stopped,
    /// A defect of the program.
    Panics,
}

/// Real processes, started by a console that meets its fate first.
struct Fated {
    fate: Fate,
    /// Whether it has come there, and whether it may go on.
    gate: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Fated {
    fn new(fate: Fate) -> Arc<Self> {
        Arc::new(Self { fate, gate: Mutex::default(), changed: Condvar::new() })
    }

    fn is_there(&self) -> bool {
        self.gate.lock().unwrap().0
    }

    fn go_on(&self) {
        self.gate.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

impl ActionRunner for Fated {
    fn run(&self, grant: Grant, directory: &str) -> Result<ProcessId, RunError> {
        let mut gate = self.gate.lock().unwrap();
        gate.0 = true;
        assert!(self.fate != Fate::Panics, "the console has a defect here");
        drop(self.changed.wait_while(gate, |gate| !gate.1).unwrap());
        runner().run(grant, directory)
    }

    fn probe(&self, directory: &str) -> Probe {
        runner().probe(directory)
    }

    fn cancel(&self, directory: &str) -> Result<(), RunError> {
        runner().cancel(directory)
    }

    fn give_up(&self, directory: &str) -> Result<GivenUp, RunError> {
        runner().give_up(directory)
    }

    fn output(&self, directory: &str, offset: u64, limit: usize) -> Result<Vec<u8>, RunError> {
        runner().output(directory, offset, limit)
    }
}

fn appends_to(ledger: &Path) -> String {
    format!("echo once >> {}", ledger.display())
}

const fn has_ended(attempt: &aiops::domain::action::attempt::Attempt) -> bool {
    matches!(attempt.state, AttemptState::Ended { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_that_was_stopped_starts_nothing_after_its_attempt_was_given_up() {
    let scene = Scene::new().await;
    let ledger = scene.path().join("ledger");
    let processes = Fated::new(Fate::Stopped);
    let (stopped, other) = (scene.console(Arc::clone(&processes) as _), scene.console(Arc::new(runner())));
    let proposal = stopped.propose(spec(&appends_to(&ledger))).await;
    let approving = tokio::spawn(crate::engine::approve(stopped.runner.clone(), proposal));
    tokio::task::spawn_blocking({
        let processes = Arc::clone(&processes);
        move || until("the console comes to the start", || processes.is_there())
    })
    .await
    .unwrap();
    scene.clock.advance(LONG);
    other.runner.resume().await.unwrap();
    let attempt = other.until("the attempt is given up", has_ended).await;
    assert!(
        matches!(&attempt.state, AttemptState::Ended { outcome: Outcome::NotStarted { .. }, .. }),
        "{:?}",
        attempt.state
    );
    processes.go_on();
    let Err(BackendError::Failed(why)) = approving.await.unwrap() else { panic!("it started") };
    assert!(why.contains("given up"), "{why}");
    // The record stays what it was, and it is true.
    assert_eq!(other.attempts().await[0].state, attempt.state);
    assert!(!ledger.exists());
}

#[tokio::test]
async fn an_intent_whose_directory_was_never_made_can_never_begin() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let proposal = console.propose(spec(&appends_to(&scene.path().join("ledger")))).await;
    // What a console does before it is killed.
    let actor = console.store.person();
    let approval = aiops::domain::action::grant::Approval {
        digest: proposal.digest.clone(),
        typed_target: Some("here".to_owned()),
        rendered: String::new(),
        terminal: (80, 24),
    };
    let revision = Some("r".to_owned());
    console.store.approve(proposal.id, approval, revision.clone(), &actor).await.unwrap();
    let root = scene.attempts().display().to_string();
    let grant = console.store.start(proposal.id, revision, &root, &actor).await.unwrap();
    console.runner.resume().await.unwrap();
    scene.clock.advance(LONG);
    let attempt = console.until("the attempt is given up", has_ended).await;
    assert!(matches!(&attempt.state, AttemptState::Ended { outcome: Outcome::Unknown { .. }, .. }));
    // Whoever still holds the grant finds the directory taken.
    assert!(Path::new(&attempt.directory).is_dir());
    assert_eq!(runner().give_up(&attempt.directory).unwrap(), GivenUp::NeverBegan);
    assert!(runner().run(grant, &attempt.directory).is_err());
}

#[test]
fn either_a_supervisor_has_an_attempt_or_it_was_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert_eq!(runner().give_up(path).unwrap(), GivenUp::NeverBegan);
    assert_eq!(runner().give_up(path).unwrap(), GivenUp::NeverBegan);
    let error = runner().run(grant(spec("echo never")), path).unwrap_err();
    assert!(error.to_string().contains("given up") && error.to_string().contains("Nothing of it ran"), "{error}");
    assert_eq!(runner().probe(path), Probe::Lost { spawned: false, left: Vec::new(), output_bytes: 0 });
    assert!(runner().cancel(path).is_err());

    let attempt = Attempt::start(spec("echo runs"));
    assert_eq!(attempt.runner.give_up(attempt.directory()).unwrap(), GivenUp::Began);
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    assert_eq!(attempt.runner.give_up(attempt.directory()).unwrap(), GivenUp::Began);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_panics_is_never_reported_as_if_nothing_had_run() {
    let scene = Scene::new().await;
    let console = scene.console(Fated::new(Fate::Panics) as _);
    let proposal = console.propose(spec("echo a")).await;
    let Err(BackendError::Failed(why)) = console.approve(&proposal).await else { panic!("it started") };
    assert!(why.contains("internal error") && !why.contains("Nothing"), "{why}");
    let attempt = console.attempts().await.remove(0);
    assert_eq!(attempt.state, AttemptState::IntentStored);
    // It is followed all the same, and found not to have begun.
    scene.clock.advance(LONG);
    let attempt = console.until("its end is known", has_ended).await;
    assert!(matches!(&attempt.state, AttemptState::Ended { outcome: Outcome::NotStarted { .. }, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_cannot_be_stored_is_followed_to_its_end() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let gate = scene.path().join("gate");
    let script = format!("until test -e {}; do sleep 0.01; done; echo done", gate.display());
    let proposal = console.propose(spec(&script)).await;
    let raw = rusqlite::Connection::open(scene.path().join("aiops.db")).unwrap();
    // What a full disk does to these two records, which are the first updates of the row.
    raw.execute_batch("CREATE TRIGGER full BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'no space'); END;")
        .unwrap();
    let attempt = console.approve(&proposal).await.unwrap();
    assert_eq!(console.attempts().await[0].state, AttemptState::IntentStored);
    std::fs::write(&gate, "").unwrap();
    raw.execute_batch("DROP TRIGGER full;").unwrap();
    let ended = console.until("the end is stored", has_ended).await;
    assert_eq!(ended.id, attempt);
    assert!(matches!(ended.state, AttemptState::Ended { outcome: Outcome::Exited { code: 0 }, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_without_files_has_no_output_and_no_error() {
    let scene = Scene::new().await;
    let mut broken = runner();
    broken.program = "/nonexistent/aiops".into();
    let console = scene.console(Arc::new(broken));
    let proposal = console.propose(spec("echo a")).await;
    console.approve(&proposal).await.unwrap_err();
    let attempt = console.until("it is over", has_ended).await;
    assert_eq!(console.runner.output(&attempt, 1_000).await.unwrap(), (0, Vec::new()));
    std::fs::remove_dir_all(&attempt.directory).unwrap();
    assert_eq!(console.runner.output(&attempt, 1_000).await.unwrap(), (0, Vec::new()));
}

#[test]
fn losing_the_output_does_not_lose_how_it_ended() {
    let gate = tempfile::tempdir().unwrap();
    let script = format!("echo a; until test -e {}/go; do sleep 0.01; done; exit 7", gate.path().display());
    let attempt = Attempt::start(spec(&script));
    std::fs::remove_file(attempt.path().join("output")).unwrap();
    std::fs::remove_file(attempt.path().join("reserve")).unwrap();
    std::fs::write(gate.path().join("go"), "").unwrap();
    let record = attempt.record();
    assert_eq!(record.outcome, Outcome::Exited { code: 7 });
    assert!(record.notes.iter().any(|note| note.contains("output could not be read")), "{:?}", record.notes);
}
