//! What is remembered of a place, and what comes back of it.

use std::time::Duration;

use super::chat::{gemini, message, person, with_chat};
use super::world::{NOW, World, snapshot, with_detail};
use crate::domain::chat::{ChatMessage, Conversation};
use crate::domain::id::{IncidentId, MessageId};
use crate::engine::backend::Snapshot;
use crate::tui::chat::text::Line;
use crate::tui::chat::view::Follow;
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

/// A conversation of two answers that fill several screens.
fn long_conversation() -> Snapshot {
    let long = |begin: usize| -> String {
        (begin..begin + 60).map(|number| format!("{number}. word{number} and some more words about it\n")).collect()
    };
    let answer = ChatMessage { thoughts: "ponder ".repeat(40), ..message(2, gemini(), &long(100)) };
    let more = vec![message(3, person(), "and then?"), message(4, gemini(), &long(200))];
    let messages = [vec![message(1, person(), "why?"), answer], more].concat();
    with_chat(with_detail(snapshot(1..=5), 1), messages)
}

fn top_line(world: &World) -> String {
    let chat = &world.model.ui.chat;
    let shown = chat.transcript.window(chat.top).find_map(|(_, line)| line);
    shown.map(Line::plain).unwrap_or_default()
}

#[test]
fn the_conversation_is_read_from_the_same_words_at_another_width() {
    let mut world = World::new(200, 50);
    world.settle_with(&long_conversation());
    world.keys("3gjjjjjjjjjjjjjjjjjjjj");
    let top = top_line(&world);
    let words = top.split_whitespace().find(|word| word.starts_with("word")).unwrap().to_owned();
    let bytes = Place::of(&world.model, NOW).to_bytes();
    for (columns, rows) in [(200, 50), (120, 40), (80, 24)] {
        let mut later = World::new(columns, rows);
        return_to(&mut later.model, Place::from_bytes(&bytes, NOW).unwrap());
        later.settle_with(&long_conversation());
        assert!(top_line(&later).contains(&words), "{columns}: {} is not {top}", top_line(&later));
        assert!(matches!(later.model.ui.chat.follow, Follow::Not { .. }));
    }
}

#[test]
fn who_was_at_the_end_of_the_conversation_is_at_its_end() {
    let mut world = World::new(120, 40);
    world.settle_with(&long_conversation());
    world.keys("3");
    let place = Place::of(&world.model, NOW);
    assert_eq!(place.chat, None);
    world.keys("g");
    let mut gone = Place::of(&world.model, NOW);
    if let Some(anchor) = &mut gone.chat {
        anchor.message = MessageId(99);
    }
    for place in [place, gone] {
        let mut later = World::new(80, 24);
        return_to(&mut later.model, place);
        later.settle_with(&long_conversation());
        assert_eq!(later.model.ui.chat.follow, Follow::End, "also when the message is gone");
    }
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
