//! Steering a run: what is offered, what is sent, and what the pane says.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::world::{NOW, World, disk_full, snapshot, with_detail};
use crate::domain::action::attempt::Outcome;
use crate::domain::id::{AttemptId, RunId};
use crate::domain::procedure::NodeKind;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::deviation::Deviation;
use crate::domain::run::event::{Change, RunEvent, RunResult, StopReason};
use crate::domain::run::evidence::Evidence;
use crate::domain::run::item::{Basis, ItemId, ItemKind};
use crate::domain::run::poll::{Poll, PollOf, Seen};
use crate::domain::run::reading::Reading;
use crate::domain::run::{Limits, Plan, Run, plan};
use crate::domain::text::Repertoire;
use crate::engine::backend::{Command, Snapshot};
use crate::tui::draw::draw;
use crate::tui::look::Look;
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::pages;
use crate::tui::steer;
use crate::tui::theme::Bundled;
use crate::tui::ui::{Overlay, Page};

pub(super) fn run(facts: &Snapshot) -> Run {
    let (detail, document) = (facts.detail.as_ref().unwrap(), disk_full());
    let plan = Plan {
        alert: detail.record.alerts[0].key(),
        sop: document.procedure.sop.clone(),
        revision: document.procedure.revision.clone(),
        title: document.procedure.title.clone(),
        items: plan::of(&document.procedure, &document.source),
        limits: Limits::default(),
        after_attempt: AttemptId(0),
    };
    Run::new(RunId(12), detail.record.incident.id, plan, "ada".to_owned(), NOW)
}

pub(super) fn world_with(change: impl FnOnce(&mut Run)) -> World {
    let mut facts = with_detail(snapshot([1]), 1);
    let mut run = run(&facts);
    change(&mut run);
    facts.run = Some(run);
    let mut world = World::new(120, 40);
    world.settle_with(&facts);
    world.keys("2");
    world.take_effects();
    world
}

pub(super) fn sent(world: &mut World) -> Vec<Command> {
    let effects = world.take_effects();
    let commands = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { asked: Asked::Run, command } => Some(command),
        _ => None,
    });
    commands.collect()
}

pub(super) fn offers(world: &World) -> Vec<String> {
    steer::offers(&world.model).into_iter().map(|offer| offer.words).collect()
}

#[test]
fn a_run_is_begun_for_the_alert_on_the_screen() {
    let mut world = World::new(120, 40);
    let facts = with_detail(snapshot([1]), 1);
    world.settle_with(&facts);
    world.keys("2R");
    assert_eq!(offers(&world)[0], "Begin a run of Disk full");
    world.take_effects();
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    let [Command::StartRun { incident, alert, sop }] = commands.as_slice() else { panic!("{commands:?}") };
    let detail = facts.detail.unwrap();
    assert_eq!((*incident, alert.clone()), (detail.record.incident.id, detail.record.alerts[0].key()));
    assert_eq!(sop.as_str(), "bundled/disk-full.md");
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn a_question_is_answered_from_the_box() {
    let mut world = world_with(|_| {});
    let document = disk_full();
    let at = document.procedure.nodes.iter().position(|node| matches!(node.kind, NodeKind::Decision { .. })).unwrap();
    world.model.ui.sop.cursor = at;
    world.keys("R");
    let first = offers(&world)[0].clone();
    assert!(first.starts_with("Are the rotated logs the bulk of the space in use? yes"), "{first}");
    world.keys("j");
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    let [Command::Run { run: RunId(12), command: RunCommand::Decide { branch, basis, .. } }] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert!(matches!(basis, Basis::Person { .. }));
    let items = run(&with_detail(snapshot([1]), 1)).plan.items;
    let forks = items.iter().find_map(|item| match &item.kind {
        ItemKind::Decision { forks, .. } => Some(forks.clone()),
        _ => None,
    });
    assert_eq!(*branch, forks.unwrap()[1].node);
}

#[test]
fn why_a_run_stopped_is_said_and_words_are_asked_for() {
    let mut world = world_with(|run| {
        let outcome = Outcome::Exited { code: 1 };
        let evidence = Evidence::Attempt { attempt: AttemptId(7), outcome };
        run.apply(&RunEvent::Running { item: ItemId(1), attempt: AttemptId(7) }, NOW);
        run.apply(&RunEvent::Came { item: ItemId(1), evidence }, NOW);
        let reason = StopReason::Deviation { what: "df ended with exit 1".to_owned() };
        run.apply(&RunEvent::Stopped { item: Some(ItemId(1)), reason }, NOW);
    });
    let line = steer::line(&world.model).unwrap();
    assert!(line.contains("exit 1 [E7]") || line.contains("stopped"), "{line}");
    world.keys("R");
    assert!(offers(&world).contains(&"Go on".to_owned()), "{:?}", offers(&world));
    let end = offers(&world).iter().position(|words| words == "End the run").unwrap();
    (0..end).for_each(|_| world.keys("j"));
    world.press(KeyCode::Enter);
    world.press(KeyCode::Enter);
    assert!(sent(&mut world).is_empty(), "without words nothing is sent");
    world.keys("enough");
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    let wanted = RunCommand::Abandon { reason: "enough".to_owned() };
    assert!(matches!(commands.as_slice(), [Command::Run { command, .. }] if *command == wanted), "{commands:?}");
}

#[test]
fn escape_leaves_the_words_and_then_the_box_and_sends_nothing() {
    let mut world = world_with(|_| {});
    world.keys("R");
    let skip = offers(&world).iter().position(|words| words.starts_with("Skip: ")).unwrap();
    (0..skip).for_each(|_| world.keys("j"));
    world.press(KeyCode::Enter);
    world.keys("qR?");
    let Some(Overlay::Steer(shown)) = &world.model.ui.overlay else { panic!("the box is open") };
    assert_eq!(shown.asking.as_ref().unwrap().edit.text(), "qR?");
    world.press(KeyCode::Esc);
    assert!(matches!(&world.model.ui.overlay, Some(Overlay::Steer(shown)) if shown.asking.is_none()));
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none() && sent(&mut world).is_empty());
}

#[test]
fn a_silence_is_proposed_with_the_labels_of_the_alert_filled_in() {
    let mut world = world_with(|_| {});
    world.keys("R");
    let at = offers(&world).iter().position(|words| words == "Silence the alert").unwrap();
    (0..at).for_each(|_| world.keys("j"));
    world.press(KeyCode::Enter);
    let Some(Overlay::Steer(shown)) = &world.model.ui.overlay else { panic!("the box is open") };
    assert!(shown.asking.as_ref().unwrap().edit.text().starts_with("2h alertname=DiskFull"));
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    assert!(matches!(commands.as_slice(), [Command::ProposeSilence { .. }]), "{commands:?}");
}

#[test]
fn a_step_that_is_done_can_be_repeated() {
    let world = world_with(|run| {
        let evidence = Evidence::Attempt { attempt: AttemptId(7), outcome: Outcome::Exited { code: 0 } };
        run.apply(&RunEvent::Came { item: ItemId(1), evidence }, NOW);
    });
    let offers = steer::offers(&world.model);
    let repeat = steer::Choice::Say(RunCommand::Change(Change::Repeat { item: ItemId(1) }));
    assert!(offers.iter().any(|offer| offer.choice == repeat), "{offers:?}");
    assert_eq!(steer::title(world.model.facts.snapshot.run.as_ref().unwrap()).split(' ').nth(1), Some("12"));
}

/// A run whose first step was left out.
fn world_that_deviates() -> World {
    world_with(|run| {
        let reason = "the\u{202e} disk is known".to_owned();
        let change = Change::Skip { item: ItemId(1), reason: reason.clone() };
        run.apply(&RunEvent::Changed { change, created: None }, NOW);
        let deviation = Box::new(Deviation::Skipped { item: ItemId(1), reason });
        run.apply(&RunEvent::Deviated { deviation }, NOW);
    })
}

fn open_comparison(world: &mut World) {
    world.keys("R");
    let at = offers(world).iter().position(|words| words.starts_with("Compare run 12 with the SOP")).unwrap();
    (0..at).for_each(|_| world.keys("j"));
    world.press(KeyCode::Enter);
}

#[test]
fn the_sop_as_written_stands_against_the_run_as_done() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut world = world_that_deviates();
        world.send(Msg::Resized(columns, rows));
        open_comparison(&mut world);
        assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { page: Page::Comparison, .. })));
        let shown = pages::rows(&world.model, Page::Comparison);
        let text: Vec<String> = shown.iter().map(pages::text_of).collect();
        assert!(text.iter().any(|line| line.starts_with('-')), "{text:#?}");
        let whole = text.join(" ");
        assert!(whole.contains("left out: the"), "{whole}");
        assert!(whole.contains("skipped: step 1"), "{whole}");
        assert!(!whole.contains('\u{202e}'), "what deceives is spelled out");
        let width = usize::from(columns);
        assert!(text.iter().all(|line| crate::domain::text::width(line) <= width), "{text:#?}");
        assert!(sent(&mut world).is_empty());
        world.press(KeyCode::Esc);
        assert!(world.model.ui.overlay.is_none());
    }
}

#[test]
fn a_run_that_is_over_can_be_compared_with_how_much_it_deviates() {
    let mut world = world_with(|run| {
        let end = RunEvent::Ended { result: RunResult::Abandoned { reason: "enough".to_owned() } };
        run.apply(&end, NOW);
    });
    world.keys("R");
    assert!(offers(&world).contains(&"Compare run 12 with the SOP".to_owned()), "{:?}", offers(&world));
    let mut deviates = world_that_deviates();
    deviates.keys("R");
    assert!(offers(&deviates).contains(&"Compare run 12 with the SOP: 1 deviation".to_owned()));
}

fn drawn(world: &World) -> String {
    let area = Rect::new(0, 0, 120, 40);
    let mut buffer = Buffer::empty(area);
    let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
    draw(&mut buffer, &world.model, &look);
    buffer.content().iter().map(|cell| cell.symbol()).collect()
}

#[test]
fn a_run_that_polls_shows_what_was_seen_and_how_long_it_still_waits() {
    let mut world = world_with(|run| {
        let poll = Poll {
            condition: "the queue is below 10".to_owned(),
            of: PollOf::Query { promql: "queue".to_owned() },
            every: Duration::from_secs(15),
            at_most: Duration::from_secs(600),
        };
        run.plan.items[0].kind = ItemKind::Poll { poll };
        run.plan.items[0].title = "Wait\u{202e}".to_owned();
        let until = Some(NOW.plus(Duration::from_secs(600)));
        run.apply(&RunEvent::Entered { item: ItemId(1), until, asks: String::new() }, NOW);
        for (number, value) in [250.0, 120.0, 60.0].into_iter().enumerate() {
            let at = NOW.plus(Duration::from_secs(15 * number as u64));
            let seen = Seen { at, value: Some(Reading(value)), trouble: String::new(), attempt: None };
            run.apply(&RunEvent::Polled { item: ItemId(1), seen }, at);
        }
    });
    // Where no command is under the cursor whose values are to be shown.
    world.keys("g");
    let line = steer::line(&world.model).unwrap();
    assert_eq!(line, "run 12: 60 █▃▁, 10m left, Wait\u{202e}");
    let screen = drawn(&world);
    assert!(screen.contains("run 12 waits 10m") && screen.contains("60 █▃▁, 10m left"), "{screen}");
    assert!(!screen.contains('\u{202e}'), "{screen}");
    world.model.ui.now = NOW.plus(Duration::from_secs(595));
    assert!(drawn(&world).contains("run 12 waits <1m"));
}
