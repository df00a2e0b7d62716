//! Pipelines and groups of a step: inside the grammar each stage's status is recorded and any failure counts; what a shell
//! runs by its own rules (`&`, loops) has the status that bash gives it, and leaves nothing running.

use aiops::adapters::process::{PartRecord, StageStatus};
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::spec::Invocation;
use rstest::rstest;

use super::support::{Attempt, finish, is_alive, spec};

const fn exited(code: i32) -> Outcome {
    Outcome::Exited { code }
}

#[test]
fn each_stage_of_each_pipeline_is_recorded_in_order() {
    let attempt = Attempt::start(spec("sh -c 'exit 3' | cat; true && false | true || echo on; false && echo never"));
    let record = attempt.record();
    let ran = |codes: &[i32]| PartRecord::Ran {
        stages: codes.iter().map(|code| StageStatus::Exited { code: *code }).collect(),
    };
    let expected = [ran(&[3, 0]), ran(&[0]), ran(&[1, 0]), ran(&[0]), ran(&[1]), PartRecord::Skipped];
    assert_eq!(record.parts, expected);
    assert_eq!(record.outcome, exited(1));
    let output = attempt.output();
    for line in ["aiops: statuses: sh exit 3 | cat exit 0", "aiops: statuses: false exit 1 | true exit 0"] {
        assert!(output.contains(line), "{output}");
    }
}

#[rstest]
#[case::waited_for("echo a & echo b & wait", 0, &["a", "b"])]
#[case::status_of_one("false & wait $!", 1, &[])]
#[case::waiting_for_all_forgets_them("false & true & wait", 0, &[])]
#[case::a_pipeline_ends_as_its_last_stage("for i in 1; do false; done | cat", 0, &[])]
#[case::unless_it_says_otherwise("set -o pipefail; for i in 1; do false; done | cat", 1, &[])]
fn what_a_shell_runs_has_the_status_that_bash_gives_it(
    #[case] script: &str,
    #[case] code: i32,
    #[case] lines: &[&str],
) {
    assert!(matches!(spec(script).invocation, Invocation::Bash { .. }), "{script}");
    let (outcome, output) = finish(script);
    assert_eq!(outcome, exited(code), "{script}: {output}");
    let mut printed: Vec<&str> = output.lines().filter(|line| !line.starts_with("aiops: ")).collect();
    printed.sort_unstable();
    assert_eq!(printed, lines, "{script}");
}

#[test]
fn nothing_that_was_started_in_the_background_outlives_its_step() {
    let (outcome, output) = finish("sleep 1000 & echo $!");
    assert_eq!(outcome, exited(0));
    let pid: i32 = output.lines().next().unwrap().parse().unwrap();
    assert!(!is_alive(pid));
}
