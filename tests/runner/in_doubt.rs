//! From a killed supervisor to the step that is run again: its effect is looked at first, with the real program.

use std::io::Read as _;
use std::process::Stdio;

use aiops::store::Store;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::headless::{Headless, TARGET};
use super::support::{say, until};

/// The verifying step, which looks at the ledger.
const VERIFY: &str = "\n## Verify\n\n1. Look whether it stands in the ledger:\n\n   ```sh\n   cat LEDGER\n   ```\n";

/// A home whose first command was begun and whose supervisor was killed then, and what `approve` printed of that.
fn killed(document: &str) -> (Headless, Store, String) {
    let home = Headless::new("echo $1 >>$LEDGER; exec sleep 1000");
    let path = home.path().join("sops").join("ledger.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let ledger = home.path().join("ledger");
    std::fs::write(path, format!("{text}{}", document.replace("LEDGER", ledger.to_str().unwrap()))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (store, digest) = runtime.block_on(async {
        let proposer = home.proposer().await;
        let digest = proposer.propose(1).await.digest;
        (proposer.store, digest)
    });
    let words = ["runs", "approve", "1", "--digest", &digest, "--target", TARGET];
    let mut approving = home.aiops(&words).stdout(Stdio::piped()).spawn().unwrap();
    until("it runs", || home.ledger().len() == 1);
    let attempt = std::fs::read_dir(home.attempts()).unwrap().next().unwrap().unwrap().path();
    let claim: Value = serde_json::from_slice(&std::fs::read(attempt.join("supervisor.json")).unwrap()).unwrap();
    let supervisor = i32::try_from(claim["pid"].as_i64().unwrap()).unwrap();
    kill(Pid::from_raw(supervisor), Signal::SIGKILL).unwrap();
    let mut printed = String::new();
    approving.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!(approving.wait().unwrap().code(), Some(1), "{printed}");
    (home, store, printed)
}

fn check_of(home: &Headless) -> Value {
    home.json(&["runs", "show", "1"])[0]["effect_check"].clone()
}

/// Asks for the first command once more; its exit code, and what was said.
fn again(home: &Headless, number: &str) -> (Option<i32>, String) {
    let output = home.run(&["runs", "propose", "1", "1", "--sop", "ledger.md", "--value", &format!("number={number}")]);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_verification_comes_before_the_step_is_run_again() {
    let (home, _store, printed) = killed(VERIFY);
    assert!(printed.contains("Look at the effect of attempt 1 first"), "{printed}");
    assert!(printed.contains("aiops runs check 1"), "{printed}");
    let check = check_of(&home);
    assert_eq!((check["settled"].is_null(), check["verifications"].as_array().unwrap().len()), (true, 1), "{check}");
    assert_eq!(check["alert"], "the alert still fires");
    let (code, said) = again(&home, "2");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("nobody knows how attempt 1"), "{said}");

    let asked = home.run(&["runs", "check", "1", "--json"]);
    assert_eq!(asked.status.code(), Some(4), "{}", String::from_utf8_lossy(&asked.stderr));
    let waiting = &super::headless::lines(&asked.stdout)[0];
    assert!(waiting["command"].as_str().unwrap().starts_with("cat "), "{waiting}");
    let (id, digest) = (waiting["id"].to_string(), waiting["digest"].as_str().unwrap());
    let looked = home.run(&["runs", "approve", &id, "--digest", digest]);
    assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stderr));
    assert!(String::from_utf8_lossy(&looked.stdout).lines().any(|line| line == "1"), "the effect is on the screen");

    assert_eq!(check_of(&home)["settled"]["by"], "verified");
    assert_eq!(again(&home, "2").0, Some(4), "it waits for a yes like everything else");
    assert_eq!(home.ledger(), ["1"], "nothing ran a second time");
    say("after a killed supervisor the step is refused (3), verified, and can be proposed again (4)");
}

#[test]
fn where_no_step_verifies_a_person_says_what_they_saw() {
    let (home, _store, printed) = killed("");
    assert!(printed.contains("no step of the SOP does that"), "{printed}");
    assert_eq!(home.run(&["runs", "check", "1"]).status.code(), Some(3));
    assert_eq!(home.run(&["runs", "checked", "1", "--words", " "]).status.code(), Some(3));
    assert_eq!(again(&home, "2").0, Some(3));
    let said = home.json(&["runs", "checked", "1", "--words", "it is in the ledger"]);
    assert_eq!(said[0]["effect_check"]["settled"]["words"], "it is in the ledger", "{said:?}");
    assert_eq!(again(&home, "2").0, Some(4));
    let journal = home.run(&["journal", "export"]);
    let journal = String::from_utf8_lossy(&journal.stdout);
    assert!(journal.contains("effect_checked") && journal.contains("it is in the ledger"));
    assert!(home.run(&["journal", "verify"]).status.success());
}
