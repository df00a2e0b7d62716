//! The chat under messages: asking, reading, proposing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::screens::screen;
use super::world::{NOW, World, disk_full, du, first_command, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::attempt::{Attempt, AttemptState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::StepRef;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageState, statements};
use crate::domain::id::{AttemptId, IncidentId, MessageId};
use crate::engine::ask::{AnswerEvent, ChatHistory, ModelStatus, Prepared, PreparedId, Preview, Route};
use crate::engine::backend::{BackendError, Command, NeededValue, Snapshot};
use crate::tui::chat::view::{Follow, Mode, What};
use crate::tui::layout::Pane;
use crate::tui::msg::{Asked, ChatEffect, ChatMsg, Effect, Msg, Timer};
use crate::tui::ui::{Overlay, Page};

pub(super) const HERE: Conversation = Conversation::Incident(IncidentId(1));

/// A message of the conversation about incident 1.
pub(super) fn message(id: i64, author: Author, text: &str) -> ChatMessage {
    ChatMessage {
        id: MessageId(id),
        conversation: HERE,
        at: NOW,
        author,
        text: text.to_owned(),
        state: MessageState::Complete,
        usage: None,
        thoughts: String::new(),
        source_check: None,
        sources: vec!["bundled/disk-full.md".into()],
    }
}

pub(super) fn person() -> Author {
    Author::Person { name: "ada".to_owned() }
}

pub(super) fn gemini() -> Author {
    Author::Model { name: "gemini-3.8-flash".to_owned() }
}

/// Facts with this conversation.
pub(super) fn with_chat(mut facts: Snapshot, messages: Vec<ChatMessage>) -> Snapshot {
    facts.chat = Some(ChatHistory { conversation: HERE, messages, earlier: 0 });
    facts.model = ModelStatus::Ready { model: "gemini-3.8-flash".to_owned(), spent_today_micro_usd: 120_000 };
    facts
}

/// A console with this conversation, its chat in focus.
pub(super) fn chatting(size: (u16, u16), messages: Vec<ChatMessage>) -> World {
    let mut world = World::new(size.0, size.1);
    world.settle_with(&with_chat(with_detail(snapshot(1..=5), 1), messages));
    world.keys("3");
    world.take_effects();
    world
}

pub(super) fn reload(world: &mut World, messages: Vec<ChatMessage>) {
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_chat(with_detail(snapshot(1..=5), 1), messages));
}

fn press(world: &mut World, code: KeyCode, modifiers: KeyModifiers) {
    world.send(Msg::Key(KeyEvent::new(code, modifiers)));
}

fn ctrl(world: &mut World, key: char) {
    press(world, KeyCode::Char(key), KeyModifiers::CONTROL);
}

/// Types a question and sends it; returns its number.
pub(super) fn ask(world: &mut World, question: &str) -> u64 {
    world.keys("i");
    world.send(Msg::Paste(question.to_owned()));
    world.press(KeyCode::Enter);
    world.model.ui.chat.asked
}

pub(super) fn preview(first_ever: bool) -> Preview {
    Preview {
        model: "gemini-3.8-flash".to_owned(),
        destination: "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash".to_owned(),
        body: Arc::from(&b"{\"contents\":[{\"text\":\"why is \xe2\x80\xae it full on HOST_1?\"}]}"[..]),
        replaced: BTreeMap::from([("host name".to_owned(), 2)]),
        prompt_tokens: 4_321,
        cost_micro_usd: 2_345,
        left_today_micro_usd: 4_880_000,
        first_ever,
    }
}

pub(super) fn prepared(world: &mut World, number: u64, route: Route) {
    world.send(Msg::Chat(ChatMsg::Prepared { number, result: Ok(Prepared { id: PreparedId(9), route }) }));
}

pub(super) fn came(world: &mut World, number: u64, event: AnswerEvent) {
    world.send(Msg::Chat(ChatMsg::Came { number, events: vec![event] }));
}

pub(super) fn text(words: &str) -> AnswerEvent {
    AnswerEvent::Text(words.to_owned())
}

/// A question that a model is answering.
fn asked(world: &mut World) -> u64 {
    let number = ask(world, "why is it full?");
    prepared(world, number, Route::Model(Box::new(preview(false))));
    number
}

fn draft(world: &World) -> String {
    world.model.ui.chat.draft().map(|draft| draft.text()).unwrap_or_default()
}

fn answers(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Chat(ChatEffect::Answer { .. }))).count()
}

fn toast(world: &World) -> String {
    world.model.ui.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default()
}

#[test]
fn a_question_is_prepared_answered_and_shown() {
    let mut world = chatting((120, 40), Vec::new());
    let number = ask(&mut world, "why is it full?");
    let effects = world.take_effects();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Chat(ChatEffect::Prepare { ask, .. }) => Some(ask.clone()),
        _ => None,
    });
    let asked = asked.unwrap();
    assert_eq!((asked.conversation, asked.question.as_str()), (HERE, "why is it full?"));
    assert_eq!(asked.sop, Some(disk_full().procedure.sop.clone()));
    assert_eq!(draft(&world), "why is it full?", "it stays in its field until it is on its way");
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    assert_eq!(answers(&world.take_effects()), 1);
    assert_eq!(draft(&world), "");
    assert!(screen(&world).contains("asking, ctrl-k stops"), "{}", screen(&world));
    came(&mut world, number, AnswerEvent::Thought("hm".repeat(700)));
    assert!(screen(&world).contains("thinking") && screen(&world).contains("thoughts, 1.4 kB"), "{}", screen(&world));
    came(&mut world, number, text("It is the **wal**."));
    let shown = screen(&world);
    assert!(shown.contains("It is the wal.") && shown.contains("why is it full?"), "{shown}");
    let stored = vec![message(1, person(), "why is it full?"), message(2, gemini(), "It is the **wal**.")];
    came(&mut world, number, AnswerEvent::Done(Box::new(stored[1].clone())));
    assert_eq!(screen(&world).matches("It is the wal.").count(), 1);
    reload(&mut world, stored);
    let shown = screen(&world);
    assert_eq!(shown.matches("It is the wal.").count(), 1, "{shown}");
    assert_eq!(shown.matches("why is it full?").count(), 1, "{shown}");
}

#[test]
fn the_first_message_ever_is_shown_before_it_is_sent() {
    let mut world = chatting((120, 40), Vec::new());
    let number = ask(&mut world, "why is it full?");
    prepared(&mut world, number, Route::Model(Box::new(preview(true))));
    assert_eq!(answers(&world.take_effects()), 0);
    let shown = screen(&world);
    for part in [r"why is \u{202e} it full on HOST_1?", "generativelanguage", "4321 tokens", "US$0.0024", "2 host name"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    // The key that asked, pressed twice, sends nothing.
    world.press(KeyCode::Enter);
    world.paint();
    world.wait(499);
    world.press(KeyCode::Enter);
    assert_eq!(answers(&world.take_effects()), 0);
    assert!(toast(&world).contains("Too early"));
    world.wait(1);
    world.press(KeyCode::Enter);
    assert_eq!(answers(&world.take_effects()), 1);
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn one_can_always_look_first_and_go_back_with_the_question() {
    let mut world = chatting((120, 40), Vec::new());
    world.keys("i");
    world.keys("why?");
    ctrl(&mut world, 'o');
    let number = world.model.ui.chat.asked;
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Preview(_))));
    world.keys("/host_1");
    world.press(KeyCode::Enter);
    assert_eq!(toast(&world), "");
    world.keys("/nowhere");
    world.press(KeyCode::Enter);
    assert!(toast(&world).contains("\"nowhere\" is not in what would be sent"));
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none());
    assert_eq!(draft(&world), "why?");
    assert_eq!(answers(&world.take_effects()), 0);
    came(&mut world, number, text("late"));
    assert!(!screen(&world).contains("late"), "what comes of a question that was given up is dropped");
}

#[test]
fn a_preview_does_not_open_over_something_else() {
    let mut world = chatting((120, 40), Vec::new());
    let number = ask(&mut world, "why?");
    world.press(KeyCode::Esc);
    world.keys("?");
    prepared(&mut world, number, Route::Model(Box::new(preview(true))));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { .. })));
    world.keys("?");
    assert!(toast(&world).contains("The question is ready"), "{}", toast(&world));
    world.keys("i");
    world.press(KeyCode::Enter);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Preview(_))));
}

#[test]
fn a_second_question_waits_for_the_first_and_one_key_stops_it() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, text("partly"));
    ask(&mut world, "and now?");
    assert!(toast(&world).contains("stop it first (ctrl-k)"), "{}", toast(&world));
    assert_eq!(draft(&world), "iand now?", "the draft stays");
    world.take_effects();
    ctrl(&mut world, 'k');
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Chat(ChatEffect::Stop))));
    let shown = screen(&world);
    assert!(shown.contains("partly") && shown.contains("You stopped it here."), "{shown}");
    came(&mut world, number, text(" and more"));
    assert!(!screen(&world).contains("and more"));
    let mut cut = message(2, gemini(), "partly");
    cut.state = MessageState::Cut { reason: "you stopped it".to_owned() };
    reload(&mut world, vec![message(1, person(), "why is it full?"), cut]);
    let shown = screen(&world);
    assert!(shown.contains("Broken off here: you stopped it.") && !shown.contains("You stopped it here."), "{shown}");
    ctrl(&mut world, 'k');
    assert!(toast(&world).contains("nothing to stop"));
}

#[test]
fn a_fallback_says_what_it_is_and_drops_what_had_come() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, text("half a th"));
    came(&mut world, number, AnswerEvent::Fallback { why: "The quota is spent.".to_owned() });
    came(&mut world, number, text("Look at step 1."));
    let shown = screen(&world).replace('\n', " ");
    assert!(shown.contains("Answered from SOPs and history,") && !shown.contains("half a th"), "{shown}");
    assert!(shown.contains("Look at step 1."), "{shown}");
    let mut offline = chatting((80, 24), Vec::new());
    let number = ask(&mut offline, "why?");
    prepared(&mut offline, number, Route::Local { why: "No model is configured.".to_owned() });
    assert_eq!(answers(&offline.take_effects()), 1);
    came(&mut offline, number, text("From the SOP."));
    let shown = screen(&offline);
    assert!(shown.contains("not by a model: No model is configured."), "{shown}");
}

#[test]
fn an_answer_that_broke_off_stays_above_the_fallback() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, text("half a th"));
    let cut = MessageState::Cut { reason: "Gemini said nothing for 30 s".to_owned() };
    let broken = ChatMessage { state: cut, ..message(2, gemini(), "half a th") };
    came(&mut world, number, AnswerEvent::Broken(Box::new(broken.clone())));
    came(&mut world, number, AnswerEvent::Fallback { why: "Gemini said nothing for 30 s.".to_owned() });
    came(&mut world, number, text("Look at step 1."));
    let whole = |shown: &str| {
        let order = ["half a th", "Broken off here: Gemini said nothing", "Answered from SOPs", "Look at step 1."];
        let places: Vec<usize> =
            order.iter().map(|part| shown.find(part).unwrap_or_else(|| panic!("{part}: {shown}"))).collect();
        assert!(places.is_sorted() && shown.matches("half a th").count() == 1, "{shown}");
    };
    whole(&screen(&world));
    // Loaded before it is over, and when it is.
    let question = message(1, person(), "why is it full?");
    reload(&mut world, vec![question.clone(), broken.clone()]);
    whole(&screen(&world));
    let why = "Gemini said nothing for 30 s.".to_owned();
    let last = message(3, Author::Fallback { why }, "Look at step 1.");
    came(&mut world, number, AnswerEvent::Done(Box::new(last.clone())));
    whole(&screen(&world));
    reload(&mut world, vec![question, broken, last]);
    whole(&screen(&world));
}

#[test]
fn a_long_answer_that_is_there_at_once_is_read_from_its_beginning() {
    let mut world = chatting((80, 24), vec![message(1, person(), "q"), long_answer()]);
    let number = ask(&mut world, "why?");
    prepared(&mut world, number, Route::Local { why: "No model is configured.".to_owned() });
    let lines: Vec<String> = (0..60).map(|number| format!("passage {number}\n\n")).collect();
    came(&mut world, number, text(&lines.concat()));
    let shown = screen(&world);
    assert!(shown.contains("Answered from SOPs") && shown.contains("passage 0"), "{shown}");
    assert!(shown.contains("new lines below") && !shown.contains("passage 59"), "{shown}");
    press(&mut world, KeyCode::Esc, KeyModifiers::NONE);
    world.keys("G");
    let shown = screen(&world);
    assert!(shown.contains("passage 59") && !shown.contains("new lines below"), "{shown}");
    // Who has been at the end stays there.
    came(&mut world, number, text("and one more"));
    assert!(screen(&world).contains("and one more"));
}

#[test]
fn a_retry_counts_down_and_a_failure_gives_the_question_back() {
    let mut world = chatting((200, 50), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, AnswerEvent::Retrying { seconds: 12, why: "it is overloaded".to_owned() });
    assert!(screen(&world).contains("retry in 12 s: it is overloaded"), "{}", screen(&world));
    world.wait(5_000);
    world.take_effects();
    world.send(Msg::Woken(Timer::Retry(number)));
    assert!(screen(&world).contains("retry in 7 s"));
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Wake(_, Timer::Retry(_)))));
    let error = BackendError::Failed("The database is locked. Try again.".to_owned());
    world.send(Msg::Chat(ChatMsg::Failed { number, error }));
    assert_eq!(draft(&world), "why is it full?");
    assert!(toast(&world).contains("The database is locked."));
}

#[test]
fn a_question_that_fails_comes_back_before_what_was_typed_since() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    world.keys("and the next");
    world.send(Msg::Chat(ChatMsg::Failed { number, error: BackendError::Failed("The disk is full.".to_owned()) }));
    assert_eq!(draft(&world), "why is it full?\nand the next");
}

#[test]
fn an_answer_that_could_not_be_stored_or_ended_is_said() {
    for (event, words) in [
        (Some(AnswerEvent::Lost { why: "Not stored: the disk is full.".to_owned() }), "Not stored: the disk is full."),
        (None, "No answer: it ended"),
    ] {
        let mut world = chatting((120, 40), Vec::new());
        let number = asked(&mut world);
        came(&mut world, number, text("words"));
        match event {
            Some(event) => came(&mut world, number, event),
            None => world.send(Msg::Chat(ChatMsg::Ended { number })),
        }
        assert!(screen(&world).contains(words) && screen(&world).contains("words"), "{}", screen(&world));
    }
}

#[test]
fn the_field_takes_lines_and_pastes_and_never_sends_them() {
    let mut world = chatting((120, 40), vec![message(1, person(), "an earlier one")]);
    world.keys("i");
    world.keys("one");
    press(&mut world, KeyCode::Enter, KeyModifiers::ALT);
    world.keys("two");
    ctrl(&mut world, 'j');
    world.send(Msg::Paste("three\r\nfour\r".to_owned()));
    assert_eq!(draft(&world), "one\ntwo\nthree\nfour\n");
    assert!(world.take_effects().iter().all(|effect| !matches!(effect, Effect::Chat(_))));
    world.send(Msg::Paste("x".repeat(1 << 20)));
    assert!(toast(&world).contains("at most 32 kB"));
    for _ in 0..5 {
        world.press(KeyCode::Up);
    }
    assert_eq!(draft(&world), "an earlier one");
    world.press(KeyCode::Down);
    assert_eq!(draft(&world), "one\ntwo\nthree\nfour\n");
    world.press(KeyCode::Esc);
    assert_eq!((world.model.ui.chat.mode, world.model.ui.focus), (Mode::Reading, Pane::Chat));
}

#[test]
fn each_conversation_keeps_its_draft() {
    let mut world = chatting((120, 40), Vec::new());
    world.keys("i");
    world.keys("mine");
    world.press(KeyCode::Esc);
    world.keys("1j");
    world.keys("3i");
    assert_eq!(draft(&world), "", "the conversation follows the cursor as soon as a key is meant for it");
    assert_eq!(world.model.ui.chat.conversation, Conversation::Incident(IncidentId(2)));
    world.press(KeyCode::Esc);
    world.keys("1k3");
    assert_eq!(draft(&world), "mine");
}

fn long_answer() -> ChatMessage {
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}\n\n")).collect();
    message(2, gemini(), &format!("{}\n```sh\ndf -h <mountpoint>\n```\nend", lines.concat()))
}

#[test]
fn who_scrolled_up_stays_there_and_is_told_what_comes() {
    let mut world = chatting((120, 40), vec![message(1, person(), "q"), long_answer()]);
    assert!(screen(&world).contains("end"), "a conversation opens at its end");
    world.keys("kkkkkkkkkkkk");
    let before = screen(&world);
    let number = world.model.ui.chat.asked;
    assert_eq!(number, 0);
    let more = message(3, gemini(), "a\n\nb\n\nc");
    reload(&mut world, vec![message(1, person(), "q"), long_answer(), more]);
    let line = before.lines().nth(8).unwrap().rsplit('│').next().unwrap().to_owned();
    let shown = screen(&world);
    assert!(shown.lines().nth(8).unwrap().ends_with(&line), "{shown}");
    assert!(shown.contains("7 new lines below"), "{shown}");
    world.keys("G");
    assert_eq!(world.model.ui.chat.follow, Follow::End);
    assert!(!screen(&world).contains("new lines below"));
}

#[test]
fn a_code_block_is_proposed_for_the_firing_alert_and_asks_for_values() {
    let mut world = chatting((120, 40), vec![message(1, person(), "q"), long_answer()]);
    world.keys("r");
    assert!(toast(&world).contains("No code block is chosen."));
    world.keys("]r");
    let effects = world.take_effects();
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Send { asked: Asked::Propose(request), command } => Some((request.clone(), command.clone())),
        _ => None,
    });
    let (request, command) = sent.unwrap();
    assert!(matches!(
        command,
        Command::ProposeFromChat { incident: IncidentId(1), message: MessageId(2), block: 0, .. }
    ));
    let value =
        NeededValue { name: "mountpoint".to_owned(), surface: "<mountpoint>".to_owned(), problem: String::new() };
    world.send(Msg::Answered { asked: Asked::Propose(request), result: Err(BackendError::NeedsValues(vec![value])) });
    assert!(screen(&world).contains("df -h <mountpoint>"), "what values are asked for is shown");
    world.keys("/srv");
    world.press(KeyCode::Enter);
    let effects = world.take_effects();
    let values = effects.iter().find_map(|effect| match effect {
        Effect::Send { command: Command::ProposeFromChat { values, .. }, .. } => Some(values.clone()),
        _ => None,
    });
    assert_eq!(values.unwrap()["mountpoint"], "/srv");
}

#[test]
fn nothing_is_proposed_without_an_alert_or_from_an_answer_that_is_still_coming() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    world.press(KeyCode::Esc);
    came(&mut world, number, text("```sh\nls\n```\nand"));
    world.keys("]r");
    assert!(toast(&world).contains("still coming"), "{}", toast(&world));
    let done = message(2, gemini(), "```sh\nls\n```\nand");
    came(&mut world, number, AnswerEvent::Done(Box::new(done.clone())));
    world.take_effects();
    world.keys("r");
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Send { .. })), "the cursor stayed");
    let mut quiet = with_chat(with_detail(snapshot(1..=5), 1), vec![done]);
    quiet.detail.as_mut().unwrap().record.alerts.clear();
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&quiet);
    world.keys("r");
    assert!(toast(&world).contains("has no alert that anything could run for."));
}

#[test]
fn a_citation_opens_the_sop_at_its_step() {
    let node = first_command();
    let words = format!("See [sop:bundled/disk-full.md#{node}] or [sop:made/up.md#x].");
    let messages = vec![message(1, gemini(), &words)];
    let mut world = chatting((120, 40), messages.clone());
    world.keys("}");
    assert!(matches!(world.model.ui.chat.cursor.map(|spot| spot.what), Some(What::Citation(0))));
    world.press(KeyCode::Enter);
    assert_eq!(world.model.ui.focus, Pane::Sop);
    let cursor = world.model.ui.sop.cursor;
    assert_eq!(disk_full().procedure.nodes[cursor].id, node);
    world.settle_with(&with_chat(with_detail(snapshot(1..=5), 1), messages));
    assert_eq!(world.model.ui.sop.cursor, cursor, "it stays there");
    world.keys("3}");
    world.take_effects();
    world.press(KeyCode::Enter);
    let effects = world.take_effects();
    let loads = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Load { sop: Some(sop), .. } if sop.as_str() == "made/up.md"));
    assert!(loads);
}

#[test]
fn a_citation_of_what_was_run_opens_its_output_and_one_of_the_incident_its_details() {
    let words = "It is full [E2], says [incident], not [E77].";
    let mut facts = with_attempt(with_detail(snapshot(1..=5), 1), "94%\n", 3);
    let attempts = &mut facts.detail.as_mut().unwrap().record.attempts;
    let older = attempts[0].clone();
    attempts.insert(0, Attempt { id: AttemptId(2), ..older });
    let mut world = World::new(120, 40);
    world.settle_with(&with_chat(facts, vec![message(1, gemini(), words)]));
    world.keys("3}");
    world.take_effects();
    world.press(KeyCode::Enter);
    assert_eq!((world.model.ui.focus, world.model.ui.output.attempt), (Pane::Output, Some(AttemptId(2))));
    assert!(world.take_effects().iter().any(|effect| matches!(effect, Effect::Load { .. })), "it is loaded");
    world.keys("3}");
    world.press(KeyCode::Enter);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { page: Page::Incident, .. })));
    world.press(KeyCode::Esc);
    world.keys("}");
    world.press(KeyCode::Enter);
    assert!(toast(&world).contains("Nothing with the number 77 was run"), "{}", toast(&world));
}

#[test]
fn thoughts_are_one_line_until_a_key_unfolds_them() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    world.press(KeyCode::Esc);
    came(&mut world, number, AnswerEvent::Thought("It may be the wal files.".to_owned()));
    assert!(!screen(&world).contains("It may be the wal files."));
    world.keys("t");
    assert!(screen(&world).contains("It may be the wal files."), "{}", screen(&world));
    // The answer comes, and another question is asked: they stay where they were.
    let thoughts = "It may be the wal files.".to_owned();
    let answer = ChatMessage { thoughts, ..message(7, gemini(), "Look at the wal files.") };
    came(&mut world, number, AnswerEvent::Done(Box::new(answer.clone())));
    assert_eq!(screen(&world).matches("It may be the wal files.").count(), 1, "{}", screen(&world));
    reload(&mut world, vec![message(6, person(), "why?"), answer]);
    assert_eq!(screen(&world).matches("It may be the wal files.").count(), 1, "{}", screen(&world));
    asked(&mut world);
    world.press(KeyCode::Esc);
    assert_eq!(screen(&world).matches("It may be the wal files.").count(), 1, "{}", screen(&world));
    world.keys("t");
    assert!(!screen(&world).contains("It may be the wal files."));
    assert!(screen(&world).contains("thoughts, 0.1 kB (t shows them)"), "{}", screen(&world));
}

/// An answer whose second paragraph and last item have no source.
fn half_supported() -> ChatMessage {
    let text = "The disk is full [sop:bundled/disk-full.md].\n\nLogs **have grown** a lot since noon, all of them in one \
                directory that nobody looks after.\n\n- Look at it.\n- It crashed twice.\n";
    let check = statements::check(text, |_| true);
    assert_eq!(check.statements, 3);
    ChatMessage { source_check: Some(check), ..message(2, gemini(), text) }
}

#[test]
fn statements_without_a_source_are_marked_and_counted() {
    let world = chatting((120, 40), vec![message(1, person(), "why?"), half_supported()]);
    let screen = screen(&world);
    let pane: Vec<&str> = screen.lines().filter_map(|line| line.get(line.char_indices().nth(80)?.0..)).collect();
    let marked: Vec<&str> = pane.iter().filter_map(|line| line.split_once('?').map(|(_, words)| words)).collect();
    let begins = |words: &str| marked.iter().filter(|line| line.starts_with(words)).count();
    assert_eq!((begins("Logs have grown"), begins("• It crashed")), (1, 1), "{screen}");
    assert_eq!((begins("The disk"), begins("• Look")), (0, 0), "{screen}");
    assert!(screen.contains("? 2 of 3 statements have no source"), "{screen}");
}

#[test]
fn what_is_on_its_way_has_no_marks_and_storing_it_changes_only_these() {
    let mut world = chatting((120, 40), Vec::new());
    let number = asked(&mut world);
    world.press(KeyCode::Esc);
    let mut done = half_supported();
    came(&mut world, number, AnswerEvent::Text(done.text.clone()));
    let before: Vec<String> = world.model.ui.chat.transcript.numbered().map(|(_, _, line)| line.plain()).collect();
    let marks = |world: &World| {
        let transcript = &world.model.ui.chat.transcript;
        transcript.numbered().filter(|(_, entry, line)| entry.is_unsupported(line)).count()
    };
    assert_eq!(marks(&world), 0);
    done.id = MessageId(9);
    came(&mut world, number, AnswerEvent::Done(Box::new(done)));
    assert_eq!(marks(&world), 2);
    let after: Vec<String> = world.model.ui.chat.transcript.numbered().map(|(_, _, line)| line.plain()).collect();
    let same = before.iter().zip(&after).filter(|(before, after)| before == after).count();
    assert!(before.len() - same <= 1, "only the head, which gets its time: {before:?} {after:?}");
}

#[test]
fn the_model_stands_in_the_header() {
    let mut world = chatting((120, 40), Vec::new());
    assert!(screen(&world).lines().next().unwrap().contains("gemini-3.8-flash $0.12"), "{}", screen(&world));
    world.model.facts.snapshot.model = ModelStatus::Offline { model: "g".to_owned(), why: "No key.".to_owned() };
    assert!(screen(&world).lines().next().unwrap().contains("○ model offline"));
}

/// A console in which incident 1 was asked about and incident 2 is on the screen.
fn asked_and_gone_on() -> (World, u64) {
    let mut world = chatting((80, 24), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, text("partly"));
    world.press(KeyCode::Esc);
    world.keys("1j3");
    world.settle_with(&with_detail(snapshot(1..=5), 2));
    world.take_effects();
    (world, number)
}

#[test]
fn an_answer_is_neither_stopped_nor_hidden_by_keys_in_the_chat_of_another_incident() {
    let (mut world, number) = asked_and_gone_on();
    ctrl(&mut world, 'k');
    assert!(world.take_effects().iter().all(|effect| !matches!(effect, Effect::Chat(ChatEffect::Stop))));
    assert!(toast(&world).contains("The answer for #1 is still on its way"), "{}", toast(&world));
    ask(&mut world, "and this one?");
    assert!(toast(&world).contains("The answer for #1 is still on its way"), "{}", toast(&world));
    assert_eq!(draft(&world), "and this one?", "the draft stays");
    came(&mut world, number, text(" and the rest"));
    assert!(world.model.ui.chat.turn.as_ref().is_some_and(|turn| turn.text == "partly and the rest"));
}

#[test]
fn an_answer_that_ends_unseen_is_told() {
    let (mut world, number) = asked_and_gone_on();
    came(&mut world, number, AnswerEvent::Done(Box::new(message(2, gemini(), "partly"))));
    assert_eq!(toast(&world), "The answer for #1 has come to its end: its own chat shows it.");
    let mut world = chatting((80, 24), Vec::new());
    let number = asked(&mut world);
    world.press(KeyCode::Esc);
    world.keys("1");
    came(&mut world, number, AnswerEvent::Done(Box::new(message(2, gemini(), "partly"))));
    assert_eq!(toast(&world), "The answer for #1 has come to its end: 3 shows it.");
    let mut world = chatting((80, 24), Vec::new());
    let number = asked(&mut world);
    came(&mut world, number, AnswerEvent::Done(Box::new(message(2, gemini(), "partly"))));
    assert_eq!(toast(&world), "", "it ended before the person's eyes");
}

#[test]
fn the_title_says_which_incident_the_chat_is_about_and_what_was_spent() {
    let world = chatting((80, 24), Vec::new());
    let shown = screen(&world);
    let title = shown.lines().nth(1).unwrap_or_default();
    for part in ["3 Chat #1 DiskFull eu1 team-1/orders", "gemini-3.8-flash $0.12"] {
        assert!(title.contains(part), "{part} in {title}");
    }
    let mut world = world;
    let number = asked(&mut world);
    came(&mut world, number, text("partly"));
    let shown = screen(&world);
    let title = shown.lines().nth(1).unwrap_or_default();
    assert!(title.contains("#1 DiskFull") && title.contains("ctrl-k stops"), "{title}");
    let wide = chatting((120, 40), Vec::new());
    assert!(screen(&wide).contains("3 Chat #1 gemini"), "{}", screen(&wide));
}

/// The facts of an answer with one command, from which something was proposed or run.
fn acted(change: impl FnOnce(Snapshot) -> Snapshot) -> Snapshot {
    let messages = vec![message(1, person(), "q"), message(2, gemini(), "Look:\n\n```sh\ndu -xh /srv\n```\n")];
    let mut facts = change(with_chat(with_detail(snapshot(1..=5), 1), messages));
    let record = &mut facts.detail.as_mut().unwrap().record;
    let step = StepRef::of_answer(MessageId(2), 0, "", "assistant: du".to_owned());
    record.attempts.iter_mut().for_each(|attempt| attempt.step = step.clone());
    record.proposals.iter_mut().for_each(|proposal| proposal.spec.step = step.clone());
    facts
}

#[test]
fn a_code_block_says_what_came_of_its_command_and_the_end_of_an_attempt_is_told() {
    let mut world = chatting((80, 24), Vec::new());
    let mut show = |facts: &Snapshot| {
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(facts);
        (screen(&world), toast(&world))
    };
    show(&acted(|facts| facts));
    let (shown, _) = show(&acted(|facts| with_proposal(facts, du(1, Risk::Read))));
    assert!(shown.contains("du -xh /srv  ▲ to approve"), "{shown}");
    let mut running = acted(|facts| with_attempt(facts, "", 0));
    running.detail.as_mut().unwrap().record.attempts[0].state = AttemptState::IntentStored;
    let (shown, said) = show(&running);
    assert!(shown.contains("starting") && said.is_empty(), "{said} {shown}");
    let (shown, said) = show(&acted(|facts| with_attempt(facts, "", 3)));
    assert!(shown.contains("du -xh /srv  ✘ exit 3"), "{shown}");
    assert_eq!(said, "Attempt 1: exit 3; 4 shows the output.");
    world.keys("4");
    assert_eq!(toast(&world), "");
    reload(&mut world, Vec::new());
    assert_eq!(toast(&world), "", "it is told once");
}
