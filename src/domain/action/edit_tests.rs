//! What an edited command keeps, and what counts as typed.

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::domain::action::build::{Reads, build};
use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{Execution, StepRef, Target};
use crate::domain::action::subject::Subject;
use crate::domain::id::{IncidentId, MessageId};
use crate::domain::procedure::Shell;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn request<'a>(script: &'a str, labels: &'a Labels, typed: &'a BTreeMap<String, String>) -> BuildRequest<'a> {
    BuildRequest {
        reads: Reads::default(),
        incident: IncidentId(1),
        subject: Subject::unbound(),
        step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: "t".to_owned() },
        script,
        shell: Shell::Sh,
        mode: Execution::Supervised,
        labels,
        typed,
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/",
        env: map(&[("PATH", "/usr/bin:/bin")]),
        time_limit: Duration::from_secs(60),
    }
}

fn by_ada() -> Edited {
    Edited { from: ProposalId(3), by: "ada".to_owned() }
}

/// What `before`, with these labels and typed values, becomes when somebody types `after` in its place.
fn edited(
    before: &str,
    labels: &[(&str, &str)],
    typed: &[(&str, &str)],
    after: &str,
) -> (ActionSpec, Result<ActionSpec, BuildError>) {
    let (labels, typed) = (map(labels), map(typed));
    let before = build(request(before, &labels, &typed)).unwrap();
    let kept = typed_before(&before, after);
    let after = build_edited(request(after, &labels, &kept), &RunVariables::default(), &before, by_ada());
    (before, after)
}

fn origins(spec: &ActionSpec) -> Vec<(String, Origin)> {
    let Invocation::Argv { script } = &spec.invocation else { panic!("inside the grammar") };
    script.words().flat_map(|word| &word.pieces).map(|piece| (piece.text.clone(), piece.origin.clone())).collect()
}

fn label(name: &str) -> Origin {
    Origin::Label(name.to_owned())
}

#[test]
fn words_that_stay_keep_their_origins_and_new_ones_are_typed() {
    let labels = [("mountpoint", "/srv")];
    let (before, after) =
        edited("du -xh <mountpoint> <file>", &labels, &[("file", "/srv/a b")], "du -xh --max-depth=1 /srv '/srv/a b'");
    let after = after.unwrap();
    let expected = [
        ("du", Origin::Sop),
        ("-xh", Origin::Sop),
        ("--max-depth=1", Origin::Operator),
        ("/srv", label("mountpoint")),
        ("/srv/a b", Origin::Operator),
    ];
    assert_eq!(origins(&after), expected.map(|(text, origin)| (text.to_owned(), origin)));
    assert_eq!(after.labels_used, before.labels_used);
    assert_eq!(after.edited, Some(by_ada()));
    assert_ne!(after.digest(true), before.digest(true));
    assert_eq!((&after.step, &after.target, &after.cwd), (&before.step, &before.target, &before.cwd));
}

#[rstest]
// The risk is that of the new words.
#[case("ls /srv", "rm -rf /srv", Risk::Read, Risk::Destroy)]
#[case("rm -rf /srv", "ls /srv", Risk::Destroy, Risk::Read)]
#[case("ls /srv", "for f in /srv/*; do rm $f; done", Risk::Read, Risk::Unknown)]
#[case("for f in /srv/*; do rm $f; done", "rm /srv/a", Risk::Unknown, Risk::Destroy)]
// Whom a command asks over the network must be the document's word, not a typed one.
#[case("curl -s https://example.org/metrics", "curl -s https://evil.example/metrics", Risk::Read, Risk::Unknown)]
#[case("curl -s https://example.org/metrics", "curl -sS https://example.org/metrics", Risk::Read, Risk::Unknown)]
fn the_risk_is_judged_anew(#[case] before: &str, #[case] after: &str, #[case] was: Risk, #[case] is: Risk) {
    let (before, after) = edited(before, &[], &[], after);
    let after = after.unwrap();
    assert_eq!((before.risk, after.risk), (was, is), "{:?}", after.risk_reasons);
}

#[test]
fn a_label_that_is_typed_over_is_no_longer_bound() {
    let (_, after) = edited("df -h <mountpoint>", &[("mountpoint", "/srv")], &[], "df -h /var");
    let after = after.unwrap();
    assert!(after.labels_used.is_empty());
    assert_eq!(origins(&after).last(), Some(&("/var".to_owned(), Origin::Operator)));
}

#[test]
fn values_that_were_typed_for_variables_of_a_script_stay() {
    let before = "for f in \"$DIR\"/*; do wc -c \"$f\"; done";
    let after = "for f in \"$DIR\"/*; do wc -l \"$f\"; done";
    let (_, after) = edited(before, &[], &[("dir", "/srv/x")], after);
    let after = after.unwrap();
    let Invocation::Bash { values, script, .. } = &after.invocation else { panic!("outside the grammar") };
    assert!(script.contains("wc -l"));
    assert_eq!((values["DIR"].text.as_str(), &values["DIR"].origin), ("/srv/x", &Origin::Operator));
}

#[test]
fn what_did_not_change_is_no_edit() {
    for same in ["df  -h /srv", "  df -h /srv ", "df -h '/srv'"] {
        let (_, after) = edited("df -h /srv", &[], &[], same);
        let Err(BuildError::NotRunnable(refusal)) = after else { panic!("{same} is the same") };
        assert!(refusal.why.contains("the same"), "{refusal}");
    }
}

#[test]
fn a_label_with_another_value_by_now_ends_it() {
    let (then, now, typed) = (map(&[("pod", "api-1")]), map(&[("pod", "api-2")]), BTreeMap::new());
    let before = build(request("kubectl logs <pod>", &then, &typed)).unwrap();
    let after = request("kubectl logs api-1 --tail=5", &now, &typed);
    let Err(BuildError::NotRunnable(refusal)) = build_edited(after, &RunVariables::default(), &before, by_ada()) else {
        panic!("the label changed")
    };
    assert!(refusal.why.contains("label pod"), "{refusal}");
}

#[test]
fn words_of_an_answer_stay_the_assistants() {
    let (labels, typed) = (Labels::new(), BTreeMap::new());
    let step = || StepRef::of_answer(MessageId(7), 0, "text", "t".to_owned());
    let before = build(BuildRequest { step: step(), ..request("df -h /srv", &labels, &typed) }).unwrap();
    let after = BuildRequest { step: step(), ..request("df -i /srv", &labels, &typed) };
    let after = build_edited(after, &RunVariables::default(), &before, by_ada()).unwrap();
    let found: Vec<Origin> = origins(&after).into_iter().map(|(_, origin)| origin).collect();
    assert_eq!(found, [Origin::Model, Origin::Operator, Origin::Model]);
}

#[test]
fn who_edited_what_is_in_the_digest_and_old_actions_read_without_it() {
    let (before, after) = edited("df -h /srv", &[], &[], "df -h /var");
    let after = after.unwrap();
    let other = ActionSpec { edited: Some(Edited { from: ProposalId(4), by: "ada".to_owned() }), ..after.clone() };
    assert_ne!(other.digest(true), after.digest(true));
    let stored = serde_json::to_string(&before).unwrap();
    assert!(!stored.contains("edited"));
    assert_eq!(serde_json::from_str::<ActionSpec>(&stored).unwrap(), before);
}

#[rstest]
#[case(&["a", "b", "c"], &["a", "x", "c"], &[Some(0), None, Some(2)])]
#[case(&["a", "b"], &["b", "a"], &[Some(1), None])]
#[case(&["a"], &["a", "a"], &[Some(0), None])]
#[case(&["a", "b", "c", "d"], &["c", "d"], &[Some(2), Some(3)])]
#[case(&[], &["a"], &[None])]
#[case(&["a", "x", "b", "y", "c"], &["z", "b", "w", "x", "c"], &[None, Some(2), None, None, Some(4)])]
fn words_are_the_same_in_the_same_order(
    #[case] before: &[&str],
    #[case] after: &[&str],
    #[case] expected: &[Option<usize>],
) {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (before, after) = (owned(before), owned(after));
    let found = alignment(&before, &after);
    // Of several that are as long any will do, but each is the same word, and all are in order.
    assert_eq!(found.iter().flatten().count(), expected.iter().flatten().count(), "{found:?}");
    assert!(found.iter().flatten().is_sorted());
    for (at, kept) in found.iter().enumerate() {
        assert!(kept.is_none_or(|kept| before[kept] == after[at]), "{found:?}");
    }
}
