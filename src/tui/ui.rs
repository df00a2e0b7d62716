//! State of the screen: focus, cursor, scroll, drafts and overlays. Facts come from the store and stay in [`Facts`].
//!
//! Owns: the types. Does not: change them (see `update`) or draw them (see `draw`).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::action::proposal::Proposal;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, NodeId, ProposalId, SopId};
use crate::domain::incident::Queue;
use crate::domain::text::Repertoire;
use crate::domain::time::Timestamp;
use crate::engine::backend::{Detail, NeededValue, Snapshot, SopDocument};
use crate::tui::chat::preview::PreviewPage;
use crate::tui::chat::transcript::Anchor;
use crate::tui::chat::view::ChatView;
use crate::tui::editing::Editing;
use crate::tui::intent::Intent;
use crate::tui::keymap::{Context, Keymap};
use crate::tui::layout::{self, Layout, OutputShown, Pane};
use crate::tui::line_edit::LineEdit;
use crate::tui::msg::ProposeRequest;
use crate::tui::palette::Palette;
use crate::tui::place::Reading;
use crate::tui::plain::PlainPage;
use crate::tui::review::Review;
use crate::tui::search::Search;
use crate::tui::sop_lines::{Laid, SopLine};
use crate::tui::sought::Sought;
use crate::tui::splits::Splits;
use crate::tui::steer::Steer;
use crate::tui::suggestions::SuggestionsView;
use crate::tui::theme::Themes;
use crate::tui::tour::{self, Guidance, Tour};
use crate::tui::wider::ScopesBox;
use crate::tui::workbench::Workbench;
use crate::tui::zone::Zone;

/// Everything that the screen shows.
#[derive(Debug)]
pub struct Model {
    /// State of the screen.
    pub ui: Ui,
    /// What the store said last.
    pub facts: Facts,
}

/// What the store said last.
#[derive(Debug, Default)]
pub struct Facts {
    /// Rows, header, incident, tray, output.
    pub snapshot: Snapshot,
    /// The SOP on the screen.
    pub sop: Option<Arc<SopDocument>>,
    /// Why the SOP that should be there is not.
    pub sop_trouble: Option<String>,
    /// Every SOP, once it was asked for.
    pub sops: Vec<(SopId, String)>,
}

impl Facts {
    /// The incident whose details are loaded.
    #[must_use]
    pub fn detail(&self) -> Option<&Detail> {
        self.snapshot.detail.as_ref()
    }

    /// A proposal that waits.
    #[must_use]
    pub fn pending(&self, id: ProposalId) -> Option<&Proposal> {
        self.snapshot.tray.iter().find(|proposal| proposal.id == id)
    }
}

/// State of the screen.
#[derive(Debug)]
pub struct Ui {
    /// Columns and rows for everything but the guided tour.
    pub size: (u16, u16),
    /// Columns and rows of the terminal.
    pub terminal: (u16, u16),
    /// The guided tour, until it has ended.
    pub tour: Option<Tour>,
    /// Which pane keys go to.
    pub focus: Pane,
    /// The queue.
    pub queue: QueueView,
    /// The step tree.
    pub sop: SopView,
    /// Output.
    pub output: OutputView,
    /// The chat.
    pub chat: ChatView,
    /// What lies above the panes.
    pub overlay: Option<Overlay>,
    /// One line for the person, for a while.
    pub toast: Option<Toast>,
    /// What is to be said when nothing else is, in this order. May contain foreign text.
    pub notices: VecDeque<String>,
    /// Wall clock of the last message, for the header and for durations.
    pub now: Timestamp,
    /// Wall clock of the first message: what was noted before it is not from this console's time.
    pub started: Option<Timestamp>,
    /// Monotonic clock of the last message.
    pub monotonic: Duration,
    /// Loads under way and wanted.
    pub loading: Loading,
    /// Counts timers, so that an old one can be told from a new one.
    pub timer: u64,
    /// Key bindings.
    pub keymap: Keymap,
    /// Settings that come from the configuration.
    pub settings: Settings,
    /// Where the lines between the panes stand.
    pub splits: Splits,
    /// Themes to go through.
    pub themes: Themes,
    /// A look-up that was asked for from the review of the first: the second opens when it has been loaded.
    pub looking: Option<(ProposalId, ProposalId)>,
    /// Where the person was before the connection was lost, as far as it could not be gone back to yet.
    pub returning: Option<Returning>,
    /// Why there is nothing to see, when the store cannot be read.
    pub trouble: Option<String>,
}

/// Parts of a [`Place`](crate::tui::place::Place) that wait for facts.
#[derive(Clone, Debug)]
pub struct Returning {
    /// The incident that they belong to.
    pub selected: Option<IncidentId>,
    /// The place in the document.
    pub reading: Option<Reading>,
    /// Rows that the output was scrolled up.
    pub output_up: usize,
    /// Where the conversation was read.
    pub chat: Option<Anchor>,
    /// Whether a question was being typed.
    pub asking: bool,
    /// The review that was open.
    pub review: Option<ProposalId>,
    /// When the place was noted.
    pub at: Timestamp,
}

/// Settings that come from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this installation in the header.
    pub name: String,
    /// Login name of the person at the console, as incidents name their owners.
    pub person: String,
    /// How long resolved incidents stay in the queue.
    pub show_resolved_for: Duration,
    /// Characters that the terminal can show.
    pub repertoire: Repertoire,
    /// In which zone times are shown.
    pub zone: Zone,
    /// Who has the mouse.
    pub mouse: Mouse,
}

/// Who has the mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// The terminal: it selects text.
    #[default]
    Terminal,
    /// The console: it selects rows and scrolls.
    Console,
}

/// Loads under way and wanted: never more than one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// Number of the last question.
    pub generation: u64,
    /// Whether its answer is still to come.
    pub in_flight: bool,
    /// Whether to ask again as soon as it has come.
    pub wanted: bool,
    /// When the last load caused by a change of the store began.
    pub last_change: Option<Duration>,
}

/// The queue on the screen.
#[derive(Debug, Default)]
pub struct QueueView {
    /// Which queue is shown.
    pub queue: Queue,
    /// The incident under the cursor.
    pub selected: Option<IncidentId>,
    /// Its position in the queue, from 0, as last known.
    pub rank: u32,
    /// Position of the first visible row.
    pub top: u32,
    /// Words that rows must contain.
    pub filter: String,
    /// The filter being typed.
    pub editing: Option<LineEdit>,
    /// An incident that was asked for by its number and has not been seen in the queue yet.
    pub sought: Option<IncidentId>,
    /// Jump to an end as soon as its rows are loaded.
    pub going: Option<QueueEnd>,
    /// What still waits for the cursor to rest; `None` when everything follows it.
    pub settling: Option<Settling>,
}

/// A rest of the cursor that is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Number of the timer that ends it.
    pub timer: u64,
    /// What follows then.
    pub behind: Behind,
}

/// What does not follow the cursor yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// The page and the details; both wait for the timer.
    Page,
    /// The page and the details; they have been asked for and follow together with the answer.
    Answer,
    /// The details only: the page has followed.
    Details,
}

impl QueueView {
    /// Whether the cursor may be outside its page, which stands still until the cursor rests.
    #[must_use]
    pub const fn page_waits(&self) -> bool {
        matches!(self.settling, Some(Settling { behind: Behind::Page | Behind::Answer, .. }))
    }
}

/// An end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEnd {
    /// The first row.
    Top,
    /// The last row.
    Bottom,
}

/// The step tree on the screen.
#[derive(Debug, Default)]
pub struct SopView {
    /// Document chosen by the person for an incident; others get the one that fits best.
    pub chosen: HashMap<IncidentId, SopId>,
    /// The alert that the steps are for, by incident: an alert that joins later does not take its place.
    pub alerts: HashMap<IncidentId, AlertKey>,
    /// Document chosen while there is no incident.
    pub browsing: Option<SopId>,
    /// The document that cursor and folds belong to.
    pub document: Option<SopId>,
    /// Folded nodes.
    pub folded: HashSet<NodeId>,
    /// Node under the cursor: position in the procedure.
    pub cursor: usize,
    /// First visible line.
    pub top: usize,
    /// The lines as they were laid out last.
    pub laid: Option<Laid>,
    /// Text being looked for.
    pub find: String,
    /// Which of the nodes that match was gone to last, as long as matches are shown.
    pub sought: Option<Sought>,
    /// The text being typed.
    pub editing: Option<LineEdit>,
    /// Where to go as soon as that document is on the screen: a hit of the search, or a citation.
    pub going: Option<Going>,
}

/// A node of a document that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Which document.
    pub sop: SopId,
    /// Which of its nodes.
    pub node: NodeId,
    /// Who named it.
    pub named: Named,
}

/// Who named a node of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The search: the node was there when it was indexed.
    BySearch,
    /// An answer of the assistant, which may be wrong about it.
    ByAnswer,
}

impl SopView {
    /// The lines of `document` for `width` columns: those laid out last when they are of it, else anew.
    #[must_use]
    pub fn lines(&self, document: &Arc<SopDocument>, width: usize, repertoire: Repertoire) -> Arc<[SopLine]> {
        let kept = self.laid.as_ref().filter(|laid| laid.is_of(document, &self.folded, width, repertoire));
        kept.map_or_else(|| Laid::new(document, &self.folded, width, repertoire).lines(), Laid::lines)
    }
}

/// Output on the screen.
#[derive(Debug, Default)]
pub struct OutputView {
    /// Which attempt; `None` for the newest of the incident.
    pub attempt: Option<AttemptId>,
    /// Rows scrolled up from the end.
    pub up: usize,
    /// Text being looked for.
    pub find: String,
    /// The line where it was found last.
    pub found: Option<usize>,
    /// Which of the lines that match that is, as long as matches are shown.
    pub sought: Option<Sought>,
    /// The text being typed.
    pub editing: Option<LineEdit>,
    /// When the person asked once to end this attempt; a second time within [`CONFIRM_WITHIN`] does it.
    pub cancel_asked: Option<(AttemptId, Duration)>,
}

/// A second press within this time confirms.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(3);

/// What lies above the panes.
#[derive(Debug)]
pub enum Overlay {
    /// The approval review.
    Review(Box<Review>),
    /// The command of a proposal while it is edited.
    Edit(Box<Editing>),
    /// Values that a step needs.
    Prompt(Box<Prompt>),
    /// Words about an incident: a note, a reason, an owner, a span of time.
    Question(Box<Question>),
    /// A list of SOPs to choose from.
    Picker(Picker),
    /// Words looked for everywhere.
    Search(Box<Search>),
    /// Yeses that cover more than one action.
    Scopes(ScopesBox),
    /// What can be done with the run.
    Steer(Box<Steer>),
    /// What is suggested for the run.
    Suggestions(Box<SuggestionsView>),
    /// Commands by name.
    Palette(Box<Palette>),
    /// What would leave this machine.
    Preview(Box<PreviewPage>),
    /// Improving or drafting an SOP.
    Workbench(Box<Workbench>),
    /// The text of a pane and nothing else.
    Plain(Box<PlainPage>),
    /// Text to read.
    Page {
        /// What it is about.
        page: Page,
        /// First visible line.
        top: usize,
    },
}

/// What a page of text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Keys of the pane in focus.
    Help,
    /// How the sources are, and why.
    Sources,
    /// The incident under the cursor in full.
    Incident,
    /// What is lost of a database that was damaged; opens by itself.
    Restored,
    /// The SOP as written against the run as done.
    Comparison,
}

/// Values that a step needs, asked for one by one.
#[derive(Debug)]
pub struct Prompt {
    /// What to ask for again.
    pub request: ProposeRequest,
    /// What is needed.
    pub needed: Vec<NeededValue>,
    /// Values typed so far, by name.
    pub values: BTreeMap<String, String>,
    /// What the alert's labels give, by name: a value that is left as it is stays the label's.
    pub labels: BTreeMap<String, FromLabel>,
    /// Which one is being typed.
    pub at: usize,
    /// The value being typed.
    pub edit: LineEdit,
}

/// A value that a label gives. Foreign text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromLabel {
    /// Name of the label.
    pub label: String,
    /// Its value.
    pub value: String,
}

impl Prompt {
    /// What stands in the field of the value `name` before anything is typed into it.
    #[must_use]
    pub fn proposed(&self, name: &str) -> &str {
        let label = self.labels.get(name).map(|from| from.value.as_str());
        self.values.get(name).map(String::as_str).or(label).unwrap_or("")
    }

    /// The field of the value `name`, as it is before anything is typed into it.
    #[must_use]
    pub fn field_of(&self, name: &str) -> LineEdit {
        LineEdit::new(self.proposed(name))
    }
}

/// Words about an incident that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About which incident: the one under the cursor when it was asked, whatever is there now.
    pub incident: IncidentId,
    /// What for.
    pub about: About,
    /// What is being typed.
    pub edit: LineEdit,
    /// Why what was typed cannot be used; empty when nothing is wrong.
    pub objection: String,
}

/// What words about an incident are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The name of its owner.
    Owner,
    /// Something to remember.
    Note,
    /// Why it is over.
    Resolution,
    /// How long it is not to be shown.
    Suppression,
}

/// A list of SOPs to choose from.
#[derive(Debug, Default)]
pub struct Picker {
    /// Words that titles must contain.
    pub edit: LineEdit,
    /// Chosen line among those that match.
    pub at: usize,
}

/// One line for the person, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What to say. May contain foreign text.
    pub text: String,
    /// How loud.
    pub level: ToastLevel,
    /// Number of the timer that ends it.
    pub number: u64,
}

/// How loud a toast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastLevel {
    /// It went well.
    Done,
    /// It did not.
    Refused,
}

impl Model {
    /// An empty screen of this size.
    #[must_use]
    pub fn new(size: (u16, u16), keymap: Keymap, settings: Settings) -> Self {
        let ui = Ui {
            size,
            terminal: size,
            tour: None,
            focus: Pane::Incidents,
            queue: QueueView::default(),
            sop: SopView::default(),
            output: OutputView::default(),
            chat: ChatView::default(),
            overlay: None,
            toast: None,
            notices: VecDeque::new(),
            now: Timestamp::default(),
            started: None,
            monotonic: Duration::ZERO,
            loading: Loading::default(),
            timer: 0,
            keymap,
            settings,
            splits: Splits::default(),
            themes: Themes::default(),
            looking: None,
            returning: None,
            trouble: None,
        };
        Self { ui, facts: Facts::default() }
    }

    /// The same, with the guided tour if that is wanted.
    #[must_use]
    pub fn guided(mut self, guidance: Guidance) -> Self {
        if guidance == Guidance::Tour {
            self.ui.tour = Some(Tour::new());
            self.ui.keymap = self.ui.keymap.with_end_of_tour();
            self.ui.fit(self.ui.terminal);
        }
        self
    }

    /// Where everything stands now; `None` when the terminal is too small.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        let (columns, rows) = self.ui.size;
        let has_output = self.shown_attempt().is_some();
        let output = if has_output { OutputShown::Below } else { OutputShown::No };
        layout::compute((columns, rows), self.ui.focus, output, self.ui.splits)
    }

    /// The attempt whose output is on the screen: the chosen one, else the newest of the incident.
    #[must_use]
    pub fn shown_attempt(&self) -> Option<&crate::domain::action::attempt::Attempt> {
        let attempts = &self.facts.detail()?.record.attempts;
        let chosen = self.ui.output.attempt;
        attempts.iter().find(|attempt| Some(attempt.id) == chosen).or_else(|| attempts.first())
    }

    /// The key that opens the review, for messages.
    #[must_use]
    pub fn approvals_key(&self) -> String {
        self.ui.keymap.key_for(Context::Incidents, Intent::Approvals).unwrap_or_default()
    }

    /// Rows of the queue that fit on the screen; 1 when the pane is not shown.
    #[must_use]
    pub fn queue_rows(&self) -> u32 {
        let (columns, rows) = self.ui.size;
        // The queue's height does not depend on focus as long as it is shown at all.
        layout::compute((columns, rows), Pane::Incidents, OutputShown::No, self.ui.splits)
            .and_then(|layout| layout.queue)
            .map_or(1, |area| u32::from(area.body.height).max(1))
    }
}

impl Ui {
    /// The terminal has this size, or the tour has ended: what is left for everything else follows.
    pub fn fit(&mut self, terminal: (u16, u16)) {
        self.terminal = terminal;
        let (columns, rows) = terminal;
        self.size = (columns, rows - tour::rows_of(self.tour.as_ref(), rows));
    }

    /// A new number for a timer.
    pub fn next_timer(&mut self) -> u64 {
        self.timer += 1;
        self.timer
    }
}
