//! Secrets that programs get: who has them, and where they never are.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aiops::adapters::process::{ProcessRunner, Secrets};
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::handed::HandedSecret;
use aiops::domain::action::spec::{ActionSpec, Confinement};
use aiops::engine::ports::ActionRunner as _;
use secrecy::SecretString;

use super::support::{Attempt, grant, runner, spec, until};

const SECRET: &str = "*:*:*:app:correct-horse-4711";
const PASSWORD: &str = "correct-horse-4711";

/// A runner whose one secret is [`SECRET`].
fn with_secret() -> ProcessRunner {
    let secrets = Secrets::new(|name| match name {
        "db" => Ok(SecretString::from(SECRET)),
        other => Err(format!("no secret {other}")),
    });
    ProcessRunner { secrets, ..runner() }
}

/// `script`, in which the program `psql` gets the secret; it is the shell script `body` in `directory`.
fn action(directory: &Path, script: &str, body: &str) -> ActionSpec {
    let program = directory.join("psql");
    std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let handed = HandedSecret { name: "db".into(), variable: "PGPASSFILE".into(), programs: vec!["psql".to_owned()] };
    let mut action = ActionSpec { secrets: vec![handed], ..spec(script) };
    let path = format!("{}:/usr/bin:/bin", directory.display());
    action.env = BTreeMap::from([("PATH".to_owned(), path)]);
    action
}

#[test]
fn a_program_reads_its_secret_and_others_do_not_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let body = format!(
        "stat -L -c '%a %F' \"$PGPASSFILE\"; cmp -s \"$PGPASSFILE\" {} && echo same; cat \"$PGPASSFILE\" | wc -l",
        directory.path().join("expected").display()
    );
    std::fs::write(directory.path().join("expected"), format!("{SECRET}\n")).unwrap();
    for confinement in [Confinement::Free, Confinement::ReadsOnly] {
        if confinement == Confinement::ReadsOnly && !aiops::adapters::process::reads_can_be_confined() {
            super::support::say("NOT RUN confined: this kernel has no Landlock");
            continue;
        }
        let others = "bash -c 'ls /proc/self/fd | wc -l; env | grep -c PGPASS'; psql; \
                      bash -c 'ls /proc/self/fd | wc -l; env | grep -c PGPASS'";
        let action = ActionSpec { confinement, ..action(directory.path(), others, &body) };
        let attempt = Attempt::start_with(with_secret(), action);
        attempt.outcome();
        let output = attempt.output();
        let lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("aiops:")).collect();
        // 0, 1, 2 and the directory that `ls` reads.
        assert_eq!(lines, ["4", "0", "400 regular file", "same", "1", "4", "0"], "{confinement:?}");
    }
}

#[test]
fn a_secret_is_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("go-on");
    let body = format!(
        "cat \"$PGPASSFILE\"; printf 'correct-'; sleep 0.05; printf 'horse-4711\\n'; while [ ! -e {} ]; do sleep 0.02; done",
        gate.display()
    );
    let action = action(directory.path(), "psql", &body);
    assert!(!serde_json::to_string(&action).unwrap().contains(PASSWORD));
    let attempt = Attempt::start_with(with_secret(), action);
    until("it has read the secret", || attempt.output().matches("[SECRET]").count() == 2);
    let supervised = attempt.directory().to_owned();
    let mut looked_at = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let of_this = String::from_utf8_lossy(&environment).contains(&directory.path().display().to_string())
            || String::from_utf8_lossy(&arguments).contains(&supervised);
        looked_at += usize::from(of_this);
        for bytes in [arguments, environment] {
            assert!(!String::from_utf8_lossy(&bytes).contains(PASSWORD), "{:?}", entry.path());
        }
    }
    assert!(looked_at >= 2, "the supervisor and the program were looked at: {looked_at}");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 });
    assert_eq!(attempt.output(), "[SECRET]\n[SECRET]\n");
    for file in std::fs::read_dir(attempt.path()).unwrap().flatten() {
        let text = std::fs::read(file.path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains(PASSWORD), "{:?}", file.path());
    }
}

#[test]
fn without_the_secret_nothing_runs() {
    let directory = tempfile::tempdir().unwrap();
    let action = action(directory.path(), "psql", "echo ran");
    let place = tempfile::tempdir().unwrap();
    let error = runner().run(grant(action.clone()), place.path().to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("no secret db") && error.contains("Nothing of it ran"), "{error}");
    let large = Secrets::new(|_| Ok(SecretString::from("x".repeat(40_000))));
    let place = tempfile::tempdir().unwrap();
    let runner = ProcessRunner { secrets: large, ..runner() };
    let error = runner.run(grant(action), place.path().to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
}

#[test]
fn who_gets_a_secret_is_part_of_what_is_approved() {
    let directory = tempfile::tempdir().unwrap();
    let action = action(directory.path(), "psql", "true");
    let digest = action.digest(true);
    for change in [
        |secret: &mut HandedSecret| secret.name.push('x'),
        |secret: &mut HandedSecret| secret.variable.push('x'),
        |secret: &mut HandedSecret| secret.programs.push("x".to_owned()),
    ] {
        let mut other = action.clone();
        change(&mut other.secrets[0]);
        assert_ne!(other.digest(true), digest);
    }
    assert_ne!(ActionSpec { secrets: Vec::new(), ..action }.digest(true), digest);
}
