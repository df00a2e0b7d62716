//! Real files, and a real git where it is installed.

use std::os::unix::fs::symlink;

use super::*;

fn document(directory: &Path) -> (PathBuf, String) {
    let path = directory.join("disk.md");
    fs::write(&path, "# Old\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    (path, sha256_hex(b"# Old\n"))
}

fn change(path: &Path, before: &str, way: ChangeWay) -> SopChange {
    SopChange { path: path.to_owned(), before: Some(before.to_owned()), text: "# New\n".to_owned(), way }
}

fn names(directory: &Path) -> Vec<String> {
    let mut all: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[test]
fn a_file_is_replaced_with_its_mode_and_what_it_held_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let (path, before) = document(home.path());
    let files = SopDirectories::new(vec![home.path().to_owned()]);
    let said = files.stage(&change(&path, &before, ChangeWay::File)).unwrap().finish().unwrap();
    assert!(said.contains(".old"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "# New\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let kept = format!(".disk.md.{}.old", &before[..12]);
    assert_eq!(names(home.path()), [kept.clone(), "disk.md".to_owned()]);
    assert_eq!(fs::read_to_string(home.path().join(kept)).unwrap(), "# Old\n");
}

#[test]
fn a_file_that_changed_stays_also_at_the_last_moment() {
    let home = tempfile::tempdir().unwrap();
    let (path, before) = document(home.path());
    let files = SopDirectories::new(vec![home.path().to_owned()]);
    let staged = files.stage(&change(&path, &before, ChangeWay::File)).unwrap();
    fs::write(&path, "# Mine\n").unwrap();
    assert!(staged.finish().unwrap_err().to_string().contains("is not what it was"));
    assert!(files.stage(&change(&path, &before, ChangeWay::File)).is_err());
    assert_eq!(
        (fs::read_to_string(&path).unwrap().as_str(), names(home.path())),
        ("# Mine\n", vec!["disk.md".to_owned()])
    );
}

#[test]
fn a_link_out_of_the_directories_is_not_followed() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (path, before) = document(elsewhere.path());
    let link = home.path().join("disk.md");
    symlink(&path, &link).unwrap();
    let files = SopDirectories::new(vec![home.path().to_owned()]);
    let refused = files.stage(&change(&link, &before, ChangeWay::File)).err().unwrap().to_string();
    assert!(refused.contains("in none of the directories"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "# Old\n");
}

#[test]
fn a_new_document_never_overwrites() {
    let home = tempfile::tempdir().unwrap();
    let files = SopDirectories::new(vec![home.path().to_owned()]);
    let path = files.place_for("team/new").unwrap();
    let new = SopChange { path: path.clone(), before: None, text: "# A\n".to_owned(), way: ChangeWay::File };
    files.stage(&new).unwrap().finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "# A\n");
    assert!(files.stage(&new).err().unwrap().to_string().contains("is there already"));
    // Somebody was quicker.
    let path = files.place_for("other.md").unwrap();
    let staged = files.stage(&SopChange { path: path.clone(), ..new }).unwrap();
    fs::write(&path, "# Theirs\n").unwrap();
    assert!(staged.finish().is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "# Theirs\n");
    assert_eq!(names(home.path()), ["other.md", "team"]);
    for bad in ["", "../x", "a b", ".hidden", "bundled/x", "a//b"] {
        assert!(files.place_for(bad).is_err(), "{bad}");
    }
}

fn git(directory: &Path, words: &[&str]) -> String {
    let config = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"];
    let output = std::process::Command::new("git").arg("-C").arg(directory).args(config).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_branch_is_made_and_nothing_that_is_checked_out_changes() {
    let home = tempfile::tempdir().unwrap();
    let sops = home.path().join("sops");
    fs::create_dir(&sops).unwrap();
    let (path, before) = document(&sops);
    let branch = |name: &str| ChangeWay::Branch { name: name.to_owned(), message: "Improve disk".to_owned() };
    let files = SopDirectories::new(vec![sops]);
    let none = files.stage(&change(&path, &before, branch("better"))).err().unwrap().to_string();
    assert!(none.contains("in no git repository"), "{none}");

    git(home.path(), &["init", "-q"]);
    git(home.path(), &["config", "user.name", "ada"]);
    git(home.path(), &["config", "user.email", "ada@example.org"]);
    git(home.path(), &["add", "sops/disk.md"]);
    git(home.path(), &["commit", "-q", "-m", "first"]);
    fs::write(home.path().join("staged"), "x").unwrap();
    git(home.path(), &["add", "staged"]);
    let hook = home.path().join(".git/hooks/reference-transaction");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", home.path().join("hooked").display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (status, head) = (git(home.path(), &["status", "--porcelain"]), git(home.path(), &["rev-parse", "HEAD"]));
    let _ = fs::remove_file(home.path().join("hooked"));

    let said = files.stage(&change(&path, &before, branch("better"))).unwrap().finish().unwrap();
    assert!(said.starts_with("Branch better was made"), "{said}");
    assert!(!home.path().join("hooked").exists(), "no hook ran");
    assert_eq!(git(home.path(), &["show", "better:sops/disk.md"]), "# New");
    assert_eq!(git(home.path(), &["diff", "--stat", "--name-only", "HEAD", "better"]), "sops/disk.md");
    assert_eq!(git(home.path(), &["log", "-1", "--format=%s %P", "better"]), format!("Improve disk {head}"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "# Old\n");
    assert_eq!(
        (git(home.path(), &["status", "--porcelain"]), git(home.path(), &["rev-parse", "HEAD"])),
        (status, head)
    );

    let again = files.stage(&change(&path, &before, branch("better"))).err().unwrap().to_string();
    assert!(again.contains("there is a branch better already"), "{again}");
    assert!(files.stage(&change(&path, &before, branch("two words"))).is_err());
    assert!(files.stage(&change(&path, &before, branch("--all"))).is_err());
    fs::write(&path, "# Not committed\n").unwrap();
    let now = sha256_hex(b"# Not committed\n");
    let dirty = files.stage(&change(&path, &now, branch("other"))).err().unwrap().to_string();
    assert!(dirty.contains("not committed"), "{dirty}");
}
