//! Searching everything: asking while one types, stale answers, and going to what was found.

use std::sync::Arc;

use crossterm::event::KeyCode;

use super::screens::screen;
use super::world::{World, disk_full, first_command, snapshot, with_detail};
use crate::domain::alert::Severity;
use crate::domain::id::{IncidentId, NodeId};
use crate::domain::incident::IncidentState;
use crate::domain::search::{Query, snippet};
use crate::engine::backend::{BackendError, QueueAnchor, SopDocument};
use crate::engine::search::{Coverage, Hit, HitKind, Scope, SearchAnswer};
use crate::tui::layout::Pane;
use crate::tui::msg::{Effect, Loaded, Msg, Timer};
use crate::tui::search::Search;
use crate::tui::ui::Overlay;

fn world(columns: u16, rows: u16) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(&with_detail(snapshot(1..=60), 1));
    world.take_effects();
    world
}

fn search(world: &World) -> &Search {
    match &world.model.ui.overlay {
        Some(Overlay::Search(search)) => search,
        other => panic!("the search is not open: {other:?}"),
    }
}

/// The numbers of the timers that were set for the search.
fn timers(world: &mut World) -> Vec<u64> {
    let number = |effect| match effect {
        Effect::Wake(_, Timer::Search(number)) => Some(number),
        _ => None,
    };
    world.take_effects().into_iter().filter_map(number).collect()
}

/// What was asked since the last look.
fn asked(world: &mut World) -> Vec<(u64, String, Scope)> {
    let question = |effect| match effect {
        Effect::Search { generation, query } => Some((generation, query.text, query.scope)),
        _ => None,
    };
    world.take_effects().into_iter().filter_map(question).collect()
}

fn sop_hit(node: NodeId, text: &str, words: &str) -> Hit {
    Hit {
        kind: HitKind::Sop { sop: "bundled/disk-full.md".into(), node },
        title: "Disk full".to_owned(),
        path: "Diagnosis > Show what uses the space".to_owned(),
        snippet: snippet(&Query::parse(words), text),
        score: 5.0,
    }
}

fn incident_hit(id: i64, title: &str) -> Hit {
    Hit {
        kind: HitKind::Incident { id: IncidentId(id), severity: Severity::Critical, state: IncidentState::Open },
        title: title.to_owned(),
        path: String::new(),
        snippet: snippet(&Query::parse("disk"), "the disk of db-3 is full"),
        score: 4.0,
    }
}

/// Answers the question that counts.
fn answer(world: &mut World, hits: Vec<Hit>) {
    let generation = search(world).generation;
    let result = Ok(SearchAnswer { hits, coverage: Coverage::Whole });
    world.send(Msg::Found { generation, result });
}

/// Types words and lets the pause after them pass.
fn look_for(world: &mut World, words: &str) {
    world.keys("F");
    world.keys(words);
    let number = *timers(world).last().expect("a timer");
    world.send(Msg::Woken(Timer::Search(number)));
}

#[test]
fn words_are_asked_for_once_when_typing_pauses() {
    let mut world = world(80, 24);
    world.keys("Fdi");
    let numbers = timers(&mut world);
    assert_eq!(numbers.len(), 2, "nothing is asked for an empty field");
    world.send(Msg::Woken(Timer::Search(numbers[0])));
    assert_eq!(asked(&mut world), [], "another key was pressed since");
    world.send(Msg::Woken(Timer::Search(numbers[1])));
    assert_eq!(asked(&mut world), [(numbers[1], "di".to_owned(), Scope::All)]);
}

#[test]
fn answers_to_other_words_are_dropped() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    let old = search(&world).generation;
    world.keys("s");
    let result = Ok(SearchAnswer { hits: vec![incident_hit(7, "stale")], coverage: Coverage::Whole });
    world.send(Msg::Found { generation: old, result });
    assert!(search(&world).hits.is_empty());
    answer(&mut world, vec![incident_hit(8, "fresh")]);
    assert!(screen(&world).contains("#8 fresh"), "{}", screen(&world));
    // The search was left and opened again: what comes for the first one is not for the second.
    let old = search(&world).generation;
    world.press(KeyCode::Esc);
    world.keys("F");
    let result = Ok(SearchAnswer { hits: vec![incident_hit(7, "stale")], coverage: Coverage::Whole });
    world.send(Msg::Found { generation: old, result });
    assert!(search(&world).hits.is_empty());
}

#[test]
fn enter_goes_to_the_step_in_its_document() {
    let mut world = world(80, 24);
    look_for(&mut world, "du");
    answer(&mut world, vec![sop_hit(first_command(), "du -xh", "du")]);
    world.press(KeyCode::Enter);
    assert!(world.model.ui.overlay.is_none());
    assert_eq!(world.model.ui.focus, Pane::Sop);
    let node = disk_full().procedure.index_of(&first_command()).expect("the command");
    assert_eq!(world.model.ui.sop.cursor, node);
    assert_eq!(world.model.ui.sop.chosen.get(&IncidentId(1)).map(|sop| sop.as_str()), Some("bundled/disk-full.md"));
}

#[test]
fn a_document_that_is_not_on_the_screen_is_loaded_and_then_gone_to() {
    let mut world = World::new(80, 24);
    world.settle_with(&snapshot([]));
    world.take_effects();
    look_for(&mut world, "du");
    answer(&mut world, vec![sop_hit(first_command(), "du -xh", "du")]);
    world.press(KeyCode::Enter);
    let wanted = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Load { sop, .. } => sop,
        _ => None,
    });
    assert_eq!(wanted.as_ref().map(|sop| sop.as_str()), Some("bundled/disk-full.md"));
    let generation = world.model.ui.loading.generation;
    let loaded = Loaded { snapshot: snapshot([]), sop: Ok(Some(disk_full())) };
    world.send(Msg::Loaded { generation, result: Ok(Box::new(loaded)) });
    let node = disk_full().procedure.index_of(&first_command()).expect("the command");
    assert_eq!(world.model.ui.sop.cursor, node);
}

/// Goes to a hit in a document that takes long to read.
fn going_to_a_long_document() -> World {
    let mut world = World::new(80, 24);
    world.settle_with(&snapshot([]));
    look_for(&mut world, "du");
    answer(&mut world, vec![sop_hit(first_command(), "du -xh", "du")]);
    world.press(KeyCode::Enter);
    load(&mut world, Err(BackendError::Failed("It is still being read.".to_owned())));
    world
}

fn load(world: &mut World, sop: Result<Option<Arc<SopDocument>>, BackendError>) {
    let generation = world.model.ui.loading.generation;
    world.send(Msg::Loaded { generation, result: Ok(Box::new(Loaded { snapshot: snapshot([]), sop })) });
}

#[test]
fn a_long_document_is_gone_to_when_it_has_been_read() {
    let mut world = going_to_a_long_document();
    let generation = world.model.ui.loading.generation;
    world.send(Msg::SopOpened { generation, result: Ok(disk_full()) });
    let node = disk_full().procedure.index_of(&first_command()).expect("the command");
    assert_eq!((world.model.ui.sop.cursor, &world.model.ui.sop.going), (node, &None));
}

#[test]
fn whoever_went_elsewhere_meanwhile_is_not_taken_there_later() {
    let mut world = going_to_a_long_document();
    let mut other = (*disk_full()).clone();
    other.procedure.sop = "bundled/other.md".into();
    world.wait(1_000);
    world.send(Msg::Changed);
    load(&mut world, Ok(Some(Arc::new(other))));
    assert_eq!(world.model.ui.sop.going, None);
}

#[test]
fn a_step_that_is_gone_is_named() {
    let mut world = world(80, 24);
    look_for(&mut world, "du");
    answer(&mut world, vec![sop_hit(NodeId::from("no-such-node"), "du -xh", "du")]);
    world.press(KeyCode::Enter);
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("no longer in the SOP")));
}

#[test]
fn enter_goes_to_the_incident_also_where_the_filter_would_hide_it() {
    let mut world = world(80, 24);
    world.model.ui.queue.filter = "nothing like it".to_owned();
    look_for(&mut world, "disk");
    answer(&mut world, vec![incident_hit(44, "DiskFull eu1")]);
    world.press(KeyCode::Enter);
    let query = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Load { query, .. } => Some(query),
        _ => None,
    });
    let query = query.expect("a load");
    assert_eq!((query.queue.anchor, query.queue.filter.as_str()), (QueueAnchor::Around(IncidentId(44)), ""));
    assert_eq!(query.detail, Some(IncidentId(44)));
    world.settle_with(&with_detail(snapshot(1..=60), 44));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(44)));
    assert_eq!(world.model.ui.focus, Pane::Incidents);
}

#[test]
fn an_answer_that_was_under_way_does_not_take_the_incident_away() {
    let mut world = world(80, 24);
    world.wait(1_000);
    world.send(Msg::Changed);
    let under_way = world.model.ui.loading.generation;
    look_for(&mut world, "disk");
    answer(&mut world, vec![incident_hit(44, "DiskFull eu1")]);
    world.press(KeyCode::Enter);
    let stale = crate::tui::msg::Loaded { snapshot: with_detail(snapshot(1..=10), 1), sop: Ok(None) };
    world.send(Msg::Loaded { generation: under_way, result: Ok(Box::new(stale)) });
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(44)));
    world.settle_with(&with_detail(snapshot(1..=60), 44));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(44)));
}

#[test]
fn enter_before_the_answer_waits_for_it_and_never_takes_an_old_hit() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    answer(&mut world, vec![incident_hit(7, "old")]);
    world.keys("f");
    world.press(KeyCode::Enter);
    assert!(world.model.ui.overlay.is_some(), "it waits");
    answer(&mut world, vec![incident_hit(44, "new")]);
    assert!(world.model.ui.overlay.is_none());
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(44)));
}

#[test]
fn escape_leaves_everything_as_it_was() {
    let mut world = world(80, 24);
    let before = screen(&world);
    look_for(&mut world, "disk");
    answer(&mut world, vec![incident_hit(7, "x")]);
    world.press(KeyCode::Down);
    world.press(KeyCode::Esc);
    assert_eq!(screen(&world), before);
}

#[test]
fn tab_says_where_to_look_and_asks_again() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    asked(&mut world);
    world.press(KeyCode::Tab);
    let number = *timers(&mut world).last().expect("a timer");
    world.send(Msg::Woken(Timer::Search(number)));
    assert_eq!(asked(&mut world), [(number, "disk".to_owned(), Scope::Sops)]);
    assert!(screen(&world).contains("Search SOPs ─"), "{}", screen(&world));
}

#[test]
fn while_the_index_is_made_the_same_words_are_looked_for_again() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    let generation = search(&world).generation;
    let coverage = Coverage::Indexing { done: 120, of: 604 };
    let hits = vec![incident_hit(7, "seven"), incident_hit(8, "eight")];
    world.send(Msg::Found { generation, result: Ok(SearchAnswer { hits, coverage }) });
    assert!(screen(&world).contains("2 found  Of 604 SOPs 120 can be found so far."), "{}", screen(&world));
    assert_eq!(timers(&mut world), [generation]);
    world.press(KeyCode::Down);
    let hits = vec![incident_hit(6, "six"), incident_hit(7, "seven"), incident_hit(8, "eight")];
    answer(&mut world, hits);
    assert_eq!(search(&world).at, 2, "the choice stays on its incident");
    assert!(timers(&mut world).is_empty());
}

#[test]
fn trouble_is_said() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    let generation = search(&world).generation;
    world.send(Msg::Found { generation, result: Err(BackendError::Failed("the disk is full".to_owned())) });
    assert!(screen(&world).contains("the disk is full"));
}

#[test]
fn hostile_text_is_spelled_and_a_paste_stays_in_the_field() {
    let mut world = world(80, 24);
    look_for(&mut world, "disk");
    let mut hit = sop_hit(first_command(), "disk \u{202e}evil\u{1b}[31m", "disk");
    hit.title = "Di\u{200b}sk".to_owned();
    answer(&mut world, vec![hit]);
    let shown = screen(&world);
    assert!(shown.contains(r"Di\u{200b}sk") && shown.contains(r"\u{202e}evil\u{1b}[31m"), "{shown}");
    world.send(Msg::Paste("a\nb".to_owned()));
    assert_eq!(search(&world).edit.text(), "diska b");
}

#[test]
fn screens() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 40)] {
        let mut world = world(columns, rows);
        look_for(&mut world, "disk");
        let text = "du -xh --max-depth=1 <mountpoint> shows which directory fills the disk; go on with the largest one, and \
                    look at the disk again";
        let mut hits = vec![incident_hit(3, "DiskFull eu1 team-3/orders-db")];
        hits.extend((0..30).map(|_| sop_hit(first_command(), text, "disk")));
        answer(&mut world, hits);
        world.press(KeyCode::Down);
        insta::assert_snapshot!(format!("search_{columns}x{rows}"), screen(&world));
    }
}
