//! The page on which an SOP is improved from its runs, or drafted from an incident.
//!
//! Owns: what the page shows and what was taken of it. Does not: write anything (see `update::workbench`), or draw.
//!
//! Invariants: what is written is exactly the patch whose digest stands on the page; it is made anew with every finding that
//! is taken or left. Text of documents, people and commands is escaped here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, RunId, SopId};
use crate::domain::run::draft::Draft;
use crate::domain::run::improve::{Correction, Finding, Patch};
use crate::domain::text::{self, Repertoire};
use crate::engine::improving::Improvement;
use crate::tui::line_edit::LineEdit;
use crate::tui::wrap::{Break, wrap};

/// Columns of the page at most, its frame included.
pub const WIDTH: u16 = 110;

/// What the page is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Improving this SOP.
    Improve(SopId),
    /// Drafting one.
    Draft {
        /// From this incident.
        incident: IncidentId,
        /// Only from this run of it.
        run: Option<RunId>,
    },
}

/// What there is to see.
#[derive(Debug)]
pub enum Content {
    /// It is on its way.
    Awaited,
    /// It did not come; says why.
    Failed(String),
    /// Findings and the patch of those that were taken.
    Improvement(Arc<Improvement>, Box<Patch>),
    /// A draft.
    Draft(Arc<Draft>),
}

/// What came of the question that the page asks.
#[derive(Clone, Debug)]
pub enum Found {
    /// Findings about an SOP.
    Improvement(Arc<Improvement>),
    /// A draft.
    Draft(Arc<Draft>),
}

/// The page.
#[derive(Debug)]
pub struct Workbench {
    /// What it is about.
    pub subject: Subject,
    /// Number of its question, so that an answer to an earlier one is dropped.
    pub number: u64,
    /// What there is to see.
    pub content: Content,
    /// The findings that were taken, by number.
    pub taken: BTreeSet<usize>,
    /// The finding under the cursor, by its place in the list.
    pub at: usize,
    /// The first visible row.
    pub top: usize,
    /// The name of a new document, while it is typed.
    pub naming: Option<LineEdit>,
    /// It was sent to be written, and no answer has come.
    pub sent: bool,
}

/// How a row looks; the theme decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A finding.
    Heading,
    /// What explains it.
    Muted,
    /// Plain text.
    Text,
    /// A line that comes.
    Added,
    /// A line that goes.
    Gone,
}

/// A row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Escaped text.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// The finding that it tells, by its place in the list.
    pub finding: Option<usize>,
}

impl Workbench {
    /// A page whose question was just asked.
    #[must_use]
    pub const fn ask(subject: Subject, number: u64) -> Self {
        Self {
            subject,
            number,
            content: Content::Awaited,
            taken: BTreeSet::new(),
            at: 0,
            top: 0,
            naming: None,
            sent: false,
        }
    }

    /// The answer has come: everything that has a patch is taken at first.
    pub fn show(&mut self, found: Found) {
        self.content = match found {
            Found::Draft(draft) => Content::Draft(draft),
            Found::Improvement(found) => {
                self.taken = found.patches();
                let patch = found.patch(&self.taken);
                Content::Improvement(found, Box::new(patch))
            }
        };
    }

    /// Takes the finding under the cursor, or leaves it; says why it cannot be taken.
    ///
    /// # Errors
    /// When no patch follows from it, as a sentence.
    pub fn toggle(&mut self) -> Result<(), String> {
        let Content::Improvement(found, patch) = &mut self.content else { return Ok(()) };
        let Some(finding) = found.findings.get(self.at) else { return Ok(()) };
        if let Correction::Told { why } = &finding.correction {
            return Err(format!("No patch follows from this one: {why}."));
        }
        if !self.taken.remove(&finding.number) {
            self.taken.insert(finding.number);
        }
        **patch = found.patch(&self.taken);
        Ok(())
    }

    /// How many findings there are.
    #[must_use]
    pub fn findings(&self) -> usize {
        match &self.content {
            Content::Improvement(found, _) => found.findings.len(),
            Content::Awaited | Content::Failed(_) | Content::Draft(_) => 0,
        }
    }

    /// The title of the page.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self.subject {
            Subject::Improve(_) => "Improve the SOP from its runs",
            Subject::Draft { .. } => "Draft of an SOP",
        }
    }

    /// SHA-256 of the draft that is shown.
    #[must_use]
    pub fn shown_draft(&self) -> Option<String> {
        match &self.content {
            Content::Draft(draft) => Some(sha256_hex(draft.text.as_bytes())),
            Content::Awaited | Content::Failed(_) | Content::Improvement(..) => None,
        }
    }

    /// The rows for so many columns.
    #[must_use]
    pub fn rows(&self, width: usize, repertoire: Repertoire) -> Vec<Row> {
        let mut sheet = Sheet { rows: Vec::new(), width: width.max(8), repertoire };
        match &self.content {
            Content::Awaited => sheet.say("The runs are being compared.", Tone::Muted, None),
            Content::Failed(why) => sheet.say(why, Tone::Text, None),
            Content::Draft(draft) => {
                draft.left_out.iter().for_each(|words| sheet.say(words, Tone::Muted, None));
                draft.text.lines().for_each(|line| sheet.line(line, Tone::Text));
            }
            Content::Improvement(found, patch) => self.improvement(found, patch, &mut sheet),
        }
        sheet.rows
    }

    fn improvement(&self, found: &Improvement, patch: &Patch, sheet: &mut Sheet) {
        let procedure = &found.document.procedure;
        let count = found.findings.len();
        sheet.say(&format!("{}: {} runs, {count} findings", procedure.title, found.runs), Tone::Muted, None);
        for (at, finding) in found.findings.iter().enumerate() {
            let left = patch.left.iter().find(|(number, _)| *number == finding.number).map(|(_, why)| why.as_str());
            sheet.rows.push(Row { text: String::new(), tone: Tone::Text, finding: None });
            let sign = match (finding.is_patch(), patch.taken.contains(&finding.number)) {
                (true, true) => "[x]",
                (true, false) => "[ ]",
                (false, _) => " - ",
            };
            sheet.say(&format!("{sign} {}. {}", finding.number, finding.words), Tone::Heading, Some(at));
            sheet.say(&format!("    {}", why(finding, left)), Tone::Muted, Some(at));
        }
        sheet.rows.push(Row { text: String::new(), tone: Tone::Text, finding: None });
        if patch.diff.is_empty() {
            return sheet.say("No patch follows from what is taken.", Tone::Muted, None);
        }
        for line in patch.diff.lines() {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Tone::Added,
                Some(b'-') => Tone::Gone,
                Some(b'@') => Tone::Muted,
                Some(_) | None => Tone::Text,
            };
            sheet.line(line, tone);
        }
        sheet.say(&format!("digest {}", patch.digest), Tone::Muted, None);
    }
}

/// The runs in which it was seen, and what can be done.
fn why(finding: &Finding, left: Option<&str>) -> String {
    let runs: Vec<String> =
        finding.sightings.iter().map(|sighting| format!("{} ({})", sighting.run, sighting.at.to_minute())).collect();
    let what = match (&finding.correction, left) {
        (Correction::Told { why }, _) => format!("not patched: {why}"),
        (Correction::Patch { .. }, Some(why)) => format!("left out of the patch: {why}"),
        (Correction::Patch { risk: Some((now, before)), .. }, None) => {
            let before = before.map(|before| format!(", before {}", before.name())).unwrap_or_default();
            format!("risk {}{before}", now.name())
        }
        (Correction::Patch { risk: None, .. }, None) => "a patch follows".to_owned(),
    };
    format!("{what}; runs {}", runs.join(", "))
}

struct Sheet {
    rows: Vec<Row>,
    width: usize,
    repertoire: Repertoire,
}

impl Sheet {
    fn say(&mut self, words: &str, tone: Tone, finding: Option<usize>) {
        let visible = text::visible_in(words, self.repertoire).into_owned();
        let broken = wrap(&visible, self.width, Break::AtSpaces).into_iter();
        self.rows.extend(broken.map(|text| Row { text, tone, finding }));
    }

    /// A line of a document, which keeps its blanks.
    fn line(&mut self, line: &str, tone: Tone) {
        let visible = text::visible_in(line, self.repertoire).into_owned();
        if visible.is_empty() {
            return self.rows.push(Row { text: visible, tone, finding: None });
        }
        let broken = wrap(&visible, self.width, Break::Anywhere).into_iter();
        self.rows.extend(broken.map(|text| Row { text, tone, finding: None }));
    }
}
