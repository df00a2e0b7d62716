//! Names that the context of a question can hold: of hosts and people, out of everything that goes into it.
//!
//! Owns: where such names come from: every alert of the incident and of the earlier ones that are told of, what was bound to
//! the parameters of commands that were run, who works or worked on them, and who wrote in the chat. Does not: replace anything (the choke point does), or
//! judge which label names something (the redactor says so).
//!
//! Invariant: what `context` tells of, this looks at whole, however little of it there is room for.

use std::collections::BTreeMap;

use super::material::Material;
use crate::domain::action::spec::{Invocation, Origin, Piece};
use crate::domain::alert::Labels;
use crate::domain::chat::Author;
use crate::domain::incident::Incident;
use crate::domain::procedure::NodeKind;
use crate::engine::library::Library;
use crate::store::view::PastAttempt;

/// The label under which a person's account is learned.
const PERSON: &str = "user";
/// The label under which a host is learned.
const HOST: &str = "host";

/// Labels, real ones and such that parameters and people would have, in which every name of `material` stands. Parses
/// documents: not for a thread that others wait for.
pub(super) fn of(material: &Material, asks: &str) -> Vec<Labels> {
    let mut names = vec![one(PERSON, asks)];
    names.extend(material.named.iter().map(|(label, value)| one(label, value)));
    names.extend(material.people.iter().map(|login| one(PERSON, login)));
    names.extend(material.chat.iter().filter_map(|message| match &message.author {
        Author::Person { name } => Some(one(PERSON, name)),
        Author::Model { .. } | Author::Fallback { .. } => None,
    }));
    if let Some(detail) = &material.incident {
        names.extend(people(&detail.incident));
    }
    for past in &material.similar {
        names.extend(people(&past.incident));
    }
    let attempts = material.attempts.iter().chain(material.similar.iter().flat_map(|past| &past.attempts));
    for attempt in attempts {
        names.push(attempt.labels_used.clone());
        names.extend(typed(attempt, &material.library));
    }
    names
}

fn one(label: &str, value: &str) -> Labels {
    Labels::from([(label.to_owned(), value.to_owned())])
}

fn people(incident: &Incident) -> impl Iterator<Item = Labels> {
    let logins = [&incident.owner, &incident.acknowledged_by, &incident.resolved_by];
    logins.into_iter().flatten().map(|login| one(PERSON, login))
}

/// What a person typed for the parameters of a command, under every name that it may have been typed for.
fn typed(attempt: &PastAttempt, library: &Library) -> Vec<Labels> {
    let script = match &attempt.invocation {
        Invocation::Bash { values, .. } => {
            let named: BTreeMap<String, String> =
                values.iter().map(|(name, piece)| (name.to_ascii_lowercase(), piece.text.clone())).collect();
            return vec![named];
        }
        Invocation::Argv { script } => script,
    };
    let stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
    let pieces = stages.flat_map(|stage| &stage.argv).flat_map(|word| &word.pieces);
    let pieces: Vec<&Piece> = pieces.filter(|piece| piece.origin == Origin::Operator).collect();
    if pieces.is_empty() {
        return Vec::new();
    }
    // Which parameter a piece was typed for is not on record; that a mount point is taken for a host does no harm, because the
    // redactor learns no path.
    let Some(parameters) = parameters(attempt, library) else {
        let pieces = pieces.into_iter().filter(|piece| may_name_host(&piece.text));
        return pieces.map(|piece| one(HOST, &piece.text)).collect();
    };
    let pairs = parameters.iter().flat_map(|name| pieces.iter().map(|piece| one(name, &piece.text)));
    pairs.collect()
}

/// The names of the parameters of the step that a command came from, in lower case; `None` when it came from an answer, or its
/// step is gone.
fn parameters(attempt: &PastAttempt, library: &Library) -> Option<Vec<String>> {
    let document = library.get(&attempt.step.sop)?;
    let index = document.procedure.index_of(&attempt.step.node)?;
    match &document.procedure.nodes.get(index)?.kind {
        NodeKind::Command { params, .. } => Some(params.iter().map(|name| name.to_ascii_lowercase()).collect()),
        NodeKind::Section { .. }
        | NodeKind::Step { .. }
        | NodeKind::Output
        | NodeKind::Decision { .. }
        | NodeKind::Branch { .. }
        | NodeKind::Note { .. }
        | NodeKind::Opaque { .. } => None,
    }
}

/// Whether a value of which nothing else is known may name a host: no number, path, option or assignment.
fn may_name_host(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_alphabetic()) && !value.starts_with('-') && !value.contains(['/', '='])
}
