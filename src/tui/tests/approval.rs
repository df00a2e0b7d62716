//! What it takes to approve, and everything that must not.

use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::world::{World, du, proposal, snapshot, with_detail, with_proposal};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Execution, Origin};
use crate::domain::action::tie::Tie;
use crate::domain::policy::{Circumstances, Policy, Rank, Request, Source};
use crate::domain::text::Repertoire;
use crate::engine::backend::{BackendError, Command, Snapshot};
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::review::{Line, Paper, QUIET, Review, Tone};
use crate::tui::ui::Overlay;
use crate::tui::update::{drawn, review_rows};

fn facts(proposal: Proposal) -> Snapshot {
    with_proposal(with_detail(snapshot(1..=5), 1), proposal)
}

fn opened(columns: u16, rows: u16, proposal: Proposal) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(&facts(proposal));
    world.keys("A");
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Review(_))), "the review opens");
    world.take_effects();
    world
}

fn read_all(world: &mut World) {
    for _ in 0..200 {
        world.paint();
        world.press(KeyCode::Down);
    }
    world.paint();
}

fn approvals(world: &mut World) -> usize {
    let effects = world.take_effects();
    effects.iter().filter(|effect| matches!(effect, Effect::Send { command: Command::Approve { .. }, .. })).count()
}

#[test]
fn the_review_names_the_alert_and_warns_when_it_is_about_another_host() {
    let mut elsewhere = du(1, Risk::Read);
    elsewhere.spec.subject.hosts = vec!["db-9".to_owned()];
    let warning = "The alert is about db-9; this runs on db-3.";
    for (proposal, warns) in [(du(1, Risk::Read), false), (elsewhere, true)] {
        let paper = Paper { width: 60, repertoire: Repertoire::Unicode };
        let review = Review::open(&proposal, "DiskFull", paper);
        let lines: Vec<String> = review.lines.iter().map(Line::plain).collect();
        assert!(lines.contains(&"Alert     DiskFull instance=db-3:9100".to_owned()), "{lines:?}");
        let warned = review.lines.iter().flat_map(|line| &line.spans);
        let warned = warned.filter(|span| span.tone == Tone::Warning && span.text == warning).count();
        assert_eq!(warned, usize::from(warns), "{lines:?}");
    }
}

/// What a policy of one file with `rule` says of `proposal`.
fn ruled(mut proposal: Proposal, rule: &str) -> Proposal {
    let text = format!("version = 1\n{rule}");
    let source = Source { rank: Rank::System, place: "/etc/aiops/policy.toml".to_owned(), text: Ok(text) };
    let decision = Policy::read(vec![source], &|_| None).decide(&Request::of(&proposal.spec, Circumstances::default()));
    proposal.ruling = Some(decision.ruling());
    proposal
}

#[test]
fn the_review_says_what_the_policy_asks_for_and_why() {
    let paper = Paper { width: 100, repertoire: Repertoire::Unicode };
    let rendered = |proposal: &Proposal| Review::open(proposal, "DiskFull", paper).rendered();
    assert!(!rendered(&ruled(du(1, Risk::Read), "")).contains("Policy"));
    let rule = "[[rule]]\nname = \"eyes\"\nreason = \"four eyes\"\neffect = \"ask\"\n\
                demands = [\"second-person\", \"typed-target\"]\n";
    let mut proposal = ruled(du(1, Risk::Read), rule);
    let text = rendered(&proposal);
    for told in
        ["Policy    asks for the target's name, typed", "asks for the approval of a second person", "eyes: four eyes"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    proposal.first_approver = Some("ada".to_owned());
    assert!(rendered(&proposal).contains("approved by ada; it waits for a second person"));
    assert!(rendered(&ruled(du(1, Risk::Read), "x")).contains("/etc/aiops/policy.toml: line 2"));
}

#[test]
fn a_policy_that_asks_for_the_target_gets_it_typed_for_a_read() {
    let rule = "[[rule]]\nname = \"typed\"\neffect = \"ask\"\ndemands = [\"typed-target\"]\n";
    let mut world = opened(120, 40, ruled(du(1, Risk::Read), rule));
    read_all(&mut world);
    world.wait(u64::try_from(QUIET.as_millis()).unwrap());
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    world.keys("db-3");
    world.wait(u64::try_from(QUIET.as_millis()).unwrap());
    world.paint();
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
}

#[test]
fn after_the_first_of_two_the_review_closes_and_says_that_it_waits() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    read_all(&mut world);
    world.wait(u64::try_from(QUIET.as_millis()).unwrap());
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
    let result = Err(BackendError::AwaitsSecond { first: "ada".to_owned() });
    world.send(Msg::Answered { asked: Asked::Approve, result });
    assert!(world.model.ui.overlay.is_none());
    let said = "Approved by ada. It waits in the tray for a second person";
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains(said)));
}

#[test]
fn the_review_says_that_the_alert_has_ended() {
    let mut after = du(1, Risk::Read);
    after.digest = Tie::AfterItsEnd.digest(&after.spec);
    for (proposal, says) in [(du(1, Risk::Read), false), (after, true)] {
        let paper = Paper { width: 60, repertoire: Repertoire::Unicode };
        let rendered = Review::open(&proposal, "DiskFull", paper).rendered();
        assert_eq!(rendered.contains("It has ended. When it fires again, this is void."), says, "{rendered}");
    }
}

#[test]
fn sentences_of_a_review_break_between_words_and_remarks_stay_whole() {
    let long = format!("/srv/{}", "x".repeat(41));
    let words = [("find", Origin::Sop), (long.as_str(), Origin::Label("disk".to_owned()))];
    let mut proposal = proposal(1, Risk::Read, &words);
    proposal.spec.step.title = "Delete those that the list shows; nothing else is in use here".to_owned();
    let review = Review::open(&proposal, "DiskFull", Paper { width: 60, repertoire: Repertoire::Unicode });
    let rendered = review.rendered();
    let step = "Step      Delete those that the list shows; nothing else is\n          in use here\n";
    assert!(rendered.contains(step), "{rendered}");
    let word = format!("   1  {long}\n        (46 characters)  <- from the alert's label disk\n");
    assert!(rendered.contains(&word), "{rendered}");
}

#[test]
fn the_review_says_plainly_that_an_action_takes_the_terminal() {
    let mut takes_it = du(1, Risk::Unknown);
    takes_it.spec.mode = Execution::Interactive;
    for (proposal, takes) in [(du(1, Risk::Unknown), false), (takes_it, true)] {
        let paper = Paper { width: 60, repertoire: Repertoire::Unicode };
        let review = Review::open(&proposal, "DiskFull", paper);
        let marked = review.lines.iter().flat_map(|line| &line.spans);
        let marked: Vec<&str> =
            marked.filter(|span| span.tone == Tone::Warning).map(|span| span.text.as_str()).collect();
        assert_eq!(marked.join(" ").contains("interactive: the console steps aside"), takes, "{marked:?}");
        assert_eq!(marked.join(" ").contains("not recorded"), takes, "{marked:?}");
        let rendered = review.rendered();
        assert_eq!(rendered.contains("Limit     none"), takes, "{rendered}");
        assert_eq!(rendered.contains("Limit     600 s"), !takes, "{rendered}");
        assert!(review.typed.is_some(), "the target's name is typed");
    }
}

#[test]
fn a_read_needs_reading_and_a_quiet_half_second() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0, "nothing was painted yet");
    read_all(&mut world);
    world.wait(400);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0, "too early");
    world.wait(499);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0, "an early chord begins the period anew");
    world.wait(500);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
    world.wait(5_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0, "once is enough");
}

#[test]
fn a_long_command_has_to_be_scrolled_to_its_end() {
    let words: Vec<(String, Origin)> = (0..60).map(|n| (format!("--word-{n}"), Origin::Sop)).collect();
    let words: Vec<(&str, Origin)> = words.iter().map(|(text, origin)| (text.as_str(), origin.clone())).collect();
    let mut world = opened(80, 24, proposal(1, Risk::Read, &words));
    world.paint();
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    // Jumping to the end leaves the middle unseen.
    world.press(KeyCode::End);
    world.paint();
    world.keys("G");
    world.paint();
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    world.keys("g");
    read_all(&mut world);
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
}

#[test]
fn lines_that_were_scrolled_past_without_being_painted_do_not_count() {
    let words: Vec<(String, Origin)> = (0..60).map(|n| (format!("--word-{n}"), Origin::Sop)).collect();
    let words: Vec<(&str, Origin)> = words.iter().map(|(text, origin)| (text.as_str(), origin.clone())).collect();
    let mut world = opened(80, 24, proposal(1, Risk::Read, &words));
    for _ in 0..200 {
        world.press(KeyCode::Down);
    }
    world.paint();
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
}

#[test]
fn a_frame_that_was_drawn_before_the_review_opened_shows_nothing_of_it() {
    let mut world = World::new(120, 40);
    world.settle_with(&facts(du(1, Risk::Read)));
    drawn(&mut world.model);
    // The line is slow: the frame of the queue arrives after the key that opens the review.
    world.keys("A");
    world.send(Msg::Painted);
    world.wait(10_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    world.paint();
    world.wait(500);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
}

#[test]
fn a_frame_shows_the_lines_that_it_was_drawn_with_wherever_the_person_scrolled_since() {
    let words: Vec<(String, Origin)> = (0..60).map(|n| (format!("--word-{n}"), Origin::Sop)).collect();
    let words: Vec<(&str, Origin)> = words.iter().map(|(text, origin)| (text.as_str(), origin.clone())).collect();
    let mut world = opened(80, 24, proposal(1, Risk::Read, &words));
    for _ in 0..20 {
        world.keys("g");
        drawn(&mut world.model);
        for _ in 0..20 {
            // Pages further down, none of which is ever drawn.
            world.press(KeyCode::PageDown);
            world.send(Msg::Painted);
        }
    }
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("the review is gone") };
    assert_eq!(review.unseen(), review.lines.len() - review_rows(24, review.lines.len()));
}

#[test]
fn a_terminal_that_is_too_small_for_the_review_shows_nothing_of_it() {
    for size in [(59, 40), (120, 14), (20, 40), (1, 1)] {
        let mut world = opened(size.0, size.1, du(1, Risk::Read));
        read_all(&mut world);
        world.wait(1_000);
        world.press(KeyCode::F(8));
        assert_eq!(approvals(&mut world), 0, "{size:?}");
    }
}

#[test]
fn a_glyph_wider_than_the_terminal_does_not_keep_the_review_from_being_laid_out() {
    // Nine leading consonants are one grapheme of eighteen columns.
    let wide = "\u{1100}".repeat(9);
    for columns in 1..70 {
        let world = opened(columns, 24, proposal(1, Risk::Read, &[("rm", Origin::Sop), (&wide, Origin::Operator)]));
        let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("no review") };
        assert!(review.rendered().contains(&wide));
    }
}

#[test]
fn danger_needs_the_targets_name_typed_not_pasted() {
    for risk in [Risk::Unknown, Risk::Destroy] {
        let mut world = opened(120, 40, du(1, risk));
        read_all(&mut world);
        world.wait(1_000);
        world.press(KeyCode::F(8));
        assert_eq!(approvals(&mut world), 0);
        world.send(Msg::Paste("db-3".to_owned()));
        world.wait(1_000);
        world.press(KeyCode::F(8));
        assert_eq!(approvals(&mut world), 0, "a paste does not count");
        world.keys("db-3");
        world.wait(499);
        world.press(KeyCode::F(8));
        assert_eq!(approvals(&mut world), 0);
        world.wait(500);
        world.press(KeyCode::F(8));
        assert_eq!(approvals(&mut world), 1);
    }
}

#[test]
fn another_digest_begins_everything_anew() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    read_all(&mut world);
    world.wait(1_000);
    let mut other = du(1, Risk::Read);
    other.spec.cwd = "/etc".to_owned();
    other.digest = other.spec.digest(true);
    world.send(Msg::Changed);
    world.settle_with(&facts(other));
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 0);
    read_all(&mut world);
    world.wait(1_000);
    world.press(KeyCode::F(8));
    assert_eq!(approvals(&mut world), 1);
}

#[test]
fn a_proposal_that_vanishes_closes_its_review() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    assert!(world.model.ui.overlay.is_none());
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("no longer waits")));
}

#[test]
fn escape_leaves_it_pending_and_reject_says_no() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none());
    assert!(world.take_effects().iter().all(|effect| !matches!(effect, Effect::Send { .. })));
}

#[test]
fn a_new_proposal_never_takes_the_focus() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&facts(du(1, Risk::Read)));
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn nothing_is_proposed_for_the_incident_that_the_cursor_has_left() {
    let proposals = |world: &mut World| -> Vec<i64> {
        let of = |effect: &Effect| match effect {
            Effect::Send { command: Command::Propose { incident, .. }, .. } => Some(incident.0),
            _ => None,
        };
        world.take_effects().iter().filter_map(of).collect()
    };
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world.keys("2r");
    assert_eq!(proposals(&mut world), [1]);
    world.keys("1j2r");
    assert_eq!(proposals(&mut world), [] as [i64; 0]);
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("being loaded")));
    world.settle_with(&with_detail(snapshot(1..=5), 2));
    world.keys("2r");
    assert_eq!(proposals(&mut world), [2]);
}

#[test]
fn no_printable_key_and_no_enter_approves() {
    let mut world = opened(120, 40, du(1, Risk::Read));
    read_all(&mut world);
    for code in (' '..='~').map(KeyCode::Char).chain([KeyCode::Enter, KeyCode::Tab, KeyCode::Backspace]) {
        world.wait(1_000);
        world.press(code);
        if world.model.ui.overlay.is_none() {
            world.keys("A");
            read_all(&mut world);
        }
    }
    assert_eq!(approvals(&mut world), 0);
}

proptest! {
    /// Typed-ahead keys, held keys and pastes within five seconds of opening, faster than a person reads: with no pause of
    /// half a second before the chord nothing is ever approved.
    #[test]
    fn hurried_keys_never_approve(events in prop::collection::vec((0_u8..8, 0_u64..499), 1..60)) {
        let mut world = opened(120, 40, du(1, Risk::Read));
        for (event, pause) in events {
            world.wait(pause);
            match event {
                0 | 1 => world.press(KeyCode::F(8)),
                2 => world.press(KeyCode::Enter),
                3 => world.send(Msg::Paste("y\n\u{1b}[19~".to_owned())),
                4 => world.keys("y"),
                5 => world.press(KeyCode::Down),
                6 => world.paint(),
                _ => world.keys("A"),
            }
            // Painting alone does not disturb the quiet period, so only key gaps count.
            if event == 6 {
                world.press(KeyCode::Down);
            }
        }
        prop_assert_eq!(approvals(&mut world), 0);
    }
}
