//! The palette: everything that can be done here by name, SOPs by title, incidents by number.
//!
//! Owns: what is offered and in which order. Does not: do it (see `update::palette`), or draw.
//!
//! Invariants: approving is never offered: it is done in the review alone, where one sees what is approved. What is offered
//! is what keys do in the pane in focus, and no more.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use crate::domain::id::{IncidentId, SopId};
use crate::tui::intent::Intent;
use crate::tui::keymap::Keymap;
use crate::tui::layout;
use crate::tui::line_edit::LineEdit;
use crate::tui::ui::Model;
use crate::tui::update;

/// Columns and rows of the box at most.
const BOX: (u16, u16) = (84, 24);

/// Rows of the box besides the list: frame, field, what can be typed, hints.
const OTHER_ROWS: u16 = 5;

/// SOPs that are offered for one text.
const SOPS: usize = 50;

/// What people who know other consoles type, besides the names and words of the intents.
const ALIASES: [(&str, Intent); 13] = [
    ("q", Intent::Quit),
    ("q!", Intent::Quit),
    ("exit", Intent::Quit),
    ("h", Intent::Help),
    ("?", Intent::Help),
    ("ack", Intent::Acknowledge),
    ("inc", Intent::FocusIncidents),
    ("incidents", Intent::FocusIncidents),
    ("out", Intent::FocusOutput),
    ("output", Intent::FocusOutput),
    ("chat", Intent::FocusChat),
    ("ask", Intent::Type),
    ("sops", Intent::Sop),
];

/// Commands by name.
#[derive(Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub edit: LineEdit,
    /// What is offered for it, best first.
    pub rows: Vec<Offer>,
    /// The chosen row.
    pub at: usize,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it does.
    pub choice: Choice,
    /// What it is called. May be foreign text.
    pub words: String,
    /// The key that does the same, or what kind of thing it is.
    pub note: String,
}

/// What choosing something does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What a key does.
    Intent(Intent),
    /// Shows an SOP.
    Sop(SopId),
    /// Goes to an incident.
    Incident(IncidentId),
    /// Searches for these words.
    Search(String),
}

/// The box of the palette.
#[must_use]
pub fn area(size: (u16, u16)) -> Rect {
    layout::overlay(size.0, size.1, BOX.0, BOX.1)
}

/// Rows that fit in the box.
#[must_use]
pub fn visible_rows(size: (u16, u16)) -> usize {
    usize::from(area(size).height.saturating_sub(OTHER_ROWS)).max(1)
}

/// What is offered for what was typed, best first.
#[must_use]
pub fn offers(model: &Model, typed: &str) -> Vec<Offer> {
    let typed = typed.trim_start().trim_start_matches(':');
    if let Some(id) = number(typed) {
        return vec![incident(model, id)];
    }
    match typed.split_once(' ') {
        Some(("sop" | "sops", words)) => sops(model, words),
        Some(("search" | "find", words)) if !words.trim().is_empty() => {
            let (choice, words) = (Choice::Search(words.to_owned()), format!("search for {}", words.trim()));
            vec![Offer { choice, words, note: String::new() }]
        }
        _ if typed.trim().is_empty() => intents(model).into_iter().map(|(offer, _)| offer).collect(),
        _ => by_name(model, typed),
    }
}

/// `#42`, or the number alone.
fn number(typed: &str) -> Option<IncidentId> {
    typed.trim().trim_start_matches('#').parse().ok().filter(|number| *number > 0).map(IncidentId)
}

fn incident(model: &Model, id: IncidentId) -> Offer {
    let row = model.facts.snapshot.queue.rows.iter().find(|row| row.id == id);
    let words = row.map_or_else(|| format!("incident {id}"), |row| format!("incident {id}: {}", row.title));
    Offer { choice: Choice::Incident(id), words, note: "incident".to_owned() }
}

/// What keys do in the pane in focus, each with its name in files. Moving the cursor is left out: nobody does that by name.
fn intents(model: &Model) -> Vec<(Offer, &'static str)> {
    let (context, keymap) = (update::pane_context(model), &model.ui.keymap);
    let senseless =
        |intent: &Intent| matches!(intent, Intent::Approve | Intent::Palette | Intent::Back) || update::moves(*intent);
    let offer = |intent: Intent| {
        let words = Keymap::words(context, intent).to_owned();
        let note = keymap.key_for(context, intent).unwrap_or_default();
        (Offer { choice: Choice::Intent(intent), words, note }, intent.name())
    };
    keymap.offered(context).into_iter().filter(|intent| !senseless(intent)).map(offer).collect()
}

/// Intents and SOPs whose names fit; a name that was typed in full comes first.
fn by_name(model: &Model, typed: &str) -> Vec<Offer> {
    let mut fuzzy = Fuzzy::new(typed);
    let whole = typed.trim();
    let mut ranked: Vec<(bool, u32, Offer)> = Vec::new();
    for (offer, name) in intents(model) {
        let alias = ALIASES.iter().any(|(alias, of)| *alias == whole && offer.choice == Choice::Intent(*of));
        let exact = name == whole || alias;
        let score = fuzzy.score(&offer.words).max(fuzzy.score(name));
        if let Some(score) = score.or(exact.then_some(0)) {
            ranked.push((exact, score, offer));
        }
    }
    ranked.extend(ranked_sops(model, &mut fuzzy).into_iter().map(|(score, offer)| (false, score, offer)));
    // Stable, so that of equals the order of the keymap and of the library stays.
    ranked.sort_by_key(|(exact, score, _)| std::cmp::Reverse((*exact, *score)));
    ranked.into_iter().map(|(_, _, offer)| offer).collect()
}

/// SOPs whose title or path fits.
fn sops(model: &Model, words: &str) -> Vec<Offer> {
    ranked_sops(model, &mut Fuzzy::new(words)).into_iter().map(|(_, offer)| offer).collect()
}

fn ranked_sops(model: &Model, fuzzy: &mut Fuzzy) -> Vec<(u32, Offer)> {
    let mut ranked: Vec<(u32, &SopId, &String)> = model
        .facts
        .sops
        .iter()
        .filter_map(|(id, title)| Some((fuzzy.score(title).max(fuzzy.score(id.as_str()))?, id, title)))
        .collect();
    ranked.sort_by_key(|(score, _, _)| std::cmp::Reverse(*score));
    let offer = |(score, id, title): (u32, &SopId, &String)| {
        (score, Offer { choice: Choice::Sop(id.clone()), words: title.clone(), note: format!("SOP {id}") })
    };
    ranked.into_iter().take(SOPS).map(offer).collect()
}

/// Fuzzy matching of what was typed.
struct Fuzzy {
    matcher: Matcher,
    pattern: Pattern,
    buffer: Vec<char>,
}

impl Fuzzy {
    fn new(typed: &str) -> Self {
        let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        Self { matcher: Matcher::new(Config::DEFAULT), pattern, buffer: Vec::new() }
    }

    /// How well `name` fits: more is better; `None` when it does not.
    fn score(&mut self, name: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(name, &mut self.buffer), &mut self.matcher)
    }
}
