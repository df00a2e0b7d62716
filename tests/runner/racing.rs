//! Several consoles of one database approve the same proposals at the same moment: each action runs exactly once.

use std::sync::Arc;

use aiops::domain::action::attempt::{AttemptState, Outcome};
use aiops::domain::journal::Payload;
use aiops::engine::backend::BackendError;

use crate::engine::{Console, Scene, approve};
use crate::support::{runner, spec};

const CONSOLES: usize = 4;
const PROPOSALS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_approves_and_however_often_each_action_runs_once() {
    let scene = Scene::new().await;
    let ledger = scene.path().join("ledger");
    let consoles: Vec<Console> = (0..CONSOLES).map(|_| scene.console(Arc::new(runner()))).collect();
    let mut proposals = Vec::new();
    for number in 0..PROPOSALS {
        proposals.push(consoles[0].propose(spec(&format!("echo {number} >> {}", ledger.display()))).await);
    }
    let mut approving = tokio::task::JoinSet::new();
    for round in 0..2 {
        for (number, proposal) in proposals.iter().enumerate() {
            for console in 0..CONSOLES {
                // Each console begins with another proposal.
                let console = &consoles[(console + number + round) % CONSOLES];
                approving.spawn(approve(console.runner.clone(), proposal.clone()));
            }
        }
        // Others look for lost attempts meanwhile, and must not take a start for one.
        for console in &consoles {
            console.runner.resume().await.unwrap();
        }
    }
    let (mut started, mut refused) = (0, 0);
    while let Some(result) = approving.join_next().await {
        match result.unwrap() {
            Ok(_) => started += 1,
            Err(BackendError::Refused(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((started, refused), (PROPOSALS, PROPOSALS * (2 * CONSOLES - 1)));
    let last = &consoles[CONSOLES - 1];
    for console in &consoles {
        console.runner.resume().await.unwrap();
    }
    let done = |attempts: &[aiops::domain::action::attempt::Attempt]| {
        let exited = Outcome::Exited { code: 0 };
        attempts
            .iter()
            .filter(|one| matches!(&one.state, AttemptState::Ended { outcome, .. } if *outcome == exited))
            .count()
    };
    last.until("one has ended", |attempt| matches!(attempt.state, AttemptState::Ended { .. })).await;
    let end = std::time::Instant::now() + crate::support::PATIENCE;
    while done(&last.attempts().await) < PROPOSALS {
        assert!(std::time::Instant::now() < end, "{:?}", last.attempts().await);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut lines: Vec<String> = std::fs::read_to_string(&ledger).unwrap().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..PROPOSALS).map(|number| number.to_string()).collect::<Vec<_>>());
    let report = last.store.verify().await.unwrap();
    assert!(report.ok, "{report:?}");
    let entries =
        last.store.read_view(|reader| reader.entries(aiops::domain::id::JournalSeq(0), 10_000)).await.unwrap();
    let payloads: Vec<Payload> = entries.iter().map(|entry| serde_json::from_str(&entry.payload).unwrap()).collect();
    let count = |wanted: fn(&Payload) -> bool| payloads.iter().filter(|payload| wanted(payload)).count();
    assert_eq!(count(|payload| matches!(payload, Payload::IntentStored { .. })), PROPOSALS);
    assert_eq!(count(|payload| matches!(payload, Payload::Spawned { .. })), PROPOSALS);
    assert_eq!(count(|payload| matches!(payload, Payload::Ended { .. })), PROPOSALS);
}
