//! Tests of [`super`]: which names are taken, and the words that come of an action.

use std::collections::BTreeMap;
use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::domain::action::build::{BuildError, BuildRequest, Reads, build};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Confinement, StepRef};
use crate::domain::action::subject::Subject;
use crate::domain::alert::Labels;
use crate::domain::id::IncidentId;
use crate::domain::policy::{Circumstances, PlaceKind, Request};
use crate::domain::procedure::Shell;

fn built(script: &str, to: &str, cwd: &str, mode: Execution) -> Result<ActionSpec, BuildError> {
    build(BuildRequest {
        incident: IncidentId(1),
        subject: Subject::unbound(),
        step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: String::new() },
        script,
        shell: Shell::Sh,
        mode,
        labels: &Labels::new(),
        typed: &BTreeMap::new(),
        target: Target::Container(Container::parse(to).unwrap()),
        cwd,
        env: BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]),
        reads: Reads { confinement: Confinement::ReadsOnly, env: BTreeMap::new() },
        time_limit: Duration::from_secs(60),
    })
}

fn words(script: &str, to: &str) -> Vec<String> {
    argv(&built(script, to, OWN_DIRECTORY, Execution::Supervised).unwrap()).unwrap()
}

#[rstest]
#[case("container:shop/db-0", (None, "shop", "db-0", None))]
#[case("container:shop/db-0.eu/pg", (None, "shop", "db-0.eu", Some("pg")))]
#[case("container:shop/db-0@admin@eu", (Some("admin@eu"), "shop", "db-0", None))]
#[case("container:a/b/c@arn:aws:eks:eu:1:cluster/x", (Some("arn:aws:eks:eu:1:cluster/x"), "a", "b", Some("c")))]
fn names_are_read(#[case] text: &str, #[case] expected: (Option<&str>, &str, &str, Option<&str>)) {
    let (context, namespace, pod, container) = expected;
    assert_eq!(Container::parse(text), Container::new(context, namespace, pod, container));
    assert!(Container::parse(text).is_ok());
}

#[rstest]
#[case("shop/db-0")]
#[case("container:")]
#[case("container:db-0")]
#[case("container:/db-0")]
#[case("container:shop/")]
#[case("container:shop/db-0/")]
#[case("container:shop/db-0/pg/x")]
#[case("container:Shop/db-0")]
#[case("container:shop/-it")]
#[case("container:shop/db-0-")]
#[case("container:shop/db..0")]
#[case("container:shop/db 0")]
#[case("container:shop/$(id)")]
#[case("container:sh\u{202e}op/db")]
#[case("container:shop/db@")]
#[case("container:shop/db@--kubeconfig=x")]
#[case("container:shop/db@a b")]
fn what_kubectl_could_take_for_more_is_no_container(#[case] text: &str) {
    assert!(Container::parse(text).is_err());
}

#[test]
fn long_names_are_refused() {
    let label = |length| "a".repeat(length);
    assert!(Container::new(None, &label(63), &label(253), Some(&label(63))).is_ok());
    for (namespace, pod, container) in [(64, 1, 1), (1, 254, 1), (1, 1, 64)] {
        assert!(Container::new(None, &label(namespace), &label(pod), Some(&label(container))).is_err());
    }
}

#[test]
fn one_program_is_started_by_its_words() {
    assert_eq!(
        words("psql -c 'select 1; --' '$HOME'", "container:shop/db-0/pg@eu"),
        [
            "kubectl",
            "--context",
            "eu",
            "-n",
            "shop",
            "exec",
            "db-0",
            "-c",
            "pg",
            "--",
            "psql",
            "-c",
            "select 1; --",
            "$HOME"
        ]
    );
    assert_eq!(words("df -h", "container:shop/db-0"), ["kubectl", "-n", "shop", "exec", "db-0", "--", "df", "-h"]);
    let interactive = built("bash", "container:shop/db-0", OWN_DIRECTORY, Execution::Interactive).unwrap();
    assert_eq!(argv(&interactive).unwrap()[3..8], ["exec", "-i", "-t", "db-0", "--"]);
}

#[rstest]
#[case::pipeline("ps aux | grep postgres")]
#[case::two("df -h; free")]
#[case::variable("PGHOST=a psql -l")]
#[case::redirection("ls /x 2>/dev/null")]
#[case::bash("for f in *; do echo $f; done")]
#[case::relative_directory("cd data && ls")]
fn everything_else_is_one_word_for_bash(#[case] script: &str) {
    let words = words(script, "container:shop/db-0");
    assert_eq!(words[6..10], ["bash", "--noprofile", "--norc", "-c"]);
    assert_eq!(words.len(), 11);
    assert!(words[10].starts_with("cd -- . || exit 126; "), "{}", words[10]);
}

#[test]
fn a_directory_needs_bash_and_a_relative_one_is_not_guessed() {
    let spec = built("ls", "container:shop/db-0", "/data", Execution::Supervised).unwrap();
    assert!(matches!(Told::of(&spec), Some(Told::Script(script)) if script.starts_with("cd -- /data || ")));
    let below = built("cd data && ls", "container:shop/db-0", OWN_DIRECTORY, Execution::Supervised).unwrap();
    assert!(matches!(&below.invocation, Invocation::Bash { reason, .. } if reason.contains("container begins in")));
    assert!(built("ls", "container:shop/db-0", "data", Execution::Supervised).is_err());
}

#[test]
fn the_command_inside_is_judged_and_nothing_here_confines_it() {
    let risk = |script| built(script, "container:shop/db-0", OWN_DIRECTORY, Execution::Supervised).unwrap();
    let (read, destroy) = (risk("df -h"), risk("rm -rf /data"));
    assert_eq!((read.risk, destroy.risk), (Risk::Read, Risk::Destroy));
    assert_eq!(read.confinement, Confinement::Free);
}

#[test]
fn the_policy_sees_cluster_and_namespace() {
    let spec = built("df -h", "container:shop/db-0@eu", OWN_DIRECTORY, Execution::Supervised).unwrap();
    let place = Request::of(&spec, Circumstances::default()).places.remove(0);
    assert_eq!((place.kind, place.name.as_str()), (PlaceKind::Kubernetes, "db-0"));
    assert_eq!((place.context.as_deref(), place.namespace.as_deref()), (Some("eu"), Some("shop")));
}

#[test]
fn everything_that_is_started_is_in_the_digest() {
    let digest = |script, to| built(script, to, OWN_DIRECTORY, Execution::Supervised).unwrap().digest(true);
    let all = [
        digest("df -h", "container:shop/db-0"),
        digest("df", "container:shop/db-0"),
        digest("df -h", "container:shop/db-1"),
        digest("df -h", "container:shop/db-0/pg"),
        digest("df -h", "container:shop/db-0@eu"),
        digest("df -h | cat", "container:shop/db-0"),
    ];
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}
