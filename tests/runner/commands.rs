//! `aiops runs`, as a script uses it: propose, read, approve with the digest, reject, wait.

use aiops::domain::id::RunId;
use aiops::domain::run::decide::RunCommand;

use crate::headless::{Headless, TARGET, lines, open};

/// The home of a step that writes its number down, with an alert that fires.
async fn home() -> Headless {
    let home = Headless::new("echo \"$1\" >> \"$LEDGER\"; echo \"wrote $1\"; exit \"${1#7}\"");
    drop(home.proposer().await);
    home
}

/// The exit code, and the run that was printed last.
fn called(home: &Headless, words: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = home.run(&[words, &["--json"]].concat());
    let last = lines(&output.stdout).pop();
    (output.status.code(), last.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned().into()))
}

#[tokio::test]
async fn a_script_proposes_reads_and_approves_exactly_what_it_read() {
    let home = home().await;
    let (code, run) = called(&home, &["runs", "propose", "1", "1", "--value", "number=70"]);
    assert_eq!((code, &run["state"]), (Some(4), &"waiting".into()), "{run}");
    let digest = run["digest"].as_str().unwrap();
    assert!(run["review"].as_str().unwrap().contains("70"), "{run}");
    let shown = home.json(&["runs", "show", "1"]);
    assert_eq!((&shown[0]["digest"], &shown[0]["review"]), (&run["digest"], &run["review"]));
    assert_eq!(called(&home, &["runs", "wait", "1"]).0, Some(4));

    // Neither another digest nor a missing name starts anything.
    for words in [
        &["runs", "approve", "1", "--digest", "0123", "--target", TARGET][..],
        &["runs", "approve", "1", "--digest", digest],
        &["runs", "approve", "1", "--digest", digest, "--target", "elsewhere"],
    ] {
        let (code, said) = called(&home, words);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.as_str().unwrap().contains("Not approved"), "{said}");
    }
    assert_eq!((home.ledger().len(), home.json(&["runs", "list", "--waiting"]).len()), (0, 1));

    let output = home.run(&["runs", "approve", "1", "--digest", digest, "--target", TARGET, "--json"]);
    let said = lines(&output.stdout);
    assert_eq!((output.status.code(), said.len()), (Some(0), 2), "{said:?}");
    assert!(said[0]["attempt"]["id"] == 1, "{said:?}");
    let ended = &said[1];
    assert_eq!((&ended["state"], &ended["attempt"]["outcome"]), (&"ended".into(), &"exited".into()));
    assert_eq!((&ended["attempt"]["code"], &ended["output"]), (&0.into(), &"wrote 70\n".into()));
    assert_eq!(home.ledger(), ["70"]);

    // Once is once.
    let (code, said) = called(&home, &["runs", "approve", "1", "--digest", digest, "--target", TARGET]);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(called(&home, &["runs", "wait", "1"]).0, Some(0));
    assert_eq!(home.ledger(), ["70"]);
    assert!(home.run(&["journal", "verify"]).status.success());
}

#[tokio::test]
async fn what_fails_is_rejected_or_is_not_there_is_told_by_the_exit_code() {
    let home = home().await;
    let (_, run) = called(&home, &["runs", "propose", "1", "1", "--value", "number=73"]);
    let digest = run["digest"].as_str().unwrap();
    let output = home.run(&["runs", "approve", "1", "--digest", digest, "--target", TARGET]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("wrote 73\n") && text.ends_with("Run 1: exit 3\n"), "{text}");

    let (_, run) = called(&home, &["runs", "propose", "1", "1", "--value", "number=74"]);
    assert_eq!(called(&home, &["runs", "reject", "2"]).1["state"], "rejected");
    let digest = run["digest"].as_str().unwrap();
    assert_eq!(called(&home, &["runs", "approve", "2", "--digest", digest, "--target", TARGET]).0, Some(3));
    assert_eq!(called(&home, &["runs", "wait", "2"]).0, Some(1));

    for (words, reason) in [
        (&["runs", "show", "9"][..], "There is no run 9"),
        (&["runs", "approve", "9", "--digest", "x"], "There is no run 9"),
        (&["runs", "propose", "9", "1"], "There is no incident #9"),
        (&["runs", "propose", "1", "2"], "has 1 commands"),
        (&["runs", "propose", "1", "1"], "<number>, as --value number=VALUE"),
        (&["runs", "propose", "1", "1", "--alert", "g"], "no such alert"),
    ] {
        let (code, said) = called(&home, words);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.as_str().unwrap().contains(reason), "{said}");
    }
    assert_eq!(home.ledger(), ["73"]);
    let states: Vec<_> = home.json(&["runs", "list"]).iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["rejected", "ended"]);
}

#[tokio::test]
async fn a_run_of_a_whole_sop_is_begun_told_and_compared_with_it() {
    let home = home().await;
    let begun = home.json(&["runs", "begin", "1", "ledger.md"]);
    assert_eq!(
        (&begun[0]["id"], &begun[0]["state"]["state"], &begun[0]["steps"]),
        (&1.into(), &"active".into(), &1.into())
    );
    let (code, said) = called(&home, &["runs", "begin", "1", "ledger.md"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.as_str().unwrap().contains("run 1 of \"Ledger\" is on"), "{said}");
    assert!(home.json(&["runs", "deviations", "1"]).is_empty(), "nothing is done otherwise yet");

    let store = open(&home.database());
    let abandon = RunCommand::Abandon { reason: "it cleared".to_owned() };
    store.run_command(RunId(1), abandon, &store.person()).await.unwrap();
    drop(store);
    let deviations = home.json(&["runs", "deviations", "1"]);
    assert_eq!((deviations.len(), &deviations[0]["kind"], &deviations[0]["item"]), (1, &"skipped".into(), &1.into()));
    assert!(deviations[0]["correction"].as_str().unwrap().contains("step 1"), "{deviations:?}");
    let told = home.run(&["runs", "deviations", "1"]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.starts_with("- 1 ") && text.contains("skipped: step 1"), "{text}");

    let story = home.json(&["runs", "story", "1"]);
    let events: Vec<&str> =
        story[0]["events"].as_array().unwrap().iter().map(|row| row["event"]["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "ended", "deviated"]);
    assert!(story[0]["milestones"]["acknowledge_ms"].is_null(), "nobody acknowledged it");
    let counted = home.json(&["sop", "stats"]);
    assert_eq!(
        (&counted[0]["sop"], &counted[0]["runs"], &counted[0]["abandoned"]),
        (&"ledger.md".into(), &1.into(), &1.into())
    );
    assert_eq!(counted[0]["steps"][0]["deviations"]["skipped"], 1);
    for (words, reason) in [
        (&["runs", "deviations", "9"][..], "no run 9"),
        (&["runs", "story", "9"], "no run 9"),
        (&["sop", "stats", "none.md"], "there is no run of none.md"),
    ] {
        let (code, said) = called(&home, words);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.as_str().unwrap().contains(reason), "{said}");
    }
}
