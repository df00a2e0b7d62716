//! What the last row offers is what can be done as things are, and what was looked for leaves a trace.

use crossterm::event::KeyCode;
use rstest::rstest;

use super::cells::{cells_of, dark};
use super::chat::{ask, chatting, gemini, message, person, prepared, preview};
use super::gallery::{facts, settle, with_attempts};
use super::screens::screen;
use super::world::{World, snapshot, with_attempt, with_detail};
use crate::engine::ask::Route;
use crate::engine::backend::Snapshot;
use crate::tui::theme::Styles;

fn world(facts: &Snapshot) -> World {
    let mut world = World::new(80, 24);
    world.settle_with(facts);
    world.take_effects();
    world
}

fn last_row(world: &World) -> String {
    screen(world).lines().last().unwrap_or_default().to_owned()
}

/// The last row inside the box that lies above the panes.
fn foot_of_box(world: &World) -> String {
    let shown = screen(world);
    let rows: Vec<&str> = shown.lines().collect();
    let end = rows.iter().rposition(|row| row.contains('└')).expect("a box is open");
    rows[end - 1].to_owned()
}

/// Hints of a wide terminal: all there are.
fn all_hints(mut world: World) -> String {
    world.send(crate::tui::msg::Msg::Resized(300, 24));
    last_row(&world)
}

fn assert_offers(hints: &str, offered: &[&str], not_offered: &[&str]) {
    for hint in offered {
        assert!(hints.contains(hint), "{hint} in {hints}");
    }
    for hint in not_offered {
        assert!(!hints.contains(hint), "{hint} not in {hints}");
    }
}

#[test]
fn a_queue_without_incidents_offers_nothing_to_do_to_one() {
    assert_offers(&last_row(&world(&facts())), &["enter SOP", "a ack", "d details"], &["esc"]);
    assert_offers(&all_hints(world(&facts())), &["m take"], &["m mine"]);
    let empty = all_hints(world(&snapshot([])));
    assert_offers(&empty, &["? help", "q quit", ": commands"], &["enter", "ack", "details", "take", "note", "undo"]);
}

#[test]
fn a_filter_without_a_match_and_an_empty_queue_say_first_how_to_leave() {
    let mut filtered = world(&facts());
    filtered.keys("/walrus");
    filtered.press(KeyCode::Enter);
    let mut none = snapshot([]);
    none.header = facts().header;
    filtered.load(none.clone());
    assert!(last_row(&filtered).starts_with("esc show all  / filter"), "{}", last_row(&filtered));
    let mut other = world(&facts());
    other.keys("Q");
    for _ in 0..4 {
        if other.model.ui.loading.in_flight {
            other.load(none.clone());
        }
    }
    assert!(last_row(&other).starts_with("Q queue  "), "{}", last_row(&other));
}

#[rstest]
#[case::runs("4", true)]
#[case::was_killed("4[", false)]
#[case::failed("4[[", false)]
fn an_attempt_can_be_ended_as_long_as_it_runs(#[case] keys: &str, #[case] runs: bool) {
    let facts = with_attempts();
    let mut world = world(&facts);
    for key in keys.chars() {
        world.keys(&key.to_string());
        settle(&mut world, &facts);
    }
    assert_eq!(last_row(&world).starts_with("ctrl-k end it"), runs, "{}", last_row(&world));
    assert_offers(&all_hints(world), &["] [ attempts"], if runs { &["matches"] } else { &["ctrl-k", "matches"] });
}

#[test]
fn the_chat_offers_what_there_is_in_it() {
    let plain = vec![message(1, person(), "why?"), message(2, gemini(), "Because.")];
    let mut world = chatting((300, 24), plain.clone());
    let none = ["] [ code", "r propose", "citations", "ctrl-k", "thoughts", "matches"];
    assert_offers(&last_row(&world), &["i ask", "/ find"], &none);
    let number = ask(&mut world, "and now?");
    assert_offers(&last_row(&world), &["ctrl-k stop"], &[]);
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    world.press(KeyCode::Esc);
    assert!(last_row(&world).starts_with("ctrl-k stop"), "{}", last_row(&world));
    let rich = "See [sop:bundled/disk-full.md]:\n\n```sh\ndf -h\n```\n";
    let world = chatting((300, 24), vec![plain[0].clone(), message(2, gemini(), rich)]);
    assert_offers(&last_row(&world), &["] [ code", "r propose", "} { citations"], &["ctrl-k"]);
}

#[test]
fn what_lies_above_the_panes_offers_to_scroll_only_what_does_not_fit() {
    let mut help = World::new(120, 40);
    help.settle_with(&facts());
    help.keys("?");
    assert_offers(&foot_of_box(&help), &["esc close"], &["scroll", "page"]);
    let mut small = World::new(80, 15);
    small.settle_with(&facts());
    small.keys("?");
    assert_offers(&screen(&small), &["j k scroll", "pagedown pageup page"], &[]);
    let mut nothing = world(&facts());
    nothing.keys(":xyzzy");
    assert_offers(&foot_of_box(&nothing), &["esc leave"], &["enter", "choose", "page"]);
    let mut search = world(&facts());
    search.keys("F");
    assert_offers(&foot_of_box(&search), &["tab where", "esc leave"], &["enter", "choose", "page"]);
}

#[test]
fn a_find_leaves_its_text_its_count_and_its_place_until_escape() {
    let lines: String = (0..90).map(|line| format!("line {line} of the log\n")).collect();
    let mut world = World::new(120, 40);
    world.settle_with(&with_attempt(facts(), &lines, 0));
    world.keys("4/line 7");
    world.press(KeyCode::Enter);
    let shown = screen(&world);
    assert!(shown.contains("  11 of 11"), "the count is not what is cut: {shown}");
    assert!(last_row(&world).starts_with("n N matches"), "{}", last_row(&world));
    let (found, here) = (dark().found, Styles::under_cursor(dark().found));
    assert_eq!(cells_of(&world, "line 79").iter().filter(|style| **style == here).count(), 6, "the current one");
    assert_eq!(cells_of(&world, "line 78").iter().filter(|style| **style == found).count(), 6);
    world.keys("N");
    assert!(screen(&world).contains("  10 of 11"), "{}", screen(&world));
    world.press(KeyCode::Esc);
    assert!(!screen(&world).contains(" of 11"), "{}", screen(&world));
    assert!(cells_of(&world, "line 78").iter().all(|style| *style != here));
    world.keys("n");
    assert!(screen(&world).contains("  11 of 11"), "what was looked for is not forgotten");
    world.press(KeyCode::Esc);
    world.press(KeyCode::Esc);
    assert_eq!(world.model.ui.focus, crate::tui::layout::Pane::Sop);
}

#[test]
fn the_document_and_the_chat_say_which_place_one_is_at_too() {
    let mut world = World::new(200, 50);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world.keys("2/mountpoint");
    world.press(KeyCode::Enter);
    let title = screen(&world).lines().nth(1).unwrap().to_owned();
    assert!(title.contains("/mountpoint  ") && title.contains(" of "), "{title}");
    let here = Styles::under_cursor(dark().found);
    assert!(cells_of(&world, "df -h <mountpoint>").contains(&here), "{}", screen(&world));
    world.press(KeyCode::Esc);
    assert!(!screen(&world).contains("/mountpoint  "), "{}", screen(&world));
    assert_eq!(world.model.ui.focus, crate::tui::layout::Pane::Sop, "the first press only ends the find");

    let logs = vec![message(1, person(), "logs"), message(2, gemini(), "Of logs.\n\nMore logs.")];
    let mut chat = chatting((120, 40), logs);
    chat.keys("/logs");
    chat.press(KeyCode::Enter);
    assert!(screen(&chat).contains("3 Chat #1 /logs  3 of 3"), "{}", screen(&chat));
    assert!(cells_of(&chat, "More logs").contains(&here));
    assert!(!cells_of(&chat, "Of logs").contains(&here));
    chat.press(KeyCode::Esc);
    assert!(!screen(&chat).contains("/logs"), "{}", screen(&chat));
}
