//! Drafting an SOP from what people did: an incident, or one run, as a document that others can follow.
//!
//! Owns: which of the things that happened become steps, in which section, and what else is told. `gathered` reads them off the
//! journal, `page` writes the document. Does not: store it; whoever asks for the draft reads it first.
//!
//! Invariants: the same tape gives the same draft. The draft parses to steps with exactly the commands that are meant, in
//! their order, without diagnostics. Values of labels are parameters in it, other names placeholders; no secret that `redact`
//! knows is in it, and nobody's login name. What failed is told and is no step.

mod gathered;
mod page;
#[cfg(test)]
mod tests;

use crate::domain::id::{RunId, SopId};
use crate::domain::journal::tape::Tape;
use crate::domain::procedure::{NodeKind, Procedure, Shell};
use crate::domain::redact::{Names, redact_text};
use crate::domain::sop::parse;

use super::improve::Document;

/// What a draft is made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The incident.
    pub tape: &'a Tape,
    /// Only what was done since this run of it began and before it ended; `None` for all of it.
    pub run: Option<RunId>,
    /// The document that was followed, for its section about undoing; `None` when there was none, or it is gone.
    pub followed: Option<Document<'a>>,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its title.
    pub title: String,
    /// The document, as Markdown.
    pub text: String,
    /// What was left out, and why, as sentences. May contain foreign text.
    pub left_out: Vec<String>,
}

/// Why there is no draft, as a sentence with what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoDraft(pub String);

/// A step of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftStep {
    /// What it says, as Markdown that ends with a colon when something is run, else with a stop.
    pub(super) title: String,
    /// What is run or asked; `None` for what is done by hand.
    pub(super) command: Option<(Shell, String)>,
}

/// Makes the draft.
///
/// # Errors
/// When nothing was done that a document could tell.
pub fn of(material: Material<'_>) -> Result<Draft, NoDraft> {
    let gathered = gathered::of(material);
    if gathered.steps().next().is_none() {
        return Err(NoDraft(
            "Not drafted: nothing was done for it that succeeded and that a document could tell. Draft it from an incident in \
             which commands ran"
                .to_owned(),
        ));
    }
    let text = page::write(&gathered);
    let wanted: Vec<&str> =
        gathered.steps().filter_map(|step| step.command.as_ref()).map(|(_, script)| script.as_str()).collect();
    let procedure = parse(&SopId::from("draft.md"), text.as_bytes());
    let found = scripts(&procedure);
    if found != wanted || !defects(&procedure, &text).is_empty() {
        return Err(NoDraft(
            "Not drafted: what was done cannot be written down so that it would be read as it was done. Write it by hand, from \
             `aiops transcript`"
                .to_owned(),
        ));
    }
    Ok(Draft { title: gathered.title, text, left_out: gathered.left_out })
}

/// The commands of a document, in order.
#[must_use]
pub fn scripts(procedure: &Procedure) -> Vec<&str> {
    let commands = procedure.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Command { script, .. } => Some(script.as_str()),
        _ => None,
    });
    commands.collect()
}

/// What is wrong with a document, as clauses: what the parser notices, what it does not understand, sections without
/// anything in them, and secrets.
#[must_use]
pub fn defects(procedure: &Procedure, text: &str) -> Vec<String> {
    let mut found: Vec<String> = procedure.diagnostics.iter().map(|one| one.message.clone()).collect();
    for (at, node) in procedure.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Opaque { reason } => found.push(format!("line {} is not understood: {reason}", node.line)),
            NodeKind::Section { .. } if procedure.nodes.get(at + 1).is_none_or(|next| next.parent != Some(at)) => {
                found.push(format!("the section \"{}\" is empty", node.text));
            }
            _ => {}
        }
    }
    let secrets = redact_text(text, Names::Keep).findings.into_iter().filter(|finding| finding.kind.is_secret());
    found.extend(secrets.map(|finding| format!("a secret stands in it ({})", finding.kind)));
    found
}
