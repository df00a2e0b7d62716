//! What a question asks for: its words, their roots, words that mean the same, and the kinds of sections that it is about.
//!
//! Owns: these words, in English. Does not: look for anything (see `retrieval`).
//!
//! Deterministic: the same question is read in the same way on every machine.

use std::collections::{BTreeMap, BTreeSet};

use super::retrieval::Passage;
use crate::domain::procedure::SectionRole;

/// Words that mean the same as one of the question.
const SYNONYM: f64 = 0.45;

/// What a question asks for.
pub(super) struct Query {
    /// Roots of words to look for, with their weights.
    pub(super) terms: BTreeMap<String, f64>,
    /// The words of the question that say what is meant: the root of each, and the roots of those that mean the same.
    pub(super) words: Vec<(String, Vec<String>)>,
    /// The kinds of sections that it is about.
    pub(super) roles: Vec<SectionRole>,
    /// Whether it asks what was done before, here or elsewhere.
    pub(super) asks_for_history: bool,
    wants_command: bool,
}

impl Query {
    /// How much more a passage counts for the section that it stands in.
    pub(super) fn role_factor(&self, passage: &Passage) -> f64 {
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
    (&["impact", "affect", "users", "harm", "urgent", "severe", "serious", "bad"], SectionRole::Impact),
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

/// Words that ask what was done before.
const HISTORY: &[&str] = &[
    "others",
    "other people",
    "someone else",
    "anyone",
    "anybody",
    "before",
    "last time",
    "previously",
    "previous times",
    "earlier",
    "history",
    "in the past",
    "already",
    "so far",
    "until now",
    "happened",
    "what was done",
    "who did what",
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
pub(super) const STOP: &[&str] = &[
    "a", "about", "after", "again", "all", "an", "and", "any", "are", "as", "at", "back", "be", "been", "but", "by",
    "can", "could", "did", "do", "does", "for", "from", "get", "give", "had", "has", "have", "help", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "let", "may", "me", "my", "no", "not", "now", "of", "on", "one", "or",
    "our", "out", "please", "run", "should", "so", "step", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "up", "use", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your", "mean", "command",
];

/// Reads a question.
pub(super) fn query(question: &str) -> Query {
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
    let asks_for_history = HISTORY.iter().any(|phrase| padded.contains(&format!(" {phrase} ")));
    let of_history =
        |word: &str| asks_for_history && HISTORY.iter().any(|phrase| phrase.split(' ').any(|part| part == word));
    let mut terms: BTreeMap<String, f64> = BTreeMap::new();
    let mut meant: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for word in words.iter().filter(|word| !STOP.contains(&word.as_str()) && !of_history(word)) {
        let own = root(word);
        let groups = SYNONYMS.iter().filter(|group| group.iter().any(|other| root(other) == own));
        let same: Vec<String> = groups.flat_map(|group| group.iter().map(|other| root(other))).collect();
        for other in &same {
            terms.entry(other.clone()).or_insert(SYNONYM);
        }
        terms.insert(own.clone(), 1.0);
        meant.insert(own, same);
    }
    let wants_command = !roles.contains(&SectionRole::Meaning) && !roles.contains(&SectionRole::Escalation);
    Query { terms, words: meant.into_iter().collect(), roles, asks_for_history, wants_command }
}

/// The words of a lower-case text; names such as `disk-full` count as a whole and in parts.
pub(super) fn words_of(lower: &str) -> impl Iterator<Item = String> {
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
pub(super) fn root(word: &str) -> String {
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
