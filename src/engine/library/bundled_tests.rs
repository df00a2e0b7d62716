//! What every bundled document promises: it is read as it is meant, its commands can be run as they stand, and what it
//! changes can be checked and undone.
//!
//! Owns: the labels that alerts usually carry, document by document, and the short list of programs that the diagnosis uses
//! although they need the strongest approval.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{Invocation, Origin, Piece};
use crate::domain::procedure::params::{self, BoundFrom};
use crate::domain::procedure::{BranchOrigin, NodeKind, Procedure, SectionRole, Shell};

/// The labels that the alerts of each document carry as a rule, next to `alertname` and `severity`.
///
/// From the rules of kube-prometheus, the mixins of node_exporter, postgres_exporter, Alertmanager and CoreDNS, and the
/// exporters for Kafka and Redis. Labels that name the exporter instead of the thing (`pod` of kube-state-metrics) count
/// too, so that a parameter that would take them by mistake is noticed.
const USUAL_LABELS: &[(&str, &[&str])] = &[
    ("alertmanager-not-notifying", &["instance", "job", "integration", "reason", "cluster"]),
    ("certificate-expiring", &["instance", "job", "filename", "filepath", "subject_CN", "issuer_CN", "serial_number"]),
    ("clock-skew", &["instance", "job"]),
    ("disk-full", &["instance", "job", "device", "fstype", "mountpoint"]),
    ("dns-failing", &["instance", "job", "server", "zone", "pod", "namespace"]),
    ("high-load", &["instance", "job", "device"]),
    ("http-5xx-rate", &["job", "service"]),
    ("image-pull-failing", &["namespace", "pod", "container", "reason", "instance", "job"]),
    ("kafka-consumer-lag", &["consumergroup", "topic", "partition", "instance", "job"]),
    ("memory-pressure", &["instance", "job"]),
    ("network-packet-loss", &["instance", "job", "device"]),
    ("node-not-ready", &["node", "condition", "status", "instance", "job"]),
    ("pod-crash-looping", &["namespace", "pod", "container", "reason", "instance", "job"]),
    ("pods-pending", &["namespace", "pod", "instance", "job"]),
    ("postgres-connections-exhausted", &["instance", "job", "server"]),
    ("postgres-long-transactions", &["instance", "job", "server", "datname"]),
    ("postgres-replication-lag", &["instance", "job", "server"]),
    ("prometheus-target-down", &["instance", "job"]),
    ("pvc-filling-up", &["namespace", "persistentvolumeclaim", "node", "instance", "job"]),
    ("redis-memory", &["instance", "job"]),
    ("systemd-unit-failed", &["instance", "job", "name", "state"]),
    ("worker-crash-loop", &["instance", "job", "unit"]),
];

/// Commands of diagnosis sections that are `Unknown` and belong there all the same, by their first words.
const NOT_JUDGED: &[(&str, &str)] = &[
    ("psql ", "a value from outside names the host, or a function is not known"),
    ("ssh ", "a value from outside names the host"),
    ("curl ", "a value from outside names the host"),
    ("dig ", "a value from outside names the host"),
    ("echo Q | openssl s_client ", "a value from outside names the host"),
    ("promtool ", "a value from outside names the host"),
    ("amtool ", "a value from outside names the host, or it only evaluates a file"),
    ("ping ", "a value from outside names the host"),
    ("nc ", "a value from outside names the host"),
    ("pg_isready ", "a value from outside names the host"),
    ("kafka-", "a value from outside names the host"),
];

/// Commands that cannot be written inside the grammar, with the reason. Empty: there are none.
const OUTSIDE_GRAMMAR: &[(&str, &str)] = &[];

struct Bundled {
    name: &'static str,
    document: Arc<SopDocument>,
}

impl Bundled {
    fn procedure(&self) -> &Procedure {
        &self.document.procedure
    }

    /// The shell commands below sections of `role`.
    fn commands(&self, role: SectionRole) -> Vec<&str> {
        let all = self.all_commands();
        all.into_iter().filter(|(found, _)| *found == role).map(|(_, script)| script).collect()
    }

    fn all_commands(&self) -> Vec<(SectionRole, &str)> {
        let procedure = self.procedure();
        let nodes = procedure.nodes.iter().enumerate();
        nodes
            .filter_map(|(index, node)| match &node.kind {
                NodeKind::Command { script, shell: Shell::Sh, .. } => {
                    Some((role_of(procedure, index), script.as_str()))
                }
                _ => None,
            })
            .collect()
    }

    /// Everything that is written for people, without commands.
    fn prose(&self) -> String {
        let spoken = self.procedure().nodes.iter().filter(|node| {
            matches!(node.kind, NodeKind::Note { .. } | NodeKind::Step { .. } | NodeKind::Branch { .. })
        });
        spoken.map(|node| node.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn labels(&self) -> Labels {
        let (_, names) = USUAL_LABELS.iter().find(|(name, _)| *name == self.name).unwrap();
        let mut labels: Labels = names.iter().map(|name| ((*name).to_owned(), format!("{name}-1"))).collect();
        labels.insert("alertname".to_owned(), self.procedure().alerts[0].clone());
        labels.insert("severity".to_owned(), "critical".to_owned());
        labels
    }

    /// `script` with a plain value for each parameter, as it would run.
    fn invocation(&self, script: &str) -> Invocation {
        let uses = params::find(script);
        let values: BTreeMap<String, Piece> = params::bind(&uses, &self.labels(), &BTreeMap::new())
            .into_iter()
            .map(|binding| {
                let origin = match binding.from {
                    BoundFrom::Label(label) => Origin::Label(label),
                    BoundFrom::Operator | BoundFrom::Unbound => Origin::Operator,
                };
                (binding.name, Piece { text: binding.value.unwrap_or_else(|| "value1".to_owned()), origin })
            })
            .collect();
        match grammar::parse(script, &uses, &values) {
            Ok(Parsed::Argv(script)) => Invocation::Argv { script },
            Ok(Parsed::Outside { reason }) => {
                let listed = OUTSIDE_GRAMMAR.iter().any(|(known, _)| *known == script);
                assert!(listed, "{}: {script} needs a shell: {reason}", self.name);
                Invocation::Bash { script: script.to_owned(), reason, values: BTreeMap::new() }
            }
            Err(why) => panic!("{}: {script} cannot be run: {why}", self.name),
        }
    }

    fn risk(&self, script: &str) -> (Risk, Vec<String>) {
        risk::classify(&self.invocation(script))
    }
}

/// The role of the section that the node at `index` stands in.
fn role_of(procedure: &Procedure, index: usize) -> SectionRole {
    let mut at = Some(index);
    while let Some(node) = at.and_then(|at| procedure.nodes.get(at)) {
        if let NodeKind::Section { role, .. } = node.kind {
            return role;
        }
        at = node.parent;
    }
    SectionRole::Other
}

/// Whether the node at `above` is an ancestor of the node at `index`.
fn is_below(procedure: &Procedure, index: usize, above: usize) -> bool {
    let parents = std::iter::successors(Some(index), |at| procedure.nodes[*at].parent);
    parents.skip(1).any(|parent| parent == above)
}

fn documents() -> Vec<Bundled> {
    let library = Library::bundled();
    let name = |id: &'static str| id.trim_start_matches("bundled/").trim_end_matches(".md");
    BUNDLED
        .iter()
        .map(|sop| Bundled { name: name(sop.id), document: library.get(&SopId::from(sop.id)).unwrap() })
        .collect()
}

#[test]
fn the_table_has_every_document() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sops");
    let written: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("bundled/{name}"))
        .collect();
    let listed: Vec<&str> = BUNDLED.iter().map(|sop| sop.id).collect();
    assert_eq!(listed, written.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        documents().iter().map(|bundled| bundled.name).collect::<Vec<_>>(),
        USUAL_LABELS.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
}

#[test]
fn nothing_is_noticed_about_them() {
    for bundled in documents() {
        assert_eq!(bundled.procedure().diagnostics, [], "{}", bundled.name);
        for node in &bundled.procedure().nodes {
            match &node.kind {
                NodeKind::Opaque { reason } => panic!("{}: {reason}: {}", bundled.name, node.text),
                NodeKind::Command { script, interactive, .. } => {
                    assert!(!interactive, "{}: {script} needs a terminal", bundled.name);
                }
                _ => {}
            }
        }
    }
}

/// Every shell block of a bundled document is one command of the tree: nothing is lost or divided by mistake.
#[test]
fn bundled_commands_are_whole() {
    for sop in &BUNDLED {
        let text = std::str::from_utf8(sop.bytes).unwrap();
        let written: Vec<String> = text
            .split("```sh\n")
            .skip(1)
            .map(|rest| {
                rest.split("```")
                    .next()
                    .unwrap()
                    .lines()
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("\n")
                    .trim()
                    .to_owned()
            })
            .collect();
        let document = Library::bundled().get(&SopId::from(sop.id)).unwrap();
        let parsed: Vec<String> = document
            .procedure
            .nodes
            .iter()
            .filter_map(|node| match &node.kind {
                NodeKind::Command { script, shell: Shell::Sh, .. } => Some(script.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(parsed, written, "{}", sop.id);
    }
}

#[test]
fn every_section_is_there_once_and_filled() {
    for bundled in documents() {
        let nodes = &bundled.procedure().nodes;
        for role in [
            SectionRole::Meaning,
            SectionRole::Impact,
            SectionRole::Prereq,
            SectionRole::Diagnosis,
            SectionRole::Mitigation,
            SectionRole::Verify,
            SectionRole::Rollback,
            SectionRole::Escalation,
        ] {
            let filled = |index: usize| nodes.iter().any(|node| node.parent == Some(index));
            let sections = nodes
                .iter()
                .enumerate()
                .filter(|(_, node)| matches!(node.kind, NodeKind::Section { role: found, .. } if found == role));
            assert_eq!(sections.filter(|(index, _)| filled(*index)).count(), 1, "{}: {role:?}", bundled.name);
        }
    }
}

/// The branches of the decision at `index`, in order.
fn branches(procedure: &Procedure, index: usize) -> Vec<BranchOrigin> {
    let below = procedure.nodes.iter().filter(|node| node.parent == Some(index));
    below
        .filter_map(|node| match node.kind {
            NodeKind::Branch { origin, .. } => Some(origin),
            _ => None,
        })
        .collect()
}

/// A decision asks in its question what its branches answer, so that "Otherwise" says what to do in all other cases. A step
/// that says "If C, do X" alone has nothing else to do; what is asked with a question mark has to be answered.
#[test]
fn every_question_is_answered_in_full() {
    for bundled in documents() {
        let procedure = bundled.procedure();
        let mut full = 0;
        for (index, node) in procedure.nodes.iter().enumerate() {
            match &node.kind {
                NodeKind::Decision { question } => {
                    let origins = branches(procedure, index);
                    assert!(origins.len() >= 2, "{}: {question}", bundled.name);
                    full += usize::from(origins.last() == Some(&BranchOrigin::Otherwise));
                }
                NodeKind::Step { .. } if node.text.ends_with('?') => {
                    let answered = procedure.nodes.iter().enumerate().any(|(at, below)| {
                        below.parent == Some(index)
                            && matches!(below.kind, NodeKind::Decision { .. })
                            && branches(procedure, at).last() == Some(&BranchOrigin::Otherwise)
                    });
                    assert!(answered, "{}: nobody answers {}", bundled.name, node.text);
                }
                _ => {}
            }
        }
        assert!(full >= 1, "{} has no decision with an explicit otherwise", bundled.name);
    }
}

/// Each answer of a decision in the mitigation leads to a command. It stands below the branch, or below the step that is
/// nothing but the decision ("If C, do X:").
#[test]
fn every_answer_has_something_to_run() {
    for bundled in documents() {
        let procedure = bundled.procedure();
        for (index, node) in procedure.nodes.iter().enumerate() {
            let explicit = match &node.kind {
                NodeKind::Branch { origin, .. } => *origin != BranchOrigin::ImplicitElse,
                _ => false,
            };
            if !explicit || role_of(procedure, index) != SectionRole::Mitigation {
                continue;
            }
            let runs = (index..procedure.nodes.len()).any(|at| {
                matches!(procedure.nodes[at].kind, NodeKind::Command { .. }) && is_below(procedure, at, index)
            });
            assert!(runs, "{}: line {}: nothing to run for {:?}", bundled.name, node.line, node.text);
        }
    }
}

#[test]
fn every_command_can_be_run_without_a_shell() {
    for bundled in documents() {
        let commands = bundled.all_commands();
        assert!(commands.len() >= 10, "{} has {} commands", bundled.name, commands.len());
        for (_, script) in commands {
            bundled.invocation(script);
        }
    }
}

#[test]
fn every_parameter_is_in_a_label_or_explained() {
    for bundled in documents() {
        let prose = bundled.prose();
        let labels = bundled.labels();
        for node in &bundled.procedure().nodes {
            let NodeKind::Command { script, .. } = &node.kind else { continue };
            for binding in params::bind(&params::find(script), &labels, &BTreeMap::new()) {
                let explained = prose.contains(&format!("<{}>", binding.name));
                assert!(
                    binding.value.is_some() || explained,
                    "{}: line {}: nothing says where <{}> comes from",
                    bundled.name,
                    node.line,
                    binding.name
                );
            }
        }
    }
}

#[test]
fn commands_of_disk_full_are_bound_by_the_alert() {
    let document = Library::bundled().get(&SopId::from("bundled/disk-full.md")).unwrap();
    let alert = [("alertname", "DiskFull"), ("mountpoint", "/data"), ("instance", "n1"), ("service", "shop")];
    let alert: Labels = alert.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut unbound: Vec<String> = document
        .procedure
        .nodes
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::Command { script, .. } => Some(params::bind(&params::find(script), &alert, &BTreeMap::new())),
            _ => None,
        })
        .flatten()
        .filter(|binding| binding.value.is_none())
        .map(|binding| binding.name)
        .collect();
    unbound.sort();
    assert_eq!(unbound, ["archive", "archived_log", "file"]);
}

/// A name such as `<node>` or `<service>` is also filled from `instance`, which on many alerts is the exporter. Where it is,
/// the document has to use another name.
#[test]
fn no_parameter_takes_the_address_of_an_exporter() {
    for bundled in documents() {
        let labels = bundled.labels();
        for (_, script) in bundled.all_commands() {
            for binding in params::bind(&params::find(script), &labels, &BTreeMap::new()) {
                let borrowed = binding.from == BoundFrom::Label("instance".to_owned()) && binding.name != "instance";
                assert!(!borrowed, "{}: <{}> would be the instance in {script}", bundled.name, binding.name);
            }
        }
    }
}

/// "from step 4 of the diagnosis" points to a step that is there.
#[test]
fn every_step_that_is_named_exists() {
    for bundled in documents() {
        let prose = bundled.prose();
        let procedure = bundled.procedure();
        for (words, role) in
            [(" of the diagnosis", SectionRole::Diagnosis), (" of the mitigation", SectionRole::Mitigation)]
        {
            for (at, _) in prose.match_indices(words) {
                let number = prose[..at].rsplit(' ').next().unwrap_or_default();
                let exists = procedure.nodes.iter().enumerate().any(|(index, node)| {
                    matches!(&node.kind, NodeKind::Step { label: Some(label), .. } if label == number)
                        && role_of(procedure, index) == role
                });
                assert!(exists, "{}: there is no step {number}{words}", bundled.name);
            }
        }
    }
}

#[test]
fn what_is_changed_can_be_checked_and_undone() {
    for bundled in documents() {
        let changes: Vec<&str> = bundled
            .commands(SectionRole::Mitigation)
            .into_iter()
            .filter(|script| bundled.risk(script).0 != Risk::Read)
            .collect();
        assert!(!changes.is_empty(), "{} changes nothing", bundled.name);
        let verify = bundled.commands(SectionRole::Verify);
        assert!(!verify.is_empty(), "{} does not verify {changes:?}", bundled.name);
        let rollback = bundled.commands(SectionRole::Rollback);
        assert!(!rollback.is_empty(), "{} does not undo {changes:?}", bundled.name);
    }
}

/// What is looked at to verify changes nothing either, and SQL that only looks is a `SELECT` without a function that acts.
#[test]
fn diagnosis_and_verification_only_look() {
    let (mut read, mut all) = (0_usize, 0_usize);
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    for bundled in documents() {
        for role in [SectionRole::Diagnosis, SectionRole::Verify] {
            for script in bundled.commands(role) {
                all += 1;
                let (risk, reasons) = bundled.risk(script);
                if risk == Risk::Read {
                    read += 1;
                    continue;
                }
                let listed = NOT_JUDGED.iter().any(|(words, _)| script.starts_with(words));
                assert!(listed, "{}: {script} is {risk:?}: {reasons:?}", bundled.name);
                unknown.insert(script.split_whitespace().next().unwrap_or_default().to_owned());
                if script.starts_with("psql ") {
                    assert!(script.contains("--command=\"SELECT "), "{script}");
                    assert!(!script.contains("pg_terminate_") && !script.contains("pg_cancel_"), "{script}");
                }
            }
        }
    }
    println!("{read} of {all} commands that look are Read; the others begin with {unknown:?}");
    assert!(read * 2 > all, "{read} of {all}");
}

#[test]
fn every_declared_alert_finds_its_document_and_no_other() {
    let library = Library::bundled();
    let mut declared: BTreeMap<String, &str> = BTreeMap::new();
    for bundled in documents() {
        let id = format!("bundled/{}.md", bundled.name);
        assert!(bundled.procedure().alerts.len() >= 5, "{} declares too few alerts", bundled.name);
        for alert in &bundled.procedure().alerts {
            if let Some(other) = declared.insert(alert.clone(), bundled.name) {
                panic!("{alert} is declared by {other} and by {}", bundled.name);
            }
            let labels = Labels::from([("alertname".to_owned(), alert.clone())]);
            let found = library.route(&labels, &Labels::new());
            assert_eq!(found.iter().map(|found| found.sop.as_str()).collect::<Vec<_>>(), [id.as_str()], "{alert}");
        }
    }
}
