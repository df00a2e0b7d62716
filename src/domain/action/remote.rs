//! What the shell of another host is told.
//!
//! Owns: the one text that `ssh` hands over for an action, and `kubectl` for what is more than one program; it is shown, hashed
//! and sent as it is. Does not: connect to anything, or read what comes back (see `adapters::{ssh, kubectl}`).
//!
//! Invariants:
//! - Every word of the script stands in it as one quoted word: the other shell cannot take a value for more than a word.
//! - Programs are started by `exec`, so that no builtin, alias, function or keyword of that shell stands in for them.
//! - It starts nothing of the script before the line [`BEGAN`] is on its way, and ends with the line [`ENDED`]. Both go to
//!   its standard error; everything that the script writes goes to its standard output.
//! - A lost connection ends nothing: what the script writes then is read and thrown away.

use super::script::logical;
use super::spec::{ActionSpec, Connector, Execution, Invocation, Pipeline, Redirect, Stage, Target, Word};

/// Begins the line that says that the script begins; its process group follows.
pub const BEGAN: &str = "aiops-began ";
/// Begins the line that tells of a pipeline that failed: its number from 0, and the status of each stage.
pub const FAILED: &str = "aiops-failed ";
/// Begins the line that says that the script has ended; its exit status follows.
pub const ENDED: &str = "aiops-ended ";

/// The exit status when the working directory cannot be used, before anything is started.
pub const NO_DIRECTORY: i32 = 126;

/// Tells of a pipeline that failed, and whether it counts as failed: not when only SIGPIPE (141) ended stages whose readers
/// had enough. The status is that of the first stage that failed, as on this host.
const JUDGE: &str = "q(){ local s a=0 b=0; echo aiops-failed \"$@\" >&3; shift; for s; do [ $s = 0 ] || \
{ [ $a != 0 ] || a=$s; [ $s = 141 ] || b=1; }; done; [ $s != 141 ] || b=1; [ $b = 0 ] || return $a; }";

/// Takes what the script writes. When nobody listens any more, it goes on reading.
const SINK: &str = "(trap '' HUP PIPE; cat; exec cat >/dev/null) 2>/dev/null 3>&- 4>&-";

/// Gives a program its own error messages, but not those of the shell, and no other descriptor. Redirections of the script
/// stand behind it.
const OWN: &str = " 2>&4 3>&- 4>&-";

/// What the shell of the action's host is told by `ssh`; `None` when the action runs without one.
#[must_use]
pub fn text(spec: &ActionSpec) -> Option<String> {
    match spec.target {
        Target::Ssh(_) => Some(format!("exec bash --noprofile --norc -c {}", quoted(&script(spec)?))),
        Target::ThisHost { .. } | Target::Container(_) => None,
    }
}

/// What a `bash` runs there; `None` when the action runs on this host.
#[must_use]
pub fn script(spec: &ActionSpec) -> Option<String> {
    if spec.target.is_here() {
        return None;
    }
    let body = body(&spec.invocation);
    let directory = format!("cd -- {} || exit {NO_DIRECTORY}", quoted(&spec.cwd));
    Some(match spec.mode {
        Execution::Supervised => format!(
            "{directory}; set -o pipefail; exec 3>&2; {JUDGE}; echo {BEGAN}$$ >&3; {{ {body}; }} 4>&1 2>/dev/null | {SINK}; \
             s=${{PIPESTATUS[0]}}; echo {ENDED}$s >&3; exit $s"
        ),
        // The terminal is the person's: nothing else may write to it.
        Execution::Interactive => format!("{directory}; set -o pipefail; exec 3>/dev/null 4>&2; {JUDGE}; {body}"),
    })
}

fn body(invocation: &Invocation) -> String {
    let script = match invocation {
        Invocation::Argv { script } => script,
        Invocation::Bash { script, values, .. } => {
            let values = values.iter().map(|(name, piece)| format!("{name}={} ", quoted(&piece.text)));
            let values: String = values.collect();
            let bash = format!("({values}exec bash --noprofile --norc -c {}{OWN})", quoted(script));
            return judged(0, &bash);
        }
    };
    let mut text = String::new();
    for (number, (connector, pipeline)) in script.parts.iter().enumerate() {
        text.push_str(match connector {
            _ if number == 0 => "",
            Connector::Always => "; ",
            Connector::AndThen => " && ",
            Connector::OrElse => " || ",
        });
        text.push_str(&judged(number, &of_pipeline(pipeline)));
    }
    if text.is_empty() {
        text.push(':');
    }
    // The next step would begin where there is nothing.
    if let Some(left) = &script.leaves.directory {
        text.push_str(&format!(" && ({})", change_to(left)));
    }
    text
}

fn judged(number: usize, pipeline: &str) -> String {
    format!("{{ {pipeline} || q {number} \"${{PIPESTATUS[@]}}\"; }}")
}

fn of_pipeline(pipeline: &Pipeline) -> String {
    let directory = pipeline.directory.as_ref().map(|directory| format!("{}; ", change_to(directory)));
    let directory = directory.unwrap_or_default();
    pipeline.stages.iter().map(|stage| of_stage(stage, &directory)).collect::<Vec<_>>().join(" | ")
}

fn change_to(directory: &Word) -> String {
    format!("cd -- {} 2>&4 || exit {NO_DIRECTORY}", quoted(&logical(&directory.text())))
}

fn of_stage(stage: &Stage, directory: &str) -> String {
    let words: Vec<String> = stage.argv.iter().map(Word::text).map(|word| quoted(&word)).collect();
    let variables = stage.environment().map(|(name, value)| format!("export {name}={}; ", quoted(&value)));
    let variables: String = variables.collect();
    let mut text = format!("({directory}{variables}exec -- {}{OWN}", words.join(" "));
    for redirect in &stage.redirects {
        text.push_str(match redirect {
            Redirect::OutToNull => " >/dev/null",
            Redirect::ErrToNull => " 2>/dev/null",
            Redirect::ErrToOut => " 2>&1",
            Redirect::OutToErr => " >&2",
        });
    }
    text.push(')');
    text
}

/// `word` as one word of a shell: in single quotes, unless no shell gives any of its characters a meaning.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("web-1", "web-1")]
    #[case("", "''")]
    #[case("a b", "'a b'")]
    #[case("it's", r"'it'\''s'")]
    #[case("~root", "'~root'")]
    #[case("$(id)", "'$(id)'")]
    #[case("a\nb", "'a\nb'")]
    #[case("A=1", "'A=1'")]
    fn words_stay_words(#[case] word: &str, #[case] expected: &str) {
        assert_eq!(quoted(word), expected);
    }
}
