//! The guided tour: goes on with the person, says true keys, takes one row and gives it back.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chat::{ask, came, gemini, message, prepared, preview, text};
use super::world::{World, du, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::chat::Author;
use crate::domain::incident::IncidentState;
use crate::domain::text::Repertoire;
use crate::engine::ask::{AnswerEvent, Route};
use crate::engine::backend::Snapshot;
use crate::tui::chat::preview::READ;
use crate::tui::draw::draw;
use crate::tui::intent::Intent;
use crate::tui::keymap::{Context, Keymap};
use crate::tui::look::Look;
use crate::tui::msg::Msg;
use crate::tui::review::QUIET;
use crate::tui::theme::Bundled;
use crate::tui::tour::{FAREWELL, Guidance};
use crate::tui::ui::Model;

/// A console with the tour, on a terminal of this size, before any incident.
fn guided(columns: u16, rows: u16) -> World {
    let mut world = World::new(columns, rows);
    let keymap = world.model.ui.keymap.clone();
    let settings = world.model.ui.settings.clone();
    world.model = Model::new((columns, rows), keymap, settings).guided(Guidance::Tour);
    world.send(Msg::Changed);
    world
}

/// The rows of the terminal.
pub(super) fn rows_of(world: &World) -> Vec<String> {
    let (columns, rows) = world.model.ui.terminal;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    draw(&mut buffer, &world.model, &Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode));
    let row = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..rows).map(row).collect()
}

/// The last row.
fn hint(world: &World) -> String {
    rows_of(world).pop().unwrap()
}

fn assert_hint(world: &World, words: &str) {
    let hint = hint(world);
    assert!(hint.contains(words), "{words:?} is not in {hint:?}");
}

/// Tells the console that the store changed, and answers with `snapshot`.
fn tell(world: &mut World, snapshot: &Snapshot) {
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(snapshot);
}

/// Scrolls the open review to its end, as someone who reads it does.
fn read(world: &mut World) {
    world.paint();
    for _ in 0..20 {
        world.press(KeyCode::PageDown);
        world.paint();
    }
    world.wait(u64::try_from(QUIET.as_millis()).unwrap() + 1);
}

#[test]
fn it_goes_on_with_what_the_person_does() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut world = guided(columns, rows);
        world.settle_with(&snapshot([]));
        assert_hint(&world, "Tour 1/6  An alert comes within seconds.");
        let incident = with_detail(snapshot([1]), 1);
        tell(&mut world, &incident);
        assert_hint(&world, "Tour 1/6  An incident. d shows all that is known of it.");
        assert_hint(&world, "X ends the tour");
        world.keys("d");
        assert_hint(&world, "Tour 2/6  esc closes this.");
        world.press(KeyCode::Esc);
        assert_hint(&world, "Tour 2/6  2 goes to its SOP");
        world.keys("2");
        assert_hint(&world, "Tour 3/6  ] next step, r proposes its command");
        world.keys("1");
        assert_hint(&world, "Tour 3/6  2 goes back");
        world.keys("2r");
        let proposed = with_proposal(incident.clone(), du(1, Risk::Unknown));
        tell(&mut world, &proposed);
        assert_hint(&world, "Tour 4/6  A reviews word by word");
        world.keys("A");
        assert_hint(&world, "Tour 4/6  Read it to its end: pagedown.");
        read(&mut world);
        assert_hint(&world, "Tour 4/6  It may change things: type the target's name.");
        world.keys("db-3");
        assert_hint(&world, "Tour 4/6  Wait a breath, then f8 approves.");
        world.press(KeyCode::Esc);
        tell(&mut world, &with_attempt(incident.clone(), "1G\t/srv/data\n", 0));
        assert_hint(&world, "Tour 5/6  Output is below. ] to Mitigation, r, A: it clears.");
        world.keys("4");
        assert_hint(&world, "Tour 5/6  2 goes to the SOP: its mitigation clears the alert.");
        let mut fixed = with_attempt(incident, "", 0);
        fixed.queue.rows[0].state = IncidentState::Resolved;
        tell(&mut world, &fixed);
        assert_hint(&world, "Tour 6/6  3 goes to the chat: ask about an incident.");
        world.keys("3");
        assert_hint(&world, "Tour 6/6  i types a question. An answer runs nothing.");
        ask_to_the_end(&mut world);
        assert_eq!(world.model.ui.tour, None);
        assert_eq!(world.model.ui.toast.as_ref().unwrap().text, FAREWELL);
        assert_eq!(world.model.ui.size, (columns, rows));
    }
}

#[test]
fn whoever_is_ahead_is_not_held_back_and_nothing_leads_back() {
    let mut world = guided(80, 24);
    let incident = with_detail(snapshot([1]), 1);
    world.settle_with(&with_attempt(incident.clone(), "", 0));
    assert_hint(&world, "Tour 5/6");
    tell(&mut world, &incident);
    world.keys("d");
    world.press(KeyCode::Esc);
    assert_hint(&world, "Tour 5/6");
}

/// Asks, with a look at what would be sent, until the answer is there.
fn ask_to_the_end(world: &mut World) {
    world.keys("i");
    assert_hint(world, "Type a question, enter sends it, esc leaves.");
    world.press(KeyCode::Esc);
    let number = ask(world, "why?");
    prepared(world, number, Route::Model(Box::new(preview(true))));
    assert_hint(world, "All that would leave this host. enter sends it, esc does not.");
    world.paint();
    world.wait(u64::try_from(READ.as_millis()).unwrap());
    world.press(KeyCode::Enter);
    world.press(KeyCode::Esc);
    came(world, number, text("because"));
    if world.model.ui.tour.is_some_and(|tour| tour.progress().0 == 6) {
        assert_hint(world, "The answer is on its way.");
    }
    came(world, number, AnswerEvent::Done(Box::new(message(2, gemini(), "because"))));
}

#[test]
fn a_question_ends_the_tour_only_as_its_last_thing() {
    let mut world = guided(80, 24);
    let incident = with_detail(snapshot([1]), 1);
    world.settle_with(&incident);
    world.keys("3");
    assert_hint(&world, "Tour 1/6  An incident. d shows");
    ask_to_the_end(&mut world);
    assert_hint(&world, "Tour 1/6  An incident. d shows");
    let mut fixed = with_attempt(incident, "", 0);
    fixed.queue.rows[0].state = IncidentState::Resolved;
    tell(&mut world, &fixed);
    assert_eq!(world.model.ui.tour, None, "it was asked already");
}

#[test]
fn an_answer_of_the_fallback_is_one() {
    let mut world = guided(80, 24);
    let mut fixed = with_detail(snapshot([1]), 1);
    fixed.queue.rows[0].state = IncidentState::Resolved;
    world.settle_with(&fixed);
    world.keys("3");
    let number = ask(&mut world, "why?");
    prepared(&mut world, number, Route::Local { why: "There is no key.".to_owned() });
    assert_hint(&world, "Type a question");
    came(&mut world, number, text("From the SOPs: look."));
    assert!(world.model.ui.tour.is_some());
    let author = Author::Fallback { why: "There is no key.".to_owned() };
    came(&mut world, number, AnswerEvent::Done(Box::new(message(2, author, "From the SOPs: look."))));
    assert_eq!(world.model.ui.tour, None);
}

#[test]
fn it_takes_one_row_which_the_key_gives_back_for_good() {
    let mut plain = World::new(80, 24);
    let incident = with_detail(snapshot(1..=30), 1);
    plain.settle_with(&incident);
    let mut world = guided(80, 24);
    world.settle_with(&incident);
    assert_eq!(world.model.ui.size, (80, 23));
    assert!(rows_of(&world)[22].contains("enter SOP"), "the key hints stand above it");
    world.keys("X");
    assert_eq!((world.model.ui.size, world.model.ui.tour), ((80, 24), None));
    world.settle_with(&incident);
    assert_eq!(rows_of(&world), rows_of(&plain), "as without a tour");
    world.keys("d");
    assert_eq!(world.model.ui.tour, None);
}

#[test]
fn it_never_covers_the_review_nor_is_it_covered() {
    for (columns, rows) in [(60, 16), (80, 24), (160, 48)] {
        let mut world = guided(columns, rows);
        world.settle_with(&with_proposal(with_detail(snapshot([1]), 1), du(1, Risk::Read)));
        world.keys("A");
        let shown = rows_of(&world);
        let (last, above) = shown.split_last().unwrap();
        assert!(last.starts_with("Tour 4/6  Read it to its end"), "{last}");
        assert!(!last.contains("ends the tour"), "the key means nothing here: {last}");
        assert!(above.iter().any(|row| row.contains("Approve proposal 1?")));
        assert!(above.iter().any(|row| row.contains('╰') || row.contains('└')), "the whole frame is there");
    }
}

#[test]
fn a_terminal_without_a_row_to_spare_shows_no_tour() {
    let mut world = guided(60, 15);
    world.settle_with(&with_detail(snapshot([1]), 1));
    assert_eq!(world.model.ui.size, (60, 15));
    assert!(rows_of(&world).iter().all(|row| !row.contains("Tour")));
    world.send(Msg::Resized(80, 24));
    assert_hint(&world, "Tour 1/6");
}

#[test]
fn every_hint_fits_eighty_columns_with_the_key_that_ends_it() {
    let mut world = guided(80, 24);
    let incident = with_detail(snapshot([1]), 1);
    world.settle_with(&snapshot([]));
    let mut hints = vec![hint(&world)];
    let mut keep = |world: &World| hints.push(hint(world));
    tell(&mut world, &incident);
    keep(&world);
    for keys in ["2", "1"] {
        world.keys(keys);
        keep(&world);
    }
    world.keys("2");
    tell(&mut world, &with_proposal(incident.clone(), du(1, Risk::Read)));
    keep(&world);
    let mut run = with_attempt(incident, "", 0);
    tell(&mut world, &run);
    keep(&world);
    world.keys("4");
    keep(&world);
    run.queue.rows[0].state = IncidentState::Resolved;
    tell(&mut world, &run);
    for keys in ["3", "1"] {
        keep(&world);
        world.keys(keys);
    }
    assert_eq!(hints.len(), 9);
    for hint in hints {
        assert!(hint.ends_with("X ends the tour") && hint.contains(".  "), "{hint}");
    }
}

#[test]
fn keys_of_the_person_stay_what_they_are_and_are_the_ones_that_are_shown() {
    let own = Keymap::bundled().unwrap().merge("mine", "[sop]\nX = \"run\"\nr = \"none\"\n").unwrap();
    let mut world = guided(80, 24);
    let settings = world.model.ui.settings.clone();
    world.model = Model::new((80, 24), own, settings).guided(Guidance::Tour);
    world.send(Msg::Changed);
    world.settle_with(&with_detail(snapshot([1]), 1));
    world.keys("2");
    assert_hint(&world, "X proposes its command");
    assert_hint(&world, "f12 ends the tour");
    world.press(KeyCode::F(12));
    assert_eq!(world.model.ui.tour, None);
}

#[test]
fn a_console_without_a_tour_has_no_key_for_it() {
    let keymap = Keymap::bundled().unwrap();
    assert_eq!(keymap.key_for(Context::Incidents, Intent::EndTour), None);
    let model = World::new(80, 24).model.guided(Guidance::None);
    assert_eq!((model.ui.tour, model.ui.size, model.ui.keymap), (None, (80, 24), keymap));
}
