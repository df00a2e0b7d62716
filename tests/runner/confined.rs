//! Actions that may only read: what the kernel keeps them from, whatever their words were taken for.
//!
//! The scripts here write on purpose, which no action of risk `Read` should; they are confined by hand.

use std::path::Path;
use std::process::Command;

use aiops::adapters::process::reads_can_be_confined;
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::spec::{ActionSpec, Confinement};

use crate::support::{Attempt, is_alive, say, spec};

const REMARK: &str = "aiops: this was approved as a read";

fn confined(script: &str) -> ActionSpec {
    ActionSpec { confinement: Confinement::ReadsOnly, ..spec(script) }
}

/// Whether this kernel can do it; says so.
fn is_possible(test: &str) -> bool {
    let possible = reads_can_be_confined();
    say(&format!("{test}: this kernel {} Landlock", if possible { "has" } else { "has no" }));
    if !possible {
        let attempt = Attempt::start(confined("echo never"));
        assert!(matches!(attempt.outcome(), Outcome::NotStarted { .. }), "what was promised cannot be kept");
        assert!(!attempt.output().contains("never\n"), "{}", attempt.output());
    }
    possible
}

/// What is at `place` after `script` was run with `$PLACE` for it, unconfined and confined; and the confined attempt.
fn tried(script: &str) -> (bool, bool, Attempt) {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("there"), "what was there\n").unwrap();
    let untouched = listing(outside.path());
    let script = script.replace("$PLACE", outside.path().to_str().unwrap());
    let attempt = Attempt::start(confined(&script));
    attempt.outcome();
    let kept = listing(outside.path()) == untouched;
    Attempt::start(spec(&script)).outcome();
    (kept, listing(outside.path()) != untouched, attempt)
}

/// Names and contents of everything in `directory`.
fn listing(directory: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            // Reading a pipe would wait for a writer.
            let is_file = entry.file_type().unwrap().is_file();
            let content = if is_file { std::fs::read_to_string(entry.path()).unwrap() } else { String::new() };
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn nothing_is_written_outside_the_scratch_directory_and_that_is_told() {
    if !is_possible("nothing_is_written_outside_the_scratch_directory_and_that_is_told") {
        return;
    }
    let ways = [
        "touch $PLACE/new",
        "mkdir $PLACE/new",
        "rm $PLACE/there",
        "mv $PLACE/there $PLACE/elsewhere",
        "ln -s x $PLACE/new",
        "mkfifo $PLACE/new",
        "cp /etc/hostname $PLACE/new",
        "dd if=/etc/hostname of=$PLACE/there",
        "echo x | tee -a $PLACE/there",
        "find $PLACE -name there -delete",
        "sed -i s/was/is/ $PLACE/there",
        // Through a shell, and from a grandchild that outlives its parent.
        "echo x > $PLACE/there",
        "bash -c 'bash -c \"echo x >> $PLACE/there; sleep 0.05\" & wait'; false",
    ];
    for way in ways {
        let (kept, works_otherwise, attempt) = tried(way);
        assert!(kept, "{way}: it was written");
        assert!(works_otherwise, "{way}: it does not even write when it may");
        assert!(attempt.outcome() != Outcome::Exited { code: 0 }, "{way}: it fails");
        assert!(attempt.output().contains(REMARK), "{way}: {}", attempt.output());
    }
    say(&format!("confined: {} ways of writing, none got through", ways.len()));
}

#[test]
fn reading_and_a_cache_work_as_always() {
    if !is_possible("reading_and_a_cache_work_as_always") {
        return;
    }
    let script = "cat /etc/hostname > /dev/null && for name in TMPDIR XDG_CACHE_HOME KUBECACHEDIR; do \
                  echo \"$name\" > \"${!name}/$name\" && cat \"${!name}/$name\"; done; stat -c %a \"$TMPDIR\"";
    let attempt = Attempt::start(confined(script));
    assert_eq!(attempt.outcome(), Outcome::Exited { code: 0 }, "{}", attempt.output());
    assert_eq!(attempt.output(), "TMPDIR\nXDG_CACHE_HOME\nKUBECACHEDIR\n700\n");
    assert!(!attempt.path().join("scratch").exists(), "it is removed at the end");
    let failed = Attempt::start(confined("ls /nowhere/at/all"));
    failed.outcome();
    assert!(!failed.output().contains(REMARK), "nothing was refused: {}", failed.output());
    let pipeline = Attempt::start(confined("cat /etc/passwd | head -1 | wc -l"));
    assert_eq!((pipeline.outcome(), pipeline.output()), (Outcome::Exited { code: 0 }, "1\n".to_owned()));
}

#[test]
fn no_process_outside_is_ended() {
    if !is_possible("no_process_outside_is_ended") {
        return;
    }
    let mut bystander = Command::new("sleep").arg("1000").spawn().unwrap();
    let attempt = Attempt::start(confined(&format!("kill {}", bystander.id())));
    let ended = attempt.outcome() == Outcome::Exited { code: 0 };
    let alive = is_alive(bystander.id().try_into().unwrap());
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    // Kernels before 6.12 have no scope for signals.
    say(&format!("confined: a signal to a process outside was {}", if ended { "sent" } else { "refused" }));
    assert_eq!(alive, !ended);
}
