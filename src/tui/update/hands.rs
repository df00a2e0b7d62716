//! What a person does with the incident under the cursor: take, assign, note, resolve, suppress, take back.
//!
//! Invariants: what is asked for concerns the incident that the question was opened for, whatever the cursor is on meanwhile.
//! Nothing is sent before its words can be used; what the rules then refuse is told as they say it.

use std::time::Duration;

use crossterm::event::KeyEvent;

use crate::domain::id::IncidentId;
use crate::domain::incident::{Assignee, IncidentCommand, IncidentState, Until};
use crate::domain::time::{Timestamp, parse_span};
use crate::engine::backend::{Command, QueueRow};
use crate::tui::intent::Intent;
use crate::tui::line_edit::{Edit, LineEdit};
use crate::tui::msg::{Asked, Effect};
use crate::tui::ui::{About, Model, Overlay, Question};

/// What to type for a suppression that lasts until something about the incident changes.
pub(crate) const UNTIL_CHANGED: &str = "change";

/// An intent that concerns the incident under the cursor; others do nothing.
pub(super) fn intent(model: &mut Model, intent: Intent, effects: &mut Vec<Effect>) {
    let Some(id) = model.ui.queue.selected else { return };
    let row = row(model, id);
    let resolved = row.is_some_and(|row| row.state == IncidentState::Resolved);
    let suppressed = row.and_then(|row| row.suppressed.as_ref()).is_some_and(|found| found.holds(model.ui.now));
    match intent {
        Intent::Take => {
            let mine = row.is_some_and(|row| row.owner.as_deref() == Some(&model.facts.snapshot.header.me));
            let assignee = if mine { Assignee::Nobody } else { Assignee::Me };
            send(id, IncidentCommand::Assign(assignee), effects);
        }
        Intent::Resolve if resolved => send(id, IncidentCommand::Reopen, effects),
        Intent::Suppress if suppressed => send(id, IncidentCommand::Unsuppress, effects),
        Intent::Undo => effects.push(Effect::Send { asked: Asked::Incident, command: Command::UndoIncident { id } }),
        Intent::Assign => ask(model, id, About::Owner),
        Intent::Note => ask(model, id, About::Note),
        Intent::Resolve => ask(model, id, About::Resolution),
        Intent::Suppress => ask(model, id, About::Suppression),
        _ => {}
    }
}

/// Acknowledges the incident under the cursor, or takes that back.
pub(super) fn acknowledge(model: &Model, effects: &mut Vec<Effect>) {
    let Some(id) = model.ui.queue.selected else { return };
    let command = match row(model, id).map(|row| row.state) {
        Some(IncidentState::Acknowledged) => IncidentCommand::Unacknowledge,
        _ => IncidentCommand::Acknowledge,
    };
    send(id, command, effects);
}

fn row(model: &Model, id: IncidentId) -> Option<&QueueRow> {
    model.facts.snapshot.queue.rows.iter().find(|row| row.id == id)
}

fn send(id: IncidentId, command: IncidentCommand, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send { asked: Asked::Incident, command: Command::Incident { id, command } });
}

fn ask(model: &mut Model, incident: IncidentId, about: About) {
    let question = Question { incident, about, edit: LineEdit::default(), objection: String::new() };
    model.ui.overlay = Some(Overlay::Question(Box::new(question)));
}

/// A key while words about an incident are typed.
pub(super) fn key(model: &mut Model, key: KeyEvent, intent: Option<Intent>, effects: &mut Vec<Effect>) {
    let now = model.ui.now;
    let names = &model.facts.snapshot.header.people;
    let Some(Overlay::Question(question)) = &mut model.ui.overlay else { return };
    match intent {
        Some(Intent::Back) => model.ui.overlay = None,
        Some(Intent::Open) => match command(question, names, now) {
            Ok(command) => {
                send(question.incident, command, effects);
                model.ui.overlay = None;
            }
            Err(objection) => question.objection = objection,
        },
        _ => {
            if question.edit.handle(&key) == Edit::Changed {
                question.objection.clear();
            }
        }
    }
}

/// What was typed, as a command; `Err` says what is wrong with it.
fn command(question: &Question, names: &[String], now: Timestamp) -> Result<IncidentCommand, String> {
    let text = question.edit.text().trim();
    match question.about {
        About::Owner if text.is_empty() => Ok(IncidentCommand::Assign(Assignee::Nobody)),
        About::Owner => owner(text, names).map(|name| IncidentCommand::Assign(Assignee::Person(name))),
        About::Note if text.is_empty() => Err("Write a few words, or leave with Esc.".to_owned()),
        About::Note => Ok(IncidentCommand::Note(text.to_owned())),
        About::Resolution if text.is_empty() => Err("Say why it is over: others will read it.".to_owned()),
        About::Resolution => Ok(IncidentCommand::Resolve(text.to_owned())),
        About::Suppression if text == UNTIL_CHANGED => Ok(IncidentCommand::Suppress(Until::Changed)),
        About::Suppression => span(text).map(|span| IncidentCommand::Suppress(Until::Time(now.plus(span)))),
    }
}

/// A known name that begins with `text`, when there is exactly one and no name is `text` itself; else `text`.
fn owner(text: &str, names: &[String]) -> Result<String, String> {
    if names.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let mut beginning = names.iter().filter(|name| name.starts_with(text));
    match (beginning.next(), beginning.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(one), Some(other)) => Err(format!("{text} could be {one} or {other}; type more of the name.")),
        (None, _) => Ok(text.to_owned()),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("Type a span of time such as 30m, 2h or 1d, or: {UNTIL_CHANGED}");
    parse_span(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn typed(about: About, text: &str) -> Result<IncidentCommand, String> {
        let edit = LineEdit::new(text);
        let question = Question { incident: IncidentId(1), about, edit, objection: String::new() };
        let names = ["ann", "anna", "bob"].map(str::to_owned);
        command(&question, &names, Timestamp::from_millis(1_000))
    }

    #[rstest]
    #[case("", Ok(Assignee::Nobody))]
    #[case("b", Ok(Assignee::Person("bob".to_owned())))]
    #[case("ann", Ok(Assignee::Person("ann".to_owned())))]
    #[case("carl", Ok(Assignee::Person("carl".to_owned())))]
    #[case("an", Err("an could be ann or anna"))]
    fn owners_are_known_by_the_beginning_of_their_names(#[case] text: &str, #[case] expected: Result<Assignee, &str>) {
        match (typed(About::Owner, text), expected) {
            (Ok(command), Ok(assignee)) => assert_eq!(command, IncidentCommand::Assign(assignee)),
            (Err(objection), Err(words)) => assert!(objection.contains(words), "{objection}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[rstest]
    #[case("2h", Some(Until::Time(Timestamp::from_millis(1_000 + 7_200_000))))]
    #[case("change", Some(Until::Changed))]
    #[case("", None)]
    #[case("2", None)]
    #[case("for ever", None)]
    fn suppressions_have_an_end(#[case] text: &str, #[case] expected: Option<Until>) {
        assert_eq!(typed(About::Suppression, text).ok(), expected.map(IncidentCommand::Suppress));
    }
}
