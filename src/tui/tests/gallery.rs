//! Every pane and every box above the panes as snapshots, at the sizes that people have; what `screens`, `chat_screens`,
//! `palette` and `search` have is not repeated here.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::chat::{ask, came, chatting, gemini, message, person, prepared, preview, text, with_chat};
use super::screens::screen;
use super::world::{NOW, World, du, proposal, snapshot, with_attempt, with_detail, with_proposal};
use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Execution, Origin};
use crate::domain::alert::Severity;
use crate::domain::id::{AttemptId, IncidentId};
use crate::domain::incident::{IncidentState, Queue, Suppression, Until};
use crate::domain::search::{Query, snippet};
use crate::engine::ask::{AnswerEvent, Route};
use crate::engine::backend::{BackendError, Done, Output, QueueCounts, Snapshot};
use crate::engine::search::{Coverage, Hit, HitKind, SearchAnswer};
use crate::tui::msg::{Asked, Effect, Msg, Timer};
use crate::tui::review::QUIET;
use crate::tui::tour::Guidance;
use crate::tui::ui::{Model, Overlay};

/// One pane, three panes, and a large terminal.
pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// A night shift: incidents of several people, counts of all queues, one source that is down.
pub(super) fn facts() -> Snapshot {
    let mut facts = with_detail(snapshot(1..=60), 1);
    facts.header.me = "ada".to_owned();
    facts.header.people = vec!["ada".to_owned(), "bob".to_owned()];
    facts.header.queues = QueueCounts { mine: 2, unassigned: 57, all: 60, suppressed: 1 };
    facts.queue.rows[1].owner = Some("ada".to_owned());
    facts.queue.rows[2].owner = Some("bob.the.builder".to_owned());
    facts
}

fn shown(name: &str, facts: &Snapshot, prepare: impl Fn(&mut World)) {
    for (columns, rows) in SIZES {
        let mut world = World::new(columns, rows);
        world.settle_with(facts);
        world.take_effects();
        prepare(&mut world);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen(&world));
    }
}

/// Tells the console that the store changed, and answers with `facts`.
fn tell(world: &mut World, facts: &Snapshot) {
    world.wait(1_000);
    world.send(Msg::Changed);
    settle(world, facts);
}

fn changed(change: impl Fn(&mut Snapshot)) -> Snapshot {
    let mut facts = facts();
    change(&mut facts);
    facts
}

/// Answers what the console asks for until it asks for nothing more, each time with the output of the attempt that it asks
/// for.
pub(super) fn settle(world: &mut World, facts: &Snapshot) {
    for _ in 0..4 {
        let asked = world.take_effects().into_iter().rev().find_map(|effect| match effect {
            Effect::Load { query, .. } => Some(query.output),
            _ => None,
        });
        let Some(wanted) = asked else { continue };
        let mut facts = facts.clone();
        facts.output =
            wanted.map(|wanted| Output { attempt: wanted.attempt, start: 0, bytes: output_of(wanted.attempt) });
        world.load(facts);
    }
    assert!(!world.model.ui.loading.in_flight, "the console keeps asking");
}

/// What the attempts of [`with_attempts`] have written: the one that just began has nothing yet.
fn output_of(attempt: AttemptId) -> Vec<u8> {
    match attempt {
        AttemptId(3) => Vec::new(),
        AttemptId(2) => b"12K\t/srv/data/tmp\n".to_vec(),
        AttemptId(_) => b"first\nlast line\n".to_vec(),
    }
}

/// The same with three attempts: one runs, one was ended by a signal, and one exited.
pub(super) fn with_attempts() -> Snapshot {
    let mut facts = with_attempt(facts(), "first\nlast line\n", 3);
    let detail = facts.detail.as_mut().unwrap();
    let exited = detail.record.attempts[0].clone();
    let mut killed = exited.clone();
    killed.id = AttemptId(2);
    killed.state = AttemptState::Ended { outcome: Outcome::Signalled { signal: 9 }, at: NOW };
    let mut running = exited;
    running.id = AttemptId(3);
    running.state = AttemptState::IntentStored;
    detail.record.attempts.splice(0..0, [running, killed]);
    facts
}

mod queue {
    use super::*;

    #[test]
    fn all_with_owners_and_counts() {
        shown("queue_all", &facts(), |_| {});
    }

    #[test]
    fn mine() {
        let mut mine = changed(|facts| facts.queue.rows.iter_mut().for_each(|row| row.owner = Some("ada".to_owned())));
        mine.queue.rows.truncate(2);
        mine.queue.total = 2;
        mine.detail.as_mut().unwrap().record.incident.owner = Some("ada".to_owned());
        shown("queue_mine", &facts(), |world| {
            world.keys("Q");
            world.settle_with(&mine);
            assert_eq!(world.model.ui.queue.queue, Queue::Mine);
        });
    }

    #[test]
    fn unassigned_and_nothing_in_it() {
        let mut none = with_detail(snapshot([]), 1);
        none.detail = None;
        none.header = facts().header;
        none.header.queues = QueueCounts { mine: 2, unassigned: 0, all: 60, suppressed: 1 };
        shown("queue_unassigned_empty", &facts(), |world| {
            world.keys("QQ");
            for _ in 0..4 {
                if world.model.ui.loading.in_flight {
                    world.load(none.clone());
                }
            }
            assert_eq!(world.model.ui.queue.queue, Queue::Unassigned);
        });
    }

    #[test]
    fn suppressed() {
        let mut facts = changed(|facts| {
            let until = [Until::Changed, Until::Time(NOW.plus(Duration::from_secs(7_200)))];
            for (row, until) in facts.queue.rows.iter_mut().zip(until) {
                row.suppressed = Some(Suppression { by: "bob".to_owned(), until });
            }
            facts.queue.rows.truncate(2);
            facts.queue.total = 2;
            facts.header.queues.suppressed = 2;
        });
        let suppressed = facts.queue.rows[0].suppressed.clone();
        facts.detail.as_mut().unwrap().record.incident.suppressed = suppressed;
        shown("queue_suppressed", &super::facts(), |world| {
            world.keys("QQQ");
            world.settle_with(&facts);
            assert_eq!(world.model.ui.queue.queue, Queue::Suppressed);
        });
    }

    #[test]
    fn what_does_not_fit_into_the_title_of_an_incident_is_marked() {
        let mut world = World::new(120, 40);
        world.settle_with(&facts());
        let shown = screen(&world);
        assert!(shown.contains("#1 critical open for 19h, 1/1 firing ─│"), "{shown}");
    }

    #[test]
    fn a_filter_while_it_is_typed_and_one_without_a_match() {
        shown("queue_filtering", &facts(), |world| world.keys("/orders"));
        shown("queue_no_match", &facts(), |world| {
            world.keys("/walrus");
            world.press(KeyCode::Enter);
            let mut none = snapshot([]);
            none.header = facts().header;
            for _ in 0..4 {
                if world.model.ui.loading.in_flight {
                    world.load(none.clone());
                }
            }
        });
    }

    #[test]
    fn resolved_and_still_firing() {
        let facts = changed(|facts| {
            facts.queue.rows[0].state = IncidentState::Resolved;
            facts.queue.rows[1].state = IncidentState::Resolved;
            facts.queue.rows[1].firing = 0;
            facts.header.resolved_firing = 1;
            let incident = &mut facts.detail.as_mut().unwrap().record.incident;
            incident.state = IncidentState::Resolved;
            incident.resolved_by = Some("bob".to_owned());
            incident.resolved_at = Some(NOW.minus(Duration::from_secs(600)));
            assert!(incident.fires_although_resolved());
        });
        shown("queue_resolved_firing", &facts, |_| {});
    }
}

mod pages {
    use super::*;

    #[test]
    fn help_of_every_pane() {
        for (name, key) in [("sop", "2"), ("chat", "3"), ("output", "4")] {
            shown(&format!("help_{name}"), &with_attempts(), |world| {
                world.keys(key);
                world.keys("?");
            });
        }
    }

    #[test]
    fn sources_and_the_incident_in_full() {
        shown("sources", &facts(), |world| world.keys("S"));
        shown("details", &with_attempts(), |world| world.keys("d"));
    }

    #[test]
    fn plain_text_of_every_pane() {
        let messages = vec![message(1, person(), "why?"), message(2, gemini(), "It is **full**: `df -h` says so.")];
        let facts = with_chat(with_attempts(), messages);
        for (name, keys) in [("incidents", "1w"), ("sop", "2w"), ("chat", "3w"), ("details", "dw")] {
            shown(&format!("plain_{name}"), &facts, |world| world.keys(keys));
        }
        for (name, keys) in [("output", "4[["), ("output_nothing_yet", "4")] {
            shown(&format!("plain_{name}"), &facts, |world| {
                for key in keys.chars() {
                    world.keys(&key.to_string());
                    settle(world, &facts);
                }
                tell(world, &facts);
                world.keys("w");
            });
        }
    }
}

mod approvals {
    use super::*;

    fn reviewed(name: &str, waits: &[crate::domain::action::proposal::Proposal], prepare: impl Fn(&mut World)) {
        let facts = waits.iter().cloned().fold(facts(), with_proposal);
        shown(name, &facts, |world| {
            prepare(world);
        });
    }

    #[test]
    fn what_waits_stands_in_the_last_row_and_at_its_step() {
        let two = [du(1, Risk::Read), du(2, Risk::Unknown)];
        reviewed("tray_incidents", &two, |_| {});
        reviewed("tray_sop", &two[..1], |world| world.keys("2]"));
        reviewed("nothing_waits", &[], |world| world.keys("A"));
    }

    #[test]
    fn a_review_that_is_ready_and_one_that_is_not() {
        let typed = |world: &mut World, name: &str| {
            world.keys("A");
            for _ in 0..30 {
                world.paint();
                world.press(KeyCode::PageDown);
            }
            world.paint();
            world.keys(name);
            world.wait(u64::try_from(QUIET.as_millis()).unwrap() + 1);
            world.send(Msg::Woken(Timer::Minute));
        };
        let waits = [du(1, Risk::Unknown)];
        reviewed("review_ready", &waits, |world| typed(world, "db-3"));
        reviewed("review_wrong_target", &waits, |world| {
            typed(world, "db-4");
            world.press(KeyCode::F(8));
        });
    }

    #[test]
    fn a_review_of_an_interactive_command() {
        let words = ["kubectl", "exec", "-it", "orders-db-0", "--", "psql"].map(|word| (word, Origin::Sop));
        let mut interactive = proposal(1, Risk::Unknown, &words);
        interactive.spec.mode = Execution::Interactive;
        reviewed("review_interactive", &[interactive], |world| {
            world.keys("A");
            world.paint();
        });
    }

    #[test]
    fn a_review_of_words_from_everywhere() {
        let long = format!("/srv/data/{}", "wal-archive/".repeat(9));
        let words = [
            ("find", Origin::Sop),
            (long.as_str(), Origin::Label("mountpoint".to_owned())),
            ("-name", Origin::Sop),
            ("*.log of\u{202e}today", Origin::Operator),
            ("", Origin::Sop),
            ("-delete", Origin::Model),
        ];
        let mut long = proposal(1, Risk::Destroy, &words);
        long.spec.step.title =
            "Delete those that the list shows. The log that is being written now has no number in its name and stays."
                .to_owned();
        reviewed("review_words", &[long], |world| {
            world.keys("A");
            world.paint();
        });
    }
}

mod boxes {
    use super::*;

    #[test]
    fn questions_about_an_incident() {
        for (name, keys) in [("assign", "obo"), ("note", "nrestarted by hand"), ("resolve", "R"), ("suppress", "z2h")] {
            shown(&format!("question_{name}"), &facts(), |world| world.keys(keys));
        }
        shown("question_objection", &facts(), |world| {
            world.keys("R");
            world.press(KeyCode::Enter);
        });
    }

    #[test]
    fn values_of_a_step() {
        shown("values", &facts(), |world| {
            world.keys("2]e");
            assert!(matches!(world.model.ui.overlay, Some(Overlay::Prompt(_))));
        });
    }

    #[test]
    fn sops_to_choose_from() {
        shown("choose_sop", &facts(), |world| {
            world.keys("s");
            let long =
                "How to find out which of many volumes of a large cluster fills up, and what to do then, step by step";
            let titles = ["Disk full", "Inodes are used up", "Worker crash loop", long];
            let sops = titles
                .iter()
                .enumerate()
                .map(|(at, title)| (format!("team/{at}.md").as_str().into(), (*title).to_owned()));
            world.send(Msg::Sops(Ok(sops.collect())));
            world.press(KeyCode::Down);
        });
    }

    #[test]
    fn the_palette() {
        shown("palette_all", &facts(), |world| {
            world.keys(":");
            world.send(Msg::Sops(Ok(vec![("bundled/disk-full.md".into(), "Disk full".to_owned())])));
        });
        shown("palette_none", &facts(), |world| world.keys(":xyzzy"));
    }

    fn found(world: &mut World, hits: Vec<Hit>, coverage: Coverage) {
        let Some(Overlay::Search(search)) = &world.model.ui.overlay else { panic!("the search is open") };
        let generation = search.generation;
        world.send(Msg::Woken(Timer::Search(generation)));
        world.send(Msg::Found { generation, result: Ok(SearchAnswer { hits, coverage }) });
    }

    #[test]
    fn the_search() {
        let hit = |id: i64| Hit {
            kind: HitKind::Incident { id: IncidentId(id), severity: Severity::Critical, state: IncidentState::Open },
            title: format!("DiskFull eu1 team-{id}/orders-db"),
            path: String::new(),
            snippet: snippet(&Query::parse("disk"), "the disk of db-3 is full"),
            score: 4.0,
        };
        shown("search_empty", &facts(), |world| world.keys("F"));
        shown("search_found", &facts(), |world| {
            world.keys("Fdisk");
            found(world, (1..=40).map(hit).collect(), Coverage::Indexing { done: 120, of: 604 });
        });
        shown("search_none", &facts(), |world| {
            world.keys("Fwalrus");
            found(world, Vec::new(), Coverage::Whole);
        });
    }
}

mod output {
    use super::*;

    #[test]
    fn of_one_that_runs_one_that_was_killed_and_one_that_failed() {
        let facts = with_attempts();
        for (name, keys) in [("output_starting", "4"), ("output_killed", "4["), ("output_failed", "4[[")] {
            shown(name, &facts, |world| {
                for key in keys.chars() {
                    world.keys(&key.to_string());
                    settle(world, &facts);
                }
                tell(world, &facts);
            });
        }
        // Before the answer has come.
        shown("output_being_read", &facts, |world| world.keys("4["));
    }

    #[test]
    fn of_which_nobody_knows_the_end() {
        let mut facts = with_attempt(facts(), "", 0);
        let reason = "its supervisor is gone and left no record of the end".to_owned();
        facts.detail.as_mut().unwrap().record.attempts[0].state =
            AttemptState::Ended { outcome: Outcome::Unknown { reason }, at: NOW };
        shown("output_unknown", &facts, |world| world.keys("4"));
    }

    #[test]
    fn with_a_text_that_is_looked_for() {
        let lines: String = (0..90).map(|line| format!("line {line} of the log\n")).collect();
        shown("output_find", &with_attempt(facts(), &lines, 0), |world| {
            world.keys("4/line 7");
            world.press(KeyCode::Enter);
        });
    }

    #[test]
    fn steps_of_the_document_that_are_looked_for_and_folded() {
        shown("sop_find", &facts(), |world| {
            world.keys("2/mountpoint");
            world.press(KeyCode::Enter);
        });
        shown("sop_folded", &facts(), |world| world.keys("2Z"));
    }
}

mod conversation {
    use super::*;

    fn talked() -> Vec<crate::domain::chat::ChatMessage> {
        vec![message(1, person(), "why is it full?"), message(2, gemini(), "Of **logs** [sop:bundled/disk-full.md].")]
    }

    fn chat(name: &str, prepare: impl Fn(&mut World)) {
        for (columns, rows) in SIZES {
            let mut world = chatting((columns, rows), talked());
            prepare(&mut world);
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen(&world));
        }
    }

    #[test]
    fn while_a_question_is_typed_prepared_thought_about_and_answered() {
        chat("chat_typing", |world| world.keys("iand how do I get rid of them"));
        chat("chat_asking", |world| {
            ask(world, "and now?");
        });
        chat("chat_thinking", |world| {
            let number = ask(world, "and now?");
            prepared(world, number, Route::Model(Box::new(preview(false))));
            came(world, number, AnswerEvent::Thought("hm".repeat(700)));
        });
        chat("chat_writing", |world| {
            let number = ask(world, "and now?");
            prepared(world, number, Route::Model(Box::new(preview(false))));
            came(world, number, text("Remove them with"));
            world.press(KeyCode::Esc);
        });
    }

    #[test]
    fn with_a_citation_and_a_text_that_is_looked_for() {
        chat("chat_citation", |world| world.keys("}"));
        chat("chat_find", |world| {
            world.keys("/logs");
            world.press(KeyCode::Enter);
        });
    }
}

mod messages {
    use super::*;

    #[test]
    fn short_and_long_ones_and_trouble() {
        shown("toast_done", &facts(), |world| {
            let done = Ok(Done::Incident("Acknowledged #1.".to_owned()));
            world.send(Msg::Answered { asked: Asked::Incident, result: done });
        });
        shown("toast_refused", &facts(), |world| {
            let refusal = crate::domain::incident::Refusal::new(
                "Nothing was taken back",
                "bob has changed it since",
                "Look at it again",
            );
            world.send(Msg::Answered { asked: Asked::Incident, result: Err(BackendError::Refused(refusal)) });
        });
        shown("toast_long", &facts(), |world| {
            world.send(Msg::Notice(format!(
                "It did not work because {}. Now do this: END",
                "of many reasons ".repeat(12)
            )));
        });
        shown("trouble", &facts(), |world| {
            world.wait(1_000);
            world.send(Msg::Changed);
            let generation = world.model.ui.loading.generation;
            let result = Err(BackendError::Failed("the disk is full. Free some space".to_owned()));
            world.send(Msg::Loaded { generation, result });
        });
    }

    #[test]
    fn the_tour_takes_the_last_row() {
        for (columns, rows) in SIZES {
            let mut world = World::new(columns, rows);
            let (keymap, settings) = (world.model.ui.keymap.clone(), world.model.ui.settings.clone());
            world.model = Model::new((columns, rows), keymap, settings).guided(Guidance::Tour);
            world.send(Msg::Changed);
            tell(&mut world, &facts());
            let hint = super::super::tour::rows_of(&world).join("\n");
            insta::assert_snapshot!(format!("tour_{columns}x{rows}"), hint);
        }
    }
}
