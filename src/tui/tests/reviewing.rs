//! What can be done in a review besides saying yes or no: editing the command, and looking up what it touches.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rstest::rstest;

use super::screens::screen;
use super::world::{NOW, World, du, proposal, snapshot, with_detail, with_proposal};
use crate::domain::action::edit::Edited;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::reach::seen::{FRESH_FOR, Found, Looked};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Invocation, Origin, Piece, StepRef, Word};
use crate::domain::id::{AttemptId, ProposalId};
use crate::domain::incident::Refusal;
use crate::domain::procedure::undo::Undo;
use crate::domain::text::Repertoire;
use crate::engine::backend::{BackendError, Beside, Command, Done, Snapshot};
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::review::{Paper, QUIET, Review, Tone};
use crate::tui::ui::Overlay;

/// `kubectl -n shop delete pods -l app=api`.
fn delete(id: i64) -> Proposal {
    let words = ["kubectl", "-n", "shop", "delete", "pods", "-l", "app=api"].map(|word| (word, Origin::Sop));
    proposal(id, Risk::Change, &words)
}

/// The look-up of what [`delete`] would touch.
fn look_up(id: i64) -> Proposal {
    let words = ["kubectl", "get", "pods", "-n", "shop", "-l", "app=api", "-o", "name"].map(|word| (word, Origin::Sop));
    let mut made = proposal(id, Risk::Read, &words);
    made.spec.step = StepRef::of_program("reach", "k", "what proposal 1 would touch".to_owned());
    made.digest = made.spec.digest(true);
    made
}

fn facts(proposals: impl IntoIterator<Item = Proposal>, looked: Looked) -> Snapshot {
    let mut facts = with_detail(snapshot(1..=5), 1);
    for proposal in proposals {
        facts = with_proposal(facts, proposal);
    }
    facts.beside.insert(ProposalId(1), Beside { undo: Some(Undo::Silent), looked });
    facts
}

fn opened(size: (u16, u16), facts: &Snapshot) -> World {
    let mut world = World::new(size.0, size.1);
    world.settle_with(facts);
    world.keys("A");
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Review(_))), "the review opens");
    world.take_effects();
    world
}

fn found(count: usize) -> Looked {
    let output: String = (0..count).map(|number| format!("pod/api-{number}\n")).collect();
    Looked::Found(Found::read(&output, true, NOW, None).unwrap())
}

fn review(world: &World) -> &Review {
    let Some(Overlay::Review(review)) = &world.model.ui.overlay else { panic!("no review is open") };
    review
}

fn load(world: &mut World, facts: &Snapshot) {
    world.send(Msg::Changed);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(facts);
}

fn sent(world: &mut World) -> Vec<Command> {
    let effects = world.take_effects().into_iter();
    effects.filter_map(|effect| if let Effect::Send { command, .. } = effect { Some(command) } else { None }).collect()
}

fn read_all(world: &mut World) {
    for _ in 0..200 {
        world.paint();
        world.press(KeyCode::Down);
    }
    world.paint();
    world.wait(u64::try_from(QUIET.as_millis()).unwrap());
}

#[test]
fn editing_asks_for_another_proposal_and_its_review_opens_unread() {
    let mut world = opened((120, 40), &facts([du(1, Risk::Read)], Looked::Never));
    read_all(&mut world);
    world.press(KeyCode::F(4));
    let Some(Overlay::Edit(editing)) = &world.model.ui.overlay else { panic!("the command can be typed into") };
    assert_eq!(editing.draft.text(), "du -xh --max-depth=1 /srv/data");
    // The approve chord means nothing there, and neither does what is typed.
    world.press(KeyCode::F(8));
    world.keys(" -s");
    assert!(sent(&mut world).is_empty());
    world.press(KeyCode::Enter);
    let commands = sent(&mut world);
    let [Command::Edit { proposal: ProposalId(1), script }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(script, "du -xh --max-depth=1 /srv/data -s");
    let made = du(2, Risk::Read);
    let result = Ok(Done::Proposed(Box::new(made.clone())));
    world.send(Msg::Answered { asked: Asked::Edit(ProposalId(1)), result });
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Edit(_))), "until it has been loaded");
    world.settle_with(&facts([made], Looked::Never));
    assert_eq!(review(&world).proposal, ProposalId(2));
    assert_eq!(review(&world).unseen(), review(&world).lines.len(), "nothing of it was read");
    world.press(KeyCode::F(8));
    assert!(sent(&mut world).is_empty(), "an approval needs it to be read first");
}

#[test]
fn a_refused_edit_can_be_typed_on_and_leaving_opens_the_first_review_unread() {
    let mut world = opened((80, 24), &facts([du(1, Risk::Read)], Looked::Never));
    read_all(&mut world);
    world.press(KeyCode::F(4));
    world.press(KeyCode::Enter);
    let refusal = Refusal::new("Not edited", "the command is the same as before", "Change a word");
    let result = Err(BackendError::Refused(refusal));
    world.send(Msg::Answered { asked: Asked::Edit(ProposalId(1)), result });
    world.settle_with(&facts([du(1, Risk::Read)], Looked::Never));
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("the same as before")));
    world.send(Msg::Paste(" /var\n/tmp".to_owned()));
    let Some(Overlay::Edit(editing)) = &world.model.ui.overlay else { panic!("it stays") };
    assert!(editing.draft.text().ends_with("/srv/data /var\n/tmp"));
    world.press(KeyCode::Esc);
    assert_eq!((review(&world).proposal, review(&world).unseen()), (ProposalId(1), review(&world).lines.len()));
}

#[test]
fn the_text_closes_when_the_proposal_was_settled_elsewhere() {
    let mut world = opened((80, 24), &facts([du(1, Risk::Read)], Looked::Never));
    world.press(KeyCode::F(4));
    load(&mut world, &facts([], Looked::Never));
    assert!(world.model.ui.overlay.is_none());
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("settled elsewhere")));
}

#[test]
fn letters_are_the_targets_name_where_one_is_typed() {
    let mut world = opened((120, 40), &facts([du(1, Risk::Destroy)], found(1)));
    world.keys("et");
    assert_eq!(review(&world).typed.as_ref().unwrap().text(), "et");
    assert!(sent(&mut world).is_empty());
    world.press(KeyCode::F(4));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Edit(_))));
}

#[test]
fn a_look_up_has_its_own_review_and_the_first_comes_back_with_what_was_found() {
    let waits = facts([delete(1)], Looked::NotYet);
    let mut world = opened((120, 40), &waits);
    assert!(review(&world).rendered().contains("nobody has looked it up"));
    read_all(&mut world);
    world.press(KeyCode::F(5));
    let commands = sent(&mut world);
    assert!(matches!(commands.as_slice(), [Command::LookUp { proposal: ProposalId(1) }]), "{commands:?}");
    let result = Ok(Done::Proposed(Box::new(look_up(2))));
    world.send(Msg::Answered { asked: Asked::LookUp(ProposalId(1)), result });
    world.settle_with(&facts([delete(1), look_up(2)], Looked::Waits(ProposalId(2))));
    assert_eq!((review(&world).proposal, review(&world).back), (ProposalId(2), Some(ProposalId(1))));
    read_all(&mut world);
    world.press(KeyCode::F(8));
    let commands = sent(&mut world);
    assert!(matches!(commands.as_slice(), [Command::Approve { proposal: ProposalId(2), .. }]), "{commands:?}");
    world.send(Msg::Answered { asked: Asked::Approve, result: Ok(Done::Started(AttemptId(1))) });
    assert_eq!(review(&world).proposal, ProposalId(1), "the first comes back");
    world.settle_with(&facts([delete(1)], Looked::Runs));
    read_all(&mut world);
    let digest = review(&world).digest.clone();
    load(&mut world, &facts([delete(1)], found(3)));
    let text = review(&world).rendered();
    assert!(text.contains("touches 3 objects") && text.contains("pod/api-0, pod/api-1, pod/api-2"), "{text}");
    assert_eq!(review(&world).digest, digest, "what was found is no part of what is approved");
    // What came has to be read.
    assert_eq!(review(&world).unseen(), review(&world).lines.len());
    world.press(KeyCode::F(8));
    assert!(sent(&mut world).is_empty());
    read_all(&mut world);
    world.press(KeyCode::F(8));
    assert!(matches!(sent(&mut world).as_slice(), [Command::Approve { proposal: ProposalId(1), .. }]));
}

#[rstest]
#[case::escape(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))]
#[case::rejection(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL))]
fn leaving_the_review_of_a_look_up_leads_back(#[case] key: KeyEvent) {
    let mut world = opened((120, 40), &facts([delete(1)], Looked::NotYet));
    world.press(KeyCode::F(5));
    let result = Ok(Done::Proposed(Box::new(look_up(2))));
    world.send(Msg::Answered { asked: Asked::LookUp(ProposalId(1)), result });
    world.settle_with(&facts([delete(1), look_up(2)], Looked::Waits(ProposalId(2))));
    assert_eq!(review(&world).proposal, ProposalId(2));
    world.send(Msg::Key(key));
    assert_eq!(review(&world).proposal, ProposalId(1));
}

#[test]
fn no_review_opens_by_itself_once_the_person_has_gone_on() {
    let mut world = opened((120, 40), &facts([delete(1)], Looked::NotYet));
    world.press(KeyCode::F(5));
    world.press(KeyCode::Esc);
    let result = Ok(Done::Proposed(Box::new(look_up(2))));
    world.send(Msg::Answered { asked: Asked::LookUp(ProposalId(1)), result });
    world.settle_with(&facts([delete(1), look_up(2)], Looked::Waits(ProposalId(2))));
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn what_was_found_grows_old_while_the_review_is_open() {
    let facts = facts([delete(1)], found(2));
    let mut world = opened((120, 40), &facts);
    assert!(!review(&world).rendered().contains("older than"));
    read_all(&mut world);
    assert_eq!(review(&world).unseen(), 0);
    // Minutes alone redraw nothing.
    world.wait(120_000);
    load(&mut world, &facts);
    assert_eq!(review(&world).unseen(), 0);
    world.wait(u64::try_from(FRESH_FOR.as_millis()).unwrap());
    load(&mut world, &facts);
    assert!(review(&world).rendered().contains("older than 5 min: look it up again"));
    assert!(review(&world).unseen() > 0);
}

fn rendered(proposal: &Proposal, beside: &Beside) -> String {
    let paper = Paper { width: 96, repertoire: Repertoire::Ascii };
    Review::open_with(proposal, "DiskFull", paper, beside, NOW).rendered()
}

#[test]
fn a_review_says_what_is_touched_and_what_undoes_it() {
    let of = |undo, looked| rendered(&delete(1), &Beside { undo, looked });
    let text = of(Some(Undo::Silent), Looked::NotYet);
    assert!(text.contains("named: pods with app=api in namespace shop"), "{text}");
    assert!(text.contains("the SOP says nothing of undoing this"), "{text}");
    let lines = vec!["Scale it up again".to_owned(), "kubectl scale deploy/api --replicas=3".to_owned()];
    let text = of(Some(Undo::Said { heading: "Rollback".to_owned(), lines, more: 2 }), found(300));
    for told in ["under \"Rollback\"", "kubectl scale deploy/api", "and 2 more", "touches 300 objects", "280 more"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let failed = Looked::Failed { why: "exit 1".to_owned(), at: NOW };
    assert!(of(Some(Undo::NoDocument), failed).contains("the look-up failed (exit 1), at 2026-03-01"));
    let read = rendered(&du(1, Risk::Read), &Beside::default());
    assert!(!read.contains("Touches") && !read.contains("Undo"), "what only looks touches nothing: {read}");
}

#[test]
fn origins_can_be_told_without_colours() {
    let mut edited = du(1, Risk::Read);
    edited.spec.edited = Some(Edited { from: ProposalId(7), by: "ada".to_owned() });
    if let Invocation::Argv { script } = &mut edited.spec.invocation {
        let piece = |text: &str, origin: Origin| Piece { text: text.to_owned(), origin };
        let pieces = vec![
            piece("--exclude=", Origin::Sop),
            piece("tmp", Origin::Operator),
            piece("-", Origin::Sop),
            piece("db-3", Origin::Label("instance".to_owned())),
        ];
        script.parts[0].1.stages[0].argv.push(Word { pieces });
    }
    let text = rendered(&edited, &Beside::default());
    let marks = "--exclude=tmp-db-3  <- \"tmp\" typed, \"db-3\" from the alert's label instance";
    assert!(text.contains(marks), "{text}");
    assert!(text.contains("/srv/data  <- from the alert's label mountpoint"), "{text}");
    assert!(text.contains("ada edited proposal 7 into this"), "{text}");
    edited.spec.invocation = Invocation::Bash {
        script: "du /srv/*".to_owned(),
        reason: "a pattern".to_owned(),
        values: std::collections::BTreeMap::new(),
    };
    let paper = Paper { width: 96, repertoire: Repertoire::Ascii };
    let review = Review::open(&edited, "DiskFull", paper);
    assert!(review.rendered().contains("All of these lines count as typed by ada:"));
    let bytes = review.lines.iter().flat_map(|line| &line.spans).find(|span| span.text.contains("du /srv/*")).unwrap();
    assert_eq!(bytes.tone, Tone::Foreign);
}

#[test]
fn a_long_command_uses_a_wide_screen_and_a_short_one_does_not() {
    let long = format!("--field-selector={}", "x".repeat(100));
    let words =
        [("kubectl", Origin::Sop), ("delete", Origin::Sop), ("pods", Origin::Sop), (long.as_str(), Origin::Sop)];
    for (columns, expected) in [(80, 78), (120, 118), (160, 140), (200, 140)] {
        let world = opened((columns, 50), &facts([proposal(1, Risk::Destroy, &words)], Looked::Never));
        let area = crate::tui::update::review_box(world.model.ui.size, review(&world));
        let longest = review(&world).lines.iter().map(|line| line.plain().len()).max().unwrap();
        assert!(area.width <= expected && usize::from(area.width) >= longest + 4, "{columns}: {area:?}");
        let whole = review(&world).lines.iter().any(|line| line.plain().contains(&long));
        assert_eq!(whole, columns >= 160, "{columns}: the longest word stands on one line where there is room");
        let short = opened((columns, 50), &facts([du(1, Risk::Read)], Looked::Never));
        let area = crate::tui::update::review_box(short.model.ui.size, review(&short));
        assert_eq!(area.width, 100.min(columns - 2));
    }
}

#[test]
fn hints_stand_in_the_box_and_not_below_it_too() {
    let world = opened((80, 24), &facts([delete(1)], found(1)));
    let shown = screen(&world);
    assert_eq!(shown.matches("ctrl-x").count(), 1, "{shown}");
    assert!(shown.contains("f4 edit") && shown.contains("f5 look up"), "{shown}");
    let only_reads = opened((80, 24), &facts([du(1, Risk::Read)], Looked::Never));
    assert!(!screen(&only_reads).contains("f5 look up"));
}

#[test]
fn editing_screens() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut world = opened((columns, rows), &facts([delete(1)], found(2)));
        insta::assert_snapshot!(format!("review_touches_{columns}x{rows}"), screen(&world));
        world.press(KeyCode::F(4));
        insta::assert_snapshot!(format!("review_edit_{columns}x{rows}"), screen(&world));
    }
}
