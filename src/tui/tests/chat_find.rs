//! Finding in the conversation, and going from the chat to the search and back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::chat::{ask, chatting, gemini, message, person, prepared, preview, reload};
use super::screens::screen;
use super::world::World;
use crate::domain::chat::ChatMessage;
use crate::engine::ask::Route;
use crate::tui::chat::view::{Follow, Mode};
use crate::tui::layout::Pane;
use crate::tui::msg::Msg;
use crate::tui::ui::Overlay;

fn conversation() -> Vec<ChatMessage> {
    let filler = |from: usize| (from..from + 60).map(|number| format!("line {number}\n\n")).collect::<String>();
    let answer = format!("{}The Walrus is full.\n\n{}A walrus again.\n\n{}", filler(0), filler(60), filler(120));
    vec![message(1, person(), "why does the walrus page me?"), message(2, gemini(), &answer)]
}

fn find(world: &mut World, words: &str) {
    world.keys("/");
    world.send(Msg::Paste(words.to_owned()));
    world.press(KeyCode::Enter);
}

fn toast(world: &World) -> &str {
    world.model.ui.toast.as_ref().map_or("", |toast| toast.text.as_str())
}

#[test]
fn the_newest_place_is_shown_first_and_keys_go_round() {
    let mut world = chatting((80, 24), conversation());
    find(&mut world, "walrus");
    assert!(screen(&world).contains("A walrus again."), "{}", screen(&world));
    assert!(matches!(world.model.ui.chat.follow, Follow::Not { .. }), "who looks for something reads there");
    for (key, words) in [
        ("n", "why does the walrus"),
        ("n", "The Walrus is full."),
        ("n", "A walrus again."),
        ("N", "The Walrus is full."),
        ("N", "why does the walrus"),
        ("N", "A walrus again."),
    ] {
        world.keys(key);
        assert!(screen(&world).contains(words), "{key}: {}", screen(&world));
    }
    find(&mut world, "");
    assert!(screen(&world).contains("why does the walrus"), "an empty text goes on with the one before");
}

#[test]
fn what_is_typed_shows_and_can_be_left_and_nothing_else_hears_it() {
    let mut world = chatting((80, 24), conversation());
    world.keys("/");
    world.keys("qi3");
    assert!(screen(&world).contains("3 Chat /qi3"), "{}", screen(&world));
    assert_eq!((world.model.ui.focus, world.model.ui.chat.mode), (Pane::Chat, Mode::Reading));
    world.press(KeyCode::Esc);
    assert!(world.model.ui.chat.editing.is_none() && world.model.ui.chat.find.is_empty());
    world.keys("n");
    assert!(toast(&world).contains("Nothing to look for"), "{}", toast(&world));
    find(&mut world, "mammoth");
    assert!(toast(&world).contains("\"mammoth\" is not in this conversation"), "{}", toast(&world));
}

#[test]
fn messages_that_are_not_loaded_are_named_when_nothing_is_found() {
    let mut world = chatting((80, 24), conversation());
    world.model.facts.snapshot.chat.as_mut().unwrap().earlier = 7;
    find(&mut world, "mammoth");
    assert!(toast(&world).contains("7 earlier ones are not looked at"), "{}", toast(&world));
}

#[test]
fn the_place_stays_when_more_comes_and_matches_are_marked() {
    let mut world = chatting((80, 24), conversation());
    find(&mut world, "walrus");
    world.keys("N");
    let mut more = conversation();
    more.push(message(3, gemini(), "A third walrus."));
    reload(&mut world, more);
    assert!(screen(&world).contains("The Walrus is full."), "{}", screen(&world));
    let chat = &world.model.ui.chat;
    let marks = chat.transcript.marks("walrus", chat.top, 24);
    assert!(matches!(marks.as_slice(), [(_, bytes)] if *bytes == (4..10)), "{marks:?}");
    world.keys("nn");
    assert!(screen(&world).contains("A third walrus."), "{}", screen(&world));
}

#[test]
fn search_and_palette_open_while_the_chat_is_read() {
    let mut world = chatting((80, 24), conversation());
    world.keys("F");
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Search(_))));
    world.press(KeyCode::Esc);
    world.keys(":");
    assert!(screen(&world).contains("propose the code block"), "{}", screen(&world));
    world.keys("ask");
    world.press(KeyCode::Enter);
    assert_eq!((world.model.ui.focus, world.model.ui.chat.mode), (Pane::Chat, Mode::Typing));
}

#[test]
fn search_opens_over_a_question_and_leaves_it_as_it_was() {
    let mut world = chatting((80, 24), conversation());
    world.keys("i");
    world.keys("is it F:/");
    world.send(Msg::Key(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL)));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Search(_))));
    world.keys("disk");
    world.press(KeyCode::Esc);
    world.keys("?");
    let draft = world.model.ui.chat.draft().unwrap().text();
    assert_eq!((draft.as_str(), world.model.ui.chat.mode), ("is it F:/?", Mode::Typing));
}

#[test]
fn what_would_be_sent_does_not_come_over_a_text_that_is_being_typed() {
    let mut world = chatting((80, 24), conversation());
    let number = ask(&mut world, "why?");
    world.press(KeyCode::Esc);
    world.keys("/wal");
    prepared(&mut world, number, Route::Model(Box::new(preview(true))));
    assert!(world.model.ui.overlay.is_none());
    world.press(KeyCode::Enter);
    assert!(world.model.ui.overlay.is_none(), "{}", screen(&world));
    world.keys("i");
    world.press(KeyCode::Enter);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Preview(_))));
}
