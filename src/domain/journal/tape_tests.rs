//! Order, standing and times of a tape, and commands as they are written down.

use std::collections::BTreeMap;

use super::*;
use crate::domain::action::spec::{Origin, Piece, Pipeline, Script, Word};
use crate::domain::actor::Person;
use crate::domain::alert::{AlertKey, Severity};
use crate::domain::id::{AttemptId, IncidentId, ProposalId};
use crate::domain::incident::CorrelationKey;
use crate::domain::journal::{GENESIS, NewEntry};

fn person() -> Person {
    Person { uid: 1, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None }
}

fn incident(state: IncidentState) -> Incident {
    Incident {
        id: IncidentId(1),
        key: CorrelationKey("[]".to_owned()),
        title: "DiskFull".to_owned(),
        severity: Severity::Critical,
        severity_raw: "critical".to_owned(),
        state,
        owner: None,
        acknowledged_by: None,
        opened_at: Timestamp::from_millis(1_000),
        resolved_at: Some(Timestamp::from_millis(61_000)),
        resolved_by: None,
        suppressed: None,
        firing: 0,
        reopened: 0,
    }
}

fn alert(starts: i64, ends: Option<i64>) -> TapeAlert {
    TapeAlert {
        source: "am".to_owned(),
        fingerprint: "f".to_owned(),
        starts_at: Timestamp::from_millis(starts),
        ends_at: ends.map(Timestamp::from_millis),
        labels: Labels::from([("alertname".to_owned(), "DiskFull".to_owned())]),
        annotations: Labels::new(),
    }
}

fn stored(seq: i64, at: i64, payload: &Payload) -> StoredEntry {
    let context = Context {
        at: Timestamp::from_millis(at),
        monotonic_ms: at,
        boot_id: "b".to_owned(),
        host: "h".to_owned(),
        pid: 1,
        actor: Actor::Person(person()),
        run_by: None,
    };
    let new = NewEntry {
        incident: Some(IncidentId(1)),
        about: None,
        context: serde_json::to_string(&context).unwrap(),
        payload: serde_json::to_string(payload).unwrap(),
    };
    StoredEntry::chain(JournalSeq(seq), new, GENESIS.to_owned())
}

fn moment(seq: i64, at: i64, payload: &Payload) -> Moment {
    Moment::of_entry(&stored(seq, at, payload), Attached::Nothing)
}

fn acknowledged() -> Payload {
    Payload::Incident { event: IncidentEvent::Acknowledged { by: "ada".to_owned(), before: None } }
}

fn intent() -> Payload {
    Payload::IntentStored { attempt: AttemptId(1), proposal: ProposalId(1), digest: String::new() }
}

#[test]
fn alerts_stand_between_entries_by_time_and_entries_keep_their_order() {
    // The clock was set back between the entries 8 and 9.
    let entries = vec![moment(7, 5_000, &acknowledged()), moment(8, 9_000, &intent()), moment(9, 3_000, &intent())];
    let tape = Tape::new(incident(IncidentState::Resolved), vec![alert(1_000, Some(8_000))], 1, entries);
    let order: Vec<Option<i64>> = tape.moments.iter().map(|moment| moment.seq.map(|seq| seq.0)).collect();
    assert_eq!(order, [None, Some(7), None, Some(8), Some(9)]);
    let decisions: Vec<bool> = tape.moments.iter().map(Moment::is_decision).collect();
    assert_eq!(decisions, [false, true, false, false, false]);
    assert_eq!(tape.moments[0].telling().words, "alert DiskFull began (f)");
    assert_eq!((tape.moments[1].who(), tape.moments[1].telling().words.as_str()), ("ada", "acknowledged"));
}

#[test]
fn the_standing_of_each_moment_is_known() {
    let alerts = vec![alert(1_000, Some(8_000)), alert(20_000, None)];
    let entries = vec![moment(7, 5_000, &acknowledged())];
    let tape = Tape::new(incident(IncidentState::Open), alerts, 2, entries);
    let scenes: Vec<(IncidentState, Option<String>, usize)> = (0..tape.moments.len())
        .map(|index| tape.scene(index))
        .map(|scene| (scene.state, scene.owner, scene.firing))
        .collect();
    let ada = Some("ada".to_owned());
    assert_eq!(
        scenes,
        [
            (IncidentState::Open, None, 1),
            (IncidentState::Acknowledged, ada.clone(), 1),
            (IncidentState::Resolved, ada, 0),
            (IncidentState::Open, None, 1),
        ]
    );
}

#[test]
fn times_count_from_the_opening() {
    let entries = vec![moment(7, 5_000, &acknowledged()), moment(8, 9_000, &intent())];
    let tape = Tape::new(incident(IncidentState::Resolved), Vec::new(), 0, entries);
    let times = tape.times();
    assert_eq!(times.acknowledged, Some(Duration::from_secs(4)));
    assert_eq!(times.first_action, Some(Duration::from_secs(8)));
    assert_eq!(times.resolved, Some(Duration::from_secs(60)));
    let open = Tape::new(incident(IncidentState::Open), Vec::new(), 0, Vec::new());
    assert_eq!(open.times(), Times::default());
}

#[test]
fn what_was_changed_is_told_from_what_was_erased() {
    let digest = sha256_hex(b"as shown");
    let seal = |attached| match attached {
        Attached::Bytes { seal, total, .. } => (seal, total),
        other => panic!("{other:?}"),
    };
    assert_eq!(seal(Attached::text(Some(b"as shown".to_vec()), &digest, 2)), (Seal::Whole, 8));
    assert_eq!(seal(Attached::text(Some(b"as shewn".to_vec()), &digest, 2)), (Seal::Altered, 8));
    assert_eq!(Attached::text(None, &digest, 2), Attached::Erased);
    let entries = [stored(1, 1, &acknowledged()), stored(2, 2, &intent())];
    assert_eq!(Tape::verify(&entries).unwrap_err().seq, JournalSeq(2));
}

#[test]
fn an_entry_that_cannot_be_read_is_a_moment_too() {
    let new = NewEntry { context: "{}".to_owned(), payload: "{\"type\":\"new\"}".to_owned(), ..NewEntry::default() };
    let entry = StoredEntry::chain(JournalSeq(1), new, GENESIS.to_owned());
    let moment = Moment::of_entry(&entry, Attached::Nothing);
    assert_eq!((moment.who(), &moment.what), ("?", &What::Unreadable));
}

fn action(invocation: Invocation) -> ActionSpec {
    use crate::domain::action::risk::Risk;
    use crate::domain::action::spec::{Execution, StepRef, Target};
    use crate::domain::action::subject::Subject;
    let alert = AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(1) };
    ActionSpec {
        confinement: crate::domain::action::spec::Confinement::Free,
        secrets: Vec::new(),
        incident: IncidentId(1),
        subject: Subject::new(alert, &Labels::new(), []),
        step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: "Look".to_owned() },
        invocation,
        mode: Execution::Supervised,
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/".to_owned(),
        env: BTreeMap::new(),
        risk: Risk::Read,
        risk_reasons: Vec::new(),
        labels_used: Labels::new(),
        edited: None,
        time_limit: Duration::from_secs(60),
    }
}

#[test]
fn commands_show_where_a_word_ends() {
    let stage = |words: &[&str], redirects: Vec<Redirect>| Stage {
        env: BTreeMap::new(),
        argv: words.iter().map(|word| Word::new(word, Origin::Sop)).collect(),
        redirects,
    };
    let first = Pipeline::new(vec![stage(&["grep", "a b", "it's"], vec![Redirect::ErrToNull]), stage(&["wc"], vec![])]);
    let second = Pipeline::new(vec![stage(&["echo", ""], Vec::new())]);
    let script = Script::new(vec![(Connector::Always, first), (Connector::OrElse, second)]);
    let lines = command_lines(&action(Invocation::Argv { script }));
    assert_eq!(lines, [r"grep 'a b' 'it'\''s' 2>/dev/null | wc", "|| echo ''"]);
    let values = BTreeMap::from([("NS".to_owned(), Piece { text: "a b".to_owned(), origin: Origin::Operator })]);
    let bash = Invocation::Bash { script: "for i in 1\ndo :; done".to_owned(), reason: String::new(), values };
    assert_eq!(command_lines(&action(bash)), ["NS='a b'", "for i in 1", "do :; done"]);
}
