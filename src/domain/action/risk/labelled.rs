//! Every labelled command line of `tests/risk`, judged.
//!
//! The labels were written by hand, by what each line does, before there was anything that judged, and are no one's wish list:
//! `runbooks.tsv` has lines out of real runbooks, `own.tsv` what those lack, with the traps that others fell into, `fresh.tsv`
//! lines that were written after the tables, and judged once before anything was mended. Five fields, tab-separated: label, flags,
//! tool, source, line; in the line `\n`, `\t` and `\\` stand for a line break, a tab and a backslash.
//!
//! A third of the lines, chosen by their hash, was set aside: the tables were written with only the others in sight. What the first
//! run found in that third as too low was mended afterwards, by the kind of mistake.

use std::collections::BTreeMap;

use super::*;
use crate::domain::action::grammar::{self, GrammarError, Parsed};
use crate::domain::action::spec::{Origin, Piece};
use crate::domain::procedure::params;

const FILES: [(&str, &str); 3] = [
    ("runbooks", include_str!("../../../../tests/risk/runbooks.tsv")),
    ("own", include_str!("../../../../tests/risk/own.tsv")),
    ("fresh", include_str!("../../../../tests/risk/fresh.tsv")),
];

struct Labelled {
    label: Risk,
    flags: Vec<&'static str>,
    tool: &'static str,
    line: String,
    held_out: bool,
}

fn labelled(text: &'static str) -> impl Iterator<Item = Labelled> {
    text.lines().map(|row| {
        let [label, flags, tool, _, line] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let label = match label {
            "Read" => Risk::Read,
            "Change" => Risk::Change,
            "Destroy" => Risk::Destroy,
            "Unknown" => Risk::Unknown,
            other => panic!("{other}: {row}"),
        };
        let flags = flags.split(',').filter(|flag| *flag != "-").collect();
        Labelled { label, flags, tool, line: written_out(line), held_out: fnv(line).is_multiple_of(3) }
    })
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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

/// What comes of a line with one harmless word for each parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judged {
    /// Inside the grammar.
    Inside(Risk, Vec<String>),
    /// Only a shell can run it.
    Outside(String),
    /// It cannot be run as it stands, whatever the values are.
    NotRunnable,
}

impl Judged {
    fn risk(&self) -> Option<Risk> {
        match self {
            Self::Inside(risk, _) => Some(*risk),
            Self::Outside(_) => Some(Risk::Unknown),
            Self::NotRunnable => None,
        }
    }
}

/// `origin` is where the words come from that stand for parameters.
fn judge_with(line: &str, origin: &Origin) -> Judged {
    let uses = params::find(line);
    let piece = || Piece { text: "bound".to_owned(), origin: origin.clone() };
    let values: BTreeMap<String, Piece> = uses.iter().map(|param| (param.name.clone(), piece())).collect();
    match grammar::parse(line, &uses, &values) {
        Ok(Parsed::Argv(script)) => {
            let (risk, reasons) = classify(&Invocation::Argv { script });
            Judged::Inside(risk, reasons)
        }
        Ok(Parsed::Outside { reason }) => Judged::Outside(reason),
        Err(GrammarError::Broken(_) | GrammarError::Unbound(_) | GrammarError::BadValues(_)) => Judged::NotRunnable,
    }
}

/// The labels take a placeholder for a word of the document.
fn judge(line: &str) -> Judged {
    judge_with(line, &Origin::Sop)
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

/// `Unknown` asks for the same as `Destroy`.
fn friction(risk: Risk) -> Risk {
    risk.min(Risk::Destroy)
}

/// Lines that are more than they were taken for.
fn underrated(judge: impl Fn(&str) -> Option<Risk>) -> Vec<String> {
    let all = FILES.iter().flat_map(|(name, text)| labelled(text).map(move |row| (name, row)));
    all.filter_map(|(name, row)| {
        let risk = judge(&row.line)?;
        (friction(risk) < friction(row.label)).then(|| {
            let held = if row.held_out { ", held out" } else { "" };
            format!("{:?} taken for {risk:?} ({name}{held}) {}: {}", row.label, row.tool, row.line)
        })
    })
    .collect()
}

#[test]
fn nothing_that_does_more_is_taken_for_less() {
    let wrong = underrated(|line| judge(line).risk());
    println!("lines that do more than they were taken for: {}", wrong.len());
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_list_of_prefixes_would_be_wrong() {
    let wrong = underrated(|line| Some(by_prefix(line)));
    println!("lines that a list of prefixes takes for less than they do: {}", wrong.len());
    assert!(wrong.len() > 50, "the traps are no traps: {}", wrong.len());
}

/// How many reads count as more, and why.
#[derive(Default)]
struct Raised {
    reads: usize,
    by_judgement: usize,
    by_grammar: usize,
    not_runnable: usize,
    lines: Vec<String>,
}

impl Raised {
    fn add(&mut self, row: &Labelled, judged: Judged) {
        self.reads += 1;
        let (counter, why) = match judged {
            Judged::Inside(risk, _) if risk <= Risk::Read => return,
            Judged::Inside(_, reasons) => (&mut self.by_judgement, reasons.join("; ")),
            Judged::Outside(reason) => (&mut self.by_grammar, format!("outside: {reason}")),
            Judged::NotRunnable => (&mut self.not_runnable, "cannot be run as it stands".to_owned()),
        };
        *counter += 1;
        self.lines.push(format!("{} [{}]: {} ({why})", row.tool, row.flags.join(","), row.line));
    }

    fn all(&self) -> usize {
        self.by_judgement + self.by_grammar + self.not_runnable
    }
}

/// The share of reads that the judgement may raise by itself, in thousandths.
const MAX_RAISED_PER_MILLE: usize = 50;

#[test]
fn few_reads_are_raised() {
    let show = option_env!("AIOPS_SHOW").is_some();
    for (name, text) in FILES {
        let mut tools: BTreeMap<&str, Raised> = BTreeMap::new();
        let mut parts: BTreeMap<&str, Raised> = BTreeMap::new();
        for row in labelled(text).filter(|row| row.label == Risk::Read) {
            let judged = judge(&row.line);
            let part = if row.held_out { "held out" } else { "in sight" };
            parts.entry(part).or_default().add(&row, judged.clone());
            parts.entry("all").or_default().add(&row, judged.clone());
            tools.entry(row.tool).or_default().add(&row, judged);
        }
        for (part, raised) in &parts {
            println!(
                "{name}, {part}: {} reads; {} count as more by judgement, {} because only a shell can run them, {} cannot be run",
                raised.reads, raised.by_judgement, raised.by_grammar, raised.not_runnable
            );
            if show && *part == "in sight" {
                println!("{}", raised.lines.join("\n"));
            }
            assert!(
                raised.by_judgement * 1000 <= raised.reads * MAX_RAISED_PER_MILLE,
                "{name}, {part}:\n{}",
                raised.lines.join("\n")
            );
        }
        for (tool, raised) in tools.iter().filter(|(_, raised)| raised.all() > 0) {
            println!("  {tool}: {} of {}", raised.all(), raised.reads);
        }
    }
}

#[test]
fn changes_and_the_unknown_are_told_apart() {
    for (name, text) in FILES {
        let mut table: BTreeMap<(Risk, Option<Risk>), usize> = BTreeMap::new();
        for row in labelled(text) {
            *table.entry((row.label, judge(&row.line).risk())).or_default() += 1;
        }
        println!("{name}: {table:?}");
        let told = |risk| table.get(&(risk, Some(risk))).copied().unwrap_or_default();
        assert!(told(Risk::Change) > 0 && told(Risk::Destroy) > 0, "{name}: {table:?}");
    }
}

/// Parameters that a person typed: where they name a host that is asked, it is more than a read.
#[test]
fn typed_values_raise_what_asks_hosts() {
    for (name, text) in FILES {
        let reads = |row: &Labelled| judge(&row.line).risk() == Some(Risk::Read);
        let raised = labelled(text)
            .filter(|row| reads(row) && judge_with(&row.line, &Origin::Operator).risk() != Some(Risk::Read));
        println!("{name}: reads that count as more when a typed value stands for each parameter: {}", raised.count());
    }
    assert_eq!(judge_with("ping -c 1 <host>", &Origin::Operator).risk(), Some(Risk::Unknown));
    assert_eq!(judge_with("df -h <path>", &Origin::Operator).risk(), Some(Risk::Read));
}
