//! Conditions of a document that a rule can evaluate: "usage is above 95 %", "it says `Evicted`", "the command fails".
//!
//! Owns: the grammar of such conditions, the whole of it, and what evidence makes of them. Does not: choose a branch (see
//! `branch`) or read evidence from anywhere.
//!
//! Invariant: a text is read completely or not at all. A word that the grammar does not know ("most", "and", "of the limit")
//! may change the meaning, so such a condition is for a person. Evidence that speaks for both answers is for a person, too.

use super::evidence::{Facts, Proof};
use super::lines::LineCount;
use super::reading::{Dimension, Quantity, Reading};
use crate::domain::action::attempt::Outcome;

/// How a value is compared with a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// More than.
    Above,
    /// At least.
    AtLeast,
    /// Less than.
    Below,
    /// At most.
    AtMost,
    /// The same.
    Equal,
    /// Not the same.
    Other,
}

impl Operator {
    /// The sign for screens and the journal.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::Other => "!=",
        }
    }

    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Above => Self::AtMost,
            Self::AtLeast => Self::Below,
            Self::Below => Self::AtLeast,
            Self::AtMost => Self::Above,
            Self::Equal => Self::Other,
            Self::Other => Self::Equal,
        }
    }

    pub(super) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
            #[allow(clippy::float_cmp, reason = "the document asks for exactly this number")]
            Self::Equal => value == threshold,
            #[allow(clippy::float_cmp, reason = "the document asks for any number but this one")]
            Self::Other => value != threshold,
        }
    }
}

/// A condition that can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A number of the evidence against a threshold.
    Compare {
        /// How.
        operator: Operator,
        /// With what.
        threshold: Quantity,
    },
    /// The output contains one of these texts.
    Says(Vec<String>),
    /// The output, without space around it, is one of these texts.
    Is(Vec<String>),
    /// The command succeeded.
    Succeeded,
    /// The command ended with this status.
    Exit(i32),
    /// So many lines of a log have a text in them.
    Lines(LineCount),
    /// The opposite.
    Not(Box<Self>),
}

impl Condition {
    /// The opposite of this condition.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Compare { operator, threshold } => Self::Compare { operator: operator.negated(), threshold },
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Reads a condition, or a question that stands for one. `None` when a word of it is not understood.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words = words(text)?;
        let words: Vec<&Token> = words.iter().skip_while(|word| word.is("if")).collect();
        if about_exit(&words) {
            return ended(&words);
        }
        let about_log = || LineCount::parse(&words).map(Self::Lines);
        ended(&words).or_else(|| says(&words)).or_else(about_log).or_else(|| compares(&words)).or_else(|| asks(&words))
    }
}

/// A word or a quoted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// In lower case, without marks at its end.
    Word(String),
    /// As it stands.
    Quoted(String),
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }

    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Quoted(_) => None,
        }
    }
}

/// What opens a quotation and what closes it.
const QUOTES: [(char, char); 4] = [('`', '`'), ('"', '"'), ('“', '”'), ('‘', '’')];

/// More words than any condition of the grammar has.
const MOST_WORDS: usize = 24;

fn words(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        if tokens.len() > MOST_WORDS {
            return None;
        }
        if let Some((open, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
            let inner = rest.get(open.len_utf8()..)?;
            let (quoted, after) = inner.split_once(*close)?;
            (!quoted.is_empty()).then(|| tokens.push(Token::Quoted(quoted.to_owned())))?;
            rest = after.trim_start_matches(['.', ',', ':', '?']).trim_start();
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let word = word.trim_end_matches(['.', ',', ':', '?']).to_lowercase();
        if !word.is_empty() {
            tokens.push(Token::Word(word));
        }
        rest = after.trim_start();
    }
    Some(tokens)
}

/// What a document calls the thing whose output or end it talks about.
const IT: &[&[&str]] = &[
    &["it"],
    &["this"],
    &["that"],
    &["this", "command"],
    &["the", "command"],
    &["the", "check"],
    &["the", "test"],
    &["the", "output"],
    &["the", "answer"],
    &["the", "result"],
    &["the", "state"],
    &["the", "status"],
];

fn after_it<'a>(words: &'a [&'a Token]) -> Option<&'a [&'a Token]> {
    let fits =
        |name: &&&[&str]| words.len() >= name.len() && name.iter().zip(words).all(|(wanted, word)| word.is(wanted));
    // The longest name: "the command" before "the".
    let name = IT.iter().filter(fits).max_by_key(|name| name.len())?;
    words.get(name.len()..)
}

/// What a document calls an exit status.
const EXIT: [[&str; 3]; 3] = [["the", "exit", "code"], ["the", "exit", "status"], ["the", "return", "code"]];

fn about_exit(words: &[&Token]) -> bool {
    let begins =
        |name: &[&str; 3]| words.len() > name.len() && name.iter().zip(words).all(|(wanted, word)| word.is(wanted));
    EXIT.iter().any(begins)
}

/// "the command succeeds", "it fails", "it does not succeed", "the exit code is 2", "the exit status is not 0".
fn ended(words: &[&Token]) -> Option<Condition> {
    if about_exit(words) {
        let rest = words.get(EXIT[0].len()..)?.split_first().filter(|(verb, _)| verb.is("is"))?.1;
        let (negated, rest) = negation(rest);
        let [number] = rest else { return None };
        let code = match number.word()? {
            "zero" => 0,
            "non-zero" | "nonzero" => return Some(negate_if(Condition::Exit(0), !negated)),
            word => word.parse().ok().filter(|code| (0..=255).contains(code))?,
        };
        return Some(negate_if(Condition::Exit(code), negated));
    }
    match after_it(words)? {
        [verb] if verb.is_one_of(&["succeeds", "succeeded", "works", "worked"]) => Some(Condition::Succeeded),
        [verb] if verb.is_one_of(&["fails", "failed"]) => Some(Condition::Succeeded.negated()),
        [does, not, verb] if does.is_one_of(&["does", "did"]) && not.is("not") => match verb.word()? {
            "succeed" | "work" => Some(Condition::Succeeded.negated()),
            "fail" => Some(Condition::Succeeded),
            _ => None,
        },
        _ => None,
    }
}

fn negate_if(condition: Condition, negated: bool) -> Condition {
    if negated { condition.negated() } else { condition }
}

fn negation<'a>(words: &'a [&'a Token]) -> (bool, &'a [&'a Token]) {
    match words.split_first() {
        Some((first, rest)) if first.is("not") => (true, rest),
        _ => (false, words),
    }
}

/// "it says `X`", "the output does not contain `X` or `Y`", "the state is `active`".
fn says(words: &[&Token]) -> Option<Condition> {
    let rest = after_it(words)?;
    let (verb, rest) = rest.split_first()?;
    let verb = verb.word()?;
    let (negated, contains, rest) = match verb {
        "says" | "shows" | "contains" | "prints" | "includes" | "mentions" => (false, true, rest),
        "does" | "did" => {
            let (not, rest) = negation(rest);
            let (verb, rest) = rest.split_first().filter(|_| not)?;
            verb.is_one_of(&["say", "show", "contain", "print", "include", "mention"]).then_some((true, true, rest))?
        }
        "is" | "reads" => {
            let (not, rest) = negation(rest);
            (not, false, rest)
        }
        _ => return None,
    };
    let texts = alternatives(rest)?;
    Some(negate_if(if contains { Condition::Says(texts) } else { Condition::Is(texts) }, negated))
}

/// Quoted texts with "or" between them, and nothing else.
fn alternatives(words: &[&Token]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match word {
            Token::Quoted(text) if at % 2 == 0 => texts.push(text.clone()),
            Token::Word(word) if at % 2 == 1 && word == "or" => {}
            _ => return None,
        }
    }
    (words.len() % 2 == 1).then_some(texts)
}

/// Words that make the thing before a comparison another one than a plain number: who reads them has to think.
const UNCLEAR: &[&str] = &[
    "and", "or", "not", "no", "nor", "neither", "either", "none", "never", "but", "unless", "except", "only", "most",
    "some", "many", "few", "several", "if", "when", "while", "after", "before", "than", "between", "cannot",
];

const VERBS: &[&str] = &["is", "are", "was", "were", "stays", "remains"];

/// "usage is above 95 %", "the lag exceeds 5 s", "it is 95 % or more", "replicas are not 3", "latency > 250 ms".
fn compares(words: &[&Token]) -> Option<Condition> {
    let at = words
        .iter()
        .position(|word| word.is_one_of(VERBS) || word.is_one_of(&["exceeds", "exceed"]))
        .or_else(|| words.iter().position(|word| word.word().is_some_and(|word| sign(word).is_some())))?;
    clear_subject(words.get(..at)?)?;
    let word = words.get(at)?.word()?;
    let rest = words.get(at + 1..)?;
    if let Some(operator) = sign(word) {
        return compared(operator, rest);
    }
    if matches!(word, "exceeds" | "exceed") {
        return compared(Operator::Above, rest);
    }
    relation(rest)
}

/// "is usage above 95 %": the verb first.
fn asks(words: &[&Token]) -> Option<Condition> {
    let (_, rest) = words.split_first().filter(|(verb, _)| verb.is_one_of(VERBS))?;
    let at = (1..rest.len()).find(|at| rest.get(*at..).is_some_and(|tail| comparator(tail).is_some()))?;
    clear_subject(rest.get(..at)?)?;
    relation(rest.get(at..)?)
}

fn clear_subject(words: &[&Token]) -> Option<()> {
    let clear = |word: &&&Token| {
        word.word()
            .is_some_and(|word| !UNCLEAR.contains(&word) && !word.ends_with("n't") && Quantity::parse(word).is_none())
    };
    (!words.is_empty() && words.iter().filter(clear).count() == words.len()).then_some(())
}

/// What follows the verb: a comparator and a number, or a number alone.
fn relation(words: &[&Token]) -> Option<Condition> {
    let (negated, words) = negation(words);
    let condition = match comparator(words) {
        Some((operator, rest)) => compared(operator, rest)?,
        None => compared(Operator::Equal, words)?,
    };
    Some(negate_if(condition, negated))
}

fn sign(word: &str) -> Option<Operator> {
    match word {
        ">" => Some(Operator::Above),
        ">=" | "≥" => Some(Operator::AtLeast),
        "<" => Some(Operator::Below),
        "<=" | "≤" => Some(Operator::AtMost),
        "=" | "==" => Some(Operator::Equal),
        "!=" | "≠" => Some(Operator::Other),
        _ => None,
    }
}

/// Words before a number, and what they mean.
const COMPARATORS: &[(&[&str], Operator)] = &[
    (&["above"], Operator::Above),
    (&["over"], Operator::Above),
    (&["beyond"], Operator::Above),
    (&["greater", "than"], Operator::Above),
    (&["more", "than"], Operator::Above),
    (&["higher", "than"], Operator::Above),
    (&["larger", "than"], Operator::Above),
    (&["longer", "than"], Operator::Above),
    (&["below"], Operator::Below),
    (&["under"], Operator::Below),
    (&["less", "than"], Operator::Below),
    (&["lower", "than"], Operator::Below),
    (&["smaller", "than"], Operator::Below),
    (&["fewer", "than"], Operator::Below),
    (&["shorter", "than"], Operator::Below),
    (&["at", "least"], Operator::AtLeast),
    (&["at", "most"], Operator::AtMost),
    (&["exactly"], Operator::Equal),
    (&["equal", "to"], Operator::Equal),
];

pub(super) fn comparator<'a>(words: &'a [&'a Token]) -> Option<(Operator, &'a [&'a Token])> {
    if let Some((first, rest)) = words.split_first()
        && let Some(operator) = first.word().and_then(sign)
    {
        return Some((operator, rest));
    }
    let fits = |(name, _): &&(&[&str], Operator)| {
        words.len() > name.len() && name.iter().zip(words).all(|(wanted, word)| word.is(wanted))
    };
    let (name, operator) = COMPARATORS.iter().find(fits)?;
    Some((*operator, words.get(name.len()..)?))
}

/// A number, perhaps its unit, perhaps "or more", and nothing behind that.
fn compared(operator: Operator, words: &[&Token]) -> Option<Condition> {
    let (number, rest) = words.split_first()?;
    let mut threshold = Quantity::parse(number.word()?)?;
    let mut rest = rest;
    if let Some((unit, after)) = rest.split_first()
        && let Some(counted) = unit.word().and_then(|unit| threshold.counted_in(unit))
    {
        (threshold, rest) = (counted, after);
    }
    let operator = match (operator, rest) {
        (operator, []) => operator,
        (Operator::Equal, [or, more]) if or.is("or") && more.is_one_of(&["more", "higher", "above", "greater"]) => {
            Operator::AtLeast
        }
        (Operator::Equal, [or, less]) if or.is("or") && less.is_one_of(&["less", "lower", "below", "fewer"]) => {
            Operator::AtMost
        }
        _ => return None,
    };
    Some(Condition::Compare { operator, threshold })
}

/// Whether a condition holds, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it holds.
    pub holds: bool,
    /// What the answer rests on.
    pub proof: Proof,
}

/// Evaluates a condition.
///
/// # Errors
/// Why the evidence does not answer it, as a clause for a person.
pub fn evaluate(condition: &Condition, facts: &Facts<'_>) -> Result<Finding, String> {
    match condition {
        Condition::Not(inner) => {
            let Finding { holds, proof } = evaluate(inner, facts)?;
            Ok(Finding { holds: !holds, proof })
        }
        Condition::Succeeded => exit_status(facts, |code| code == 0),
        Condition::Exit(wanted) => exit_status(facts, |code| code == *wanted),
        Condition::Says(texts) => output_test(facts, texts, |output, text| output.contains(text)),
        Condition::Is(texts) => output_test(facts, texts, |output, text| output.trim() == text),
        Condition::Compare { operator, threshold } => compare(facts, *operator, *threshold),
        Condition::Lines(question) => match facts {
            Facts::Lines { counted } => question.of_log(counted),
            Facts::Attempt { .. } | Facts::Metric { .. } => {
                let (attempt, output) = facts.whole_output()?;
                question.of_output(attempt, output)
            }
        },
    }
}

fn exit_status(facts: &Facts<'_>, test: impl Fn(i32) -> bool) -> Result<Finding, String> {
    let Facts::Attempt { attempt, outcome, .. } = facts else {
        return Err("the question is about a command's end, and the evidence is no command".to_owned());
    };
    match outcome {
        Outcome::Exited { code } => {
            Ok(Finding { holds: test(*code), proof: Proof::Exit { attempt: *attempt, code: *code } })
        }
        other => Err(format!("the command has no exit status: {}", other.label())),
    }
}

fn output_test(facts: &Facts<'_>, texts: &[String], test: impl Fn(&str, &str) -> bool) -> Result<Finding, String> {
    let (attempt, output) = facts.whole_output()?;
    let found = texts.iter().find(|text| test(output, text)).cloned();
    let holds = found.is_some();
    let looked_for = texts.join(" or ");
    Ok(Finding { holds, proof: Proof::Text { attempt, looked_for, found } })
}

/// Compares every number that may be meant; when they do not all give the same answer, there is none.
fn compare(facts: &Facts<'_>, operator: Operator, threshold: Quantity) -> Result<Finding, String> {
    let values = candidates(facts, threshold.dimension)?;
    let mut answers = values.iter().map(|value| operator.holds(value.0, threshold.value.0));
    let first = answers.next().ok_or("there is no number to compare")?;
    if answers.any(|answer| answer != first) {
        let shown: Vec<String> = values.iter().take(SHOWN).map(ToString::to_string).collect();
        return Err(format!(
            "the numbers do not agree: {} against {} {}",
            shown.join(", "),
            operator.sign(),
            threshold.value
        ));
    }
    let proof = Proof::Number {
        query: facts.query(),
        value: *values.first().ok_or("there is no number to compare")?,
        values: values.len(),
        operator: operator.sign().to_owned(),
        threshold: threshold.value,
    };
    Ok(Finding { holds: first, proof })
}

/// So many numbers are named when they do not agree.
const SHOWN: usize = 3;

/// The numbers that a threshold of this dimension may be meant for.
fn candidates(facts: &Facts<'_>, dimension: Dimension) -> Result<Vec<Reading>, String> {
    if let Facts::Metric { samples, .. } = facts {
        if samples.is_empty() {
            return Err("the query has no result".to_owned());
        }
        if dimension == Dimension::Percent {
            // 0.97 and 97 are both called 97 %.
            return Err("the query's result has no unit, and the question is about percent".to_owned());
        }
        let values: Vec<Reading> = samples.iter().map(|sample| sample.value).collect();
        return if values.iter().all(|value| value.is_number()) {
            Ok(values)
        } else {
            Err("the query's result is not a number".to_owned())
        };
    }
    let (_, output) = facts.whole_output()?;
    let words = output.split_whitespace().map(|word| word.trim_matches([',', ';', '(', ')', '[', ']', '"', ':', '=']));
    let mut values: Vec<Reading> = words
        .filter_map(Quantity::parse)
        .filter(|quantity| quantity.dimension == dimension)
        .map(|quantity| quantity.value)
        .collect();
    if values.is_empty() && dimension != Dimension::Plain {
        return Err("the output has no number with that unit".to_owned());
    }
    if dimension == Dimension::Plain && values.len() > 1 {
        // Without a unit any number may be meant: dates, counts, identifiers.
        return Err(format!("the output has {} numbers, and the question does not say which", values.len()));
    }
    values.dedup();
    Ok(values)
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
