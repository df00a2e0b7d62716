//! The real binary as a script sees it: what it prints where, and how it exits.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary with nothing of this machine's environment, at home in `home`.
fn aiops(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
    command.args(words).env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    aiops(home, words).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn effective_values_come_from_file_environment_and_flags() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("my.toml");
    fs::write(&file, "[console]\ntheme = \"dark\"\nutc = false\n").unwrap();
    let output = aiops(home.path(), &["config", "show", "--json", "--db", "/x/y.db", "--config"])
        .arg(&file)
        .env("AIOPS_THEME", "light")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let value = |key: &str| -> serde_json::Value {
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.into_iter().find(|line| line["key"] == key).unwrap()
    };
    assert_eq!(value("console.theme")["value"], "\"light\"");
    assert_eq!(value("console.theme")["origin"]["variable"], "AIOPS_THEME");
    assert_eq!(value("console.utc")["origin"]["line"], 3);
    assert_eq!(value("store.path")["origin"]["flag"], "--db");
    assert_eq!(value("log.path")["value"], format!("\"{}/.local/state/aiops/aiops.log\"", home.path().display()));
}

#[test]
fn a_broken_configuration_is_usage_and_checking_it_is_a_finding() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/aiops")).unwrap();
    fs::write(home.path().join(".config/aiops/config.toml"), "[run]\ntime_limit = 60\n").unwrap();
    let show = run(home.path(), &["config", "show"]);
    assert_eq!(show.status.code(), Some(2));
    assert_eq!(text(&show.stdout), "");
    assert!(text(&show.stderr).contains("config.toml:2: run.time_limit: 60 has no unit"), "{}", text(&show.stderr));
    let check = run(home.path(), &["config", "check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).starts_with("error: "), "{}", text(&check.stdout));
}

#[test]
fn verifying_a_journal_that_is_not_there_fails_and_creates_none() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["journal", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(".local/share/aiops/aiops.db"), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn wrong_words_are_usage_and_help_is_not_an_error() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(run(home.path(), &["frobnicate"]).status.code(), Some(2));
    let help = run(home.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("--config"));
}

#[test]
fn messages_that_do_not_go_to_a_terminal_have_no_colours() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["config", "show", "--config", "/nonexistent/aiops.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nonexistent/aiops.toml"));
    assert!(!output.stderr.contains(&0x1b), "{}", text(&output.stderr));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let mut child =
        aiops(home.path(), &["config", "show"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn redacting_copies_what_is_no_secret_and_lists_what_was_one() {
    let home = tempfile::tempdir().unwrap();
    let input = b"\xfe PGPASSWORD=hunter2 psql -h 10.1.2.3\n";
    let redact = |words: &[&str]| {
        let mut child = aiops(home.path(), words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
        child.wait_with_output().unwrap()
    };
    let kept = redact(&["redact", "--keep-names"]);
    assert_eq!(kept.status.code(), Some(0), "{}", text(&kept.stderr));
    assert_eq!(kept.stdout, b"\xfe PGPASSWORD=[REDACTED:password] psql -h 10.1.2.3\n");
    let listed: serde_json::Value = serde_json::from_slice(&redact(&["redact", "--json"]).stdout).unwrap();
    let kinds: Vec<_> =
        listed["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["password", "address"]);
}
