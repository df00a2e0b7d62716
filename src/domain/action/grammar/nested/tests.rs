//! Tables of values in other languages: how they are written, and where they are refused.

use std::collections::BTreeMap;

use rstest::rstest;

use crate::domain::action::grammar::{GrammarError, Parsed, parse, remote, remote_script};
use crate::domain::action::spec::{Origin, Piece, Script, Word};
use crate::domain::procedure::params;

fn read(script: &str, value: &str) -> Result<Script, String> {
    let piece = Piece { text: value.to_owned(), origin: Origin::Operator };
    let values = BTreeMap::from([("x".to_owned(), piece)]);
    match parse(script, &params::find(script), &values) {
        Ok(Parsed::Argv(script)) => Ok(script),
        Ok(Parsed::Outside { reason }) => panic!("{script}: outside: {reason}"),
        Err(GrammarError::BadValues(bad)) => {
            assert!(bad.iter().all(|bad| bad.name == "x" && !bad.problem.is_empty()), "{bad:?}");
            Err(bad[0].problem.clone())
        }
        Err(other) => panic!("{script}: {other}"),
    }
}

/// The word of the first stage in which the value is.
fn written(script: &str, value: &str) -> Result<String, String> {
    let script = read(script, value)?;
    let stage = script.stages().next().unwrap();
    let with_value = |word: &&Word| word.pieces.iter().any(|piece| piece.origin == Origin::Operator);
    Ok(stage.argv.iter().find(with_value).unwrap().text())
}

#[rstest]
#[case::sql("psql -c \"select '<x>'\"", "o'brien", "select 'o''brien'")]
#[case::sql_attack("psql -c \"select '<x>'\"", "';drop table t;--", "select ''';drop table t;--'")]
#[case::sql_joined("sudo -u postgres psql --command=\"select '<x>'\"", "a'b", "--command=select 'a''b'")]
#[case::sql_identifier("psql -c 'select * from \"<x>\"'", "a\"b", "select * from \"a\"\"b\"")]
#[case::sql_name("psql -c 'vacuum <x>'", "orders", "vacuum orders")]
#[case::sql_number("mysql -e 'kill <x>'", "42", "kill 42")]
#[case::sql_in_container("kubectl exec db-0 -- psql -c \"select '<x>'\"", "a'b", "select 'a''b'")]
#[case::sqlite("sqlite3 a.db \"select '<x>'\"", "a'b", "select 'a''b'")]
#[case::promql("promtool query instant http://p:9090 'up{job=\"<x>\"}'", "a\"b\\c", "up{job=\"a\\\"b\\\\c\"}")]
#[case::promql_pattern("promtool query instant http://p 'up{job=~\"<x>.*\"}'", "a.b", "up{job=~\"a\\\\.b.*\"}")]
#[case::promql_by_curl(
    "curl -G http://p/q --data-urlencode 'query=up{a=\"<x>\"}'",
    "\"} or x",
    "query=up{a=\"\\\"} or x\"}"
)]
#[case::json("curl http://h -d '{\"a\": \"<x>\"}'", "a\"b\\", "{\"a\": \"a\\\"b\\\\\"}")]
#[case::json_number("curl http://h -d '{\"a\": <x>}'", "12", "{\"a\": 12}")]
#[case::patch("kubectl patch deploy a -p '{\"a\":\"<x>\"}'", "a b", "{\"a\":\"a b\"}")]
#[case::previous("kubectl logs -p <x>", "pod-1", "pod-1")]
#[case::form("curl http://h -d 'a=1&b=<x>'", "a&c=d", "a=1&b=a%26c%3Dd")]
#[case::header("curl http://h -H 'X-Id: <x>'", "a b", "X-Id: a b")]
#[case::jq("jq '.a == \"<x>\"'", "\\(env)", ".a == \"\\\\(env)\"")]
#[case::jq_field("jq -r .<x>", "name", ".name")]
#[case::jq_argument("jq --arg v <x> '.a == $v'", "it's \"x\"", "it's \"x\"")]
#[case::template("kubectl get po -o 'go-template={{eq .a \"<x>\"}}'", "a\"b", "go-template={{eq .a \"a\\\"b\"}}")]
#[case::jsonpath(
    "kubectl get po -o 'jsonpath={.items[?(@.n==\"<x>\")]}'",
    "a b;c",
    "jsonpath={.items[?(@.n==\"a b;c\")]}"
)]
#[case::jsonpath_field("kubectl get po -o jsonpath='{.l.<x>}'", "app.io/n", "jsonpath={.l.app\\.io/n}")]
#[case::awk("awk '$1 == \"<x>\"' f", "a\"b\\", "$1 == \"a\\\"b\\\\\"")]
#[case::awk_pattern("awk '/<x>/' f", "pod-1", "/pod-1/")]
#[case::sed("sed -n 's/<x>/y/p' f", "pod-1", "s/pod-1/y/p")]
#[case::sed_line("sed -n '<x>p' f", "12", "12p")]
#[case::selector("kubectl get po -l app=<x>", "a/b.c", "app=a/b.c")]
#[case::url_host("curl https://<x>/metrics", "h:9090", "https://h:9090/metrics")]
#[case::url_ipv6("curl https://<x>/metrics", "[::1]:9090", "https://[::1]:9090/metrics")]
#[case::url_path("curl https://h/api/<x>", "a b/c?d#e", "https://h/api/a%20b/c%3Fd%23e")]
#[case::url_query("curl 'https://h/s?a=<x>'", "a&b=c d", "https://h/s?a=a%26b%3Dc%20d")]
#[case::url_promql("curl 'http://p/q?query=up{i=\"<x>\"}'", "a\"b", "http://p/q?query=up{i=\"a%5C%22b\"}")]
#[case::shell("sh -c 'ls <x>'", "$(reboot) a", "ls '$(reboot) a'")]
#[case::shell_quoted("bash -lc \"ls '<x>'\"", "it's", "ls 'it'\\''s'")]
#[case::shell_double("bash -c 'ls \"a/<x>\"'", "$(id)`\"", "ls \"a/\\$(id)\\`\\\"\"")]
#[case::remote("ssh h systemctl restart <x>", "a;reboot", "'a;reboot'")]
#[case::remote_plain("ssh h systemctl restart <x>", "nginx", "nginx")]
#[case::remote_in_remote("ssh h \"ssh i 'ls <x>'\"", "a b", "ssh i 'ls '\\''a b'\\'''")]
#[case::sql_over_ssh("ssh h 'psql -c \"select '\\''<x>'\\''\"'", "o'b;$x", "psql -c \"select 'o''b;\\$x'\"")]
fn is_written_as_a_value(#[case] script: &str, #[case] value: &str, #[case] expected: &str) {
    assert_eq!(written(script, value), Ok(expected.to_owned()));
}

#[rstest]
#[case::sql_bare("psql -c 'select <x>'", "1; drop table t")]
#[case::sql_statement("psql -c <x>", "vacuum")]
#[case::sql_backslash("mysql -e \"select '<x>'\"", "\\'; drop table t; #")]
#[case::sql_escape_string("psql -c \"select E'<x>'\"", "a'b")]
#[case::sql_dollar("psql -c 'do $$<x>$$'", "a'b")]
#[case::sql_comment("psql -c 'select 1 -- <x>'", "a b")]
#[case::sql_program("psql -c \"copy t from program '<x>'\"", "rm x")]
#[case::sql_client("psql -c '\\! <x>'", "reboot")]
#[case::sqlite_client("sqlite3 a.db '.shell <x>'", "reboot")]
#[case::other_before("bash psql -c \"select '<x>'\"", "a'b")]
#[case::other_behind("psql -c \"select '<x>'\" sh", "a'b")]
#[case::sudo_shell("sudo -s psql -c \"select '<x>'\"", "a'b")]
#[case::promql_bare("promtool query instant http://p 'up{<x>}'", "a=\"b\"")]
#[case::json_bare("curl http://h -d '{\"a\": <x>}'", "1, \"b\": 2")]
#[case::file_as_data("curl http://h -d <x>", "@/etc/shadow")]
#[case::file_as_encoded("curl http://h --data-urlencode <x>", "a@/etc/shadow")]
#[case::file_as_form("curl http://h -F <x>", "a=<f;x")]
#[case::jq_bare("jq '<x>'", "env")]
#[case::jq_comment("jq '. # <x>'", "a b")]
#[case::jq_interpolated("jq '\"\\(<x>)\"'", "env")]
#[case::template_code("kubectl get po -o 'go-template={{<x>}}'", ".a")]
#[case::template_text("kubectl get po -o 'go-template=<x>'", "{{.a}}")]
#[case::jsonpath_quote("kubectl get po -o 'jsonpath={.i[?(@.n==\"<x>\")]}'", "\")]}")]
#[case::awk_bare("awk '{print <x>}'", "system(\"id\")")]
#[case::awk_system("awk '{system(\"ls <x>\")}'", "a;id")]
#[case::awk_pipe("awk '{\"ls <x>\" | getline}'", "a;id")]
#[case::sed_flag("sed 's/a/b/<x>'", "e")]
#[case::sed_delimiter("sed 's/<x>/b/'", "a/b/w/tmp/f")]
#[case::sed_command("sed '<x>d'", "e")]
#[case::sed_behind("sed -e 1d -e '1<x>'", "w")]
#[case::selector_more("kubectl delete po -l app=<x>", "a,b!=c")]
#[case::url_user("curl http://<x>/a", "good@evil")]
#[case::url_up("curl http://h/api/<x>", "../admin")]
#[case::remote_backslash("ssh h ls <x>", "a\\")]
#[case::remote_option("ssh h rm <x>", "-rf")]
#[case::remote_outside("ssh h 'for i in <x>; do ls; done'", "a;id")]
#[case::remote_variable("ssh h 'A=<x>; rm $A'", "a b")]
#[case::remote_program("ssh h <x>", "reboot now")]
#[case::too_deep("ssh a ssh b ssh c ssh d ssh e ls <x>", "a b")]
#[case::split_words("env -S 'psql -c <x>'", "a b")]
#[case::perl("perl -e 'print \"<x>\"'", "\".`id`.\"")]
fn is_refused(#[case] script: &str, #[case] value: &str) {
    assert!(written(script, value).is_err(), "{:?}", written(script, value));
}

#[rstest]
#[case("ssh h ls", Some(("h", "ls")))]
#[case("ssh -p 22 -tt -i key u@h -v sudo ls 'a b'", Some(("u@h", "sudo ls a b")))]
#[case("ssh -p22 -- h ls -l", Some(("h", "ls -l")))]
#[case("ssh h -- ls", Some(("h", "ls")))]
#[case("/usr/bin/ssh h 'ls | wc -l'", Some(("h", "ls | wc -l")))]
#[case("ssh h", None)]
#[case("ssh -p 22 h", None)]
#[case("scp a h:b", None)]
fn what_another_host_is_told_is_known(#[case] script: &str, #[case] expected: Option<(&str, &str)>) {
    let script = read(script, "unused").unwrap();
    let remote = remote(script.stages().next().unwrap());
    assert_eq!(remote.as_ref().map(|remote| (remote.host.as_str(), remote.text.as_str())), expected);
}

#[test]
fn remote_words_are_those_of_the_other_shell() {
    let words = |script: &str| {
        let script = read(script, "a b;c").unwrap();
        remote_script(script.stages().next().unwrap())
            .map(|script| script.stages().map(|stage| stage.argv.iter().map(Word::text).collect()).collect())
    };
    let expected: Vec<Vec<String>> =
        vec![vec!["ls".to_owned(), "a b;c".to_owned()], vec!["grep".to_owned(), "x y".to_owned()]];
    assert_eq!(words("ssh h \"ls <x> | grep 'x y'\""), Some(expected));
    assert_eq!(words("ssh h 'for i in 1; do ls; done'"), None);
}
