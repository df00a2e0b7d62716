//! What the screens say is whole, or says that it is not; and no sign or word means two things.

use std::collections::HashSet;
use std::time::Duration;

use crossterm::event::KeyCode;

use super::chat::{ask, came, chatting, message, person, prepared, preview, text};
use super::gallery::{facts, settle, with_attempts};
use super::screens::screen;
use super::world::{NOW, World, du, with_attempt, with_proposal};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::risk::Risk;
use crate::domain::alert::AlertStatus;
use crate::domain::incident::{Refusal, Suppression, Until};
use crate::domain::sop;
use crate::domain::text::Repertoire;
use crate::engine::ask::{AnswerEvent, Route};
use crate::engine::backend::{BackendError, Snapshot};
use crate::tui::msg::Msg;
use crate::tui::sop_lines::{self, SopLine};
use crate::tui::ui::ToastLevel;

fn world(columns: u16, rows: u16, facts: &Snapshot) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(facts);
    world.take_effects();
    world
}

fn line(world: &World, number: usize) -> String {
    screen(world).lines().nth(number).unwrap_or_default().to_owned()
}

#[test]
fn why_nobody_knows_the_end_of_an_attempt_is_told_in_full() {
    let reason = "its supervisor is gone and left no record of the end".to_owned();
    for outcome in [Outcome::Unknown { reason: reason.clone() }, Outcome::NotStarted { reason: reason.clone() }] {
        let mut facts = with_attempt(facts(), "", 0);
        let label = outcome.label();
        facts.detail.as_mut().unwrap().record.attempts[0].state = AttemptState::Ended { outcome, at: NOW };
        for (columns, rows) in [(60, 15), (80, 24), (120, 40)] {
            let mut world = world(columns, rows, &facts);
            world.keys("4");
            let shown = screen(&world);
            assert!(shown.contains(&format!("4 Attempt 1 {label}  Show what")), "{shown}");
            assert!(shown.contains("its supervisor is gone and left no record"), "{shown}");
            assert!(shown.contains("of the end") && shown.contains("(no output)"), "{shown}");
            world.keys("w");
            assert!(screen(&world).starts_with(&format!("[{reason}]\n[no output]\n")), "{}", screen(&world));
        }
    }
}

#[test]
fn output_that_has_not_come_is_told_from_none() {
    let facts = with_attempts();
    let mut world = world(120, 40, &facts);
    let both = |world: &mut World, words: &str| {
        assert!(screen(world).contains(&format!("({words})")), "{}", screen(world));
        world.keys("w");
        let plain = screen(world);
        assert!(plain.starts_with(&format!("[{words}]")) && plain.contains("1-1 of 1"), "{plain}");
        world.keys("w");
    };
    world.keys("4");
    // Loaded is that of another attempt.
    both(&mut world, "the output is being read");
    world.wait(1_000);
    world.send(Msg::Changed);
    settle(&mut world, &facts);
    both(&mut world, "no output yet");
    let mut ended = world;
    let mut over = with_attempt(super::gallery::facts(), "", 0);
    over.detail.as_mut().unwrap().record.attempts.truncate(1);
    ended.wait(1_000);
    ended.send(Msg::Changed);
    ended.settle_with(&over);
    both(&mut ended, "no output");
}

#[test]
fn a_suppression_stands_first_and_nothing_of_the_standing_is_cut() {
    let mut facts = facts();
    let until = Until::Time(NOW.plus(Duration::from_secs(23 * 3_600)));
    let incident = &mut facts.detail.as_mut().unwrap().record.incident;
    incident.suppressed = Some(Suppression { by: "bob".to_owned(), until });
    incident.owner = Some("melanie".to_owned());
    let shown = screen(&world(120, 40, &facts));
    assert!(shown.contains("#1 suppressed until 02 Mar 01:14 by"), "with its day, and first: {shown}");
    for part in ["bob, critical open for 19h, 1/1", "firing, owner melanie"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn times_of_another_day_have_their_day() {
    let mut world = world(120, 50, &facts());
    assert!(screen(&world).contains("28 Feb 07:04:00 opened"), "{}", screen(&world));
    world.keys("d");
    assert!(screen(&world).contains("28 Feb 07:04:00 opened, critical"), "{}", screen(&world));
    let mut asked = message(1, person(), "why?");
    asked.at = NOW.minus(Duration::from_secs(4 * 3_600));
    let chat = chatting((120, 40), vec![asked]);
    assert!(screen(&chat).contains("ada 28 Feb 22:14"), "{}", screen(&chat));
}

#[test]
fn trouble_with_the_store_is_a_sentence_with_a_sign_and_the_keys_beside_it() {
    let mut world = world(200, 50, &facts());
    world.wait(1_000);
    world.send(Msg::Changed);
    let generation = world.model.ui.loading.generation;
    let result = Err(BackendError::Failed("the disk is full. Free some space".to_owned()));
    world.send(Msg::Loaded { generation, result });
    let last = line(&world, 49);
    let words = "✘ The store cannot be read: the disk is full. Free some space. What is shown is old.  enter SOP  ";
    assert!(last.starts_with(words), "{last}");
}

/// The lines of a document as they are shown, without what is coloured.
fn laid_out(text: &str, width: usize, repertoire: Repertoire) -> Vec<String> {
    let procedure = sop::parse(&"x.md".into(), text.as_bytes());
    let lines = sop_lines::lay_out(&procedure, text, &HashSet::new(), width, repertoire);
    let shown = |line: &SopLine| format!("{}{}{}", " ".repeat(line.indent), line.lead, line.text);
    lines.iter().map(|line| shown(line).trim_end().to_owned()).collect()
}

#[test]
fn a_document_keeps_the_marks_that_its_text_needs() {
    let text = "## Impact\n\n- Databases *stop* at `100%`.\n- Logs.\n\n1. one\n\n## Diagnosis\n\nSee it:\n\n```sh\n\
                find /srv/data -xdev -type f\n```\n\n1. Is it full?\n   - If yes, wait.\n   - Otherwise, go on.\n";
    let shown = laid_out(text, 30, Repertoire::Unicode).join("\n");
    for part in [
        "• Databases stop at",
        "`100%`.",
        "• Logs.",
        "1. one",
        "$ find /srv/data -xdev",
        "↪ -type f",
        "├ if yes",
        "└ otherwise",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let shown = laid_out(text, 30, Repertoire::Ascii).join("\n");
    for part in ["* Databases", "\\ -type f", "| if yes", "+ otherwise"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn a_long_line_of_output_has_a_sign_where_it_goes_on() {
    let long = format!("{} END\nnext\n", "word ".repeat(30));
    let mut world = world(80, 24, &with_attempt(facts(), &long, 0));
    world.keys("4");
    let shown = screen(&world);
    assert!(shown.contains("\n↪word word"), "{shown}");
    assert!(shown.contains("\nnext\n"), "a line of its own has none: {shown}");
}

#[test]
fn a_review_never_speaks_of_lines_above_where_there_are_none() {
    let mut world = world(120, 40, &with_proposal(facts(), du(1, Risk::Read)));
    world.keys("A");
    let before = screen(&world);
    assert!(before.contains("It is being drawn.") && !before.contains("above"), "{before}");
    world.paint();
    assert!(screen(&world).contains("Too early"), "{}", screen(&world));
    let mut small = World::new(80, 15);
    small.settle_with(&with_proposal(facts(), du(1, Risk::Read)));
    small.keys("A");
    small.press(KeyCode::End);
    small.paint();
    let shown = screen(&small);
    assert!(shown.contains("above: not on the screen yet") && shown.contains("scroll to its end."), "{shown}");
}

#[test]
fn the_pane_with_the_keys_has_the_only_broad_cursor() {
    let mut world = world(120, 40, &facts());
    let marks = |world: &World| {
        let shown = screen(world);
        (shown.matches('▌').count(), shown.matches('▏').count(), shown.contains("\n▌CRIT"))
    };
    assert_eq!(marks(&world), (1, 1, true));
    world.keys("2");
    assert_eq!(marks(&world), (1, 1, false));
}

#[test]
fn a_question_is_headed_as_it_will_be_when_it_is_stored() {
    let mut world = chatting((80, 24), Vec::new());
    let number = ask(&mut world, "and now?");
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    came(&mut world, number, AnswerEvent::Thought("hm".repeat(700)));
    let shown = screen(&world);
    assert!(shown.contains(" ada 02:14\n and now?"), "{shown}");
    assert!(shown.contains("thoughts, 1.4 kB\n"), "no key that types a letter: {shown}");
    world.press(KeyCode::Esc);
    assert!(screen(&world).contains("thoughts, 1.4 kB (t shows them)"), "{}", screen(&world));
    came(&mut world, number, text("Remove them with"));
    assert!(line(&world, 1).contains("answering, 0.1 kB, ctrl-k stops"), "{}", line(&world, 1));
}

#[test]
fn an_attempt_that_starts_is_called_that_everywhere() {
    let mut facts = with_attempt(facts(), "", 0);
    facts.detail.as_mut().unwrap().record.attempts[0].state = AttemptState::IntentStored;
    let mut world = world(120, 50, &facts);
    world.keys("4");
    assert!(screen(&world).contains("4 Attempt 1 starting"), "{}", screen(&world));
    world.keys("d");
    assert!(screen(&world).contains("starting        attempt 1"), "{}", screen(&world));
}

#[test]
fn one_of_a_thing_is_not_many() {
    let mut facts = facts();
    let record = &mut facts.detail.as_mut().unwrap().record;
    record.incident.reopened = 1;
    record.alerts_total = 2;
    record.alerts[0].status = AlertStatus::Resolved;
    let mut world = world(120, 50, &facts);
    world.keys("d");
    let shown = screen(&world);
    assert!(shown.contains("reopened        once") && shown.contains("and 1 alert more"), "{shown}");
    assert!(shown.contains("DiskFull: resolved, 2026"), "a small letter in mid-line: {shown}");
}

#[test]
fn sentences_end_with_a_full_stop() {
    let refusal = Refusal::new("Nothing was taken back", "bob has changed it since", "Look at it again");
    assert_eq!(refusal.to_string(), "Nothing was taken back: bob has changed it since. Look at it again.");
    let mut world = world(120, 40, &with_attempt(facts(), "one\n", 0));
    for keys in ["4/walrus", "2/walrus", "3/walrus"] {
        world.keys(keys);
        world.press(KeyCode::Enter);
        let toast = world.model.ui.toast.as_ref().expect("it is not there");
        assert!(toast.text.ends_with('.') && toast.level == ToastLevel::Refused, "{}", toast.text);
    }
}

#[test]
fn the_source_that_is_down_comes_first_and_one_without_room_is_counted() {
    let mut world = world(80, 24, &facts());
    let header = line(&world, 0);
    assert!(header.contains("✘ alertmanager api down  +1  "), "{header}");
    world.keys("S");
    let shown = screen(&world);
    let place = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{words} in {shown}"));
    assert!(place("alertmanager api down since") < place("alertmanager webhook works since"));
    let wide = World::new(200, 50);
    assert!(!line(&wide, 0).contains('+'));
}

#[test]
fn in_the_list_of_sops_titles_have_the_room_and_paths_a_column() {
    let long = "How to find out which of many volumes of a large cluster fills up";
    let mut world = world(120, 40, &facts());
    world.keys("s");
    let sops = [("team/0.md", long), ("team/10.md", "Inodes"), ("bundled/disk-full.md", "Disk full")];
    world.send(Msg::Sops(Ok(sops.iter().map(|(id, title)| ((*id).into(), (*title).to_owned())).collect())));
    let shown = screen(&world);
    assert!(shown.contains(long), "{shown}");
    let ends: HashSet<usize> =
        shown.lines().filter_map(|line| Some(line[..line.find(".md ")?].chars().count())).collect();
    assert_eq!(ends.len(), 1, "{shown}");
    assert!(shown.contains("declared for DiskFull") && shown.contains("down up choose  type to narrow"), "{shown}");
}

#[test]
fn what_a_search_found_stands_below_its_words_when_that_is_all_there_is() {
    let mut world = world(120, 40, &facts());
    world.keys("F");
    let shown = screen(&world);
    let field = shown.lines().position(|line| line.contains("> _")).unwrap();
    let said = shown.lines().position(|line| line.contains("Words in any order")).unwrap();
    assert_eq!(said, field + 2, "{shown}");
}

#[test]
fn the_palette_says_where_one_is_in_it() {
    let mut world = world(80, 24, &facts());
    world.keys(":");
    let count =
        |world: &World| screen(world).lines().find_map(|line| line.find(" of ").map(|at| line[..at].to_owned()));
    let first = screen(&world);
    assert!(first.contains("│ 1 of "), "{first}");
    world.press(KeyCode::Down);
    assert!(screen(&world).contains("│ 2 of "), "{:?}", count(&world));
    world.keys("xyzzy");
    assert!(!screen(&world).contains(" of 0"), "{}", screen(&world));
}
