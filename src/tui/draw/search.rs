//! The search over everything.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::overlay::frame;
use super::paint::Run;
use crate::domain::incident::IncidentState;
use crate::domain::search::Part;
use crate::engine::search::{Coverage, Hit, HitKind, Scope};
use crate::tui::keymap::Context;
use crate::tui::look::Look;
use crate::tui::search::{HIT_ROWS, Search, Standing, area, visible_hits};
use crate::tui::theme::Styles;
use crate::tui::ui::Model;
use crate::tui::worth;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, search: &Search, look: &Look) {
    let inside = frame(buffer, area(model.ui.size), title(search.scope), look);
    let mut run = Run::new(buffer, Rect { height: 1, ..inside }, look);
    run.put("> ", look.styles.key).field(&search.edit, inside.width);
    let shown = visible_hits(model.ui.size);
    let first = (search.at + 1).saturating_sub(shown);
    for (row, (number, found)) in search.hits.iter().enumerate().skip(first).take(shown).enumerate() {
        let y = inside.y + 2 + u16::try_from(row * HIT_ROWS).unwrap_or(0);
        let place = Rect { y, height: 1, ..inside };
        what(&mut Run::new(buffer, place, look), found, number == search.at, look);
        why(&mut Run::new(buffer, Rect { y: y + 1, ..place }, look), found, look);
    }
    // Where there are no hits it is all there is to read: it stands below what was typed then.
    let y = if search.hits.is_empty() { inside.y + 2 } else { inside.bottom().saturating_sub(2) };
    let place = Rect { y, height: 1, ..inside };
    let (words, style) = state(model, search, look);
    Run::new(buffer, place, look).fit(&look.visible(&words), inside.width, style);
    let place = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
    Run::new(buffer, place, look).hints(&worth::hints(model, Context::Search));
}

const fn title(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "Search SOPs and incidents",
        Scope::Sops => "Search SOPs",
        Scope::Incidents => "Search incidents",
    }
}

/// What was found: of an incident its number and title, of a place the document and the way to it.
fn what(run: &mut Run<'_>, hit: &Hit, chosen: bool, look: &Look) {
    let styles = &look.styles;
    let title = if chosen { styles.selected } else { styles.text };
    run.put(if chosen { look.glyphs.cursor } else { " " }, styles.cursor);
    match &hit.kind {
        HitKind::Incident { id, severity, state } => {
            let (state, tone) = match state {
                IncidentState::Open => (" ", styles.text),
                IncidentState::Acknowledged => (look.glyphs.acknowledged, styles.text),
                IncidentState::Resolved => (look.glyphs.done, styles.good),
            };
            run.put(severity.sign(), styles.severity(*severity)).put(" ", styles.text).put(state, tone);
            run.put(&format!(" #{id} "), styles.muted);
            let room = run.room();
            run.fit(&look.visible(&hit.title), room, title);
        }
        HitKind::Sop { .. } => {
            run.fit(&look.visible(&hit.title), 44, title);
            if !hit.path.is_empty() {
                let room = run.put("  ", styles.text).room();
                run.fit(&look.visible(&hit.path), room, styles.muted);
            }
        }
    }
}

/// Why it was found. Hits are bold, so that they show without colours.
fn why(run: &mut Run<'_>, found: &Hit, look: &Look) {
    let snippet = &found.snippet;
    let rest = look.styles.muted;
    let hit: Style = Styles::hit(look.styles.attention);
    run.put("    ", rest);
    if matches!(found.kind, HitKind::Incident { .. }) && !found.path.is_empty() {
        run.put(&look.visible(&found.path), rest).put(": ", rest);
    }
    run.put(if snippet.cut_before { look.glyphs.cut } else { "" }, rest);
    for (piece, part) in snippet.pieces() {
        let room = run.room();
        run.fit(&look.visible(piece), room, if part == Part::Hit { hit } else { rest });
    }
    run.put(if snippet.cut_after { look.glyphs.cut } else { "" }, rest);
}

/// What there is to say about the answer.
fn state(model: &Model, search: &Search, look: &Look) -> (String, Style) {
    let styles = &look.styles;
    if let Some(trouble) = &search.trouble {
        return (trouble.clone(), styles.bad);
    }
    let nothing_typed = search.edit.text().trim().is_empty();
    let found = match (search.standing, search.hits.len()) {
        _ if nothing_typed => "Words in any order; the last one may be unfinished.".to_owned(),
        (Standing::Asked | Standing::AskedToGo, _) => "Looking.".to_owned(),
        (Standing::Answered, 0) => "Nothing has these words.".to_owned(),
        (Standing::Answered, count) => {
            let (at, page) = (search.at + 1, visible_hits(model.ui.size));
            if count > page { format!("{at} of {count}") } else { format!("{count} found") }
        }
    };
    match &search.coverage {
        Coverage::Whole => (found, styles.muted),
        Coverage::Indexing { of: 0, .. } => (format!("{found}  The SOPs are being read."), styles.attention),
        Coverage::Indexing { done, of } => {
            (format!("{found}  Of {of} SOPs {done} can be found so far."), styles.attention)
        }
        Coverage::Failing(why) => (format!("{found}  Not everything can be found: {why}"), styles.bad),
    }
}
