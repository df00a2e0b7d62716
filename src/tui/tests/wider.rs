//! Wider yeses: what the review offers, which keys give one, and the list in which they are revoked.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::steer::run;
use super::world::{NOW, World, du, snapshot, with_detail, with_proposal};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::tie::Tie;
use crate::domain::actor::Person;
use crate::domain::id::ScopeId;
use crate::domain::policy::{Circumstances, Policy, Request, Scope};
use crate::domain::run::RunState;
use crate::domain::scope::{Cover, Covered, Holder, ScopeGrant, ScopeState, Terms};
use crate::engine::backend::{Command, Done, Snapshot};
use crate::tui::look::Look;
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::ui::Overlay;

/// Facts with a run, and a command of it that waits.
pub(super) fn facts(change: impl FnOnce(&mut Proposal)) -> Snapshot {
    let mut facts = with_detail(snapshot(1..=5), 1);
    let run = run(&facts);
    let mut proposal = du(1, Risk::Read);
    proposal.spec.subject.key = run.plan.alert.clone();
    proposal.spec.step.revision.clone_from(&run.plan.revision);
    change(&mut proposal);
    proposal.digest = Tie::WhileItFires.digest(&proposal.spec);
    proposal.ruling.get_or_insert_with(|| {
        Policy::default().decide(&Request::of(&proposal.spec, Circumstances::default())).ruling()
    });
    facts.run = Some(run);
    with_proposal(facts, proposal)
}

fn opened(facts: &Snapshot) -> World {
    let mut world = World::new(120, 40);
    world.settle_with(facts);
    world.keys("A");
    world.paint();
    world.take_effects();
    world
}

pub(super) fn ctrl(world: &mut World, key: char) {
    world.send(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL)));
}

/// Everything is on the screen, and half a second goes by.
fn read(world: &mut World) {
    loop {
        world.paint();
        world.wait(600);
        let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
        if review.unseen() == 0 {
            return;
        }
        world.press(KeyCode::PageDown);
    }
}

fn text(world: &World) -> String {
    let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
    review.rendered()
}

fn objection(world: &World) -> String {
    let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
    review.objection.clone().unwrap_or_default()
}

fn sent(world: &mut World) -> Vec<Command> {
    let effects = world.take_effects();
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Send { command, .. } => Some(command),
            _ => None,
        })
        .collect()
}

#[test]
fn a_wider_yes_takes_two_keys_of_its_own_and_a_reading() {
    let mut world = opened(&facts(|_| {}));
    read(&mut world);
    world.press(KeyCode::F(9));
    assert!(sent(&mut world).is_empty() && objection(&world).contains("ctrl-w"), "{}", objection(&world));
    ctrl(&mut world, 'w');
    assert!(text(&world).starts_with("Wider yes This exact step again"), "{}", text(&world));
    world.press(KeyCode::F(9));
    assert!(sent(&mut world).is_empty(), "not before it was on the screen");
    world.paint();
    world.press(KeyCode::F(9));
    assert!(sent(&mut world).is_empty(), "not before half a second went by");
    read(&mut world);
    world.press(KeyCode::F(9));
    let commands = sent(&mut world);
    let [Command::ApproveWider { approval, wish, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((wish.cover, wish.lasts), (Cover::SameStep, None));
    assert!(approval.rendered.contains("This exact step again"), "what was read is what is stored");
}

#[test]
fn the_same_key_goes_on_to_the_widest_and_back() {
    let mut world = opened(&facts(|_| {}));
    let plain = text(&world);
    ctrl(&mut world, 'w');
    ctrl(&mut world, 'w');
    assert!(text(&world).contains("Every read of run 12"), "{}", text(&world));
    read(&mut world);
    world.press(KeyCode::F(8));
    let commands = sent(&mut world);
    assert!(matches!(commands.as_slice(), [Command::Approve { .. }]), "the plain yes is once: {commands:?}");
    let mut world = opened(&facts(|_| {}));
    (0..3).for_each(|_| ctrl(&mut world, 'w'));
    assert_eq!(text(&world), plain);
    read(&mut world);
    world.press(KeyCode::F(9));
    assert!(sent(&mut world).is_empty());
}

#[test]
fn what_no_wider_yes_can_be_given_to_says_so() {
    let once = |proposal: &mut Proposal| {
        let decision = Policy::default().decide(&Request::of(&proposal.spec, Circumstances::default()));
        let mut ruling = decision.ruling();
        ruling.answer.scope = Scope::Once;
        proposal.ruling = Some(ruling);
    };
    let mut paused = facts(|_| {});
    paused.run.as_mut().unwrap().state = RunState::Paused;
    let mut outside = facts(|_| {});
    outside.run = None;
    let cases = [
        facts(|proposal| proposal.spec.risk = Risk::Destroy),
        facts(|proposal| proposal.spec.risk = Risk::Unknown),
        facts(|proposal| proposal.first_approver = Some("bob".to_owned())),
        facts(|proposal| proposal.spec.step.sop = "other.md".into()),
        facts(once),
        paused,
        outside,
    ];
    for (number, facts) in cases.iter().enumerate() {
        let mut world = opened(facts);
        let before = text(&world);
        ctrl(&mut world, 'w');
        assert_eq!(text(&world), before, "{number}");
        assert!(objection(&world).contains("No wider yes") || number < 2, "{number}: {}", objection(&world));
        world.press(KeyCode::F(9));
        assert!(sent(&mut world).is_empty(), "{number}");
    }
    let mut change = opened(&facts(|proposal| proposal.spec.risk = Risk::Change));
    ctrl(&mut change, 'w');
    assert!(text(&change).contains("This exact step again"));
    ctrl(&mut change, 'w');
    assert!(!text(&change).contains("Wider yes"), "no reads of a run by way of a change");
}

#[test]
fn a_resize_keeps_what_is_shown_and_another_digest_does_not() {
    let facts = facts(|_| {});
    let mut world = opened(&facts);
    ctrl(&mut world, 'w');
    world.send(Msg::Resized(90, 30));
    assert!(text(&world).contains("This exact step"));
    let mut changed = facts;
    changed.tray[0].spec.cwd = "/tmp".to_owned();
    changed.tray[0].digest = Tie::WhileItFires.digest(&changed.tray[0].spec);
    world.send(Msg::Changed);
    world.settle_with(&changed);
    assert!(!text(&world).contains("This exact step"), "{}", text(&world));
}

/// A yes that goes on.
pub(super) fn given(facts: &Snapshot, id: i64, cover: Cover) -> ScopeGrant {
    let (proposal, run) = (&facts.tray[0], facts.run.as_ref().unwrap());
    let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
    let spec = &proposal.spec;
    let covered = match cover {
        Cover::SameStep => Covered::SameStep { node: spec.step.node.clone(), digest: proposal.digest.clone() },
        Cover::RunReads => Covered::RunReads { places: Vec::new() },
    };
    let terms = Terms {
        incident: spec.incident,
        run: run.id,
        lead: "ada".to_owned(),
        alert: run.plan.alert.clone(),
        labels: String::new(),
        tie: Tie::WhileItFires,
        sop: spec.step.sop.clone(),
        revision: spec.step.revision.clone(),
        target: spec.target.clone(),
        covered,
        holder: Holder::of(&person, None, std::collections::BTreeSet::new()),
        proposal: proposal.id,
        given_at: NOW,
        expires_at: NOW.plus(crate::domain::scope::LASTS),
        uses: 20,
        policy: String::new(),
        answer: proposal.ruling.as_ref().unwrap().answer.clone(),
    };
    ScopeGrant { id: ScopeId(id), terms, left: 19, state: ScopeState::Live }
}

fn with_scopes() -> Snapshot {
    let mut facts = facts(|_| {});
    facts.scopes = vec![given(&facts, 3, Cover::SameStep), given(&facts, 4, Cover::RunReads)];
    facts.header.scopes = 2;
    facts
}

fn screen(world: &World) -> String {
    let look = Look::new(crate::tui::theme::Bundled::Dark.styles().unwrap(), world.model.ui.settings.repertoire);
    let (columns, rows) = world.model.ui.size;
    let area = ratatui::layout::Rect { x: 0, y: 0, width: columns, height: rows };
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    crate::tui::draw::draw(&mut buffer, &world.model, &look);
    (0..rows).map(|y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_list_says_what_goes_on_and_one_key_ends_it() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut world = World::new(size.0, size.1);
        world.settle_with(&with_scopes());
        assert!(screen(&world).lines().next().unwrap().contains("2 wider yeses"), "{}", screen(&world));
        world.keys("Y");
        let shown = screen(&world);
        for words in
            ["Yeses that go on", "again, on db-3, in run 12", "every confined read", "19 of 20 uses left", "revoke"]
        {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        world.take_effects();
        world.keys("j");
        ctrl(&mut world, 'x');
        let commands = sent(&mut world);
        assert!(matches!(commands.as_slice(), [Command::RevokeScope { scope: ScopeId(4) }]), "{commands:?}");
        world.send(Msg::Answered { asked: Asked::Revoke, result: Ok(Done::Revoked) });
        world.settle_with(&facts(|_| {}));
        assert!(world.model.ui.overlay.is_none(), "nothing is left to be listed");
        assert!(world.model.ui.toast.as_ref().unwrap().text.contains("Revoked"));
        world.keys("Y");
        assert!(world.model.ui.overlay.is_none() && world.model.ui.toast.is_some());
        assert!(!screen(&world).lines().next().unwrap().contains("wider yes"));
    }
}

#[test]
fn no_key_in_the_list_approves_anything() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_scopes());
    world.keys("Y");
    world.paint();
    world.wait(10_000);
    world.take_effects();
    for key in [KeyCode::F(8), KeyCode::F(9), KeyCode::Enter] {
        world.press(key);
    }
    ctrl(&mut world, 'w');
    world.send(Msg::Paste("yes\n".to_owned()));
    assert!(sent(&mut world).is_empty());
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none());
}
