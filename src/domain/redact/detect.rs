//! Finding secrets in a text.
//!
//! Owns: the automaton over all keywords, trying rules at its hits, and joining what they found. Invariants: spans are in
//! order, do not overlap, and lie on character boundaries; what is a placeholder of an earlier redaction is never found
//! again; when a table were broken, the whole text would count as a secret.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;
use regex::Regex;

use super::rules::{Edge, Rule, TABLES};
use super::{Kind, assign, backward, encoded, manifest, nearby};

/// A secret that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) rule: &'static str,
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
    /// Of two that overlap, the one with the lower rank gives the name.
    pub(super) rank: usize,
}

/// Ranks of what is not in the tables: after all vendors' formats, before nothing.
pub(super) const RANK_STRUCTURE: usize = 900;
/// See [`RANK_STRUCTURE`].
pub(super) const RANK_ASSIGNED: usize = 1000;
/// See [`RANK_STRUCTURE`].
pub(super) const RANK_ENCODED: usize = 1100;

/// What a keyword calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Rule(usize),
    Assignment,
    Manifest,
    KeyTail,
    UserAtSocket,
    KeyId,
    Sensitive,
}

/// The rules, ready to be tried.
struct Scanner {
    automaton: AhoCorasick,
    /// By pattern of the automaton.
    owners: Vec<Vec<Owner>>,
    rules: Vec<(Rule, OnceLock<Option<Regex>>)>,
}

static SCANNER: LazyLock<Option<Scanner>> = LazyLock::new(Scanner::new);

impl Scanner {
    /// `None` only when the tables were broken, which a test rules out.
    fn new() -> Option<Self> {
        let rules: Vec<_> = TABLES.iter().flat_map(|table| table.iter()).map(|rule| (*rule, OnceLock::new())).collect();
        let mut keywords: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<Owner>> = Vec::new();
        let mut add = |keyword: &str, owner: Owner| {
            let keyword = keyword.to_ascii_lowercase();
            match keywords.iter().position(|known| *known == keyword) {
                Some(index) => {
                    if !owners[index].contains(&owner) {
                        owners[index].push(owner);
                    }
                }
                None => {
                    keywords.push(keyword);
                    owners.push(vec![owner]);
                }
            }
        };
        for (index, (rule, _)) in rules.iter().enumerate() {
            rule.keywords.iter().for_each(|keyword| add(keyword, Owner::Rule(index)));
        }
        assign::KEYWORDS.iter().for_each(|keyword| add(keyword, Owner::Assignment));
        manifest::KEYWORDS.iter().for_each(|keyword| add(keyword, Owner::Manifest));
        backward::KEY_TAILS.iter().for_each(|keyword| add(keyword, Owner::KeyTail));
        backward::SOCKETS.iter().for_each(|keyword| add(keyword, Owner::UserAtSocket));
        nearby::KEY_IDS.iter().for_each(|keyword| add(keyword, Owner::KeyId));
        nearby::SENSITIVE.iter().for_each(|keyword| add(keyword, Owner::Sensitive));
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&keywords)
            .ok()?;
        Some(Self { automaton, owners, rules })
    }

    fn scan(&self, text: &str, found: &mut Vec<Found>) {
        // By rule, where its last find ends; empty until there is one, since most texts are short and have none.
        let mut done: Vec<usize> = Vec::new();
        let (mut assigned, mut looked) = (0, 0);
        let mut manifests = Vec::new();
        for hit in self.automaton.find_overlapping_iter(text) {
            for owner in &self.owners[hit.pattern().as_usize()] {
                match owner {
                    Owner::Rule(index) if done.get(*index).is_some_and(|end| hit.start() < *end) => {}
                    Owner::Rule(index) => {
                        if let Some((secret, end)) = self.try_rule(*index, text, hit.start()) {
                            let (rule, _) = self.rules[*index];
                            done.resize(self.rules.len(), 0);
                            done[*index] = end;
                            found.push(Found { rule: rule.id, kind: rule.kind, span: secret, rank: *index });
                        }
                    }
                    Owner::Assignment if hit.start() < assigned => {}
                    Owner::Assignment => {
                        if let Some(next) = assign::find(text, hit.start()..hit.end()) {
                            assigned = next.span.end;
                            found.push(next);
                        }
                    }
                    Owner::Manifest => manifests.push(hit.start()),
                    Owner::KeyTail => found.extend(backward::key_tail(text, hit.start()..hit.end())),
                    Owner::UserAtSocket => found.extend(backward::user_at_socket(text, hit.start())),
                    Owner::KeyId => nearby::secret_keys(text, hit.start(), found),
                    Owner::Sensitive if hit.start() < looked => {}
                    Owner::Sensitive => looked = nearby::sensitive_value(text, hit.start(), looked, found),
                }
            }
        }
        manifest::find(text, &manifests, found);
    }

    /// The secret that rule `index` finds at the keyword at `hit`, and where the match ends.
    fn try_rule(&self, index: usize, text: &str, hit: usize) -> Option<(Range<usize>, usize)> {
        let (rule, cell) = &self.rules[index];
        let start = hit.checked_sub(rule.back).filter(|start| text.is_char_boundary(*start))?;
        if rule.edge != Edge::Any && !starts_word(text, start) {
            return None;
        }
        let window = &text[start..floor_boundary(text, start.saturating_add(rule.reach))];
        let Some(regex) = cell.get_or_init(|| compile(rule.pattern)) else {
            let end = window.find('\n').unwrap_or(window.len());
            return Some((start..start + end, start + end));
        };
        let captures = regex.captures(window)?;
        let whole = captures.get(0)?;
        if rule.edge == Edge::Word && window[whole.end()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let secret = captures.iter().skip(1).flatten().next().unwrap_or(whole);
        if secret.is_empty() || !(rule.check)(secret.as_str()) {
            return None;
        }
        Some((start + secret.start()..start + secret.end(), start + whole.end()))
    }
}

/// `pattern`, to be matched where a text begins.
fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(&format!(r"\A(?:{pattern})")).ok()
}

/// True when no letter or digit stands before `start`; the letter of an escape such as `\n` does not count.
pub(super) fn starts_word(text: &str, start: usize) -> bool {
    let bytes = text.as_bytes();
    let Some(before) = start.checked_sub(1).map(|index| bytes[index]) else { return true };
    let escape = start >= 2 && bytes[start - 2] == b'\\' && matches!(before, b'n' | b't' | b'r');
    !before.is_ascii_alphanumeric() || escape
}

/// The last character boundary of `text` that is not behind `place`.
pub(super) fn floor_boundary(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// Every secret of `text`, joined where they overlap. `layers` says how many layers of base64 may still be looked into.
pub(super) fn secrets(text: &str, layers: u8) -> Vec<Found> {
    let mut found = Vec::new();
    match &*SCANNER {
        Some(scanner) => scanner.scan(text, &mut found),
        None => found.push(Found { rule: "unreadable-rules", kind: Kind::Secret, span: 0..text.len(), rank: 0 }),
    }
    if layers > 0 {
        encoded::find(text, layers - 1, &mut found);
    }
    let joined = join(found);
    without(joined, text, &placeholders(text))
}

/// Overlapping finds become one.
fn join(mut found: Vec<Found>) -> Vec<Found> {
    found.retain(|found| !found.span.is_empty());
    found.sort_by_key(|found| (found.span.start, found.rank));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match joined.last_mut() {
            Some(last) if next.span.start < last.span.end => {
                last.span.end = last.span.end.max(next.span.end);
                if next.rank < last.rank {
                    (last.rule, last.kind, last.rank) = (next.rule, next.kind, next.rank);
                }
            }
            Some(_) | None => joined.push(next),
        }
    }
    joined
}

/// Made once: a search in a short text takes less time than making it.
pub(super) static PLACEHOLDER: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(super::PLACEHOLDER_START));

/// Where placeholders of an earlier redaction stand.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let start_mark = super::PLACEHOLDER_START;
    let ends = |start: usize| {
        let rest = &text[start + start_mark.len()..];
        let length = rest.bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'-').count();
        (length > 0 && rest[length..].starts_with(']')).then(|| start..start + start_mark.len() + length + 1)
    };
    PLACEHOLDER.find_iter(text.as_bytes()).filter_map(ends).collect()
}

/// `found` without `protected`. What is left beside a placeholder counts only when a letter or a digit is in it.
fn without(found: Vec<Found>, text: &str, protected: &[Range<usize>]) -> Vec<Found> {
    if protected.is_empty() {
        return found;
    }
    let mut kept = Vec::new();
    for next in found {
        let mut start = next.span.start;
        let mut pieces = Vec::new();
        let first = protected.partition_point(|hole| hole.end <= start);
        let touching = protected[first..].iter().take_while(|hole| hole.start < next.span.end);
        for hole in touching {
            pieces.push(start..hole.start.max(start));
            start = hole.end;
        }
        pieces.push(start..next.span.end.max(start));
        let worth = |piece: &Range<usize>| text[piece.clone()].contains(char::is_alphanumeric);
        kept.extend(pieces.into_iter().filter(worth).map(|span| Found { span, ..next.clone() }));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_name_is_unique() {
        let mut names = std::collections::BTreeSet::new();
        for rule in TABLES.iter().flat_map(|table| table.iter()) {
            assert!(compile(rule.pattern).is_some(), "{}: {:?}", rule.id, Regex::new(rule.pattern));
            assert!(names.insert(rule.id), "{} stands twice", rule.id);
            assert!(!rule.keywords.is_empty(), "{} is never tried", rule.id);
        }
        assert!(SCANNER.is_some());
    }

    #[test]
    fn what_overlaps_becomes_one_and_the_better_name_wins() {
        let found = |rule, span, rank| Found { rule, kind: Kind::Secret, span, rank };
        let joined = join(vec![found("late", 0..6, 9), found("early", 4..10, 1), found("alone", 10..12, 5)]);
        let seen: Vec<_> = joined.iter().map(|found| (found.rule, found.span.clone())).collect();
        assert_eq!(seen, [("early", 0..10), ("alone", 10..12)]);
    }

    #[test]
    fn placeholders_are_cut_out() {
        let text = "a=[REDACTED:token]rest";
        let kept =
            without(vec![Found { rule: "r", kind: Kind::Secret, span: 2..22, rank: 0 }], text, &placeholders(text));
        assert_eq!(kept.iter().map(|found| &text[found.span.clone()]).collect::<Vec<_>>(), ["rest"]);
    }
}
