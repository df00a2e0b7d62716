//! What a person has to know before they take a suggestion: verifications that it would drop, what it would do twice, and the
//! risk of a command that it brings.
//!
//! Owns: finding these and their words. Does not: forbid anything, or build an action: the gate judges the command again, with its
//! real values, when it is proposed.
//!
//! Invariant: they follow from the run before and after the suggestion, not from what its author says of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Advice, Draft, after, named};
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{Invocation, Origin, Piece};
use crate::domain::procedure::{SectionRole, params};
use crate::domain::run::Run;
use crate::domain::run::event::Change;
use crate::domain::run::item::{Item, ItemId, ItemKind, ItemState};

/// Something to know before taking a suggestion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "caution", rename_all = "snake_case")]
pub enum Caution {
    /// Steps that verify would not be done.
    DropsVerification {
        /// Which.
        items: Vec<ItemId>,
    },
    /// A step that verifies would be done before something that it verifies.
    VerifiesEarly {
        /// Which.
        item: ItemId,
        /// What would be done after it.
        before: ItemId,
    },
    /// A step that may change something would be done before a question that came before it.
    ActsBeforeQuestion {
        /// Which.
        item: ItemId,
        /// The question.
        question: ItemId,
    },
    /// Nobody knows how the step that would be done again ended.
    RepeatsUnknown {
        /// Which.
        item: ItemId,
    },
    /// A command that may change something would be done again.
    RepeatsChange {
        /// Which.
        item: ItemId,
        /// Its risk, as the document has it.
        risk: Risk,
    },
    /// It brings a command that the document does not have.
    NewCommand {
        /// Its risk, before values are known.
        risk: Risk,
        /// Why that is its risk.
        reasons: Vec<String>,
    },
}

impl Caution {
    /// What there is to know, as a sentence. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> String {
        match self {
            Self::DropsVerification { items } => {
                let items: Vec<String> = items.iter().map(|item| named(run, *item)).collect();
                format!("Drops what verifies: {}. Nothing would show whether it helped.", items.join(", "))
            }
            Self::VerifiesEarly { item, before } => {
                format!("{} would verify before {} is done.", capital(&named(run, *item)), named(run, *before))
            }
            Self::ActsBeforeQuestion { item, question } => {
                format!("{} would be done before {} is answered.", capital(&named(run, *item)), named(run, *question))
            }
            Self::RepeatsUnknown { item } => {
                format!("Nobody knows how {} ended: see what it did before it is done again.", named(run, *item))
            }
            Self::RepeatsChange { item, risk } => {
                format!(
                    "{} may change something a second time: its risk is {}.",
                    capital(&named(run, *item)),
                    risk.name()
                )
            }
            Self::NewCommand { risk, reasons } => {
                let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
                format!("Not a command of the SOP. Its risk is {}{reasons}. It is proposed, not run.", risk.name())
            }
        }
    }
}

/// A sentence begins with a capital letter; words of others stay as they are.
fn capital(words: &str) -> String {
    words.strip_prefix("step").map_or_else(|| words.to_owned(), |rest| format!("Step{rest}"))
}

/// The risk of a command line before its values are known: each parameter stands for one harmless word.
#[must_use]
pub fn risk_of(script: &str) -> (Risk, Vec<String>) {
    let uses = params::find(script);
    let piece = |name: &str| Piece { text: name.to_owned(), origin: Origin::Sop };
    let values: BTreeMap<String, Piece> = uses.iter().map(|used| (used.name.clone(), piece(&used.name))).collect();
    match grammar::parse(script, &uses, &values) {
        Ok(Parsed::Argv(script)) => risk::classify(&Invocation::Argv { script }),
        Ok(Parsed::Outside { reason }) => {
            risk::classify(&Invocation::Bash { script: script.to_owned(), reason, values: BTreeMap::new() })
        }
        Err(error) => (Risk::Unknown, vec![error.to_string()]),
    }
}

/// Everything to know before `draft` is taken; empty when it cannot be done any more.
#[must_use]
pub fn of(run: &Run, draft: &Draft) -> Vec<Caution> {
    let Some(then) = after(run, draft) else { return Vec::new() };
    let mut found = Vec::new();
    if let Advice::Plan { change } = &draft.advice {
        found.extend(of_change(run, change, draft.command.as_deref()));
    }
    let dropped: Vec<ItemId> =
        run.plan.items.iter().filter(|item| drops(run, &then, item)).map(|item| item.id).collect();
    if !dropped.is_empty() {
        found.push(Caution::DropsVerification { items: dropped });
    }
    found.extend(overtaking(run, &then));
    found
}

fn of_change(run: &Run, change: &Change, command: Option<&str>) -> Option<Caution> {
    match change {
        Change::Insert { kind: ItemKind::Command, .. } => {
            let (risk, reasons) = command.map_or_else(|| (Risk::Unknown, Vec::new()), risk_of);
            Some(Caution::NewCommand { risk, reasons })
        }
        Change::Repeat { item } => {
            let found = run.item(*item)?;
            if matches!(found.state, ItemState::Unknown { .. }) {
                return Some(Caution::RepeatsUnknown { item: *item });
            }
            // A command whose words are not kept may be anything.
            let risk = found.written.as_deref().map_or(Risk::Unknown, |script| risk_of(script).0);
            (found.kind == ItemKind::Command && risk > Risk::Read)
                .then_some(Caution::RepeatsChange { item: *item, risk })
        }
        Change::Insert { .. } | Change::Skip { .. } | Change::Move { .. } | Change::Together { .. } => None,
    }
}

fn verifies(item: &Item) -> bool {
    item.role == Some(SectionRole::Verify)
}

/// Whether a step that verifies and was still to come would not be done.
fn drops(before: &Run, then: &Run, item: &Item) -> bool {
    let comes =
        |run: &Run, item: &Item| !item.state.is_closed() && run.on_the_way(item) != Some(false) && !run.state.is_over();
    verifies(item) && comes(before, item) && then.item(item.id).is_none_or(|found| !comes(then, found))
}

/// Whether a step may change something: commands that only read, and questions, do not.
fn may_act(item: &Item) -> bool {
    match &item.kind {
        ItemKind::Command => item.written.as_deref().is_none_or(|script| risk_of(script).0 > Risk::Read),
        ItemKind::Manual => item.role == Some(SectionRole::Mitigation),
        ItemKind::Query { .. } | ItemKind::Wait { .. } | ItemKind::Poll { .. } | ItemKind::Decision { .. } => false,
    }
}

/// Pairs whose order would be turned round, as far as that matters.
fn overtaking(before: &Run, then: &Run) -> Vec<Caution> {
    let mut found = Vec::new();
    let pending = |item: &&Item| !item.state.is_closed();
    let place = |run: &Run, id: ItemId| run.plan.items.iter().position(|item| item.id == id);
    let open: Vec<&Item> = before.plan.items.iter().filter(pending).collect();
    for (at, first) in open.iter().enumerate() {
        for second in open.get(at + 1..).unwrap_or_default() {
            if place(then, second.id) > place(then, first.id) {
                continue;
            }
            if matches!(first.kind, ItemKind::Decision { .. }) && may_act(second) {
                found.push(Caution::ActsBeforeQuestion { item: second.id, question: first.id });
            } else if verifies(second) && !verifies(first) && may_act(first) {
                found.push(Caution::VerifiesEarly { item: second.id, before: first.id });
            }
        }
    }
    found
}
