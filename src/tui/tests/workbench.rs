//! The page on which an SOP is improved or drafted.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::KeyCode;

use super::world::{World, disk_full, snapshot, with_detail};
use crate::domain::id::RunId;
use crate::domain::procedure::NodeKind;
use crate::domain::run::draft::Draft;
use crate::domain::run::improve::{Correction, Finding, FindingKind, Sighting, SopEdit};
use crate::domain::time::Timestamp;
use crate::engine::backend::{BackendError, Command, Done};
use crate::engine::improving::Improvement;
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::ui::Overlay;
use crate::tui::workbench::{Content, Found, Subject, Workbench};

fn improvement() -> Improvement {
    let document = disk_full();
    let commands: Vec<_> =
        document.procedure.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Command { .. })).collect();
    let finding = |number: usize, correction| Finding {
        number,
        kind: FindingKind::Edited,
        node: Some(commands[number].id.clone()),
        line: Some(commands[number].line),
        words: format!("Step {number} \u{202e}\u{1b}[31m was edited"),
        seen: 6,
        of: 7,
        sightings: vec![Sighting { run: RunId(3), at: Timestamp::from_millis(0) }],
        correction,
    };
    let edit = |number: usize| Correction::Patch {
        edit: SopEdit::Command { node: commands[number].id.clone(), script: format!("df -hT {number}") },
        risk: None,
    };
    let told = Correction::Told { why: "nobody knows".to_owned() };
    Improvement { findings: vec![finding(1, edit(1)), finding(2, edit(2)), finding(3, told)], runs: 7, document }
}

/// A console with the SOP pane in focus.
fn world() -> World {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot([1]), 1));
    world.keys("2");
    world.take_effects();
    world
}

fn bench(world: &World) -> &Workbench {
    match &world.model.ui.overlay {
        Some(Overlay::Workbench(bench)) => bench,
        other => panic!("{other:?}"),
    }
}

fn asked(world: &mut World) -> (u64, Subject) {
    let asked = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Workbench { number, subject } => Some((number, subject)),
        _ => None,
    });
    asked.unwrap()
}

fn sent(world: &mut World) -> Vec<Command> {
    let effects = world.take_effects().into_iter();
    effects.filter_map(|effect| if let Effect::Send { command, .. } = effect { Some(command) } else { None }).collect()
}

#[test]
fn findings_are_taken_and_left_and_exactly_the_shown_patch_is_written() {
    let mut world = world();
    world.keys("I");
    let (number, subject) = asked(&mut world);
    assert_eq!(subject, Subject::Improve(disk_full().procedure.sop.clone()));
    world.press(KeyCode::F(8));
    assert!(sent(&mut world).is_empty(), "nothing is written before there is anything to see");
    let late = Ok(Found::Draft(Arc::new(Draft { title: String::new(), text: String::new(), left_out: Vec::new() })));
    world.send(Msg::Workbench { number: number + 100, result: late });
    assert!(matches!(bench(&world).content, Content::Awaited), "an answer to another question is dropped");
    world.send(Msg::Workbench { number, result: Ok(Found::Improvement(Arc::new(improvement()))) });
    assert_eq!(bench(&world).taken, BTreeSet::from([1, 2]));
    let rows = crate::tui::update::bench_lines(&world.model, bench(&world));
    let text: String = rows.iter().map(|row| format!("{}\n", row.text)).collect();
    assert!(text.contains("[x] 1.") && text.contains(" -  3.") && text.contains("+   df -hT 1"), "{text}");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{text:?}");

    world.keys("j");
    world.keys(" ");
    assert_eq!(bench(&world).taken, BTreeSet::from([1]));
    world.keys("j");
    world.keys(" ");
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("nobody knows")));
    let shown = improvement().patch(&BTreeSet::from([1])).digest;
    world.send(Msg::Paste("\n".to_owned()));
    world.press(KeyCode::Enter);
    assert!(sent(&mut world).is_empty());
    world.press(KeyCode::F(8));
    world.press(KeyCode::F(8));
    let commands = sent(&mut world);
    let [Command::PatchSop { taken, digest, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((taken, digest), (&BTreeSet::from([1]), &shown));
    let failed = Err(BackendError::Failed("It changed meanwhile.".to_owned()));
    world.send(Msg::Answered { asked: Asked::Sop, result: failed });
    assert!(!bench(&world).sent, "it can be tried again");
    world.send(Msg::Answered { asked: Asked::Sop, result: Ok(Done::Sop("Changed".to_owned())) });
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn a_draft_is_shown_and_saved_under_a_name_that_a_person_types() {
    let mut world = world();
    world.keys("D");
    let (number, subject) = asked(&mut world);
    let Subject::Draft { run: None, .. } = subject else { panic!("{subject:?}") };
    let text: String = (0..100).map(|line| format!("line {line}\n")).collect();
    let draft = Draft { title: "T".to_owned(), text, left_out: vec!["A command is left out.".to_owned()] };
    world.send(Msg::Workbench { number, result: Ok(Found::Draft(Arc::new(draft))) });
    world.keys("G");
    assert!(bench(&world).top > 50);
    world.press(KeyCode::F(8));
    world.press(KeyCode::Enter);
    assert!(sent(&mut world).is_empty(), "without a name nothing is saved");
    world.keys("team/x");
    world.press(KeyCode::Enter);
    let shown = bench(&world).shown_draft().unwrap();
    let commands = sent(&mut world);
    let [Command::SaveDraft { name, shown: sent, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((name.as_str(), sent), ("team/x", &shown));
    let there = Err(BackendError::Failed("Not saved: x is there already.".to_owned()));
    world.send(Msg::Answered { asked: Asked::Sop, result: there });
    assert!(bench(&world).naming.is_some(), "another name can be typed");
    world.press(KeyCode::Esc);
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none());
}
