//! Finding passages of SOPs by words: BM25 over steps and notes, with fields.
//!
//! Owns: passages, the score, and which of them are about what is asked. Does not: put an answer together (see `offline`).
//!
//! Deterministic: the same documents and the same question give the same order, on every machine.

use std::collections::BTreeMap;

use super::question::{Query, STOP, root, words_of};
use crate::domain::id::SopId;
use crate::domain::procedure::{Node, NodeKind, Procedure, SectionRole};
use crate::engine::library::Library;

/// Parameters of BM25 (Robertson and Zaragoza 2009): how fast repetition stops to count, and how much length does.
const K1: f64 = 1.2;
const B: f64 = 0.6;

/// Weights of the fields of a passage: its own text, its command, its heading, its document's title and alerts.
const OWN: f64 = 1.0;
const SCRIPT: f64 = 0.5;
const HEADING: f64 = 0.8;
const TITLE: f64 = 0.7;

/// A step with all below it, or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// The document.
    pub(super) sop: SopId,
    /// Position of the step or note in it.
    pub(super) node: usize,
    /// Whether a command belongs to it.
    pub(super) has_command: bool,
    /// What the section around it is for.
    pub(super) role: SectionRole,
}

/// A passage and how well it fits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    /// The passage.
    pub(super) passage: Passage,
    /// The score; comparable only with those of the same search.
    pub(super) score: f64,
    /// How many words of the question stand in it.
    exact: usize,
    /// The same, with words that mean the same.
    meant: usize,
}

/// Documents that are preferred.
#[derive(Clone, Debug, Default)]
pub(super) struct Preference<'a> {
    /// The one on the screen.
    pub(super) shown: Option<&'a SopId>,
    /// Those that fit the alert.
    pub(super) routed: &'a [SopId],
    /// What counts of all the others.
    pub(super) others: Others,
}

/// Documents that are not preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Others {
    /// They are as good as any.
    #[default]
    Welcome,
    /// The question is about something that has documents of its own: others have to have two words of it, and more than those.
    OnlyIfBetter,
}

impl Preference<'_> {
    fn has(&self, sop: &SopId) -> bool {
        self.shown == Some(sop) || self.routed.contains(sop)
    }
}

struct Indexed {
    passage: Passage,
    terms: BTreeMap<String, f64>,
    length: f64,
}

/// The passages that fit what is `wanted`, best first, at most `limit`. Parses every document: not for a thread that others wait
/// for.
pub(super) fn search(library: &Library, wanted: &Query, prefer: &Preference<'_>, limit: usize) -> Vec<Hit> {
    let mut index = Vec::new();
    for summary in library.summaries() {
        if let Some(document) = library.get(&summary.id) {
            let title = format!("{} {}", summary.title, summary.alerts.join(" "));
            passages(&document.procedure, &title, &mut index);
        }
    }
    let average = index.iter().map(|entry| entry.length).sum::<f64>() / (index.len().max(1) as f64);
    let rarity: BTreeMap<&str, f64> = wanted
        .terms
        .keys()
        .map(|term| {
            let having = index.iter().filter(|entry| entry.terms.contains_key(term)).count() as f64;
            (term.as_str(), (1.0 + (index.len() as f64 - having + 0.5) / (having + 0.5)).ln())
        })
        .collect();
    let scored: Vec<Hit> = index
        .into_iter()
        .map(|entry| {
            let mut score = 0.0;
            for (term, weight) in &wanted.terms {
                let count = entry.terms.get(term).copied().unwrap_or(0.0);
                let rare = rarity.get(term.as_str()).copied().unwrap_or(0.0);
                let length = 1.0 - B + B * entry.length / average.max(1.0);
                score += weight * rare * count * (K1 + 1.0) / (count + K1 * length);
            }
            let score = score * document_factor(&entry.passage.sop, prefer) * wanted.role_factor(&entry.passage);
            let has = |root: &String| entry.terms.contains_key(root);
            let exact = wanted.words.iter().filter(|(own, _)| has(own)).count();
            let meant = wanted.words.iter().filter(|(own, same)| has(own) || same.iter().any(has)).count();
            Hit { passage: entry.passage, score, exact, meant }
        })
        .collect();
    best(relevant(scored, prefer), &wanted.roles, limit)
}

/// Without the passages of documents that have nothing to do with what the question is about.
fn relevant(mut scored: Vec<Hit>, prefer: &Preference<'_>) -> Vec<Hit> {
    if prefer.others == Others::OnlyIfBetter {
        let own = scored.iter().filter(|hit| prefer.has(&hit.passage.sop)).map(|hit| hit.meant).max().unwrap_or(0);
        scored.retain(|hit| prefer.has(&hit.passage.sop) || (hit.exact >= 2 && hit.exact > own));
    }
    scored
}

/// The passages of one document, in its order.
pub(super) fn of_document(procedure: &Procedure) -> Vec<Passage> {
    let mut index = Vec::new();
    passages(procedure, "", &mut index);
    index.into_iter().map(|entry| entry.passage).collect()
}

/// The best of all passages. The steps of a rollback or a verification are done one after the other: where such a section was
/// asked for and found, all of it stands first, in its own order.
fn best(scored: Vec<Hit>, roles: &[SectionRole], limit: usize) -> Vec<Hit> {
    const IN_ORDER: [SectionRole; 2] = [SectionRole::Rollback, SectionRole::Verify];
    let mut hits: Vec<Hit> = scored.iter().filter(|hit| hit.score > 0.0).cloned().collect();
    // Stable: what is equal stays in the order of library and document.
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    let asked = |hit: &&Hit| roles.contains(&hit.passage.role) && IN_ORDER.contains(&hit.passage.role);
    if let Some(first) = hits.first().filter(asked).cloned() {
        let of_section = |hit: &Hit| hit.passage.sop == first.passage.sop && hit.passage.role == first.passage.role;
        hits.retain(|hit| !of_section(hit));
        let section = scored.into_iter().filter(of_section).map(|hit| Hit { score: first.score, ..hit });
        hits.splice(0..0, section);
    }
    hits.truncate(limit);
    hits
}

fn document_factor(sop: &SopId, prefer: &Preference<'_>) -> f64 {
    match (prefer.shown == Some(sop), prefer.routed.iter().position(|routed| routed == sop)) {
        (true, _) => 2.0,
        (false, Some(0)) => 1.7,
        (false, Some(_)) => 1.4,
        (false, None) => 1.0,
    }
}

fn passages(procedure: &Procedure, title: &str, index: &mut Vec<Indexed>) {
    for (at, node) in procedure.nodes.iter().enumerate() {
        let is_passage = match &node.kind {
            // What stands within a step belongs to it: a branch says nothing without its question.
            NodeKind::Step { .. } | NodeKind::Decision { .. } | NodeKind::Note { .. } => !is_within_step(procedure, at),
            NodeKind::Section { .. }
            | NodeKind::Command { .. }
            | NodeKind::Output
            | NodeKind::Branch { .. }
            | NodeKind::Opaque { .. } => false,
        };
        if is_passage {
            index.push(indexed(procedure, at, title));
        }
    }
}

/// Whether a step or a question stands around the node at `index`.
fn is_within_step(procedure: &Procedure, index: usize) -> bool {
    let mut at = procedure.nodes.get(index).and_then(|node| node.parent);
    while let Some(node) = at.and_then(|parent| procedure.nodes.get(parent)) {
        if matches!(node.kind, NodeKind::Step { .. } | NodeKind::Decision { .. }) {
            return true;
        }
        at = node.parent;
    }
    false
}

/// Whether the words of `node`, which stands below a step, were made from the words `own` of that step.
pub(super) fn is_told_by(own: &str, node: &Node) -> bool {
    let bare = |text: &str| text.trim_end_matches([':', '.', '?']).to_lowercase();
    match &node.kind {
        NodeKind::Decision { .. } => true,
        NodeKind::Branch { condition, .. } => bare(own).contains(&bare(condition)),
        _ => bare(own).contains(&bare(&node.text)),
    }
}

fn indexed(procedure: &Procedure, at: usize, title: &str) -> Indexed {
    let mut entry = Indexed {
        passage: Passage { sop: procedure.sop.clone(), node: at, has_command: false, role: SectionRole::Other },
        terms: BTreeMap::new(),
        length: 0.0,
    };
    entry.add(title, TITLE);
    let mut above = procedure.nodes.get(at).and_then(|node| node.parent);
    while let Some(node) = above.and_then(|parent| procedure.nodes.get(parent)) {
        if let NodeKind::Section { role, .. } = node.kind {
            entry.add(&node.text, HEADING);
            if entry.passage.role == SectionRole::Other {
                entry.passage.role = role;
            }
        }
        above = node.parent;
    }
    let depth = procedure.depth(at);
    let own = procedure.nodes.get(at).map(|node| node.text.clone()).unwrap_or_default();
    entry.add(&own, OWN);
    for below in at + 1..procedure.nodes.len() {
        let Some(node) = procedure.nodes.get(below).filter(|_| procedure.depth(below) > depth) else { break };
        match &node.kind {
            NodeKind::Command { script, .. } => {
                entry.passage.has_command = true;
                entry.add(script, SCRIPT);
            }
            _ if is_told_by(&own, node) => {}
            _ => entry.add(&node.text, OWN),
        }
    }
    entry
}

impl Indexed {
    fn add(&mut self, text: &str, weight: f64) {
        let lower = text.to_lowercase();
        for word in words_of(&lower).filter(|word| !STOP.contains(&word.as_str())) {
            *self.terms.entry(root(&word)).or_insert(0.0) += weight;
            self.length += weight;
        }
    }
}
