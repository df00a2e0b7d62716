//! Risk of a command, from its parsed words.
//!
//! Owns: the levels, and what judges a command line: tables of knowledge per program (`tools/*.toml`), and code for the
//! languages that arguments can be written in (SQL, expressions of `find`, programs of `sed` and `awk`, …). Does not: decide
//! what may run (policy does), or look at anything but the words.
//!
//! Invariants: nothing is judged by a prefix: every word of a command has been looked at and is known, else the command is
//! `Unknown`. A program counts only by its bare name or in a directory of the system, since `./cat` may be anything. A
//! command is the highest of its parts. Tables that cannot be read make everything `Unknown`.
//!
//! What only looks starts no other program but those that only look, writes no file and sends nothing but the request for
//! what it reads. Whoever is asked over the network is named by the document, never by a value that came from outside: the
//! request itself can have effects there. It says nothing about load (`find /`), about secrets in what is read, or about how
//! long it takes: every attempt has a time limit.

pub(super) mod apart;
mod asked;
mod awk;
mod checks;
mod curl;
mod databases;
mod files;
mod find;
mod git;
mod items;
mod javascript;
mod jq;
mod judge;
mod kubernetes;
mod network;
mod options;
mod programs;
mod sed;
mod shell;
mod signals;
pub(super) mod sql;
mod tool;
mod wrappers;

use serde::{Deserialize, Serialize};

use super::spec::{Invocation, Script, Stage, Word};
use judge::{Context, Finding, Input};

/// How much harm an action can do. The order is the order of friction; `Unknown` is treated as `Destroy` and stands above
/// it so that the highest of several parts is simply the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A typed call of an adapter, never a process.
    Query,
    /// A process that only looks.
    Read,
    /// It changes something that can be changed back.
    Change,
    /// It takes something away.
    Destroy,
    /// We cannot tell.
    Unknown,
}

impl Risk {
    /// The name in screens, JSON and digests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Read => "Read",
            Self::Change => "Change",
            Self::Destroy => "Destroy",
            Self::Unknown => "Unknown",
        }
    }
}

/// Whether anything is known of the program `name`.
#[cfg(test)]
pub(super) fn is_known(name: &str) -> bool {
    tool::find(name).is_some()
}

/// The risk of `invocation`, the highest of its parts, and why: one sentence for each different program.
#[must_use]
pub fn classify(invocation: &Invocation) -> (Risk, Vec<String>) {
    match invocation {
        Invocation::Bash { reason, .. } => {
            (Risk::Unknown, vec![format!("Only a shell can run it, and what a shell does is not judged: {reason}")])
        }
        Invocation::Argv { script } => {
            let findings = of_script(script, &Context::default());
            if findings.is_empty() {
                return (Risk::Read, vec!["No program runs; later steps find what it sets".to_owned()]);
            }
            let risk = findings.iter().map(|finding| finding.risk).max().unwrap_or(Risk::Unknown);
            let mut reasons: Vec<String> = Vec::new();
            for finding in findings {
                if !reasons.contains(&finding.why) {
                    reasons.push(finding.why);
                }
            }
            (risk, reasons)
        }
    }
}

/// The risk of giving the variable `name` with `value` to a command, and why. What a command does with its words can depend on
/// its variables (`PAGER`, `LD_PRELOAD`, `KUBECONFIG`), so only those that are known to be harmless are `Read`.
#[must_use]
pub fn classify_variable(name: &str, value: &str) -> (Risk, String) {
    let finding = wrappers::variable(name, value);
    (finding.risk, finding.why)
}

/// The risk of each stage of a script, its variables included.
#[must_use]
pub fn of_stages(script: &Script) -> Vec<Risk> {
    let mut risks = Vec::new();
    each_stage(script, &Context::default(), |found| {
        risks.push(found.iter().map(|finding| finding.risk).max().unwrap_or(Risk::Unknown));
    });
    risks
}

/// What is found of each stage of a script.
fn of_script(script: &Script, context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    each_stage(script, context, |found| findings.extend(found));
    findings
}

/// Hands what is found of each stage to `take`: of its words first, then of its variables.
fn each_stage(script: &Script, context: &Context<'_>, mut take: impl FnMut(Vec<Finding>)) {
    for (_, pipeline) in &script.parts {
        let mut input = context.input.clone();
        for stage in &pipeline.stages {
            let words: Vec<String> = stage.argv.iter().map(Word::text).collect();
            let texts: Vec<&str> = words.iter().map(String::as_str).collect();
            let outside = outside_words(stage);
            let all: Vec<&str> = context.outside.iter().copied().chain(outside.iter().map(String::as_str)).collect();
            let inner = Context { input: input.clone(), outside: &all, depth: context.depth };
            // In front of it, or exported before: variables change what it does as much as its arguments can.
            let variables = stage.env.iter().map(|(name, value)| wrappers::variable(name, &value.text()));
            take(std::iter::once(judge::words(&texts, &inner)).chain(variables).collect());
            input = Input::after(&texts, &input);
        }
    }
}

/// The words that an alert, a keyboard or a model has a part in.
fn outside_words(stage: &Stage) -> Vec<String> {
    let foreign = |word: &&Word| word.pieces.iter().any(|piece| piece.origin.is_outside());
    stage.argv.iter().filter(foreign).map(Word::text).collect()
}

#[cfg(test)]
mod labelled;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
