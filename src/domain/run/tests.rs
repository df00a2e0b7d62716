//! Runs played from their first step to their end against a made-up world, and any order of commands.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::advance::{AttemptSeen, Next, OutputSeen, ProposalSeen, Situation, next};
use super::decide::{RunCommand, decide};
use super::event::Answer;
use super::evidence::{Evidence, OutputText, Sample};
use super::item::Basis;
use super::reading::Reading;
use super::*;
use crate::domain::action::attempt::Outcome;
use crate::domain::action::proposal::ProposalState;
use crate::domain::actor::{Actor, Person};
use crate::domain::alert::Labels;
use crate::domain::id::{NodeId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::sop::parse;

const TEXT: &str = "# Disk\n\n## Diagnosis\n\n1. See how full it is:\n\n   ```sh\n   df -h /srv\n   ```\n\n2. Is usage above 95 \
                    %?\n   - If yes, remove the logs:\n     ```sh\n     rm -v x.log\n     ```\n   - Otherwise, restart the \
                    service.\n3. Wait five minutes.\n\n## Verify\n\n1. Wait until the alert ends.\n";

fn person(name: &str) -> Actor {
    Actor::Person(Person { uid: 1, name: name.to_owned(), login_uid: None, ssh_peer: None, tty: None })
}

/// A run, its world, and every event so far.
struct Stage {
    first: Run,
    run: Run,
    world: Situation,
    events: Vec<(RunEvent, Timestamp)>,
    outputs: Vec<(AttemptId, &'static str)>,
    metric: Option<Vec<f64>>,
    /// Lines of the log `orders` that fit every question, and whether there may be more.
    lines: Option<(u64, bool)>,
    /// How often it was looked at something.
    looks: u32,
}

impl Stage {
    fn of(text: &str) -> Self {
        let procedure = parse(&SopId::from("x.md"), text.as_bytes());
        let now = Timestamp::from_millis(1_000_000);
        let alert = AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: now };
        let plan = Plan {
            alert,
            sop: procedure.sop.clone(),
            revision: procedure.revision.clone(),
            title: procedure.title.clone(),
            items: plan::of(&procedure, text),
            limits: Limits::default(),
            after_attempt: AttemptId(0),
        };
        let run = Run::new(RunId(1), IncidentId(1), plan, "ada".to_owned(), now);
        let world = Situation {
            now,
            me: "ada".to_owned(),
            alert_fires: true,
            revision: Some(procedure.revision),
            proposals: Vec::new(),
            attempts: Vec::new(),
            output: None,
            counted: Vec::new(),
            looked: BTreeMap::new(),
        };
        Self {
            first: run.clone(),
            run,
            world,
            events: Vec::new(),
            outputs: Vec::new(),
            metric: None,
            lines: None,
            looks: 0,
        }
    }

    fn say(&mut self, command: RunCommand, by: &Actor) -> Result<(), Refusal> {
        for event in decide(&self.run, command, by)? {
            self.run.apply(&event, self.world.now);
            self.events.push((event, self.world.now));
        }
        Ok(())
    }

    fn by_ada(&mut self, command: RunCommand) {
        self.say(command, &person("ada")).unwrap();
    }

    /// The engine goes on until it is somebody else's turn.
    fn go_on(&mut self) {
        for _ in 0..100 {
            match next(&self.run, &self.world) {
                None => return,
                Some(Next::Do(command)) => self.say(command, &Actor::engine("run")).unwrap(),
                Some(Next::Propose(item)) => self.propose(item),
                Some(Next::Query(item)) => self.query(item),
                Some(Next::Look(item)) => self.look(item),
                Some(Next::Count(questions)) => {
                    self.world.counted = questions.into_iter().map(|q| self.count(q)).collect();
                }
                Some(Next::Read(attempt)) => {
                    let found = self.outputs.iter().find(|(id, _)| *id == attempt);
                    let text = found.map(|(_, text)| OutputText { text: (*text).to_owned(), whole: true });
                    self.world.output = Some(OutputSeen { attempt, text });
                }
            }
        }
        panic!("the engine does not come to rest: {:?}", self.run);
    }

    fn propose(&mut self, item: ItemId) {
        let node = self.run.item(item).unwrap().node.clone().unwrap();
        let id = ProposalId(i64::try_from(self.world.proposals.len()).unwrap() + 1);
        self.world.proposals.push(ProposalSeen { id, node, state: ProposalState::Pending, reason: String::new() });
        self.say(RunCommand::NoteProposed { item, proposal: id }, &Actor::engine("run")).unwrap();
    }

    fn query(&mut self, item: ItemId) {
        let engine = Actor::engine("run");
        let Some(values) = &self.metric else {
            let reason = StopReason::NoEvidence { why: "it cannot be asked".to_owned() };
            return self.say(RunCommand::Ask { item, reason }, &engine).unwrap();
        };
        let samples: Vec<Sample> =
            values.iter().map(|value| Sample { labels: Labels::new(), value: Reading(*value) }).collect();
        let (total, at) = (samples.len(), self.world.now);
        let evidence = Evidence::Metric { source: "prometheus".into(), query: "up".to_owned(), at, samples, total };
        self.say(RunCommand::NoteEvidence { item, evidence }, &engine).unwrap();
    }

    /// The newest waiting proposal is approved, runs and ends.
    fn approve(&mut self, outcome: Outcome, output: &'static str) {
        let waiting = self.world.proposals.iter_mut().rev().find(|seen| seen.state == ProposalState::Pending).unwrap();
        waiting.state = ProposalState::Spent;
        let id = AttemptId(i64::try_from(self.world.attempts.len()).unwrap() + 1);
        let (proposal, node) = (waiting.id, waiting.node.clone());
        self.world.attempts.push(AttemptSeen { id, proposal, node, outcome: Some(outcome) });
        self.outputs.push((id, output));
        self.go_on();
    }

    fn states(&self) -> String {
        self.run.plan.items.iter().map(|item| item.state.name()).collect::<Vec<_>>().join(" ")
    }

    fn stopped(&self) -> String {
        match &self.run.state {
            RunState::Stopped { reason, .. } => reason.words(),
            other => panic!("it is {}", other.name()),
        }
    }

    fn wait(&mut self, span: Duration) {
        self.world.now = self.world.now.plus(span);
        self.go_on();
    }
}

mod deviating;
mod polls;
mod suggesting;

const OK: Outcome = Outcome::Exited { code: 0 };

#[test]
fn a_run_goes_from_its_first_step_to_its_end_and_asks_only_for_approvals() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    assert_eq!(stage.states(), "proposed pending pending pending pending pending");
    stage.approve(OK, "/dev/sda1 40G 39G 1G 98% /srv\n");
    // The question is decided by what the step before it printed, and the branch's command is proposed, not run.
    assert_eq!(stage.states(), "done decided proposed pending pending pending");
    let ItemState::Decided { basis: Basis::Evidence { proof }, .. } = &stage.run.plan.items[1].state else { panic!() };
    assert_eq!(proof.words(), "98 against > 95");
    stage.approve(OK, "removed\n");
    assert_eq!(stage.states(), "done decided done pending waiting pending");
    stage.wait(Duration::from_secs(299));
    assert_eq!(stage.states(), "done decided done pending waiting pending");
    stage.wait(Duration::from_secs(1));
    assert_eq!(stage.states(), "done decided done pending done waiting");
    stage.world.alert_fires = false;
    stage.go_on();
    assert_eq!(stage.run.state, RunState::Ended { result: RunResult::Completed, at: stage.world.now });
    let mut again = stage.first.clone();
    stage.events.iter().for_each(|(event, at)| again.apply(event, *at));
    assert_eq!(again, stage.run, "a run is the fold of its events");
}

#[test]
fn the_other_branch_is_taken_when_the_number_says_so() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.approve(OK, "/dev/sda1 40G 4G 36G 10% /srv\n");
    assert_eq!(stage.states(), "done decided pending current pending pending");
    stage.by_ada(RunCommand::Confirm { item: ItemId(4), note: "told bob".to_owned() });
    stage.go_on();
    assert_eq!(stage.states(), "done decided pending done waiting pending");
    assert_eq!(stage.run.progress(), (3, 5));
}

#[test]
fn without_evidence_the_person_decides() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.approve(OK, "nothing to see\n");
    assert!(stage.stopped().contains("no number with that unit"), "{}", stage.stopped());
    assert_eq!(stage.states(), "done current pending pending pending pending");
    let ItemKind::Decision { forks, .. } = &stage.run.plan.items[1].kind else { panic!() };
    let (branch, none) = (forks[0].node.clone(), NodeId::from("none"));
    let basis = Basis::Person { name: "mallory".to_owned(), why: "I see it".to_owned() };
    let answer = |branch| RunCommand::Decide { item: ItemId(2), branch, basis: basis.clone() };
    assert!(stage.say(answer(none), &person("ada")).is_err());
    stage.by_ada(answer(branch));
    stage.go_on();
    assert_eq!(stage.states(), "done decided proposed pending pending pending");
    let ItemState::Decided { basis, .. } = &stage.run.plan.items[1].state else { panic!() };
    assert_eq!(basis.words(), "decided by ada: I see it", "who decided is who said it");
}

#[test]
fn a_failure_an_unknown_end_and_a_rejection_hand_over() {
    let mut failed = Stage::of(TEXT);
    failed.go_on();
    failed.approve(Outcome::Exited { code: 1 }, "");
    assert!(failed.stopped().contains("ended with exit 1"), "{}", failed.stopped());
    assert_eq!(failed.run.open_items().count(), 0);
    // Once more, by the person: the copy is proposed, and the question rests on it.
    failed.by_ada(RunCommand::Change(Change::Repeat { item: ItemId(1) }));
    failed.go_on();
    failed.approve(OK, "98%");
    assert_eq!(failed.states(), "failed done decided proposed pending pending pending");

    let mut unknown = Stage::of(TEXT);
    unknown.go_on();
    unknown.approve(Outcome::Unknown { reason: "gone".to_owned() }, "");
    assert!(unknown.stopped().contains("nobody knows how attempt 1 ended"));
    assert_eq!(unknown.states(), "unknown pending pending pending pending pending");

    let mut rejected = Stage::of(TEXT);
    rejected.go_on();
    rejected.world.proposals[0].state = ProposalState::Rejected;
    rejected.go_on();
    assert!(rejected.stopped().contains("proposal 1 was rejected"));
    rejected.by_ada(RunCommand::Change(Change::Skip { item: ItemId(1), reason: "known".to_owned() }));
    rejected.go_on();
    assert!(rejected.stopped().contains("no step of the SOP measures"), "{}", rejected.stopped());
}

#[test]
fn a_failure_is_no_surprise_where_the_document_asks_for_it() {
    let text = "## Diagnosis\n\n1. Ask it:\n   ```sh\n   curl http://x\n   ```\n2. See:\n   - If the command fails, restart it.\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    stage.approve(Outcome::Exited { code: 7 }, "");
    assert_eq!(stage.states(), "failed decided current");
    assert_eq!(stage.run.state, RunState::Active);
}

#[test]
fn a_query_is_asked_by_itself_and_decides() {
    let text = "## Diagnosis\n\n1. See the lag:\n   ```promql\n   lag_seconds\n   ```\n2. Is the lag above 5 seconds?\n   - If \
                yes, restart it.\n   - Otherwise, go home.\n";
    let mut stage = Stage::of(text);
    stage.metric = Some(vec![7.5]);
    stage.go_on();
    assert_eq!(stage.states(), "done decided current pending");
    let ItemState::Decided { basis, .. } = &stage.run.plan.items[1].state else { panic!() };
    assert_eq!(basis.words(), "7.5 against > 5: up");
    let mut silent = Stage::of(text);
    silent.go_on();
    assert!(silent.stopped().contains("it cannot be asked"));
    assert_eq!(silent.states(), "current pending pending pending");
}

#[test]
fn time_budget_and_another_document_hand_over_and_a_look_gives_them_anew() {
    let mut stage = Stage::of(TEXT);
    stage.world.now = stage.world.now.plus(Duration::from_secs(5 * 60 * 60));
    stage.go_on();
    assert!(stage.stopped().contains("240 min without a look"), "{}", stage.stopped());
    stage.by_ada(RunCommand::Resume);
    stage.go_on();
    assert_eq!(stage.states(), "proposed pending pending pending pending pending");

    let mut budget = Stage::of(TEXT);
    budget.run.plan.limits.attempts = 0;
    budget.go_on();
    assert!(budget.stopped().contains("0 commands"));

    let mut changed = Stage::of(TEXT);
    changed.world.revision = Some("another".to_owned());
    changed.go_on();
    assert!(changed.stopped().contains("no longer the one"));
}

#[test]
fn what_a_person_proposes_or_runs_counts_for_the_run() {
    let mut stage = Stage::of(TEXT);
    stage.by_ada(RunCommand::Pause);
    stage.go_on();
    assert_eq!(stage.states(), "pending pending pending pending pending pending");
    let node = stage.run.plan.items[0].node.clone().unwrap();
    let seen = |id, state| ProposalSeen { id: ProposalId(id), node: node.clone(), state, reason: String::new() };
    stage.world.proposals.push(seen(1, ProposalState::Pending));
    stage.go_on();
    assert_eq!(stage.states(), "proposed pending pending pending pending pending");
    // Other values: the first proposal is rejected and there is another one.
    stage.world.proposals[0].state = ProposalState::Rejected;
    stage.world.proposals.push(seen(2, ProposalState::Pending));
    stage.go_on();
    assert_eq!(stage.run.plan.items[0].state, ItemState::Proposed { proposal: ProposalId(2) });
    stage.approve(OK, "98%");
    assert_eq!(stage.states(), "done pending pending pending pending pending", "a paused run begins nothing");
    assert_eq!(stage.run.state, RunState::Paused);
}

#[test]
fn parts_of_a_group_are_under_way_together_and_what_follows_waits_for_all() {
    let text = "## Diagnosis\n\nRun these in parallel:\n\n1. Look:\n\n   ```sh\n   df -h\n   ```\n\n2. Look again:\n\n   ```sh\n   \
                df -i\n   ```\n\n## Verify\n\n1. Call her.\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    assert_eq!(stage.states(), "proposed proposed pending");
    stage.approve(OK, "");
    assert_eq!(stage.states(), "proposed done pending");
    stage.approve(OK, "");
    assert_eq!(stage.states(), "done done current");
}

#[test]
fn steps_of_others_wait_for_them_and_a_run_can_be_handed_over() {
    let mut stage = Stage::of(TEXT);
    stage.by_ada(RunCommand::Assign { item: ItemId(1), to: Some("bob".to_owned()) });
    stage.go_on();
    assert_eq!(stage.states(), "pending pending pending pending pending pending");
    stage.world.me = "bob".to_owned();
    stage.go_on();
    assert_eq!(stage.states(), "proposed pending pending pending pending pending");
    stage.approve(OK, "98%");
    assert_eq!(stage.states(), "done pending pending pending pending pending", "the rest is ada's");
    stage.by_ada(RunCommand::HandOver { to: "bob".to_owned() });
    let (RunEvent::HandedOver { summary, from, .. }, _) = stage.events.last().unwrap() else { panic!() };
    assert_eq!(from, "ada");
    assert!(summary.contains("1 of 6 steps are over") && summary.contains("exit 0 [E1]"), "{summary}");
    assert!(summary.contains("Next: Is usage above 95 %?"), "{summary}");
    stage.go_on();
    assert_eq!(stage.states(), "done decided proposed pending pending pending");
    assert!(stage.say(RunCommand::HandOver { to: "two words".to_owned() }, &person("bob")).is_err());
}

#[test]
fn changes_are_of_this_run_and_suggestions_need_a_yes() {
    let mut stage = Stage::of(TEXT);
    let insert = Change::Insert { after: None, title: "Tell the team".to_owned(), node: None, kind: ItemKind::Manual };
    let suggest = RunCommand::Suggest(vec![suggesting::draft(Advice::Plan { change: insert })]);
    stage.say(suggest, &Actor::engine("assistant")).unwrap();
    assert_eq!((stage.run.plan.items.len(), stage.run.suggestions.len()), (6, 1));
    stage.by_ada(RunCommand::AnswerSuggestion { number: 1, answer: Answer::Accepted });
    assert_eq!((stage.run.plan.items.len(), stage.run.suggestions.len()), (7, 0));
    stage.by_ada(RunCommand::Change(Change::Move { item: ItemId(1), after: None }));
    assert_eq!(stage.run.plan.items[0].id, ItemId(1));
    stage.go_on();
    stage.approve(OK, "98%");
    assert_eq!(stage.run.plan.items[1].title, "Tell the team");
    assert!(stage.run.plan.items[1].state.is_open());
    let engine_changes = RunCommand::Change(Change::Skip { item: ItemId(2), reason: "x".to_owned() });
    assert!(stage.say(engine_changes, &Actor::engine("assistant")).is_err(), "only a person changes a run");
    let no_reason = RunCommand::Change(Change::Skip { item: ItemId(2), reason: " ".to_owned() });
    assert!(stage.say(no_reason, &person("ada")).is_err());
}

#[test]
fn a_question_that_is_asked_again_can_be_decided_otherwise() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.approve(OK, "98%");
    let ItemKind::Decision { forks, .. } = stage.run.plan.items[1].kind.clone() else { panic!() };
    stage.by_ada(RunCommand::Change(Change::Skip { item: ItemId(3), reason: "wrong".to_owned() }));
    stage.by_ada(RunCommand::Change(Change::Repeat { item: ItemId(2) }));
    let basis = Basis::Person { name: String::new(), why: String::new() };
    stage.by_ada(RunCommand::Decide { item: ItemId(2), branch: forks[1].node.clone(), basis });
    stage.go_on();
    assert_eq!(stage.states(), "done decided skipped current pending pending");
}

#[test]
fn events_are_kept_as_json_and_come_back() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.approve(OK, "98%");
    stage.by_ada(RunCommand::Abandon { reason: "enough".to_owned() });
    for (event, _) in &stage.events {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<RunEvent>(&json).unwrap(), *event, "{json}");
    }
    let json = serde_json::to_string(&stage.run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&json).unwrap(), stage.run);
    assert!(stage.say(RunCommand::Resume, &person("ada")).is_err(), "what is over stays over");
}

/// Something that may happen, by numbers.
fn happen(stage: &mut Stage, what: u8, item: u32, other: u32) {
    let (item, after) = (ItemId(item % 9 + 1), Some(ItemId(other % 9 + 1)));
    let ada = person("ada");
    let reason = || "because".to_owned();
    // Refusals are answers: nothing but the rules may stand in the way.
    let _ = match what % 14 {
        0 => stage.say(RunCommand::Confirm { item, note: String::new() }, &ada),
        1 => stage.say(RunCommand::Change(Change::Skip { item, reason: reason() }), &ada),
        2 => stage.say(RunCommand::Change(Change::Repeat { item }), &ada),
        3 => stage.say(RunCommand::Change(Change::Move { item, after }), &ada),
        4 => {
            let change = Change::Insert { after, title: reason(), node: None, kind: ItemKind::Manual };
            stage.say(RunCommand::Change(change), &ada)
        }
        5 => stage.say(RunCommand::Assign { item, to: other.is_multiple_of(2).then(|| "bob".to_owned()) }, &ada),
        6 => stage.say(RunCommand::Pause, &ada),
        7 => stage.say(RunCommand::Resume, &ada),
        8 => {
            let Some(found) = stage.run.item(item) else { return };
            let ItemKind::Decision { forks, .. } = &found.kind else { return };
            let branch = forks[other as usize % forks.len()].node.clone();
            let basis = Basis::Person { name: String::new(), why: String::new() };
            stage.say(RunCommand::Decide { item, branch, basis }, &ada)
        }
        9 => {
            stage.world.now = stage.world.now.plus(Duration::from_secs(u64::from(other) * 60));
            Ok(())
        }
        10 => {
            stage.world.alert_fires = other.is_multiple_of(2);
            Ok(())
        }
        11 => {
            let waiting = stage.world.proposals.iter_mut().find(|seen| seen.state == ProposalState::Pending);
            if let Some(seen) = waiting {
                seen.state = if other.is_multiple_of(2) { ProposalState::Rejected } else { ProposalState::Void };
            }
            Ok(())
        }
        _ => {
            let outcomes = [OK, Outcome::Exited { code: 1 }, Outcome::TimedOut, Outcome::Unknown { reason: reason() }];
            if stage.world.proposals.iter().any(|seen| seen.state == ProposalState::Pending) {
                stage.approve(outcomes[other as usize % 4].clone(), ["98%", "3%", "", "a b"][item.0 as usize % 4]);
            }
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens in whatever order: the engine comes to rest, a run is the fold of its events, numbers of items are
    /// given once, an item runs only after it was proposed or by a person, and a run that is complete has nothing left.
    #[test]
    fn any_order_of_things_keeps_the_promises(things in prop::collection::vec((any::<u8>(), 0u32..12, 0u32..12), 1..40)) {
        let mut stage = Stage::of(TEXT);
        for (what, item, other) in things {
            happen(&mut stage, what, item, other);
            stage.go_on();
        }
        let mut again = stage.first.clone();
        stage.events.iter().for_each(|(event, at)| again.apply(event, *at));
        prop_assert_eq!(&again, &stage.run);
        let mut ids: Vec<ItemId> = stage.run.plan.items.iter().map(|item| item.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), stage.run.plan.items.len());
        let proposed = stage.world.proposals.len();
        let ran = stage.events.iter().filter(|(event, _)| matches!(event, RunEvent::Running { .. })).count();
        prop_assert!(ran <= proposed, "{} ran, {} were proposed", ran, proposed);
        if let RunState::Ended { result: RunResult::Completed, .. } = stage.run.state {
            prop_assert!(stage.run.first_pending().is_none() && stage.run.open_items().next().is_none());
        }
    }
}
