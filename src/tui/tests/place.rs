//! What is remembered of a place, and what comes back of it.

use std::time::Duration;

use super::world::{NOW, World, snapshot, with_detail};
use crate::domain::chat::Conversation;
use crate::domain::id::IncidentId;
use crate::tui::layout::Pane;
use crate::tui::place::{KEPT_FOR, Place};
use crate::tui::update::return_to;

fn busy() -> World {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(0..8), 0));
    world.keys("3iwhy so full");
    world
}

#[test]
fn a_place_comes_back_with_its_draft_and_selection() {
    let world = busy();
    let bytes = Place::of(&world.model, NOW).to_bytes();
    let place = Place::from_bytes(&bytes, NOW.plus(Duration::from_secs(60))).unwrap();
    assert!(place.is_same(&Place::of(&world.model, NOW.plus(Duration::from_secs(5)))));
    let mut later = World::new(120, 40);
    return_to(&mut later.model, place);
    later.settle_with(&with_detail(snapshot(0..8), 0));
    assert_eq!(later.model.ui.focus, Pane::Chat);
    assert_eq!(later.model.ui.queue.selected, Some(IncidentId(0)));
    let draft = &later.model.ui.chat.drafts[&Conversation::Incident(IncidentId(0))];
    assert_eq!(draft.text(), "why so full");
}

#[test]
fn an_incident_that_is_gone_is_not_in_the_way() {
    let world = busy();
    let mut place = Place::of(&world.model, NOW);
    place.selected = Some(IncidentId(99));
    let mut later = World::new(120, 40);
    return_to(&mut later.model, place);
    later.settle_with(&with_detail(snapshot(0..8), 0));
    assert!(later.model.ui.returning.is_none());
    assert!(later.model.ui.queue.selected.is_some_and(|id| id != IncidentId(99)));
}

#[test]
fn old_places_and_other_files_are_not_gone_back_to() {
    let place = Place::of(&busy().model, NOW);
    let bytes = place.to_bytes();
    assert!(Place::from_bytes(&bytes, NOW.plus(KEPT_FOR)).is_some());
    assert!(Place::from_bytes(&bytes, NOW.plus(KEPT_FOR + Duration::from_secs(1))).is_none());
    assert!(Place::from_bytes(&bytes, NOW.minus(Duration::from_secs(1))).is_none());
    for other in [&b""[..], b"{}", b"null", &bytes[..bytes.len() - 1]] {
        assert!(Place::from_bytes(other, NOW).is_none());
    }
    let left = place.left().unwrap();
    assert_eq!((left.focus, left.selected, left.drafts.len()), (Pane::Incidents, None, 1));
}
