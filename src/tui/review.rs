//! The approval review: what a proposal would do, laid out line by line, and when it may be approved.
//!
//! Owns: which lines there are, which of them have been on the screen, and the quiet period. Does not: judge whether an
//! action is safe, draw, or approve; it only says whether the approve chord counts now.
//!
//! Invariants (DESIGN section 6): the chord does nothing until every line has been on the screen and the keyboard has been
//! quiet for [`QUIET`] since the review was painted, its digest changed, or any other key came. A paste never approves.

use std::time::Duration;

use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Connector, Invocation, Origin, Piece, Redirect, Stage, Word};
use crate::domain::id::ProposalId;
use crate::domain::text;
use crate::tui::line_edit::LineEdit;

/// How long the keyboard has to be quiet before the approve chord counts.
pub const QUIET: Duration = Duration::from_millis(500);

/// An open review.
#[derive(Debug)]
pub struct Review {
    /// Which proposal.
    pub proposal: ProposalId,
    /// Digest of what is shown.
    pub digest: String,
    /// What is shown, wrapped to `width`.
    pub lines: Vec<Line>,
    /// Width that the lines were wrapped to.
    pub width: usize,
    /// First visible line.
    pub top: usize,
    /// Which lines have been painted.
    pub seen: Vec<bool>,
    /// Lines painted by the last frame that was submitted but not yet written: first, count.
    pub quiet_since: Option<Duration>,
    /// The target's name as typed; `None` when none is needed.
    pub typed: Option<LineEdit>,
    /// Why the last press of the chord did not count.
    pub objection: Option<String>,
    /// Whether the approval has been sent; the review closes with the answer.
    pub sent: bool,
}

/// One line of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its spans.
    pub spans: Vec<Span>,
}

/// A run of text of one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Escaped text.
    pub text: String,
    /// What it is.
    pub tone: Tone,
}

/// What a piece of a review is; the theme decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Names of fields, explanations.
    Label,
    /// Plain text.
    Plain,
    /// A word of the SOP as written.
    Word,
    /// A piece that came from outside: an alert's label or the keyboard.
    Foreign,
    /// Spelled-out characters, look-alikes.
    Warning,
    /// The risk.
    Risk(Risk),
}

impl Line {
    fn new(spans: Vec<Span>) -> Self {
        Self { spans }
    }

    /// The line as plain text, as it is stored with the approval.
    #[must_use]
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

fn span(text: impl Into<String>, tone: Tone) -> Span {
    Span { text: text.into(), tone }
}

impl Review {
    /// Opens a review of `proposal` for a box of `width` columns inside.
    #[must_use]
    pub fn open(proposal: &Proposal, incident_title: &str, width: usize) -> Self {
        let lines = lines(proposal, incident_title, width);
        Self {
            proposal: proposal.id,
            digest: proposal.digest.clone(),
            seen: vec![false; lines.len()],
            lines,
            width,
            top: 0,
            quiet_since: None,
            typed: proposal.needs_typed_target().then(LineEdit::default),
            objection: None,
            sent: false,
        }
    }

    /// Lays the review out anew when its digest or the width changed; nothing else redraws it.
    pub fn refresh(&mut self, proposal: &Proposal, incident_title: &str, width: usize) {
        if self.digest == proposal.digest && self.width == width {
            return;
        }
        let typed = self.typed.take().filter(|_| self.digest == proposal.digest);
        let sent = self.sent;
        *self = Self::open(proposal, incident_title, width);
        self.sent = sent;
        if let Some(typed) = typed {
            self.typed = Some(typed);
        }
    }

    /// `rows` lines from the top of the visible part were written to the terminal at `now`.
    pub fn painted(&mut self, rows: usize, now: Duration) {
        let end = (self.top + rows).min(self.seen.len());
        for seen in self.seen.iter_mut().take(end).skip(self.top) {
            *seen = true;
        }
        if self.quiet_since.is_none() {
            self.quiet_since = Some(now);
        }
    }

    /// A key other than an accepted approve chord came at `now`: the quiet period begins again.
    pub fn disturbed(&mut self, now: Duration) {
        if self.quiet_since.is_some() {
            self.quiet_since = Some(now);
        }
    }

    /// How many lines have never been on the screen.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.seen.iter().filter(|seen| !**seen).count()
    }

    /// Whether the approve chord counts at `now`.
    ///
    /// # Errors
    /// The reason why not, as a sentence.
    pub fn may_approve(&self, target: &str, now: Duration) -> Result<(), String> {
        if self.sent {
            return Err("It has been approved; waiting for the start".to_owned());
        }
        let unseen = self.unseen();
        if unseen > 0 {
            return Err(format!("{unseen} lines have not been on the screen yet: scroll to the end"));
        }
        if self.typed.as_ref().is_some_and(|typed| typed.text() != target) {
            return Err("Type the target's name exactly as shown".to_owned());
        }
        match self.quiet_since {
            Some(since) if now.saturating_sub(since) >= QUIET => Ok(()),
            _ => Err("Too early: it counts half a second after the last key".to_owned()),
        }
    }

    /// The whole review as text, as it is stored with the approval.
    #[must_use]
    pub fn rendered(&self) -> String {
        self.lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n")
    }
}

/// Lays out everything that decides what the action does.
fn lines(proposal: &Proposal, incident_title: &str, width: usize) -> Vec<Line> {
    let spec = &proposal.spec;
    let mut lines = Vec::new();
    let mut field = |name: &str, spans: Vec<Span>| {
        let mut all = vec![span(format!("{name:<10}"), Tone::Label)];
        all.extend(spans);
        push_wrapped(&mut lines, all, width, 10);
    };
    field("Incident", vec![span(text::visible(incident_title), Tone::Plain)]);
    field("Step", vec![span(text::visible(&spec.step.title), Tone::Plain)]);
    field("SOP", vec![span(text::visible(spec.step.sop.as_str()), Tone::Plain)]);
    field("Risk", vec![span(spec.risk.name(), Tone::Risk(spec.risk))]);
    for reason in &spec.risk_reasons {
        field("", vec![span(text::visible(reason), Tone::Label)]);
    }
    field("Target", vec![span(text::visible(spec.target.name()), Tone::Word)]);
    field("Directory", vec![span(text::visible(&spec.cwd), Tone::Plain)]);
    field("Limit", vec![span(format!("{} s, then it is ended", spec.time_limit.as_secs()), Tone::Plain)]);
    push_invocation(&mut lines, &spec.invocation, width);
    push_surroundings(&mut lines, spec, width);
    lines
}

fn push_invocation(lines: &mut Vec<Line>, invocation: &Invocation, width: usize) {
    lines.push(Line::new(Vec::new()));
    match invocation {
        Invocation::Argv { script } => {
            push_wrapped(lines, vec![span("Runs without a shell, word by word:", Tone::Label)], width, 0);
            for (at, (connector, pipeline)) in script.parts.iter().enumerate() {
                let introduction = match connector {
                    Connector::Always if at == 0 => None,
                    Connector::Always => Some("then, whatever came of that:"),
                    Connector::AndThen => Some("then, if that succeeded:"),
                    Connector::OrElse => Some("then, if that failed:"),
                };
                if let Some(introduction) = introduction {
                    lines.push(Line::new(vec![span(introduction, Tone::Label)]));
                }
                for (position, stage) in pipeline.stages.iter().enumerate() {
                    if position > 0 {
                        lines.push(Line::new(vec![span("  whose output goes into:", Tone::Label)]));
                    }
                    push_stage(lines, stage, width);
                }
            }
        }
        Invocation::Bash { script, reason, values } => {
            let why = format!("Runs as these exact bytes through bash, because {reason}:");
            push_wrapped(lines, vec![span(text::visible(&why), Tone::Label)], width, 0);
            for line in script.split('\n') {
                push_wrapped(lines, vec![span("  ", Tone::Label), span(text::visible(line), Tone::Word)], width, 4);
            }
            for (name, piece) in values {
                let mut spans = vec![span(format!("  with {name}="), Tone::Label)];
                spans.extend(piece_spans(piece));
                push_wrapped(lines, spans, width, 4);
            }
        }
    }
}

fn push_stage(lines: &mut Vec<Line>, stage: &Stage, width: usize) {
    for (number, word) in stage.argv.iter().enumerate() {
        let mut spans = vec![span(format!("  {number:>2}  "), Tone::Label)];
        spans.extend(word_spans(word));
        push_wrapped(lines, spans, width, 6);
    }
    for redirect in &stage.redirects {
        let words = match redirect {
            Redirect::OutToNull => "its output is thrown away",
            Redirect::ErrToNull => "its error messages are thrown away",
            Redirect::ErrToOut => "its error messages go where its output goes",
            Redirect::OutToErr => "its output goes where its error messages go",
        };
        lines.push(Line::new(vec![span(format!("      {words}"), Tone::Label)]));
    }
}

/// Words longer than this get their length shown, so that nothing can hide behind what looks like the end.
const COUNT_FROM: usize = 40;

fn word_spans(word: &Word) -> Vec<Span> {
    let whole = word.text();
    if whole.is_empty() {
        return vec![span("(empty word)", Tone::Label)];
    }
    let mut spans: Vec<Span> = word.pieces.iter().flat_map(piece_spans).collect();
    let count = whole.chars().count();
    if count >= COUNT_FROM || whole.contains(char::is_whitespace) {
        spans.push(span(format!("  ({count} characters)"), Tone::Label));
    }
    if let Some(suspicion) = text::suspicion(&whole) {
        spans.push(span(format!("  ({suspicion})"), Tone::Warning));
    }
    let origins: Vec<String> = word.pieces.iter().filter_map(|piece| origin_note(&piece.origin)).collect();
    if !origins.is_empty() {
        spans.push(span(format!("  <- {}", origins.join(", ")), Tone::Label));
    }
    spans
}

fn piece_spans(piece: &Piece) -> Vec<Span> {
    let tone = match piece.origin {
        Origin::Sop | Origin::Script => Tone::Word,
        Origin::Label(_) | Origin::Operator => Tone::Foreign,
    };
    vec![span(text::visible(&piece.text), tone)]
}

fn origin_note(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Sop | Origin::Script => None,
        Origin::Label(name) => Some(format!("from the alert's label {}", text::visible(name))),
        Origin::Operator => Some("typed".to_owned()),
    }
}

fn push_surroundings(lines: &mut Vec<Line>, spec: &ActionSpec, width: usize) {
    lines.push(Line::new(Vec::new()));
    push_wrapped(lines, vec![span("Its whole environment:", Tone::Label)], width, 0);
    for (name, value) in &spec.env {
        let spans =
            vec![span(format!("  {}=", text::visible(name)), Tone::Label), span(text::visible(value), Tone::Plain)];
        push_wrapped(lines, spans, width, 4);
    }
}

/// Adds spans as one or more lines of at most `width` columns; what follows the first is indented.
fn push_wrapped(lines: &mut Vec<Line>, spans: Vec<Span>, width: usize, indent: usize) {
    let width = width.max(indent + 8);
    let mut current: Vec<Span> = Vec::new();
    let mut used = 0;
    for piece in spans {
        let mut rest = piece.text.as_str();
        while !rest.is_empty() {
            let (head, tail) = text::split_at_width(rest, width - used);
            if head.is_empty() {
                lines.push(Line::new(std::mem::take(&mut current)));
                current.push(span(" ".repeat(indent), Tone::Label));
                used = indent;
                continue;
            }
            used += text::width(head);
            current.push(span(head, piece.tone));
            rest = tail;
        }
    }
    lines.push(Line::new(current));
}
