//! Documents and nodes that are longer than a screen, by a little and by very much.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rstest::rstest;

use super::screens::screen;
use super::world::{World, disk_full, snapshot, with_detail};
use crate::domain::excerpt;
use crate::domain::sop::MAX_READ_BYTES;
use crate::engine::backend::SopDocument;
use crate::tui::msg::{Loaded, Msg};

fn document(text: &str) -> Arc<SopDocument> {
    let procedure = crate::domain::sop::parse(&"long.md".into(), text.as_bytes());
    Arc::new(SopDocument { procedure, source: String::new(), place: "x/long.md".to_owned() })
}

/// A console with this document beside the first incident, the SOP in focus.
fn world_with(document: &Arc<SopDocument>) -> World {
    let mut world = World::new(80, 24);
    while world.model.ui.loading.in_flight {
        let loaded = Loaded { snapshot: with_detail(snapshot(1..=5), 1), sop: Ok(Some(Arc::clone(document))) };
        let generation = world.model.ui.loading.generation;
        world.send(Msg::Loaded { generation, result: Ok(Box::new(loaded)) });
    }
    world.keys("2");
    world
}

/// A command of 60 lines between two steps; a pane of 24 rows shows a third of it.
fn tall() -> Arc<SopDocument> {
    let script: Vec<String> = (1..=60).map(|n| format!("   echo line-{n:02}")).collect();
    let text = format!("# T\n\n1. Before it.\n\n2. Do:\n\n   ```sh\n{}\n   ```\n\n3. After it.\n", script.join("\n"));
    document(&text)
}

fn press(world: &mut World, key: &str) {
    match key {
        "Ctrl-d" | "Ctrl-u" => {
            let letter = key.chars().last().unwrap();
            world.send(Msg::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)));
        }
        "PageDown" => world.press(KeyCode::PageDown),
        "PageUp" => world.press(KeyCode::PageUp),
        _ => world.keys(key),
    }
}

#[rstest]
#[case("g", "j", "k")]
#[case("g", "Ctrl-d", "Ctrl-u")]
#[case("g", "PageDown", "PageUp")]
fn every_line_of_a_tall_command_can_be_seen(#[case] start: &str, #[case] down: &str, #[case] up: &str) {
    let mut world = world_with(&tall());
    world.keys(start);
    for (key, end) in [(down, "After it."), (up, "Before it.")] {
        let mut seen = std::collections::BTreeSet::new();
        let mut presses = 0;
        loop {
            let shown = screen(&world);
            let before = seen.len();
            seen.extend((1..=60).filter(|n| shown.contains(&format!("line-{n:02}"))));
            let cursor = world.model.ui.sop.cursor;
            let at_end = world.model.facts.sop.as_ref().is_some_and(|sop| sop.procedure.nodes[cursor].text == end);
            assert!(seen.len() >= before && presses < 200, "{key} does not come to the end");
            if at_end {
                break;
            }
            press(&mut world, key);
            presses += 1;
        }
        assert_eq!(seen.len(), 60, "{key}: {seen:?}");
    }
}

#[test]
fn what_is_looked_for_is_shown_from_its_beginning() {
    let mut world = world_with(&tall());
    world.keys("G/line-60");
    world.press(KeyCode::Enter);
    assert!(screen(&world).contains("line-01"), "{}", screen(&world));
}

#[test]
fn lines_are_laid_out_once_for_each_document_fold_and_width() {
    let mut world = world_with(&tall());
    let lines = |world: &World| world.model.ui.sop.laid.as_ref().map(crate::tui::sop_lines::Laid::lines).unwrap();
    let first = lines(&world);
    world.keys("jjkG");
    assert!(Arc::ptr_eq(&first, &lines(&world)), "moving lays out nothing");
    world.keys("gj ");
    let folded = lines(&world);
    assert!(!Arc::ptr_eq(&first, &folded) && folded.len() < first.len(), "a fold does");
    world.keys(" ");
    assert_eq!(first, lines(&world));
    world.send(Msg::Resized(70, 24));
    assert!(!Arc::ptr_eq(&first, &lines(&world)), "another width does");
}

#[test]
fn a_document_beyond_the_limit_opens_and_says_what_is_missing() {
    let step = "## Look\n\n1. See how it is:\n\n   ```sh\n   df -h\n   ```\n\n";
    let text = format!("# All\n\n{}", step.repeat(2 * MAX_READ_BYTES / step.len()));
    let mut world = world_with(&document(&text));
    assert!(screen(&world).contains("1 problem"), "{}", screen(&world));
    world.keys("G");
    let shown = screen(&world);
    assert!(shown.contains("bytes more, from line") && shown.contains("are not read"), "{shown}");
    world.keys("gj");
    assert!(screen(&world).contains("See how it is"), "{}", screen(&world));
}

#[test]
fn rows_are_shown_while_a_long_document_is_read() {
    let mut world = World::new(120, 40);
    let reading = || Err(crate::engine::backend::BackendError::Failed("x.md is long and still being read".to_owned()));
    let answer = |world: &mut World| {
        while world.model.ui.loading.in_flight {
            let generation = world.model.ui.loading.generation;
            let loaded = Loaded { snapshot: with_detail(snapshot(1..=50), 1), sop: reading() };
            world.send(Msg::Loaded { generation, result: Ok(Box::new(loaded)) });
        }
    };
    answer(&mut world);
    world.keys("j");
    assert!(screen(&world).contains("x.md is long and still being read"), "{}", screen(&world));
    let generation = world.model.ui.loading.generation;
    world.send(Msg::SopOpened { generation: generation - 1, result: Ok(tall()) });
    assert!(world.model.facts.sop.is_none(), "that of an older question is not shown");
    world.send(Msg::SopOpened { generation, result: Ok(disk_full()) });
    assert!(screen(&world).contains("Disk full") || screen(&world).contains("Disk is full"), "{}", screen(&world));
    let place = (world.model.ui.sop.cursor, world.model.ui.sop.top);
    // It is read anew, after a change in its directory: the place in it is kept meanwhile.
    world.wait(1_000);
    world.send(Msg::Changed);
    answer(&mut world);
    let generation = world.model.ui.loading.generation;
    world.send(Msg::SopOpened { generation, result: Ok(disk_full()) });
    assert_eq!((world.model.ui.sop.cursor, world.model.ui.sop.top), place);
}

#[test]
fn a_value_that_was_cut_is_marked_and_not_edited() {
    let mut facts = with_detail(snapshot(1..=5), 1);
    let labels = &mut facts.detail.as_mut().unwrap().record.alerts[0].labels;
    labels.insert("mountpoint".to_owned(), excerpt::of(format!("/srv/{}", "x".repeat(1 << 20))));
    let mut world = World::new(80, 24);
    world.settle_with(&facts);
    world.keys("2e");
    assert!(world.model.ui.overlay.is_none());
    let said = world.model.ui.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
    assert!(said.starts_with("The label mountpoint is too long to be edited here."), "{said}");
    world.keys("d");
    world.press(KeyCode::End);
    let mut seen = false;
    for _ in 0..200 {
        seen |= screen(&world).contains("cut, 1044485 more");
        world.press(KeyCode::PageDown);
    }
    assert!(seen, "{}", screen(&world));
}
