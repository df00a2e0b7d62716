//! What happened to an incident, sorted into the sections of a document.
//!
//! Owns: what counts as looking, changing and verifying, and what is told instead of done again. Does not: write Markdown.
//!
//! Looking is what only reads, before the first change; verifying is what only reads, after the last one. What a document
//! called a diagnosis or a verification stays one.

use std::collections::{BTreeMap, BTreeSet};

use super::{DraftStep, Material, page};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Invocation};
use crate::domain::alert::Labels;
use crate::domain::id::RunId;
use crate::domain::incident::IncidentEvent;
use crate::domain::journal::Payload;
use crate::domain::journal::tape::{Moment, What};
use crate::domain::procedure::{NodeKind, SectionRole, Shell};
use crate::domain::run::Plan;
use crate::domain::run::effect::Sign;
use crate::domain::run::event::RunEvent;
use crate::domain::run::evidence::Evidence;
use crate::domain::run::improve::{generalise, in_general, risk_of};
use crate::domain::run::item::{Basis, Item, ItemId, ItemKind};
use crate::domain::time::Timestamp;

/// Beginnings of notes by which people say how something is undone.
const UNDO_WORDS: [&str; 5] = ["rollback:", "roll back:", "undo:", "to undo", "to roll back"];

/// What a draft tells.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) title: String,
    pub(super) alerts: Vec<String>,
    pub(super) owner: Option<String>,
    pub(super) severity: String,
    /// Where it comes from, as the end of "drafted from".
    pub(super) origin: String,
    pub(super) diagnosis: Vec<DraftStep>,
    pub(super) mitigation: Vec<DraftStep>,
    pub(super) verification: Vec<DraftStep>,
    /// The alert ended by itself after that.
    pub(super) alert_ended: bool,
    pub(super) rollback: Vec<DraftStep>,
    /// How people said that it is undone.
    pub(super) undo_notes: Vec<String>,
    /// Answers to questions with their evidence, and notes, as plain sentences.
    pub(super) findings: Vec<String>,
    /// What failed, with how it ended.
    pub(super) failures: Vec<(String, String)>,
    pub(super) labels: BTreeSet<String>,
    pub(super) left_out: Vec<String>,
}

impl Gathered {
    /// All steps with their sections, in the order of the document.
    pub(super) fn steps(&self) -> impl Iterator<Item = &DraftStep> {
        [&self.diagnosis, &self.mitigation, &self.verification, &self.rollback].into_iter().flatten()
    }
}

/// Something that was done.
struct Act {
    at: Timestamp,
    title: String,
    shell: Shell,
    script: Option<Result<String, String>>,
    risk: Risk,
    role: Option<SectionRole>,
    failed: Option<String>,
}

/// Reads all of it off the tape.
pub(super) fn of(material: Material<'_>) -> Gathered {
    let tape = material.tape;
    let labels: Labels = tape.alerts.first().map(|alert| alert.labels.clone()).unwrap_or_default();
    let mut gatherer = Gatherer {
        material,
        people: people(material),
        labels,
        plans: plans(material),
        acts: Vec::new(),
        gathered: Gathered::default(),
    };
    gatherer.about();
    let (from, to) = gatherer.span();
    for moment in tape.moments.iter().filter(|moment| from <= moment.at && moment.at <= to) {
        gatherer.moment(moment);
    }
    gatherer.sort();
    gatherer.rollback();
    gatherer.gathered
}

struct Gatherer<'a> {
    material: Material<'a>,
    people: Vec<String>,
    labels: Labels,
    plans: BTreeMap<RunId, &'a Plan>,
    acts: Vec<Act>,
    gathered: Gathered,
}

/// Everybody who did anything.
fn people(material: Material<'_>) -> Vec<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for moment in &material.tape.moments {
        all.extend(moment.context.as_ref().and_then(|context| context.person()).map(|person| person.name.clone()));
    }
    let incident = &material.tape.incident;
    all.extend([&incident.owner, &incident.acknowledged_by, &incident.resolved_by].into_iter().flatten().cloned());
    // Whoever is called like a program's account would take words out of every command.
    all.into_iter().filter(|name| name.len() > 2 && name != "root").collect()
}

fn plans(material: Material<'_>) -> BTreeMap<RunId, &Plan> {
    let started = material.tape.moments.iter().filter_map(|moment| match payload(moment)? {
        Payload::Run { run, event } => match event.as_ref() {
            RunEvent::Started { plan, .. } => Some((*run, plan.as_ref())),
            _ => None,
        },
        _ => None,
    });
    started.collect()
}

fn payload(moment: &Moment) -> Option<&Payload> {
    match &moment.what {
        What::Entry { payload, .. } => Some(payload.as_ref()),
        What::AlertBegan(_) | What::AlertEnded(_) | What::Unreadable => None,
    }
}

impl<'a> Gatherer<'a> {
    fn about(&mut self) {
        let tape = self.material.tape;
        let names: BTreeSet<String> =
            tape.alerts.iter().filter_map(|alert| alert.labels.get("alertname")).cloned().collect();
        let owner = ["team", "owner"].iter().find_map(|name| self.labels.get(*name)).cloned();
        let incident = tape.incident.id;
        let first = names.iter().next().cloned().unwrap_or_else(|| "Incident".to_owned());
        let name = self.labels.get("alertname").cloned().unwrap_or(first);
        self.gathered = Gathered {
            title: page::one_line(&name),
            alerts: names.into_iter().collect(),
            owner,
            severity: tape.incident.severity.name().to_owned(),
            origin: match self.material.run {
                Some(run) => format!("run {run} for incident {incident}"),
                None => format!("incident {incident}"),
            },
            alert_ended: tape.alerts.first().is_some_and(|alert| alert.ends_at.is_some()),
            labels: self.labels.keys().cloned().collect(),
            ..Gathered::default()
        };
    }

    /// From when to when something counts.
    fn span(&self) -> (Timestamp, Timestamp) {
        let ends = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        let Some(wanted) = self.material.run else { return ends };
        let of_run = self.material.tape.moments.iter().filter_map(|moment| match payload(moment)? {
            Payload::Run { run, event } if *run == wanted => Some((moment.at, event.as_ref())),
            _ => None,
        });
        let mut span = ends;
        for (at, event) in of_run {
            match event {
                RunEvent::Started { .. } => span.0 = at,
                // The rest of the same transaction has the same moment.
                RunEvent::Ended { .. } => span.1 = at,
                _ => {}
            }
        }
        span
    }

    fn people(&self) -> Vec<&str> {
        self.people.iter().map(String::as_str).collect()
    }

    fn moment(&mut self, moment: &'a Moment) {
        let What::Entry { payload, action, .. } = &moment.what else { return };
        match payload.as_ref() {
            Payload::Ended { outcome, .. } => {
                if let Some(spec) = action.as_deref().filter(|spec| !spec.step.is_of_program()) {
                    let failed = (!outcome.succeeded()).then(|| outcome.label());
                    self.act(moment.at, spec, failed);
                }
            }
            Payload::Incident { event: IncidentEvent::Noted { text, .. } } => self.note(text),
            Payload::Run { run, event } if self.material.run.is_none_or(|wanted| wanted == *run) => {
                self.of_run(*run, event, moment.at);
            }
            _ => {}
        }
    }

    fn act(&mut self, at: Timestamp, spec: &ActionSpec, failed: Option<String>) {
        let written = self.item(spec).and_then(|item| item.written.clone());
        let role = self.item(spec).and_then(|item| item.role).or_else(|| self.role_in_document(spec));
        let line = spec.command_line();
        let script = match &spec.invocation {
            Invocation::Argv { .. } => {
                let written = written.or_else(|| self.script_in_document(spec)).unwrap_or_default();
                generalise(&line, &written, &self.labels, &self.people())
            }
            // Its values are in the environment; the bytes are those of the author.
            Invocation::Bash { .. } => in_general(&line, &self.labels, &self.people()),
        };
        let script = Some(script.map_err(|refused| refused.to_string()));
        let title = spec.step.title.clone();
        self.acts.push(Act { at, title, shell: Shell::Sh, script, risk: spec.risk, role, failed });
    }

    fn item(&self, spec: &ActionSpec) -> Option<&Item> {
        let plan = self.plans.values().rev().find(|plan| plan.sop == spec.step.sop)?;
        plan.items.iter().find(|item| item.node.as_ref() == Some(&spec.step.node))
    }

    fn node_in_document(&self, spec: &ActionSpec) -> Option<usize> {
        let document = self.material.followed.filter(|document| document.procedure.sop == spec.step.sop)?;
        document.procedure.index_of(&spec.step.node)
    }

    fn script_in_document(&self, spec: &ActionSpec) -> Option<String> {
        let at = self.node_in_document(spec)?;
        match self.material.followed?.procedure.nodes.get(at).map(|node| &node.kind) {
            Some(NodeKind::Command { script, .. }) => Some(script.clone()),
            _ => None,
        }
    }

    fn role_in_document(&self, spec: &ActionSpec) -> Option<SectionRole> {
        let nodes = &self.material.followed?.procedure.nodes;
        let mut at = self.node_in_document(spec);
        while let Some(node) = at.and_then(|at| nodes.get(at)) {
            if let NodeKind::Section { role, .. } = node.kind {
                return Some(role);
            }
            at = node.parent;
        }
        None
    }

    fn note(&mut self, text: &str) {
        let Some(words) = self.said(text) else { return };
        let lower = text.trim().to_lowercase();
        if UNDO_WORDS.iter().any(|begin| lower.starts_with(begin)) {
            self.gathered.undo_notes.push(words);
        } else {
            self.gathered.findings.push(format!("Noted then: {words}"));
        }
    }

    /// Words of people without names; `None`, and said so, when a secret stands in them.
    fn said(&mut self, text: &str) -> Option<String> {
        match in_general(text, &self.labels, &self.people()) {
            Ok(words) => Some(page::prose(&words)),
            Err(refused) => {
                self.gathered.left_out.push(format!("A note is left out: {refused}."));
                None
            }
        }
    }

    fn of_run(&mut self, run: RunId, event: &RunEvent, at: Timestamp) {
        let Some(plan) = self.plans.get(&run).copied() else { return };
        let item = |id: &ItemId| plan.items.iter().find(|item| item.id == *id);
        match event {
            RunEvent::Came { item: id, evidence: Evidence::Metric { .. } } => {
                let Some(found) = item(id) else { return };
                if let ItemKind::Query { promql } = &found.kind {
                    let (script, title) = (Some(Ok(promql.clone())), found.title.clone());
                    let (shell, role) = (Shell::Promql, found.role);
                    self.acts.push(Act { at, title, shell, script, risk: Risk::Query, role, failed: None });
                }
            }
            RunEvent::Confirmed { item: id, .. } => {
                let Some(found) = item(id).filter(|item| matches!(item.kind, ItemKind::Manual)) else { return };
                let (title, role) = (found.title.clone(), found.role);
                let act = Act { at, title, shell: Shell::Other, script: None, risk: Risk::Read, role, failed: None };
                self.acts.push(act);
            }
            RunEvent::Decided { item: id, branch, basis } => {
                let Some(found) = item(id) else { return };
                let ItemKind::Decision { forks, .. } = &found.kind else { return };
                let answer = forks.iter().find(|fork| fork.node == *branch).map_or("", |fork| fork.label());
                let basis = match basis {
                    Basis::Evidence { proof } => format!(", since {}", proof.words()),
                    Basis::Person { why, .. } if !why.is_empty() => format!(", because: {why}"),
                    Basis::Person { .. } => ", by a person".to_owned(),
                };
                let question = found.title.trim_end_matches('?').to_owned();
                if let Some(words) = self.said(&format!("{question}: {answer}{basis}")) {
                    self.gathered.findings.push(format!("Answered then: {words}"));
                }
            }
            RunEvent::Judged { effect } => self.proofs(effect.item.is_none(), &effect.signs, at),
            _ => {}
        }
    }

    /// A query that proved the effect is a verification, whenever it was asked.
    fn proofs(&mut self, of_run: bool, signs: &[Sign], at: Timestamp) {
        for sign in signs.iter().filter(|_| of_run) {
            match sign {
                Sign::MetricBack { query, threshold, .. } => {
                    let script = in_general(query, &self.labels, &self.people()).map_err(|refused| refused.to_string());
                    let title = format!("See that the value is no longer {}", page::prose(threshold));
                    let role = Some(SectionRole::Verify);
                    let (shell, risk) = (Shell::Promql, Risk::Query);
                    self.acts.push(Act { at, title, shell, script: Some(script), risk, role, failed: None });
                }
                Sign::AlertEnded { .. } => self.gathered.alert_ended = true,
                _ => {}
            }
        }
    }

    /// Puts what was done into its section.
    fn sort(&mut self) {
        let mut acts = std::mem::take(&mut self.acts);
        acts.sort_by_key(|act| act.at);
        let changes = |act: &Act| {
            let looks = matches!(act.role, Some(SectionRole::Diagnosis | SectionRole::Verify | SectionRole::Prereq));
            act.failed.is_none() && act.risk > Risk::Read && !looks
        };
        let first = acts.iter().position(&changes);
        let last = acts.iter().rposition(&changes);
        let worked: BTreeSet<String> = acts
            .iter()
            .filter(|act| act.failed.is_none())
            .filter_map(|act| act.script.as_ref()?.as_ref().ok().cloned())
            .collect();
        for (at, act) in acts.iter().enumerate() {
            let script = match &act.script {
                Some(Err(why)) => {
                    self.gathered.left_out.push(format!("A command is left out: {why}."));
                    continue;
                }
                Some(Ok(script)) => Some(script.clone()),
                None => None,
            };
            if let Some(how) = &act.failed {
                if let Some(script) = script.filter(|script| !worked.contains(script)) {
                    let failure = (page::one_line(&script), how.clone());
                    if !self.gathered.failures.contains(&failure) {
                        self.gathered.failures.push(failure);
                    }
                }
                continue;
            }
            let Some(step) = self.step(act, script) else { continue };
            let gathered = &mut self.gathered;
            let section = match (act.role, first, last) {
                (Some(SectionRole::Verify), _, _) => &mut gathered.verification,
                (Some(SectionRole::Diagnosis | SectionRole::Prereq), _, _) | (_, None, _) | (_, _, None) => {
                    &mut gathered.diagnosis
                }
                (_, Some(first), _) if at < first => &mut gathered.diagnosis,
                (_, _, Some(last)) if at > last => &mut gathered.verification,
                _ => &mut gathered.mitigation,
            };
            if section.iter().all(|known| known.command.is_none() || known.command != step.command) {
                section.push(step);
            }
        }
    }

    /// The step, when it can be written so that it is read as meant; else it is told.
    fn step(&mut self, act: &Act, script: Option<String>) -> Option<DraftStep> {
        let title = in_general(&act.title, &self.labels, &self.people()).ok();
        let command = script.map(|script| (act.shell, script));
        let step = page::step(title.as_deref(), command.as_ref(), act.risk);
        if step.is_none() {
            self.gathered.left_out.push(match command {
                Some((_, script)) => format!(
                    "A command is left out, since it cannot be written as one step: {}.",
                    page::one_line(&script)
                ),
                None => format!("A step by hand is left out: {}.", page::one_line(&act.title)),
            });
        }
        step
    }

    /// How the document that was followed undoes it.
    fn rollback(&mut self) {
        let Some(document) = self.material.followed else { return };
        if self.gathered.mitigation.is_empty() {
            return;
        }
        let procedure = document.procedure;
        let mut inside = Vec::with_capacity(procedure.nodes.len());
        for node in &procedure.nodes {
            let above = node.parent.and_then(|parent| inside.get(parent).copied()).unwrap_or(false);
            let here = above || matches!(node.kind, NodeKind::Section { role: SectionRole::Rollback, .. });
            inside.push(here);
            let NodeKind::Command { script, shell, .. } = &node.kind else { continue };
            if !here {
                continue;
            }
            let title = node.parent.and_then(|parent| procedure.nodes.get(parent)).map(|step| step.text.clone());
            let risk = risk_of(script);
            self.gathered.rollback.extend(page::step(title.as_deref(), Some(&(*shell, script.clone())), risk));
        }
    }
}
