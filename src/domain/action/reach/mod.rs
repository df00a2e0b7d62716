//! What a command would touch, as far as its words tell, and the question that tells more.
//!
//! Owns: the files, units, processes, tables and objects that parsed words name, and the read that lists the objects of a
//! cluster which a change selects (`kubectl get … -o name`, never a dry run of the change). Does not: run that read, judge
//! risk, or change what is hashed of the action that it is about.
//!
//! Invariants: names are taken from arguments that are known to the tables of `risk`; where one word is not known, nothing is
//! said but that it cannot be told (of programs that have no table of options, every word without a dash counts). Parts that only look are left out. A read keeps the origins of the words that it takes
//! over, its program, context, namespace, variables and directory; what is not `Read` by the same tables is never offered.

mod kubernetes;
mod look_up;
mod named;
pub mod seen;

use super::grammar::{self, Parsed};
use super::risk::apart::{Apart, apart};
use super::risk::{self, Risk};
use super::spec::{ActionSpec, Invocation, Pipeline, Script, Stage, Word};

pub use look_up::{LookUp, STEP, key_of, look_up, seen_with_another_kubeconfig};

/// Commands inside commands that are looked into.
const MAX_DEPTH: u8 = 6;

/// What an action would touch, part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// What each program says, in order; those that only look are left out.
    pub parts: Vec<Part>,
}

/// What one program of an action would touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The program's name. Foreign text.
    pub program: String,
    /// Another host on which it is, by the words of an `ssh`. Foreign text.
    pub host: Option<String>,
    /// What its words say.
    pub says: Says,
    /// Stages that list the objects of a cluster which it selects; empty when there is no such question.
    pub questions: Vec<Pipeline>,
}

/// What the words of a program say of what it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// These things, by their names.
    Named(Vec<Things>),
    /// Nothing; why, as a clause.
    Untold(String),
}

/// Things of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Things {
    /// What they are, in the plural (`units`), with where they are when that is said (`pods in namespace shop`). May hold
    /// foreign text.
    pub what: String,
    /// Their names as given; empty when all of them are meant. Foreign text.
    pub names: Vec<String>,
}

impl Things {
    fn new(what: impl Into<String>, names: Vec<String>) -> Self {
        Self { what: what.into(), names }
    }
}

impl Says {
    fn untold(why: impl Into<String>) -> Self {
        Self::Untold(why.into())
    }

    /// These things; what there is to say of the program when there are none.
    fn named_or(things: Vec<Things>, why: &str) -> Self {
        if things.is_empty() { Self::untold(why) } else { Self::Named(things) }
    }
}

/// What `spec` would touch. Empty for what only looks.
#[must_use]
pub fn of(spec: &ActionSpec) -> Reach {
    if spec.risk <= Risk::Read {
        return Reach::default();
    }
    let mut parts = match &spec.invocation {
        Invocation::Argv { script } => of_script(script, None, 0),
        Invocation::Bash { .. } => {
            let why = "only a shell can tell what these bytes do";
            vec![Part { program: "bash".to_owned(), host: None, says: Says::untold(why), questions: Vec::new() }]
        }
    };
    if spec.mode == super::spec::Execution::Interactive {
        let why = "it is interactive: what will be typed into it is not known now";
        parts.push(Part {
            program: "the terminal".to_owned(),
            host: None,
            says: Says::untold(why),
            questions: Vec::new(),
        });
    }
    Reach { parts }
}

impl Reach {
    /// Every question that lists objects, each once.
    #[must_use]
    pub fn questions(&self) -> Vec<&Pipeline> {
        let mut questions: Vec<&Pipeline> = Vec::new();
        for question in self.parts.iter().flat_map(|part| &part.questions) {
            if !questions.contains(&question) {
                questions.push(question);
            }
        }
        questions
    }
}

fn of_script(script: &Script, host: Option<&str>, depth: u8) -> Vec<Part> {
    let risks = risk::of_stages(script);
    let stages =
        script.parts.iter().flat_map(|(_, pipeline)| pipeline.stages.iter().map(move |stage| (pipeline, stage)));
    let mut parts = Vec::new();
    for ((pipeline, stage), risk) in stages.zip(risks) {
        if risk > Risk::Read {
            parts.extend(of_stage(stage, pipeline, host, depth));
        }
    }
    parts
}

/// A stage, seen as a command inside others.
struct Seen<'s> {
    stage: &'s Stage,
    pipeline: &'s Pipeline,
    host: Option<&'s str>,
    depth: u8,
}

fn of_stage(stage: &Stage, pipeline: &Pipeline, host: Option<&str>, depth: u8) -> Vec<Part> {
    if let Some(remote) = grammar::remote(stage) {
        return of_remote(&remote, depth);
    }
    of_words(0, &Seen { stage, pipeline, host, depth })
}

/// What another host's shell is told.
fn of_remote(remote: &grammar::Remote, depth: u8) -> Vec<Part> {
    let host = Some(remote.host.as_str());
    match &remote.script {
        Some(script) if depth < MAX_DEPTH => {
            let mut parts = of_script(script, host, depth + 1);
            // What would have to be asked there is asked by nobody here.
            parts.iter_mut().for_each(|part| part.questions.clear());
            parts
        }
        Some(_) | None => {
            let says = Says::untold("only a shell on that host can tell what it is told");
            vec![Part { program: "ssh".to_owned(), host: Some(remote.host.clone()), says, questions: Vec::new() }]
        }
    }
}

/// What the words of a stage from number `first` on touch; those before only put something in front of a command.
fn of_words(first: usize, seen: &Seen<'_>) -> Vec<Part> {
    let argv = seen.stage.argv.get(first..).unwrap_or_default();
    let words: Vec<String> = argv.iter().map(Word::text).collect();
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = texts.first().copied().unwrap_or_default();
    let part = |says: Says, questions: Vec<Pipeline>| Part {
        program: program.to_owned(),
        host: seen.host.map(str::to_owned),
        says,
        questions,
    };
    let Some(found) = apart(&texts) else {
        return vec![part(Says::untold("a word of it is not known"), Vec::new())];
    };
    if let Some(inner) = wrapped(&found, &texts) {
        return match inner {
            Some(skipped) if first + skipped < seen.stage.argv.len() => of_words(first + skipped, seen),
            Some(_) | None => vec![part(Says::untold("it runs another command, which is not named"), Vec::new())],
        };
    }
    match found.name {
        "sh" | "bash" | "dash" | "ash" | "zsh" => of_text(&found, seen, &part),
        "xargs" | "parallel" => {
            vec![part(Says::untold("what it is given comes from the output of another command"), Vec::new())]
        }
        "kubectl" | "oc" => {
            let says = kubernetes::says(&found);
            let questions = kubernetes::questions(&found, argv);
            let questions = questions.into_iter().map(|question| asked(question, first, seen)).collect();
            let mut parts = vec![part(says, questions)];
            parts.extend(inside(&found, seen));
            parts
        }
        _ => vec![part(named::says(&found), Vec::new())],
    }
}

/// How many words stand before the command that this one runs; the inner `None` when there is none.
#[allow(clippy::option_option)]
fn wrapped(found: &Apart<'_>, texts: &[&str]) -> Option<Option<usize>> {
    let behind = found.behind_dashes.as_deref().unwrap_or_default();
    let operands: Vec<&str> = found.operands.iter().chain(behind).copied().collect();
    let skipped = match (found.name, found.wraps) {
        ("kubectl" | "oc", _) => return None,
        ("sudo" | "env" | "ionice" | "chrt", _) => operands.iter().take_while(|word| is_assignment(word)).count(),
        (_, Some(skipped)) => skipped,
        (_, None) => return None,
    };
    // Options end where the other command begins, so its words are the last ones.
    Some(operands.len().checked_sub(skipped).filter(|left| *left > 0).map(|left| texts.len() - left))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.starts_with('-') && !name.contains('/'))
}

/// What `sh -c TEXT` touches.
fn of_text(found: &Apart<'_>, seen: &Seen<'_>, part: &impl Fn(Says, Vec<Pipeline>) -> Part) -> Vec<Part> {
    let untold = |why: &str| vec![part(Says::untold(why), Vec::new())];
    let (Some(text), true) = (found.operands.first(), found.has(&["-c"])) else {
        return untold("it is a script, which is not looked into");
    };
    match grammar::parse(text, &[], &std::collections::BTreeMap::new()) {
        Ok(Parsed::Argv(script)) if seen.depth < MAX_DEPTH => {
            let mut parts = of_script(&script, seen.host, seen.depth + 1);
            // Its words have no places in this command, so that nothing of it can be asked.
            parts.iter_mut().for_each(|part| part.questions.clear());
            parts
        }
        _ => untold("only a shell can tell what its text does"),
    }
}

/// What a command touches that is run inside a pod: `exec POD -- COMMAND`.
fn inside(found: &Apart<'_>, seen: &Seen<'_>) -> Vec<Part> {
    let command = found.command.as_str();
    let Some(behind) = found.behind_dashes.as_deref().filter(|_| matches!(command, "exec" | "rsh" | "debug")) else {
        return Vec::new();
    };
    if behind.is_empty() || seen.depth >= MAX_DEPTH {
        return Vec::new();
    }
    let first = seen.stage.argv.len().saturating_sub(behind.len());
    let words = seen.stage.argv.get(first..).unwrap_or_default().to_vec();
    let pod = kubernetes::pod_of(found);
    let script = Script::new(vec![(super::spec::Connector::Always, Pipeline::new(vec![Stage::new(words)]))]);
    let mut parts = of_script(&script, pod.as_deref().or(seen.host), seen.depth + 1);
    parts.iter_mut().for_each(|part| part.questions.clear());
    parts
}

/// A question with what stands before the command, its variables and its directory.
fn asked(words: Vec<Word>, first: usize, seen: &Seen<'_>) -> Pipeline {
    let before = seen.stage.argv.get(..first).unwrap_or_default();
    let argv = before.iter().cloned().chain(words).collect();
    let stage = Stage { argv, redirects: Vec::new(), env: seen.stage.env.clone() };
    Pipeline { stages: vec![stage], directory: seen.pipeline.directory.clone() }
}

#[cfg(test)]
mod tests;
