//! Steering a run: what can be done with it now, and where it stands, in words.
//!
//! Owns: the choices of the box and their order, and the words of the SOP pane about a run. Does not: send anything (see
//! `update::steer`), or draw.
//!
//! Invariants: what is offered concerns the step under the cursor when the run has it, else the step whose turn it is. The
//! words are foreign text and are escaped by whoever draws them.

use crate::domain::id::AttemptId;
use crate::domain::procedure::NodeKind;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::Change;
use crate::domain::run::evidence::Evidence;
use crate::domain::run::item::{Basis, Item, ItemId, ItemKind, ItemState};
use crate::domain::run::suggestion::Source;
use crate::domain::run::{Run, RunState, summary};
use crate::domain::sop::tree;
use crate::engine::backend::Detail;
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::line_edit::LineEdit;
use crate::tui::ui::Model;
use crate::tui::waiting;

/// The box in which a run is steered.
#[derive(Debug, Default)]
pub struct Steer {
    /// The chosen line.
    pub at: usize,
    /// Words that the chosen line needs, while they are typed.
    pub asking: Option<Asking>,
}

/// Words that are asked for.
#[derive(Debug)]
pub struct Asking {
    /// What for.
    pub what: Wanted,
    /// What is being typed.
    pub edit: LineEdit,
    /// Why what was typed cannot be used; empty when nothing is wrong.
    pub objection: String,
}

/// What words are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Why a step is left out.
    SkipReason(ItemId),
    /// What is to be done after a step.
    Insertion(Option<ItemId>),
    /// Who is to do a step.
    Assignee(ItemId),
    /// Who takes the run over.
    NewOwner,
    /// Why the run ends.
    EndReason,
    /// What is silenced, and for how long.
    Silence,
    /// What was seen of the effect of an attempt.
    EffectSeen(AttemptId),
}

impl Wanted {
    /// What to type, as a sentence.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self {
            Self::SkipReason(_) => "Why is it left out? Others will read it.",
            Self::Insertion(_) => "What is to be done? It is a step of this run only, not of the SOP.",
            Self::Assignee(_) => "Who is to do it? A login name; nothing for whoever leads the run.",
            Self::NewOwner => "Who takes the run over? A login name. A summary is kept in the journal.",
            Self::EndReason => "Why does it end here? Others will read it.",
            Self::EffectSeen(_) => "What did you look at, and what did you see? Others will read it.",
            Self::Silence => "How long, and which labels; or: expire NUMBER. It is proposed, not done.",
        }
    }
}

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Begin a run of the document on the screen.
    Start,
    /// Say this to the run.
    Say(RunCommand),
    /// Ask for words first.
    Ask(Wanted),
    /// Propose the step that shows the effect of an attempt.
    CheckEffect(AttemptId),
    /// Show the SOP as written against the run as done.
    Compare,
    /// Show what is suggested.
    Suggestions,
    /// Ask how the run is to go on.
    Counsel,
}

/// A line of the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it does.
    pub choice: Choice,
    /// What it is called. May be foreign text.
    pub words: String,
}

fn offer(words: impl Into<String>, choice: Choice) -> Offer {
    Offer { choice, words: words.into() }
}

/// The run of the incident on the screen that is on, else the last one.
#[must_use]
pub fn last_run(model: &Model) -> Option<&Run> {
    let run = model.facts.snapshot.run.as_ref()?;
    let shown = model.facts.detail()?.record.incident.id;
    (run.incident == shown).then_some(run)
}

/// The run of the incident on the screen that is not over.
#[must_use]
pub fn run(model: &Model) -> Option<&Run> {
    last_run(model).filter(|run| !run.state.is_over())
}

/// The run, when it is one of the document on the screen.
#[must_use]
pub fn run_of_document(model: &Model) -> Option<&Run> {
    let document = model.facts.sop.as_ref()?;
    run(model).filter(|run| run.plan.sop == document.procedure.sop)
}

/// The step that choices concern: the one under the cursor, else the one whose turn it is.
#[must_use]
pub fn subject<'a>(model: &Model, run: &'a Run) -> Option<&'a Item> {
    let turn = || run.open_items().next().or_else(|| run.first_pending());
    under_cursor(model, run).or_else(turn)
}

/// The step of the run that stands under the cursor: of several that come from one node the one that is not over.
#[must_use]
pub fn under_cursor<'a>(model: &Model, run: &'a Run) -> Option<&'a Item> {
    let document = model.facts.sop.as_ref().filter(|document| document.procedure.sop == run.plan.sop)?;
    let procedure = &document.procedure;
    let at = model.ui.sop.cursor;
    let question = procedure
        .nodes
        .iter()
        .enumerate()
        .find(|(_, node)| node.parent == Some(at) && matches!(node.kind, NodeKind::Decision { .. }));
    let nodes = [Some(at), question.map(|(at, _)| at), tree::command_at(procedure, at)];
    nodes.into_iter().flatten().find_map(|at| {
        let node = &procedure.nodes.get(at)?.id;
        let mut items = run.plan.items.iter().filter(|item| item.node.as_ref() == Some(node));
        items.clone().find(|item| !item.state.is_closed()).or_else(|| items.next_back())
    })
}

/// What can be done now, what is most likely wanted first.
#[must_use]
pub fn offers(model: &Model) -> Vec<Offer> {
    let mut offers = Vec::new();
    match run(model) {
        Some(run) => of_run(model, run, &mut offers),
        None => {
            let title = model.facts.sop.as_ref().map(|document| document.procedure.title.as_str());
            offers.extend(title.map(|title| offer(format!("Begin a run of {title}"), Choice::Start)));
        }
    }
    offers.splice(0..0, effects_first(model));
    offers.extend(last_run(model).map(|run| offer(compare_words(run), Choice::Compare)));
    if concern::alert(model).is_some() {
        offers.push(offer("Silence the alert", Choice::Ask(Wanted::Silence)));
    }
    offers
}

/// What is to be looked at before anything else is done: effects of attempts of which nobody knows how they ended.
fn effects_first(model: &Model) -> Vec<Offer> {
    let mut offers = Vec::new();
    for doubt in model.facts.detail().into_iter().flat_map(|detail| detail.open_doubts()) {
        let (attempt, title) = (doubt.attempt, &doubt.step.title);
        if let Some(first) = doubt.verifications.first() {
            let words = format!("Look at the effect of attempt {attempt} ({title}): {}", first.title);
            offers.push(offer(words, Choice::CheckEffect(attempt)));
        }
        let words = format!("Say what you saw of the effect of attempt {attempt} ({title})");
        offers.push(offer(words, Choice::Ask(Wanted::EffectSeen(attempt))));
    }
    offers
}

/// Whether nobody has looked at what came of an item, of which nobody knows how it ended.
fn is_in_doubt(model: &Model, item: &Item) -> bool {
    let Some(Evidence::Attempt { attempt, .. }) = item.state.evidence() else { return false };
    let open = |detail: &Detail| detail.open_doubts().any(|doubt| doubt.attempt == *attempt);
    matches!(item.state, ItemState::Unknown { .. }) && model.facts.detail().is_some_and(open)
}

/// What the comparison is called: with how much there is to see.
fn compare_words(run: &Run) -> String {
    match run.deviations.len() {
        0 => format!("Compare run {} with the SOP", run.id),
        1 => format!("Compare run {} with the SOP: 1 deviation", run.id),
        count => format!("Compare run {} with the SOP: {count} deviations", run.id),
    }
}

fn of_run(model: &Model, run: &Run, offers: &mut Vec<Offer>) {
    match run.suggestions.as_slice() {
        [] => {}
        [one] => {
            let words = format!("Look at what {} suggests: {}", one.draft.source.words(), one.draft.advice.words(run));
            offers.push(offer(words, Choice::Suggestions));
        }
        several => offers.push(offer(format!("Look at {} suggested changes", several.len()), Choice::Suggestions)),
    }
    let item = subject(model, run);
    if let Some(item) = item {
        offers.extend(answers(item));
    }
    match run.state {
        RunState::Stopped { .. } | RunState::Paused => {
            offers.push(offer("Go on", Choice::Say(RunCommand::Resume)));
        }
        RunState::Active | RunState::Ended { .. } => {}
    }
    if let Some(item) = item {
        offers.extend(changes(model, item));
    }
    offers.push(offer("Ask the assistant how to go on", Choice::Counsel));
    if run.state == RunState::Active {
        offers.push(offer("Pause the run", Choice::Say(RunCommand::Pause)));
    }
    offers.push(offer("Hand the run over", Choice::Ask(Wanted::NewOwner)));
    offers.push(offer("End the run", Choice::Ask(Wanted::EndReason)));
}

/// The answers of a question, or that a step is done.
fn answers(item: &Item) -> Vec<Offer> {
    if item.state.is_closed() {
        return Vec::new();
    }
    match &item.kind {
        ItemKind::Decision { question, forks } => forks
            .iter()
            .map(|fork| {
                let basis = Basis::Person { name: String::new(), why: String::new() };
                let decide = RunCommand::Decide { item: item.id, branch: fork.node.clone(), basis };
                offer(format!("{question} {}", fork.label()), Choice::Say(decide))
            })
            .collect(),
        ItemKind::Manual | ItemKind::Wait { .. } | ItemKind::Poll { .. } | ItemKind::Query { .. } => {
            let done = RunCommand::Confirm { item: item.id, note: String::new() };
            vec![offer(format!("Done: {}", item.title), Choice::Say(done))]
        }
        ItemKind::Command => Vec::new(),
    }
}

/// How this run may go another way at this step.
fn changes(model: &Model, item: &Item) -> Vec<Offer> {
    let (id, title) = (item.id, &item.title);
    let mut offers = Vec::new();
    if is_in_doubt(model, item) {
        // It is repeated after a look at its effect only.
    } else if item.state.is_closed() {
        offers.push(offer(format!("Repeat: {title}"), Choice::Say(RunCommand::Change(Change::Repeat { item: id }))));
    } else {
        if !matches!(item.state, ItemState::Running { .. }) {
            offers.push(offer(format!("Skip: {title}"), Choice::Ask(Wanted::SkipReason(id))));
        }
        offers.push(offer(format!("Assign: {title}"), Choice::Ask(Wanted::Assignee(id))));
    }
    if matches!(item.state, ItemState::Pending) {
        let sooner = RunCommand::Change(Change::Move { item: id, after: None });
        offers.push(offer(format!("Do it next: {title}"), Choice::Say(sooner)));
    }
    offers.push(offer(format!("Insert a step after: {title}"), Choice::Ask(Wanted::Insertion(Some(id)))));
    offers
}

/// The run in a few words for the title of the pane.
#[must_use]
pub fn title(run: &Run) -> String {
    let (over, all) = run.progress();
    match run.state {
        RunState::Active => format!("run {} {over}/{all}", run.id),
        RunState::Paused | RunState::Stopped { .. } | RunState::Ended { .. } => {
            format!("run {} {over}/{all} {}", run.id, run.state.name())
        }
    }
}

/// What the person has to know of the run at the step under the cursor: what it was decided on or came to, else why the run
/// stopped, else what it waits for. Foreign text.
#[must_use]
pub fn line(model: &Model) -> Option<String> {
    let run = run_of_document(model)?;
    let item = under_cursor(model, run).filter(|item| item.state != ItemState::Pending);
    if let Some(item) = item.filter(|item| item.state.is_closed()) {
        return Some(of_item(run, item));
    }
    Some(match &run.state {
        RunState::Stopped { reason, .. } => {
            format!("{}run {} stopped: {}.", hint(model, run), run.id, reason.words())
        }
        RunState::Paused => format!("run {} is paused.", run.id),
        RunState::Active | RunState::Ended { .. } => {
            let item = item.or_else(|| run.open_items().next()).or_else(|| run.first_pending())?;
            match waiting::words(item, model.ui.now, model.ui.settings.repertoire) {
                Some(words) => format!("run {}: {words}", run.id),
                None => of_item(run, item),
            }
        }
    })
}

/// What history suggests where a run has stopped, in a few words before the reason, which may fill the line; nothing without.
fn hint(model: &Model, run: &Run) -> String {
    let counted = run.suggestions.iter().find_map(|suggestion| match suggestion.draft.source {
        Source::History { runs, of } => Some((suggestion, runs, of)),
        Source::Model { .. } => None,
    });
    let Some((suggestion, runs, of)) = counted else { return String::new() };
    let key = model.ui.keymap.key_for(Context::Sop, Intent::SteerRun).unwrap_or_default();
    format!("{key}: {} as in {runs} of {of} runs? ", suggestion.draft.advice.brief())
}

fn of_item(run: &Run, item: &Item) -> String {
    let who = run.responsible(item);
    let whose = if who == run.owner || item.state.is_closed() { String::new() } else { format!(" (for {who})") };
    format!("run {}: {}{whose}", run.id, summary::words(item))
}
