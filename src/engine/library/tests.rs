//! Real directories are read, and what is wrong with them is told. What the bundled documents promise is in
//! `bundled_tests`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::domain::procedure::NodeKind;

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
