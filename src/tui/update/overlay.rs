//! Overlays: the review, values for a step, the list of SOPs, help.
//!
//! Invariants: nothing but a person's key opens an overlay (values for a step follow the person's own proposal; the review
//! that a person had open comes back, unread, after a lost connection); the review
//! decides by itself whether its chord counts; Escape always leaves everything as it was.

use std::collections::BTreeMap;
use std::time::Duration;

use crossterm::event::KeyEvent;

use super::wider::{self, Yes};
use super::{asking, editing, hands, keys, looking, plain, sop};
use crate::domain::action::choice;
use crate::domain::action::grant::Approval;
use crate::domain::id::{ProposalId, SopId};
use crate::domain::scope::Wish;
use crate::domain::text;
use crate::engine::backend::{Beside, Command, NeededValue};
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Asked, Effect, ProposeRequest, Timer};
use crate::tui::pages;
use crate::tui::plain::Subject;
use crate::tui::review::{Paper, QUIET, Review};
use crate::tui::sop_lines;
use crate::tui::ui::{FromLabel, Model, Overlay, Page, Picker, Prompt, ToastLevel};

/// Columns of the box of a review, frame and margins included: it is as wide as its longest line between these.
const WIDEST: u16 = 140;
const USUAL: u16 = 100;

/// What a review is laid out for: the box less a frame of one and a margin of one on each side.
fn paper(model: &Model) -> Paper {
    let width = usize::from(model.ui.size.0.saturating_sub(2).min(WIDEST)).saturating_sub(4);
    Paper { width, repertoire: model.ui.settings.repertoire }
}

/// Rows of the review's text: the rest is the frame and the three lines that say what can be done.
#[must_use]
pub(crate) fn review_rows(rows: u16, lines: usize) -> usize {
    usize::from(rows.saturating_sub(2)).saturating_sub(5).min(lines)
}

/// The box of the review.
#[must_use]
pub(crate) fn review_box(size: (u16, u16), review: &Review) -> ratatui::layout::Rect {
    let rows = u16::try_from(review_rows(size.1, review.lines.len())).unwrap_or(u16::MAX);
    let longest = review.lines.iter().map(|line| text::width(&line.plain())).max().unwrap_or(0);
    let width = u16::try_from(longest).unwrap_or(u16::MAX).saturating_add(4).clamp(USUAL, WIDEST);
    layout::overlay(size.0, size.1, width, rows.saturating_add(5))
}

/// Opens the review of a proposal: of this incident if there is one, else the oldest.
pub(super) fn open_review(model: &mut Model, effects: &mut Vec<Effect>) {
    let selected = model.ui.queue.selected;
    let tray = &model.facts.snapshot.tray;
    let proposal = tray.iter().rev().find(|proposal| Some(proposal.spec.incident) == selected).or_else(|| tray.first());
    let Some(proposal) = proposal else {
        let run = "Nothing waits for approval. r proposes the command under the cursor in the SOP.";
        return super::toast(model, ToastLevel::Refused, run.to_owned(), effects);
    };
    let id = proposal.id;
    model.ui.toast = None;
    open_review_of(model, id);
}

/// Opens the review of this proposal, if it waits.
pub(super) fn open_review_of(model: &mut Model, id: ProposalId) {
    let Some(proposal) = model.facts.pending(id) else { return };
    let title = keys::incident_title(model, proposal.spec.incident);
    let review = Review::open_with(proposal, &title, paper(model), &beside_of(model, id), model.ui.now);
    model.ui.overlay = Some(Overlay::Review(Box::new(review)));
}

/// What stands beside a proposal in its review.
fn beside_of(model: &Model, id: ProposalId) -> Beside {
    model.facts.snapshot.beside.get(&id).cloned().unwrap_or_default()
}

/// After a load or a resize: lays the review out anew if its proposal or the width changed, and keeps a page of text within
/// its lines.
pub(super) fn refresh(model: &mut Model) {
    if let Some(Overlay::Page { page, top }) = model.ui.overlay {
        let top = top.min(pages::last_top(model, page));
        model.ui.overlay = Some(Overlay::Page { page, top });
    }
    let size = model.ui.size;
    if let Some(Overlay::Plain(page)) = &mut model.ui.overlay {
        page.refresh(size);
    }
    let Some(Overlay::Review(review)) = &model.ui.overlay else { return };
    let id = review.proposal;
    let Some(proposal) = model.facts.pending(id).cloned() else { return };
    let title = keys::incident_title(model, proposal.spec.incident);
    let (paper, beside, now) = (paper(model), beside_of(model, id), model.ui.now);
    if let Some(Overlay::Review(review)) = &mut model.ui.overlay {
        review.refresh(&proposal, &title, paper, &beside, now);
        let rows = review_rows(model.ui.size.1, review.lines.len());
        review.top = review.top.min(review.lines.len().saturating_sub(rows));
    }
}

/// After a load: closes a review whose proposal no longer waits, and says so.
pub(super) fn proposal_gone(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Review(review)) = &model.ui.overlay else { return };
    if !review.sent && model.facts.pending(review.proposal).is_none() {
        let back = review.back;
        let text = format!(
            "Proposal {} no longer waits: it was settled elsewhere or what it was bound to changed. Nothing was run by you.",
            review.proposal
        );
        model.ui.overlay = None;
        go_back(model, back);
        super::toast(model, ToastLevel::Refused, text, effects);
    }
}

/// Opens the review that a look-up was proposed from, unread, if it still waits.
pub(super) fn go_back(model: &mut Model, back: Option<ProposalId>) {
    if let Some(id) = back {
        open_review_of(model, id);
    }
}

/// The approval was refused: the review stands again.
pub(super) fn approval_failed(model: &mut Model) {
    if let Some(Overlay::Review(review)) = &mut model.ui.overlay {
        review.sent = false;
    }
}

/// A frame was drawn from this state and is on its way to the terminal.
pub(crate) fn drawn(model: &mut Model) {
    // A terminal that is too small shows a message instead of the review.
    let shows_review = model.layout().is_some();
    let rows = model.ui.size.1;
    let Some(Overlay::Review(review)) = &mut model.ui.overlay else { return };
    if shows_review {
        review.drawn(review_rows(rows, review.lines.len()));
    }
}

/// A frame was written: what it showed of the review has been on the screen.
pub(super) fn painted(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.ui.monotonic;
    let Some(Overlay::Review(review)) = &mut model.ui.overlay else { return };
    let first_time = review.quiet_since.is_none();
    review.painted(now);
    if first_time && review.quiet_since.is_some() {
        wake_when_quiet(model, effects);
    }
}

/// Something came that is no approval: in a review the quiet period begins again.
pub(super) fn disturb(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.ui.monotonic;
    if let Some(Overlay::Review(review)) = &mut model.ui.overlay {
        review.disturbed(now);
        wake_when_quiet(model, effects);
    }
}

fn wake_when_quiet(model: &mut Model, effects: &mut Vec<Effect>) {
    let number = model.ui.next_timer();
    // A little later than the period itself, so that the screen never promises too early.
    effects.push(Effect::Wake(QUIET + Duration::from_millis(20), Timer::Review(number)));
}

/// A key for the overlay.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    match &model.ui.overlay {
        Some(Overlay::Review(_)) => in_review(model, key, intent, effects),
        Some(Overlay::Edit(_)) => editing::key(model, &key, intent, effects),
        Some(Overlay::Prompt(_)) => in_prompt(model, key, intent, effects),
        Some(Overlay::Question(_)) => hands::key(model, key, intent, effects),
        Some(Overlay::Picker(_)) => in_picker(model, key, intent, effects),
        Some(Overlay::Search(_)) => super::search::key(model, key, intent, effects),
        Some(Overlay::Scopes(_)) => wider::key(model, intent, effects),
        Some(Overlay::Steer(_)) => super::steer::key(model, key, intent, effects),
        Some(Overlay::Suggestions(_)) => super::suggestions::key(model, key, intent, effects),
        Some(Overlay::Palette(_)) => super::palette::key(model, key, intent, effects),
        Some(Overlay::Preview(_)) => asking::in_preview(model, key, intent, effects),
        Some(Overlay::Workbench(_)) => super::workbench::key(model, key, intent, effects),
        Some(Overlay::Plain(_)) => plain::intent(model, intent),
        Some(Overlay::Page { page, .. }) => in_page(model, *page, intent, effects),
        None => {}
    }
}

fn in_review(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let (now, size) = (model.ui.monotonic, model.ui.size);
    let Some(Overlay::Review(review)) = &mut model.ui.overlay else { return };
    let rows = review_rows(size.1, review.lines.len());
    let last_top = review.lines.len().saturating_sub(rows);
    match intent {
        Some(Intent::Approve) => return approve(model, Yes::Once, effects),
        Some(Intent::ApproveWider) => {
            wider::approve(model, effects);
            return wake_when_quiet(model, effects);
        }
        _ => {}
    }
    review.objection = None;
    review.disturbed(now);
    if intent == Some(Intent::Widen) {
        wider::widen(model);
        return wake_when_quiet(model, effects);
    }
    // While a name is to be typed, printable keys are text; scrolling then is by the arrow keys.
    let text_key = review.typed.is_some() && keys::printable(key);
    match intent.filter(|_| !text_key) {
        Some(Intent::Back) => {
            let back = review.back;
            model.ui.overlay = None;
            return go_back(model, back);
        }
        Some(Intent::Reject) => {
            let (proposal, back) = (review.proposal, review.back);
            model.ui.overlay = None;
            go_back(model, back);
            effects.push(Effect::Send { asked: Asked::Reject, command: Command::Reject { proposal } });
            return;
        }
        Some(Intent::LookUp) if !review.sent => {
            let of = review.proposal;
            return looking::ask(model, of, effects);
        }
        Some(Intent::EditCommand) if !review.sent => {
            let proposal = review.proposal;
            return editing::open(model, proposal, effects);
        }
        Some(Intent::Down) => review.top = (review.top + 1).min(last_top),
        Some(Intent::Up) => review.top = review.top.saturating_sub(1),
        Some(Intent::PageDown | Intent::HalfPageDown) => review.top = (review.top + rows.max(2) - 1).min(last_top),
        Some(Intent::PageUp | Intent::HalfPageUp) => review.top = review.top.saturating_sub(rows.max(2) - 1),
        Some(Intent::Top) => review.top = 0,
        Some(Intent::Bottom) => review.top = last_top,
        _ => {
            if let Some(typed) = &mut review.typed {
                typed.handle(&key);
            }
        }
    }
    wake_when_quiet(model, effects);
}

/// A press of the chord: sends the yes, or says why it does not count.
pub(super) fn approve(model: &mut Model, yes: Yes, effects: &mut Vec<Effect>) {
    let (now, size) = (model.ui.monotonic, model.ui.terminal);
    let screen_rows = model.ui.size.1;
    let Some(Overlay::Review(review)) = &mut model.ui.overlay else { return };
    let Some(proposal) = model.facts.snapshot.tray.iter().find(|proposal| proposal.id == review.proposal) else {
        return;
    };
    let target = proposal.spec.target.name();
    let verdict = if review.digest == proposal.digest {
        review.may_approve(target, review_rows(screen_rows, review.lines.len()), now)
    } else {
        Err("The proposal changed; read it again.".to_owned())
    };
    match verdict {
        Ok(()) => {
            review.sent = true;
            review.objection = None;
            let approval = Approval {
                digest: review.digest.clone(),
                typed_target: review.typed.as_ref().map(|typed| typed.text().to_owned()),
                rendered: review.rendered(),
                terminal: size,
            };
            let proposal = review.proposal;
            let command = match (yes, &review.wider) {
                (Yes::Wider, Some(wider)) => {
                    let wish = Wish { cover: wider.cover, lasts: None };
                    Command::ApproveWider { proposal, approval, wish }
                }
                (Yes::Once, _) | (Yes::Wider, None) => Command::Approve { proposal, approval },
            };
            effects.push(Effect::Send { asked: Asked::Approve, command });
        }
        Err(why) => {
            review.objection = Some(why);
            // A chord held down must not slip through when the period ends.
            review.disturbed(now);
            wake_when_quiet(model, effects);
        }
    }
}

/// Asks for the values that a step needs.
pub(super) fn ask_values(model: &mut Model, request: ProposeRequest, needed: Vec<NeededValue>) {
    if model.ui.overlay.is_some() || needed.is_empty() {
        return;
    }
    open_prompt(model, request, needed, BTreeMap::new());
}

/// Said below the field for the host.
const OWN_CHOICE: &str = "container: is that of the alert; empty: as the configuration says";

/// Asks for the host of a command, and for all its values, each with what the alert's labels give it already in its field.
pub(super) fn edit_values(model: &mut Model, request: ProposeRequest, values: Vec<sop_lines::Value>) {
    let mut labels = BTreeMap::new();
    let mut needed = Vec::new();
    for value in values {
        if let Some((text, label)) = value.bound {
            labels.insert(value.name.clone(), FromLabel { label, value: text });
        }
        needed.push(NeededValue { name: value.name, surface: value.surface, problem: value.problem });
    }
    needed.push(NeededValue {
        name: choice::TYPED.to_owned(),
        surface: "host or container".to_owned(),
        problem: OWN_CHOICE.to_owned(),
    });
    open_prompt(model, request, needed, labels);
}

fn open_prompt(
    model: &mut Model,
    request: ProposeRequest,
    needed: Vec<NeededValue>,
    labels: BTreeMap<String, FromLabel>,
) {
    let values = request.values.clone();
    let mut prompt = Prompt { values, request, needed, labels, at: 0, edit: LineEdit::default() };
    if let Some(first) = prompt.needed.first() {
        prompt.edit = prompt.field_of(&first.name);
    }
    model.ui.overlay = Some(Overlay::Prompt(Box::new(prompt)));
}

fn in_prompt(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let Some(Overlay::Prompt(prompt)) = &mut model.ui.overlay else { return };
    match intent {
        Some(Intent::Back) => model.ui.overlay = None,
        Some(Intent::Open) => {
            let name = prompt.needed[prompt.at].name.clone();
            let unsaid = prompt.edit.text().is_empty();
            if unsaid && name != choice::TYPED {
                return;
            }
            // What was left as the label gives it stays the label's: the review says where each word came from. The fields
            // are compared, not the texts, since a field cannot hold every text.
            let left = prompt.labels.contains_key(&name) && prompt.edit.text() == prompt.field_of(&name).text();
            if !left && !unsaid {
                prompt.values.insert(name, prompt.edit.text().to_owned());
            }
            prompt.at += 1;
            if let Some(next) = prompt.needed.get(prompt.at) {
                prompt.edit = prompt.field_of(&next.name);
            } else {
                let mut request = prompt.request.clone();
                request.values = std::mem::take(&mut prompt.values);
                model.ui.overlay = None;
                sop::send_proposal(request, effects);
            }
        }
        _ => {
            prompt.edit.handle(&key);
        }
    }
}

/// Opens the list of SOPs.
pub(super) fn open_picker(model: &mut Model, effects: &mut Vec<Effect>) {
    model.ui.overlay = Some(Overlay::Picker(Picker::default()));
    effects.push(Effect::ListSops);
}

/// The SOPs of the list that match what was typed: those that fit the incident first, each with why it is there.
#[must_use]
pub(crate) fn picked<'a>(model: &'a Model, picker: &Picker) -> Vec<(&'a SopId, &'a str, &'a str)> {
    let matches = model.facts.detail().map_or(&[][..], |detail| &detail.matches[..]);
    let why: BTreeMap<&SopId, &str> = matches.iter().map(|found| (&found.sop, found.why.as_str())).collect();
    let words: Vec<String> = picker.edit.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut rows: Vec<_> = model
        .facts
        .sops
        .iter()
        .filter(|(id, title)| {
            let text = format!("{} {}", title.to_lowercase(), id.as_str().to_lowercase());
            words.iter().all(|word| text.contains(word.as_str()))
        })
        .map(|(id, title)| (id, title.as_str(), why.get(id).copied().unwrap_or("")))
        .collect();
    rows.sort_by_key(|(id, title, _)| {
        let place = matches.iter().position(|found| found.sop == **id).unwrap_or(usize::MAX);
        (place, title.to_lowercase())
    });
    rows
}

fn in_picker(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    use crossterm::event::KeyCode;
    let Some(Overlay::Picker(picker)) = &model.ui.overlay else { return };
    let rows = picked(model, picker);
    let (count, at) = (rows.len(), picker.at);
    let chosen = rows.get(at).map(|(id, _, _)| (*id).clone());
    let Some(Overlay::Picker(picker)) = &mut model.ui.overlay else { return };
    match (intent, key.code) {
        (Some(Intent::Back), _) => model.ui.overlay = None,
        (Some(Intent::Open), _) => match chosen {
            Some(id) => {
                model.ui.overlay = None;
                sop::choose(model, id, effects);
            }
            // What was typed stays, to be mended.
            None => {
                let text = if model.facts.sops.is_empty() {
                    "The list of SOPs is still being read; press again in a moment."
                } else {
                    "No SOP has these words in its title or path; change them."
                };
                super::toast(model, ToastLevel::Refused, text.to_owned(), effects);
            }
        },
        (_, KeyCode::Down) => picker.at = (at + 1).min(count.saturating_sub(1)),
        (_, KeyCode::Up) => picker.at = at.saturating_sub(1),
        _ => {
            if picker.edit.handle(&key) == Edit::Changed {
                picker.at = 0;
            }
        }
    }
}

/// Opens a page of text.
pub(super) fn open_page(model: &mut Model, page: Page, effects: &mut Vec<Effect>) {
    model.ui.overlay = Some(Overlay::Page { page, top: 0 });
    if shows_sources(model) && model.facts.snapshot.header.quarantined > 0 {
        // They are loaded only while somebody looks.
        super::want_load(model, effects);
    }
}

/// Whether the page of the sources is open, also as plain text.
pub(super) fn shows_sources(model: &Model) -> bool {
    match &model.ui.overlay {
        Some(Overlay::Page { page, .. }) => *page == Page::Sources,
        Some(Overlay::Plain(plain)) => plain.subject == Subject::Page(Page::Sources),
        _ => false,
    }
}

/// Opens the page that says what is lost, once, when the database was restored; whatever a person is in the middle of stays,
/// and `S` has it too.
pub(super) fn tell_restored(model: &mut Model, is_told: bool) {
    if !is_told && model.facts.snapshot.restored.is_some() && model.ui.overlay.is_none() {
        model.ui.overlay = Some(Overlay::Page { page: Page::Restored, top: 0 });
    }
}

fn in_page(model: &mut Model, page: Page, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let Some(Overlay::Page { top, .. }) = model.ui.overlay else { return };
    let last = pages::last_top(model, page);
    let screen = pages::visible_rows(model, pages::rows(model, page).len()).max(2) - 1;
    let wanted = match intent {
        Some(Intent::Back | Intent::Quit | Intent::Open) => return model.ui.overlay = None,
        // The key that opened a page closes it; those of other pages lead there.
        Some(intent) if page_of(intent) == Some(page) => return model.ui.overlay = None,
        Some(Intent::TimeZone) => return model.ui.settings.zone.switch(),
        Some(Intent::Plain) => return plain::open(model, Subject::Page(page)),
        Some(Intent::Down) => top + 1,
        Some(Intent::Up) => top.saturating_sub(1),
        Some(Intent::PageDown | Intent::HalfPageDown) => top + screen,
        Some(Intent::PageUp | Intent::HalfPageUp) => top.saturating_sub(screen),
        Some(Intent::Top) => 0,
        Some(Intent::Bottom) => last,
        Some(other) => match page_of(other) {
            Some(other) => return open_page(model, other, effects),
            None => top,
        },
        None => top,
    };
    model.ui.overlay = Some(Overlay::Page { page, top: wanted.min(last) });
}

/// The page that an intent opens.
pub(super) const fn page_of(intent: Intent) -> Option<Page> {
    match intent {
        Intent::Help => Some(Page::Help),
        Intent::Sources => Some(Page::Sources),
        Intent::Details => Some(Page::Incident),
        _ => None,
    }
}
