//! `aiops policy`: what the gate says of a command, without proposing or running anything.
//!
//! Owns: reading the command from the arguments and printing the judgement. Does not: judge (see `domain::action::risk`).

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Subcommand;
use color_eyre::eyre::Report;
use serde::Serialize;

use super::policy_explain::ExplainArgs;
use super::{Exit, Format, json_line};
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{Connector, Invocation, Origin, Piece, Pipeline, Script, Stage, Word};
use crate::domain::policy::{Verdict, Words};
use crate::domain::procedure::params;
use crate::domain::text;

/// What to ask the gate.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PolicyCommand {
    /// Say what a command would do, and whether it needs a yes. Nothing is run
    Check {
        /// The command: one word is read as a command line of a document, several are the words of one program
        #[arg(required = true, last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Print every rule that is looked at for a command, which decides, and why; exit 3 when it is forbidden
    Explain(ExplainArgs),
}

/// How a command line would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grammar {
    /// Argv by argv, without a shell.
    Inside,
    /// As its exact bytes through `bash`.
    Outside,
    /// Not at all.
    Broken,
}

/// What `--json` prints.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Judgement {
    risk: Risk,
    decision: Verdict,
    grammar: Grammar,
    /// The words of each program that would run, in order; empty when a shell would find them.
    argv: Vec<Vec<String>>,
    reasons: Vec<String>,
}

/// Prints what the gate says of a command; `decide` is the policy.
///
/// # Errors
/// When the output cannot be written.
pub fn check(
    command: &[String],
    decide: impl FnOnce(Words, Risk) -> Verdict,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    let judgement = judge(command, decide);
    print(&judgement, format, out)?;
    Ok(match judgement.decision {
        Verdict::Forbid => Exit::Refused,
        Verdict::Allow | Verdict::Ask => Exit::Done,
    })
}

/// The words of an invocation, as the policy looks at them.
pub(super) fn words_of(invocation: &Invocation) -> Words {
    match invocation {
        Invocation::Argv { script } => Words::of_script(script),
        Invocation::Bash { script, .. } => Words::Script(script.clone()),
    }
}

fn judge(command: &[String], decide: impl FnOnce(Words, Risk) -> Verdict) -> Judgement {
    let (invocation, grammar) = match command {
        [line] => match read(line) {
            Ok(Parsed::Argv(script)) => (Invocation::Argv { script }, Grammar::Inside),
            Ok(Parsed::Outside { reason }) => {
                (Invocation::Bash { script: line.clone(), reason, values: BTreeMap::new() }, Grammar::Outside)
            }
            Err(why) => {
                // It is nothing that could be run, whoever said yes.
                let (risk, decision) = (Risk::Unknown, Verdict::Forbid);
                return Judgement { risk, decision, grammar: Grammar::Broken, argv: Vec::new(), reasons: vec![why] };
            }
        },
        words => (Invocation::Argv { script: one_program(words) }, Grammar::Inside),
    };
    let (risk, reasons) = risk::classify(&invocation);
    let decision = decide(words_of(&invocation), risk);
    Judgement { risk, decision, grammar, argv: argv(&invocation), reasons }
}

/// Reads a line as a document would have it. Each parameter stands for one harmless word: its own name.
fn read(line: &str) -> Result<Parsed, String> {
    let uses = params::find(line);
    let piece = |name: &str| Piece { text: name.to_owned(), origin: Origin::Sop };
    let values = uses.iter().map(|used| (used.name.clone(), piece(&used.name))).collect();
    grammar::parse(line, &uses, &values).map_err(|error| error.to_string())
}

/// Words that a shell has already cut.
fn one_program(words: &[String]) -> Script {
    let argv = words.iter().map(|word| Word::new(word, Origin::Sop)).collect();
    let pipeline = Pipeline::new(vec![Stage::new(argv)]);
    Script::new(vec![(Connector::Always, pipeline)])
}

fn argv(invocation: &Invocation) -> Vec<Vec<String>> {
    match invocation {
        Invocation::Bash { .. } => Vec::new(),
        Invocation::Argv { script } => {
            let stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
            stages.map(|stage| stage.argv.iter().map(Word::text).collect()).collect()
        }
    }
}

fn print(judgement: &Judgement, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => json_line(out, judgement)?,
        Format::Text => {
            let how = match judgement.grammar {
                Grammar::Inside => "runs without a shell",
                Grammar::Outside => "runs through bash",
                Grammar::Broken => "cannot be run as it stands",
            };
            let asks = match judgement.decision {
                Verdict::Allow => "needs no yes",
                Verdict::Ask => "needs a person's yes",
                Verdict::Forbid => "may not be done",
            };
            writeln!(out, "{}: {asks}; {how}", judgement.risk.name())?;
            for words in &judgement.argv {
                let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                writeln!(out, "  {}", text::visible(&words.join(" ")))?;
            }
            for reason in &judgement.reasons {
                writeln!(out, "  - {}", text::visible(reason))?;
            }
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[rstest]
    #[case(&["kubectl get pods -n <namespace> | head -5"], Risk::Read, Grammar::Inside, 2)]
    #[case(&["kubectl", "delete", "ns", "shop"], Risk::Destroy, Grammar::Inside, 1)]
    #[case(&["rm -rf $(cat x)"], Risk::Unknown, Grammar::Outside, 0)]
    #[case(&["echo 'a"], Risk::Unknown, Grammar::Broken, 0)]
    #[case(&["echo", "a; reboot | sh"], Risk::Read, Grammar::Inside, 1)]
    fn a_line_or_words_are_judged(
        #[case] command: &[&str],
        #[case] risk: Risk,
        #[case] grammar: Grammar,
        #[case] programs: usize,
    ) {
        let judgement = judge(&words(command), |_, _| Verdict::Ask);
        assert_eq!(
            (judgement.risk, judgement.grammar, judgement.argv.len()),
            (risk, grammar, programs),
            "{judgement:?}"
        );
        let expected = if grammar == Grammar::Broken { Verdict::Forbid } else { Verdict::Ask };
        assert_eq!(judgement.decision, expected);
        assert!(!judgement.reasons.is_empty());
    }

    #[test]
    fn the_shape_for_programs_is_stable() {
        let mut out = Vec::new();
        let decided = check(&words(&["df -h"]), |_, _| Verdict::Ask, Format::Json, &mut out).unwrap();
        assert_eq!(decided, Exit::Done);
        let printed = String::from_utf8(out).unwrap();
        let expected =
            r#"{"risk":"read","decision":"ask","grammar":"inside","argv":[["df","-h"]],"reasons":["df only looks"]}"#;
        assert_eq!(printed.trim_end(), expected);
    }

    #[test]
    fn people_see_what_is_hidden() {
        let mut out = Vec::new();
        let decided = check(&words(&["echo", "\u{202e}"]), |_, _| Verdict::Forbid, Format::Text, &mut out).unwrap();
        assert_eq!(decided, Exit::Refused);
        assert!(!String::from_utf8(out).unwrap().contains('\u{202e}'));
    }
}
