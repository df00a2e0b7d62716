//! What is suggested for a run, to be taken or left one by one.
//!
//! Owns: the choices, and the rows that explain the one under the cursor: why, who says so, what to know before, and the difference
//! to the plan. Does not: send anything (see `update::suggestions`), or draw.
//!
//! Invariants: the rows follow from the run as it is now; what cannot be done any more says so. All words of others are escaped
//! here.

use crate::domain::run::Run;
use crate::domain::run::event::Answer;
use crate::domain::run::suggestion::difference::{self, Side};
use crate::domain::run::suggestion::{Suggestion, caution, check_advice};
use crate::domain::text::{Repertoire, visible_in};
use crate::tui::wrap::{Break, wrap};

/// Which choice is under the cursor, and how far its explanation was scrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuggestionsView {
    /// The chosen line.
    pub at: usize,
    /// First visible row of what explains it.
    pub top: usize,
}

/// A line to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which suggestion.
    pub number: u32,
    /// What is said to it.
    pub answer: Answer,
    /// In words. Foreign text.
    pub words: String,
}

/// How a row is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The name of a field, or a line of the plan that stays.
    Label,
    /// Words to read.
    Text,
    /// What may be dangerous.
    Warning,
    /// A command.
    Command,
    /// A line of the plan that goes.
    Goes,
    /// A line of the plan that comes.
    Comes,
}

/// A row of the explanation; harmless text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// The lines to choose from: each suggestion can be taken or left.
#[must_use]
pub fn choices(run: &Run) -> Vec<Choice> {
    let both = |suggestion: &Suggestion| {
        let words = suggestion.draft.advice.words(run);
        [(Answer::Accepted, "Take"), (Answer::Dismissed, "Leave")].map(|(answer, verb)| Choice {
            number: suggestion.number,
            answer,
            words: format!("{verb} {}: {words}", suggestion.number),
        })
    };
    run.suggestions.iter().flat_map(both).collect()
}

/// What explains a suggestion, in rows of `width` columns.
#[must_use]
pub fn rows(run: &Run, number: u32, width: usize, repertoire: Repertoire) -> Vec<Row> {
    let Some(suggestion) = run.suggestions.iter().find(|found| found.number == number) else { return Vec::new() };
    let draft = &suggestion.draft;
    let mut rows = Vec::new();
    let mut say = |text: &str, tone: Tone| {
        let text = visible_in(text, repertoire);
        rows.extend(wrap(&text, width.max(8), Break::AtSpaces).into_iter().map(|text| Row { text, tone }));
    };
    let cites: Vec<String> = draft.cites.iter().map(|cite| format!("[{cite}]")).collect();
    say(&format!("Why: {} {}", draft.why, cites.join(" ")), Tone::Text);
    say(&format!("Suggested by {}.", draft.source.words()), Tone::Label);
    if let Err(refusal) = check_advice(run, &draft.advice) {
        say(&format!("It cannot be done any more: {}.", refusal.why), Tone::Warning);
    }
    for caution in caution::of(run, draft) {
        say(&caution.words(run), Tone::Warning);
    }
    if let Some(command) = &draft.command {
        say(command, Tone::Command);
    }
    say("The plan of this run then; the SOP stays as it is:", Tone::Label);
    for line in difference::of(run, draft) {
        let tone = match line.side {
            Side::Both | Side::Gap => Tone::Label,
            Side::Before => Tone::Goes,
            Side::After => Tone::Comes,
        };
        say(&format!("{} {}", line.side.sign(), line.text.replace('\n', " ")), tone);
    }
    rows
}
