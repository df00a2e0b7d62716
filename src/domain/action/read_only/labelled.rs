//! Every labelled command line of `tests/risk`, judged.
//!
//! The labels were written by hand, by what each line does, and are no one's wish list: `runbooks.tsv` has lines out of real
//! runbooks, `own.tsv` what those lack, with the traps that others fell into. Five fields, tab-separated: label, flags, tool, source,
//! line; in the line `\n`, `\t` and `\\` stand for a line break, a tab and a backslash.

use std::collections::BTreeMap;

use super::*;
use crate::domain::action::grammar::{self, GrammarError, Parsed};
use crate::domain::action::spec::{Origin, Piece};
use crate::domain::procedure::params;

const RUNBOOKS: &str = include_str!("../../../../tests/risk/runbooks.tsv");
const OWN: &str = include_str!("../../../../tests/risk/own.tsv");

/// What a person says that a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Read,
    Change,
    Destroy,
    Unknown,
}

struct Labelled {
    label: Label,
    flags: Vec<&'static str>,
    tool: &'static str,
    line: String,
}

fn labelled(text: &'static str) -> impl Iterator<Item = Labelled> {
    text.lines().map(|row| {
        let [label, flags, tool, _, line] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let label = match label {
            "Read" => Label::Read,
            "Change" => Label::Change,
            "Destroy" => Label::Destroy,
            "Unknown" => Label::Unknown,
            other => panic!("{other}: {row}"),
        };
        Labelled { label, flags: flags.split(',').filter(|flag| *flag != "-").collect(), tool, line: written_out(line) }
    })
}

fn written_out(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        text.push(match c {
            '\\' => match rest.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => panic!("\\{other:?} in {line}"),
            },
            c => c,
        });
    }
    text
}

/// The risk of a line with one harmless word for each parameter; `None` when it cannot be run as it stands.
fn judge(line: &str) -> Option<Risk> {
    let uses = params::find(line);
    let piece = || Piece { text: "bound".to_owned(), origin: Origin::Operator };
    let values: BTreeMap<String, Piece> = uses.iter().map(|param| (param.name.clone(), piece())).collect();
    let invocation = match grammar::parse(line, &uses, &values) {
        Ok(Parsed::Argv(script)) => Invocation::Argv { script },
        Ok(Parsed::Outside { reason }) => Invocation::Bash { script: line.to_owned(), reason, values: BTreeMap::new() },
        Err(GrammarError::Broken(_) | GrammarError::Unbound(_) | GrammarError::BadValues(_)) => return None,
    };
    Some(classify(&invocation).0)
}

/// What takes a line for a read by how it begins, as several tools do.
fn by_prefix(line: &str) -> Risk {
    const READS: [&str; 24] = [
        "cat ",
        "ls",
        "grep ",
        "find ",
        "kubectl get ",
        "kubectl describe ",
        "kubectl logs ",
        "oc get ",
        "oc describe ",
        "oc logs ",
        "git log",
        "git status",
        "git diff",
        "systemctl status ",
        "journalctl",
        "ps ",
        "df",
        "du ",
        "tail ",
        "head ",
        "sort ",
        "awk ",
        "curl ",
        "psql ",
    ];
    if READS.iter().any(|prefix| line.starts_with(prefix)) { Risk::Read } else { Risk::Unknown }
}

/// Lines that are more than a read and were taken for one.
fn underrated(judge: impl Fn(&str) -> Option<Risk>) -> Vec<String> {
    let all = labelled(RUNBOOKS).chain(labelled(OWN));
    let wrong = all.filter(|row| row.label != Label::Read && judge(&row.line).is_some_and(|risk| risk <= Risk::Read));
    wrong.map(|row| format!("{:?} {}: {}", row.label, row.tool, row.line)).collect()
}

#[test]
fn nothing_that_does_more_is_taken_for_a_read() {
    let wrong = underrated(judge);
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_list_of_prefixes_would_be_wrong() {
    let wrong = underrated(|line| Some(by_prefix(line)));
    println!("taken for reads by a list of prefixes, which are none: {}", wrong.len());
    assert!(wrong.len() > 50, "the traps are no traps: {}", wrong.len());
}

#[test]
fn how_many_reads_are_raised_is_known() {
    for (name, text) in [("out of runbooks", RUNBOOKS), ("of our own", OWN)] {
        // What goes on without end, or needs a terminal, is rightly treated in another way.
        let reads: Vec<Labelled> =
            labelled(text).filter(|row| row.label == Label::Read && row.flags.is_empty()).collect();
        let raised = reads.iter().filter(|row| judge(&row.line) != Some(Risk::Read)).count();
        println!("reads {name} that count as more: {raised} of {}", reads.len());
        assert!(raised < reads.len());
    }
}
