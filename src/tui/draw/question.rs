//! Words about an incident that are asked for: a note, a reason, an owner, a span of time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::frame;
use super::paint::Run;
use crate::tui::keymap::Context;
use crate::tui::layout;
use crate::tui::look::Look;
use crate::tui::ui::{About, Model, Question};
use crate::tui::update;
use crate::tui::worth;
use crate::tui::wrap::{Break, wrap};

/// Columns of the box at most.
const WIDTH: u16 = 80;
/// Rows of the box besides what explains it: frame, incident, field, blank, objection, hints.
const ROWS: usize = 7;

pub(super) fn draw(buffer: &mut Buffer, model: &Model, question: &Question, look: &Look) {
    let (columns, rows) = model.ui.size;
    let width = columns.saturating_sub(2).min(WIDTH);
    let inner = usize::from(width.saturating_sub(4)).max(8);
    let explained = wrap(&look.visible(&explanation(model, question.about)), inner, Break::AtSpaces);
    let height = u16::try_from(explained.len() + ROWS).unwrap_or(u16::MAX);
    let area = layout::overlay(columns, rows, width, height);
    let inside = frame(buffer, area, title(question.about), look);
    let mut places = (inside.y..inside.bottom().saturating_sub(1)).map(|y| Rect { y, height: 1, ..inside });
    if let Some(place) = places.next() {
        let incident = format!("#{} {}", question.incident, update::incident_title(model, question.incident));
        Run::new(buffer, place, look).fit(&look.visible(&incident), inside.width, look.styles.text);
    }
    if let Some(place) = places.next() {
        let mut run = Run::new(buffer, place, look);
        run.put("> ", look.styles.key);
        let room = run.room();
        run.field(&question.edit, room);
    }
    if let Some(place) = places.next() {
        Run::new(buffer, place, look).fit(&look.visible(&question.objection), inside.width, look.styles.warning);
    }
    for (line, place) in explained.iter().zip(places.by_ref()) {
        Run::new(buffer, place, look).put(line, look.styles.muted);
    }
    let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
    Run::new(buffer, last, look).hints(&worth::hints(model, Context::Prompt));
}

const fn title(about: About) -> &'static str {
    match about {
        About::Owner => "Who is to work on it?",
        About::Note => "Note",
        About::Resolution => "Why is it over?",
        About::Suppression => "Do not show it for how long?",
    }
}

/// What comes of it. May hold foreign text: the names of people.
fn explanation(model: &Model, about: About) -> String {
    match about {
        About::Owner => {
            let people = &model.facts.snapshot.header.people;
            let known = if people.is_empty() {
                "Nobody is known here yet.".to_owned()
            } else {
                format!("Known here: {}.", people.join(", "))
            };
            format!("A login name, or the beginning of a known one; nothing for nobody. {known}")
        }
        About::Note => "It stands in the timeline. Taking it back marks it as retracted and keeps it.".to_owned(),
        About::Resolution => {
            "The incident is resolved for everybody, also while alerts of it fire: those go on firing \
                              and are shown. It opens again when it fires again after its end."
                .to_owned()
        }
        About::Suppression => format!(
            "30m, 2h, 1d, or \"{}\" for until an alert joins or ends or the severity changes. It is suppressed for \
             everybody and stands in a queue of its own; its alerts go on firing, nothing is silenced elsewhere.",
            update::UNTIL_CHANGED
        ),
    }
}
