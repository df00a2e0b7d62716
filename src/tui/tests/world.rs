//! A console with made-up facts, driven by keys and a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{
    ActionSpec, Confinement, Connector, Execution, Invocation, Origin, Piece, Pipeline, Script, Stage, StepRef, Target,
    Word,
};
use crate::domain::action::subject::Subject;
use crate::domain::alert::{AlertKey, AlertStatus, Severity};
use crate::domain::id::{AttemptId, IncidentId, NodeId, ProposalId};
use crate::domain::incident::{CorrelationKey, Incident, IncidentState};
use crate::domain::procedure::NodeKind;
use crate::domain::text::Repertoire;
use crate::domain::time::Timestamp;
use crate::engine::backend::{
    AlertRow, Detail, Header, HealthState, IncidentDetail, Output, QueueRow, QueueWindow, Snapshot, SopDocument,
    SopMatch, SourceHealth, TimelineRow,
};
use crate::tui::keymap::Keymap;
use crate::tui::msg::{Effect, Loaded, Moment, Msg};
use crate::tui::theme::{Bundled, Themes};
use crate::tui::ui::{Model, Settings};
use crate::tui::update::{drawn, update};
use crate::tui::zone::{Shown, Zone};

/// 2026-03-01T02:14:00Z
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_772_331_240_000);

/// A console and its clock.
pub(super) struct World {
    pub(super) model: Model,
    pub(super) now: Duration,
    pub(super) effects: Vec<Effect>,
}

impl World {
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let settings = Settings {
            name: "prod-eu".to_owned(),
            person: "ada".to_owned(),
            show_resolved_for: Duration::from_secs(3_600),
            repertoire: Repertoire::Unicode,
            zone: Zone::new(jiff::tz::TimeZone::fixed(jiff::tz::offset(2)), Shown::Utc),
            mouse: crate::tui::ui::Mouse::Terminal,
        };
        // Read once for all tests: some of them make thousands of consoles.
        static KEYS: LazyLock<Keymap> = LazyLock::new(|| Keymap::bundled().unwrap());
        static THEMES: LazyLock<Themes> = LazyLock::new(|| Themes::bundled(Bundled::Dark).unwrap());
        let mut model = Model::new((columns, rows), KEYS.clone(), settings);
        model.ui.themes = THEMES.clone();
        let mut world = Self { model, now: Duration::from_secs(100), effects: Vec::new() };
        world.send(Msg::Changed);
        world
    }

    pub(super) fn send(&mut self, msg: Msg) {
        let wall = NOW.plus(self.now.saturating_sub(Duration::from_secs(100)));
        let effects = update(&mut self.model, msg, Moment { wall, monotonic: self.now });
        self.effects.extend(effects);
    }

    /// A frame is drawn from the present state and reaches the terminal before anything else happens.
    pub(super) fn paint(&mut self) {
        drawn(&mut self.model);
        self.send(Msg::Painted);
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    pub(super) fn press(&mut self, code: KeyCode) {
        self.send(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    pub(super) fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let modifiers = if key.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
            self.send(Msg::Key(KeyEvent::new(KeyCode::Char(key), modifiers)));
        }
    }

    /// Answers the last load with these facts.
    pub(super) fn load(&mut self, snapshot: Snapshot) {
        let sop = snapshot.detail.as_ref().map(|_| disk_full());
        let generation = self.model.ui.loading.generation;
        self.send(Msg::Loaded { generation, result: Ok(Box::new(Loaded { snapshot, sop: Ok(sop) })) });
    }

    /// Loads `snapshot` until nothing more is asked for, as the loop does.
    pub(super) fn settle_with(&mut self, snapshot: &Snapshot) {
        for _ in 0..4 {
            if self.model.ui.loading.in_flight {
                self.load(snapshot.clone());
            }
        }
        assert!(!self.model.ui.loading.in_flight, "the console keeps asking");
    }

    /// Effects since the last call.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

/// A row of the queue.
pub(super) fn row(id: i64) -> QueueRow {
    // In the queue's own order: by severity, the oldest first.
    let severity = Severity::ALL[usize::try_from(id / 8 + 1).unwrap().min(5)];
    QueueRow {
        id: IncidentId(id),
        title: format!("DiskFull eu1 team-{id}/orders-db"),
        severity,
        state: if id % 4 == 3 { IncidentState::Acknowledged } else { IncidentState::Open },
        owner: None,
        opened_at: NOW.minus(Duration::from_secs(78_000 - u64::try_from(id % 8 * 9_000).unwrap())),
        firing: 1,
        suppressed: None,
    }
}

/// A snapshot with rows of these numbers, all loaded; the header counts the same rows.
pub(super) fn snapshot(ids: impl IntoIterator<Item = i64>) -> Snapshot {
    let rows: Vec<QueueRow> = ids.into_iter().map(row).collect();
    let total = u32::try_from(rows.len()).unwrap();
    let mut unresolved = [0; 7];
    for row in &rows {
        unresolved[usize::from(row.severity.rank())] += 1;
    }
    let acknowledged = rows.iter().filter(|row| row.state == IncidentState::Acknowledged).count();
    Snapshot {
        header: Header {
            unresolved,
            acknowledged: u32::try_from(acknowledged).unwrap(),
            firing: rows.iter().map(|row| row.firing).sum(),
            sources: vec![
                SourceHealth {
                    source: "alertmanager".into(),
                    channel: "webhook".to_owned(),
                    state: HealthState::Ok,
                    detail: String::new(),
                    at: NOW,
                },
                SourceHealth {
                    source: "alertmanager".into(),
                    channel: "api".to_owned(),
                    state: HealthState::Down,
                    detail: "connection refused".to_owned(),
                    at: NOW,
                },
            ],
            ..Header::default()
        },
        queue: QueueWindow { total, start: 0, near: None, rows },
        ..Snapshot::default()
    }
}

/// The same with the details of incident `id`.
pub(super) fn with_detail(mut snapshot: Snapshot, id: i64) -> Snapshot {
    let found = row(id);
    let team = format!("team-{id}");
    let labels: BTreeMap<String, String> = [
        ("alertname", "DiskFull"),
        ("severity", found.severity.name()),
        ("cluster", "eu1"),
        ("namespace", team.as_str()),
        ("service", "orders-db"),
        ("instance", "db-3:9100"),
        ("mountpoint", "/srv/data"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    let mut timeline = vec![TimelineRow {
        at: found.opened_at,
        who: "alertmanager".to_owned(),
        what: format!("opened, {}", found.severity.name()),
        retracted_at: None,
    }];
    if found.state == IncidentState::Acknowledged {
        timeline.insert(
            0,
            TimelineRow { at: NOW, who: "ada".to_owned(), what: "acknowledged".to_owned(), retracted_at: None },
        );
    }
    let record = IncidentDetail {
        incident: Incident {
            id: found.id,
            key: CorrelationKey::of(&labels),
            title: found.title,
            severity: found.severity,
            severity_raw: found.severity.name().to_owned(),
            state: found.state,
            owner: found.owner,
            acknowledged_by: None,
            opened_at: found.opened_at,
            resolved_at: None,
            resolved_by: None,
            suppressed: None,
            firing: found.firing,
            reopened: 0,
        },
        alerts: vec![AlertRow {
            fingerprint: "f00".to_owned(),
            source: "alertmanager".into(),
            status: AlertStatus::Firing,
            starts_at: found.opened_at,
            ends_at: None,
            labels,
            annotations: BTreeMap::from([("summary".to_owned(), "/srv/data is 97 % full".to_owned())]),
            generator_url: None,
            deliveries: 3,
        }],
        alerts_total: 1,
        timeline,
        proposals: Vec::new(),
        attempts: Vec::new(),
    };
    let matches = vec![SopMatch { sop: disk_full().procedure.sop.clone(), why: "declared for DiskFull".to_owned() }];
    snapshot.detail = Some(Detail { record, matches, doubts: Vec::new() });
    snapshot
}

/// The bundled document.
pub(super) fn disk_full() -> Arc<SopDocument> {
    let source = include_str!("../../../sops/disk-full.md");
    let procedure = crate::domain::sop::parse(&"bundled/disk-full.md".into(), source.as_bytes());
    Arc::new(SopDocument { procedure, source: source.to_owned(), place: "bundled".to_owned() })
}

/// The first command of the bundled document.
pub(super) fn first_command() -> NodeId {
    let document = disk_full();
    let found = document.procedure.nodes.iter().find(|node| matches!(node.kind, NodeKind::Command { .. }));
    found.unwrap().id.clone()
}

/// A proposal of this risk, with a reason that goes with it.
pub(super) fn proposal(id: i64, risk: Risk, words: &[(&str, Origin)]) -> Proposal {
    let argv = words
        .iter()
        .map(|(text, origin)| Word { pieces: vec![Piece { text: (*text).to_owned(), origin: origin.clone() }] })
        .collect();
    let stage = Stage::new(argv);
    let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
    let program = words.first().map_or("", |(text, _)| *text);
    let reason = match risk {
        Risk::Query | Risk::Read => format!("{program} only reads"),
        Risk::Unknown => format!("{program} is not known to be read-only with these options"),
        Risk::Change => format!("{program} changes things"),
        Risk::Destroy => format!("{program} removes things"),
    };
    let confinement = if risk == Risk::Read { Confinement::ReadsOnly } else { Confinement::Free };
    let spec = ActionSpec {
        confinement,
        secrets: Vec::new(),
        incident: IncidentId(1),
        subject: Subject {
            key: AlertKey {
                source: "alertmanager".into(),
                fingerprint: "f00".to_owned(),
                starts_at: NOW.minus(Duration::from_secs(720)),
            },
            title: "DiskFull instance=db-3:9100".to_owned(),
            hosts: vec!["db-3".to_owned()],
        },
        step: StepRef {
            sop: "bundled/disk-full.md".into(),
            node: first_command(),
            revision: "r1".to_owned(),
            title: "Show what uses the space".to_owned(),
        },
        invocation: Invocation::Argv { script },
        mode: Execution::Supervised,
        target: Target::ThisHost { name: "db-3".to_owned() },
        cwd: "/home/ada".to_owned(),
        env: BTreeMap::from([
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ]),
        risk,
        risk_reasons: vec![reason],
        labels_used: BTreeMap::from([("mountpoint".to_owned(), "/srv/data".to_owned())]),
        edited: None,
        time_limit: Duration::from_secs(600),
    };
    Proposal {
        id: ProposalId(id),
        digest: spec.digest(true),
        spec,
        state: ProposalState::Pending,
        created_at: NOW,
        asked_by: "ada".to_owned(),
        reason: String::new(),
        ruling: None,
        first_approver: None,
    }
}

/// `du -xh --max-depth=1 /srv/data`, the last word from a label.
pub(super) fn du(id: i64, risk: Risk) -> Proposal {
    let label = Origin::Label("mountpoint".to_owned());
    let words = [("du", Origin::Sop), ("-xh", Origin::Sop), ("--max-depth=1", Origin::Sop), ("/srv/data", label)];
    proposal(id, risk, &words)
}

/// Adds a proposal to a snapshot.
pub(super) fn with_proposal(mut snapshot: Snapshot, proposal: Proposal) -> Snapshot {
    if let Some(detail) = &mut snapshot.detail {
        detail.record.proposals.push(proposal.clone());
    }
    snapshot.tray.push(proposal);
    snapshot
}

/// Adds an attempt with output to a snapshot.
pub(super) fn with_attempt(mut snapshot: Snapshot, output: &str, code: i32) -> Snapshot {
    let step = du(1, Risk::Read).spec.step;
    let attempt = Attempt {
        id: AttemptId(1),
        proposal: ProposalId(1),
        incident: IncidentId(1),
        step,
        state: AttemptState::Ended { outcome: Outcome::Exited { code }, at: NOW.plus(Duration::from_millis(800)) },
        intent_at: NOW,
        directory: "/x".to_owned(),
        approved_by: "ada".to_owned(),
    };
    if let Some(detail) = &mut snapshot.detail {
        detail.record.attempts.push(attempt);
    }
    snapshot.output = Some(Output { attempt: AttemptId(1), start: 0, bytes: output.as_bytes().to_vec() });
    snapshot
}
