//! What a person does with incidents: keys, questions, queues, and what the screen says of it.

use crossterm::event::KeyCode;
use rstest::rstest;

use super::screens::screen;
use super::world::{NOW, World, snapshot, with_detail};
use crate::domain::id::IncidentId;
use crate::domain::incident::{Assignee, IncidentCommand, IncidentState, Queue, Suppression, Until};
use crate::engine::backend::{BackendError, Command, Done, QueueAnchor, Snapshot};
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::ui::Overlay;

/// Five incidents; the first is under the cursor.
fn facts() -> Snapshot {
    let mut facts = with_detail(snapshot(1..=5), 1);
    facts.header.me = "ada".to_owned();
    facts.header.people = vec!["ada".to_owned(), "bob".to_owned()];
    facts.header.queues = crate::engine::backend::QueueCounts { mine: 2, unassigned: 3, all: 5, suppressed: 1 };
    facts
}

fn world(facts: &Snapshot) -> World {
    let mut world = World::new(120, 40);
    world.settle_with(facts);
    world.take_effects();
    world
}

/// What was sent, and for which incident.
fn sent(world: &mut World) -> Vec<(i64, Option<IncidentCommand>)> {
    let sent = world.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::Send { command: Command::Incident { id, command }, .. } => Some((id.0, Some(command))),
        Effect::Send { command: Command::UndoIncident { id }, .. } => Some((id.0, None)),
        _ => None,
    });
    sent.collect()
}

fn changed(change: impl Fn(&mut Snapshot)) -> Snapshot {
    let mut facts = facts();
    change(&mut facts);
    facts
}

#[rstest]
#[case("m", IncidentCommand::Assign(Assignee::Me))]
#[case("a", IncidentCommand::Acknowledge)]
fn one_key_does_what_needs_no_words(#[case] key: &str, #[case] command: IncidentCommand) {
    let mut world = world(&facts());
    world.keys(key);
    assert_eq!(sent(&mut world), [(1, Some(command))]);
}

#[rstest]
#[case("o", "bo", IncidentCommand::Assign(Assignee::Person("bob".to_owned())))]
#[case("o", "", IncidentCommand::Assign(Assignee::Nobody))]
#[case("n", "disk of db-3", IncidentCommand::Note("disk of db-3".to_owned()))]
#[case("R", "false alarm", IncidentCommand::Resolve("false alarm".to_owned()))]
#[case("z", "change", IncidentCommand::Suppress(Until::Changed))]
#[case("z", "2h", IncidentCommand::Suppress(Until::Time(NOW.plus(std::time::Duration::from_secs(7_200)))))]
fn the_others_ask_and_enter_confirms(#[case] key: &str, #[case] words: &str, #[case] command: IncidentCommand) {
    let mut world = world(&facts());
    world.keys(key);
    world.keys(words);
    assert_eq!(sent(&mut world), []);
    assert!(screen(&world).contains("#1 DiskFull eu1 team-1/orders-db"), "{}", screen(&world));
    world.press(KeyCode::Enter);
    assert_eq!(sent(&mut world), [(1, Some(command))]);
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn a_question_keeps_its_incident_takes_a_paste_and_can_be_left() {
    let mut world = world(&facts());
    world.keys("n");
    world.send(Msg::Paste("two\nlines".to_owned()));
    // Meanwhile the incident ends and the cursor stands on another one.
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&with_detail(snapshot(2..=5), 2));
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(2)));
    world.press(KeyCode::Enter);
    assert_eq!(sent(&mut world), [(1, Some(IncidentCommand::Note("two lines".to_owned())))]);
    world.keys("n");
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none() && sent(&mut world).is_empty());
}

#[rstest]
#[case("R", "", "Say why it is over")]
#[case("n", "", "Write a few words")]
#[case("z", "soon", "Type a span of time such as 30m")]
fn what_cannot_be_used_is_said_and_not_sent(#[case] key: &str, #[case] words: &str, #[case] objection: &str) {
    let mut world = world(&facts());
    world.keys(key);
    world.keys(words);
    world.press(KeyCode::Enter);
    assert_eq!(sent(&mut world), []);
    assert!(screen(&world).contains(objection), "{}", screen(&world));
    world.keys("x");
    assert!(!screen(&world).contains(objection), "it is gone with the next character");
}

#[test]
fn the_same_keys_take_things_back() {
    let mut mine = world(&changed(|facts| facts.queue.rows[0].owner = Some("ada".to_owned())));
    mine.keys("mu");
    assert_eq!(sent(&mut mine), [(1, Some(IncidentCommand::Assign(Assignee::Nobody))), (1, None)]);

    let mut over = world(&changed(|facts| facts.queue.rows[0].state = IncidentState::Resolved));
    over.keys("R");
    assert_eq!(sent(&mut over), [(1, Some(IncidentCommand::Reopen))]);

    let suppressed = |until| {
        changed(move |facts| facts.queue.rows[0].suppressed = Some(Suppression { by: "bob".to_owned(), until }))
    };
    let mut holds = world(&suppressed(Until::Changed));
    holds.keys("z");
    assert_eq!(sent(&mut holds), [(1, Some(IncidentCommand::Unsuppress))]);
    let mut past = world(&suppressed(Until::Time(NOW.minus(std::time::Duration::from_secs(1)))));
    past.keys("z");
    assert!(matches!(past.model.ui.overlay, Some(Overlay::Question(_))));
}

#[rstest]
#[case::three_panes(120, "ada", " * ")]
#[case::three_panes_of_another(120, "bob", " b… ")]
#[case::of_one_who_is_called_almost_so(120, "melanie", " m… ")]
#[case::of_a_short_name(120, "bo", " bo ")]
#[case::hostile(120, "\u{202e}x", " \\… ")]
#[case::room_for_the_name(200, "bob", " bob ")]
#[case::one_pane(80, "ada", " ada ")]
fn a_row_says_whose_it_is(#[case] columns: u16, #[case] owner: &str, #[case] shown: &str) {
    let mut world = World::new(columns, 40);
    let facts = changed(|facts| facts.queue.rows[1].owner = Some(owner.to_owned()));
    world.settle_with(&facts);
    let screen = screen(&world);
    let rows: Vec<&str> = screen.lines().skip(2).take(facts.queue.rows.len()).collect();
    let columns = rows.iter().filter(|row| row.contains(shown)).count();
    assert_eq!(columns, 1, "{screen}");
    let at = |row: &str| row.chars().position(|c| c == ':');
    assert_eq!(at(rows[1]), at(rows[2]), "times stay in their column\n{screen}");
}

#[test]
fn what_came_of_it_is_said() {
    let mut world = world(&facts());
    let said = "Took back on #1: note: a\u{202e}b.".to_owned();
    world.send(Msg::Answered { asked: Asked::Incident, result: Ok(Done::Incident(said)) });
    assert!(screen(&world).contains("Took back on #1: note: a\\u{202e}b."), "{}", screen(&world));
    let refusal = crate::domain::incident::Refusal::new("Nothing was taken back", "bob has changed it since", "Look");
    world.send(Msg::Answered { asked: Asked::Incident, result: Err(BackendError::Refused(refusal)) });
    assert!(screen(&world).contains("Nothing was taken back: bob has changed it since. Look"));
}

#[test]
fn queues_are_gone_through_with_the_cursor_near_where_it_was() {
    let mut world = world(&facts());
    assert!(screen(&world).contains("1 Incidents  1-5 of 5"), "{}", screen(&world));
    world.keys("jjQ");
    // The details of the third were asked for before the queue.
    world.load(with_detail(facts(), 3));
    let queries: Vec<_> = world
        .take_effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Load { query, .. } => Some(query.queue),
            _ => None,
        })
        .collect();
    let query = queries.last().unwrap();
    assert_eq!((query.queue, query.anchor), (Queue::Mine, QueueAnchor::Around(IncidentId(3))));
    // 1, 4 and 5 are in it: 4 stands where 3 would be.
    let mut mine = snapshot([1, 4, 5]);
    mine.queue.near = Some(1);
    while world.model.ui.loading.in_flight {
        let selected = world.model.ui.queue.selected.unwrap();
        world.load(with_detail(mine.clone(), selected.0));
    }
    assert_eq!(world.model.ui.queue.selected, Some(IncidentId(4)));
    assert!(screen(&world).contains("1 Incidents: mine  1-3 of 3"), "{}", screen(&world));
    for expected in [Queue::Unassigned, Queue::Suppressed, Queue::All] {
        world.keys("Q");
        assert_eq!(world.model.ui.queue.queue, expected);
    }
}

#[test]
fn an_empty_queue_says_which_one_it_is_and_how_to_leave_it() {
    let mut world = world(&facts());
    world.keys("Q");
    world.settle_with(&changed(|facts| {
        facts.queue = snapshot([]).queue;
        facts.detail = None;
    }));
    let screen = screen(&world);
    assert!(screen.contains("No incident is yours.") && screen.contains("Q shows the next queue."), "{screen}");
}

#[rstest]
#[case(120, 10_000, "of 10000  !1 ")]
#[case(120, 5, "of 5  1 still firing ")]
#[case(200, 5, "of 5  1 resolved but firing  1 suppressed ")]
#[case(260, 5, "of 5  1 resolved but firing  1 suppressed  2 mine  3 unassigned")]
fn the_title_tells_of_what_is_not_shown(#[case] columns: u16, #[case] total: u32, #[case] expected: &str) {
    let mut facts = facts();
    facts.header.resolved_firing = 1;
    facts.queue.total = total;
    let mut world = World::new(columns, 40);
    world.settle_with(&facts);
    let title = screen(&world).lines().nth(1).unwrap().to_owned();
    assert!(title.contains(expected), "{title}");
}

#[test]
fn an_end_by_hand_with_a_firing_alert_is_shown_for_what_it_is() {
    let facts = changed(|facts| {
        facts.queue.rows[0].state = IncidentState::Resolved;
        let incident = &mut facts.detail.as_mut().unwrap().record.incident;
        incident.state = IncidentState::Resolved;
        incident.resolved_by = Some("ann".to_owned());
        incident.resolved_at = Some(NOW);
        incident.owner = Some("bob".to_owned());
    });
    for (columns, expected) in
        [(120, "#1 1 of 1 still firing, resolved by "), (200, "still firing, resolved by ann, after ")]
    {
        let mut world = World::new(columns, 40);
        world.settle_with(&facts);
        let screen = screen(&world);
        assert!(screen.contains(expected), "{screen}");
        assert!(screen.lines().nth(2).unwrap().contains('!'), "{screen}");
    }
}

#[test]
fn a_retracted_note_is_marked() {
    let facts = changed(|facts| {
        let timeline = &mut facts.detail.as_mut().unwrap().record.timeline;
        timeline[0].what = "note: wrong".to_owned();
        timeline[0].retracted_at = Some(NOW);
    });
    let screen = screen(&world(&facts));
    assert!(screen.contains("28 Feb 07:04:00 [retracted] note: "), "{screen}");
    assert!(screen.contains("                wrong (alertmanager)"), "it goes on below: {screen}");
}
