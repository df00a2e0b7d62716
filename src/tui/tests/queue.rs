//! Cursor, refresh, paging, filter.

use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::world::{World, snapshot, with_detail};
use crate::domain::id::IncidentId;
use crate::engine::backend::QueueAnchor;
use crate::tui::msg::{Effect, Msg, Timer};
use crate::tui::ui::Behind;

fn settle(world: &mut World) {
    let settling = world.model.ui.queue.settling.expect("something waits");
    world.send(Msg::Woken(Timer::Settle(settling.timer)));
}

/// As [`settle`], with the answer to what is asked for then.
fn settle_with(world: &mut World, ids: impl Clone + IntoIterator<Item = i64>) {
    settle(world);
    let selected = world.model.ui.queue.selected.expect("an incident");
    world.settle_with(&with_detail(snapshot(ids), selected.0));
    assert_eq!(world.model.ui.queue.settling, None);
}

fn loads(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Load { .. })).count()
}

#[test]
fn the_first_load_selects_the_most_urgent_and_asks_for_its_details() {
    let mut world = World::new(120, 40);
    world.load(snapshot(1..=50));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(1)));
    let detail = world.take_effects().into_iter().rev().find_map(|effect| match effect {
        Effect::Load { query, .. } => query.detail,
        _ => None,
    });
    assert_eq!(detail, Some(IncidentId(1)));
}

#[test]
fn details_follow_the_cursor_only_after_a_rest() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=50), 1));
    world.take_effects();
    world.keys("jjj");
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(4)));
    assert_eq!(loads(&world.take_effects()), 0);
    settle(&mut world);
    let effects = world.take_effects();
    assert_eq!(loads(&effects), 1);
    // The timers of the first two presses are stale.
    world.send(Msg::Woken(Timer::Settle(1)));
    assert_eq!(loads(&world.take_effects()), 0);
}

#[test]
fn any_other_key_means_the_incident_under_the_cursor_at_once() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=50), 1));
    world.take_effects();
    world.keys("jja");
    let acknowledged = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { command: crate::engine::backend::Command::Incident { id, .. }, .. } => Some(id),
        _ => None,
    });
    assert_eq!(acknowledged, Some(IncidentId(3)));
}

#[test]
fn a_refresh_keeps_the_selection_on_its_line() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    for _ in 0..60 {
        world.press(KeyCode::Down);
    }
    settle_with(&mut world, 1..=200);
    let line = world.model.ui.queue.rank - world.model.ui.queue.top;
    // Three more urgent incidents arrive above.
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_detail(snapshot((300..=302).chain(1..=200)), 61));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(61)));
    assert_eq!(world.model.ui.queue.rank, 63);
    assert_eq!(world.model.ui.queue.rank - world.model.ui.queue.top, line);
}

#[test]
fn when_the_selected_incident_leaves_its_place_is_taken_by_the_next() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=50), 1));
    world.keys("jj");
    settle(&mut world);
    world.settle_with(&with_detail(snapshot(1..=50), 3));
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_detail(snapshot((1..=50).filter(|id| *id != 3)), 4));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(4)));
    assert_eq!(world.model.ui.queue.rank, 2);
}

#[test]
fn moving_past_the_page_leaves_the_page_alone_until_the_cursor_rests() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    let rows = world.model.queue_rows();
    for _ in 0..rows + 5 {
        world.press(KeyCode::Down);
    }
    assert_eq!(world.model.ui.queue.top, 0);
    assert_eq!(world.model.ui.queue.rank, rows + 5);
    settle_with(&mut world, 1..=200);
    let queue = &world.model.ui.queue;
    assert!(queue.top > 0 && queue.rank >= queue.top && queue.rank < queue.top + rows);
}

#[test]
fn a_page_is_turned_together_with_its_details() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    let rows = world.model.queue_rows();
    for _ in 0..rows {
        world.press(KeyCode::Down);
    }
    world.take_effects();
    let waiting = world.model.ui.queue.settling.expect("the page waits");
    assert_eq!(waiting.behind, Behind::Page);
    // A change of the store meanwhile loads rows, and no other details.
    let asked = |world: &mut World| {
        world.take_effects().into_iter().find_map(|effect| match effect {
            Effect::Load { query, .. } => query.detail,
            _ => None,
        })
    };
    world.wait(1_000);
    world.send(Msg::Changed);
    assert_eq!(asked(&mut world), Some(IncidentId(1)));
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    world.send(Msg::Woken(Timer::Settle(waiting.timer)));
    let selected = world.model.ui.queue.selected;
    assert_eq!(asked(&mut world), selected);
    assert_eq!(world.model.ui.queue.top, 0, "the page waits for the answer");
    world.settle_with(&with_detail(snapshot(1..=200), i64::from(rows) + 1));
    assert!(world.model.ui.queue.top > 0 && world.model.ui.queue.settling.is_none());
    assert_eq!(world.model.facts.detail().map(|detail| detail.record.incident.id), selected);
}

#[test]
fn a_page_is_turned_also_when_the_store_does_not_answer() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    world.press(KeyCode::PageDown);
    settle(&mut world);
    let generation = world.model.ui.loading.generation;
    let result = Err(crate::engine::backend::BackendError::Failed("the store is busy".to_owned()));
    world.send(Msg::Loaded { generation, result });
    assert!(world.model.ui.queue.top > 0 && world.model.ui.queue.settling.is_none());
}

#[test]
fn a_key_after_the_question_puts_the_page_off_again() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    world.press(KeyCode::PageDown);
    settle(&mut world);
    world.press(KeyCode::Down);
    let selected = world.model.ui.queue.selected.unwrap();
    world.settle_with(&with_detail(snapshot(1..=200), selected.0 - 1));
    assert_eq!(world.model.ui.queue.top, 0);
    settle_with(&mut world, 1..=200);
    assert!(world.model.ui.queue.top > 0);
    assert_eq!(world.model.ui.queue.selected, Some(selected));
}

#[test]
fn a_rest_within_the_page_brings_the_details_at_once() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    world.keys("jj");
    world.take_effects();
    let settling = world.model.ui.queue.settling.expect("the details wait");
    world.send(Msg::Woken(Timer::Settle(settling.timer)));
    assert_eq!(loads(&world.take_effects()), 1);
}

#[test]
fn the_rows_of_the_page_stay_loaded_while_the_cursor_is_away() {
    let mut world = World::new(120, 40);
    let mut first = with_detail(snapshot(1..=120), 1);
    first.queue.total = 10_000;
    world.settle_with(&first);
    world.take_effects();
    for _ in 0..95 {
        world.press(KeyCode::Down);
    }
    let asked = world.take_effects().into_iter().rev().find_map(|effect| match effect {
        Effect::Load { query, .. } => Some((query.queue.anchor, query.queue.limit)),
        _ => None,
    });
    let Some((QueueAnchor::Rank(start), limit)) = asked else { panic!("no window by rank: {asked:?}") };
    assert_eq!(start, 0, "the page begins at the first row");
    assert!(limit > 95 + 30, "rows beyond the cursor are there before it comes to them");
}

#[test]
fn the_end_of_a_queue_that_is_not_loaded_is_loaded_first() {
    let mut world = World::new(120, 40);
    let mut first = with_detail(snapshot(1..=120), 1);
    first.queue.total = 5_000;
    world.settle_with(&first);
    world.take_effects();
    world.keys("G");
    let anchor = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Load { query, .. } => Some(query.queue.anchor),
        _ => None,
    });
    assert!(matches!(anchor, Some(QueueAnchor::Rank(rank)) if rank > 4_800), "{anchor:?}");
    let mut last = with_detail(snapshot(4_881..=5_000), 1);
    last.queue.total = 5_000;
    last.queue.start = 4_880;
    world.load(last);
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(5_000)));
    assert_eq!(world.model.ui.queue.rank, 4_999);
    assert_eq!(world.model.ui.queue.settling.map(|settling| settling.behind), Some(Behind::Details));
    world.take_effects();
    settle(&mut world);
    assert_eq!(loads(&world.take_effects()), 1, "its details follow the page");
}

#[test]
fn a_key_of_another_kind_brings_page_and_details_at_once() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=200), 1));
    world.press(KeyCode::PageDown);
    world.take_effects();
    let under_cursor = world.model.ui.queue.selected;
    world.keys("2");
    let asked = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Load { query, .. } => query.detail,
        _ => None,
    });
    assert_eq!(asked, under_cursor);
    assert_eq!(world.model.ui.queue.settling, None);
}

#[test]
fn typing_a_filter_asks_for_it_and_escape_takes_it_back() {
    let mut world = World::new(80, 24);
    world.settle_with(&with_detail(snapshot(1..=50), 1));
    world.keys("/dis");
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    assert_eq!(world.model.ui.queue.filter, "dis");
    world.press(KeyCode::Enter);
    world.keys("q"); // no longer typing: this is a key again
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Quit)));
    world.press(KeyCode::Esc);
    assert_eq!(world.model.ui.queue.filter, "");
}

#[test]
fn stale_answers_are_dropped() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=50), 1));
    let old = world.model.ui.loading.generation - 1;
    let loaded = crate::tui::msg::Loaded { snapshot: snapshot(90..=95), sop: Ok(None) };
    world.send(Msg::Loaded { generation: old, result: Ok(Box::new(loaded)) });
    assert_eq!(world.model.facts.snapshot.queue.rows.len(), 50);
}

proptest! {
    #[test]
    fn whatever_arrives_the_selected_incident_stays_selected(
        arrivals in prop::collection::vec(prop::collection::btree_set(1_i64..400, 1..120), 1..8),
        downs in 0_usize..40,
    ) {
        let mut world = World::new(120, 40);
        world.settle_with(&with_detail(snapshot(1..=150), 1));
        for _ in 0..downs {
            world.press(KeyCode::Down);
        }
        if world.model.ui.queue.settling.is_some() {
            settle_with(&mut world, 1..=150);
        }
        for ids in arrivals {
            let before = world.model.ui.queue.selected.unwrap();
            world.wait(1_000);
            world.send(Msg::Changed);
            let facts = with_detail(snapshot(ids.iter().copied()), before.0);
            if world.model.ui.loading.in_flight {
                world.load(facts);
            }
            let after = world.model.ui.queue.selected.unwrap();
            if ids.contains(&before.0) {
                prop_assert_eq!(after, before);
            }
            let queue = &world.model.ui.queue;
            prop_assert!(ids.contains(&after.0));
            prop_assert!(queue.rank >= queue.top && queue.rank < queue.top + world.model.queue_rows());
            prop_assert_eq!(world.model.facts.snapshot.queue.rows[queue.rank as usize].id, after);
        }
    }
}
