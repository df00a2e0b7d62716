//! Every widget that shows foreign text, with hostile text wherever it can have any.
//!
//! Owns: the list of these scenes, and how each comes about: by messages and keys, as in the console. Does not: judge what is
//! drawn (see the parent).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::domain::action::attempt::{AttemptState, Outcome};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Invocation, Origin, Piece, Target};
use crate::domain::alert::{AlertKey, Severity};
use crate::domain::chat::{Author, MessageState};
use crate::domain::id::{AttemptId, IncidentId, MessageId, RunId};
use crate::domain::incident::{IncidentState, Suppression, Until};
use crate::domain::keeping::{Lost, Restored};
use crate::domain::policy::{Answer, Demand, Ruling, minimum};
use crate::domain::procedure::NodeKind;
use crate::domain::run::deviation::Deviation;
use crate::domain::run::draft;
use crate::domain::run::event::{Change, RunEvent, StopReason};
use crate::domain::run::improve::{Correction, Finding, FindingKind, Sighting, SopEdit};
use crate::domain::run::item::{ItemId, ItemKind};
use crate::domain::run::suggestion::{Advice, Draft, Source, Suggestion, node_of_answer};
use crate::domain::run::{Limits, Plan, Run, plan};
use crate::domain::scope::Cover;
use crate::domain::search::Snippet;
use crate::domain::text::Repertoire;
use crate::engine::ask::{AnswerEvent, ModelStatus, Preview, Route};
use crate::engine::backend::{BackendError, LeaseView, NeededValue, QuarantinedBody, Snapshot, SopDocument, SopMatch};
use crate::engine::improving::Improvement;
use crate::engine::policy_watch::PolicyState;
use crate::engine::search::{Coverage, Hit, HitKind, SearchAnswer};
use crate::tui::keymap::Keymap;
use crate::tui::layout::{Layout, Pane};
use crate::tui::msg::{Asked, CommandFrom, Copied, Copy, Effect, Loaded, Msg, ProposeRequest};
use crate::tui::tests::chat::{ask, came, message, prepared, preview, with_chat};
use crate::tui::tests::wider::given;
use crate::tui::tests::world::{NOW, World, du, proposal, snapshot, with_attempt, with_detail, with_proposal};
use crate::tui::tour::Guidance;
use crate::tui::ui::{Model, Overlay};
use crate::tui::workbench::Found;

/// A proposal with `text` wherever a proposal can have text.
fn hostile_proposal(text: &str, risk: Risk) -> Proposal {
    let label = Origin::Label(text.to_owned());
    let words = [("rm", Origin::Sop), (text, Origin::Sop), (text, label.clone()), (text, Origin::Operator)];
    let mut hostile = proposal(1, risk, &words);
    let spec = &mut hostile.spec;
    spec.subject.title = text.to_owned();
    spec.subject.hosts = vec![text.to_owned()];
    spec.step.title = text.to_owned();
    spec.step.sop = text.into();
    spec.cwd = text.to_owned();
    spec.env.insert(text.to_owned(), text.to_owned());
    spec.risk_reasons.push(text.to_owned());
    if risk == Risk::Unknown {
        let values = BTreeMap::from([(text.to_owned(), Piece { text: text.to_owned(), origin: label })]);
        spec.invocation = Invocation::Bash { script: text.to_owned(), reason: text.to_owned(), values };
    }
    hostile.digest = hostile.spec.digest(true);
    hostile
}

/// A proposal over which a policy of `text` has decided, and that another person approved.
fn ruled(text: &str) -> Proposal {
    let ruling = Ruling {
        policy: text.to_owned(),
        answer: Answer { demands: [Demand::SecondPerson].into(), ..minimum(Risk::Change) },
        because: vec![text.to_owned()],
        roles: [text.to_owned()].into(),
    };
    Proposal { ruling: Some(ruling), first_approver: Some(text.to_owned()), ..hostile_proposal("x", Risk::Change) }
}

/// Facts with `text` wherever facts have text.
pub(super) fn hostile_facts(text: &str) -> Snapshot {
    let mut facts = with_attempt(with_detail(snapshot(1..=20), 1), text, 0);
    for row in &mut facts.queue.rows {
        row.title = text.to_owned();
        row.owner = Some(text.to_owned());
    }
    for source in &mut facts.header.sources {
        source.source = text.into();
        source.channel = text.to_owned();
        source.detail = text.to_owned();
    }
    let markdown = hostile_markdown(text);
    let fallback = Author::Fallback { why: text.to_owned() };
    let mut failed = message(4, fallback, &markdown);
    failed.state = MessageState::Failed { reason: text.to_owned() };
    let name = text.to_owned();
    let messages = vec![
        message(1, Author::Person { name: name.clone() }, text),
        message(2, Author::Model { name: name.clone() }, &markdown),
        message(3, Author::Person { name: name.clone() }, text),
        failed,
    ];
    facts = with_chat(facts, messages);
    facts.model = ModelStatus::Ready { model: name, spent_today_micro_usd: 1 };
    facts.header.receiver = Some(LeaseView { holder: text.to_owned(), is_self: false, fence: 1 });
    facts.header.people = vec![text.to_owned()];
    facts.header.quarantined = 2;
    facts.quarantined = vec![QuarantinedBody {
        source: text.into(),
        reason: text.to_owned(),
        at: NOW,
        bytes: 1 << 20,
        beginning: text.as_bytes().iter().copied().take(2_048).collect(),
    }];
    let detail = facts.detail.as_mut().unwrap();
    detail.matches = vec![SopMatch { sop: text.into(), why: text.to_owned() }];
    let record = &mut detail.record;
    record.incident.title = text.to_owned();
    record.incident.severity_raw = text.to_owned();
    record.incident.owner = Some(text.to_owned());
    record.incident.acknowledged_by = Some(text.to_owned());
    record.incident.suppressed = Some(Suppression { until: Until::Changed, by: text.to_owned() });
    for alert in &mut record.alerts {
        alert.labels.insert(text.to_owned(), text.to_owned());
        alert.annotations.insert("summary".to_owned(), text.to_owned());
    }
    for line in &mut record.timeline {
        line.what = text.to_owned();
        line.who = text.to_owned();
    }
    facts.policy = PolicyState { hash: "h".to_owned(), complaints: vec![text.to_owned()] };
    for attempt in &mut record.attempts {
        attempt.step.title = text.to_owned();
        if let AttemptState::Ended { outcome, .. } = &mut attempt.state {
            *outcome = Outcome::Unknown { reason: text.to_owned() };
        }
    }
    facts
}

/// A run of [`hostile_document`] that stopped, with `text` wherever it can have any.
fn hostile_run(text: &str) -> Run {
    let document = hostile_document(text);
    let facts = with_detail(snapshot(1..=20), 1);
    let mut plan = Plan {
        alert: facts.detail.as_ref().unwrap().record.alerts[0].key(),
        sop: text.into(),
        revision: document.procedure.revision.clone(),
        title: text.to_owned(),
        items: plan::of(&document.procedure, &document.source),
        limits: Limits::default(),
        after_attempt: AttemptId(0),
    };
    for item in &mut plan.items {
        item.title = text.to_owned();
        item.written = item.written.is_some().then(|| text.to_owned());
        item.assigned = Some(text.to_owned());
    }
    let mut run = Run::new(RunId(12), IncidentId(1), plan, text.to_owned(), NOW);
    let (item, why) = (run.plan.items.first().map_or(ItemId(1), |item| item.id), text.to_owned());
    let deviation = Box::new(Deviation::Skipped { item, reason: why.clone() });
    run.apply(&RunEvent::Deviated { deviation }, NOW);
    run.apply(&RunEvent::Stopped { item: Some(item), reason: StopReason::NoEvidence { why } }, NOW);
    run
}

/// The same run, with what a model suggests for it.
fn advised(text: &str) -> Run {
    let mut run = hostile_run(text);
    let (item, why) = (run.plan.items.first().map_or(ItemId(1), |item| item.id), text.to_owned());
    let source = Source::Model { name: why.clone(), message: MessageId(7) };
    let change = Change::Skip { item, reason: why.clone() };
    let insert = Change::Insert {
        after: Some(item),
        title: why.clone(),
        node: Some(node_of_answer(MessageId(7), 0)),
        kind: ItemKind::Command,
    };
    for (number, change, command) in [(1, insert, Some(why.clone())), (2, change, None)] {
        let (advice, cites) = (Advice::Plan { change }, vec![why.clone()]);
        let draft = Draft { advice, why: why.clone(), cites, source: source.clone(), command };
        run.apply(&RunEvent::Suggested { suggestion: Box::new(Suggestion { number, draft }) }, NOW);
    }
    run
}

/// Yeses that go on, with `text` wherever they can have any.
fn with_scopes(text: &str) -> Snapshot {
    let mut facts = with_proposal(hostile_facts(text), ruled(text));
    facts.run = Some(hostile_run(text));
    facts.scopes = [Cover::SameStep, Cover::RunReads].map(|cover| given(&facts, 3, cover)).into();
    for scope in &mut facts.scopes {
        scope.terms.lead = text.to_owned();
        scope.terms.holder.name = text.to_owned();
        scope.terms.sop = text.into();
        scope.terms.target = Target::ThisHost { name: text.to_owned() };
    }
    facts.header.scopes = 2;
    facts
}

/// Findings about [`hostile_document`], with `text` wherever they can have any.
fn hostile_improvement(text: &str) -> Improvement {
    let document = hostile_document(text);
    let nodes = document.procedure.nodes.iter();
    let command = nodes.clone().find(|node| matches!(node.kind, NodeKind::Command { .. })).map(|node| node.id.clone());
    let correction = match &command {
        Some(node) => {
            Correction::Patch { edit: SopEdit::Command { node: node.clone(), script: text.to_owned() }, risk: None }
        }
        None => Correction::Told { why: text.to_owned() },
    };
    let sightings = vec![Sighting { run: RunId(3), at: NOW }];
    let (kind, words) = (FindingKind::Edited, text.to_owned());
    let first = Finding { number: 1, kind, node: command, line: Some(1), words, seen: 6, of: 7, sightings, correction };
    let told = Correction::Told { why: text.to_owned() };
    let second = Finding { number: 2, correction: told, ..first.clone() };
    Improvement { findings: vec![first, second], runs: 7, document }
}

/// What came of a restoration, with `text` wherever it can have any.
fn hostile_restored(text: &str) -> Restored {
    Restored {
        damage: text.to_owned(),
        kept_in: text.to_owned(),
        backup: Some((text.to_owned(), NOW)),
        salvaged: 1,
        last_entry: 1,
        lost: Lost::Nothing,
        voided: 1,
        strays: vec![text.to_owned()],
    }
}

/// An answer with `text` in everything that Markdown has.
fn hostile_markdown(text: &str) -> String {
    let one_line = text.replace(['\n', '\r'], " ");
    format!(
        "# {one_line}\n{text}\n\n- {one_line}\n\n> {text}\n\n| a | {one_line} |\n|---|---|\n| {one_line} | b |\n\n[{one_line}](<{one_line}>) \
         `{one_line}` [sop:{one_line}#{one_line}]\n\n```sh {one_line}\n{text}\n```\n<b {one_line}>\n"
    )
}

/// A document with `text` in its title, its headings, steps, commands and tables.
fn hostile_document(text: &str) -> Arc<SopDocument> {
    let one_line = text.replace(['\n', '\r'], " ");
    let source = format!(
        "# {one_line}\n\n## Mitigation {one_line}\n\n1. {text}\n\n   ```sh\n   rm {one_line}\n   ```\n\n2. If {one_line}, do {text}.\n\n\
         > {text}\n\n| a | {one_line} |\n|---|---|\n| {one_line} | b |\n"
    );
    let mut procedure = crate::domain::sop::parse(&text.into(), source.as_bytes());
    procedure.title = text.to_owned();
    Arc::new(SopDocument { procedure, source, place: text.to_owned() })
}

/// A widget, or what covers the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scene {
    Header,
    Queue,
    Detail,
    Sop,
    SopTitle,
    Output,
    Review(Risk),
    Picker,
    Prompt,
    Toast,
    Trouble,
    EmptyTrouble,
    Filter,
    TypedName,
    Chat,
    ChatComing,
    ChatTyping,
    ChatPrompt,
    ChatOffline,
    Preview,
    /// Words looked for in a pane are being typed.
    Find(Pane),
    Search,
    SearchTrouble,
    Palette,
    /// Who is to work on it, with those who are known.
    Owner,
    Note,
    /// What was typed cannot be used.
    Objection,
    Incident,
    Sources,
    /// With keys of the person's own.
    Help,
    /// With keys of the person's own.
    Tour,
    Plain(Pane),
    PlainSources,
    PlainIncident,
    Copied,
    /// The box of the run, which stopped.
    Steer,
    /// The same, while a reason is typed.
    SteerTyping,
    /// The SOP as written against the run as done.
    Comparison,
    /// What a restored database has lost; opens by itself.
    Restored,
    /// What the policy says in a review.
    Ruled,
    /// The yeses that go on.
    Scopes,
    /// What a model suggests for the run.
    Suggestions,
    /// The command of a proposal while it is edited.
    Edit,
    /// What the runs of an SOP have in common, with a patch of it.
    Improve,
    /// An SOP drafted from what people did.
    Draft,
}

impl Scene {
    /// Whether any text can stand there: only what one can see can be a key.
    pub(super) const fn takes_any_text(self) -> bool {
        !matches!(self, Self::Help | Self::Tour)
    }

    /// Where the widget stands; `None` when it lies above others.
    pub(super) fn place(self, layout: &Layout) -> Option<Rect> {
        let pane = |pane| match pane {
            Pane::Incidents => layout.queue,
            Pane::Sop => layout.sop,
            Pane::Output => layout.output,
            Pane::Chat => layout.chat,
        };
        match self {
            Self::Header => Some(layout.header),
            Self::Queue => pane(Pane::Incidents).map(|area| area.body),
            Self::Detail => layout.detail.map(|area| area.body),
            Self::Sop => pane(Pane::Sop).map(|area| area.body),
            Self::SopTitle => pane(Pane::Sop).map(|area| area.title),
            Self::Output => pane(Pane::Output).map(|area| area.body),
            Self::Chat | Self::ChatComing | Self::ChatTyping => pane(Pane::Chat).map(|area| area.body),
            Self::ChatOffline => pane(Pane::Chat).map(|area| area.title),
            Self::Filter => pane(Pane::Incidents).map(|area| area.title),
            Self::Find(found) => pane(found).map(|area| area.title),
            _ => None,
        }
    }
}

pub(super) const SCENES: [Scene; 54] = [
    Scene::Header,
    Scene::Detail,
    Scene::SopTitle,
    Scene::Queue,
    Scene::Sop,
    Scene::Output,
    Scene::Review(Risk::Read),
    Scene::Review(Risk::Unknown),
    Scene::Picker,
    Scene::Prompt,
    Scene::Toast,
    Scene::Trouble,
    Scene::EmptyTrouble,
    Scene::Filter,
    Scene::TypedName,
    Scene::Chat,
    Scene::ChatComing,
    Scene::ChatTyping,
    Scene::ChatPrompt,
    Scene::ChatOffline,
    Scene::Preview,
    Scene::Find(Pane::Incidents),
    Scene::Find(Pane::Sop),
    Scene::Find(Pane::Output),
    Scene::Find(Pane::Chat),
    Scene::Search,
    Scene::SearchTrouble,
    Scene::Palette,
    Scene::Owner,
    Scene::Note,
    Scene::Objection,
    Scene::Incident,
    Scene::Sources,
    Scene::Help,
    Scene::Tour,
    Scene::Plain(Pane::Incidents),
    Scene::Plain(Pane::Sop),
    Scene::Plain(Pane::Output),
    Scene::Plain(Pane::Chat),
    Scene::PlainSources,
    Scene::PlainIncident,
    Scene::Copied,
    Scene::Review(Risk::Destroy),
    Scene::Review(Risk::Change),
    Scene::Steer,
    Scene::SteerTyping,
    Scene::Comparison,
    Scene::Restored,
    Scene::Ruled,
    Scene::Scopes,
    Scene::Suggestions,
    Scene::Edit,
    Scene::Improve,
    Scene::Draft,
];

/// The key that goes to a pane.
const fn key_of(pane: Pane) -> &'static str {
    match pane {
        Pane::Incidents => "1",
        Pane::Sop => "2",
        Pane::Chat => "3",
        Pane::Output => "4",
    }
}

/// A hit with `text` in everything.
fn hit(kind: HitKind, text: &str) -> Hit {
    let (end, whole) = (text.char_indices().nth(1).map_or(text.len(), |(at, _)| at), text.to_owned());
    let marks = std::iter::once(0..end).filter(|mark| !mark.is_empty()).collect();
    let snippet = Snippet { text: whole.clone(), marks, cut_before: true, cut_after: true };
    Hit { kind, title: whole.clone(), path: whole, snippet, score: 1.0 }
}

/// The bundled keys, and each character of `text` that can be a key as one for the details of an incident.
fn own_keys(text: &str) -> Keymap {
    let mut keymap =
        Keymap::bundled().unwrap().merge("own.toml", "[global]\nd = \"none\"\nf12 = \"details\"\n").unwrap();
    for c in text.chars() {
        let binding = toml::Table::from_iter([(c.to_string(), toml::Value::from("details"))]);
        let file = toml::Table::from_iter([("global".to_owned(), toml::Value::Table(binding))]).to_string();
        // What has a meaning already, or is no key, stays what it is.
        keymap = keymap.merge("own.toml", &file).unwrap_or(keymap);
    }
    keymap
}

/// Looks for `text` everywhere and answers.
fn search(world: &mut World, text: &str, result: Result<SearchAnswer, BackendError>) {
    world.keys("F");
    world.send(Msg::Paste(text.to_owned()));
    let Some(Overlay::Search(search)) = &world.model.ui.overlay else { panic!("the search is open") };
    let number = search.generation;
    world.send(Msg::Found { generation: number, result });
}

/// A question about `text` that a model answers.
fn stream(world: &mut World, text: &str) -> u64 {
    world.keys("3");
    let number = ask(world, &format!("why {text}"));
    prepared(world, number, Route::Model(Box::new(Preview { model: text.to_owned(), ..preview(false) })));
    number
}

fn request(text: &str) -> ProposeRequest {
    let values = BTreeMap::from([(text.to_owned(), text.to_owned())]);
    let alert = AlertKey {
        source: text.into(),
        fingerprint: text.to_owned(),
        starts_at: crate::domain::time::Timestamp::from_millis(0),
    };
    let from = CommandFrom::Step { sop: text.into(), node: text.into() };
    ProposeRequest { incident: crate::domain::id::IncidentId(1), alert, from, values }
}

/// A console that shows `scene` with `text` in it.
pub(super) fn console(scene: Scene, text: &str, size: (u16, u16), repertoire: Repertoire) -> World {
    let mut world = World::new(size.0, size.1);
    world.model.ui.settings.repertoire = repertoire;
    world.model.ui.settings.name = text.to_owned();
    match scene {
        Scene::Help => world.model.ui.keymap = own_keys(text),
        Scene::Tour => {
            let settings = world.model.ui.settings.clone();
            world.model = Model::new(size, own_keys(text), settings).guided(Guidance::Tour);
            world.send(Msg::Changed);
        }
        _ => {}
    }
    let facts = match scene {
        // What cannot stand in a field cannot be edited: the text is what a person pastes.
        Scene::Edit => with_proposal(hostile_facts(text), du(1, Risk::Change)),
        Scene::Review(risk) => with_proposal(hostile_facts(text), hostile_proposal(text, risk)),
        Scene::TypedName => with_proposal(hostile_facts(text), hostile_proposal(text, Risk::Destroy)),
        Scene::EmptyTrouble => snapshot([]),
        Scene::Steer | Scene::SteerTyping | Scene::Comparison => {
            Snapshot { run: Some(hostile_run(text)), ..hostile_facts(text) }
        }
        Scene::Suggestions => Snapshot { run: Some(advised(text)), ..hostile_facts(text) },
        Scene::Scopes => with_scopes(text),
        Scene::Restored => Snapshot { restored: Some(Arc::new(hostile_restored(text))), ..hostile_facts(text) },
        Scene::Ruled => with_proposal(hostile_facts(text), ruled(text)),
        Scene::ChatOffline => {
            let model = ModelStatus::Offline { model: text.to_owned(), why: text.to_owned() };
            Snapshot { model, ..hostile_facts(text) }
        }
        _ => hostile_facts(text),
    };
    for _ in 0..4 {
        if world.model.ui.loading.in_flight {
            let generation = world.model.ui.loading.generation;
            let loaded = Loaded { snapshot: facts.clone(), sop: Ok(Some(hostile_document(text))) };
            world.send(Msg::Loaded { generation, result: Ok(Box::new(loaded)) });
        }
    }
    happen(&mut world, scene, text);
    world
}

/// What leads to the scene once the facts are there.
fn happen(world: &mut World, scene: Scene, text: &str) {
    // What was said about the facts stands in the way of what is to be said.
    world.model.ui.toast = None;
    world.model.ui.notices.clear();
    match scene {
        Scene::Header | Scene::Queue | Scene::Detail | Scene::SopTitle | Scene::Tour => {}
        Scene::Sop => world.keys("2"),
        Scene::Output => world.keys("4"),
        Scene::Review(_) | Scene::Ruled => world.keys("A"),
        Scene::Improve => workbench(world, "2I", Found::Improvement(Arc::new(hostile_improvement(text)))),
        Scene::Draft => {
            let (title, text) = (text.to_owned(), format!("# {text}\n"));
            workbench(world, "2D", Found::Draft(Arc::new(draft::Draft { title, left_out: vec![text.clone()], text })));
        }
        Scene::Edit => {
            world.keys("A");
            world.press(KeyCode::F(4));
            world.send(Msg::Paste(text.to_owned()));
        }
        // It opened by itself.
        Scene::Restored => {}
        Scene::Steer => world.keys("2R"),
        Scene::Scopes => world.keys("Y"),
        Scene::Suggestions => steer(world, "Look at", text),
        Scene::SteerTyping => steer(world, "End the run", text),
        Scene::Comparison => steer(world, "Compare", text),
        Scene::Chat
        | Scene::ChatComing
        | Scene::ChatTyping
        | Scene::ChatPrompt
        | Scene::ChatOffline
        | Scene::Preview => {
            chat(world, scene, text);
        }
        Scene::TypedName => {
            world.keys("A");
            text.chars().for_each(|key| world.press(KeyCode::Char(key)));
        }
        Scene::Picker => {
            world.keys("s");
            world.send(Msg::Sops(Ok(vec![(text.into(), text.to_owned()); 3])));
        }
        Scene::Prompt => {
            let value = NeededValue { name: text.to_owned(), surface: text.to_owned(), problem: text.to_owned() };
            let result = Err(BackendError::NeedsValues(vec![value; 2]));
            world.send(Msg::Answered { asked: Asked::Propose(request(text)), result });
            world.send(Msg::Paste(text.to_owned()));
        }
        Scene::Toast => world.send(Msg::Notice(text.to_owned())),
        Scene::Trouble | Scene::EmptyTrouble => {
            world.send(Msg::Changed);
            world.wait(1_000);
            world.send(Msg::Changed);
            let generation = world.model.ui.loading.generation;
            world.send(Msg::Loaded { generation, result: Err(BackendError::Failed(text.to_owned())) });
        }
        Scene::Filter => type_behind(world, "/", text),
        Scene::Find(pane) => type_behind(world, &format!("{}/", key_of(pane)), text),
        Scene::Owner => type_behind(world, "1o", text),
        Scene::Note => type_behind(world, "1n", text),
        Scene::Objection => {
            type_behind(world, "1z", text);
            world.press(KeyCode::Enter);
        }
        Scene::Search => {
            let (id, state) = (IncidentId(1), IncidentState::Open);
            let sop = HitKind::Sop { sop: text.into(), node: text.into() };
            let hits = vec![hit(sop, text), hit(HitKind::Incident { id, severity: Severity::Critical, state }, text)];
            search(world, text, Ok(SearchAnswer { hits, coverage: Coverage::Failing(text.to_owned()) }));
        }
        Scene::SearchTrouble => search(world, text, Err(BackendError::Failed(text.to_owned()))),
        Scene::Palette => {
            world.keys(":");
            world.send(Msg::Sops(Ok(vec![(text.into(), text.to_owned()); 3])));
            world.keys("sop ");
            world.send(Msg::Paste(text.to_owned()));
        }
        Scene::Incident => world.keys("d"),
        Scene::Sources => world.keys("S"),
        Scene::Help => world.keys("?"),
        Scene::Plain(pane) => world.keys(&format!("{}w", key_of(pane))),
        Scene::PlainSources => world.keys("Sw"),
        Scene::PlainIncident => world.keys("dw"),
        Scene::Copied => {
            let warning = Some(text.to_owned());
            let copy = Copy { text: text.as_bytes().to_vec(), what: text.to_owned(), warning };
            world.send(Msg::Copied(Copied { copy, sent: true, file: Ok(PathBuf::from(text)) }));
        }
    }
}

/// Asks for what the workbench shows by `keys`, and answers.
fn workbench(world: &mut World, keys: &str, found: Found) {
    world.take_effects();
    world.keys(keys);
    let number = world.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Workbench { number, .. } => Some(number),
        _ => None,
    });
    world.send(Msg::Workbench { number: number.expect("it is asked for"), result: Ok(found) });
}

/// Chooses what begins with `words` in the box of the run, and pastes `text` into what opens.
fn steer(world: &mut World, words: &str, text: &str) {
    world.keys("2R");
    let offers = crate::tui::steer::offers(&world.model);
    let at = offers.iter().position(|offer| offer.words.starts_with(words)).expect("it is offered");
    (0..at).for_each(|_| world.keys("j"));
    world.press(KeyCode::Enter);
    world.send(Msg::Paste(text.to_owned()));
}

/// Presses `keys` and pastes `text` into what they open.
fn type_behind(world: &mut World, keys: &str, text: &str) {
    world.keys(keys);
    world.send(Msg::Paste(text.to_owned()));
}

/// The scenes of the chat.
fn chat(world: &mut World, scene: Scene, text: &str) {
    match scene {
        Scene::ChatComing => {
            let number = stream(world, text);
            came(world, number, AnswerEvent::Thought(text.to_owned()));
            came(world, number, AnswerEvent::Fallback { why: text.to_owned() });
            came(world, number, AnswerEvent::Text(text.to_owned()));
            came(world, number, AnswerEvent::Thought(text.to_owned()));
            world.press(KeyCode::Esc);
            world.keys("t");
        }
        Scene::ChatTyping => {
            let number = stream(world, text);
            came(world, number, AnswerEvent::Retrying { seconds: 9, why: text.to_owned() });
            world.send(Msg::Paste(text.to_owned()));
            text.chars().for_each(|key| world.press(KeyCode::Char(key)));
        }
        Scene::ChatPrompt => {
            let value = NeededValue { name: text.to_owned(), surface: text.to_owned(), problem: text.to_owned() };
            let from = CommandFrom::Chat { message: MessageId(2), block: 0, script: text.to_owned() };
            let request = ProposeRequest { from, ..request(text) };
            let result = Err(BackendError::NeedsValues(vec![value]));
            world.send(Msg::Answered { asked: Asked::Propose(request), result });
        }
        Scene::Preview => {
            world.keys("3");
            let number = ask(world, "why?");
            let body = Arc::from(format!("{text}\n{text}").as_bytes());
            let hostile = Preview {
                model: text.to_owned(),
                destination: text.to_owned(),
                body,
                replaced: BTreeMap::from([(text.to_owned(), 1)]),
                ..preview(true)
            };
            prepared(world, number, Route::Model(Box::new(hostile)));
            world.keys("/");
            world.send(Msg::Paste(text.to_owned()));
        }
        _ => world.keys("3]}"),
    }
}
