//! The plain view: the text of one pane over the whole screen, for the terminal's own selection.
//!
//! Owns: what stands in it, line by line, and how it is broken at the right end. No side panes, no gutter, no frame: what is
//! selected is the text and nothing else. Foreign text is escaped as everywhere.
//!
//! Invariant: it stands still while it is open, so that a selection is not lost to something new; opened again it shows the
//! newest. Does not: draw (see `draw`).

use crate::domain::chat::{Author, MessageState};
use crate::domain::incident::IncidentState;
use crate::domain::text;
use crate::engine::backend::Snapshot;
use crate::tui::layout::Pane;
use crate::tui::pages;
use crate::tui::ui::{Model, Page};
use crate::tui::wrap::{Break, wrap};
use crate::tui::{output_body, output_lines};

/// What a plain view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// What a pane shows: rows of the queue, the document as it is written, output, the conversation as it was written.
    Pane(Pane),
    /// A page of text.
    Page(Page),
}

/// Bytes of a document or a conversation that are shown at most; more would keep the screen waiting.
const MOST: usize = 2 * 1024 * 1024;

/// A plain view.
#[derive(Debug)]
pub struct PlainPage {
    /// What it shows.
    pub subject: Subject,
    /// First row on the screen.
    pub top: usize,
    /// The lines, escaped.
    lines: Vec<String>,
    /// The lines broken into rows of the width below.
    rows: Vec<String>,
    width: usize,
}

impl PlainPage {
    /// What there is to show of `subject` now.
    #[must_use]
    pub fn open(model: &Model, subject: Subject) -> Self {
        let lines = match subject {
            Subject::Pane(Pane::Incidents) => queue(model),
            Subject::Pane(Pane::Sop) => sop(model),
            Subject::Pane(Pane::Output) => output(model),
            Subject::Pane(Pane::Chat) => chat(model),
            Subject::Page(page) => pages::rows(model, page).iter().map(pages::text_of).collect(),
        };
        let mut page = Self { subject, top: 0, lines, rows: Vec::new(), width: 0 };
        page.refresh(model.ui.size);
        page
    }

    /// Breaks the lines for a screen of this size, and keeps the first row within them.
    pub fn refresh(&mut self, size: (u16, u16)) {
        let width = usize::from(size.0).max(2);
        if width != self.width {
            self.width = width;
            self.rows = self.lines.iter().flat_map(|line| wrap(line, width, Break::Anywhere)).collect();
        }
        self.top = self.top.min(self.last_top(size.1));
    }

    /// Rows from `top` on, as many as fit.
    #[must_use]
    pub fn shown(&self, rows: u16) -> &[String] {
        let end = (self.top + Self::height(rows)).min(self.rows.len());
        self.rows.get(self.top..end).unwrap_or_default()
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows of text on a screen of so many rows: the last one says how to leave.
    #[must_use]
    pub fn height(rows: u16) -> usize {
        usize::from(rows.saturating_sub(1)).max(1)
    }

    /// The largest `top` on a screen of so many rows.
    #[must_use]
    pub fn last_top(&self, rows: u16) -> usize {
        self.rows.len().saturating_sub(Self::height(rows))
    }

    /// What it shows, for its last row.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.subject {
            Subject::Pane(Pane::Incidents) => "the queue",
            Subject::Pane(Pane::Sop) => "the SOP",
            Subject::Pane(Pane::Output) => "the output",
            Subject::Pane(Pane::Chat) => "the chat",
            Subject::Page(Page::Help) => "the keys",
            Subject::Page(Page::Sources) => "the sources",
            Subject::Page(Page::Incident) => "the incident",
            Subject::Page(Page::Restored) => "the restored database",
            Subject::Page(Page::Comparison) => "the run",
        }
    }
}

fn visible(model: &Model, foreign: &str) -> String {
    text::visible_in(foreign, model.ui.settings.repertoire).into_owned()
}

/// The lines of a long text, its tabs as spaces; what is beyond [`MOST`] is said, not shown.
fn lines_of(model: &Model, text: &str) -> Vec<String> {
    let end = text.floor_char_boundary(MOST);
    let mut lines = output_lines::lines(&text.as_bytes()[..end], model.ui.settings.repertoire);
    if end < text.len() {
        lines.push(format!("[{} more bytes are not shown here]", text.len() - end));
    }
    lines
}

/// The rows that are loaded, each with severity, state, beginning and title in full.
fn queue(model: &Model) -> Vec<String> {
    let Snapshot { queue, .. } = &model.facts.snapshot;
    let mut lines: Vec<String> = queue
        .rows
        .iter()
        .map(|row| {
            let at = model.ui.settings.zone.full(row.opened_at);
            let title = visible(model, &row.title);
            format!("{} {} {} {at} {title}", row.id, row.severity.name(), state(row.state))
        })
        .collect();
    let loaded = u32::try_from(queue.rows.len()).unwrap_or(u32::MAX);
    if queue.start > 0 || loaded < queue.total {
        let (first, last) = (queue.start + 1, queue.start.saturating_add(loaded));
        lines.push(format!("[{first} to {last} of {}; move the cursor to load others]", queue.total));
    }
    if lines.is_empty() {
        lines.push("[no incidents]".to_owned());
    }
    lines
}

const fn state(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "open",
        IncidentState::Acknowledged => "acknowledged",
        IncidentState::Resolved => "resolved",
    }
}

fn sop(model: &Model) -> Vec<String> {
    match &model.facts.sop {
        Some(document) => lines_of(model, &document.source),
        None => vec![format!("[{}]", visible(model, model.facts.sop_trouble.as_deref().unwrap_or("no SOP is shown")))],
    }
}

fn output(model: &Model) -> Vec<String> {
    let Some(attempt) = model.shown_attempt() else {
        return vec!["[nothing was started for this incident]".to_owned()];
    };
    let reason = output_body::reason(attempt).map(|why| format!("[{}]", visible(model, why)));
    let first = output_body::effect_first(model, attempt).map(|words| format!("[{}]", visible(model, &words)));
    let reason = [first, reason].into_iter().flatten().reduce(|above, below| format!("{above}\n{below}"));
    let shown = match output_body::of(model, attempt) {
        Ok(output) => output_lines::lines(&output.bytes, model.ui.settings.repertoire),
        Err(absent) => vec![format!("[{}]", absent.words())],
    };
    reason.into_iter().chain(shown).collect()
}

/// The conversation as it was written, with a line for who wrote each message.
fn chat(model: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    let history = model.facts.snapshot.chat.as_ref();
    for message in history.map(|history| history.messages.as_slice()).unwrap_or_default() {
        let (name, note) = match &message.author {
            Author::Person { name } | Author::Model { name } => (name.as_str(), None),
            Author::Fallback { why } => ("aiops", Some(why)),
        };
        let at = model.ui.settings.zone.full(message.at);
        lines.push(format!("[{} {at}]", visible(model, name)));
        lines.extend(note.map(|why| format!("[not a model: {}]", visible(model, why))));
        lines.extend(lines_of(model, &message.text));
        match &message.state {
            MessageState::Complete => {}
            MessageState::Cut { reason } => lines.push(format!("[broken off: {}]", visible(model, reason))),
            MessageState::Failed { reason } => lines.push(format!("[no answer: {}]", visible(model, reason))),
        }
        lines.push(String::new());
    }
    if let Some(turn) = model.ui.chat.turn_here().filter(|turn| turn.finished.is_none() && !turn.text.is_empty()) {
        lines.push("[arriving]".to_owned());
        lines.extend(lines_of(model, &turn.text));
    }
    if lines.is_empty() {
        lines.push("[nothing was said yet]".to_owned());
    }
    lines
}
