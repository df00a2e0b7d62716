//! Tables of what is inside, what is outside, and which values are refused.

use rstest::rstest;

use super::*;
use crate::domain::action::spec::Origin;
use crate::domain::procedure::params;

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
            let words: Vec<String> = stage.argv.iter().map(|word| format!("[{}]", word.text())).collect();
            let redirects: Vec<String> = stage.redirects.iter().map(|r| format!("{r:?}")).collect();
            [words.concat(), redirects.join(",")].concat()
        });
        text.push_str(&stages.collect::<Vec<_>>().join("|"));
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
#[case::assignment("A=1")]
#[case::assignment_before("A=1 b")]
#[case::export("export A=1")]
#[case::cd("cd /tmp && a")]
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
#[case::remote_shell("ssh h systemctl restart <x>", "a;reboot")]
#[case::shell("sh -c 'ls <x>'", "$(reboot)")]
#[case::shell_by_path("/bin/bash -c <x>", "reboot now")]
#[case::sql("psql -c \"select '<x>'\"", "';drop table t;--")]
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
