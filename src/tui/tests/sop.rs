//! The step tree: what would be proposed, what shows, what is asked for.

use std::collections::{BTreeMap, HashSet};

use crossterm::event::KeyCode;

use super::screens::screen;
use super::world::{NOW, World, disk_full, snapshot, with_detail};
use crate::domain::alert::AlertStatus;
use crate::domain::procedure::NodeKind;
use crate::domain::sop;
use crate::domain::text::Repertoire;
use crate::engine::backend::{AlertRow, BackendError, Command, NeededValue, Snapshot};
use crate::tui::msg::{Asked, Effect, Msg};
use crate::tui::place::Place;
use crate::tui::sop_lines;
use crate::tui::update::return_to;

fn world() -> World {
    let mut world = World::new(80, 24);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world.keys("2");
    world.take_effects();
    world
}

fn proposals(world: &mut World) -> usize {
    let effects = world.take_effects();
    effects.iter().filter(|effect| matches!(effect, Effect::Send { command: Command::Propose { .. }, .. })).count()
}

#[test]
fn the_values_of_the_command_under_the_cursor_are_shown_before_it_is_proposed() {
    let mut world = world();
    assert!(screen(&world).contains("<mountpoint> = /srv/data (label)"), "{}", screen(&world));
    world.keys("/rm -v");
    world.press(KeyCode::Enter);
    assert!(screen(&world).contains("<file>: will be asked for"), "{}", screen(&world));
}

#[test]
fn an_interactive_command_is_marked_and_takes_values_like_any_other() {
    let text = "# Look\n\n```sh\nkubectl exec -it <pod> -- sh\n```\n\n```sh\nkubectl logs -f <pod>\n```\n";
    let procedure = sop::parse(&"look.md".into(), text.as_bytes());
    let lines = sop_lines::lay_out(&procedure, text, &HashSet::new(), 80, Repertoire::Unicode);
    let commands: Vec<_> = lines.iter().filter(|line| line.class == sop_lines::LineClass::Command).collect();
    let leads: Vec<&str> = commands.iter().map(|line| line.lead.as_str()).collect();
    assert_eq!(leads, ["interactive $ ", "$ "]);
    for command in commands {
        let values = sop_lines::values(&procedure, command.node, &BTreeMap::new());
        assert_eq!(values.len(), 1, "{}", command.text);
    }
}

#[test]
fn a_question_in_the_words_of_its_step_takes_one_line_and_no_key() {
    let document = disk_full();
    let procedure = &document.procedure;
    let repeated: Vec<usize> =
        (0..procedure.nodes.len()).filter(|node| sop_lines::repeats_parent(procedure, *node)).collect();
    assert!(!repeated.is_empty(), "the document has such a question");
    let mut world = world();
    for key in ["j", "]", "n", "l"] {
        world.keys("g/rotated logs");
        world.press(KeyCode::Enter);
        for _ in 0..procedure.nodes.len() + 2 {
            world.keys(key);
            assert!(!repeated.contains(&world.model.ui.sop.cursor), "{key} leads to a node that has no line");
        }
    }
}

#[test]
fn nothing_is_proposed_for_an_incident_that_is_not_on_the_screen_yet() {
    let mut world = World::new(120, 40);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world.keys("j2");
    world.take_effects();
    world.keys("r");
    assert_eq!(proposals(&mut world), 0);
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("still being loaded")));
    world.settle_with(&with_detail(snapshot(1..=5), 2));
    world.keys("r");
    assert_eq!(proposals(&mut world), 1);
}

#[test]
fn what_is_proposed_is_for_the_newest_alert_that_fires_and_after_the_end_for_the_last() {
    let mut facts = with_detail(snapshot(1..=5), 1);
    let alerts = &mut facts.detail.as_mut().expect("an incident").record.alerts;
    let shown = alerts[0].key();
    let named =
        |name: &str, status: AlertStatus| AlertRow { fingerprint: name.to_owned(), status, ..alerts[0].clone() };
    let (older, over) = (named("older", AlertStatus::Firing), named("over", AlertStatus::Resolved));
    alerts.extend([older, over.clone()]);
    let mut world = world();
    world.send(Msg::Changed);
    world.settle_with(&facts);
    world.take_effects();
    world.keys("r");
    let bound = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { command: Command::Propose { alert, .. }, .. } => Some(alert),
        _ => None,
    });
    assert_eq!(bound, Some(shown));
    let ended = over.key();
    facts.detail.as_mut().expect("an incident").record.alerts = vec![over];
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&facts);
    world.take_effects();
    world.keys("r");
    let bound = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { command: Command::Propose { alert, .. }, .. } => Some(alert),
        _ => None,
    });
    assert_eq!(bound, Some(ended), "to verify; what may run is decided elsewhere");
}

#[test]
fn a_step_and_the_command_that_it_proposes_are_on_the_screen_together() {
    let mut world = world();
    let document = disk_full();
    for _ in 0..30 {
        world.keys("]");
        let cursor = world.model.ui.sop.cursor;
        let command = crate::domain::sop::tree::command_at(&document.procedure, cursor);
        let Some(NodeKind::Command { script, .. }) = command.map(|at| &document.procedure.nodes[at].kind) else {
            continue;
        };
        let start: String = script.chars().take(20).collect();
        assert!(screen(&world).contains(&start), "{start} in {}", screen(&world));
    }
}

#[test]
fn the_prompt_shows_the_command_that_it_asks_for() {
    let mut world = world();
    world.keys("/rm -v");
    world.press(KeyCode::Enter);
    world.keys("r");
    let request = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { asked: Asked::Propose(request), .. } => Some(request),
        _ => None,
    });
    let asked = Asked::Propose(request.expect("it was proposed"));
    let needed = vec![NeededValue { name: "file".to_owned(), surface: "<file>".to_owned(), problem: String::new() }];
    world.send(Msg::Answered { asked, result: Err(BackendError::NeedsValues(needed)) });
    let shown = screen(&world);
    assert!(shown.contains("This command needs values") && shown.contains("│ rm -v -- <file>"), "{shown}");
    world.keys("ab");
    world.press(KeyCode::Left);
    world.keys("X");
    world.press(KeyCode::Enter);
    let values = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { command: Command::Propose { values, .. }, .. } => Some(values),
        _ => None,
    });
    assert_eq!(values.and_then(|values| values.get("file").cloned()), Some("aXb".to_owned()));
}

#[test]
fn a_narrow_screen_says_which_incident_the_sop_is_for() {
    let world = world();
    let title = screen(&world).lines().nth(1).unwrap_or_default().to_owned();
    assert!(title.contains("for DiskFull eu1 team-1/orders-db"), "{title}");
}

/// What the console asks the engine to propose, with the values that were typed.
fn proposed_values(world: &mut World) -> Vec<BTreeMap<String, String>> {
    let effects = world.take_effects().into_iter();
    let values = effects.filter_map(|effect| match effect {
        Effect::Send { command: Command::Propose { values, .. }, .. } => Some(values),
        _ => None,
    });
    values.collect()
}

#[test]
fn a_value_that_is_left_as_the_label_gives_it_stays_the_labels() {
    let mut world = world();
    world.keys("e");
    let shown = screen(&world);
    assert!(shown.contains("Values of this command") && shown.contains("= /srv/data"), "{shown}");
    assert!(shown.contains("from the alert's label mountpoint"), "{shown}");
    world.press(KeyCode::Enter);
    assert!(screen(&world).contains("host or container"), "{}", screen(&world));
    world.press(KeyCode::Enter);
    assert_eq!(proposed_values(&mut world), [BTreeMap::new()]);
    assert!(world.model.ui.overlay.is_none());
}

#[test]
fn a_value_that_is_changed_is_the_persons() {
    let mut world = world();
    world.keys("e/tmp");
    assert!(screen(&world).contains("instead of that of the alert's label mountpoint"), "{}", screen(&world));
    world.press(KeyCode::Enter);
    world.press(KeyCode::Enter);
    let typed = BTreeMap::from([("mountpoint".to_owned(), "/srv/data/tmp".to_owned())]);
    assert_eq!(proposed_values(&mut world), [typed]);
}

#[test]
fn a_label_that_no_field_can_hold_is_not_changed_by_looking_at_it() {
    let mut world = World::new(80, 24);
    let mut facts = with_detail(snapshot(1..=5), 1);
    let labels = &mut facts.detail.as_mut().unwrap().record.alerts[0].labels;
    labels.insert("mountpoint".to_owned(), "/srv/a\tb".to_owned());
    world.settle_with(&facts);
    world.keys("2e");
    world.press(KeyCode::Enter);
    world.press(KeyCode::Enter);
    assert_eq!(proposed_values(&mut world), [BTreeMap::new()]);
}

#[test]
fn editing_values_can_be_left_and_asks_for_the_host_where_there_are_none() {
    let mut world = world();
    world.keys("ex");
    world.press(KeyCode::Esc);
    assert!(world.model.ui.overlay.is_none());
    assert!(proposed_values(&mut world).is_empty());
    let document = disk_full();
    let plain = document.procedure.nodes.iter().position(|node| match &node.kind {
        NodeKind::Command { script, .. } => crate::domain::procedure::params::find(script).is_empty(),
        _ => false,
    });
    world.model.ui.sop.cursor = plain.expect("a command without values");
    world.keys("e");
    assert!(screen(&world).contains("host or container"), "{}", screen(&world));
}

#[test]
fn a_page_of_the_sop_is_a_page_of_lines() {
    let mut world = world();
    let document = disk_full();
    let (body, _) = sop_lines::split(world.model.layout().unwrap().sop.unwrap().body);
    let lines = sop_lines::lay_out(
        &document.procedure,
        &document.source,
        &world.model.ui.sop.folded,
        usize::from(body.width),
        world.model.ui.settings.repertoire,
    );
    let height = usize::from(body.height);
    assert!(lines.len() > 2 * height, "the document is longer than two pages");
    let line_of = |world: &World| lines.iter().position(|line| line.node == world.model.ui.sop.cursor).unwrap();
    world.keys("g");
    let mut seen = vec![false; lines.len()];
    for _ in 0..lines.len() {
        let (top, before) = (world.model.ui.sop.top, line_of(&world));
        seen[top..(top + height).min(lines.len())].fill(true);
        world.press(KeyCode::PageDown);
        let after = line_of(&world);
        let longest = lines.iter().filter(|line| line.node == lines[after].node).count();
        assert!(after + longest >= (before + height - 1).min(lines.len() - 1), "from {before} only to {after}");
        if after == before {
            break;
        }
    }
    assert_eq!(world.model.ui.sop.cursor, lines.last().unwrap().node, "the end is reached");
    assert!(seen.iter().all(|line| *line), "no line was passed over");
    let end = world.model.ui.sop.top;
    world.press(KeyCode::PageUp);
    assert!(world.model.ui.sop.top < end && end - world.model.ui.sop.top < height);
    for _ in 0..lines.len() {
        world.press(KeyCode::PageUp);
    }
    assert_eq!((world.model.ui.sop.top, line_of(&world)), (0, 0));
}

/// The facts of [`world`] with these alerts: values of `mountpoint`, each with whether it fires, the newest first.
fn with_alerts(mounts: &[(&str, AlertStatus)]) -> Snapshot {
    let mut facts = with_detail(snapshot(1..=5), 1);
    let record = &mut facts.detail.as_mut().expect("an incident").record;
    let alert = record.alerts.remove(0);
    record.alerts = mounts
        .iter()
        .map(|(mount, status)| {
            let mut labels = alert.labels.clone();
            labels.insert("mountpoint".to_owned(), (*mount).to_owned());
            AlertRow { fingerprint: (*mount).to_owned(), status: *status, labels, ..alert.clone() }
        })
        .collect();
    record.alerts_total = u32::try_from(mounts.len()).expect("few");
    let firing = mounts.iter().filter(|(_, status)| *status == AlertStatus::Firing).count();
    record.incident.firing = u32::try_from(firing).expect("few");
    facts
}

fn world_of_one_alert() -> World {
    let mut world = World::new(80, 24);
    world.settle_with(&with_alerts(&[ZZ]));
    world.keys("2");
    world
}

fn changed_to(world: &mut World, facts: &Snapshot) {
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(facts);
}

/// The fingerprint of the alert that a proposal would be for.
fn proposed_for(world: &mut World) -> Option<String> {
    world.take_effects();
    world.keys("r");
    world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Send { command: Command::Propose { alert, .. }, .. } => Some(alert.fingerprint),
        _ => None,
    })
}

const ZZ: (&str, AlertStatus) = ("/srv/zz", AlertStatus::Firing);
const XX: (&str, AlertStatus) = ("/srv/xx", AlertStatus::Firing);

#[test]
fn an_alert_that_joins_does_not_change_what_a_step_is_for() {
    let mut world = world_of_one_alert();
    assert!(!screen(&world).contains("alerts"), "one alert needs no name: {}", screen(&world));
    changed_to(&mut world, &with_alerts(&[XX, ZZ]));
    let shown = screen(&world);
    assert!(shown.contains("2 of 2 alerts: /srv/zz (v)"), "{shown}");
    assert!(shown.contains("<mountpoint> = /srv/zz"), "{shown}");
    assert_eq!(proposed_for(&mut world).as_deref(), Some("/srv/zz"));

    world.keys("v");
    world.settle_with(&with_alerts(&[XX, ZZ]));
    let shown = screen(&world);
    assert!(shown.contains("1 of 2 alerts: /srv/xx (v)") && shown.contains("<mountpoint> = /srv/xx"), "{shown}");
    let third = ("/srv/new", AlertStatus::Firing);
    changed_to(&mut world, &with_alerts(&[third, XX, ZZ]));
    assert_eq!(proposed_for(&mut world).as_deref(), Some("/srv/xx"), "what was chosen stays");
}

#[test]
fn a_step_for_an_alert_that_is_over_or_gone_is_never_run_for_another_one_unseen() {
    let mut world = world_of_one_alert();
    changed_to(&mut world, &with_alerts(&[XX, (ZZ.0, AlertStatus::Resolved)]));
    let shown = screen(&world);
    assert!(shown.contains("fires no more: /srv/zz") && shown.contains("<mountpoint> = /srv/zz"), "{shown}");
    assert_eq!(proposed_for(&mut world), None);
    assert!(screen(&world).contains("v in the SOP goes to the"), "{}", screen(&world));
    world.keys("v");
    world.settle_with(&with_alerts(&[XX, (ZZ.0, AlertStatus::Resolved)]));
    assert_eq!(proposed_for(&mut world).as_deref(), Some("/srv/xx"));

    changed_to(&mut world, &with_alerts(&[ZZ]));
    let said = world.model.ui.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
    assert!(said.contains("is gone; they are for the newest one now"), "{said}");
    assert_eq!(proposed_for(&mut world).as_deref(), Some("/srv/zz"));
}

#[test]
fn the_alert_of_a_step_is_asked_for_and_comes_back_with_the_place() {
    let mut world = world_of_one_alert();
    changed_to(&mut world, &with_alerts(&[XX, ZZ]));
    world.take_effects();
    world.wait(1_000);
    world.send(Msg::Changed);
    let asked = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Load { query, .. } => query.alert,
        _ => None,
    });
    assert_eq!(asked.map(|key| key.fingerprint).as_deref(), Some("/srv/zz"), "it is loaded whatever else there is");
    let bytes = Place::of(&world.model, NOW).to_bytes();
    let mut later = World::new(80, 24);
    return_to(&mut later.model, Place::from_bytes(&bytes, NOW).expect("a place"));
    later.settle_with(&with_alerts(&[XX, ZZ]));
    assert_eq!(proposed_for(&mut later).as_deref(), Some("/srv/zz"));
}
