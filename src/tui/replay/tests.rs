//! Keys, time and screens of a replay.

use std::collections::BTreeMap;

use crossterm::event::KeyModifiers;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::*;
use crate::domain::action::attempt::Outcome;
use crate::domain::actor::{Actor, Person};
use crate::domain::alert::{Labels, Severity};
use crate::domain::id::{AttemptId, IncidentId, JournalSeq, ProposalId};
use crate::domain::incident::{CorrelationKey, Incident, IncidentEvent, IncidentState};
use crate::domain::journal::tape::{Attached, Moment, TapeAlert};
use crate::domain::journal::{Break, Context, GENESIS, NewEntry, Payload, StoredEntry};
use crate::domain::text::Repertoire;
use crate::domain::time::Timestamp;
use crate::tui::look::Look;
use crate::tui::theme::Bundled;
use crate::tui::zone::Shown;

/// 2026-03-01 02:14:00 UTC.
const NIGHT: i64 = 1_772_331_240_000;

/// Would clear the screen, turn the line around and forge a banner, if it were obeyed.
const HOSTILE: &str = "full\u{1b}[2J\u{202e}\u{9b}2J";

fn person() -> Person {
    Person {
        uid: 1000,
        name: "ada".to_owned(),
        login_uid: Some(1000),
        ssh_peer: Some("192.0.2.7:50022".to_owned()),
        tty: Some("/dev/pts/3".to_owned()),
    }
}

fn entry(seq: i64, seconds: i64, payload: &Payload, attached: Attached) -> Moment {
    let context = Context {
        at: Timestamp::from_millis(NIGHT + seconds * 1_000),
        monotonic_ms: 1,
        boot_id: "b".to_owned(),
        host: "web-1".to_owned(),
        pid: 1,
        actor: Actor::Person(person()),
        run_by: None,
    };
    let new = NewEntry {
        incident: Some(IncidentId(12)),
        about: None,
        context: serde_json::to_string(&context).unwrap(),
        payload: serde_json::to_string(payload).unwrap(),
    };
    Moment::of_entry(&StoredEntry::chain(JournalSeq(seq), new, GENESIS.to_owned()), attached)
}

fn tape() -> Tape {
    let alert = TapeAlert {
        source: "am".to_owned(),
        fingerprint: "f".to_owned(),
        starts_at: Timestamp::from_millis(NIGHT),
        ends_at: Some(Timestamp::from_millis(NIGHT + 600_000)),
        labels: BTreeMap::from([
            ("alertname".to_owned(), "DiskFull".to_owned()),
            ("path".to_owned(), HOSTILE.to_owned()),
        ]),
        annotations: Labels::new(),
    };
    let incident = Incident {
        id: IncidentId(12),
        key: CorrelationKey("[]".to_owned()),
        title: format!("DiskFull {HOSTILE}"),
        severity: Severity::Critical,
        severity_raw: "critical".to_owned(),
        state: IncidentState::Resolved,
        owner: None,
        acknowledged_by: None,
        opened_at: Timestamp::from_millis(NIGHT),
        resolved_at: None,
        resolved_by: None,
        suppressed: None,
        firing: 0,
        reopened: 0,
    };
    let acknowledged = IncidentEvent::Acknowledged { by: "ada".to_owned(), before: None };
    let granted = Payload::Granted {
        ruling: None,
        first_approver: None,
        scope: None,
        proposal: ProposalId(3),
        digest: "d".repeat(64),
        rendered: "r".to_owned(),
        terminal: (80, 24),
        expires_at: Timestamp::from_millis(NIGHT),
    };
    let ended = Payload::Ended {
        attempt: AttemptId(4),
        outcome: Outcome::Exited { code: 1 },
        ended_at: None,
        output_bytes: 4_000,
        output_digest: String::new(),
    };
    let output: String = (1..=40).map(|line| format!("line {line} {HOSTILE}\n")).collect();
    let shown = Attached::text(Some(b"Run on web-1\n  df -h /srv".to_vec()), "another hash", 1_000);
    let printed = Attached::text(Some(output.into_bytes()), "", 10_000);
    let moments = vec![
        entry(7, 60, &Payload::Incident { event: acknowledged }, Attached::Nothing),
        entry(8, 90, &granted, shown),
        entry(
            9,
            91,
            &Payload::IntentStored { attempt: AttemptId(4), proposal: ProposalId(3), digest: String::new() },
            Attached::Nothing,
        ),
        entry(10, 7_200, &ended, printed),
    ];
    Tape::new(incident, vec![alert], 1, moments)
}

fn replay() -> Replay {
    Replay::new(tape(), Zone::new(jiff::tz::TimeZone::UTC, Shown::Utc))
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn press(replay: &mut Replay, codes: &[KeyCode]) -> Flow {
    let mut flow = Flow::Stay;
    for code in codes {
        flow = replay.update(Asked::of(key(*code)).unwrap());
        replay.settle((80, 24));
    }
    flow
}

fn screen(replay: &Replay, columns: u16, rows: u16) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    let look = Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode);
    draw::draw(&mut buffer, replay, &look);
    let line = |y: u16| {
        let cells: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
        format!("{}\n", cells.trim_end())
    };
    (0..rows).map(line).collect()
}

#[test]
fn keys_step_and_jump_to_decisions() {
    use KeyCode::{Char, End, Home, Left, Right};
    let mut replay = replay();
    let order: Vec<Option<i64>> = replay.tape.moments.iter().map(|moment| moment.seq.map(|seq| seq.0)).collect();
    assert_eq!(order, [None, Some(7), Some(8), Some(9), None, Some(10)]);
    press(&mut replay, &[Left]);
    assert_eq!(replay.index, 0);
    press(&mut replay, &[Right]);
    assert_eq!(replay.index, 1);
    press(&mut replay, &[Char(']')]);
    assert_eq!(replay.index, 2, "the approval");
    press(&mut replay, &[Char(']')]);
    assert_eq!(replay.index, 2, "there is no later decision");
    press(&mut replay, &[End]);
    assert_eq!(replay.index, 5);
    press(&mut replay, &[Right, Char('[')]);
    assert_eq!(replay.index, 2);
    press(&mut replay, &[Home]);
    assert_eq!(replay.index, 0);
    assert_eq!(press(&mut replay, &[Char('q')]), Flow::Leave);
    assert_eq!(Asked::of(KeyEvent::new(Char('c'), KeyModifiers::CONTROL)), Some(Asked::Leave));
}

#[test]
fn keys_that_act_in_the_console_mean_nothing() {
    for code in
        [KeyCode::F(8), KeyCode::Enter, KeyCode::Char('a'), KeyCode::Char('r'), KeyCode::Char('A'), KeyCode::Tab]
    {
        assert_eq!(Asked::of(key(code)), None, "{code:?}");
    }
}

#[test]
fn it_goes_on_by_itself_and_stops_at_the_end() {
    let mut replay = replay();
    assert_eq!(replay.due_after(), None);
    press(&mut replay, &[KeyCode::Char(' ')]);
    // A minute, sixty times as fast.
    assert_eq!(replay.due_after(), Some(Duration::from_secs(1)));
    press(&mut replay, &[KeyCode::Char('+')]);
    assert_eq!(replay.due_after(), Some(SHORTEST));
    for _ in 0..10 {
        press(&mut replay, &[KeyCode::Char('-')]);
    }
    assert_eq!((replay.factor(), replay.due_after()), (1, Some(LONGEST)));
    while replay.motion == Motion::Playing {
        replay.advance();
    }
    assert_eq!((replay.index, replay.due_after()), (5, None));
    // From the end it plays all again; a step stops it.
    press(&mut replay, &[KeyCode::Char(' ')]);
    assert_eq!((replay.index, replay.motion), (0, Motion::Playing));
    press(&mut replay, &[KeyCode::Right]);
    assert_eq!((replay.index, replay.motion), (1, Motion::Paused));
}

#[test]
fn a_tape_without_moments_is_shown_too() {
    let empty = Tape { moments: Vec::new(), ..tape() };
    let mut replay = Replay::new(empty, Zone::new(jiff::tz::TimeZone::UTC, Shown::Utc));
    press(&mut replay, &[KeyCode::Right, KeyCode::Char(']'), KeyCode::PageDown, KeyCode::End]);
    assert!(screen(&replay, 80, 24).contains("0 of 0"));
}

#[test]
fn every_screen_says_what_it_is_and_foreign_text_is_spelled_out() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 40), (200, 50), (20, 3)] {
        let mut replay = replay();
        for _ in 0..6 {
            let shown = screen(&replay, columns, rows);
            assert!(shown.starts_with(" REPLAY"), "{columns}x{rows}:\n{shown}");
            assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown:?}");
            press(&mut replay, &[KeyCode::Right]);
        }
    }
}

#[test]
fn a_long_output_is_scrolled_to_its_end_and_not_beyond() {
    let mut replay = replay();
    press(&mut replay, &[KeyCode::End]);
    assert!(!screen(&replay, 80, 24).contains("line 40"));
    press(&mut replay, &[KeyCode::PageDown; 30]);
    let end = screen(&replay, 80, 24);
    assert!(end.contains("line 40"), "{end}");
    press(&mut replay, &[KeyCode::PageUp]);
    assert_ne!(screen(&replay, 80, 24), end, "it moves at once: nothing beyond the end was counted");
}

#[test]
fn what_was_changed_afterwards_is_said() {
    let mut replay = replay();
    press(&mut replay, &[KeyCode::Right, KeyCode::Right]);
    let shown = screen(&replay, 80, 24);
    assert!(shown.contains("This was changed afterwards") && shown.contains("df -h /srv"), "{shown}");
    replay.tape.broken = Some(Break { seq: JournalSeq(8), reason: "its content was changed".to_owned() });
    assert!(screen(&replay, 80, 24).contains("NOT AS WRITTEN at entry 8"));
}

#[test]
fn screens() {
    let mut replay = replay();
    press(&mut replay, &[KeyCode::Char(']'), KeyCode::Char(']')]);
    insta::assert_snapshot!("replay_80x24", screen(&replay, 80, 24));
    insta::assert_snapshot!("replay_120x40", screen(&replay, 120, 40));
}
