//! The approval review: what a proposal would do, laid out line by line, and when it may be approved.
//!
//! Owns: which lines there are, which of them have been on the screen, and the quiet period. Does not: judge whether an
//! action is safe, draw, or approve; it only says whether the approve chord counts now.
//!
//! Invariants (DESIGN section 6): the chord does nothing until every line has been on the screen and the keyboard has been
//! quiet for [`QUIET`] since the review was painted, its digest changed, or any other key came. A paste never approves.

mod reach;

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::action::container;
use crate::domain::action::grammar;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::reach::seen::Looked;
use crate::domain::action::remote;
use crate::domain::action::risk::Risk;
use crate::domain::action::script::Leaves;
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Origin, Piece, Redirect, Script, Stage, Target, Word,
};
use crate::domain::action::tie::Tie;
use crate::domain::id::ProposalId;
use crate::domain::policy;
use crate::domain::text::{self, Repertoire};
use crate::domain::time::Timestamp;
use crate::engine::backend::Beside;
use crate::tui::line_edit::LineEdit;
use crate::tui::wider::Wider;
use crate::tui::wrap::{Break, wrap};

/// How long the keyboard has to be quiet before the approve chord counts.
pub const QUIET: Duration = Duration::from_millis(500);

/// An open review.
#[derive(Debug)]
pub struct Review {
    /// Which proposal.
    pub proposal: ProposalId,
    /// Digest of what is shown.
    pub digest: String,
    /// What stands beside the action, as it is shown.
    pub beside: Beside,
    /// Whether what a look-up has found is shown as too old.
    old: bool,
    /// The review that comes back when this one is over: what this look-up was proposed from.
    pub back: Option<ProposalId>,
    /// What is shown.
    pub lines: Vec<Line>,
    /// What the lines were laid out for.
    pub paper: Paper,
    /// First visible line.
    pub top: usize,
    /// Which lines have been on the screen.
    pub seen: Vec<bool>,
    /// Lines of the frame that is on its way to the terminal: first, and the one after the last. A slow line takes seconds
    /// for a frame, in which keys scroll on and other frames than the review's arrive.
    pub on_its_way: Option<(usize, usize)>,
    /// Since when the keyboard has been quiet; `None` until the review has been on the screen.
    pub quiet_since: Option<Duration>,
    /// The target's name as typed; `None` when none is needed.
    pub typed: Option<LineEdit>,
    /// Why the last press of the chord did not count.
    pub objection: Option<String>,
    /// Whether the approval has been sent; the review closes with the answer.
    pub sent: bool,
    /// The yes to more than this that its lines tell of; `None` when they do not.
    pub wider: Option<Wider>,
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
    /// Opens a review of `proposal` with nothing known beside it.
    #[must_use]
    pub fn open(proposal: &Proposal, incident_title: &str, paper: Paper) -> Self {
        Self::open_with(proposal, incident_title, paper, &Beside::default(), proposal.created_at)
    }

    /// Opens a review of `proposal` at `now`, with what is known beside it.
    #[must_use]
    pub fn open_with(proposal: &Proposal, incident_title: &str, paper: Paper, beside: &Beside, now: Timestamp) -> Self {
        let lines = Layouter { paper, lines: Vec::new() }.lay_out(proposal, incident_title, beside, now);
        Self {
            beside: beside.clone(),
            old: is_old(beside, now),
            back: None,
            proposal: proposal.id,
            digest: proposal.digest.clone(),
            seen: vec![false; lines.len()],
            lines,
            paper,
            top: 0,
            on_its_way: None,
            quiet_since: None,
            typed: proposal.needs_typed_target().then(LineEdit::default),
            objection: None,
            sent: false,
            wider: None,
        }
    }

    /// Tells of a wider yes before everything else, or of none; all of it has to be read anew.
    pub fn widen(&mut self, proposal: &Proposal, incident_title: &str, wider: Option<Wider>, now: Timestamp) {
        let (back, beside) = (self.back, self.beside.clone());
        *self = Self::open_with(proposal, incident_title, self.paper, &beside, now);
        self.back = back;
        self.tell(wider);
    }

    fn tell(&mut self, wider: Option<Wider>) {
        let Some(wider) = wider else { return };
        let mut layouter = Layouter { paper: self.paper, lines: Vec::new() };
        let mut name = "Wider yes";
        for sentence in &wider.promise {
            layouter.prose(std::mem::take(&mut name), sentence, Tone::Warning);
        }
        layouter.blank();
        self.lines.splice(0..0, layouter.lines);
        self.seen = vec![false; self.lines.len()];
        self.wider = Some(wider);
    }

    /// Lays the review out anew when its digest, the width, or what stands beside it changed; nothing else redraws it, and
    /// all of it has to be read anew then.
    pub fn refresh(
        &mut self,
        proposal: &Proposal,
        incident_title: &str,
        paper: Paper,
        beside: &Beside,
        now: Timestamp,
    ) {
        let same = self.beside == *beside && self.old == is_old(beside, now);
        if self.digest == proposal.digest && self.paper == paper && same {
            return;
        }
        let typed = self.typed.take().filter(|_| self.digest == proposal.digest);
        let wider = self.wider.take().filter(|_| self.digest == proposal.digest);
        let (sent, back) = (self.sent, self.back);
        *self = Self::open_with(proposal, incident_title, paper, beside, now);
        (self.sent, self.back) = (sent, back);
        self.tell(wider);
        if let Some(typed) = typed {
            self.typed = Some(typed);
        }
    }

    /// A frame with `rows` lines from the top of the visible part was handed to the terminal; it is not on the screen yet.
    pub fn drawn(&mut self, rows: usize) {
        self.on_its_way = Some((self.top, (self.top + rows).min(self.seen.len())));
    }

    /// The frame that was drawn last has been written to the terminal at `now`. Nothing counts as seen when that frame did
    /// not show this review.
    pub fn painted(&mut self, now: Duration) {
        let Some((first, end)) = self.on_its_way.take() else { return };
        for seen in self.seen.iter_mut().take(end).skip(first) {
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

    /// How many of the lines above those that are visible have never been on the screen.
    #[must_use]
    pub fn unseen_above(&self) -> usize {
        self.seen.iter().take(self.top).filter(|seen| !**seen).count()
    }

    /// Whether the approve chord counts at `now`, with `rows` lines visible.
    ///
    /// # Errors
    /// The reason why not, as a sentence.
    pub fn may_approve(&self, target: &str, rows: usize, now: Duration) -> Result<(), String> {
        if self.sent {
            return Err("It has been approved; waiting for the start.".to_owned());
        }
        let visible = self.seen.iter().skip(self.top).take(rows).filter(|seen| !**seen).count();
        match self.unseen() {
            0 => {}
            unseen if unseen == visible => return Err("It is being drawn.".to_owned()),
            _ => return Err("Not all of it was on the screen yet: scroll to its end.".to_owned()),
        }
        if self.typed.as_ref().is_some_and(|typed| typed.text() != target) {
            return Err("Type the target's name exactly as shown.".to_owned());
        }
        match self.quiet_since {
            Some(since) if now.saturating_sub(since) >= QUIET => Ok(()),
            _ => Err("Too early: it counts half a second after the last key.".to_owned()),
        }
    }

    /// The whole review as text, as it is stored with the approval.
    #[must_use]
    pub fn rendered(&self) -> String {
        self.lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n")
    }
}

/// Whether what a look-up has found is too old at `now`.
fn is_old(beside: &Beside, now: Timestamp) -> bool {
    matches!(&beside.looked, Looked::Found(found) if found.is_old(now))
}

/// Words longer than this get their length shown, so that nothing can hide behind what looks like the end.
const COUNT_FROM: usize = 40;
/// Columns of a piece that are repeated to say which piece is meant.
const NAMED_PIECE: usize = 24;
/// Columns of the names of fields.
const FIELD: usize = 10;

/// What the review says of an action that takes the terminal.
const CONFINED: &str = "yes: it can write to a scratch directory of its own only";
const NOT_CONFINED: &str = "no: nothing but the judgement above says that it only reads";
/// What stands above the environment of an action on another host.
const ENVIRONMENT_OF_SSH: &str = "The whole environment of ssh here; programs there have that of the login:";
/// What stands above the environment of an action in a container.
const ENVIRONMENT_OF_KUBECTL: &str =
    "The whole environment of kubectl here; programs there have that of the container:";
/// Stands for the directory that nobody chose.
const OWN_DIRECTORY: &str = "the one that the container begins in";
/// Stands for the path of the scratch directory, which has the attempt's number in it.
const SCRATCH: &str = "the scratch directory";
const INTERACTIVE: &str = "interactive: the console steps aside and gives it the terminal; what you type and see there is \
                           not recorded, only how it ended";

/// What a review is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Columns of a line.
    pub width: usize,
    /// Characters that the terminal can show.
    pub repertoire: Repertoire,
}

/// Lays out everything that decides what the action does.
struct Layouter {
    paper: Paper,
    lines: Vec<Line>,
}

impl Layouter {
    fn lay_out(mut self, proposal: &Proposal, incident_title: &str, beside: &Beside, now: Timestamp) -> Vec<Line> {
        let spec = &proposal.spec;
        self.field("Incident", incident_title, Tone::Plain);
        self.field("Alert", &spec.subject.title, Tone::Foreign);
        if Tie::of(spec, &proposal.digest) == Some(Tie::AfterItsEnd) {
            self.field("", "It has ended. When it fires again, this is void.", Tone::Label);
        }
        self.prose("Step", &spec.step.title, Tone::Plain);
        match spec.step.answer() {
            None => self.field("SOP", spec.step.sop.as_str(), Tone::Plain),
            Some(message) => {
                self.field("Answer", &format!("{message}: the assistant wrote this command"), Tone::Warning);
            }
        }
        self.edited(proposal);
        self.field("Risk", spec.risk.name(), Tone::Risk(spec.risk));
        for reason in &spec.risk_reasons {
            let reason = self.visible(reason);
            for line in wrap(&reason, self.paper.width.saturating_sub(FIELD).max(8), Break::AtSpaces) {
                self.wrapped(vec![span(" ".repeat(FIELD), Tone::Label), span(line, Tone::Plain)], FIELD);
            }
        }
        self.policy(proposal);
        match (spec.mode, spec.confinement) {
            (Execution::Interactive, _) => self.prose("Terminal", INTERACTIVE, Tone::Warning),
            (Execution::Supervised, Confinement::ReadsOnly) => self.prose("Confined", CONFINED, Tone::Plain),
            (Execution::Supervised, Confinement::Free) if spec.risk == Risk::Read => {
                self.prose("Confined", NOT_CONFINED, Tone::Warning);
            }
            (Execution::Supervised, Confinement::Free) => {}
        }
        self.field("Target", spec.target.name(), Tone::Word);
        if let Some(way) = spec.target.way() {
            self.prose("", &way, Tone::Word);
        }
        self.named_by_alert(spec);
        if let Some(warning) = spec.subject.elsewhere(&spec.target) {
            self.prose("", &warning, Tone::Warning);
        }
        self.touches(proposal, &beside.looked, now);
        self.undo(beside);
        let directory = if spec.cwd == container::OWN_DIRECTORY { OWN_DIRECTORY } else { &spec.cwd };
        self.field("Directory", directory, Tone::Plain);
        match spec.limit() {
            Some(limit) => self.field("Limit", &format!("{} s, then it is ended", limit.as_secs()), Tone::Plain),
            None => self.field("Limit", "none: it goes on until you end it", Tone::Plain),
        }
        self.blank();
        let foreign = spec.step.answer().is_some() || spec.edited.is_some();
        let author = if foreign { Tone::Foreign } else { Tone::Word };
        self.typed_bytes(spec);
        self.invocation(&spec.invocation, author);
        self.blank();
        self.told(spec);
        self.environment(spec);
        self.lines
    }

    /// Which names of a container came from the alert.
    fn named_by_alert(&mut self, spec: &ActionSpec) {
        let Target::Container(to) = &spec.target else { return };
        let names = [("namespace", Some(&to.namespace)), ("pod", Some(&to.pod)), ("container", to.container.as_ref())];
        for (what, name) in names.into_iter().filter_map(|(what, name)| Some((what, name?))) {
            if let Some((label, value)) = spec.labels_used.iter().find(|(_, value)| *value == name) {
                self.prose("", &format!("{what} {value}, as the alert's label {label} says"), Tone::Foreign);
            }
        }
    }

    fn environment(&mut self, spec: &ActionSpec) {
        let environment = match spec.target {
            Target::ThisHost { .. } => "Its whole environment:",
            Target::Ssh(_) => ENVIRONMENT_OF_SSH,
            Target::Container(_) => ENVIRONMENT_OF_KUBECTL,
        };
        self.label(environment);
        let replaced = |name: &str| spec.confinement == Confinement::ReadsOnly && Confinement::SCRATCH.contains(&name);
        for (name, value) in spec.env.iter().filter(|(name, _)| !replaced(name)) {
            let name = format!("  {}=", self.visible(name));
            let value = self.visible(value);
            self.wrapped(vec![span(name, Tone::Label), span(value, Tone::Plain)], 4);
        }
        for secret in &spec.secrets {
            let programs = secret.programs.join(", ");
            let words = format!("the secret {}, as a file that only {programs} can open", secret.name);
            let words = self.visible(&words);
            let name = format!("  {}: ", self.visible(&secret.variable));
            self.wrapped(vec![span(name, Tone::Label), span(words, Tone::Word)], 4);
        }
        if spec.confinement == Confinement::ReadsOnly {
            let names = Confinement::SCRATCH.join(", ");
            self.wrapped(vec![span(format!("  {names}: {SCRATCH}"), Tone::Label)], 4);
        }
    }

    /// What the shell of another host is told.
    fn told(&mut self, spec: &ActionSpec) {
        if let Some(text) = remote::text(spec) {
            self.label(&format!("The shell of {} is told exactly this:", self.visible(spec.target.name())));
            let text = self.visible(&text);
            self.wrapped(vec![span("  ", Tone::Label), span(text, Tone::Word)], 2);
            self.blank();
        }
        if let Some(words) = container::argv(spec) {
            self.label("kubectl is started here with exactly these words:");
            self.stage(&Stage::new(words.iter().map(|word| Word::new(word, Origin::Script)).collect()));
            self.blank();
        }
    }

    /// What the policy asks for beyond what the program always does, and why.
    fn policy(&mut self, proposal: &Proposal) {
        let Some(ruling) = &proposal.ruling else { return };
        let always = policy::minimum(proposal.spec.risk).demands;
        let mut name = "Policy";
        for demand in ruling.answer.demands.difference(&always) {
            self.prose(std::mem::take(&mut name), &format!("asks for {}", demand.words()), Tone::Warning);
        }
        for clause in &ruling.because {
            self.prose(std::mem::take(&mut name), clause, Tone::Label);
        }
        if let Some(first) = &proposal.first_approver {
            let words = format!("approved by {first}; it waits for a second person, who has to be another one");
            self.prose("Approved", &words, Tone::Warning);
        }
    }

    fn visible(&self, foreign: &str) -> String {
        text::visible_in(foreign, self.paper.repertoire).into_owned()
    }

    fn blank(&mut self) {
        self.lines.push(Line { spans: Vec::new() });
    }

    fn field(&mut self, name: &str, value: &str, tone: Tone) {
        let value = self.visible(value);
        self.wrapped(vec![span(format!("{name:<FIELD$}"), Tone::Label), span(value, tone)], FIELD);
    }

    /// A field of sentences: they break between words.
    fn prose(&mut self, name: &str, words: &str, tone: Tone) {
        let words = self.visible(words);
        let mut name = name;
        for line in wrap(&words, self.paper.width.saturating_sub(FIELD).max(8), Break::AtSpaces) {
            let lead = format!("{:<FIELD$}", std::mem::take(&mut name));
            self.wrapped(vec![span(lead, Tone::Label), span(line, tone)], FIELD);
        }
    }

    fn label(&mut self, words: &str) {
        self.wrapped(vec![span(words, Tone::Label)], 0);
    }

    /// Shows what runs; the lines of a script for bash, which have no pieces, in the tone of their `author`.
    fn invocation(&mut self, invocation: &Invocation, author: Tone) {
        match invocation {
            Invocation::Argv { script } => self.script(script),
            Invocation::Bash { script, reason, values } => {
                let why = format!("Runs as these exact bytes through bash, because {}:", self.visible(reason));
                self.label(&why);
                for line in script.split('\n') {
                    let line = self.visible(line);
                    self.wrapped(vec![span("  ", Tone::Label), span(line, author)], 4);
                }
                for (name, piece) in values {
                    let mut spans = vec![span(format!("  with {}=", self.visible(name)), Tone::Label)];
                    spans.push(self.piece(piece));
                    spans.extend(self.origin_note(&piece.origin).map(|note| span(format!("  <- {note}"), Tone::Label)));
                    self.wrapped(spans, 4);
                }
            }
        }
    }

    fn script(&mut self, script: &Script) {
        self.label("Runs without a shell, word by word:");
        for (at, (connector, pipeline)) in script.parts.iter().enumerate() {
            match connector {
                Connector::Always if at == 0 => {}
                Connector::Always => self.label("then, whatever came of that:"),
                Connector::AndThen => self.label("then, if that succeeded:"),
                Connector::OrElse => self.label("then, if that failed:"),
            }
            if let Some(directory) = &pipeline.directory {
                self.labelled_word("  in ", directory);
            }
            for (position, stage) in pipeline.stages.iter().enumerate() {
                if position > 0 {
                    self.label("  whose output goes into:");
                }
                self.stage(stage);
            }
        }
        self.leaves(&script.leaves);
    }

    /// What later steps get from it.
    fn leaves(&mut self, leaves: &Leaves) {
        if leaves.is_empty() {
            return;
        }
        self.label("Later steps of this run then have:");
        for (name, variable) in &leaves.variables {
            let lead = format!("  {}{}=", if variable.exported { "exported " } else { "" }, self.visible(name));
            self.labelled_word(&lead, &variable.value);
        }
        if let Some(directory) = &leaves.directory {
            self.labelled_word("  the directory ", directory);
        }
    }

    fn labelled_word(&mut self, lead: &str, word: &Word) {
        let mut spans = vec![span(lead, Tone::Label)];
        spans.extend(self.word(word));
        self.wrapped(spans, 4);
    }

    fn stage(&mut self, stage: &Stage) {
        for (name, value) in &stage.env {
            let lead = format!("      with {}=", self.visible(name));
            self.labelled_word(&lead, value);
        }
        for (number, word) in stage.argv.iter().enumerate() {
            let mut spans = vec![span(format!("  {number:>2}  "), Tone::Label)];
            spans.extend(self.word(word));
            self.wrapped(spans, 6);
        }
        for redirect in &stage.redirects {
            self.label(match redirect {
                Redirect::OutToNull => "      its output is thrown away",
                Redirect::ErrToNull => "      its error messages are thrown away",
                Redirect::ErrToOut => "      its error messages go where its output goes",
                Redirect::OutToErr => "      its output goes where its error messages go",
            });
        }
        self.remote(stage);
    }

    /// What another host's shell is told, which puts the words together.
    fn remote(&mut self, stage: &Stage) {
        if let Some(remote) = grammar::remote(stage) {
            let lead = format!("      the shell of {} reads: ", self.visible(&remote.host));
            let text = self.visible(&remote.text);
            self.wrapped(vec![span(lead, Tone::Label), span(text, Tone::Word)], 6);
        }
    }

    fn word(&self, word: &Word) -> Vec<Span> {
        let whole = word.text();
        let mut spans: Vec<Span> = Vec::new();
        let mut begin = 0;
        for piece in &word.pieces {
            begin += piece.text.len();
            spans.push(self.piece_before(piece, whole.get(begin..).unwrap_or_default()));
        }
        if whole.is_empty() {
            spans.push(span("(empty word)", Tone::Label));
        }
        let count = whole.chars().count();
        if count >= COUNT_FROM || whole.contains(char::is_whitespace) {
            spans.push(span(format!("  ({count} characters)"), Tone::Label));
        }
        if let Some(suspicion) = text::suspicion(&whole) {
            spans.push(span(format!("  ({suspicion})"), Tone::Warning));
        }
        let origins: Vec<String> = word.pieces.iter().filter_map(|piece| self.origin_of(piece, word)).collect();
        if !origins.is_empty() {
            spans.push(span(format!("  <- {}", origins.join(", ")), Tone::Label));
        }
        spans
    }

    fn piece(&self, piece: &Piece) -> Span {
        self.piece_before(piece, "")
    }

    /// A piece of a word that goes on with `rest`.
    fn piece_before(&self, piece: &Piece, rest: &str) -> Span {
        let tone = match piece.origin {
            Origin::Sop | Origin::Script => Tone::Word,
            Origin::Label(_) | Origin::Operator | Origin::Model => Tone::Foreign,
        };
        span(text::visible_before(&piece.text, rest, self.paper.repertoire), tone)
    }

    /// Where a piece came from; which piece, where the word has others: colours alone would not say it.
    fn origin_of(&self, piece: &Piece, word: &Word) -> Option<String> {
        let note = self.origin_note(&piece.origin)?;
        if word.pieces.len() == 1 {
            return Some(note);
        }
        let shown = self.visible(&piece.text);
        let (begin, rest) = text::split_at_width(&shown, NAMED_PIECE);
        let cut = if rest.is_empty() { "" } else { "..." };
        Some(format!("\"{begin}{cut}\" {note}"))
    }

    fn origin_note(&self, origin: &Origin) -> Option<String> {
        match origin {
            Origin::Sop | Origin::Script => None,
            Origin::Label(name) => Some(format!("from the alert's label {}", self.visible(name))),
            Origin::Operator => Some("typed".to_owned()),
            Origin::Model => Some("written by the assistant".to_owned()),
        }
    }

    /// Adds spans as one or more lines; what follows the first is indented by `indent` columns.
    fn wrapped(&mut self, spans: Vec<Span>, indent: usize) {
        // At least one wide character has to fit, or there would be no end.
        let width = self.paper.width.max(indent + 8);
        let mut current: Vec<Span> = Vec::new();
        let mut used = 0;
        for piece in spans {
            // A remark behind a word stays in one piece where a line has room for it.
            let (remark, columns) = (piece.tone == Tone::Label && !current.is_empty(), text::width(&piece.text));
            if remark && used > indent && columns > width - used && columns <= width - indent {
                self.lines.push(Line { spans: std::mem::take(&mut current) });
                current.push(span(" ".repeat(indent), Tone::Label));
                used = indent;
            }
            let mut rest = piece.text.as_str();
            while !rest.is_empty() {
                let (mut head, mut tail) = text::split_at_width(rest, width - used);
                if head.is_empty() && used <= indent {
                    // A glyph wider than a whole line: it is cut by the screen, but there has to be an end.
                    let next = rest.grapheme_indices(true).nth(1).map_or(rest.len(), |(at, _)| at);
                    (head, tail) = rest.split_at(next);
                }
                if head.is_empty() {
                    self.lines.push(Line { spans: std::mem::take(&mut current) });
                    current.push(span(" ".repeat(indent), Tone::Label));
                    used = indent;
                    continue;
                }
                used = (used + text::width(head)).min(width);
                current.push(span(head, piece.tone));
                rest = tail;
            }
        }
        self.lines.push(Line { spans: current });
    }
}
