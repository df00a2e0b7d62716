//! Pages of text, messages, and times.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use rstest::rstest;

use super::screens::screen;
use super::world::{NOW, World, disk_full, snapshot, with_detail};
use crate::domain::keeping::{Lost, Restored};
use crate::domain::procedure::{Diagnostic, DiagnosticSeverity};
use crate::domain::time::Timestamp;
use crate::engine::backend::{HealthState, QuarantinedBody, Snapshot, Trouble, TroubleEffect};
use crate::engine::policy_watch::PolicyState;
use crate::tui::msg::{Effect, Msg, Timer};
use crate::tui::pages::QUARANTINED;
use crate::tui::ui::{Overlay, Page};

fn world(columns: u16, rows: u16) -> World {
    let mut world = World::new(columns, rows);
    world.settle_with(&with_detail(snapshot(1..=5), 1));
    world
}

fn with_health(mut snapshot: Snapshot, state: HealthState, detail: &str) -> Snapshot {
    for source in &mut snapshot.header.sources {
        source.state = state;
        detail.clone_into(&mut source.detail);
    }
    snapshot
}

fn page(world: &World) -> Option<Page> {
    match world.model.ui.overlay {
        Some(Overlay::Page { page, .. }) => Some(page),
        _ => None,
    }
}

#[test]
fn the_sources_say_why_they_are_down() {
    let mut world = world(80, 24);
    world.keys("S");
    let shown = screen(&world);
    assert!(shown.contains("alertmanager api down since 2026-03-01 02:14:00 UTC"), "{shown}");
    assert!(shown.contains("connection refused"), "{shown}");
    world.keys("S");
    assert_eq!(page(&world), None, "the key that opened it closes it");
}

#[test]
fn a_source_that_goes_down_is_said_once_with_the_key_that_shows_why() {
    let mut world = World::new(120, 40);
    let well = with_health(with_detail(snapshot(1..=5), 1), HealthState::Ok, "");
    world.settle_with(&well);
    assert_eq!(world.model.ui.toast, None, "nothing changed yet");
    world.wait(1_000);
    world.send(Msg::Changed);
    let down = with_health(well.clone(), HealthState::Down, "refused");
    world.settle_with(&down);
    let said = world.model.ui.toast.take().map(|toast| toast.text).unwrap_or_default();
    assert_eq!(said, "alertmanager webhook is down (S shows why): refused");
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&down);
    assert_eq!(world.model.ui.toast, None);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&well);
    assert!(world.model.ui.toast.is_some_and(|toast| toast.text.contains("works again")));
}

#[test]
fn the_sources_show_what_could_not_be_read_and_load_it_only_while_somebody_looks() {
    let wanted = |world: &mut World| -> Vec<usize> {
        let loads = world.take_effects().into_iter().filter_map(|effect| match effect {
            Effect::Load { query, .. } => Some(query.quarantined),
            _ => None,
        });
        loads.collect()
    };
    let mut facts = with_detail(snapshot(1..=5), 1);
    facts.header.quarantined = 3;
    let mut world = World::new(120, 40);
    world.settle_with(&facts);
    assert!(wanted(&mut world).iter().all(|bodies| *bodies == 0));
    world.keys("S");
    assert!(screen(&world).contains("3 deliveries could not be read"), "{}", screen(&world));
    assert_eq!(wanted(&mut world), [QUARANTINED]);
    facts.quarantined = vec![QuarantinedBody {
        source: "am".into(),
        reason: "it is not JSON: expected value at line 1".to_owned(),
        at: NOW,
        bytes: 5_000,
        beginning: b"<html>\n\xff\x1b[2J".to_vec(),
    }];
    world.settle_with(&facts);
    let shown = screen(&world);
    for part in [
        "The newest 1:",
        "2026-03-01 02:14:00 UTC am, 5000 bytes",
        "it is not JSON: expected value at line 1",
        "<html>",
        r"\xff\u{1b}[2J",
        "[and 4988 bytes more]",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    world.keys("w");
    assert!(screen(&world).contains("[and 4988 bytes more]"), "{}", screen(&world));
    world.press(KeyCode::Esc);
    world.wait(1_000);
    world.send(Msg::Changed);
    assert_eq!(wanted(&mut world), [0]);
}

/// What is said when a source that was noted as degraded `before` the start is found to be `state` `after` it (seconds).
fn said_after_a_start(before: u64, after: u64, state: HealthState) -> Option<String> {
    let noted = |at: Timestamp, state: HealthState| {
        let mut facts = with_health(with_detail(snapshot(1..=5), 1), state, "");
        facts.header.sources.truncate(1);
        facts.header.sources[0].at = at;
        facts
    };
    let mut world = World::new(120, 40);
    world.settle_with(&noted(NOW.minus(Duration::from_secs(before)), HealthState::Degraded));
    world.wait(after * 1_000);
    world.send(Msg::Changed);
    world.settle_with(&noted(NOW.plus(Duration::from_secs(after)), state));
    world.model.ui.toast.map(|toast| toast.text)
}

#[rstest]
#[case::started_anew(3, 1, HealthState::Ok, None)]
#[case::started_anew_and_listening(3, 1, HealthState::Waiting, None)]
#[case::bad_for_long(3_600, 1, HealthState::Ok, Some("alertmanager webhook works again."))]
#[case::bad_before_these_eyes(3, 20, HealthState::Ok, Some("alertmanager webhook works again."))]
#[case::no_claim(3, 20, HealthState::Waiting, Some("alertmanager webhook listens again; nothing has come yet."))]
fn a_start_alone_makes_no_source_work_again(
    #[case] before: u64,
    #[case] after: u64,
    #[case] state: HealthState,
    #[case] expected: Option<&str>,
) {
    assert_eq!(said_after_a_start(before, after, state).as_deref(), expected);
}

#[test]
fn notices_are_said_one_after_the_other_and_none_is_lost() {
    let mut world = world(120, 40);
    for notice in ["first", "second", "third"] {
        world.send(Msg::Notice(notice.to_owned()));
    }
    let said = |world: &World| world.model.ui.toast.as_ref().map(|toast| toast.text.clone());
    assert_eq!(said(&world).as_deref(), Some("first"));
    let number = world.model.ui.toast.as_ref().unwrap().number;
    world.send(Msg::Woken(Timer::Toast(number)));
    assert_eq!(said(&world).as_deref(), Some("second"), "its time is over");
    world.keys("S");
    assert_eq!(said(&world), None, "nothing is said above a page");
    world.keys("S");
    assert_eq!(said(&world).as_deref(), Some("third"));
    world.keys("j");
    assert_eq!(said(&world), None);
}

#[test]
fn an_empty_queue_says_what_may_be_wrong() {
    let mut world = World::new(80, 24);
    world.settle_with(&with_health(snapshot([]), HealthState::Down, "refused the connection"));
    let shown = screen(&world);
    assert!(shown.contains("No incident is open.") && shown.contains("refused the connection"), "{shown}");
}

#[test]
fn the_incident_in_full_has_every_label_and_annotation() {
    let mut world = world(80, 24);
    world.keys("d");
    let shown = screen(&world);
    for part in ["instance        db-3:9100", "mountpoint      /srv/data", "summary         /srv/data is 97 % full"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn the_incident_in_full_says_which_sop_is_beside_it_and_what_is_odd_in_it() {
    let mut facts = with_detail(snapshot(1..=5), 1);
    facts.detail.as_mut().unwrap().record.timeline.clear();
    let mut world = World::new(120, 50);
    world.settle_with(&facts);
    let mut document = (*disk_full()).clone();
    document.procedure.diagnostics.push(Diagnostic {
        code: "unclosed-fence".to_owned(),
        severity: DiagnosticSeverity::Warning,
        line: 14,
        message: "this block never ends".to_owned(),
    });
    world.model.facts.sop = Some(Arc::new(document));
    assert!(screen(&world).contains("1 problem (d)"), "{}", screen(&world));
    world.keys("d");
    let shown = screen(&world);
    for part in ["SOP: Disk full", "declared for DiskFull", "line 14         this block never ends"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn a_page_scrolls_no_further_than_its_end() {
    let mut world = world(80, 15);
    world.keys("?");
    for _ in 0..100 {
        world.press(KeyCode::Down);
    }
    let Some(Overlay::Page { top, .. }) = world.model.ui.overlay else { panic!("help is open") };
    assert!(top > 0 && top < 100, "{top}");
    assert!(screen(&world).contains("redraw, to the shell"), "its last row is on the screen");
    world.press(KeyCode::Up);
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { top: now, .. }) if now == top - 1));
    world.send(Msg::Resized(120, 50));
    assert!(matches!(world.model.ui.overlay, Some(Overlay::Page { top: 0, .. })), "all of it fits now");
}

#[test]
fn help_tells_this_pane_from_everywhere_and_fits_on_24_lines() {
    for (key, heading) in [("1", "In the incidents"), ("2", "In the SOP"), ("3", "In the chat")] {
        let mut world = world(80, 24);
        world.keys(key);
        world.keys("?");
        let shown = screen(&world);
        assert!(shown.contains(heading) && shown.contains("Everywhere"), "{shown}");
        assert!(!shown.contains("more line"), "{shown}");
        let page = shown.lines().filter(|line| line.contains('│')).collect::<Vec<_>>().join("\n");
        assert!(!page.contains('…'), "nothing is cut: {page}");
        assert!(page.contains("move the pane edges") && page.contains("plain text to select"), "{page}");
    }
}

#[test]
fn one_key_switches_the_zone_of_all_times() {
    let mut world = world(119, 40);
    assert!(screen(&world).contains("02:14 UTC"));
    world.keys("T");
    let shown = screen(&world);
    assert!(shown.contains("04:14 +02") && shown.contains("09:04:00 opened, critical (alertmanager)"), "{shown}");
    assert!(!shown.contains("UTC"), "{shown}");
}

#[test]
fn a_long_message_is_shown_to_its_end() {
    let mut world = world(80, 24);
    world.send(Msg::Notice(format!("It did not work because {}. Now do this: END", "of many reasons ".repeat(8))));
    let shown = screen(&world);
    assert!(shown.contains("It did not work") && shown.contains("END"), "{shown}");
}

#[test]
fn a_narrow_header_keeps_the_source_that_is_down_and_the_most_urgent_count() {
    let mut facts = with_detail(snapshot(1..=5), 1);
    facts.header.unresolved = [11, 12, 13, 14, 15, 16, 17];
    facts.header.quarantined = 3;
    let mut world = World::new(80, 24);
    world.settle_with(&facts);
    let header = screen(&world).lines().next().unwrap_or_default().to_owned();
    for part in ["alertmanager a", "11 PAGE", "98 open", "3 unreadable", "02:14 UTC"] {
        assert!(header.contains(part), "{part} in {header}");
    }
}

#[rstest]
#[case::refused(TroubleEffect::Refused, "alerts are refused", "answered with 503")]
#[case::lost(TroubleEffect::NotReceiving, "not receiving", "stopped receiving")]
fn alerts_that_cannot_be_stored_show_in_the_header_and_on_the_page(
    #[case] effect: TroubleEffect,
    #[case] head: &str,
    #[case] told: &str,
) {
    let mut world = world(80, 24);
    let well = with_health(with_detail(snapshot(1..=5), 1), HealthState::Ok, "");
    let why = "/srv/aiops.db: the disk is full, nothing was stored. Free some space".to_owned();
    let trouble = Some(Trouble { since: NOW, effect, why });
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&Snapshot { trouble, ..well.clone() });
    let first = screen(&world).lines().next().unwrap_or_default().to_owned();
    assert!(first.contains(&format!("✘ {head}")) && !first.contains('●'), "{first}");
    let said = world.model.ui.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
    assert!(said.contains("the disk is full") && said.contains("(S shows more)"), "{said}");
    world.keys("S");
    let shown = screen(&world);
    assert!(shown.contains(told) && shown.contains("the disk is full") && !shown.contains("works"), "{shown}");
    assert!(shown.contains("2026-03-01 02:14:00 UTC"), "since when: {shown}");
    world.keys("S");
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&well);
    assert!(screen(&world).lines().next().is_some_and(|first| first.contains("● alertmanager")), "{}", screen(&world));
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text == "Alerts are stored again."));
}

#[test]
fn a_policy_that_breaks_while_one_looks_shows_at_once_and_goes_when_it_is_mended() {
    let mut world = world(80, 24);
    let state = |hash: &str, complaints: &[&str]| PolicyState {
        hash: hash.to_owned(),
        complaints: complaints.iter().map(|one| (*one).to_owned()).collect(),
    };
    let now = |policy: PolicyState| Snapshot { policy, ..with_detail(snapshot(1..=5), 1) };
    let tell = |world: &mut World, policy: PolicyState| {
        world.wait(1_000);
        world.send(Msg::Changed);
        world.settle_with(&now(policy));
    };
    tell(&mut world, state("a", &[]));
    assert!(world.model.ui.toast.is_none() && !screen(&world).contains("policy"), "{}", screen(&world));
    let why = "The policy fails closed: /p/policy.toml: line 3\u{1b}[2J is no rule. Until it is mended only reads";
    tell(&mut world, state("b", &[why]));
    let first = screen(&world).lines().next().unwrap_or_default().to_owned();
    assert!(first.contains("✘ policy broken"), "{first}");
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("line 3")));
    world.keys("S");
    let shown = screen(&world);
    assert!(shown.contains("The policy fails closed") && shown.contains("is no rule"), "{shown}");
    assert!(!shown.contains('\u{1b}'));
    world.keys("S");
    tell(&mut world, state("a", &[]));
    assert!(!screen(&world).contains("policy broken"), "{}", screen(&world));
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text == "The policy counts again."));
    tell(&mut world, state("c", &[]));
    assert!(world.model.ui.toast.as_ref().is_some_and(|toast| toast.text.contains("The policy changed")));
}

#[test]
fn help_that_does_not_fit_says_so() {
    let mut world = world(80, 24);
    let keys: Vec<String> = (1..=6).map(|number| format!("f{number} = \"edit-values\"\n")).collect();
    let keys = format!("[sop]\n{}", keys.concat());
    world.model.ui.keymap = world.model.ui.keymap.merge("mine", &keys).unwrap();
    world.keys("2?");
    let shown = screen(&world);
    assert!(shown.contains("e/f1/f2/f3/f4/f5/f6") && shown.contains("propose, new va…"), "{shown}");
}

#[test]
fn what_a_restored_database_has_lost_opens_by_itself_once_and_stands_among_the_sources() {
    let lost = Lost::Entries { first: 41, last: 44, from: Some(NOW), to: NOW.plus(Duration::from_secs(600)) };
    let restored = Restored {
        damage: "page 7\u{1b}[2J is wrong".to_owned(),
        kept_in: "/srv/damaged/1".to_owned(),
        backup: Some(("/srv/backups/1".to_owned(), NOW)),
        salvaged: 12,
        last_entry: 40,
        lost,
        voided: 2,
        strays: Vec::new(),
    };
    let restored = Some(Arc::new(restored));
    let facts = Snapshot { restored, ..with_detail(snapshot(1..=5), 1) };
    let mut world = World::new(80, 24);
    world.settle_with(&facts);
    assert_eq!(page(&world), Some(Page::Restored));
    let shown = screen(&world);
    for words in
        ["has been restored", "LOST: entries 41 to 44", "02:14 UTC", "02:24 UTC", "2 waiting approvals are void"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'));
    world.press(KeyCode::Esc);
    assert_eq!(page(&world), None);
    world.wait(1_000);
    world.send(Msg::Changed);
    world.settle_with(&facts);
    assert_eq!(page(&world), None, "once");
    world.keys("S");
    assert!(screen(&world).contains("LOST: entries 41 to 44"), "{}", screen(&world));
}
