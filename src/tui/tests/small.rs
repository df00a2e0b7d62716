//! Every pane and every overlay on small terminals: the words that one cannot do without are there.

use crossterm::event::KeyCode;
use rstest::rstest;

use super::screens::screen;
use super::world::{World, du, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::risk::Risk;
use crate::tui::msg::Msg;

fn world(size: (u16, u16)) -> World {
    let mut world = World::new(size.0, size.1);
    let facts = with_attempt(with_detail(snapshot(1..=60), 1), "first\nlast line\n", 0);
    world.settle_with(&facts);
    world
}

fn assert_has(world: &World, words: &[&str]) {
    let shown = screen(world);
    for word in words {
        assert!(shown.contains(word), "{word:?} at {:?} in\n{shown}", world.model.ui.size);
    }
    let (columns, rows) = world.model.ui.size;
    assert_eq!(shown.lines().count(), usize::from(rows));
    assert!(shown.lines().all(|line| crate::domain::text::width(line) <= usize::from(columns)));
}

#[rstest]
#[case::incidents("1", &["prod-eu", "1 Incidents", "DiskFull eu1 team-1/orders-db", "enter SOP", "? help"])]
#[case::sop("2", &["2 SOP", "Disk full", "r propose"])]
#[case::output("4", &["4 Attempt", "last line", "esc SOP"])]
#[case::chat("3", &["3 Chat", "i ask"])]
#[case::help("?", &["Keys", "In the incidents", "esc close"])]
#[case::sources("S", &["Sources", "connection refused", "esc close"])]
#[case::details("d", &["Incident", "DiskFull", "esc close"])]
#[case::plain("2w", &["Disk full", "Plain text of the SOP", "close"])]
#[case::filter("1/", &["1 Incidents", "/"])]
fn panes_and_pages(#[case] keys: &str, #[case] words: &[&str], #[values((80, 24), (60, 15))] size: (u16, u16)) {
    let mut world = world(size);
    world.keys(keys);
    assert_has(&world, words);
}

#[rstest]
fn the_review_can_be_read_to_its_end(
    #[values((80, 24), (60, 15))] size: (u16, u16),
    #[values(Risk::Read, Risk::Unknown)] risk: Risk,
) {
    let mut world = world(size);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, risk)));
    world.keys("A");
    assert_has(&world, &["Approve proposal 1?", "f8 approve", "ctrl-x reject", "esc later"]);
    let mut seen = String::new();
    for _ in 0..80 {
        seen.push_str(&screen(&world));
        world.press(KeyCode::Down);
    }
    for word in ["du", "-xh", "--max-depth=1", "/srv/data", "db-3", risk.name()] {
        assert!(seen.contains(word), "{word} at {size:?} in\n{seen}");
    }
}

#[rstest]
fn the_target_can_be_typed(#[values((80, 24), (60, 15))] size: (u16, u16)) {
    let mut world = world(size);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_proposal(with_detail(snapshot(1..=60), 1), du(1, Risk::Unknown)));
    world.keys("A");
    for _ in 0..80 {
        world.paint();
        world.press(KeyCode::Down);
    }
    world.keys("db-3");
    assert_has(&world, &["Target's name: db-3", "f8 approve"]);
}

#[rstest]
fn values_and_the_list_of_sops_fit(#[values((80, 24), (60, 15))] size: (u16, u16)) {
    let mut values = world(size);
    values.keys("2]e");
    assert_has(&values, &["enter accept", "/srv/data"]);
    let mut list = world(size);
    list.keys("s");
    list.send(Msg::Sops(Ok(vec![("bundled/disk-full.md".into(), "Disk full".to_owned())])));
    assert_has(&list, &["SOPs", "Disk full", "enter accept"]);
}

#[rstest]
fn a_question_can_be_typed(#[values((80, 24), (60, 15))] size: (u16, u16)) {
    let mut world = world(size);
    world.keys("3iwhy is it full");
    assert_has(&world, &["3 Chat", "why is it full", "enter send"]);
}
