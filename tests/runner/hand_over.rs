//! A run that goes from one person to another: what they are told, what waits for their yes, and that nothing is approved for them.

use std::sync::Arc;
use std::time::Duration;

use aiops::domain::action::proposal::ProposalState;
use aiops::domain::id::RunId;
use aiops::domain::run::RunState;
use aiops::domain::run::decide::RunCommand;
use aiops::domain::run::event::{Answer, Change, RunEvent};
use aiops::domain::run::item::ItemId;
use aiops::domain::run::suggestion::{Advice, Source};
use aiops::engine::ports::Clock as _;

use crate::engine::Scene;
use crate::runs::{Desk, document, states};

const WITHOUT: Result<f64, &str> = Err("unused");

/// The summary of the newest hand-over.
async fn summary(desk: &Desk) -> (String, String, String) {
    let events = desk.console.store.read_view(|reader| reader.run_events(RunId(1))).await.unwrap();
    let told = events.into_iter().rev().find_map(|row| match row.event {
        RunEvent::HandedOver { from, to, summary } => Some((from, to, summary)),
        _ => None,
    });
    told.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_person_reads_how_it_stands_and_approves_by_themselves() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    let ledger = sops.path().join("ledger");
    document(sops.path(), &ledger);
    let ada = Desk::of_person("ada", &scene, sops.path(), WITHOUT);
    let bob = Desk::of_person("bob", &scene, sops.path(), WITHOUT);
    ada.start("Full.md").await.unwrap();
    ada.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    ada.approve().await;
    ada.until("the second is", |run| states(run).starts_with("done decided proposed")).await;
    ada.say(RunCommand::HandOver { to: "bob".to_owned() }).await.unwrap();
    let (from, to, words) = summary(&bob).await;
    assert_eq!((from.as_str(), to.as_str()), ("ada", "bob"));
    for part in
        ["2 of 3 steps are over", "Waits for a yes; nothing of it is approved", "proposal 2 waits", "exit 0 [E1]"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    // A proposal is no approval, so that it needs none to become void: whoever says yes, reads the review and is named.
    let waiting = bob.waiting().await;
    assert_eq!((waiting.len(), waiting[0].state), (1, ProposalState::Pending));
    for _ in 0..3 {
        ada.engine.round().await.unwrap();
        bob.engine.round().await.unwrap();
    }
    assert!(!ledger.exists() && bob.waiting().await.len() == 1, "a hand-over approves and repeats nothing");
    bob.approve().await;
    let run = bob.until("it is complete", |run| run.state.is_over()).await;
    assert!(ledger.exists() && run.owner == "bob");
    let attempts = bob.console.attempts().await;
    let by: Vec<&str> = attempts.iter().map(|attempt| attempt.approved_by.as_str()).collect();
    assert!(by.contains(&"ada") && by.contains(&"bob"), "{by:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_later_nothing_that_waited_can_be_approved_and_the_new_owner_goes_on() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let ada = Desk::of_person("ada", &scene, sops.path(), WITHOUT);
    ada.start("Full.md").await.unwrap();
    ada.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    ada.say(RunCommand::HandOver { to: "bob".to_owned() }).await.unwrap();
    drop(ada);
    scene.clock.advance(Duration::from_secs(4 * 24 * 60 * 60));
    let bob = Desk::of_person("bob", &scene, sops.path(), WITHOUT);
    bob.console.store.expire(scene.clock.now()).await.unwrap();
    let run = bob.until("the overdue proposal is noticed", |run| run.state.name() == "stopped").await;
    let RunState::Stopped { reason, .. } = &run.state else { panic!("{run:?}") };
    assert!(reason.words().contains("nobody approved it in time"), "{}", reason.words());
    assert!(bob.waiting().await.is_empty());
    bob.say(RunCommand::Resume).await.unwrap();
    let again = bob.backend.clone();
    let run = bob.run().await;
    let alert = run.plan.alert.clone();
    let node = run.plan.items[0].node.clone().unwrap();
    let command = aiops::engine::backend::Command::Propose {
        incident: run.incident,
        alert,
        sop: run.plan.sop.clone(),
        node,
        values: std::collections::BTreeMap::new(),
    };
    aiops::engine::backend::Backend::send(&again, command).await.unwrap();
    bob.until("the run has taken it", |run| states(run).starts_with("proposed")).await;
    bob.approve().await;
    let run = bob.until("it goes on", |run| states(run).starts_with("done decided proposed")).await;
    assert_eq!(run.owner, "bob");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_counted_where_a_run_stops_and_suggests_once() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    let text = "# Full\n\n## Diagnosis\n\n1. See how full it is:\n\n   ```sh\n   false\n   ```\n\n2. Ask the owner.\n\n3. Look again.\n";
    std::fs::write(sops.path().join("Full.md"), text).unwrap();
    let ada = Desk::of_person("ada", &scene, sops.path(), WITHOUT);
    let skip = |item| RunCommand::Change(Change::Skip { item: ItemId(item), reason: "no owner at night".to_owned() });
    for number in 1..=3 {
        ada.start("Full.md").await.unwrap();
        let say = |command| {
            let command = aiops::engine::backend::Command::Run { run: RunId(number), command };
            aiops::engine::backend::Backend::send(&ada.backend, command)
        };
        say(RunCommand::Pause).await.unwrap();
        say(skip(2)).await.unwrap();
        say(RunCommand::Abandon { reason: "over".to_owned() }).await.unwrap();
    }
    ada.start("Full.md").await.unwrap();
    ada.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    assert_eq!(ada.run().await.suggestions, [], "while it goes on nothing is suggested unasked");
    ada.approve().await;
    let run = ada.until("it has stopped and was counted", |run| !run.suggestions.is_empty()).await;
    assert_eq!(run.state.name(), "stopped");
    let all: Vec<(String, &Source)> =
        run.suggestions.iter().map(|found| (found.draft.advice.brief(), &found.draft.source)).collect();
    assert!(all.contains(&("skip step 2".to_owned(), &Source::History { runs: 3, of: 3 })), "{all:?}");
    let again = Desk::of_person("ada", &scene, sops.path(), WITHOUT);
    for _ in 0..3 {
        again.engine.round().await.unwrap();
        ada.engine.round().await.unwrap();
    }
    assert_eq!(ada.run().await.suggestions, run.suggestions, "another console of the same person does not repeat it");
    let number = run.suggestions[0].number;
    for left in &run.suggestions {
        let command = RunCommand::AnswerSuggestion { number: left.number, answer: Answer::Dismissed };
        let command = aiops::engine::backend::Command::Run { run: RunId(4), command };
        aiops::engine::backend::Backend::send(&ada.backend, command).await.unwrap();
    }
    let third = Arc::new(Desk::of_person("ada", &scene, sops.path(), WITHOUT));
    third.engine.round().await.unwrap();
    let run = third.run().await;
    assert_eq!(run.suggestions, [], "what was left is not suggested again");
    assert!(number >= 1 && run.dismissed.iter().any(|left| matches!(left, Advice::Plan { .. })));
}
