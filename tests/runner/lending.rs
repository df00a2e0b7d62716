//! Interactive actions and whoever lends them a terminal, as the engine sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiops::domain::action::attempt::{AttemptState, Outcome};
use aiops::domain::action::spec::{ActionSpec, Execution};
use aiops::domain::id::AttemptId;
use aiops::engine::backend::BackendError;
use aiops::engine::ports::{BoxFuture, RunError, TerminalLender, TerminalLoan};

use crate::engine::Scene;
use crate::support::{grant, runner, spec};

fn interactive(script: &str) -> ActionSpec {
    ActionSpec { mode: Execution::Interactive, ..spec(script) }
}

/// A console that cannot step aside.
#[derive(Default)]
struct Refuses(AtomicUsize);

impl TerminalLender for Refuses {
    fn lend(&self, _: AttemptId, _: String) -> BoxFuture<'static, Result<TerminalLoan, RunError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(RunError("the terminal is gone".to_owned())) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_an_interactive_action_is_refused_before_anything_is_spent() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let proposal = console.propose(interactive("echo never")).await;
    let Err(BackendError::Refused(refusal)) = console.approve(&proposal).await else { panic!("approved") };
    assert!(refusal.why.contains("terminal"), "{refusal:?}");
    assert!(console.attempts().await.is_empty());
    assert_eq!(console.store.tray().await.unwrap().len(), 1, "it still waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_is_not_lent_means_that_nothing_was_started() {
    let scene = Scene::new().await;
    let console = scene.console(Arc::new(runner()));
    let lender = Arc::new(Refuses::default());
    console.runner.borrow_terminals_from(Arc::clone(&lender) as _);
    let proposal = console.propose(interactive("echo never")).await;
    let Err(BackendError::Failed(why)) = console.approve(&proposal).await else { panic!("started") };
    assert!(why.contains("the terminal is gone"), "{why}");
    let attempt = console.attempts().await.remove(0);
    assert!(
        matches!(&attempt.state, AttemptState::Ended { outcome: Outcome::NotStarted { .. }, .. }),
        "{:?}",
        attempt.state
    );
    assert!(!std::path::Path::new(&attempt.directory).exists());
    assert_eq!(lender.0.load(Ordering::SeqCst), 1);
    // A supervised action never asks for it.
    let proposal = console.propose(spec("echo runs")).await;
    console.approve(&proposal).await.unwrap();
    assert_eq!(lender.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_supervisor_whose_input_is_no_terminal_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger");
    let action = interactive(&format!("touch {}", ledger.display()));
    let digest = action.digest(true);
    let job = serde_json::json!({
        "version": 1, "attempt": 1, "digest": digest, "spec": grant(action).spec(),
        "output_limit": 1000, "grace": {"secs": 1, "nanos": 0},
    });
    std::fs::write(directory.path().join("spec.json"), job.to_string()).unwrap();
    let mut command = std::process::Command::new("/usr/bin/setsid");
    // In a session without a terminal, so that that of whoever runs the tests is not taken.
    command.args(["--wait", env!("CARGO_BIN_EXE_aiops"), "supervise"]).arg(directory.path()).arg(&digest);
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the terminal cannot be handed to it"), "{said}");
    assert!(!ledger.exists() && !directory.path().join("supervisor.json").exists());
}
