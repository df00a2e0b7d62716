//! The bundled documents are held to what they promise, and real directories are read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rstest::rstest;

use super::*;
use crate::domain::procedure::{BranchOrigin, Node, NodeKind, Procedure, SectionRole, Shell, params};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn ids(library: &Library) -> Vec<&str> {
    library.summaries().iter().map(|summary| summary.id.as_str()).collect()
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn children(procedure: &Procedure, parent: usize) -> impl Iterator<Item = &Node> {
    procedure.nodes.iter().filter(move |node| node.parent == Some(parent))
}

#[rstest]
#[case("disk-full")]
#[case("worker-crash-loop")]
#[case("certificate-expiring")]
#[case("prometheus-target-down")]
#[case("http-5xx-rate")]
fn bundled_documents_are_complete(#[case] name: &str) {
    let document = Library::bundled().get(&SopId(format!("bundled/{name}.md"))).unwrap();
    let procedure = &document.procedure;
    assert_eq!(procedure.diagnostics, []);
    assert!(!procedure.alerts.is_empty());
    for role in [
        SectionRole::Meaning,
        SectionRole::Impact,
        SectionRole::Diagnosis,
        SectionRole::Mitigation,
        SectionRole::Verify,
        SectionRole::Rollback,
        SectionRole::Escalation,
    ] {
        let sections = procedure
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| matches!(node.kind, NodeKind::Section { role: found, .. } if found == role));
        let filled = sections.filter(|(index, _)| children(procedure, *index).next().is_some()).count();
        assert_eq!(filled, 1, "{role:?}");
    }
    let both =
        procedure.nodes.iter().enumerate().filter(|(_, node)| matches!(node.kind, NodeKind::Decision { .. })).filter(
            |(index, _)| {
                let origins: Vec<_> = children(procedure, *index)
                    .filter_map(|node| match node.kind {
                        NodeKind::Branch { origin, .. } => Some(origin),
                        _ => None,
                    })
                    .collect();
                origins == [BranchOrigin::Explicit, BranchOrigin::Otherwise]
            },
        );
    assert!(both.count() >= 1, "no decision with both branches");
    let mut runnable = 0;
    for node in &procedure.nodes {
        match &node.kind {
            NodeKind::Command { script, shell, params: names, interactive } => {
                assert!(!interactive, "{script} needs a terminal");
                runnable += usize::from(*shell == Shell::Sh);
                for used in params::find(script) {
                    assert!(names.contains(&used.name), "{} is not named in {script}", used.surface);
                }
            }
            NodeKind::Opaque { reason } => panic!("{reason}: {}", node.text),
            _ => {}
        }
    }
    assert!(runnable >= 4, "{runnable} commands");
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
fn commands_of_disk_full_are_bound_by_the_alert() {
    let document = Library::bundled().get(&SopId::from("bundled/disk-full.md")).unwrap();
    let alert = labels(&[("alertname", "DiskFull"), ("mountpoint", "/data"), ("instance", "n1"), ("service", "shop")]);
    let mut unbound: Vec<String> = document
        .procedure
        .nodes
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::Command { script, .. } => Some(params::bind(&params::find(script), &alert, &Default::default())),
            _ => None,
        })
        .flatten()
        .filter(|binding| binding.value.is_none())
        .map(|binding| binding.name)
        .collect();
    unbound.sort();
    assert_eq!(unbound, ["archive", "archived_log", "file"]);
}

#[rstest]
#[case("DiskFull", "bundled/disk-full.md")]
#[case("NodeFilesystemAlmostOutOfSpace", "bundled/disk-full.md")]
#[case("WorkerCrashLoop", "bundled/worker-crash-loop.md")]
#[case("CertificateExpiringSoon", "bundled/certificate-expiring.md")]
#[case("TargetDown", "bundled/prometheus-target-down.md")]
#[case("HighHttp5xxRate", "bundled/http-5xx-rate.md")]
fn alerts_find_bundled_documents(#[case] alert: &str, #[case] sop: &str) {
    let found = Library::bundled().route(&labels(&[("alertname", alert)]), &Labels::new());
    assert_eq!(found.iter().map(|found| found.sop.as_str()).collect::<Vec<_>>(), [sop]);
}

#[test]
fn no_alert_is_declared_twice() {
    let library = Library::bundled();
    let mut alerts: Vec<_> = library.summaries().iter().flat_map(|summary| &summary.alerts).collect();
    let count = alerts.len();
    alerts.sort();
    alerts.dedup();
    assert_eq!(alerts.len(), count);
}

#[test]
fn directories_are_read_and_come_first() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "b.md", "# B\n");
    write(directory.path(), "team/disk-full.md", "# Ours\n");
    write(directory.path(), "team/notes.txt", "no\n");
    write(directory.path(), ".git/x.md", "no\n");
    let library = Library::load(&[directory.path().to_owned()]);
    assert_eq!(library.problems(), []);
    assert_eq!(ids(&library)[..2], ["b.md", "team/disk-full.md"]);
    assert_eq!(ids(&library).len(), 2 + BUNDLED.len());
    let id = SopId::from("team/disk-full.md");
    let document = library.get(&id).unwrap();
    assert_eq!((document.procedure.title.as_str(), document.source.as_str()), ("Ours", "# Ours\n"));
    assert_eq!(document.place, directory.path().join("team/disk-full.md").display().to_string());
    assert!(Arc::ptr_eq(&document, &library.get(&id).unwrap()));
    assert!(library.get(&SopId::from("nowhere.md")).is_none());
    let by_url = labels(&[("runbook_url", "https://h/disk-full")]);
    let found = library.route(&labels(&[("alertname", "X")]), &by_url);
    assert_eq!(
        found.iter().map(|found| found.sop.as_str()).collect::<Vec<_>>(),
        ["team/disk-full.md", "bundled/disk-full.md"]
    );
}

/// The one problem of a library, with the end of its path.
fn only_problem(library: &Library) -> (String, String) {
    match library.problems() {
        [problem] => {
            let name = problem.path.file_name().unwrap().to_string_lossy().into_owned();
            (name, problem.message.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn circles_end_and_are_told() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a/b.md", "# B\n");
    symlink(directory.path(), directory.path().join("a/again")).unwrap();
    let library = Library::load(&[directory.path().to_owned()]);
    assert_eq!(ids(&library)[0], "a/b.md");
    let (name, message) = only_problem(&library);
    assert_eq!(name, "again");
    assert!(message.contains("circle"), "{message}");
}

#[test]
fn broken_links_are_told() {
    let directory = tempfile::tempdir().unwrap();
    symlink("/nowhere/x.md", directory.path().join("gone.md")).unwrap();
    let library = Library::load(&[directory.path().to_owned()]);
    assert_eq!(ids(&library).len(), BUNDLED.len());
    assert_eq!(only_problem(&library).0, "gone.md");
}

#[test]
fn missing_directories_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let library = Library::load(&[directory.path().join("missing")]);
    let (name, message) = only_problem(&library);
    assert_eq!(name, "missing");
    assert!(message.contains("[sops] directories"), "{message}");
}

#[test]
fn large_files_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let file = fs::File::create(directory.path().join("big.md")).unwrap();
    file.set_len(MAX_DOCUMENT_BYTES + 1).unwrap();
    let (name, message) = only_problem(&Library::load(&[directory.path().to_owned()]));
    assert_eq!(name, "big.md");
    assert!(message.contains("50 MB"), "{message}");
}

#[test]
fn the_same_name_in_two_directories_is_told() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "a.md", "# One\n");
    write(two.path(), "a.md", "# Two\n");
    write(two.path(), "bundled/disk-full.md", "# No\n");
    let library = Library::load(&[one.path().to_owned(), two.path().to_owned()]);
    assert_eq!(library.get(&SopId::from("a.md")).unwrap().procedure.title, "One");
    assert_eq!(library.get(&SopId::from("bundled/disk-full.md")).unwrap().place, "bundled");
    assert_eq!(library.problems().len(), 2);
}

#[test]
fn bytes_that_are_no_text_keep_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = b"# A\n\n\xff\n\n## Diagnosis\n\n```sh\nls -l\n```\n";
    fs::write(directory.path().join("a.md"), bytes).unwrap();
    let document = Library::load(&[directory.path().to_owned()]).get(&SopId::from("a.md")).unwrap();
    let command = document.procedure.nodes.iter().find(|node| matches!(node.kind, NodeKind::Command { .. })).unwrap();
    assert_eq!(&document.source[command.span.start..command.span.end], "ls -l");
    assert_eq!(document.procedure.diagnostics.len(), 1);
}
