//! Deviations and effects of runs that are played to their end.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::domain::run::comparison::{self, Mark};
use crate::domain::run::deviation::{
    Deviation, DeviationKind, Ran, Stray, Verdict, against_evidence, noticed, of_stray,
};
use crate::domain::run::effect::{Effectiveness, Firing, Measured, Surroundings, WATCH, judge, so_far, watches};
use crate::domain::run::statistics::{self, IncidentTimes, Milestones, RunStory};
use crate::domain::run::story::Told;
use crate::domain::run::written::tests::built;

/// The run of a stage with the deviations that its events show, found one by one as they happened.
fn fold(stage: &Stage) -> Run {
    let mut run = stage.first.clone();
    for (event, at) in &stage.events {
        let found = noticed(&run, event, None);
        run.apply(event, *at);
        for deviation in found {
            run.apply(&RunEvent::Deviated { deviation: Box::new(deviation) }, *at);
        }
    }
    run
}

fn kinds(stage: &Stage) -> Vec<DeviationKind> {
    fold(stage).deviations.iter().map(Deviation::kind).collect()
}

fn by_person(stage: &Stage, item: u32, branch: usize) -> RunCommand {
    let ItemKind::Decision { forks, .. } = &stage.run.item(ItemId(item)).unwrap().kind else { panic!() };
    let basis = Basis::Person { name: String::new(), why: "I see it".to_owned() };
    RunCommand::Decide { item: ItemId(item), branch: forks[branch].node.clone(), basis }
}

fn change(stage: &mut Stage, change: Change) {
    stage.by_ada(RunCommand::Change(change));
}

/// Plays [`TEXT`] to its end as written.
fn as_written() -> Stage {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.wait(Duration::from_secs(60));
    stage.approve(OK, "98%");
    stage.wait(Duration::from_secs(60));
    stage.approve(OK, "removed");
    stage.wait(Duration::from_secs(300));
    stage.world.alert_fires = false;
    stage.go_on();
    assert!(stage.run.state.is_over());
    stage
}

#[test]
fn what_is_done_as_written_does_not_deviate() {
    let stage = as_written();
    assert_eq!(kinds(&stage), []);
    let marks: Vec<Mark> = comparison::of(&fold(&stage)).iter().map(|line| line.mark).collect();
    let [same, off] = [Mark::Same, Mark::OffTheWay];
    assert_eq!(marks, [same, same, same, off, same, same]);
}

#[test]
fn a_person_may_decide_as_the_evidence_does_and_not_against_it() {
    let text = "## Diagnosis\n\n1. Ask it:\n   ```sh\n   curl http://x\n   ```\n2. Does it fail?\n   - If the command fails, \
                restart it.\n   - Otherwise, go home.\n";
    for (branch, expected) in [(0, vec![]), (1, vec![DeviationKind::WrongBranch])] {
        let mut stage = Stage::of(text);
        stage.go_on();
        // Paused, so that the engine does not answer first.
        stage.by_ada(RunCommand::Pause);
        stage.approve(Outcome::Exited { code: 7 }, "");
        stage.by_ada(by_person(&stage, 2, branch));
        let deviates: Vec<DeviationKind> =
            kinds(&stage).into_iter().filter(|kind| *kind != DeviationKind::UnexpectedExit).collect();
        assert_eq!(deviates, expected);
    }
}

#[test]
fn an_answer_against_an_output_is_found_when_the_output_is_read() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.by_ada(RunCommand::Pause);
    stage.approve(OK, "98%");
    let before = stage.run.clone();
    let RunCommand::Decide { branch, .. } = by_person(&stage, 2, 1) else { panic!() };
    assert_eq!(against_evidence(&before, ItemId(2), &branch, None), Verdict::Needs(AttemptId(1)));
    let seen = |text: &str| OutputSeen {
        attempt: AttemptId(1),
        text: Some(OutputText { text: text.to_owned(), whole: true }),
    };
    let verdict = against_evidence(&before, ItemId(2), &branch, Some(&seen("98%")));
    let Verdict::Against(deviation) = verdict else { panic!("{verdict:?}") };
    assert!(deviation.words(&before).contains("the evidence says \"yes\": 98 against > 95"), "{deviation:?}");
    for agrees in ["3%", "nothing", "99% 3%"] {
        assert_eq!(against_evidence(&before, ItemId(2), &branch, Some(&seen(agrees))), Verdict::Open, "{agrees}");
    }
}

#[test]
fn an_output_without_an_answer_is_unexpected_and_a_run_that_is_ended_leaves_steps_out() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    stage.approve(OK, "nothing to see\n");
    assert_eq!(kinds(&stage), [DeviationKind::UnexpectedOutput]);
    stage.by_ada(RunCommand::Abandon { reason: "enough".to_owned() });
    let run = fold(&stage);
    let skipped: Vec<Option<ItemId>> = run.deviations.iter().skip(1).map(Deviation::item).collect();
    assert_eq!(skipped, [2, 5, 6].map(|id| Some(ItemId(id))), "what only a branch asks for was not left out");
    assert!(run.deviations.iter().skip(1).all(|deviation| deviation.follows_from_end(&run)));
}

#[test]
fn what_was_left_out_and_taken_up_again_is_not_done_twice() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    change(&mut stage, Change::Skip { item: ItemId(1), reason: "known".to_owned() });
    change(&mut stage, Change::Repeat { item: ItemId(1) });
    assert_eq!(kinds(&stage), [DeviationKind::Skipped]);
}

#[test]
fn other_words_and_a_longer_time_than_usual_show_when_the_attempt_is_known() {
    let mut stage = Stage::of(TEXT);
    stage.go_on();
    let running = RunEvent::Running { item: ItemId(1), attempt: AttemptId(1) };
    let seconds = |n: u64| Duration::from_secs(n);
    let ran = |script: &str, took, earlier: usize| Ran {
        spec: built(script, &[]),
        took: Some(seconds(took)),
        earlier: (1..=earlier).map(|n| seconds(n as u64)).collect(),
    };
    assert_eq!(noticed(&stage.run, &running, Some(&ran("df -h /srv", 1, 0))), []);
    let found = noticed(&stage.run, &running, Some(&ran("df -h /", 1, 0)));
    let [Deviation::Edited { written, ran: words, .. }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((written.as_str(), words.as_str()), ("df -h /srv", "df -h /"));
    stage.run.apply(&running, stage.world.now);
    let evidence = Evidence::Attempt { attempt: AttemptId(1), outcome: OK };
    let came = RunEvent::Came { item: ItemId(1), evidence };
    for (took, earlier, slow) in [(6, 5, true), (5, 5, false), (100, 4, false), (20, 20, true), (19, 20, false)] {
        let found = noticed(&stage.run, &came, Some(&ran("df -h /srv", took, earlier)));
        assert_eq!(!found.is_empty(), slow, "{took} s after {earlier}: {found:?}");
        assert!(found.iter().all(|deviation| deviation.kind() == DeviationKind::Slow));
    }
}

#[test]
fn what_is_run_beside_a_run_is_added_repeated_or_of_another_branch() {
    let stage = as_written();
    let node = |item: u32| stage.run.item(ItemId(item)).unwrap().node.clone();
    let stray = |node| Stray { attempt: AttemptId(9), node, ran: "ls".to_owned() };
    let kind = |node| of_stray(&stage.run, &stray(node)).map(|deviation| deviation.kind());
    assert_eq!(kind(None), Some(DeviationKind::Added));
    assert_eq!(kind(node(1)), Some(DeviationKind::Repeated));
    let mut other = Stage::of(TEXT);
    other.go_on();
    other.approve(OK, "3%");
    let of_branch = other.run.item(ItemId(3)).unwrap().node.clone();
    let found = of_stray(&other.run, &stray(of_branch));
    assert_eq!(found.map(|deviation| deviation.kind()), Some(DeviationKind::WrongBranch));
    let mut early = Stage::of(TEXT);
    early.go_on();
    assert_eq!(of_stray(&early.run, &stray(node(1))), None, "the item may still take it");
}

/// A document of so many commands, one behind the other.
fn commands(count: usize) -> String {
    let steps: Vec<String> = (1..=count).map(|n| format!("{n}. Do {n}:\n\n   ```sh\n   echo {n}\n   ```\n")).collect();
    format!("## Mitigation\n\n{}", steps.join("\n"))
}

/// Plays `count` commands; at number `at` something is done otherwise.
fn play(count: usize, at: u32, kind: Option<DeviationKind>) -> Stage {
    let mut stage = Stage::of(&commands(count));
    let item = ItemId(at);
    if kind == Some(DeviationKind::Reordered) {
        change(&mut stage, Change::Move { item, after: Some(ItemId(at + 1)) });
    }
    stage.go_on();
    while !stage.run.state.is_over() {
        let turn = stage.run.open_items().next().unwrap().id;
        match kind {
            Some(DeviationKind::Skipped) if turn == item => {
                change(&mut stage, Change::Skip { item, reason: "no".to_owned() });
                stage.go_on();
            }
            Some(DeviationKind::Edited) if turn == item => {
                stage.world.proposals.last_mut().unwrap().state = ProposalState::Rejected;
                stage.go_on();
                stage.by_ada(RunCommand::Confirm { item, note: String::new() });
                stage.go_on();
            }
            Some(DeviationKind::UnexpectedExit) if turn == item => {
                stage.approve(Outcome::Exited { code: 1 }, "");
                stage.by_ada(RunCommand::Resume);
                stage.go_on();
            }
            Some(DeviationKind::Added) if turn == item => {
                let insert =
                    Change::Insert { after: Some(item), title: "Tell".to_owned(), node: None, kind: ItemKind::Manual };
                change(&mut stage, insert);
                stage.approve(OK, "");
                let inserted = stage.run.open_items().next().unwrap().id;
                stage.by_ada(RunCommand::Confirm { item: inserted, note: String::new() });
                stage.go_on();
            }
            Some(DeviationKind::Repeated) if turn == item => {
                stage.by_ada(RunCommand::Pause);
                stage.approve(OK, "");
                change(&mut stage, Change::Repeat { item });
                stage.by_ada(RunCommand::Resume);
                stage.go_on();
                stage.approve(OK, "");
            }
            _ => stage.approve(OK, ""),
        }
    }
    stage
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A run that is done exactly as written has no deviation, and each kind of change gives exactly that kind, wherever it is
    /// made; and every step of the document stands once in the comparison.
    #[test]
    fn each_kind_of_change_gives_exactly_that_kind(count in 2usize..8, at in 0usize..7, which in 0usize..7) {
        let changes = [
            None,
            Some(DeviationKind::Skipped),
            Some(DeviationKind::Reordered),
            Some(DeviationKind::Edited),
            Some(DeviationKind::UnexpectedExit),
            Some(DeviationKind::Added),
            Some(DeviationKind::Repeated),
        ];
        let at = u32::try_from(at % (count - 1)).unwrap() + 1;
        let stage = play(count, at, changes[which]);
        let run = fold(&stage);
        let found: Vec<DeviationKind> = run.deviations.iter().map(Deviation::kind).collect();
        prop_assert_eq!(found, changes[which].into_iter().collect::<Vec<_>>());
        let lines = comparison::of(&run);
        let written = lines.iter().filter(|line| line.written.is_some()).count();
        prop_assert_eq!(written, count);
        for line in &lines {
            prop_assert!(line.written.is_some() || line.done.is_some(), "{line:?} says nothing");
        }
        for deviation in &run.deviations {
            prop_assert!(!deviation.words(&run).is_empty() && deviation.correction(&run).ends_with('.'));
            let json = serde_json::to_string(deviation).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Deviation>(&json).unwrap(), deviation);
        }
    }
}

fn story(stage: &Stage) -> Vec<Told> {
    stage.events.iter().map(|(event, at)| Told { at: *at, event: event.clone() }).collect()
}

/// How the alert of a run goes on, and what verdict comes of that for the run. Times are seconds since the run began: the
/// removal is approved after 120 s, the run ends after 420 s, its watch after 1,320 s.
#[rstest]
#[case::ended(Some(400), None, Effectiveness::Proven)]
#[case::fires(None, None, Effectiveness::NotProven)]
#[case::ended_before_anything_was_done(Some(50), None, Effectiveness::NotProven)]
#[case::ended_after_the_watch(Some(2_000), None, Effectiveness::NotProven)]
#[case::another_one_began(Some(400), Some(("g", 500, None)), Effectiveness::Worse)]
#[case::another_one_began_and_ended(Some(400), Some(("g", 500, Some(600))), Effectiveness::Proven)]
#[case::another_one_was_there_before(Some(400), Some(("g", 10, None)), Effectiveness::Proven)]
#[case::it_came_again(Some(400), Some(("f", 700, None)), Effectiveness::Worse)]
#[case::it_came_again_long_after(Some(400), Some(("f", 5_000, None)), Effectiveness::Proven)]
fn alerts_prove_or_disprove(
    #[case] ends: Option<u64>,
    #[case] other: Option<(&str, u64, Option<u64>)>,
    #[case] verdict: Effectiveness,
) {
    let stage = as_written();
    let began = stage.first.started_at;
    let at = |seconds: u64| began.plus(Duration::from_secs(seconds));
    let key = stage.run.plan.alert.clone();
    let mut firings = vec![Firing { key: key.clone(), ends_at: ends.map(at) }];
    firings.extend(other.map(|(fingerprint, since, ends)| {
        let key = AlertKey { fingerprint: fingerprint.to_owned(), starts_at: at(since), ..key };
        Firing { key, ends_at: ends.map(at) }
    }));
    let known = Surroundings { firings, changing: BTreeSet::from([AttemptId(2)]), measured: None };
    let all = watches(&stage.run, &story(&stage), &known.changing);
    let subjects: Vec<Option<ItemId>> = all.iter().map(|watch| watch.item).collect();
    assert_eq!(subjects, [Some(ItemId(3)), None]);
    let run = all[1];
    assert_eq!(judge(&stage.run, &story(&stage), run, &known, run.until().minus(Duration::from_millis(1))), None);
    let effect = judge(&stage.run, &story(&stage), run, &known, run.until()).unwrap();
    assert_eq!(effect.verdict, verdict, "{effect:?}");
    assert!(!effect.signs.is_empty(), "a verdict has its evidence");
    let mut judged = stage.run.clone();
    judged.apply(&RunEvent::Judged { effect: Box::new(effect) }, run.until());
    assert_eq!(watches(&judged, &story(&stage), &known.changing).len(), 1, "each thing is judged once");
}

#[test]
fn a_run_that_changed_nothing_has_no_effect() {
    let stage = as_written();
    let ended = Firing { key: stage.run.plan.alert.clone(), ends_at: Some(stage.world.now) };
    let known = Surroundings { firings: vec![ended], ..Surroundings::default() };
    let all = watches(&stage.run, &story(&stage), &known.changing);
    let effect = so_far(&stage.run, &story(&stage), all[0], &known);
    assert_eq!((all.len(), effect.verdict), (1, Effectiveness::NotProven));
    assert!(effect.words(&stage.run).contains("nothing was changed"), "{}", effect.words(&stage.run));
}

#[rstest]
#[case::back(3.0, Effectiveness::Proven)]
#[case::still(7.0, Effectiveness::NotProven)]
#[case::further_away(9.0, Effectiveness::Worse)]
fn a_metric_that_moves_back_proves(#[case] now: f64, #[case] verdict: Effectiveness) {
    let text = "## Diagnosis\n\n1. See the lag:\n   ```promql\n   lag_seconds\n   ```\n2. Is the lag above 5 seconds?\n   - If \
                yes, restart it:\n     ```sh\n     systemctl restart x\n     ```\n   - Otherwise, go home.\n";
    let mut stage = Stage::of(text);
    stage.metric = Some(vec![7.5]);
    stage.go_on();
    stage.wait(Duration::from_secs(10));
    stage.approve(OK, "");
    assert!(stage.run.state.is_over());
    let changing = BTreeSet::from([AttemptId(1)]);
    let all = watches(&stage.run, &story(&stage), &changing);
    let measured = Some(Measured { at: stage.world.now.plus(WATCH), values: vec![Reading(now)] });
    let known = Surroundings { firings: Vec::new(), changing, measured };
    for watch in all {
        let effect = so_far(&stage.run, &story(&stage), watch, &known);
        assert_eq!(effect.verdict, verdict, "{effect:?}");
    }
}

#[rstest]
#[case(OK, Effectiveness::Proven)]
#[case(Outcome::Exited { code: 3 }, Effectiveness::NotProven)]
fn the_documents_own_verification_counts(#[case] end: Outcome, #[case] verdict: Effectiveness) {
    let text = "## Mitigation\n\n1. Restart:\n   ```sh\n   systemctl restart x\n   ```\n\n## Verify\n\n1. See:\n   ```sh\n   \
                systemctl is-active x\n   ```\n";
    let mut stage = Stage::of(text);
    stage.go_on();
    stage.approve(OK, "");
    stage.approve(end, "");
    let known = Surroundings::default();
    let all = watches(&stage.run, &story(&stage), &known.changing);
    let effect = so_far(&stage.run, &story(&stage), all[0], &known);
    assert_eq!((effect.item, effect.verdict), (Some(ItemId(1)), verdict), "{effect:?}");
}

#[test]
fn milestones_and_statistics_are_counted_as_they_are_defined() {
    let stage = as_written();
    let changing = BTreeSet::from([AttemptId(2)]);
    let opened_at = stage.first.started_at.minus(Duration::from_secs(100));
    let times = IncidentTimes {
        opened_at,
        acknowledged_at: Some(opened_at.plus(Duration::from_secs(30))),
        resolved_at: Some(opened_at.plus(Duration::from_secs(700))),
    };
    let told = RunStory { run: stage.run.clone(), story: story(&stage), changing };
    let milestones = Milestones::of(times, &[&told]);
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
    assert_eq!(seconds(milestones.acknowledge), Some(30));
    assert_eq!(seconds(milestones.diagnose), Some(160), "the first command went well");
    assert_eq!(seconds(milestones.mitigate), Some(220), "the removal went well");
    assert_eq!(seconds(milestones.resolve), Some(700));
    let later = stage.world.now.plus(Duration::from_secs(1));
    let later = IncidentTimes { opened_at: later, resolved_at: None, ..times };
    assert_eq!(Milestones::of(later, &[&told]), Milestones::default(), "an earlier episode counts for nothing");

    let other = {
        let mut stage = Stage::of(TEXT);
        stage.go_on();
        stage.approve(Outcome::Exited { code: 1 }, "");
        stage.by_ada(RunCommand::Abandon { reason: "enough".to_owned() });
        RunStory { run: fold(&stage), story: story(&stage), changing: BTreeSet::new() }
    };
    let counted = statistics::of(&[other, told], &std::collections::BTreeMap::from([(IncidentId(1), times)]));
    assert_eq!((counted.runs, counted.completed, counted.abandoned), (2, 1, 1));
    assert_eq!(counted.time.unwrap().median, Duration::from_secs(420));
    assert_eq!(counted.milestones[3].unwrap().count, 1);
    let first = &counted.steps[0];
    assert_eq!((first.runs, first.well, first.badly), (2, 1, 1));
    assert_eq!(first.deviations[&DeviationKind::UnexpectedExit], 1);
    let taken: Vec<(usize, usize)> = counted.branches.iter().map(|branch| (branch.taken, branch.by_evidence)).collect();
    assert_eq!(taken, [(1, 1), (0, 0)], "a branch that was never taken is there");
    assert_eq!(counted.effect.success(), None, "nothing is judged");
}

#[rstest]
#[case(&[], 95, None)]
#[case(&[7], 50, Some(7))]
#[case(&[3, 1, 2], 50, Some(2))]
#[case(&[1, 2, 3, 4], 50, Some(2))]
#[case(&[1, 2, 3, 4, 5], 95, Some(5))]
#[case(&[1, 2, 3], 0, Some(1))]
#[case(&[1, 2, 3], 100, Some(3))]
fn percentiles_are_of_the_nearest_rank(#[case] values: &[u64], #[case] percent: u8, #[case] expected: Option<u64>) {
    let values: Vec<Duration> = values.iter().map(|n| Duration::from_secs(*n)).collect();
    assert_eq!(statistics::percentile(&values, percent), expected.map(Duration::from_secs));
}
