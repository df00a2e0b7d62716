//! Compares the command grammar with the real bash: whatever is inside the grammar must run exactly the same programs with
//! exactly the same words, in the same order, with the same connectors taken.
//!
//! bash runs each script with a PATH that has only stubs: programs that record their words and do nothing else. `ok` and its
//! like succeed, `fail` fails. Pipelines fail when any stage fails (`pipefail`), as the supervisor has it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use aiops::domain::action::grammar::{self, Parsed};
use aiops::domain::action::spec::{Connector, Origin, Piece, Script};
use aiops::domain::procedure::params;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Programs that exist, and whether they succeed.
const STUBS: [(&str, bool); 6] =
    [("ok", true), ("ls", true), ("grep", true), ("find", true), ("fail", false), ("größe", true)];

/// A directory of stubs, and the file that they write to.
struct Stubs {
    directory: tempfile::TempDir,
}

impl Stubs {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, succeeds) in STUBS {
            let path = directory.path().join(name);
            // One write, so that the stages of a pipeline do not mix their records.
            let text = format!(
                "#!/bin/sh\nprintf '%s\\0' {name} \"$@\" END >> {}/log\nexit {}\n",
                directory.path().display(),
                i32::from(!succeeds)
            );
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self { directory }
    }

    fn log(&self) -> std::path::PathBuf {
        self.directory.path().join("log")
    }

    /// What bash runs: the words of each started program, in the order of their records.
    fn run_in_bash(&self, script: &str, variables: &BTreeMap<String, String>) -> Vec<Vec<String>> {
        let _ = std::fs::remove_file(self.log());
        let work = Path::new(self.directory.path()).join("work");
        std::fs::create_dir_all(&work).unwrap();
        Command::new("/bin/bash")
            .args(["--noprofile", "--norc", "-o", "pipefail", "-c", script])
            .env_clear()
            .env("PATH", self.directory.path())
            .env("LC_ALL", "C.UTF-8")
            .envs(variables)
            .current_dir(work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let bytes = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let records = text.split("END\0").filter(|record| !record.is_empty());
        records.map(|record| record.split_terminator('\0').map(str::to_owned).collect()).collect()
    }
}

/// What the grammar says would run, given which stubs there are: pipelines in order, each with the words of its stages.
fn predict(script: &Script) -> Vec<Vec<Vec<String>>> {
    let mut ran = Vec::new();
    let mut succeeded = true;
    for (connector, pipeline) in &script.parts {
        let wanted = match connector {
            Connector::Always => true,
            Connector::AndThen => succeeded,
            Connector::OrElse => !succeeded,
        };
        if !wanted {
            continue;
        }
        let words = |stage: &aiops::domain::action::spec::Stage| stage.argv.iter().map(|word| word.text()).collect();
        let stages: Vec<Vec<String>> = pipeline.stages.iter().map(words).collect();
        let result = |stage: &Vec<String>| STUBS.iter().find(|(name, _)| *name == stage[0]).map(|(_, ok)| *ok);
        succeeded = stages.iter().all(|stage| result(stage) == Some(true));
        ran.push(stages.into_iter().filter(|stage| result(stage).is_some()).collect());
    }
    ran
}

/// What became of a comparison.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Inside, and bash agrees.
    Same,
    /// Not inside.
    Outside,
    /// Inside, and bash does something else.
    Different { bash: Vec<Vec<String>>, grammar: Vec<Vec<Vec<String>>> },
}

fn compare(stubs: &Stubs, script: &str, variables: &[(&str, &str)]) -> Verdict {
    let uses = params::find(script);
    let piece = |text: &str| Piece { text: text.to_owned(), origin: Origin::Operator };
    let values = variables.iter().map(|(name, value)| (name.to_lowercase(), piece(value))).collect();
    let Ok(Parsed::Argv(parsed)) = grammar::parse(script, &uses, &values) else { return Verdict::Outside };
    let grammar = predict(&parsed);
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let bash = stubs.run_in_bash(script, &variables);
    // Stages of one pipeline record in any order.
    let sorted = |mut stages: Vec<Vec<String>>| {
        stages.sort();
        stages
    };
    let mut rest = bash.as_slice();
    for pipeline in &grammar {
        let (now, later) = rest.split_at(pipeline.len().min(rest.len()));
        if sorted(now.to_vec()) != sorted(pipeline.clone()) {
            return Verdict::Different { bash, grammar };
        }
        rest = later;
    }
    if rest.is_empty() { Verdict::Same } else { Verdict::Different { bash, grammar } }
}

/// Scripts that are inside the grammar.
const INSIDE: &[&str] = &[
    "ok",
    "ok a b c",
    "  ok   a\tb  ",
    "ok 'a b'",
    "ok \"a b\"",
    "ok a\\ b",
    "ok ''",
    "ok \"\"",
    "ok '' '' x",
    "ok a''b",
    "ok 'a'\"b\"c",
    "ok 'a\"b'",
    "ok \"a'b\"",
    "ok \"a\\\"b\"",
    "ok \"a\\\\b\"",
    "ok \"a\\$b\"",
    "ok \"a\\`b\"",
    "ok \"a\\nb\"",
    "ok \"a\\'b\"",
    "ok \"a\\*b\"",
    "ok \"\\a\\z\\ \"",
    "ok \\a\\z",
    "ok \\\\",
    "ok \\'",
    "ok \\\"",
    "ok \\$x",
    "ok \\;",
    "ok \\|",
    "ok \\&",
    "ok \\(a\\)",
    "ok \\<a\\>",
    "ok \\*",
    "ok \\?x",
    "ok \\[a]",
    "ok \\{a,b\\}",
    "ok \\~",
    "ok \\#a",
    "ok \\!",
    "ok '$x'",
    "ok '`x`'",
    "ok '*'",
    "ok '{a,b}'",
    "ok '~'",
    "ok '\\'",
    "ok 'a\nb'",
    "ok \"a\nb\"",
    "ok \"a\\\nb\"",
    "ok a\\\nb",
    "ok a \\\n b",
    "ok \\\n\\\n a",
    "o\\\nk a",
    "ok a#b",
    "ok a #b",
    "ok a\\\n#b",
    "ok \\\n#b",
    "# c\nok",
    "ok # 'unclosed\nok b",
    "#\n#\n\nok",
    "ok; ok b",
    "ok;ok b;",
    "ok ;\nok b",
    "ok\nok b\n",
    "ok\n\n\nok b",
    "ok && ok b",
    "ok&&ok b",
    "ok &&\nok b",
    "ok && # c\n\n ok b",
    "fail && ok b",
    "ok || ok b",
    "fail || ok b",
    "fail ||\n\nok b",
    "fail && ok a || ok b",
    "ok && fail || ok b",
    "ok || ok a && ok b",
    "fail || fail || ok b",
    "fail || ok a && fail && ok b || ok c",
    "fail; ok b",
    "fail\nok b",
    "fail && ok a; ok b && ok c",
    "ok | ok b",
    "ok|ok b|ok c",
    "ok |\nok b",
    "ok | fail && ok c",
    "fail | ok && ok c",
    "fail | ok || ok c",
    "ok | ok b || ok c; ok d",
    "missing || ok b",
    "missing && ok b",
    "missing | ok && ok b",
    "ok | missing || ok b",
    "ok >/dev/null",
    "ok > /dev/null",
    "ok >\t/dev/null a",
    "ok >>/dev/null",
    "ok 2>/dev/null",
    "ok a2>/dev/null",
    "ok 2 >/dev/null",
    "ok '2'>/dev/null",
    "ok \\2>/dev/null",
    "ok 1>/dev/null",
    "ok 2>&1",
    "ok 2>&1 a",
    "ok >&2",
    "ok 1>&2 a",
    "ok >/dev/null 2>&1",
    "ok 2>&1 >/dev/null | ok b",
    "ok &>/dev/null a",
    "ok &>>/dev/null",
    "ok 2&>/dev/null",
    ">/dev/null ok a",
    "2>&1 ok a",
    "ok 2>&1|ok b",
    "ok 2>&1;ok b",
    "ok 2>&1&&ok b",
    "ok >/dev/null;ok b",
    "o\\\nk 2\\\n>/dev/null a",
    "ok ! a",
    "ok a!b",
    "ok '!'",
    "ok {}",
    "ok -I{} x{}y",
    "ok {},x}",
    "ok {}{}",
    "ok }",
    "ok a}",
    "ok ]",
    "ok a]",
    "ok =",
    "ok a=b",
    "ok --a=b",
    "ok a=b=c",
    "ok %1",
    "ok ^a",
    "ok a,b",
    "ok a:b",
    "ok @a",
    "ok a+b",
    "ok -",
    "ok --",
    "ok -- -a",
    "ok .",
    "ok ..",
    "ok /",
    "ok $",
    "ok a$",
    "ok $ a",
    "ok \"$\"",
    "ok \"a$\"",
    "ok \"a$ b\"",
    "ok if",
    "ok then fi done",
    "ok cd",
    "ok export A=1",
    "ok äöü",
    "ok 日本語",
    "größe x",
    "ok '\u{1f600}'",
    "'ok' a",
    "\"ok\" a",
    "\\ok a",
    "o'k' a",
    "find -e\\xec a \\;",
    "find . -exec ok {} \\;",
    "find . -exec ok {} +",
    "find . \\( -name 'a*' -o -name \"b?\" \\) -print",
    "grep -E 'a|b' x | grep -v \"c d\" | ok",
    "grep 'it'\\''s' x",
    "grep \"it's\" x",
    "grep '\"' x",
    "grep \\\\. x",
    "grep '\\.' x",
    "grep \"\\.\" x",
    "grep x$ y",
    "ls -la /var/log 2>/dev/null || ok none",
    "ls;ls;ls",
    "ls\tls",
    "ok a;# b\nok c",
    "ok a;#b",
    "ok a&&ok b||ok c",
    "ok \"a\"'b'\\c\"d\"",
    "ok \"\"''\"\"",
    "ok a\\\\b",
    "ok 'a\\\nb'",
];

/// Scripts that must not be read as something that bash does not do. Most are outside.
const HOSTILE: &[&str] = &[
    "find . {-exec,id,\\;}",
    "ok a;b",
    "ok {a,b}",
    "ok {1..3}",
    "ok {}{a,b}",
    "ok {a,{b,c}}",
    "ok x{a,}y",
    "ok {a,b",
    "ok *",
    "ok ?",
    "ok [a]",
    "ok ~",
    "ok a=~",
    "ok a:~",
    "ok $(ok b)",
    "ok `ok b`",
    "ok \"$(ok b)\"",
    "ok \"`ok b`\"",
    "ok $'a\\nb'",
    "ok $'\\x2a'",
    "ok $\"a\"",
    "ok \"a$'b'\"",
    "ok $((1+1))",
    "ok $[1+1]",
    "ok $$",
    "ok $?",
    "ok $1",
    "ok $@",
    "ok \"$@\"",
    "ok $#",
    "ok $!",
    "ok $-",
    "ok $_",
    "ok ${#}",
    "ok ${x:-y}",
    "ok ${x}",
    "ok a\u{a0}b",
    "ok\u{a0}a",
    "ok\u{3000}a",
    "ok\u{2003}a",
    "ok a\u{200b}",
    "ok a\u{2028}ok b",
    "ok a\u{85}ok b",
    "ok a\r\nok b\r\n",
    "ok a\rok b",
    "ok a\u{b}b",
    "ok a\u{c}b",
    "ok a\u{1b}b",
    "ok a\u{7f}b",
    "ok |& ok b",
    "ok & ok b",
    "ok &",
    "ok a & # b",
    "ok |\\\n| ok b",
    "ok &\\\n& ok b",
    "ok ;\\\n ok b",
    "ok >\\\n/dev/null",
    "ok >&\\\n2",
    "ok 2>&1\\\n0",
    "ok >/dev/null\\\nx",
    "ok >/dev/nullx",
    "ok >/dev/null'x'",
    "ok >/dev/null/",
    "ok >'/dev/null'",
    "ok >&-",
    "ok 2>&-",
    "ok >&/dev/null",
    "ok 2>&12",
    "ok 12>/dev/null",
    "ok 02>/dev/null",
    "ok {x}>/dev/null",
    "ok <>/dev/null",
    "ok <&0",
    "ok </dev/null",
    "ok <<x\nok b\nx",
    "ok <<<x",
    "ok <(ok b)",
    "ok >(ok b)",
    "ok >|/dev/null",
    "! ok",
    "! fail && ok b",
    "time ok",
    "time -p ok",
    "{ ok; }",
    "(ok)",
    "ok()",
    "function ok { fail; }; ok",
    "ok() { fail; }\nok",
    "if ok; then ok b; fi",
    "while fail; do ok; done",
    "until ok; do ok; done",
    "for x in a b; do ok; done",
    "case a in a) ok;; esac",
    "select x in a; do ok; done",
    "coproc ok",
    "[[ a == b ]] || ok",
    "[ a = b ] || ok",
    "((1)) && ok",
    "let x=1 && ok",
    "x=1 ok a",
    "x=1\nok $x",
    "x+=1 ok",
    "x[0]=1 ok",
    "export x=1; ok",
    "readonly x=1; ok",
    "alias ls=ok; ls",
    "shopt -s expand_aliases\nalias ls=fail\nls",
    "set -e; fail; ok",
    "set -f; ok *",
    "exec ok",
    "eval ok a",
    "command ok",
    "builtin echo; ok",
    "source /dev/null; ok",
    ". /dev/null; ok",
    ": && ok",
    "exit; ok",
    "return; ok",
    "break; ok",
    "cd / && ok",
    "trap ok EXIT",
    "wait; ok",
    "enable -n echo; ok",
    "hash -p /bin/true ok; ok",
    "unset PATH; ok",
    "PATH=/; ok",
    "IFS=x; ok axb",
    "ok a\\",
    "ok 'a",
    "ok \"a",
    "ok a |",
    "ok a &&",
    "| ok",
    "; ok",
    "ok ;; ok",
    "ok | | ok",
    "ok && && ok",
    "'' a",
    "\"\"",
    "#",
    "",
    "ok !!",
    "ok !$",
    "!! ok",
    "ok ^a^b",
    "ok @(a|b)",
    "ok +(a)",
    "ok !(a)",
    "ok a(b)",
    "ok \\\n",
    "\\\nok",
    "'if' ok",
    "i\\f ok",
    "\\cd /",
    "\\! ok",
];

#[test]
fn scripts_inside_run_the_same_in_bash() {
    let stubs = Stubs::new();
    assert!(INSIDE.len() >= 150, "{}", INSIDE.len());
    for script in INSIDE {
        assert_eq!(compare(&stubs, script, &[]), Verdict::Same, "{script:?}");
    }
}

#[test]
fn hostile_scripts_are_outside_or_run_the_same_in_bash() {
    let stubs = Stubs::new();
    let mut inside = Vec::new();
    for script in HOSTILE {
        match compare(&stubs, script, &[]) {
            Verdict::Outside => {}
            Verdict::Same => inside.push(script),
            different @ Verdict::Different { .. } => panic!("{script:?}: {different:?}"),
        }
    }
    super::support::say(&format!(
        "{} of {} hostile scripts are inside and agree: {inside:?}",
        inside.len(),
        HOSTILE.len()
    ));
}

#[test]
fn very_long_scripts_run_the_same() {
    let stubs = Stubs::new();
    let long = format!("ok '{}' {}", "a ".repeat(10_000), "b ".repeat(5_000));
    assert_eq!(compare(&stubs, &long, &[]), Verdict::Same);
    let chain = vec!["ok"; 300].join(" && ");
    assert_eq!(compare(&stubs, &chain, &[]), Verdict::Same);
}

/// A quoted variable in bash is one word with exactly the value: the same as a parameter.
#[test]
fn values_become_what_bash_makes_of_a_quoted_variable() {
    let stubs = Stubs::new();
    let scripts = ["ok \"$V\"", "ok \"a${V}b\" x", "ok 'a'\"$V\"", "grep x \"$V\" | ok \"$V\""];
    let values = ["a", "a b", "*", "a;ok b", "$(ok b)", "`ok b`", "a\"b", "a'b", "\\", "{a,b}", "~", "#", "!x", "ä"];
    for script in scripts {
        for value in values {
            assert_eq!(compare(&stubs, script, &[("V", value)]), Verdict::Same, "{script:?} {value:?}");
        }
    }
}

#[test]
fn generated_scripts_run_the_same() {
    let stubs = Stubs::new();
    let fragments = [
        "ok",
        "ls",
        "fail",
        "missing",
        "a",
        "-b",
        "é",
        "0",
        "2",
        " ",
        " ",
        " ",
        "\t",
        "\n",
        "\\\n",
        "'",
        "\"",
        "'a b'",
        "\"a b\"",
        "''",
        "\\",
        "\\ ",
        "\\\\",
        "\\n",
        "\"\\n\"",
        "\"\\\"\"",
        "|",
        "||",
        "&&",
        "&",
        ";",
        ";;",
        " | ok ",
        " || ok ",
        " && ok ",
        "; ok ",
        "\nok ",
        ">/dev/null",
        "2>/dev/null",
        "2>&1",
        ">&2",
        "&>/dev/null",
        ">",
        "<",
        "#",
        " #",
        "$",
        "$x",
        "${x}",
        "$(ok)",
        "`ok`",
        "*",
        "?",
        "[",
        "]",
        "{",
        "}",
        "{}",
        "{a,b}",
        ",",
        "~",
        "!",
        "=",
        "x=1",
        "(",
        ")",
        "%",
        "^",
        "if",
        "cd",
        "\u{a0}",
        "\r",
    ];
    let strategy = prop::collection::vec(prop::sample::select(fragments.to_vec()), 1..14)
        .prop_map(|parts| format!("ok {}", parts.concat()));
    let mut runner = TestRunner::new(Config { cases: 3000, failure_persistence: None, ..Config::default() });
    let same = std::cell::Cell::new(0_u32);
    runner
        .run(&strategy, |script| {
            match compare(&stubs, &script, &[]) {
                Verdict::Same => same.set(same.get() + 1),
                Verdict::Outside => {}
                different @ Verdict::Different { .. } => {
                    return Err(TestCaseError::fail(format!("{script:?}: {different:?}")));
                }
            }
            Ok(())
        })
        .unwrap();
    let inside = same.get();
    super::support::say(&format!("{inside} of 3000 generated scripts are inside"));
    assert!(inside >= 150, "only {inside} generated scripts are inside the grammar");
}
