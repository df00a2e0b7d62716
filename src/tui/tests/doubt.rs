//! Attempts of which nobody knows how they ended: their effect comes first, with one key.

use crossterm::event::KeyCode;

use super::screens::screen;
use super::world::{NOW, World, first_command, snapshot, with_attempt, with_detail};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::doubt::{Doubt, Settled, Verification};
use crate::domain::id::{AttemptId, NodeId};
use crate::engine::backend::{Command, Snapshot};
use crate::tui::msg::Effect;
use crate::tui::steer;

/// An attempt of which nobody knows how it ended; `verified` says whether the document shows its effect.
fn facts(verified: bool, settled: Option<Settled>) -> Snapshot {
    let mut facts = with_attempt(with_detail(snapshot(1..=5), 1), "begun\n", 0);
    let detail = facts.detail.as_mut().unwrap();
    let attempt = &mut detail.record.attempts[0];
    let outcome = Outcome::Unknown { reason: "the supervisor is gone".to_owned() };
    attempt.state = AttemptState::Ended { outcome, at: NOW };
    let verification = Verification { node: "look".into(), title: "See what is used now".to_owned() };
    detail.doubts = vec![Doubt {
        attempt: attempt.id,
        proposal: attempt.proposal,
        incident: attempt.incident,
        alert: detail.record.alerts[0].key(),
        step: attempt.step.clone(),
        alert_state: "the alert still fires".to_owned(),
        verifications: verified.then_some(verification).into_iter().collect(),
        settled,
    }];
    facts
}

fn world(verified: bool, settled: Option<Settled>) -> World {
    let mut world = World::new(120, 40);
    world.settle_with(&facts(verified, settled));
    world.take_effects();
    world
}

fn sent(world: &mut World) -> Vec<Command> {
    let effects = world.take_effects();
    effects
        .into_iter()
        .filter_map(|effect| if let Effect::Send { command, .. } = effect { Some(command) } else { None })
        .collect()
}

#[test]
fn the_effect_stands_first_in_the_output_and_on_the_incident() {
    let mut world = world(true, None);
    let shown = screen(&world);
    assert!(shown.contains("#1 attempt 1 ended unknown") && shown.contains("its effect first (E/V)"), "{shown}");
    assert!(shown.contains("E look at effect  V say you looked"), "{shown}");
    world.keys("4");
    let shown = screen(&world);
    let at = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{words}: {shown}"));
    assert!(at("Look at the effect of attempt 1 first") < at("the supervisor is gone"), "{shown}");
    assert!(shown.contains("See what is used now"), "{shown}");
}

#[test]
fn one_key_proposes_the_step_that_shows_the_effect() {
    for pane in ["1", "2", "4"] {
        let mut world = world(true, None);
        world.keys(pane);
        world.take_effects();
        world.keys("E");
        let commands = sent(&mut world);
        let [Command::Propose { node, .. }] = commands.as_slice() else { panic!("{pane}: {commands:?}") };
        assert_eq!(*node, NodeId::from("look"));
        assert_ne!(*node, first_command());
    }
}

#[test]
fn what_a_person_saw_is_sent_and_never_nothing() {
    let mut world = world(false, None);
    world.keys("E");
    assert!(sent(&mut world).is_empty());
    assert!(screen(&world).contains("no step of the SOP does that"), "{}", screen(&world));
    world.keys("V");
    world.press(KeyCode::Enter);
    assert!(sent(&mut world).is_empty());
    world.keys("it is gone");
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    let [Command::EffectChecked { attempt, words }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((*attempt, words.as_str()), (AttemptId(1), "it is gone"));
}

#[test]
fn what_is_settled_is_told_and_asks_for_nothing() {
    let outcome = Outcome::Exited { code: 0 };
    let mut world = world(true, Some(Settled::Verified { attempt: AttemptId(2), outcome }));
    assert!(!screen(&world).contains("ended unknown"));
    world.keys("4");
    let shown = screen(&world);
    assert!(shown.contains("its effect was looked at with") && shown.contains("attempt 2 (exit 0)"), "{shown}");
    assert!(steer::offers(&world.model).iter().all(|offer| !offer.words.contains("effect")));
}

#[test]
fn the_box_of_a_run_offers_the_effect_before_everything_else() {
    let world = world(true, None);
    let offers: Vec<String> = steer::offers(&world.model).into_iter().map(|offer| offer.words).collect();
    assert!(offers[0].starts_with("Look at the effect of attempt 1"), "{offers:?}");
    assert!(offers[1].starts_with("Say what you saw of the effect of attempt 1"), "{offers:?}");
}
