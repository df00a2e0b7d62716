//! What the history of an SOP suggests for a run of it, by counting: no model has a part in it.
//!
//! Owns: the rules, how much evidence each needs, and the words when there is none. Does not: load runs.
//!
//! Invariants: the same runs give the same suggestions. A step that verifies is never suggested to be left out, whatever was done
//! before. Every suggestion says in how many runs of how many it was so.

use std::collections::BTreeMap;

use super::{Advice, Draft, MOST, Source, check_advice};
use crate::domain::id::NodeId;
use crate::domain::procedure::SectionRole;
use crate::domain::run::deviation::DeviationKind;
use crate::domain::run::event::Change;
use crate::domain::run::item::{Added, Item, ItemId, ItemKind, ItemState};
use crate::domain::run::statistics::{self, RunStory, SopStatistics};
use crate::domain::run::{Run, RunState};

/// So many runs have to have done it: of two nobody can tell a habit from a chance.
pub const LEAST: usize = 3;
/// And more than this share of those that could have, in percent: what most did not do is no advice.
pub const SHARE_PERCENT: usize = 60;
/// What history's suggestions cite.
pub const CITE: &str = "history";

/// What history says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experience {
    /// What it suggests, the best supported first.
    pub drafts: Vec<Draft>,
    /// Why it suggests nothing, as a sentence; empty when it does.
    pub none: String,
}

/// What earlier runs of the same SOP suggest for `run`. `earlier` are the runs of its SOP, `run` itself may be among them.
#[must_use]
pub fn of(run: &Run, earlier: &[RunStory]) -> Experience {
    // What is under way says nothing about what is left out.
    let over: Vec<RunStory> =
        earlier.iter().filter(|told| told.run.id != run.id && told.run.state.is_over()).cloned().collect();
    if over.len() < LEAST {
        let none = match over.len() {
            0 => "No earlier run of this SOP is over, so its history suggests nothing.".to_owned(),
            1 => format!(
                "1 earlier run of this SOP is over, and {LEAST} are needed before its history suggests anything."
            ),
            count => {
                format!(
                    "{count} earlier runs of this SOP are over, and {LEAST} are needed before its history suggests anything."
                )
            }
        };
        return Experience { drafts: Vec::new(), none };
    }
    let counted = statistics::of(&over, &BTreeMap::new());
    let mut drafts = skips(run, &over);
    drafts.extend(repeats(run, &counted));
    drafts.extend(branches(run, &counted));
    drafts.extend(insertions(run, &over));
    drafts.retain(|draft| check_advice(run, &draft.advice).is_ok());
    drafts.sort_by_key(|draft| match draft.source {
        Source::History { runs, of } => std::cmp::Reverse((runs * 100 / of.max(1), runs)),
        Source::Model { .. } => std::cmp::Reverse((0, 0)),
    });
    drafts.truncate(MOST);
    let none = if drafts.is_empty() {
        format!(
            "{} earlier runs of this SOP are over, and nothing that is still to come was changed in at least {LEAST} of them and \
             in more than {SHARE_PERCENT} %.",
            over.len()
        )
    } else {
        String::new()
    };
    Experience { drafts, none }
}

/// Whether `runs` of `of` are enough to go by.
const fn enough(runs: usize, of: usize) -> bool {
    runs >= LEAST && runs * 100 > of * SHARE_PERCENT
}

fn draft(advice: Advice, why: String, runs: usize, of: usize) -> Draft {
    Draft { advice, why, cites: vec![CITE.to_owned()], source: Source::History { runs, of }, command: None }
}

/// Steps of the document in this run, as far as a rule may be about them.
fn steps<'a>(
    run: &'a Run,
    counted: &'a SopStatistics,
) -> impl Iterator<Item = (&'a Item, &'a statistics::StepStatistics)> {
    run.plan.items.iter().filter(|item| item.added == Added::Document).filter_map(|item| {
        let node = item.node.as_ref()?;
        Some((item, counted.steps.iter().find(|step| step.node == *node)?))
    })
}

/// In how many of these runs somebody left the step of `node` out, and in how many it was on the way and came to an end at all. What
/// the end of a run left undone is neither: nobody decided that about the step.
#[must_use]
pub fn left_out(over: &[RunStory], node: &NodeId) -> (usize, usize) {
    over.iter().fold((0, 0), |(left, of), told| {
        let items = told.run.plan.items.iter();
        let item = items.clone().find(|item| item.node.as_ref() == Some(node) && item.added == Added::Document);
        match item.filter(|item| told.run.on_the_way(item) == Some(true)).map(|item| &item.state) {
            Some(ItemState::Skipped { .. }) => (left + 1, of + 1),
            Some(state) if state.is_closed() => (left, of + 1),
            Some(_) | None => (left, of),
        }
    })
}

fn skips(run: &Run, over: &[RunStory]) -> Vec<Draft> {
    let pending = |item: &&Item| matches!(item.state, ItemState::Pending | ItemState::Current { .. });
    let may_go = |item: &&Item| item.role != Some(SectionRole::Verify) && run.on_the_way(item) != Some(false);
    let of_document = run.plan.items.iter().filter(|item| item.added == Added::Document);
    of_document
        .filter(pending)
        .filter(may_go)
        .filter_map(|item| {
            let (left, of) = left_out(over, item.node.as_ref()?);
            let why = format!("it was left out in {left} of {of} earlier runs");
            let change = Change::Skip { item: item.id, reason: why.clone() };
            enough(left, of).then(|| draft(Advice::Plan { change }, why, left, of))
        })
        .collect()
}

/// Only of the step that the run stands at: to repeat what went well is nobody's wish.
fn repeats(run: &Run, counted: &SopStatistics) -> Vec<Draft> {
    let RunState::Stopped { item: Some(at), .. } = &run.state else { return Vec::new() };
    steps(run, counted)
        .filter(|(item, _)| item.id == *at && matches!(item.state, ItemState::Failed { .. }))
        .filter_map(|(item, step)| {
            let again = step.deviations.get(&DeviationKind::Repeated).copied().unwrap_or(0);
            let of = step.runs.max(again);
            let why = format!("it was done more than once in {again} of {of} earlier runs");
            enough(again, of).then(|| draft(Advice::Plan { change: Change::Repeat { item: item.id } }, why, again, of))
        })
        .collect()
}

/// Only of a question that waits for a person: what evidence decides needs no habit.
fn branches(run: &Run, counted: &SopStatistics) -> Vec<Draft> {
    let waits = |item: &&Item| matches!(item.state, ItemState::Current { .. });
    let mut found = Vec::new();
    for item in run.plan.items.iter().filter(waits) {
        let of_question = |branch: &&statistics::BranchStatistics| Some(&branch.question) == item.node.as_ref();
        let answers: Vec<_> = counted.branches.iter().filter(of_question).collect();
        let of: usize = answers.iter().map(|answer| answer.taken).sum();
        for answer in answers.iter().filter(|answer| enough(answer.taken, of)) {
            let why = format!("\"{}\" was the answer in {} of {of} earlier runs", answer.label, answer.taken);
            let advice = Advice::Branch { item: item.id, branch: answer.branch.clone() };
            found.push(draft(advice, why, answer.taken, of));
        }
    }
    found
}

/// Steps of a person's own words that were put in behind the same step again and again.
fn insertions(run: &Run, over: &[RunStory]) -> Vec<Draft> {
    let mut seen: BTreeMap<(NodeId, String), (usize, String)> = BTreeMap::new();
    for told in over {
        let items = &told.run.plan.items;
        let mut of_run: BTreeMap<(NodeId, String), String> = BTreeMap::new();
        for pair in items.windows(2) {
            let [before, item] = pair else { continue };
            let Some(node) = &before.node else { continue };
            if item.added == Added::Inserted
                && item.kind == ItemKind::Manual
                && matches!(item.state, ItemState::Done { .. })
            {
                of_run.insert((node.clone(), item.title.to_lowercase()), item.title.clone());
            }
        }
        for (key, title) in of_run {
            seen.entry(key).or_insert((0, title)).0 += 1;
        }
    }
    let has = |title: &str| run.plan.items.iter().any(|item| item.title.to_lowercase() == title.to_lowercase());
    let place = |node: &NodeId| -> Option<ItemId> {
        let item = run.plan.items.iter().find(|item| item.node.as_ref() == Some(node))?;
        let later = run.plan.items.iter().skip_while(|other| other.id != item.id).skip(1);
        // Behind a step after which others are over already it would come too late.
        (run.on_the_way(item) == Some(true) && later.clone().all(|other| !other.state.is_closed())).then_some(item.id)
    };
    let of = over.len();
    seen.into_iter()
        .filter(|((_, title), (count, _))| enough(*count, of) && !has(title))
        .filter_map(|((node, _), (count, title))| {
            let after = Some(place(&node)?);
            let why = format!("it was put in here in {count} of {of} earlier runs");
            let change = Change::Insert { after, title, node: None, kind: ItemKind::Manual };
            Some(draft(Advice::Plan { change }, why, count, of))
        })
        .collect()
}
