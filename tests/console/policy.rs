//! The policy with the real program: what it explains, what it refuses, and that it fails closed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use crate::headless::{Headless, TARGET, lines};

const NOBODY_CHANGES: &str = "version = 1\n[[rule]]\nname = \"hands-off\"\nreason = \"not from this host\"\n\
                              effect = \"forbid\"\nwhen = { risk = [\"change\", \"destroy\", \"unknown\"] }\n";

const WITH_NOTE: &str = "version = 1\n[[rule]]\nname = \"why\"\neffect = \"ask\"\ndemands = [\"note\"]\n";

/// Writes the person's own policy.
fn write(home: &Headless, text: &str) -> PathBuf {
    let directory = home.path().join(".config/aiops");
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    let path = directory.join("policy.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn fresh() -> Headless {
    let home = Headless::new("echo $1 >> $LEDGER");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The alert stays when the store of this process is closed.
    runtime.block_on(async { drop(home.proposer().await) });
    home
}

/// What the policy says of a command that it lets pass.
fn explained_json(home: &Headless, line: &str) -> serde_json::Value {
    let output = home.run(&["--json", "policy", "explain", "--", line]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    lines(&output.stdout).remove(0)
}

fn propose(home: &Headless, number: &str) -> Output {
    home.run(&["runs", "propose", "1", "1", "--value", &format!("number={number}")])
}

#[test]
fn what_is_forbidden_ends_with_3_and_is_never_stored() {
    let home = fresh();
    write(&home, NOBODY_CHANGES);
    let refused = propose(&home, "7");
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(told(&refused).contains("user rule hands-off: not from this host"), "{}", told(&refused));
    assert!(home.json(&["runs", "list"]).is_empty());
    let explained = home.run(&["policy", "explain", "--", "rm", "-rf", "/srv/x"]);
    assert_eq!(explained.status.code(), Some(3));
    assert!(told(&explained).contains("holds    hands-off -> forbid"), "{}", told(&explained));
    let read = explained_json(&home, "df -h");
    assert_eq!((&read["answer"]["verdict"], &read["risk"]), (&"ask".into(), &"read".into()));
}

#[test]
fn what_is_demanded_has_to_be_there_and_then_it_runs_once() {
    let home = fresh();
    write(&home, WITH_NOTE);
    let proposed = propose(&home, "7");
    assert_eq!(proposed.status.code(), Some(4), "{}", told(&proposed));
    assert!(told(&proposed).contains("Policy    asks for a note"), "{}", told(&proposed));
    let run = home.json(&["runs", "show", "1"]).remove(0);
    let digest = run["digest"].as_str().unwrap().to_owned();
    let approve = ["runs", "approve", "1", "--digest", &digest, "--target", TARGET];
    let refused = home.run(&approve);
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(told(&refused).contains("a note"), "{}", told(&refused));
    assert!(home.ledger().is_empty());
    home.json(&["incidents", "note", "1", "the ledger has to be mended"]);
    let approved = home.run(&approve);
    assert_eq!(approved.status.code(), Some(0), "{}", told(&approved));
    assert_eq!(home.ledger(), ["7"]);
    let policy = explained_json(&home, "df")["policy"].as_str().unwrap().to_owned();
    let journal = told(&home.run(&["journal", "export"]));
    // With the proposal and with the approval: in what the policy said, and in what the entry is about.
    let naming: Vec<usize> =
        journal.lines().map(|line| line.matches(&policy).count()).filter(|count| *count > 0).collect();
    assert_eq!(naming, [2, 2], "{journal}");
}

#[test]
fn a_broken_file_and_one_that_others_may_write_fail_closed_and_doctor_says_so() {
    let home = fresh();
    let path = write(&home, "version = 1\nrulez = 3\n");
    for (mode, why) in [(0o600, "line 2"), (0o666, "chmod go-w")] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = propose(&home, "7");
        assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
        assert!(told(&refused).contains(why), "{}", told(&refused));
        assert_eq!(home.run(&["policy", "explain", "--", "df"]).status.code(), Some(0));
        let doctor = told(&home.run(&["doctor"]));
        assert!(doctor.contains("only reads can be approved") && doctor.contains(why), "{doctor}");
    }
}
