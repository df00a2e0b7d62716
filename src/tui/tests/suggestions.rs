//! Suggestions in the console: asked for by one key, shown with their difference to the plan, taken or left one by one.

use crossterm::event::KeyCode;

use super::chat::{came, gemini, message, prepared, preview};
use super::screens::screen;
use super::steer::{offers, sent, world_with};
use super::world::{NOW, World};
use crate::domain::id::{MessageId, RunId};
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::{Answer, Change, RunEvent, StopReason};
use crate::domain::run::item::{ItemId, ItemKind};
use crate::domain::run::suggestion::{Advice, Draft, Source, Suggestion, node_of_answer};
use crate::engine::ask::{AnswerEvent, Route};
use crate::engine::backend::Command;
use crate::tui::chat::preview::READ;
use crate::tui::msg::{ChatEffect, Effect};
use crate::tui::steer;
use crate::tui::ui::Overlay;

fn suggestion(number: u32, advice: Advice, source: Source, command: Option<&str>) -> RunEvent {
    let draft = Draft {
        advice,
        why: "the \u{202e} disk has few files".to_owned(),
        cites: vec!["E7".to_owned()],
        source,
        command: command.map(str::to_owned),
    };
    RunEvent::Suggested { suggestion: Box::new(Suggestion { number, draft }) }
}

fn by_model() -> Source {
    Source::Model { name: "gemini-3.8-flash".to_owned(), message: MessageId(7) }
}

/// A run with two suggestions of a model: a command that deletes, and to leave out a step that verifies.
fn suggested() -> World {
    world_with(|run| {
        let insert = Change::Insert {
            after: Some(ItemId(2)),
            title: "Remove it".to_owned(),
            node: Some(node_of_answer(MessageId(7), 0)),
            kind: ItemKind::Command,
        };
        run.apply(&suggestion(1, Advice::Plan { change: insert }, by_model(), Some("rm -rf /srv")), NOW);
        let verify = run.plan.items.last().unwrap().id;
        let skip = Change::Skip { item: verify, reason: "r".to_owned() };
        run.apply(&suggestion(2, Advice::Plan { change: skip }, by_model(), None), NOW);
    })
}

fn open(world: &mut World) {
    world.keys("R");
    assert_eq!(offers(world)[0], "Look at 2 suggested changes");
    world.press(KeyCode::Enter);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Suggestions(_))));
}

#[test]
fn each_is_shown_with_its_reason_its_risk_and_the_difference_at_every_size() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut world = suggested();
        world.send(crate::tui::msg::Msg::Resized(columns, rows));
        open(&mut world);
        let shown = screen(&world);
        for part in
            ["Take 1: insert \"Remove it\"", "Leave 1", "risk is Destroy", "rm -rf /srv", "+ ", "gemini-3.8-flash"]
        {
            assert!(shown.contains(part), "{part} at {columns}x{rows}:\n{shown}");
        }
        assert!(!shown.contains('\u{202e}') && shown.contains("u{202e}"), "what deceives is spelled out");
        world.keys("jj");
        let shown = screen(&world);
        assert!(shown.contains("Drops what verifies"), "{shown}");
    }
}

#[test]
fn one_key_takes_and_another_line_leaves_and_nothing_is_approved() {
    let mut world = suggested();
    open(&mut world);
    world.keys("jjj");
    world.press(KeyCode::Enter);
    let wanted = RunCommand::AnswerSuggestion { number: 2, answer: Answer::Dismissed };
    let commands = sent(&mut world);
    let [Command::Run { run: RunId(12), command }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(*command, wanted);
    world.press(KeyCode::Enter);
    let wanted = RunCommand::AnswerSuggestion { number: 1, answer: Answer::Accepted };
    let commands = sent(&mut world);
    let [Command::Run { command, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(*command, wanted);
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none() && sent(&mut world).is_empty());
}

fn chat_effects(world: &mut World) -> Vec<ChatEffect> {
    let effects = world.take_effects().into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Chat(effect) if !matches!(effect, ChatEffect::Colour(_)) => Some(effect),
            _ => None,
        })
        .collect()
}

#[test]
fn one_key_asks_and_what_would_be_sent_is_always_shown_before() {
    let mut world = world_with(|_| {});
    world.keys("c");
    let effects = chat_effects(&mut world);
    let [ChatEffect::PrepareSuggestions { number, run: RunId(12) }] = effects.as_slice() else { panic!("{effects:?}") };
    let number = *number;
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Preview(_))), "also when something was sent before");
    assert!(chat_effects(&mut world).is_empty());
    world.paint();
    world.wait(u64::try_from(READ.as_millis()).unwrap());
    world.press(KeyCode::Enter);
    let effects = chat_effects(&mut world);
    assert!(matches!(effects.as_slice(), [ChatEffect::Answer { .. }]), "{effects:?}");
    let answer = message(9, gemini(), "**1.** skip step 3: it has few files");
    came(&mut world, number, AnswerEvent::Done(Box::new(answer)));
    assert!(world.model.ui.notices.iter().any(|words| words.contains("run 12")) || world.model.ui.toast.is_some());
}

#[test]
fn what_was_not_sent_leaves_no_question_behind() {
    let mut world = world_with(|_| {});
    world.keys("c");
    let number = world.model.ui.chat.asked;
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    world.press(KeyCode::Esc);
    assert_eq!(world.model.ui.toast.as_ref().unwrap().text, "Nothing was sent.");
    assert!(world.model.ui.chat.turn.is_none() && world.model.ui.chat.drafts.is_empty());
}

#[test]
fn without_a_run_nothing_is_asked() {
    let mut world = world_with(|_| {});
    world.model.facts.snapshot.run = None;
    world.keys("c");
    assert!(chat_effects(&mut world).is_empty());
    assert!(world.model.ui.toast.as_ref().unwrap().text.contains("No run is on"));
}

#[test]
fn what_history_counted_is_a_hint_where_the_run_stopped() {
    let world = world_with(|run| {
        let reason = StopReason::Deviation { what: "df ended with exit 1".to_owned() };
        run.apply(&RunEvent::Stopped { item: Some(ItemId(2)), reason }, NOW);
        let skip = Change::Skip { item: ItemId(3), reason: "r".to_owned() };
        let history = Source::History { runs: 9, of: 11 };
        run.apply(&suggestion(1, Advice::Plan { change: skip }, history, None), NOW);
    });
    let mut world = world;
    world.model.ui.sop.cursor = 0;
    let line = steer::line(&world.model).unwrap();
    assert!(line.starts_with("R: skip step 3 as in 9 of 11 runs? run 12 stopped: "), "{line}");
}
