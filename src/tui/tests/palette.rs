//! The palette: what is offered, in which order, and that choosing is as good as the key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::screens::screen;
use super::world::{World, du, snapshot, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::domain::id::{IncidentId, SopId};
use crate::tui::intent::Intent;
use crate::tui::keymap::{Context, HelpRow, Keymap};
use crate::tui::layout::Pane;
use crate::tui::msg::{Effect, Msg};
use crate::tui::palette::{Choice, Palette};
use crate::tui::ui::{Overlay, Page};

fn world() -> World {
    let mut world = World::new(80, 24);
    world.settle_with(&with_detail(snapshot(1..=60), 1));
    world.take_effects();
    world
}

/// Opens the palette, answers what it asks for, and types.
fn type_into(world: &mut World, words: &str) {
    world.keys(":");
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::ListSops)));
    let sops =
        [("bundled/disk-full.md", "Disk full"), ("team/inodes.md", "Inodes are used up"), ("x.md", "X\u{202e}y")];
    let sops = sops.map(|(id, title)| (SopId::from(id), title.to_owned()));
    world.send(Msg::Sops(Ok(sops.to_vec())));
    world.keys(words);
}

fn palette(world: &World) -> &Palette {
    match &world.model.ui.overlay {
        Some(Overlay::Palette(palette)) => palette,
        other => panic!("the palette is not open: {other:?}"),
    }
}

fn first(world: &World) -> &Choice {
    &palette(world).rows[0].choice
}

#[test]
fn everything_that_a_key_does_here_is_offered_with_its_key_and_approving_never() {
    let mut world = world();
    for pane in ["1", "2"] {
        world.keys(pane);
        type_into(&mut world, "");
        let context = crate::tui::update::pane_context(&world.model);
        let offered: Vec<Intent> = palette(&world)
            .rows
            .iter()
            .map(|row| match row.choice {
                Choice::Intent(intent) => intent,
                ref other => panic!("{other:?}"),
            })
            .collect();
        let keymap = Keymap::bundled().unwrap();
        for intent in keymap.offered(context) {
            let senseless = crate::tui::update::moves(intent) || matches!(intent, Intent::Back | Intent::Palette);
            assert_eq!(offered.contains(&intent), !senseless, "{}", intent.name());
        }
        assert!(!offered.contains(&Intent::Approve) && !offered.contains(&Intent::Reject));
        let ack = palette(&world).rows.iter().find(|row| row.choice == Choice::Intent(Intent::Acknowledge)).unwrap();
        assert_eq!(ack.note, "a");
        world.press(KeyCode::Esc);
    }
}

#[test]
fn approving_is_not_offered_even_where_a_file_binds_it_and_something_waits() {
    let mut world = world();
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Read)));
    type_into(&mut world, "approve");
    assert!(palette(&world).rows.iter().all(|row| row.choice != Choice::Intent(Intent::Approve)));
    world.press(KeyCode::Enter);
    let effects = world.take_effects();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Send { .. })), "{effects:?}");
}

#[test]
fn choosing_is_as_good_as_the_key() {
    for (typed, key, focus) in
        [("ack", 'a', "1"), ("list sops", 's', "1"), ("fold all", 'Z', "2"), ("to the sop", '2', "1")]
    {
        let (mut by_name, mut by_key) = (world(), world());
        by_name.keys(focus);
        by_key.keys(focus);
        type_into(&mut by_name, typed);
        by_key.send(Msg::Sops(Ok(by_name.model.facts.sops.clone())));
        by_name.take_effects();
        by_key.take_effects();
        by_name.press(KeyCode::Enter);
        by_key.send(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)));
        assert_eq!(format!("{:?}", by_name.take_effects()), format!("{:?}", by_key.take_effects()), "{typed}");
        assert_eq!(screen(&by_name), screen(&by_key), "{typed}");
    }
}

#[test]
fn words_of_other_consoles_are_understood() {
    for (typed, intent) in
        [("q", Intent::Quit), ("q!", Intent::Quit), ("help", Intent::Help), ("ack", Intent::Acknowledge)]
    {
        let mut world = world();
        type_into(&mut world, typed);
        assert_eq!(*first(&world), Choice::Intent(intent), "{typed}");
    }
    let mut world = world();
    type_into(&mut world, "q");
    world.press(KeyCode::Enter);
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Quit)));
    type_into(&mut world, "help");
    world.press(KeyCode::Enter);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { page: Page::Help, .. })));
}

#[test]
fn sops_are_found_by_fuzzy_title_and_opened() {
    let mut world = world();
    type_into(&mut world, "sop dskfl");
    assert_eq!(*first(&world), Choice::Sop("bundled/disk-full.md".into()));
    assert_eq!(palette(&world).rows.len(), 1);
    world.press(KeyCode::Enter);
    assert_eq!(world.model.ui.focus, Pane::Sop);
    assert_eq!(world.model.ui.sop.chosen.get(&IncidentId(1)), Some(&"bundled/disk-full.md".into()));
    type_into(&mut world, "inodes");
    assert_eq!(*first(&world), Choice::Sop("team/inodes.md".into()));
}

#[test]
fn incidents_are_gone_to_by_number() {
    let mut world = world();
    type_into(&mut world, "#42");
    assert!(screen(&world).contains("incident 42: DiskFull eu1"), "{}", screen(&world));
    world.press(KeyCode::Enter);
    world.settle_with(&with_detail(snapshot(1..=60), 42));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(42)));
    type_into(&mut world, "4711");
    world.press(KeyCode::Enter);
    world.settle_with(&with_detail(snapshot(1..=60), 42));
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text == "There is no incident 4711."));
    assert!(world.model.ui.queue.selected.is_some());
}

#[test]
fn a_search_can_be_begun() {
    let mut world = world();
    type_into(&mut world, "search disk full");
    world.press(KeyCode::Enter);
    assert!(matches!(&world.model.ui.overlay, Some(Overlay::Search(search)) if search.edit.text() == "disk full"));
}

#[test]
fn what_does_not_exist_is_said_and_hostile_titles_are_spelled() {
    let mut world = world();
    type_into(&mut world, "xyzzy");
    assert!(screen(&world).contains("No command has such a name here."));
    world.press(KeyCode::Enter);
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("no command \"xyzzy\"")));
    // What was typed stays, to be mended.
    assert_eq!(palette(&world).edit.text(), "xyzzy");
    world.press(KeyCode::Esc);
    type_into(&mut world, "sop x");
    assert!(screen(&world).contains(r"X\u{202e}y"), "{}", screen(&world));
}

#[test]
fn what_lost_its_key_can_still_be_chosen() {
    let mut world = world();
    let keymap = Keymap::bundled().unwrap().merge("mine", "[incidents]\na = \"none\"\n").unwrap();
    world.model.ui.keymap = keymap;
    type_into(&mut world, "ack");
    let row = &palette(&world).rows[0];
    assert_eq!((&row.choice, row.note.as_str()), (&Choice::Intent(Intent::Acknowledge), ""));
}

#[test]
fn the_hints_of_every_box_fit_on_80_columns_and_every_key_is_explained() {
    let keymap = Keymap::bundled().unwrap();
    for context in [
        Context::Review,
        Context::Edit,
        Context::Prompt,
        Context::Filter,
        Context::Help,
        Context::Search,
        Context::Palette,
    ] {
        let hints = keymap.hints(context);
        let of = |(key, words): &&(String, &'static str)| key.len() + 1 + words.len() + 2;
        let width = |without: &[&str]| -> usize {
            hints.iter().filter(|(_, words)| !without.contains(words)).map(|hint| of(&hint)).sum()
        };
        // A review tells of a wider yes either how to see it or how to give it; scrolling, which is as well known as arrows,
        // gives way where it tells of one.
        let columns = if context == Context::Review {
            let told = width(&["wider", "scroll"]).max(width(&["wider?", "scroll"]));
            told.max(width(&["wider", "wider?", "look up"]))
        } else {
            width(&[])
        };
        assert!(columns <= 74 + 2, "{}: {columns} columns: {hints:?}", context.name());
    }
    for bound in keymap.bound() {
        let (context, intent) = (bound.context, bound.intent);
        let explained = match context {
            // These have a page of help.
            Context::Global => has_row(&keymap.help_everywhere(Context::Incidents), &bound.key),
            Context::Incidents | Context::Sop | Context::Output | Context::Chat => {
                has_row(&keymap.help_here(context), &bound.key)
            }
            // These say at their foot what can be done; another key for the same need not stand there.
            Context::Review | Context::Preview | Context::Ask | Context::Workbench
                if crate::tui::update::moves(intent) || matches!(intent, Intent::NextPane | Intent::PreviousPane) =>
            {
                true
            }
            Context::Review
            | Context::Edit
            | Context::Preview
            | Context::Ask
            | Context::Prompt
            | Context::Filter
            | Context::Help
            | Context::Search
            | Context::Palette
            | Context::Workbench => {
                let key = keymap.key_for(context, intent).unwrap();
                keymap.hints(context).iter().any(|(keys, _)| keys.split(' ').any(|one| one == key))
            }
        };
        assert!(explained, "{} in {}", bound.key, context.name());
    }
}

#[test]
fn no_line_of_help_is_cut_on_80_columns() {
    for pane in ["1", "2", "3"] {
        let mut world = world();
        world.keys(pane);
        world.keys("?");
        let shown = screen(&world);
        let keymap = Keymap::bundled().unwrap();
        for row in keymap.help_everywhere(crate::tui::update::pane_context(&world.model)) {
            assert!(shown.contains(row.words), "{:?} is cut in\n{shown}", row.words);
        }
    }
}

fn has_row(rows: &[HelpRow], key: &str) -> bool {
    let has = |keys: &str| keys == key || keys.split('/').any(|one| one == key);
    rows.iter().any(|row| !row.words.is_empty() && row.keys.split(", ").any(has))
}

#[test]
fn screens() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 40)] {
        let mut world = World::new(columns, rows);
        world.settle_with(&with_detail(snapshot(1..=60), 1));
        world.take_effects();
        type_into(&mut world, "di");
        insta::assert_snapshot!(format!("palette_{columns}x{rows}"), screen(&world));
    }
}
