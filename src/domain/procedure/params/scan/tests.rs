//! Tables of what is a parameter and what is not.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn surfaces(script: &str) -> Vec<String> {
    find(script).into_iter().map(|used| used.surface).collect()
}

#[rstest]
#[case::angle("kubectl logs <pod> -n <pod name>", &["<pod>", "<pod name>"])]
#[case::angle_in_word("curl http://<host>:9100/metrics", &["<host>"])]
#[case::angle_in_single_quotes("grep '<pod>' f", &["<pod>"])]
#[case::alternatives("oc get <pod|node>", &["<pod|node>"])]
#[case::apostrophe("ssh <node's name>", &["<node's name>"])]
#[case::apostrophe_opens_no_quote("ssh <node's name> $NS", &["<node's name>", "$NS"])]
#[case::variable("oc -n $NS get ${POD}", &["$NS", "${POD}"])]
#[case::variable_in_word("echo a$NS-b", &["$NS"])]
#[case::variable_in_double_quotes("echo \"$NS\"", &["$NS"])]
#[case::braces("ssh {{ node }} {{pod-name}}", &["{{ node }}", "{{pod-name}}"])]
#[case::angle_in_template("oc get po -o go-template='{{eq .a \"<pod>\"}}'", &["<pod>"])]
#[case::annotation("echo {{ $labels.pod }}", &["{{ $labels.pod }}"])]
#[case::operand("rm -rf ${DIR%/}/x", &["DIR"])]
#[case::substitution_inside("x $(kubectl get $POD)", &["$POD"])]
#[case::after_quoted_substitution("echo \"$(awk '{print $NF}')\" $NS", &["$NS"])]
#[case::backticks("echo `get <pod>` $NS", &["<pod>", "$NS"])]
#[case::heredoc_body("cat <<EOF\nns: $NS don't\nEOF\necho <pod>", &["$NS", "<pod>"])]
#[case::quoted_heredoc("cat <<'EOF'\n$A <b>\nEOF\n$C", &["<b>", "$C"])]
#[case::used_before_set("echo $A; A=1; echo $A", &["$A"])]
#[case::own_value_in_substitution("A=$(basename $A)", &["$A"])]
#[case::own_value("A=$A-x", &["$A"])]
#[case::set_for_one_program("A=1 echo $A", &["$A"])]
#[case::argument_like_assignment("make A=1; echo $A", &["$A"])]
#[case::set_from_placeholder("NODE=<instance label>\noc debug node/$NODE", &["<instance label>"])]
#[case::after_escape("echo \\$A $B", &["$B"])]
fn finds(#[case] script: &str, #[case] expected: &[&str]) {
    assert_eq!(surfaces(script), expected);
}

#[rstest]
#[case::special("echo $? $1 $$ $! $# $@ $* $- $0")]
#[case::substitution("echo $(date) `date` $((1+2))")]
#[case::heredoc("cat <<EOF\nhello\nEOF")]
#[case::here_string("cat <<<word")]
#[case::redirection("sort < file > out")]
#[case::redirection_without_space("sort <file >out")]
#[case::descriptor("a 2>&1 0<&3 b <> c")]
#[case::process_substitution("diff <(a) >(b)")]
#[case::set_before("A=1; echo $A")]
#[case::set_before_on_a_line("A=1\nB=2\necho $A ${B}")]
#[case::exported("export A=1 B=2; echo $A $B")]
#[case::looped("for p in a b; do echo $p; done")]
#[case::read("while read -r line; do echo $line; done")]
#[case::set_after_reserved_word("if true; then A=1; echo $A; fi")]
#[case::set_side_by_side("A=1 B=$A")]
#[case::set_from_substitution("A=$(oc get x | awk '{print $1}')\necho $A")]
#[case::set_from_quoted_substitution("A=\"$(date; id)\" B=`date`; echo $A $B")]
#[case::environment("ls $HOME ${PATH} $USER $PWD")]
#[case::single_quotes("awk '{print $NF}' f")]
#[case::template_words("oc get -o go-template='{{range .items}}{{.metadata.name}}{{end}}'")]
#[case::json_braces("curl -d '{\"a\": {\"b\": 1}}'")]
#[case::default_value("echo ${NS:-default} ${A:+x} ${ARR[0]}")]
#[case::comment("ls # of <pod> in $NS")]
#[case::comparison("a < b and c > d")]
#[case::link("see <https://example.com/x>")]
#[case::closing_tag("</details>")]
#[case::word_boundary("grep '\\<word\\>' f")]
#[case::escaped("echo \\<pod\\>")]
#[case::empty("")]
fn finds_nothing(#[case] script: &str) {
    assert_eq!(surfaces(script), Vec::<String>::new());
}

proptest! {
    #[test]
    fn any_text_gives_ordered_uses_that_are_the_script_at_their_spans(
        script in r#"([ -~\n\u{e9}]|<pod>|\$NS|\$\{|\{\{ x \}\}|<<E\n|E\n|'|"|`|\$\(|A=1){0,40}"#
    ) {
        let mut end = 0;
        for used in find(&script) {
            prop_assert!(used.span.start >= end && used.span.end > used.span.start);
            prop_assert_eq!(script.get(used.span.start..used.span.end), Some(used.surface.as_str()));
            prop_assert!(!used.name.is_empty());
            end = used.span.end;
        }
    }
}
