//! Runs: one execution of a procedure for an incident, from its first step to its end, which may be days later.
//!
//! Owns: the state of a run as the fold of its events, and where it goes next. The plan is taken from the document once and
//! changed in this run only; the document never. Does not: propose, approve, run or query anything; the engine does what
//! [`advance::next`] says and reports back.
//!
//! Invariants: [`Run::apply`] is the only thing that changes a run, and it takes events that [`decide::decide`] allowed.
//! Nothing here approves anything. A run goes on by itself only while nothing unexpected happens; else it stops, says why
//! and where, and waits for a person.

pub mod advance;
pub mod branch;
pub mod comparison;
pub mod condition;
pub mod decide;
pub mod deviation;
mod deviation_words;
pub mod draft;
pub mod effect;
pub mod event;
pub mod evidence;
pub mod improve;
pub mod item;
pub mod lines;
pub mod plan;
pub mod poll;
pub mod polling;
mod polls;
pub mod query;
mod quoted;
pub mod reading;
pub mod statistics;
pub mod story;
pub mod suggestion;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod written;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::deviation::Deviation;
use self::effect::Effect;
use self::event::{Answer, Change, RunEvent, RunResult, StopReason};
use self::item::{Added, Item, ItemId, ItemKind, ItemState};
use self::poll::Poll;
use self::suggestion::{Advice, Suggestion};
use super::alert::AlertKey;
use super::id::{AttemptId, IncidentId, RunId, SopId};
use super::time::Timestamp;

/// How much a run may take before a person has to look at it: since it was begun or last continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time, waits included.
    pub time: Duration,
    /// Commands that ran.
    pub attempts: u32,
}

impl Default for Limits {
    /// Four hours, about half a shift, and more commands than any bundled document has.
    fn default() -> Self {
        Self { time: Duration::from_secs(4 * 60 * 60), attempts: 60 }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Active,
    /// A person paused it.
    Paused,
    /// It handed over to the person.
    Stopped {
        /// At which item.
        item: Option<ItemId>,
        /// Why.
        reason: StopReason,
    },
    /// It is over.
    Ended {
        /// How.
        result: RunResult,
        /// When.
        at: Timestamp,
    },
}

impl RunState {
    /// One word for screens and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Stopped { .. } => "stopped",
            Self::Ended { .. } => "ended",
        }
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

/// What a run begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The alert that its commands run for.
    pub alert: AlertKey,
    /// The document.
    pub sop: SopId,
    /// SHA-256 of the document when it began.
    pub revision: String,
    /// Title of the document. Foreign text.
    pub title: String,
    /// Its units, in order.
    pub items: Vec<Item>,
    /// What it may take before a person has to look.
    pub limits: Limits,
    /// Attempts up to this one are from before the run.
    pub after_attempt: AttemptId,
}

/// One execution of a procedure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// For which incident.
    pub incident: IncidentId,
    /// What it began with; `plan.items` as they are now.
    pub plan: Plan,
    /// Login name of whoever leads it.
    pub owner: String,
    /// Where it stands.
    pub state: RunState,
    /// Suggestions that wait for an answer.
    pub suggestions: Vec<Suggestion>,
    /// What a person left; history does not suggest it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dismissed: Vec<Advice>,
    /// When it began.
    pub started_at: Timestamp,
    /// Since when its limits count.
    pub counted_since: Timestamp,
    /// Attempts since then.
    pub attempts: u32,
    /// The newest attempt that an item took.
    pub last_attempt: AttemptId,
    /// The highest number given to an item.
    pub last_item: u32,
    /// The highest number given to a suggestion.
    pub last_suggestion: u32,
    /// In what it was done otherwise than written, in the order in which that was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
    /// What came of its steps and of the whole of it, once each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn new(id: RunId, incident: IncidentId, plan: Plan, owner: String, now: Timestamp) -> Self {
        let last_attempt = plan.after_attempt;
        let last_item = plan.items.iter().map(|item| item.id.0).max().unwrap_or(0);
        Self {
            id,
            incident,
            plan,
            owner,
            state: RunState::Active,
            suggestions: Vec::new(),
            dismissed: Vec::new(),
            started_at: now,
            counted_since: now,
            attempts: 0,
            last_attempt,
            last_item,
            last_suggestion: 0,
            deviations: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// The item with this number.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.plan.items.iter().find(|item| item.id == id)
    }

    fn position(&self, id: ItemId) -> Option<usize> {
        self.plan.items.iter().position(|item| item.id == id)
    }

    /// Whoever is to do `item`.
    #[must_use]
    pub fn responsible<'a>(&'a self, item: &'a Item) -> &'a str {
        item.assigned.as_deref().unwrap_or(&self.owner)
    }

    /// Whether all branches that an item needs were taken; `None` while one of their questions is open.
    #[must_use]
    pub fn on_the_way(&self, item: &Item) -> Option<bool> {
        let mut known = Some(true);
        for choice in &item.within {
            match self.item(choice.decision).map(|decision| &decision.state) {
                Some(ItemState::Decided { branch, .. }) if *branch == choice.branch => {}
                Some(ItemState::Decided { .. } | ItemState::Skipped { .. }) | None => return Some(false),
                Some(_) => known = None,
            }
        }
        known
    }

    /// Items under way.
    pub fn open_items(&self) -> impl Iterator<Item = &Item> {
        self.plan.items.iter().filter(|item| item.state.is_open())
    }

    /// The item whose turn comes next; `None` when what is under way has to end first or nothing is left. A command that a
    /// poll looks at goes on beside that poll.
    #[must_use]
    pub fn next_item(&self) -> Option<&Item> {
        let next = self.first_pending()?;
        let polled = |open: &Item| Poll::of(open).is_some_and(|poll| poll.looks_at(next.id));
        let beside = |open: &Item| (open.group.is_some() && open.group == next.group) || polled(open);
        self.open_items().all(beside).then_some(next)
    }

    /// The first pending item on the way, whether its turn has come or not.
    #[must_use]
    pub fn first_pending(&self) -> Option<&Item> {
        let pending = |item: &&Item| item.state == ItemState::Pending && self.on_the_way(item) == Some(true);
        self.plan.items.iter().find(pending)
    }

    /// Items on the way that are over, and all that may still come or are over.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let counted = self.plan.items.iter().filter(|item| self.on_the_way(item) != Some(false));
        counted.fold((0, 0), |(over, all), item| (over + usize::from(item.state.is_closed()), all + 1))
    }

    /// The item that the evidence for the question `id` has to come from: the one directly before it in its section, when
    /// something was measured there. "Directly" means that nothing on the way lies between but what was left out.
    #[must_use]
    pub fn witness(&self, id: ItemId) -> Option<&Item> {
        let at = self.position(id)?;
        let question = self.plan.items.get(at)?;
        let before = self.plan.items.get(..at)?.iter().rev();
        let mut before = before
            .filter(|item| self.on_the_way(item) == Some(true) && !matches!(item.state, ItemState::Skipped { .. }));
        before.next().filter(|item| item.section == question.section && item.state.evidence().is_some())
    }

    /// Changes the run as `event` says. An event that names an item which is not there changes nothing.
    pub fn apply(&mut self, event: &RunEvent, at: Timestamp) {
        match event {
            RunEvent::Started { .. } => {}
            RunEvent::Entered { item, until, asks } => {
                let waits = |item: &Item| matches!(item.kind, ItemKind::Wait { .. } | ItemKind::Poll { .. });
                let state = if asks.is_empty() && self.item(*item).is_some_and(waits) {
                    ItemState::Waiting { since: at, until: *until, seen: Vec::new() }
                } else {
                    ItemState::Current { asks: asks.clone() }
                };
                self.set(*item, state);
            }
            RunEvent::Proposed { item, proposal } => self.set(*item, ItemState::Proposed { proposal: *proposal }),
            RunEvent::Returned { item, why } => self.set(*item, ItemState::Current { asks: why.clone() }),
            RunEvent::Running { item, attempt } => {
                self.attempts = self.attempts.saturating_add(1);
                self.last_attempt = self.last_attempt.max(*attempt);
                self.set(*item, ItemState::Running { attempt: *attempt });
            }
            RunEvent::Polled { item, seen } => {
                if let Some(at) = self.position(*item)
                    && let ItemState::Waiting { seen: known, .. } = &mut self.plan.items[at].state
                {
                    known.push(seen.clone());
                }
            }
            RunEvent::Again { item } => self.set(*item, ItemState::Pending),
            RunEvent::Came { item, evidence } => self.set(*item, event::state_after(evidence)),
            RunEvent::Confirmed { item, .. } => self.set(*item, ItemState::Done { evidence: None }),
            RunEvent::Decided { item, branch, basis } => {
                self.set(*item, ItemState::Decided { branch: branch.clone(), basis: basis.clone() });
            }
            RunEvent::Changed { change, created } => self.change(change, *created),
            RunEvent::Suggested { suggestion } => {
                self.last_suggestion = self.last_suggestion.max(suggestion.number);
                self.suggestions.push(suggestion.as_ref().clone());
            }
            RunEvent::Answered { suggestion, answer } => {
                self.suggestions.retain(|found| found.number != suggestion.number);
                if *answer == Answer::Dismissed {
                    self.dismissed.push(suggestion.draft.advice.clone());
                }
            }
            RunEvent::Assigned { item, to } => {
                if let Some(at) = self.position(*item) {
                    self.plan.items[at].assigned.clone_from(to);
                }
            }
            RunEvent::HandedOver { to, .. } => self.owner.clone_from(to),
            RunEvent::Stopped { item, reason } => {
                self.state = RunState::Stopped { item: *item, reason: reason.clone() };
            }
            RunEvent::Paused => self.state = RunState::Paused,
            RunEvent::Resumed => {
                self.state = RunState::Active;
                self.counted_since = at;
                self.attempts = 0;
            }
            RunEvent::Deviated { deviation } => self.deviations.push(deviation.as_ref().clone()),
            RunEvent::Judged { effect } => self.effects.push(effect.as_ref().clone()),
            RunEvent::Ended { result } => self.state = RunState::Ended { result: result.clone(), at },
        }
    }

    fn set(&mut self, item: ItemId, state: ItemState) {
        if let Some(at) = self.position(item) {
            self.plan.items[at].state = state;
        }
    }

    fn change(&mut self, change: &Change, created: Option<ItemId>) {
        self.last_item = self.last_item.max(created.map_or(0, |id| id.0));
        match change {
            Change::Skip { item, reason } => self.set(*item, ItemState::Skipped { reason: reason.clone() }),
            Change::Insert { after, title, node, kind } => {
                let Some(id) = created else { return };
                let at = after.and_then(|after| self.position(after)).map_or(0, |at| at + 1);
                let beside = after.and_then(|after| self.item(after));
                let item = Item {
                    id,
                    node: node.clone(),
                    kind: kind.clone(),
                    title: title.clone(),
                    written: None,
                    role: beside.and_then(|item| item.role),
                    section: beside.and_then(|item| item.section.clone()),
                    within: beside.map(|item| item.within.clone()).unwrap_or_default(),
                    group: None,
                    added: Added::Inserted,
                    assigned: None,
                    state: ItemState::Pending,
                };
                self.plan.items.insert(at, item);
            }
            Change::Move { item, after } => {
                let Some(from) = self.position(*item) else { return };
                let moved = self.plan.items.remove(from);
                let to = after.and_then(|after| self.position(after)).map_or(0, |at| at + 1);
                self.plan.items.insert(to, moved);
            }
            Change::Repeat { item } => self.repeat(*item, created),
            Change::Together { items, group } => {
                for found in self.plan.items.iter_mut().filter(|found| items.contains(&found.id)) {
                    found.group = Some(*group);
                }
            }
        }
        if let Some(at) = created.and_then(|id| self.position(id)) {
            self.ask_again_behind(at);
        }
    }

    /// Questions that wait for an answer behind what was put in at `at` are asked again when that is done: it may be what
    /// decides them.
    fn ask_again_behind(&mut self, at: usize) {
        let waiting = |item: &&mut Item| {
            matches!((&item.kind, &item.state), (ItemKind::Decision { .. }, ItemState::Current { .. }))
        };
        for question in self.plan.items.iter_mut().skip(at + 1).filter(waiting) {
            question.state = ItemState::Pending;
        }
    }

    /// A question is asked again in its place, since branches name it; anything else is done once more behind itself.
    fn repeat(&mut self, item: ItemId, created: Option<ItemId>) {
        let Some(at) = self.position(item) else { return };
        match created {
            None => self.plan.items[at].state = ItemState::Pending,
            Some(id) => {
                let original = self.plan.items[at].clone();
                let added = Added::Repeats { of: item };
                self.plan.items.insert(at + 1, Item { id, added, state: ItemState::Pending, ..original });
            }
        }
    }
}
