//! `aiops policy`: what the gate says of a command, without proposing or running anything.
//!
//! Owns: reading the command from the arguments and printing the judgement. Does not: judge (see `domain::action::risk`).

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Subcommand;
use color_eyre::eyre::Report;
use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::{Connector, Invocation, Origin, Piece, Pipeline, Script, Stage, Word};
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
}

/// What the policy says of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// It needs no yes.
    Allow,
    /// A person has to say yes.
    Ask,
}

/// The decision for a risk where no rules are given: only a query needs no yes.
const fn decision(risk: Risk) -> Decision {
    match risk {
        Risk::Query => Decision::Allow,
        Risk::Read | Risk::Change | Risk::Destroy | Risk::Unknown => Decision::Ask,
    }
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
    decision: Decision,
    grammar: Grammar,
    /// The words of each program that would run, in order; empty when a shell would find them.
    argv: Vec<Vec<String>>,
    reasons: Vec<String>,
}

/// Prints what the gate says of a command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(command: &PolicyCommand, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let PolicyCommand::Check { command } = command;
    print(&judge(command), format, out)?;
    Ok(Exit::Done)
}

fn judge(command: &[String]) -> Judgement {
    let (invocation, grammar) = match command {
        [line] => match read(line) {
            Ok(Parsed::Argv(script)) => (Invocation::Argv { script }, Grammar::Inside),
            Ok(Parsed::Outside { reason }) => {
                (Invocation::Bash { script: line.clone(), reason, values: BTreeMap::new() }, Grammar::Outside)
            }
            Err(why) => {
                let risk = Risk::Unknown;
                let (decision, argv) = (decision(risk), Vec::new());
                return Judgement { risk, decision, grammar: Grammar::Broken, argv, reasons: vec![why] };
            }
        },
        words => (Invocation::Argv { script: one_program(words) }, Grammar::Inside),
    };
    let (risk, reasons) = risk::classify(&invocation);
    Judgement { risk, decision: decision(risk), grammar, argv: argv(&invocation), reasons }
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
                Decision::Allow => "needs no yes",
                Decision::Ask => "needs a person's yes",
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
        let judgement = judge(&words(command));
        assert_eq!(
            (judgement.risk, judgement.grammar, judgement.argv.len()),
            (risk, grammar, programs),
            "{judgement:?}"
        );
        assert_eq!(judgement.decision, Decision::Ask);
        assert!(!judgement.reasons.is_empty());
    }

    #[test]
    fn the_shape_for_programs_is_stable() {
        let mut out = Vec::new();
        let command = PolicyCommand::Check { command: words(&["df -h"]) };
        assert_eq!(run(&command, Format::Json, &mut out).unwrap(), Exit::Done);
        let printed = String::from_utf8(out).unwrap();
        let expected =
            r#"{"risk":"read","decision":"ask","grammar":"inside","argv":[["df","-h"]],"reasons":["df only looks"]}"#;
        assert_eq!(printed.trim_end(), expected);
    }

    #[test]
    fn people_see_what_is_hidden() {
        let mut out = Vec::new();
        let command = PolicyCommand::Check { command: words(&["echo", "\u{202e}"]) };
        run(&command, Format::Text, &mut out).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains('\u{202e}'));
    }
}
