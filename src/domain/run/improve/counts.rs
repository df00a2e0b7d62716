//! Counting: in how many runs of a document something was done otherwise, and what follows.
//!
//! Owns: the rules by which history becomes findings. Does not: edit, or load anything.
//!
//! A run counts for a step when the step was on its way and is over; what a run that was ended early left undone says nothing
//! about the step. Runs of an earlier revision count for those steps that are still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::generalise::{generalise, in_general};
use super::{Correction, Document, Finding, FindingKind, LEAST_TOLD, NewStep, Past, Place, Sighting, SopEdit};
use super::{is_enough, risk_of};
use crate::domain::action::risk::Risk;
use crate::domain::id::NodeId;
use crate::domain::procedure::{NodeKind, SectionRole, Shell};
use crate::domain::run::deviation::Deviation;
use crate::domain::run::effect::{Effectiveness, Sign};
use crate::domain::run::event::RunEvent;
use crate::domain::run::item::{Added, Fork, Item, ItemId, ItemKind, ItemState};
use crate::domain::run::reading::{Dimension, Quantity};
use crate::domain::run::statistics::Spread;
use crate::domain::run::story::done;
use crate::domain::run::{Run, plan};

/// Reasons that a finding quotes.
const REASONS: usize = 1;

/// Words before a time that a document promises.
const LIMIT_CUES: [&str; 6] = ["within ", "up to ", "at most ", "takes ", "less than ", "no longer than "];

/// Small numbers as documents write them.
const NUMBERS: [(&str, &str); 10] = [
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
];

/// What is counted.
struct Counter<'a> {
    document: Document<'a>,
    /// The units of the document as it is.
    items: Vec<Item>,
    runs: &'a [Past],
    found: Vec<Finding>,
}

/// What the runs of `document` have in common, not numbered yet.
pub(super) fn of(document: Document<'_>, runs: &[Past]) -> Vec<Finding> {
    let items = plan::of(document.procedure, document.source);
    let mut counter = Counter { document, items: items.clone(), runs, found: Vec::new() };
    for item in &items {
        let Some(node) = &item.node else { continue };
        counter.skipped(item, node);
        counter.edited(item, node);
        counter.reordered(item, node);
        counter.told(item, node);
        counter.branches(item, node);
        counter.too_long(item, node);
    }
    counter.added();
    counter.verified();
    counter.found
}

fn sighting(past: &Past) -> Sighting {
    Sighting { run: past.told.run.id, at: past.told.run.started_at }
}

/// The item of `run` that stands for `node` of the document.
fn item_of<'a>(run: &'a Run, node: &NodeId) -> Option<&'a Item> {
    run.plan.items.iter().find(|item| item.added == Added::Document && item.node.as_ref() == Some(node))
}

fn over(run: &Run, item: &Item) -> bool {
    run.on_the_way(item) == Some(true) && item.state.is_closed()
}

/// Whether an item was left out and not taken up again.
fn is_left_out(run: &Run, item: &Item) -> bool {
    let again = run.plan.items.iter().any(|other| {
        other.added == (Added::Repeats { of: item.id }) && !matches!(other.state, ItemState::Skipped { .. })
    });
    matches!(item.state, ItemState::Skipped { .. }) && !again
}

impl<'a> Counter<'a> {
    /// The runs in which the step is over, with its item.
    fn over(&self, node: &NodeId) -> Vec<(&'a Past, &'a Item)> {
        let runs = self.runs.iter().filter_map(|past| Some((past, item_of(&past.told.run, node)?)));
        runs.filter(|(past, item)| over(&past.told.run, item)).collect()
    }

    /// The runs in which the step was done.
    fn carried_out(&self, node: &NodeId) -> Vec<(&'a Past, &'a Item)> {
        let all = self.over(node).into_iter();
        all.filter(|(past, item)| !is_left_out(&past.told.run, item)).collect()
    }

    /// What the step is called: its number and words.
    fn name(&self, item: &Item) -> String {
        let procedure = self.document.procedure;
        let mut at = item.node.as_ref().and_then(|node| procedure.index_of(node));
        while let Some(node) = at.and_then(|at| procedure.nodes.get(at)) {
            if let NodeKind::Step { label: Some(label), .. } = &node.kind {
                return format!("Step {label} \"{}\"", item.title);
            }
            at = node.parent;
        }
        format!("\"{}\"", item.title)
    }

    fn line(&self, node: &NodeId) -> Option<u32> {
        let procedure = self.document.procedure;
        procedure.index_of(node).and_then(|at| procedure.nodes.get(at)).map(|node| node.line)
    }

    fn push(&mut self, finding: Finding) {
        if finding.seen >= LEAST_TOLD {
            self.found.push(finding);
        }
    }

    /// A finding about the step; a correction that needs more runs is told instead.
    fn finding(
        &self,
        kind: FindingKind,
        node: Option<&NodeId>,
        words: String,
        seen: &[&Past],
        of: usize,
        correction: Correction,
    ) -> Finding {
        let correction = match correction {
            Correction::Patch { .. } if !is_enough(seen.len(), of) => Correction::Told {
                why: format!(
                    "a patch needs {} runs and {} % of them; this is {} of {of}",
                    super::LEAST_RUNS,
                    super::LEAST_PERCENT,
                    seen.len()
                ),
            },
            other => other,
        };
        let mut sightings: Vec<Sighting> = seen.iter().map(|past| sighting(past)).collect();
        sightings.sort_by_key(|sighting| (sighting.at, sighting.run));
        let line = node.and_then(|node| self.line(node));
        let node = node.cloned();
        Finding { number: 0, kind, node, line, words, seen: seen.len(), of, sightings, correction }
    }

    fn skipped(&mut self, item: &Item, node: &NodeId) {
        let all = self.over(node);
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let mut seen = Vec::new();
        for (past, item) in &all {
            if let ItemState::Skipped { reason } = &item.state
                && is_left_out(&past.told.run, item)
            {
                seen.push(*past);
                *reasons.entry(reason.as_str()).or_default() += 1;
            }
        }
        let mut reasons: Vec<(&str, usize)> = reasons.into_iter().filter(|(reason, _)| !reason.is_empty()).collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
        let why: String =
            reasons.iter().take(REASONS).map(|(why, _)| format!(", most often because \"{why}\"")).collect();
        let words = format!("{} was skipped in {} of {} runs{why}.", self.name(item), seen.len(), all.len());
        let correction = self.removal(item, node);
        let finding = self.finding(FindingKind::Skipped, Some(node), words, &seen, all.len(), correction);
        self.push(finding);
    }

    /// Taking out the item of a list that holds this step and nothing else.
    fn removal(&self, item: &Item, node: &NodeId) -> Correction {
        let told = |why: &str| Correction::Told { why: why.to_owned() };
        if !item.within.is_empty() {
            return told("it belongs to a branch, and a branch without it would lead nowhere");
        }
        if matches!(item.kind, ItemKind::Decision { .. }) {
            return told("it is a question that other steps depend on");
        }
        if item.role == Some(SectionRole::Verify) {
            return told("it verifies, and what is not verified is not known");
        }
        if self.alone_in_step(node) {
            Correction::Patch { edit: SopEdit::Remove { node: node.clone() }, risk: None }
        } else {
            told("its step has other parts, which were not skipped")
        }
    }

    /// Whether the step that a node stands in has no other unit.
    fn alone_in_step(&self, node: &NodeId) -> bool {
        let top = self.step_of(node);
        top.is_some()
            && self.items.iter().filter(|item| item.node.as_ref().and_then(|node| self.step_of(node)) == top).count()
                == 1
    }

    /// The outermost step around a node.
    fn step_of(&self, node: &NodeId) -> Option<usize> {
        let procedure = self.document.procedure;
        let mut found = None;
        let mut at = procedure.index_of(node);
        while let Some((here, node)) = at.and_then(|at| Some((at, procedure.nodes.get(at)?))) {
            if matches!(node.kind, NodeKind::Step { .. }) {
                found = Some(here);
            }
            at = node.parent;
        }
        found
    }

    fn edited(&mut self, item: &Item, node: &NodeId) {
        let all = self.carried_out(node);
        let mut by_hand = Vec::new();
        let mut ways: BTreeMap<Result<String, String>, Vec<&Past>> = BTreeMap::new();
        for (past, there) in &all {
            let edits = past.told.run.deviations.iter().rev().filter_map(|deviation| match deviation {
                Deviation::Edited { item, attempt, ran, .. } if *item == there.id => Some((attempt, ran)),
                _ => None,
            });
            match edits.into_iter().next() {
                Some((Some(_), ran)) if !ran.is_empty() => {
                    let written = item.written.as_deref().unwrap_or_default();
                    let people = [past.told.run.owner.as_str()];
                    let way = generalise(ran, written, &past.labels, &people).map_err(|refused| refused.to_string());
                    ways.entry(way).or_default().push(past);
                }
                Some(_) => by_hand.push(*past),
                None => {}
            }
        }
        for (way, seen) in ways {
            let (words, correction) = self.edit(item, node, &way, seen.len(), all.len());
            let finding = self.finding(FindingKind::Edited, Some(node), words, &seen, all.len(), correction);
            self.push(finding);
        }
        let words = format!("{} was done by hand in {} of {} runs.", self.name(item), by_hand.len(), all.len());
        let told = Correction::Told { why: "nobody recorded what was done instead".to_owned() };
        let finding = self.finding(FindingKind::ByHand, Some(node), words, &by_hand, all.len(), told);
        self.push(finding);
    }

    fn edit(
        &self,
        item: &Item,
        node: &NodeId,
        way: &Result<String, String>,
        seen: usize,
        of: usize,
    ) -> (String, Correction) {
        let written = item.written.as_deref().unwrap_or_default();
        let name = self.name(item);
        match way {
            Ok(script) => {
                let words =
                    format!("{name} was edited the same way {seen} times in {of} runs: `{written}` -> `{script}`.");
                let risk = Some((risk_of(script), Some(risk_of(written))));
                let edit = SopEdit::Command { node: node.clone(), script: script.clone() };
                (words, Correction::Patch { edit, risk })
            }
            Err(why) => {
                let words = format!("{name} was edited in {seen} of {of} runs.");
                (words, Correction::Told { why: why.clone() })
            }
        }
    }

    fn reordered(&mut self, item: &Item, node: &NodeId) {
        let mut pairs: BTreeMap<NodeId, Vec<&Past>> = BTreeMap::new();
        let all = self.carried_out(node);
        for (past, there) in &all {
            for deviation in &past.told.run.deviations {
                if let Deviation::Reordered { item: passed, first } = deviation
                    && *first == there.id
                    && let Some(passed) = past.told.run.item(*passed).and_then(|item| item.node.clone())
                {
                    pairs.entry(passed).or_default().push(past);
                }
            }
        }
        for (passed, seen) in pairs {
            let Some(other) = self.items.iter().find(|item| item.node.as_ref() == Some(&passed)) else { continue };
            let (name, before) = (self.name(item), self.name(other));
            let words = format!("{name} was done before {before} in {} of {} runs.", seen.len(), all.len());
            let edit = SopEdit::Move { node: node.clone(), before: passed };
            let correction = if item.within.is_empty() && other.within.is_empty() {
                Correction::Patch { edit, risk: None }
            } else {
                Correction::Told { why: "one of them belongs to a branch".to_owned() }
            };
            let finding = self.finding(FindingKind::Reordered, Some(node), words, &seen, all.len(), correction);
            self.push(finding);
        }
    }

    /// What only a person can mend.
    fn told(&mut self, item: &Item, node: &NodeId) {
        let all = self.carried_out(node);
        let seen = |counts: &dyn Fn(&Deviation, ItemId) -> bool| -> Vec<&'a Past> {
            let has = |(past, there): &&(&'a Past, &'a Item)| {
                past.told.run.deviations.iter().any(|deviation| counts(deviation, there.id))
            };
            all.iter().filter(has).map(|(past, _)| *past).collect()
        };
        let is = |deviation: &Deviation, id: ItemId, kind: FindingKind| match deviation {
            Deviation::Repeated { item, .. } => kind == FindingKind::Repeated && *item == id,
            Deviation::UnexpectedExit { item, .. } => kind == FindingKind::UnexpectedExit && *item == id,
            Deviation::UnexpectedOutput { item, .. } => kind == FindingKind::UnexpectedOutput && *item == id,
            Deviation::WrongBranch { item, .. } => kind == FindingKind::WrongBranch && *item == id,
            Deviation::Skipped { .. }
            | Deviation::Reordered { .. }
            | Deviation::Edited { .. }
            | Deviation::Added { .. }
            | Deviation::Slow { .. } => false,
        };
        let sorts = [
            (FindingKind::Repeated, "was done more than once", "say until when it is to be repeated"),
            (FindingKind::UnexpectedExit, "did not end as expected", "say what that end means, and what to do then"),
            (FindingKind::UnexpectedOutput, "did not answer the question behind it", "ask for what is really printed"),
            (FindingKind::WrongBranch, "was answered against the evidence", "see whether its condition is right"),
        ];
        for (kind, words, remedy) in sorts {
            let seen = seen(&|deviation, id| is(deviation, id, kind));
            let words = format!("{} {words} in {} of {} runs.", self.name(item), seen.len(), all.len());
            let told = Correction::Told { why: format!("only a person knows why; {remedy}") };
            let finding = self.finding(kind, Some(node), words, &seen, all.len(), told);
            self.push(finding);
        }
    }

    fn branches(&mut self, item: &Item, node: &NodeId) {
        let ItemKind::Decision { forks, .. } = &item.kind else { return };
        let answered: Vec<&Past> = self
            .over(node)
            .into_iter()
            .filter(|(_, item)| matches!(item.state, ItemState::Decided { .. }))
            .map(|(past, _)| past)
            .collect();
        let taken: BTreeSet<&NodeId> = answered
            .iter()
            .filter_map(|past| match &item_of(&past.told.run, node)?.state {
                ItemState::Decided { branch, .. } => Some(branch),
                _ => None,
            })
            .collect();
        let never: Vec<&Fork> = forks.iter().filter(|fork| !taken.contains(&fork.node)).collect();
        if answered.len() < super::LEAST_RUNS {
            return;
        }
        for fork in never {
            let count = answered.len();
            let words =
                format!("{}: the branch \"{}\" was never taken in {count} runs.", self.name(item), fork.label());
            let why = "what is rare is what a document is for: leave it, unless it can no longer happen".to_owned();
            let told = Correction::Told { why };
            let finding = self.finding(FindingKind::NeverTaken, Some(node), words, &answered, count, told);
            self.push(finding);
        }
    }

    fn too_long(&mut self, item: &Item, node: &NodeId) {
        if matches!(item.kind, ItemKind::Wait { .. } | ItemKind::Decision { .. }) {
            return;
        }
        let Some((from, limit)) = self.limit_of(node) else { return };
        let all = self.carried_out(node);
        let mut spans = Vec::new();
        let mut seen = Vec::new();
        for (past, there) in &all {
            let took = done(&past.told.story).into_iter().filter(|done| done.item == there.id);
            let took: Vec<Duration> = took.map(|done| done.ended.since(done.began)).collect();
            if took.iter().any(|took| *took > limit) {
                seen.push(*past);
            }
            spans.extend(took);
        }
        let Some(spread) = Spread::of(&spans).filter(|spread| spread.p95 > limit) else { return };
        let to = rounded_up(spread.p95);
        let words = format!(
            "{} takes {} (95 % of {} times at most), and {from} is written; it took longer in {} of {} runs.",
            self.name(item),
            rounded_up(spread.p95),
            spread.count,
            seen.len(),
            all.len()
        );
        let edit = SopEdit::Limit { node: node.clone(), from, to };
        // What counts is how well the 95th percentile is known, not in how many runs it was passed.
        let correction = if spread.count >= super::LEAST_RUNS {
            Correction::Patch { edit, risk: None }
        } else {
            Correction::Told {
                why: format!("it was done {} times, and a patch needs {}", spread.count, super::LEAST_RUNS),
            }
        };
        let mut finding = self.finding(
            FindingKind::TooLong,
            Some(node),
            words,
            &seen,
            seen.len().max(1),
            Correction::Told { why: String::new() },
        );
        finding.of = all.len();
        finding.correction = correction;
        self.push(finding);
    }

    /// A time that the text of the node's step promises: as written, and how long that is.
    fn limit_of(&self, node: &NodeId) -> Option<(String, Duration)> {
        let step = self.step_of(node).and_then(|at| self.document.procedure.nodes.get(at))?;
        let text = &step.text;
        let lower = text.to_ascii_lowercase();
        let cue = LIMIT_CUES.iter().filter_map(|cue| Some(lower.find(cue)? + cue.len())).min()?;
        let rest = text.get(cue..)?;
        let mut words = rest.split_inclusive(' ');
        let (number, unit) = (words.next()?, words.next()?);
        let unit_word = unit.trim_end_matches(|c: char| !c.is_alphanumeric());
        let digits = number.trim().to_ascii_lowercase();
        let digits = NUMBERS.iter().find(|(word, _)| *word == digits).map_or(digits.as_str(), |(_, digits)| digits);
        let quantity = Quantity::parse(digits)?.counted_in(unit_word)?;
        let is_time = quantity.dimension == Dimension::Time && quantity.value.0 > 0.0;
        let seconds = Some(quantity.value.0).filter(|seconds| is_time && *seconds < 1e6)?;
        Some((format!("{number}{unit_word}"), Duration::from_secs_f64(seconds)))
    }
}

/// A span as a document would say it, never too short.
fn rounded_up(span: Duration) -> String {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    let (count, unit) = match seconds {
        0..=59 => (seconds.max(1), "second"),
        60..=7_199 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Something that was done beside the document.
struct Extra<'a> {
    past: &'a Past,
    script: Result<String, String>,
    /// The node of the step that was done last before.
    after: Option<NodeId>,
}

impl<'a> Counter<'a> {
    /// Commands that were run beside the runs, the same in many of them.
    fn added(&mut self) {
        let extras: Vec<Extra<'a>> = self.runs.iter().flat_map(extras).collect();
        let ended = self.runs.iter().filter(|past| past.told.run.state.is_over()).count();
        let mut groups: BTreeMap<Result<String, String>, Vec<Extra<'a>>> = BTreeMap::new();
        for extra in extras {
            groups.entry(extra.script.clone()).or_default().push(extra);
        }
        for (script, extras) in groups {
            let mut seen: Vec<&Past> = extras.iter().map(|extra| extra.past).collect();
            seen.dedup_by_key(|past| past.told.run.id);
            let of = ended.max(seen.len());
            let finding = match script {
                Ok(script) => self.addition(&script, &extras, &seen, of),
                Err(why) => {
                    let words = format!("Something was run beside the document in {} of {of} runs.", seen.len());
                    self.finding(FindingKind::Added, None, words, &seen, of, Correction::Told { why })
                }
            };
            self.push(finding);
        }
    }

    fn addition(&self, script: &str, extras: &[Extra<'a>], seen: &[&Past], of: usize) -> Finding {
        let mut places: BTreeMap<&NodeId, usize> = BTreeMap::new();
        for after in extras.iter().filter_map(|extra| extra.after.as_ref()) {
            *places.entry(after).or_default() += 1;
        }
        let after = places.into_iter().max_by_key(|(_, count)| *count).map(|(node, _)| node.clone());
        let item = after.as_ref().and_then(|node| self.items.iter().find(|item| item.node.as_ref() == Some(node)));
        let risk = risk_of(script);
        let program = script.split_whitespace().next().unwrap_or_default();
        let title =
            if risk <= Risk::Read { format!("See what `{program}` shows:") } else { format!("Run `{program}`:") };
        let step = NewStep { title, script: script.to_owned(), shell: Shell::Sh };
        let verifies = risk <= Risk::Read
            && item.is_some_and(|item| matches!(item.role, Some(SectionRole::Mitigation | SectionRole::Verify)));
        let (kind, place) = match (verifies, self.last_verification()) {
            (true, Some(last)) => (FindingKind::NotVerified, Some(Place::After(last))),
            (true, None) => (FindingKind::NotVerified, Some(Place::NewVerification)),
            (false, _) => (FindingKind::Added, after.clone().map(Place::After)),
        };
        let behind = item.map(|item| format!(" after {}", self.name(item))).unwrap_or_default();
        let words =
            format!("`{script}` was run{behind} in {} of {of} runs, and the document does not have it.", seen.len());
        let branch = item.is_some_and(|item| !item.within.is_empty());
        let correction = match place {
            Some(Place::After(_)) if branch && kind == FindingKind::Added => {
                Correction::Told { why: "it was run in a branch; put it in there by hand".to_owned() }
            }
            Some(place) => Correction::Patch { edit: SopEdit::Insert { place, step }, risk: Some((risk, None)) },
            None => Correction::Told { why: "it was run before any step".to_owned() },
        };
        self.finding(kind, after.as_ref(), words, seen, of, correction)
    }

    /// The last unit that verifies.
    fn last_verification(&self) -> Option<NodeId> {
        let mut verify = self.items.iter().rev().filter(|item| item.role == Some(SectionRole::Verify));
        verify.next().and_then(|item| item.node.clone())
    }

    /// Queries that proved the effect of runs whose document verifies nothing.
    fn verified(&mut self) {
        if self.last_verification().is_some() {
            return;
        }
        let acts = |past: &&Past| !past.told.changing.is_empty();
        let changed: Vec<&Past> = self.runs.iter().filter(|past| past.told.run.state.is_over()).filter(acts).collect();
        if changed.is_empty() {
            return;
        }
        let mut queries: BTreeMap<String, Vec<&Past>> = BTreeMap::new();
        for past in &changed {
            if let Some(query) = proving_query(past) {
                queries.entry(query).or_default().push(past);
            }
        }
        for (query, seen) in &queries {
            let words = format!(
                "Runs change something and the document verifies nothing; `{query}` proved the effect in {} of {} runs.",
                seen.len(),
                changed.len()
            );
            let title = "See that the value is back to where it belongs:".to_owned();
            let step = NewStep { title, script: query.clone(), shell: Shell::Promql };
            let edit = SopEdit::Insert { place: Place::NewVerification, step };
            let correction = Correction::Patch { edit, risk: Some((Risk::Query, None)) };
            let finding = self.finding(FindingKind::NotVerified, None, words, seen, changed.len(), correction);
            self.push(finding);
        }
        if queries.is_empty() {
            let words = format!("{} runs changed something, and the document verifies nothing.", changed.len());
            let told =
                Correction::Told { why: "nothing was measured that would prove it; say what shows success".to_owned() };
            let finding = self.finding(FindingKind::NotVerified, None, words, &changed, changed.len(), told);
            self.push(finding);
        }
    }
}

/// The query that proved the effect of a run, as a document would have it.
fn proving_query(past: &Past) -> Option<String> {
    let run = &past.told.run;
    let effects = run.effects.iter().filter(|effect| effect.verdict == Effectiveness::Proven);
    let query = effects.flat_map(|effect| &effect.signs).find_map(|sign| match sign {
        Sign::MetricBack { query, .. } => Some(query),
        _ => None,
    })?;
    in_general(query, &past.labels, &[&run.owner]).ok()
}

/// What was run beside the document in a run, once each.
fn extras(past: &Past) -> Vec<Extra<'_>> {
    let run = &past.told.run;
    let mut found: Vec<Extra<'_>> = Vec::new();
    let mut last: Option<NodeId> = None;
    for told in &past.told.story {
        match &told.event {
            RunEvent::Came { item, .. } | RunEvent::Confirmed { item, .. } => {
                let item = run.item(*item).filter(|item| item.added == Added::Document);
                last = item.and_then(|item| item.node.clone()).or(last);
            }
            RunEvent::Deviated { deviation } => {
                if let Deviation::Added { attempt: Some(_), what, .. } = deviation.as_ref() {
                    let script =
                        generalise(what, "", &past.labels, &[&run.owner]).map_err(|refused| refused.to_string());
                    if found.iter().all(|extra| extra.script != script) {
                        found.push(Extra { past, script, after: last.clone() });
                    }
                }
            }
            _ => {}
        }
    }
    found
}
