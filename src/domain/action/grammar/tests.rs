//! Tables of what is inside, what is outside, and which values are refused.

use rstest::rstest;

use super::*;
use crate::domain::action::script::SetVariable;
use crate::domain::action::spec::{Connector, Origin, Word};
use crate::domain::procedure::params;
use crate::domain::procedure::variables::RunVariables;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Piece> {
    let piece = |(name, text): &(&str, &str)| {
        ((*name).to_owned(), Piece { text: (*text).to_owned(), origin: Origin::Label((*name).to_owned()) })
    };
    pairs.iter().map(piece).collect()
}

fn read(script: &str, pairs: &[(&str, &str)]) -> Result<Parsed, GrammarError> {
    parse(script, &params::find(script), &values(pairs))
}

/// The words of every stage, one line a stage, joined by `|`; connectors as they are written.
fn shape(script: &str, pairs: &[(&str, &str)]) -> String {
    let Ok(Parsed::Argv(script)) = read(script, pairs) else { panic!("{script:?}: {:?}", read(script, pairs)) };
    let mut text = String::new();
    for (index, (connector, pipeline)) in script.parts.iter().enumerate() {
        text.push_str(match connector {
            Connector::Always if index == 0 => "",
            Connector::Always => " ; ",
            Connector::AndThen => " && ",
            Connector::OrElse => " || ",
        });
        let stages = pipeline.stages.iter().map(|stage| {
            let env = stage.env.iter().map(|(name, value)| format!("{{{name}={}}}", value.text()));
            let words = stage.argv.iter().map(|word| format!("[{}]", word.text()));
            let redirects: Vec<String> = stage.redirects.iter().map(|r| format!("{r:?}")).collect();
            env.chain(words).chain([redirects.join(",")]).collect::<String>()
        });
        if let Some(directory) = &pipeline.directory {
            text.push_str(&format!("({})", directory.text()));
        }
        text.push_str(&stages.collect::<Vec<_>>().join("|"));
    }
    for (name, variable) in &script.leaves.variables {
        text.push_str(&format!(" {}{name}={}", if variable.exported { "+" } else { "-" }, variable.value.text()));
    }
    if let Some(directory) = &script.leaves.directory {
        text.push_str(&format!(" -> {}", directory.text()));
    }
    text
}

#[rstest]
#[case("df -h", "[df][-h]")]
#[case("  df\t-h  ", "[df][-h]")]
#[case("echo 'a b' \"c d\" e\\ f", "[echo][a b][c d][e f]")]
#[case("echo '' \"\" x''y", "[echo][][][xy]")]
#[case("echo \"a\\\"b\\$c\\`d\\\\e\\f\"", "[echo][a\"b$c`d\\e\\f]")]
#[case("du -sh /srv | sort -h", "[du][-sh][/srv]|[sort][-h]")]
#[case("a && b || c; d", "[a] && [b] || [c] ; [d]")]
#[case("a\nb\n\n# note\nc # more\n", "[a] ; [b] ; [c]")]
#[case("a;\nb", "[a] ; [b]")]
#[case("a |\n b &&\n\n c", "[a]|[b] && [c]")]
#[case("find . -name x \\\n  -print", "[find][.][-name][x][-print]")]
#[case("ec\\\nho a\\\n#b", "[echo][a#b]")]
#[case("a >/dev/null 2>&1", "[a]OutToNull,ErrToOut")]
#[case("a 2>&1 >/dev/null | b", "[a]ErrToOut,OutToNull|[b]")]
#[case("a &> /dev/null; b 2>>/dev/null; c >&2", "[a]OutToNull,ErrToOut ; [b]ErrToNull ; [c]OutToErr")]
#[case("echo a2>/dev/null", "[echo][a2]OutToNull")]
#[case("2>/dev/null a", "[a]ErrToNull")]
#[case("echo '2'>/dev/null", "[echo][2]OutToNull")]
#[case("find . ! -name x", "[find][.][!][-name][x]")]
#[case("grep 'a|b' x#y '#z'", "[grep][a|b][x#y][#z]")]
#[case("find -e\\xec", "[find][-exec]")]
#[case("xargs -I{} echo {}", "[xargs][-I{}][echo][{}]")]
#[case("grep x$ f", "[grep][x$][f]")]
#[case("grep \"x$\" f", "[grep][x$][f]")]
#[case("echo größe", "[echo][größe]")]
#[case("echo HEAD~1 a:~ '~' \\~ --x=~", "[echo][HEAD~1][a:~][~][~][--x=~]")]
#[case("grep \"^a$|b$\" f", "[grep][^a$|b$][f]")]
#[case::variable("A='a b'\necho \"$A\" ${A}c '$A'", "[echo][a b][a][bc][$A] -A=a b")]
#[case::variable_of_variable("A=1; B=\"x $A\"; echo \"$B\"", "[echo][x 1] -A=1 -B=x 1")]
#[case::empty_variable("A=; echo $A \"$A\" x$A", "[echo][][x] -A=")]
#[case::split_in_a_word("A=' x y '; echo p$A\"q\"", "[echo][p][x][y][q] -A= x y ")]
#[case::split_before_quotes("A=' a '; echo $A'' ''$A", "[echo][a][][][a] -A= a ")]
#[case::program("K=\"kubectl -n x\"; $K get po", "[kubectl][-n][x][get][po] -K=kubectl -n x")]
#[case::only_set("A=1 B=$A", " -A=1 -B=1")]
#[case::prefix("A=1 B=$A env", "{A=1}{B=1}[env]")]
#[case::prefix_is_not_seen("A=0; A=1 echo $A", "{A=1}[echo][0] -A=0")]
#[case::exported("a; export A=1 B='x y'; b | c", "[a] ; {A=1}{B=x y}[b]|{A=1}{B=x y}[c] +A=1 +B=x y")]
#[case::exported_later("A=1; a; export A; b", "[a] ; {A=1}[b] +A=1")]
#[case::prefix_over_export("export A=1; A=2 a; b", "{A=2}[a] ; {A=1}[b] +A=1")]
#[case::set_then("A=1 && a $A && b", "[a][1] && [b] -A=1")]
#[case::set_within("a && A=1 && b $A", "[a] && [b][1] -A=1")]
#[case::set_then_or("A=1 && a || b", "[a] || [b] -A=1")]
#[case::moved("cd /tmp && a", "(/tmp)[a] -> /tmp")]
#[case::moved_between("a; cd x; b; cd y/../z; c", "[a] ; (/x)[b] ; (/x/z)[c] -> /x/z")]
#[case::moved_up("cd /a/b; cd ..; x", "(/a)[x] -> /a")]
#[case::moved_within("a && cd /x && b", "[a] && (/x)[b] -> /x")]
#[case::moved_only("cd -- '/a b'", " -> /a b")]
#[case::where_it_is("cd /a; echo $PWD", "(/a)[echo][/a] -> /a")]
fn inside(#[case] script: &str, #[case] expected: &str) {
    assert_eq!(shape(script, &[]), expected);
}

#[rstest]
#[case::substitution("echo $(id)")]
#[case::quoted_substitution("echo \"$(id)\"")]
#[case::backticks("echo `id`")]
#[case::quoted_backticks("echo \"`id`\"")]
#[case::star("ls *.log")]
#[case::question("ls a?")]
#[case::bracket("ls [ab]")]
#[case::test("[ -f x ]")]
#[case::braces("echo {a,b}")]
#[case::range("echo x{1..3}")]
#[case::nested_braces("find . {-exec,id,\\;}")]
#[case::braces_after_empty("echo {}{a,b}")]
#[case::tilde("ls ~/x")]
#[case::tilde_in_word("make p=~/x")]
#[case::home("ls $HOME/x")]
#[case::status("echo $?")]
#[case::positional("echo $1")]
#[case::arithmetic("echo $((1+1))")]
#[case::ansi_c("echo $'a'")]
#[case::translated("echo $\"a\"")]
#[case::out_file("echo a > /tmp/x")]
#[case::append("echo a >> x")]
#[case::in_file("sort < x")]
#[case::heredoc("cat <<EOF\nx\nEOF")]
#[case::herestring("cat <<< x")]
#[case::process_substitution("diff <(a) b")]
#[case::not_quite_null("echo a >/dev/nullx")]
#[case::other_descriptor("a 3>/dev/null")]
#[case::closes("a >&-")]
#[case::noclobber("a >|/dev/null")]
#[case::pipe_both("a |& b")]
#[case::background("sleep 1 &")]
#[case::subshell("(a)")]
#[case::group("{ a; }")]
#[case::conditional("if a; then b; fi")]
#[case::for_loop("for i in 1 2; do a; done")]
#[case::while_loop("while true; do a; done")]
#[case::case("case x in x) a;; esac")]
#[case::function("f() { a; }")]
#[case::double_brackets("[[ -f x ]] && a")]
#[case::negation("! a")]
#[case::time("time a")]
#[case::array("A=(a b)")]
#[case::appended("A+=1")]
#[case::unknown_variable("A=$UID")]
#[case::in_pipeline("A=1 | b")]
#[case::with_redirection("A=1 >/dev/null")]
#[case::the_shells_own("IFS=, a")]
#[case::path("PATH=/x; a")]
#[case::set_on_condition("a && A=1; b")]
#[case::set_on_failure("a || A=1")]
#[case::moved_on_condition("a && cd /x; b")]
#[case::moved_or("cd /x || b")]
#[case::moved_and_or("cd /x && a || b")]
#[case::set_or("A=1 || b")]
#[case::pattern_in_value("A='*'; ls $A")]
#[case::empty_program("A=; $A b")]
#[case::export_list("export")]
#[case::export_option("export -p")]
#[case::export_unset("export A")]
#[case::export_in_pipeline("export A=1 | b")]
#[case::cd_back("cd -")]
#[case::cd_home("cd")]
#[case::cd_two("cd a b")]
#[case::cd_option("cd -P a")]
#[case::cd_in_pipeline("cd a | b")]
#[case::doubled(
    "A=aaaaaaaaaaaaaaaa; B=$A$A$A$A$A$A$A$A; C=$B$B$B$B$B$B$B$B; D=$C$C$C$C$C$C$C$C; E=$D$D$D$D$D$D$D$D; \
    F=$E$E$E$E$E$E$E$E; G=$F$F$F$F$F$F$F$F; a $G"
)]
#[case::eval("eval a")]
#[case::source("source x")]
#[case::dot(". x")]
#[case::exec("exec a")]
#[case::quoted_builtin("'eval' a")]
#[case::carriage_return("a\r\nb")]
#[case::no_break_space("a\u{a0}b")]
#[case::escape("echo '\u{1b}[2J'")]
#[case::bidi("echo \u{202e}x")]
#[case::zero_width("echo a\u{200b}b")]
#[case::tag("echo a\u{e0041}")]
#[case::last_backslash("echo a\\")]
#[case::continued_operator("a |\\\n| b")]
#[case::continued_background("a &\\\n& b")]
#[case::lone_redirect(">/dev/null")]
#[case::parameter_operator("echo ${NS%x}")]
#[case::angle_as_file("a > <file>")]
#[case::escaped_placeholder("echo \\<pod>")]
fn outside(#[case] script: &str) {
    let outcome = read(script, &[("ns", "x"), ("file", "x"), ("pod", "x")]);
    let Ok(Parsed::Outside { reason }) = outcome else { panic!("{outcome:?}") };
    assert!(!reason.is_empty());
}

#[rstest]
#[case::quote("echo 'a")]
#[case::double_quote("echo \"a")]
#[case::pipe("a |")]
#[case::and("a &&\n")]
#[case::double_pipe("a | | b")]
#[case::leading("; a")]
#[case::empty("")]
#[case::comment("# only\n")]
#[case::nul("echo a\0b")]
#[case::empty_program("'' a")]
#[case::program_from_value("<pod> -h")]
#[case::program_from_value_in_part("/usr/bin/<pod> -h")]
fn broken(#[case] script: &str) {
    assert!(matches!(read(script, &[("pod", "x")]), Err(GrammarError::Broken(_))), "{:?}", read(script, &[]));
}

#[test]
fn too_long_is_refused() {
    let script = format!("echo {}", "a".repeat(MAX_SCRIPT_BYTES));
    assert!(matches!(read(&script, &[]), Err(GrammarError::Broken(_))));
}

#[rstest]
#[case("ls <dir>", "/a b;c*$(id)", "[ls][/a b;c*$(id)]")]
#[case("ls <dir>/x", "a", "[ls][a/x]")]
#[case("ls $DIR ${DIR}x", "a", "[ls][a][ax]")]
#[case("ls '<dir>' \"<dir>\" \"$DIR\"", "it's \"it\"", "[ls][it's \"it\"][it's \"it\"][it's \"it\"]")]
#[case("ls {{ dir }}", "`x`", "[ls][`x`]")]
#[case("curl http://<dir>/x", "h:1", "[curl][http://h:1/x]")]
#[case("find <dir> -name '*.log'", "/srv", "[find][/srv][-name][*.log]")]
#[case("echo '$DIR'", "a", "[echo][$DIR]")]
#[case("D=<dir>; ls $D/x '$D'", "a b*", "[ls][a b*/x][$D] -D=a b*")]
#[case("cd <dir>; ls", "/a b", "(/a b)[ls] -> /a b")]
#[case("cd x; cd <dir>/../y; ls", "a", "(/x/y)[ls] -> /x/y")]
#[case("D=\"<dir>\" ls", "$(id)", "{D=$(id)}[ls]")]
fn values_are_pieces_of_one_word(#[case] script: &str, #[case] value: &str, #[case] expected: &str) {
    assert_eq!(shape(script, &[("dir", value)]), expected);
}

#[test]
fn origins_stay_with_their_pieces() {
    let Ok(Parsed::Argv(script)) = read("ls /a/<dir>/b", &[("dir", "x")]) else { panic!("inside") };
    let word = &script.parts[0].1.stages[0].argv[1];
    let origins: Vec<(&str, &Origin)> = word.pieces.iter().map(|p| (p.text.as_str(), &p.origin)).collect();
    assert_eq!(origins, [("/a/", &Origin::Sop), ("x", &Origin::Label("dir".to_owned())), ("/b", &Origin::Sop)]);
}

#[rstest]
#[case::option("rm <x>", "-rf")]
#[case::option_after_dashes("kubectl exec p -- rm <x>", "-rf")]
#[case::option_in_quotes("rm \"<x>\"", "-rf")]
#[case::option_joined("rm <x>a", "-rf")]
#[case::empty("rm -rf <x>/", "")]
#[case::escape("ls <x>", "a\u{1b}[2J")]
#[case::bidi("ls <x>", "a\u{202e}b")]
#[case::shell_by_path("/bin/bash -c <x>", "reboot now")]
#[case::option_of_directory("cd <x>", "-P")]
#[case::through_a_variable("A=<x>; rm $A", "-rf")]
#[case::strange_variable("A=<x>; b", "a\u{202e}")]
#[case::piped_into_a_shell("echo <x> | bash", "a;reboot")]
#[case::piped_far("echo <x> | cat | sudo sh", "a;reboot")]
#[case::program_text("kubectl get po -o 'jsonpath={.items[?(@.n==\"<x>\")]}'", "\")]}")]
fn values_that_could_do_more_are_refused(#[case] script: &str, #[case] value: &str) {
    let outcome = read(script, &[("x", value)]);
    let Err(GrammarError::BadValues(bad)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(bad[0].name, "x");
    assert!(!bad[0].problem.is_empty());
}

#[test]
fn plain_values_may_stand_in_program_text() {
    assert_eq!(
        shape("ssh <x> 'systemctl status <x>'", &[("x", "web-1.eu")]),
        "[ssh][web-1.eu][systemctl status web-1.eu]"
    );
}

fn word(text: &str, origin: Origin) -> SetVariable {
    SetVariable { value: Word::new(text, origin), exported: false }
}

#[test]
fn variables_of_earlier_steps_and_of_the_environment_are_known() {
    let mut run = RunVariables::default();
    run.set("NS", word("shop prod", Origin::Sop));
    run.set("POD", word("a b", Origin::Label("pod".to_owned())));
    run.set("TOKEN", SetVariable { exported: true, ..word("t", Origin::Sop) });
    let environment = BTreeMap::from([("HOME".to_owned(), "/home/a".to_owned()), ("USER".to_owned(), "1".to_owned())]);
    let surroundings = Surroundings { directory: "/srv".to_owned(), environment, run };
    let read = |script: &str, pairs: &[(&str, &str)]| {
        let values = values(pairs).into_iter().map(|(name, piece)| (name, Piece { origin: Origin::Operator, ..piece }));
        match parse_in(script, &params::find(script), &values.collect(), &surroundings) {
            Ok(Parsed::Argv(script)) => script,
            other => panic!("{other:?}"),
        }
    };
    let argv = |script: &Script| -> Vec<String> { script.stages().flat_map(|s| &s.argv).map(Word::text).collect() };
    let script = read("ls ~/x $NS \"$POD\" $POD ${USER}", &[]);
    assert_eq!(argv(&script), ["ls", "/home/a/x", "shop", "prod", "a b", "a b", "1"]);
    let stage = script.stages().next().unwrap();
    assert_eq!(stage.argv[4].pieces[0].origin, Origin::Label("pod".to_owned()));
    assert_eq!(stage.env["TOKEN"].text(), "t");
    assert!(script.leaves.is_empty(), "nothing is set by this script itself");
    // What a person types for this step goes first.
    assert_eq!(argv(&read("ls $NS", &[("ns", "typed")])), ["ls", "typed"]);
    // What is in the environment stays exported when it is set.
    let set = read("USER=2; a", &[]);
    assert_eq!(
        (set.stages().next().unwrap().env["USER"].text(), set.leaves.variables["USER"].exported),
        ("2".to_owned(), true)
    );
    assert_eq!(read("cd sub; a", &[]).leaves.directory.unwrap().text(), "/srv/sub");
    assert_eq!(read("cd; a", &[]).leaves.directory.unwrap().text(), "/home/a");
}

#[test]
fn every_unbound_parameter_is_named_once_and_comments_do_not_count() {
    let outcome = read("ls <a> $B # <c>\ncat <a>", &[]);
    assert_eq!(outcome, Err(GrammarError::Unbound(vec!["a".to_owned(), "b".to_owned()])));
}

#[rstest]
#[case("a.b/c:1", true)]
#[case("-x", false)]
#[case("a b", false)]
#[case("a*", false)]
#[case("a[$(id)]", false)]
#[case("", false)]
fn bash_gets_plain_values_only(#[case] value: &str, #[case] fine: bool) {
    assert_eq!(value_for_bash(value).is_none(), fine);
}
