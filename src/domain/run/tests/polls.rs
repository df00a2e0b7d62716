//! Runs that poll: metrics, logs and commands, until it is so, until the time is over, and across processes.

use super::*;
use crate::domain::run::condition::Condition;
use crate::domain::run::evidence::Facts;
use crate::domain::run::lines::{Counted, LineCount, Lines};
use crate::domain::run::poll::{Poll, PollOf, Seen};
use crate::domain::run::polling::{Look, judge};

impl Stage {
    /// Looks at a poll of a query or a log, as the engine does.
    pub(super) fn look(&mut self, id: ItemId) {
        let at = self.world.now;
        self.looks += 1;
        self.world.looked.insert(id, at);
        let item = self.run.item(id).unwrap().clone();
        let poll = Poll::of(&item).unwrap();
        let found = match (&poll.of, &self.metric) {
            (PollOf::Query { .. }, Some(values)) => {
                let sample = |value: &f64| Sample { labels: Labels::new(), value: Reading(*value) };
                let samples: Vec<Sample> = values.iter().map(sample).collect();
                judge(poll, &Facts::Metric { query: "up", samples: &samples })
            }
            (PollOf::Lines, _) => {
                let Some(Condition::Lines(question)) = Condition::parse(&poll.condition) else { panic!() };
                let counted = [self.count(question)];
                judge(poll, &Facts::Lines { counted: &counted })
            }
            _ => Err("it cannot be asked".to_owned()),
        };
        let look = Look { at, attempt: None, found };
        if look.is_news(&item) {
            self.say(RunCommand::NoteLook { item: id, look }, &Actor::engine("run")).unwrap();
        }
    }

    pub(super) fn count(&self, question: LineCount) -> Counted {
        let (from, until) = (self.world.now.minus(question.span()), self.world.now);
        let lines = |(lines, at_least)| Lines { source: "orders".into(), from, until, lines, at_least };
        Counted { question, result: self.lines.map(lines).ok_or_else(|| "it is not there".to_owned()) }
    }

    fn seen(&self, item: usize) -> Vec<Seen> {
        match &self.run.plan.items[item].state {
            ItemState::Waiting { seen, .. } => seen.clone(),
            ItemState::Done { evidence: Some(Evidence::Condition { seen, .. }) }
            | ItemState::Failed { evidence: Evidence::Condition { seen, .. } } => seen.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The run as another process reads it, which has looked at nothing yet.
    fn in_another_process(&mut self) {
        let json = serde_json::to_string(&self.run).unwrap();
        self.run = serde_json::from_str(&json).unwrap();
        self.world.looked.clear();
    }
}

const QUEUE: &str = "# Queue\n\n## Mitigation\n\n1. Wait until the queue is below 10, at most 5 minutes, looking every 10 s:\n   \
                     ```promql\n   queue_depth\n   ```\n2. Tell the team.\n";

#[test]
fn a_metric_is_polled_until_it_is_so_and_few_of_the_looks_are_kept() {
    let mut stage = Stage::of(QUEUE);
    stage.metric = Some(vec![250.0]);
    stage.go_on();
    assert_eq!(stage.states(), "waiting pending", "the query is a part of the wait");
    for _ in 0..20 {
        stage.wait(Duration::from_secs(10));
    }
    assert_eq!((stage.states().as_str(), stage.looks), ("waiting pending", 21));
    assert!(stage.seen(0).len() < 10, "{:?}", stage.seen(0));
    stage.metric = Some(vec![7.0]);
    stage.wait(Duration::from_secs(10));
    assert_eq!(stage.states(), "done current");
    let evidence = stage.run.plan.items[0].state.evidence().unwrap();
    assert_eq!(evidence.words(), "7 against < 10: up");
    assert_eq!(stage.seen(0).last().unwrap().value, Some(Reading(7.0)));
    let mut again = stage.first.clone();
    stage.events.iter().for_each(|(event, at)| again.apply(event, *at));
    assert_eq!(again, stage.run, "a run is the fold of its events");
}

#[test]
fn when_the_time_is_over_it_is_looked_once_more_and_the_person_is_told_by_how_much() {
    let mut stage = Stage::of(QUEUE);
    stage.metric = Some(vec![250.0]);
    stage.go_on();
    stage.wait(Duration::from_secs(295));
    assert_eq!(stage.states(), "waiting pending");
    stage.wait(Duration::from_secs(5));
    assert_eq!(stage.states(), "failed pending");
    assert!(stage.stopped().contains("is not so after 5 min: 250 against < 10"), "{}", stage.stopped());
    // A person may let it be looked at for as long again.
    stage.by_ada(RunCommand::Change(Change::Repeat { item: ItemId(1) }));
    stage.go_on();
    assert_eq!(stage.states(), "failed waiting pending");
}

#[test]
fn another_process_goes_on_with_what_was_stored_and_what_was_over_meanwhile_is_looked_at() {
    let mut stage = Stage::of(QUEUE);
    stage.metric = Some(vec![250.0]);
    stage.go_on();
    let before = stage.run.plan.items[0].state.clone();
    stage.in_another_process();
    stage.go_on();
    assert_eq!(stage.run.plan.items[0].state, before, "since when and until when it waits is kept");
    // All of them were gone while the time passed, and it is so by now.
    stage.in_another_process();
    stage.metric = Some(vec![3.0]);
    stage.wait(Duration::from_secs(3 * 60 * 60));
    assert_eq!(stage.states(), "done current");
}

#[test]
fn what_cannot_be_asked_is_no_answer_and_at_the_end_a_person_decides() {
    let mut stage = Stage::of(QUEUE);
    stage.go_on();
    assert_eq!((stage.states().as_str(), stage.seen(0).len()), ("waiting pending", 1));
    assert!(!stage.seen(0)[0].trouble.is_empty());
    stage.metric = Some(vec![250.0]);
    stage.wait(Duration::from_secs(60));
    assert_eq!(stage.seen(0).last().unwrap().value, Some(Reading(250.0)));
    stage.metric = None;
    stage.wait(Duration::from_secs(240));
    assert_eq!(stage.states(), "current pending");
    assert!(stage.stopped().contains("it cannot be asked"), "{}", stage.stopped());
    stage.by_ada(RunCommand::Confirm { item: ItemId(1), note: "seen elsewhere".to_owned() });
    stage.go_on();
    assert_eq!(stage.states(), "done current");
}

#[test]
fn a_paused_run_looks_at_nothing() {
    let mut stage = Stage::of(QUEUE);
    stage.metric = Some(vec![250.0]);
    stage.go_on();
    stage.by_ada(RunCommand::Pause);
    stage.metric = Some(vec![1.0]);
    stage.wait(Duration::from_secs(1_000));
    assert_eq!((stage.states().as_str(), stage.looks), ("waiting pending", 1));
    stage.by_ada(RunCommand::Resume);
    stage.go_on();
    assert_eq!(stage.states(), "done current");
}

const READY: &str = "# Pods\n\n## Mitigation\n\n1. Wait until it says `Ready`, at most 10 minutes, every 60 s:\n   ```sh\n   \
                     kubectl get pod x\n   ```\n2. Tell the team.\n";

#[test]
fn a_command_is_polled_by_a_proposal_for_each_look() {
    let mut stage = Stage::of(READY);
    stage.go_on();
    assert_eq!(stage.states(), "proposed pending pending", "the command comes first");
    stage.approve(OK, "Pending");
    assert_eq!((stage.states().as_str(), stage.world.proposals.len()), ("done waiting pending", 1));
    stage.wait(Duration::from_secs(59));
    assert_eq!(stage.world.proposals.len(), 1, "not before its time");
    stage.wait(Duration::from_secs(1));
    assert_eq!((stage.states().as_str(), stage.world.proposals.len()), ("proposed waiting pending", 2));
    for _ in 0..10 {
        stage.wait(Duration::from_secs(10));
    }
    assert_eq!((stage.world.proposals.len(), stage.world.attempts.len()), (2, 1), "nothing runs without a yes");
    stage.approve(OK, "Ready");
    assert_eq!(stage.states(), "done done current");
    assert_eq!(stage.run.plan.items[1].state.evidence().unwrap().words(), "\"Ready\" in [E2]");
    let mut again = stage.first.clone();
    for (event, at) in &stage.events {
        assert_eq!(crate::domain::run::deviation::noticed(&again, event, None), [], "as written: {event:?}");
        again.apply(event, *at);
    }
    assert_eq!(again, stage.run);
}

#[test]
fn a_polled_command_that_is_rejected_left_out_or_too_late_hands_over() {
    let mut late = Stage::of(READY);
    late.go_on();
    late.world.now = late.world.now.plus(Duration::from_secs(30));
    late.approve(OK, "Pending");
    late.world.now = late.world.now.plus(Duration::from_secs(570));
    late.go_on();
    late.approve(OK, "Pending");
    assert_eq!(late.states(), "done failed pending", "no yes is asked for that would come too late");
    assert!(late.stopped().contains("is not so after 10 min"), "{}", late.stopped());

    let mut rejected = Stage::of(READY);
    rejected.go_on();
    rejected.approve(OK, "Pending");
    rejected.wait(Duration::from_secs(60));
    rejected.world.proposals[1].state = ProposalState::Rejected;
    rejected.go_on();
    assert!(rejected.stopped().contains("was rejected"), "{}", rejected.stopped());
    rejected.by_ada(RunCommand::Confirm { item: ItemId(1), note: String::new() });
    rejected.by_ada(RunCommand::Confirm { item: ItemId(2), note: "it is ready".to_owned() });
    rejected.go_on();
    assert_eq!(rejected.states(), "done done current");

    let mut skipped = Stage::of(READY);
    skipped.go_on();
    skipped.by_ada(RunCommand::Change(Change::Skip { item: ItemId(1), reason: "no kubectl".to_owned() }));
    skipped.go_on();
    assert_eq!(skipped.states(), "skipped current pending");
    assert!(skipped.stopped().contains("nothing is known"), "{}", skipped.stopped());
}

#[test]
fn a_failure_is_no_surprise_where_success_is_waited_for() {
    let text = "# Up\n\n## Mitigation\n\n1. See whether it is up:\n   ```sh\n   curl -f http://x/\n   ```\n2. Wait until it \
                succeeds.\n3. Tell the team.\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    stage.approve(Outcome::Exited { code: 7 }, "");
    assert_eq!((stage.states().as_str(), &stage.run.state), ("failed waiting pending", &RunState::Active));
    stage.wait(Duration::from_secs(60));
    stage.approve(OK, "");
    assert_eq!(stage.states(), "done done current");
}

const LOG: &str = "# Orders\n\n## Diagnosis\n\n1. See the log of the service:\n   - If the log of orders shows `timeout` more than \
                   10 times in the last 5 minutes, restart it.\n   - Otherwise, call the owner.\n\n## Verify\n\n1. Wait until \
                   the log of orders shows `started`, at most 2 minutes.\n2. Verify that the log of orders shows no `panic` in \
                   the last 5 minutes.\n";

#[test]
fn a_log_decides_a_question_ends_a_wait_and_verifies() {
    let mut stage = Stage::of(LOG);
    stage.lines = Some((17, false));
    stage.go_on();
    assert_eq!(stage.states(), "decided current pending pending pending");
    let ItemState::Decided { basis, .. } = &stage.run.plan.items[0].state else { panic!() };
    assert!(
        basis.words().starts_with("17 lines with \"timeout\" against > 10: log orders, 5 min"),
        "{}",
        basis.words()
    );
    stage.lines = Some((0, false));
    stage.by_ada(RunCommand::Confirm { item: ItemId(2), note: String::new() });
    stage.go_on();
    assert_eq!(stage.states(), "decided done pending waiting pending");
    stage.lines = Some((1, false));
    stage.wait(Duration::from_secs(15));
    // One look verifies, and what it finds is against it.
    assert_eq!(stage.states(), "decided done pending done failed");
    assert!(stage.stopped().contains("is not so: 1 lines with \"panic\" against = 0"), "{}", stage.stopped());
}

#[test]
fn a_log_that_is_not_there_or_not_whole_leaves_the_question_to_a_person() {
    let mut stage = Stage::of(LOG);
    stage.go_on();
    assert!(stage.stopped().contains("it is not there"), "{}", stage.stopped());
    let mut stage = Stage::of(LOG);
    stage.lines = Some((3, true));
    stage.go_on();
    assert!(stage.stopped().contains("not all of the log orders"), "{}", stage.stopped());
}

#[test]
fn what_journalctl_has_just_printed_is_the_log_that_is_meant() {
    let text = "# Unit\n\n## Diagnosis\n\n1. Look at the log:\n   ```sh\n   journalctl -u orders -n 100\n   ```\n2. See why:\n   \
                - If the log shows `Out of memory`, restart it.\n   - Otherwise, call the owner.\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    stage.approve(OK, "a\nOut of memory: killed\n");
    let ItemState::Decided { basis, .. } = &stage.run.plan.items[1].state else { panic!("{}", stage.states()) };
    assert_eq!(basis.words(), "1 lines with \"Out of memory\" against > 0 in [E1]");
    // Any other command says nothing of a log.
    let mut other = Stage::of(&text.replace("journalctl -u orders -n 100", "systemctl status orders"));
    other.go_on();
    other.approve(OK, "Out of memory\n");
    assert!(other.stopped().contains("it is not there"), "{}", other.stopped());
}

#[test]
fn commands_of_a_group_are_proposed_together_and_what_follows_waits_for_all() {
    let text = "# Both\n\n## Diagnosis\n\nRun these in parallel:\n\n1. One:\n   ```sh\n   df -h\n   ```\n2. Two:\n   ```sh\n   df \
                -i\n   ```\n3. Three:\n   ```sh\n   uptime\n   ```\n\n## Mitigation\n\n1. Four:\n   ```sh\n   id\n   ```\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    assert_eq!(stage.states(), "proposed proposed proposed pending");
    assert_eq!(stage.world.proposals.len(), 3, "each has an approval of its own");
    stage.approve(OK, "");
    stage.approve(OK, "");
    assert_eq!(stage.states(), "proposed done done pending", "what follows waits for all");
    stage.approve(OK, "");
    assert_eq!(stage.states(), "done done done proposed");
    // One that fails stops the run, and the others are not thrown away.
    let mut failing = Stage::of(text);
    failing.go_on();
    failing.approve(Outcome::Exited { code: 1 }, "");
    assert_eq!((failing.states().as_str(), failing.run.state.name()), ("proposed proposed failed pending", "stopped"));
    failing.approve(OK, "");
    failing.approve(OK, "");
    assert_eq!(failing.states(), "done done failed pending", "their ends are noted all the same");
    failing.by_ada(RunCommand::Resume);
    failing.go_on();
    assert_eq!(failing.states(), "done done failed proposed");
}
