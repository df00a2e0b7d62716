//! Drafts of made-up incidents: what becomes a step, what is told, and that the document is read back as it was meant.

use proptest::prelude::*;

use super::*;
use crate::domain::action::attempt::Outcome;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::ActionSpec;
use crate::domain::alert::Labels;
use crate::domain::id::{AttemptId, IncidentId, JournalSeq};
use crate::domain::incident::{CorrelationKey, Incident, IncidentEvent, IncidentState};
use crate::domain::journal::Payload;
use crate::domain::journal::about::About;
use crate::domain::journal::tape::{Attached, Moment, TapeAlert, What};
use crate::domain::run::improve::risk_of;
use crate::domain::run::written::tests::built;
use crate::domain::time::Timestamp;

fn labels() -> Labels {
    let pairs = [
        ("alertname", "DiskFull"),
        ("severity", "critical"),
        ("mountpoint", "/srv/data"),
        ("instance", "db-3:9100"),
        ("team", "storage"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn tape(moments: Vec<What>) -> Tape {
    let at = |n: usize| Timestamp::from_millis(1_772_331_240_000 + i64::try_from(n).unwrap() * 1_000);
    let moments: Vec<Moment> = moments
        .into_iter()
        .enumerate()
        .map(|(n, what)| Moment {
            at: at(n),
            seq: Some(JournalSeq(i64::try_from(n).unwrap() + 1)),
            context: None,
            about: About::default(),
            purged: None,
            what,
        })
        .collect();
    let alert = TapeAlert {
        source: "am".to_owned(),
        fingerprint: "f".to_owned(),
        starts_at: at(0),
        ends_at: Some(at(99)),
        labels: labels(),
        annotations: Labels::new(),
    };
    let incident = Incident {
        id: IncidentId(7),
        key: CorrelationKey::of(&labels()),
        title: "DiskFull db-3".to_owned(),
        severity: crate::domain::alert::Severity::ALL[1],
        severity_raw: "critical".to_owned(),
        state: IncidentState::Resolved,
        owner: Some("lovelace".to_owned()),
        acknowledged_by: None,
        opened_at: at(0),
        resolved_at: Some(at(99)),
        resolved_by: None,
        suppressed: None,
        firing: 0,
        reopened: 0,
    };
    Tape { incident, alerts: vec![alert], alerts_total: 1, moments, broken: None }
}

fn ran(script: &str, title: &str, code: i32) -> What {
    let mut spec: ActionSpec = built(script, &[]);
    spec.risk = risk_of(script);
    spec.step.title = title.to_owned();
    let payload = Payload::Ended {
        attempt: AttemptId(1),
        outcome: Outcome::Exited { code },
        ended_at: None,
        output_bytes: 0,
        output_digest: String::new(),
    };
    What::Entry { payload: Box::new(payload), attached: Attached::Nothing, action: Some(Box::new(spec)) }
}

fn noted(text: &str) -> What {
    let event = IncidentEvent::Noted { by: "lovelace".to_owned(), text: text.to_owned() };
    What::Entry { payload: Box::new(Payload::Incident { event }), attached: Attached::Nothing, action: None }
}

fn draft(moments: Vec<What>) -> Draft {
    of(Material { tape: &tape(moments), run: None, followed: None }).unwrap()
}

#[test]
fn a_night_becomes_a_procedure() {
    let draft = draft(vec![
        ran("df -h /srv/data", "See how full the filesystem is", 0),
        ran("systemctl restart db-3-cache", "Restart the cache", 1),
        noted("lovelace says: ask 10.1.2.3\n# first"),
        noted("Undo: fetch the logs from the archive"),
        ran("rm -v /srv/data/old.log", "Read step 4 again, then remove it", 0),
        ran("df -h /srv/data", "See how full the filesystem is", 0),
    ]);
    let procedure = parse(&SopId::from("d.md"), draft.text.as_bytes());
    assert_eq!(defects(&procedure, &draft.text), Vec::<String>::new(), "{}", draft.text);
    assert_eq!(scripts(&procedure), ["df -h <mountpoint>", "rm -v <mountpoint>/old.log", "df -h <mountpoint>"]);
    assert_eq!((procedure.title.as_str(), &procedure.alerts[..]), ("DiskFull", &["DiskFull".to_owned()][..]));
    for part in [
        "owner = \"storage\"",
        "1. See how full the filesystem is:",
        "1. Run `rm`:",
        "2. Wait until the alert ends by itself. It did then.",
        "A person noted then: Undo: fetch the logs from the archive.",
        "## What did not help\n\n- systemctl restart db-3-cache: exit 1.",
        "\\<address\\> \\# first",
    ] {
        assert!(draft.text.contains(part), "{part} in {}", draft.text);
    }
    for absent in ["lovelace", "10.1.2.3", "/srv/data", concat!("TO", "DO")] {
        assert!(!draft.text.contains(absent), "{absent} in {}", draft.text);
    }
}

#[test]
fn a_secret_is_left_out_and_said() {
    let draft = draft(vec![
        ran("df -h", "Look", 0),
        ran("curl -u admin:hunter22hunter http://x/restart", "Restart", 0),
        noted("the password is password=hunter22hunter"),
    ]);
    assert!(!draft.text.contains("hunter22hunter"), "{}", draft.text);
    assert_eq!(draft.left_out.len(), 2, "{:?}", draft.left_out);
    assert!(draft.left_out.iter().all(|words| !words.contains("hunter22hunter")));
}

#[test]
fn where_nothing_was_done_there_is_no_draft() {
    let none = of(Material { tape: &tape(vec![noted("hello")]), run: None, followed: None });
    assert!(none.unwrap_err().to_string().starts_with("Not drafted: nothing was done"));
}

const COMMANDS: [&str; 8] = [
    "df -h /srv/data",
    "rm -v -- '/srv/data/a b.log'",
    "systemctl restart postgresql",
    "ps aux | sort -rk 3 | head",
    "for f in /srv/data/*; do wc -c \"$f\"; done",
    "cd /srv/data && du -sh . ; ls",
    "psql -c \"SELECT count(*) FROM pg_stat_activity\"",
    "kubectl -n shop get pods",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever was done in whatever order, with whatever words around it: the draft is clean, its commands are those that
    /// succeeded, and a second draft is the same.
    #[test]
    fn drafts_are_read_back_with_their_commands(
        acts in prop::collection::vec((0usize..COMMANDS.len(), "[ -~\u{202e}\n]{0,40}", 0i32..3), 1..8),
        notes in prop::collection::vec("[ -~\u{202e}\u{1b}\n]{0,60}", 0..3),
    ) {
        let moments = || {
            let ran = acts.iter().map(|(command, title, code)| ran(COMMANDS[*command], title, *code));
            ran.chain(notes.iter().map(|text| noted(text))).collect::<Vec<_>>()
        };
        let made = of(Material { tape: &tape(moments()), run: None, followed: None });
        let succeeded = acts.iter().any(|(_, _, code)| *code == 0);
        prop_assert_eq!(made.is_ok(), succeeded, "{:?}", made);
        let Ok(draft) = made else { return Ok(()) };
        prop_assert_eq!(&draft, &self::draft(moments()));
        let procedure = parse(&SopId::from("d.md"), draft.text.as_bytes());
        prop_assert_eq!(defects(&procedure, &draft.text), Vec::<String>::new());
        let found: std::collections::BTreeSet<&str> = scripts(&procedure).into_iter().collect();
        let expected: std::collections::BTreeSet<String> = acts
            .iter()
            .filter(|(_, _, code)| *code == 0)
            .map(|(command, _, _)| super::super::improve::generalise(&built(COMMANDS[*command], &[]).command_line(), "", &labels(), &[]).unwrap())
            .collect();
        prop_assert_eq!(found, expected.iter().map(String::as_str).collect());
        prop_assert!(Risk::Read < Risk::Change && !draft.text.contains("/srv/data/"), "{}", draft.text);
    }
}
