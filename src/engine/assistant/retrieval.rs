//! Finding passages of SOPs by words: BM25 over steps and notes, with fields.
//!
//! Owns: passages, words and their roots, the score. Does not: put an answer together (see `offline`).
//!
//! Deterministic: the same documents and the same question give the same order, on every machine.

use std::collections::{BTreeMap, BTreeSet};

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
/// Words that mean the same as one of the question.
const SYNONYM: f64 = 0.45;

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
}

/// Documents that are preferred.
#[derive(Clone, Debug, Default)]
pub(super) struct Preference<'a> {
    /// The one on the screen.
    pub(super) shown: Option<&'a SopId>,
    /// Those that fit the alert.
    pub(super) routed: &'a [SopId],
}

struct Indexed {
    passage: Passage,
    terms: BTreeMap<String, f64>,
    length: f64,
}

/// The passages that fit `question`, best first, at most `limit`. Parses every document: not for a thread that others wait for.
pub(super) fn search(library: &Library, question: &str, prefer: &Preference<'_>, limit: usize) -> Vec<Hit> {
    let wanted = query(question);
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
            Hit { passage: entry.passage, score }
        })
        .collect();
    best(scored, &wanted.roles, limit)
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

/// What a question asks for.
struct Query {
    terms: BTreeMap<String, f64>,
    roles: Vec<SectionRole>,
    wants_command: bool,
}

impl Query {
    fn role_factor(&self, passage: &Passage) -> f64 {
        let role = match passage.role {
            asked if self.roles.contains(&asked) => 2.0,
            // One looks before one changes.
            SectionRole::Diagnosis => 1.2,
            _ => 1.0,
        };
        let command = if self.wants_command && passage.has_command { 1.5 } else { 1.0 };
        role * command
    }
}

/// Words that say which kind of section is meant.
const INTENTS: &[(&[&str], SectionRole)] = &[
    (&["mean", "meaning", "what is"], SectionRole::Meaning),
    (&["impact", "affect", "users", "harm"], SectionRole::Impact),
    (
        &["why", "cause", "find", "diagnose", "investigate", "see", "look", "check", "which process"],
        SectionRole::Diagnosis,
    ),
    (
        &["fix", "free", "solve", "mitigate", "clean", "delete", "remove", "restart", "renew", "stop"],
        SectionRole::Mitigation,
    ),
    (&["verify", "fixed", "worked", "confirm", "resolved", "success", "ok again"], SectionRole::Verify),
    (&["roll back", "rollback", "undo", "revert", "restore", "put back"], SectionRole::Rollback),
    (&["who", "escalate", "page", "call", "owner", "contact"], SectionRole::Escalation),
];

/// Words that stand for each other in runbooks; each group counts for each of its words.
const SYNONYMS: &[&[&str]] = &[
    &["free", "delete", "remove", "clean", "purge", "reclaim"],
    &["space", "disk", "room", "filesystem", "volume"],
    &["rollback", "roll", "revert", "undo", "restore", "previous"],
    &["memory", "oom", "ram", "137"],
    &["certificate", "cert", "tls", "ssl"],
    &["crash", "die", "fail", "exit", "loop"],
    &["log", "journal", "journalctl", "message"],
    &["big", "large", "biggest", "size"],
    &["slow", "latency", "load"],
    &["escalate", "page", "owner", "contact", "oncall"],
    &["verify", "confirm", "gone", "ends"],
    &["expire", "expiry", "renew", "notafter"],
    &["5xx", "500", "502", "503", "error"],
];

/// Words that say nothing about what is meant.
const STOP: &[&str] = &[
    "a", "about", "after", "again", "all", "an", "and", "any", "are", "as", "at", "back", "be", "been", "but", "by",
    "can", "could", "did", "do", "does", "for", "from", "get", "give", "had", "has", "have", "help", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "let", "may", "me", "my", "no", "not", "now", "of", "on", "one", "or",
    "our", "out", "please", "run", "should", "so", "step", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "up", "use", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your", "mean", "command",
];

fn query(question: &str) -> Query {
    let lower = question.to_lowercase();
    let words: Vec<String> = words_of(&lower).collect();
    let padded = format!(" {} ", words.join(" "));
    let means = |phrase: &&str| -> bool {
        let roots: Vec<String> = phrase.split(' ').map(root).collect();
        // `deleted files` asks for no deletion.
        let rooted: Vec<String> = words.iter().filter(|word| !word.ends_with("ed")).map(|word| root(word)).collect();
        padded.contains(&format!(" {phrase} ")) || rooted.windows(roots.len()).any(|window| *window == *roots)
    };
    let roles = INTENTS.iter().filter(|(phrases, _)| phrases.iter().any(means)).map(|(_, role)| *role);
    let roles: Vec<SectionRole> = roles.collect();
    let mut terms: BTreeMap<String, f64> = BTreeMap::new();
    for word in words.iter().filter(|word| !STOP.contains(&word.as_str())) {
        let own = root(word);
        for group in SYNONYMS.iter().filter(|group| group.iter().any(|other| root(other) == own)) {
            for other in *group {
                terms.entry(root(other)).or_insert(SYNONYM);
            }
        }
        terms.insert(own, 1.0);
    }
    let wants_command = !roles.contains(&SectionRole::Meaning) && !roles.contains(&SectionRole::Escalation);
    Query { terms, roles, wants_command }
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

/// The words of a lower-case text; names such as `disk-full` count as a whole and in parts.
fn words_of(lower: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    for whole in lower.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        let whole = whole.trim_matches(['-', '_', '.']);
        let parts: BTreeSet<&str> = whole.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
        if parts.len() > 1 {
            words.push(whole.to_owned());
        }
        words.extend(parts.into_iter().map(str::to_owned));
    }
    words.into_iter()
}

/// The root of an English word, roughly: without plural, `-ed`, `-ing` and a silent `e`, so that the forms of one verb meet.
fn root(word: &str) -> String {
    let is_plain = word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase());
    if !is_plain {
        return word.to_owned();
    }
    let mut stem = word;
    let mut verb = false;
    if let Some(cut) = ["ing", "ed"].iter().find_map(|end| stem.strip_suffix(end)).filter(|cut| cut.len() > 2) {
        (stem, verb) = (cut, true);
    } else if let Some(cut) = stem.strip_suffix('s').filter(|cut| !cut.ends_with(['s', 'u', 'i'])) {
        stem = cut;
    }
    let bytes = stem.as_bytes();
    let double = verb && bytes.len() > 2 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    if double && !stem.ends_with(['l', 's', 'z', 'e']) {
        stem = &stem[..stem.len() - 1];
    }
    stem.strip_suffix('e').unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("frees", "free")]
    #[case("freeing", "free")]
    #[case("deleted", "delete")]
    #[case("deletes", "delete")]
    #[case("running", "run")]
    #[case("rolled", "roll")]
    #[case("certificates", "certificate")]
    #[case("logs", "log")]
    #[case("crashing", "crash")]
    fn forms_of_a_word_meet(#[case] one: &str, #[case] other: &str) {
        assert_eq!(root(one), root(other));
    }

    #[rstest]
    #[case("status")]
    #[case("is")]
    #[case("5xx")]
    #[case("process")]
    fn words_that_are_no_forms_stay_whole(#[case] word: &str) {
        assert_eq!(root(word), word);
    }
}
