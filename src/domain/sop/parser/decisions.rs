//! Decisions in prose: "If C, do X", "If C:", "Do X if C", "Otherwise, do Y", "If so", "If not".
//!
//! Owns: which sentences are decisions, and where condition and consequence lie in them. Does not: build nodes, or know in
//! which section a sentence stands. Works on masked text (see `Prose::masked`).

use std::ops::Range;

use super::sentences;
use super::words;
use crate::domain::procedure::StepMode;

/// A part of a paragraph. All ranges are bytes of the masked text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// A sentence without a decision.
    Plain(Range<usize>),
    /// "If C, X" with all sentences that follow it.
    If(Guard),
    /// "Otherwise, X" with all sentences that follow it.
    Otherwise {
        /// All of it.
        whole: Range<usize>,
        /// What to do; may be empty when a block follows.
        body: Range<usize>,
    },
}

/// A condition and what to do when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// All of it.
    pub(super) whole: Range<usize>,
    /// The condition, without "if".
    pub(super) condition: Range<usize>,
    /// What to do; empty when a block has to follow.
    pub(super) body: Range<usize>,
    /// What the condition refers to.
    pub(super) reference: Reference,
    /// Whether the sentence begins with "otherwise" or "else", so that it goes on with the decision before it.
    pub(super) chain: Chain,
}

/// What a condition refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// It stands for itself.
    Itself,
    /// "If so": the sentence before holds.
    Yes,
    /// "If not": the sentence before does not hold.
    No,
}

/// Whether a condition begins a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// It does.
    Begins,
    /// "Otherwise, if C": one more branch of the decision before.
    Continues,
}

/// Conditions that leave it to the reader and decide nothing.
const TRIVIAL: &[&str] = &[
    "any",
    "applicable",
    "appropriate",
    "available",
    "desired",
    "in doubt",
    "necessary",
    "need be",
    "needed",
    "possible",
    "preferred",
    "relevant",
    "required",
    "unsure",
    "you like",
    "you prefer",
    "you want",
    "you wish",
];

const YES: &[&str] = &[
    "so",
    "yes",
    "true",
    "it is",
    "it does",
    "they are",
    "they do",
    "this is the case",
    "that is the case",
    "that's the case",
];

const NO: &[&str] = &[
    "not",
    "no",
    "false",
    "it is not",
    "it isn't",
    "it does not",
    "it doesn't",
    "they are not",
    "they aren't",
    "not so",
    "this is not the case",
    "this isn't the case",
    "that is not the case",
    "none",
    "neither",
];

/// Words behind a comma that go on with a list or a clause.
const CONTINUATIONS: &[&str] = &[
    "and",
    "as",
    "because",
    "but",
    "e.g",
    "for",
    "i.e",
    "including",
    "like",
    "nor",
    "or",
    "since",
    "such",
    "that",
    "which",
    "who",
    "whose",
];

/// Words before an "if" that make it "whether" or no condition.
const NO_CONDITION_BEFORE: &[&str] = &[
    "as",
    "even",
    "ask",
    "know",
    "what",
    "wonder",
    "sure",
    "unclear",
    "decide",
    "out",
    "tell",
    "indicate",
    "indicates",
    "whether",
];

/// The segments of a paragraph, in order, covering all its sentences.
pub(super) fn segments(masked: &str) -> Vec<Segment> {
    let lower = masked.to_ascii_lowercase();
    let mut found: Vec<Segment> = Vec::new();
    for sentence in sentences::split(masked) {
        for part in split_otherwise(&lower, sentence) {
            let segment = classify(&lower, part.clone());
            match (segment, found.last_mut()) {
                // What follows a leading condition belongs to its case until the next condition.
                (Segment::Plain(range), Some(Segment::If(guard)))
                    if guard.condition.start < guard.body.start.max(1) =>
                {
                    extend(&mut guard.whole, &mut guard.body, &range);
                }
                (Segment::Plain(range), Some(Segment::Otherwise { whole, body })) => extend(whole, body, &range),
                (segment, _) => found.push(segment),
            }
        }
    }
    found
}

fn extend(whole: &mut Range<usize>, body: &mut Range<usize>, with: &Range<usize>) {
    if body.start >= body.end {
        body.start = with.start;
    }
    body.end = with.end;
    whole.end = with.end;
}

/// Divides "If A, do B, otherwise do C" before "otherwise".
fn split_otherwise(lower: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let text = lower.get(sentence.clone()).unwrap_or_default();
    if after_if(text).is_none() {
        return vec![sentence];
    }
    match [", otherwise", ", or else ", ", else "].iter().find_map(|word| text.find(word)) {
        Some(at) => {
            let skip = if text.get(at..).is_some_and(|rest| rest.starts_with(", or else")) { ", or ".len() } else { 2 };
            vec![sentence.start..sentence.start + at, sentence.start + at + skip..sentence.end]
        }
        None => vec![sentence],
    }
}

fn classify(lower: &str, sentence: Range<usize>) -> Segment {
    let text = lower.get(sentence.clone()).unwrap_or_default();
    if let Some(rest) = after_words(text, &["otherwise", "else"]) {
        let rest_at = sentence.end - rest.len();
        return match guard(rest, rest_at, &sentence, Chain::Continues) {
            Some(guard) => Segment::If(guard),
            None => Segment::Otherwise { whole: sentence.clone(), body: rest_at..sentence.end },
        };
    }
    guard(text, sentence.start, &sentence, Chain::Begins)
        .or_else(|| trailing_guard(text, &sentence))
        .map_or(Segment::Plain(sentence), Segment::If)
}

/// What follows one of `words` (with a comma, a colon or a space behind it) at the beginning of `text`.
fn after_words<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let text = strip_connectors(text);
    words.iter().find_map(|word| {
        let rest = text.strip_prefix(word)?;
        (rest.is_empty() || rest.starts_with([',', ':', ' ', '.']))
            .then(|| rest.trim_start_matches([',', ':', ' ', '.']))
    })
}

fn strip_connectors(mut text: &str) -> &str {
    text = text.trim_start_matches(['*', '-', '(', '"', ' ', '[', ']']);
    for connector in ["however, ", "but ", "and ", "or ", "also, ", "then ", "alternatively, ", "finally, ", "now, "] {
        text = text.strip_prefix(connector).unwrap_or(text);
    }
    text
}

/// What follows a leading "if".
fn after_if(text: &str) -> Option<&str> {
    let text = strip_connectors(text);
    ["if ", "in case of ", "in case ", "in the case that ", "in the event that "]
        .iter()
        .find_map(|word| text.strip_prefix(word))
}

/// Reads "if C, X" in `text`, which begins at byte `at` of the paragraph.
fn guard(text: &str, at: usize, sentence: &Range<usize>, chain: Chain) -> Option<Guard> {
    let rest = after_if(text)?;
    let rest_at = at + text.len() - rest.len();
    let (condition, body) = split_condition(rest);
    let marks = [' ', ',', ':', '.', ';'];
    let untrimmed = rest.get(condition.clone())?.trim_start_matches(marks);
    let condition_text = untrimmed.trim_end_matches(marks);
    if condition_text.is_empty() || is_trivial(condition_text) || rest.ends_with('?') && body.is_empty() {
        return None;
    }
    let condition_start = rest_at + condition.end - untrimmed.len();
    Some(Guard {
        whole: sentence.clone(),
        condition: condition_start..condition_start + condition_text.len(),
        body: rest_at + body.start..rest_at + body.end,
        reference: reference_of(condition_text),
        chain,
    })
}

fn is_trivial(condition: &str) -> bool {
    let condition = condition.strip_prefix("it is ").unwrap_or(condition);
    TRIVIAL.contains(&condition)
}

fn reference_of(condition: &str) -> Reference {
    if YES.contains(&condition) {
        Reference::Yes
    } else if NO.contains(&condition) {
        Reference::No
    } else {
        Reference::Itself
    }
}

/// Where the condition ends and the consequence begins. Without a mark between them the condition is all there is.
fn split_condition(rest: &str) -> (Range<usize>, Range<usize>) {
    let mut depth = 0_u32;
    let mut first = None;
    let mut last_resort = None;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && matches!(rest.as_bytes().get(at + 1), None | Some(b' ')) => {
                return first.map_or_else(|| cut(rest, at), |comma| cut(rest, comma));
            }
            b',' if depth == 0 => {
                let behind = rest.get(at + 1..).unwrap_or_default();
                let word = first_word(behind);
                if words::mode_of(prefix(behind)).is_some() || word == "then" {
                    return cut(rest, at);
                }
                let continues = CONTINUATIONS.contains(&word) || behind.trim_start().starts_with('\u{1}');
                let slot = if continues { &mut last_resort } else { &mut first };
                slot.get_or_insert(at);
            }
            b' ' if depth == 0 && first.is_none() && rest.get(at..).is_some_and(|rest| rest.starts_with(" then ")) => {
                return cut(rest, at);
            }
            _ => {}
        }
    }
    match first.or(last_resort) {
        Some(at) => cut(rest, at),
        None => (0..rest.len(), rest.len()..rest.len()),
    }
}

/// Enough of `text` for its first words; keeps the search for a verb short however long the sentence is.
fn prefix(text: &str) -> &str {
    let end = (0..=text.len().min(80)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn first_word(text: &str) -> &str {
    prefix(text)
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches(|c: char| !c.is_alphanumeric() && c != '.')
        .trim_end_matches('.')
}

fn cut(rest: &str, at: usize) -> (Range<usize>, Range<usize>) {
    let behind = rest.get(at..).unwrap_or_default();
    let body = behind.trim_start_matches([',', ':', ' ']);
    let body = body.strip_prefix("then ").unwrap_or(body).trim_start_matches([',', ' ']);
    (0..at, rest.len() - body.len()..rest.len())
}

/// Reads "Do X if C": only orders, and never "check if", which means "whether".
fn trailing_guard(text: &str, sentence: &Range<usize>) -> Option<Guard> {
    match words::mode_of(prefix(text))? {
        StepMode::Do | StepMode::Wait | StepMode::Escalate => {}
        StepMode::Check => return None,
    }
    let at = text.find(" if ")?;
    let body = text.get(..at)?.trim_end_matches([',', ' ']);
    let body = body.strip_suffix(" only").unwrap_or(body);
    let before = body.rsplit(' ').next().unwrap_or_default();
    let condition = text.get(at + " if ".len()..)?.trim_end_matches(['.', ':', '!', ' ', ';']);
    let whether = words::is_check_verb(before) || NO_CONDITION_BEFORE.contains(&before);
    if whether || condition.is_empty() || is_trivial(condition) || text.ends_with('?') || body.contains(" check ") {
        return None;
    }
    let condition_start = sentence.start + at + " if ".len();
    Some(Guard {
        whole: sentence.clone(),
        condition: condition_start..condition_start + condition.len(),
        body: sentence.start..sentence.start + body.len(),
        reference: Reference::Itself,
        chain: Chain::Begins,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Segments as text: `P` plain, `I condition -> body`, `O body`.
    fn show(text: &str) -> Vec<String> {
        segments(text)
            .into_iter()
            .map(|segment| match segment {
                Segment::Plain(range) => format!("P {}", &text[range]),
                Segment::If(guard) => format!("I {} -> {}", &text[guard.condition], &text[guard.body]),
                Segment::Otherwise { body, .. } => format!("O {}", &text[body]),
            })
            .collect()
    }

    #[rstest]
    #[case("If the disk is full, delete logs.", &["I the disk is full -> delete logs."])]
    #[case("If the disk is full then delete logs.", &["I the disk is full -> delete logs."])]
    #[case("If the disk is full:", &["I the disk is full -> "])]
    #[case("If the label is `/`, `/var` or `/usr`, remove it.", &["I the label is `/`, `/var` or `/usr` -> remove it."])]
    #[case("If a, b, or c fails, restart it.", &["I a, b, or c fails -> restart it."])]
    #[case("If a pod (or two, at most) fails, restart it.", &["I a pod (or two, at most) fails -> restart it."])]
    #[case("Look. If so, restart. Then wait.", &["P Look.", "I so -> restart. Then wait."])]
    #[case("If a, do b. Otherwise, do c. And d.", &["I a -> do b.", "O do c. And d."])]
    #[case("If a, run b; otherwise run c.", &["I a -> run b;", "O run c."])]
    #[case("If a, run b, otherwise run c.", &["I a -> run b", "O run c."])]
    #[case("Otherwise, if b holds, run c.", &["I b holds -> run c."])]
    #[case("However, if it fails, restart it.", &["I it fails -> restart it."])]
    #[case("Restart the pod if it is stuck. Check it.", &["I it is stuck -> Restart the pod", "P Check it."])]
    #[case("In case of an upgrade, wait.", &["I an upgrade -> wait."])]
    #[case("Otherwise:", &["O "])]
    fn decisions(#[case] text: &str, #[case] expected: &[&str]) {
        let masked = text.replace('`', "\u{1}");
        assert_eq!(masked.len(), text.len());
        let shown: Vec<String> = show(&masked).into_iter().map(|line| line.replace('\u{1}', "`")).collect();
        assert_eq!(shown, expected);
    }

    #[rstest]
    #[case("Restart it if necessary.")]
    #[case("If possible, restart it.")]
    #[case("If it is needed, restart it.")]
    #[case("This might otherwise fail.")]
    #[case("Check if the pod runs.")]
    #[case("Look at the log to see if it fails.")]
    #[case("Run the query to check if it is full.")]
    #[case("The alert fires if the disk is full.")]
    #[case("Is it full?")]
    #[case("Keep it even if it is old.")]
    #[case("Otherwisely speaking, no.")]
    fn no_decisions(#[case] text: &str) {
        assert_eq!(show(text), [format!("P {text}")]);
    }

    #[rstest]
    #[case("If so, go.", Reference::Yes, Chain::Begins)]
    #[case("If not, go.", Reference::No, Chain::Begins)]
    #[case("If the disk is full, go.", Reference::Itself, Chain::Begins)]
    #[case("Else if it is not, go.", Reference::No, Chain::Continues)]
    fn references(#[case] text: &str, #[case] reference: Reference, #[case] chain: Chain) {
        match segments(text).as_slice() {
            [Segment::If(guard)] => assert_eq!((guard.reference, guard.chain), (reference, chain)),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn ranges_lie_inside_and_in_order(text in "(if |otherwise|,|:|\\.|;| then | if |a|run |\u{e9}| |\\(|\\)|\\?){0,24}") {
            let mut end = 0;
            for segment in segments(&text) {
                let whole = match &segment {
                    Segment::Plain(range) => range.clone(),
                    Segment::If(guard) => {
                        for part in [&guard.condition, &guard.body] {
                            prop_assert!(text.get(part.clone()).is_some(), "{:?} in {:?}", part, text);
                            prop_assert!(part.start >= guard.whole.start && part.end <= guard.whole.end);
                        }
                        guard.whole.clone()
                    }
                    Segment::Otherwise { whole, body } => {
                        prop_assert!(text.get(body.clone()).is_some());
                        prop_assert!(body.start >= whole.start && body.end <= whole.end);
                        whole.clone()
                    }
                };
                prop_assert!(whole.start >= end && text.get(whole.clone()).is_some());
                end = whole.end;
            }
        }
    }
}
