//! Deviations and effects of runs on real files: found with the event that shows them, written once, never lost.

use std::time::Duration;

use super::acting::{approve, spec, start};
use super::support::{Bench, actor, firing};
use crate::domain::action::attempt::{AttemptEnd, Outcome};
use crate::domain::actor::Actor;
use crate::domain::id::{AttemptId, IncidentId, RunId, SopId};
use crate::domain::incident::IncidentCommand;
use crate::domain::journal::Payload;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::deviation::{Deviation, DeviationKind};
use crate::domain::run::effect::{Effect, Effectiveness};
use crate::domain::run::event::{Change, RunEvent};
use crate::domain::run::evidence::Evidence;
use crate::domain::run::item::ItemId;
use crate::domain::run::{Limits, Plan, Run, plan};
use crate::domain::sop::parse;
use crate::domain::time::Timestamp;

const TEXT: &str = "## Diagnosis\n\n1. Look:\n\n   ```sh\n   du -sh /srv\n   ```\n\n2. Tell them.\n";

pub(super) async fn with_run() -> (Bench, Run) {
    let bench = Bench::new();
    let fence = bench.fence().await;
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let sop = SopId::from("bundled/disk-full.md");
    let procedure = parse(&sop, TEXT.as_bytes());
    let plan = Plan {
        alert: firing("Disk", "a", 1).key,
        sop,
        revision: procedure.revision.clone(),
        title: "Disk".to_owned(),
        items: plan::of(&procedure, TEXT),
        limits: Limits::default(),
        after_attempt: AttemptId(0),
    };
    let run = bench.store.start_run(IncidentId(1), plan, &actor("ada")).await.unwrap();
    (bench, run)
}

/// Runs `du -sh WORD` as the first step, and lets it take so long.
async fn attempt(bench: &Bench, run: &Run, word: &str, took: Duration) -> AttemptId {
    let mut spec = spec(word);
    spec.step.node = run.plan.items[0].node.clone().unwrap();
    let proposal = bench.store.propose(spec, &actor("ada")).await.unwrap();
    approve(&bench.store, &proposal).await.unwrap();
    let id = start(&bench.store, &proposal).await.unwrap();
    bench.clock.advance(took);
    let end = AttemptEnd {
        outcome: Outcome::Exited { code: 0 },
        ended_at: Some(bench.clock.now()),
        output_bytes: 0,
        output_digest: String::new(),
    };
    bench.store.ended(id, end).await.unwrap();
    id
}

pub(super) async fn say(bench: &Bench, command: RunCommand, by: &Actor) -> Run {
    bench.store.run_command(RunId(1), command, by).await.unwrap()
}

fn kinds(run: &Run) -> Vec<DeviationKind> {
    run.deviations.iter().map(Deviation::kind).collect()
}

#[tokio::test]
async fn what_ran_and_how_long_it_took_is_compared_with_the_document_and_with_earlier_times() {
    let (bench, run) = with_run().await;
    for _ in 0..5 {
        attempt(&bench, &run, "/srv", Duration::from_secs(2)).await;
    }
    let slow = attempt(&bench, &run, "/", Duration::from_secs(60)).await;
    let engine = Actor::engine("run");
    let run = say(&bench, RunCommand::NoteRunning { item: ItemId(1), attempt: slow }, &engine).await;
    assert_eq!(kinds(&run), [DeviationKind::Edited]);
    let evidence = Evidence::Attempt { attempt: slow, outcome: Outcome::Exited { code: 0 } };
    let run = say(&bench, RunCommand::NoteEvidence { item: ItemId(1), evidence }, &engine).await;
    let [_, Deviation::Slow { took_ms: 60_000, usual_ms: 2_000, earlier: 5, .. }] = run.deviations.as_slice() else {
        panic!("{:?}", run.deviations)
    };
    let timeline = bench.timeline(1).await;
    assert!(
        timeline.iter().any(|line| line.contains("ran as `du -sh /` [E6], written is `du -sh /srv`")),
        "{timeline:?}"
    );
    let facts = bench.store.read_view(move |reader| reader.run_facts(&run)).await.unwrap();
    let strays: Vec<AttemptId> = facts.strays.iter().map(|stray| stray.attempt).collect();
    assert_eq!(strays, [1, 2, 3, 4, 5].map(AttemptId), "what no item took was run beside the run");
    assert!(facts.changing.is_empty(), "they only read");
}

#[tokio::test]
async fn a_deviation_is_journaled_once_and_the_row_is_the_fold_of_the_events() {
    let (bench, _) = with_run().await;
    let skip = RunCommand::Change(Change::Skip { item: ItemId(2), reason: "they know".to_owned() });
    let run = say(&bench, skip, &actor("ada")).await;
    assert_eq!(kinds(&run), [DeviationKind::Skipped]);
    let again = bench.store.note_deviations(RunId(1), run.deviations.clone()).await.unwrap();
    assert_eq!(again, run);
    let found = Deviation::Added { item: None, attempt: Some(AttemptId(9)), what: "ls".to_owned() };
    let (one, other) = (bench.open_again(2), bench.open_again(3));
    one.note_deviations(RunId(1), vec![found.clone()]).await.unwrap();
    let run = other.note_deviations(RunId(1), vec![found]).await.unwrap();
    assert_eq!(kinds(&run), [DeviationKind::Skipped, DeviationKind::Added]);
    let is_deviation = |payload: &&Payload| matches!(payload, Payload::Run { event, .. } if matches!(**event, RunEvent::Deviated { .. }));
    assert_eq!(bench.journal().await.iter().filter(is_deviation).count(), 2);
    let events = bench.store.read_view(|reader| reader.run_events(RunId(1))).await.unwrap();
    let RunEvent::Started { plan, owner } = events[0].event.clone() else { panic!("{events:?}") };
    let mut fold = Run::new(RunId(1), IncidentId(1), *plan, owner, events[0].at);
    events.iter().for_each(|row| fold.apply(&row.event, row.at));
    assert_eq!(fold, run);
    assert!(bench.store.note_deviations(RunId(7), Vec::new()).await.is_err());
}

#[tokio::test]
async fn a_run_is_watched_until_the_whole_of_it_is_judged() {
    let (bench, _) = with_run().await;
    let watched = || async { bench.store.read_view(|reader| reader.watched_runs()).await.unwrap().len() };
    assert_eq!(watched().await, 1);
    say(&bench, RunCommand::Abandon { reason: "enough".to_owned() }, &actor("ada")).await;
    assert_eq!(watched().await, 1, "over and not judged");
    let at = Timestamp::from_millis(5);
    let effect = |item, verdict| Effect { item, verdict, signs: Vec::new(), since: at, until: at };
    bench.store.note_effect(RunId(1), effect(Some(ItemId(1)), Effectiveness::Worse)).await.unwrap();
    assert_eq!(watched().await, 1, "a step alone is not all of it");
    bench.store.note_effect(RunId(1), effect(None, Effectiveness::Proven)).await.unwrap();
    let run = bench.store.note_effect(RunId(1), effect(None, Effectiveness::Worse)).await.unwrap();
    assert_eq!((watched().await, run.effects.len()), (0, 2), "each thing is judged once");
    assert_eq!(run.effects[1].verdict, Effectiveness::Proven);
    let sops = bench.store.read_view(|reader| reader.sops_run()).await.unwrap();
    assert_eq!(sops, [(SopId::from("bundled/disk-full.md"), 1)]);
    let stories = bench.store.read_view(move |reader| reader.run_stories(&sops[0].0)).await.unwrap();
    assert_eq!(stories[0].run, run);
}

#[tokio::test]
async fn incidents_know_when_they_were_acknowledged() {
    let (bench, _) = with_run().await;
    let times = || async {
        let all = bench.store.read_view(|reader| reader.incident_times([IncidentId(1), IncidentId(2)])).await.unwrap();
        all.into_iter().collect::<Vec<_>>()
    };
    let before = times().await;
    assert_eq!((before.len(), before[0].1.acknowledged_at), (1, None));
    bench.clock.advance(Duration::from_secs(30));
    let command = IncidentCommand::Acknowledge;
    bench.store.incident_command(IncidentId(1), command, &actor("ada")).await.unwrap();
    let at = bench.clock.now();
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(times().await[0].1.acknowledged_at, Some(at));
}

#[tokio::test]
async fn an_incident_that_was_opened_again_is_not_resolved() {
    let (bench, _) = with_run().await;
    let resolved = || async {
        let all = bench.store.read_view(|reader| reader.incident_times([IncidentId(1)])).await.unwrap();
        all[&IncidentId(1)].resolved_at
    };
    let command = async |command: IncidentCommand| {
        bench.store.incident_command(IncidentId(1), command, &actor("ada")).await.unwrap();
    };
    assert_eq!(resolved().await, None);
    command(IncidentCommand::Resolve("done".to_owned())).await;
    assert_eq!(resolved().await, Some(bench.clock.now()));
    bench.clock.advance(Duration::from_secs(2));
    command(IncidentCommand::Reopen).await;
    assert_eq!(resolved().await, None);
}
