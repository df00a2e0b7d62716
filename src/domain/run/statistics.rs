//! Statistics of runs: how long incidents took, and how well an SOP, its steps and its branches did.
//!
//! Owns: the definitions and the counting. Does not: load runs, or compare people.
//!
//! Invariants: the same stories give the same numbers, whatever their order. What was not seen is `None`, never zero.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Run;
use super::RunState;
use super::deviation::DeviationKind;
use super::effect::{Effectiveness, acts};
use super::event::{RunEvent, RunResult};
use super::item::{Basis, ItemId, ItemKind, ItemState};
use super::story::{Done, Ending, Told, done};
use crate::domain::id::{AttemptId, NodeId};
use crate::domain::procedure::SectionRole;
use crate::domain::time::Timestamp;

/// The smallest of `values` that at least `percent` of them do not exceed (the nearest rank); `None` of none.
#[must_use]
pub fn percentile(values: &[Duration], percent: u8) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * usize::from(percent.min(100))).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Durations in three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half of them took no longer.
    pub median: Duration,
    /// 95 % of them took no longer.
    pub p95: Duration,
}

impl Spread {
    /// Of these; `None` of none.
    #[must_use]
    pub fn of(values: &[Duration]) -> Option<Self> {
        let (median, p95) = (percentile(values, 50)?, percentile(values, 95)?);
        Some(Self { count: values.len(), median, p95 })
    }
}

/// A run and all that is needed to count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStory {
    /// The run as it is now.
    pub run: Run,
    /// What happened to it, oldest first.
    pub story: Vec<Told>,
    /// Its attempts that may have changed something: whose risk is above reading.
    pub changing: BTreeSet<AttemptId>,
}

/// When things happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentTimes {
    /// When its first alert began to fire; of the present episode when it was reopened.
    pub opened_at: Timestamp,
    /// When a person acknowledged it first, or was made its owner, in this episode.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was resolved; `None` while it is not.
    pub resolved_at: Option<Timestamp>,
}

/// How long an incident took to each milestone, from the moment at which its first alert began to fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// Until a person acknowledged it or was made its owner.
    pub acknowledge: Option<Duration>,
    /// Until something was known: the first command, query, question or check by hand that went well in a section that
    /// diagnoses, or a question that was answered by evidence anywhere.
    pub diagnose: Option<Duration>,
    /// Until something was done about it: the first end without failure of a step that acts (see
    /// [`super::effect::acts`]).
    pub mitigate: Option<Duration>,
    /// Until it was resolved: by the end of its alerts, or by a person.
    pub resolve: Option<Duration>,
}

impl Milestones {
    /// Of an incident and its runs. What was done before it opened (in an earlier episode) counts for nothing.
    #[must_use]
    pub fn of(times: IncidentTimes, runs: &[&RunStory]) -> Self {
        let since = |at: Timestamp| (at >= times.opened_at).then(|| at.since(times.opened_at));
        let first = |counts: fn(&RunStory, &Done) -> bool| {
            let ends = runs.iter().flat_map(|told| {
                done(&told.story).into_iter().filter(|done| counts(told, done)).map(|done| done.ended)
            });
            ends.filter_map(since).min()
        };
        Self {
            acknowledge: times.acknowledged_at.and_then(since),
            diagnose: first(diagnoses),
            mitigate: first(mitigates),
            resolve: times.resolved_at.and_then(since),
        }
    }
}

fn diagnoses(told: &RunStory, done: &Done) -> bool {
    let Some(item) = told.run.item(done.item) else { return false };
    let by_evidence = matches!(&item.state, ItemState::Decided { basis: Basis::Evidence { .. }, .. });
    done.ending == Ending::Well && (item.role == Some(SectionRole::Diagnosis) || by_evidence)
}

fn mitigates(told: &RunStory, done: &Done) -> bool {
    let acts = told.run.item(done.item).is_some_and(|item| acts(item, done.attempt, &told.changing));
    done.ending == Ending::Well && acts
}

/// How often what was watched became better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Better.
    pub proven: usize,
    /// Not, or nothing says so.
    pub not_proven: usize,
    /// Worse.
    pub worse: usize,
}

impl Tally {
    const fn count(&mut self, verdict: Effectiveness) {
        match verdict {
            Effectiveness::Proven => self.proven += 1,
            Effectiveness::NotProven => self.not_proven += 1,
            Effectiveness::Worse => self.worse += 1,
        }
    }

    /// The share of what was judged whose effect is proven, 0 to 1; `None` when nothing was judged yet.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    pub fn success(&self) -> Option<f64> {
        let judged = self.proven + self.not_proven + self.worse;
        (judged > 0).then(|| self.proven as f64 / judged as f64)
    }
}

/// How well one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepStatistics {
    /// The node of the document.
    pub node: NodeId,
    /// Its words in the newest run. Foreign text.
    pub title: String,
    /// Runs on whose way it was.
    pub runs: usize,
    /// How often it was done, and ended well.
    pub well: usize,
    /// How often it was done, and ended badly.
    pub badly: usize,
    /// How long that took.
    pub time: Option<Spread>,
    /// What came of it, where it acts.
    pub effect: Tally,
    /// Deviations by kind.
    pub deviations: BTreeMap<DeviationKind, usize>,
}

/// How well one branch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchStatistics {
    /// The node of the question.
    pub question: NodeId,
    /// The words of the question. Foreign text.
    pub title: String,
    /// The node of the branch.
    pub branch: NodeId,
    /// Its words. Foreign text.
    pub label: String,
    /// How often it was taken; 0 for one that never was.
    pub taken: usize,
    /// How often by evidence; else by a person.
    pub by_evidence: usize,
    /// From the answer to the end of the run, of runs that were completed.
    pub time: Option<Spread>,
    /// What came of the runs that took it.
    pub effect: Tally,
}

/// How well an SOP did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SopStatistics {
    /// Runs of it.
    pub runs: usize,
    /// Those with nothing left to do.
    pub completed: usize,
    /// Those that a person ended.
    pub abandoned: usize,
    /// What came of those that are judged.
    pub effect: Tally,
    /// How long completed runs took.
    pub time: Option<Spread>,
    /// Of the incidents that it was run for: time until acknowledged, diagnosed, mitigated, resolved.
    pub milestones: [Option<Spread>; 4],
    /// Its steps, in the order of the newest run's document.
    pub steps: Vec<StepStatistics>,
    /// The branches of its questions, in the same order.
    pub branches: Vec<BranchStatistics>,
}

/// Counts the runs of one SOP, oldest first. `times` are those of their incidents.
#[must_use]
pub fn of(runs: &[RunStory], times: &BTreeMap<crate::domain::id::IncidentId, IncidentTimes>) -> SopStatistics {
    let mut all = SopStatistics { runs: runs.len(), ..SopStatistics::default() };
    let mut spans = Vec::new();
    for told in runs {
        if let RunState::Ended { result, at } = &told.run.state {
            match result {
                RunResult::Completed => {
                    all.completed += 1;
                    spans.push(at.since(told.run.started_at));
                }
                RunResult::Abandoned { .. } => all.abandoned += 1,
            }
        }
        if let Some(verdict) = of_run(&told.run) {
            all.effect.count(verdict);
        }
    }
    all.time = Spread::of(&spans);
    all.milestones = milestones(runs, times);
    let Some(newest) = runs.last() else { return all };
    let mut seen = BTreeSet::new();
    for item in &newest.run.plan.items {
        let Some(node) = item.node.as_ref().filter(|node| seen.insert((*node).clone())) else { continue };
        all.steps.push(of_step(runs, node, &item.title));
        if let ItemKind::Decision { forks, .. } = &item.kind {
            let branches = forks.iter().map(|fork| of_branch(runs, node, &item.title, &fork.node, fork.label()));
            all.branches.extend(branches);
        }
    }
    all
}

fn of_run(run: &Run) -> Option<Effectiveness> {
    run.effects.iter().find(|effect| effect.item.is_none()).map(|effect| effect.verdict)
}

fn milestones(
    runs: &[RunStory],
    times: &BTreeMap<crate::domain::id::IncidentId, IncidentTimes>,
) -> [Option<Spread>; 4] {
    let each: Vec<Milestones> = times
        .iter()
        .map(|(incident, times)| {
            let of_it: Vec<&RunStory> = runs.iter().filter(|told| told.run.incident == *incident).collect();
            Milestones::of(*times, &of_it)
        })
        .collect();
    let spread = |of: fn(&Milestones) -> Option<Duration>| Spread::of(&each.iter().filter_map(of).collect::<Vec<_>>());
    [spread(|m| m.acknowledge), spread(|m| m.diagnose), spread(|m| m.mitigate), spread(|m| m.resolve)]
}

fn of_step(runs: &[RunStory], node: &NodeId, title: &str) -> StepStatistics {
    let mut step = StepStatistics {
        node: node.clone(),
        title: title.to_owned(),
        runs: 0,
        well: 0,
        badly: 0,
        time: None,
        effect: Tally::default(),
        deviations: BTreeMap::new(),
    };
    let mut spans = Vec::new();
    for told in runs {
        let mut items = told.run.plan.items.iter().filter(|item| item.node.as_ref() == Some(node)).peekable();
        let way = items.peek().and_then(|item| told.run.on_the_way(item));
        let ids: BTreeSet<ItemId> = items.map(|item| item.id).collect();
        step.runs += usize::from(way == Some(true));
        for done in done(&told.story).iter().filter(|done| ids.contains(&done.item)) {
            spans.push(done.ended.since(done.began));
            match done.ending {
                Ending::Well => step.well += 1,
                Ending::Badly => step.badly += 1,
            }
        }
        let of_it = |item: Option<ItemId>| item.is_some_and(|item| ids.contains(&item));
        told.run
            .effects
            .iter()
            .filter(|effect| of_it(effect.item))
            .for_each(|effect| step.effect.count(effect.verdict));
        for deviation in told.run.deviations.iter().filter(|deviation| of_it(deviation.item())) {
            *step.deviations.entry(deviation.kind()).or_default() += 1;
        }
    }
    step.time = Spread::of(&spans);
    step
}

fn of_branch(runs: &[RunStory], question: &NodeId, title: &str, branch: &NodeId, label: &str) -> BranchStatistics {
    let mut found = BranchStatistics {
        question: question.clone(),
        title: title.to_owned(),
        branch: branch.clone(),
        label: label.to_owned(),
        taken: 0,
        by_evidence: 0,
        time: None,
        effect: Tally::default(),
    };
    let mut spans = Vec::new();
    for told in runs {
        // A question that was asked again counts with its last answer: that is what the run went by.
        let Some((at, basis)) = last_answer(told, question, branch) else { continue };
        found.taken += 1;
        found.by_evidence += usize::from(matches!(basis, Basis::Evidence { .. }));
        if let RunState::Ended { result: RunResult::Completed, at: end } = &told.run.state {
            spans.push(end.since(at));
        }
        if let Some(verdict) = of_run(&told.run) {
            found.effect.count(verdict);
        }
    }
    found.time = Spread::of(&spans);
    found
}

fn last_answer<'a>(told: &'a RunStory, question: &NodeId, branch: &NodeId) -> Option<(Timestamp, &'a Basis)> {
    let item = told.run.plan.items.iter().find(|item| item.node.as_ref() == Some(question))?.id;
    let (at, taken, basis) = told.story.iter().rev().find_map(|told| match &told.event {
        RunEvent::Decided { item: found, branch, basis } if *found == item => Some((told.at, branch, basis)),
        _ => None,
    })?;
    (taken == branch).then_some((at, basis))
}
