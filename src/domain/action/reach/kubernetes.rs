//! What `kubectl` and `oc` touch: the objects that their words name or select, and how to list them.
//!
//! Owns: which operands of which command are names of objects, and the words of `get … -o name`. Does not: know which kinds
//! there are; those are taken as written.

use super::{Says, Things};
use crate::domain::action::risk::apart::Apart;
use crate::domain::action::spec::{Origin, Piece, Word};

/// What a command means by its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Objects {
    /// `KIND NAME…` or `KIND/NAME…`.
    Typed(Vec<String>),
    /// Names of objects of this kind.
    Of(&'static str, Vec<String>),
    /// Objects that are described in files, or in a directory of them.
    Files(Vec<String>),
    /// Objects that are not there yet.
    New(Vec<String>),
}

/// Options that choose the cluster and the namespace; a listing takes them over.
const WHERE: [&str; 7] = ["-n", "--namespace", "--context", "--cluster", "--user", "-A", "--all-namespaces"];
/// Options that select objects.
const SELECTORS: [&str; 3] = ["-l", "--selector", "--field-selector"];
/// With these somebody else looks, or elsewhere: a listing would have to do that too, and is not known to only look then.
const ANOTHER: [&str; 5] = ["--as", "--as-group", "--as-uid", "-s", "--server"];
const FILES: [&str; 4] = ["-f", "--filename", "-k", "--kustomize"];

/// What the words of a command say.
pub(super) fn says(found: &Apart<'_>) -> Says {
    let Some(objects) = objects(found) else {
        return Says::untold("its words do not say which objects it changes");
    };
    let place = place(found);
    let selected = selection(found);
    let things = match objects {
        Objects::Typed(words) => typed(&words, &selected, &place),
        Objects::Of(kind, names) if names.is_empty() && selected.is_empty() => vec![Things::new(kind, names)],
        Objects::Of(kind, names) => vec![Things::new(format!("{kind}{selected}{}", scope_of(kind, &place)), names)],
        Objects::Files(files) => vec![Things::new(format!("objects that are described in files{place}"), files)],
        Objects::New(names) => vec![Things::new(format!("new objects{place}"), names)],
    };
    let mut things = things;
    if found.command.ends_with("drain") {
        things.push(Things::new("pods on these nodes", Vec::new()));
    }
    if things.iter().any(|things| is_namespace(&things.what)) && found.command == "delete" {
        things.push(Things::new("everything in these namespaces", Vec::new()));
    }
    Says::named_or(things, "its words do not say which objects it changes")
}

fn is_namespace(what: &str) -> bool {
    let kind = what.split([' ', '/']).next().unwrap_or_default();
    matches!(kind, "namespace" | "namespaces" | "ns" | "project" | "projects")
}

/// Nodes and their like are in no namespace.
fn scope_of(kind: &str, place: &str) -> String {
    if kind == "nodes" { String::new() } else { place.to_owned() }
}

/// `KIND NAME…`, `KIND/NAME…`, or kinds alone.
fn typed(words: &[String], selected: &str, place: &str) -> Vec<Things> {
    if words.iter().any(|word| word.contains('/')) {
        return vec![Things::new(format!("objects{selected}{place}"), words.to_vec())];
    }
    match words.split_first() {
        None => Vec::new(),
        Some((kind, names)) if is_namespace(kind) => vec![Things::new(kind.clone(), names.to_vec())],
        Some((kind, names)) => vec![Things::new(format!("{kind}{selected}{place}"), names.to_vec())],
    }
}

/// ` in namespace shop`, with the context where one is named.
fn place(found: &Apart<'_>) -> String {
    let namespace = found.values(&["-n", "--namespace"]).last();
    let mut place = match namespace {
        _ if found.has(&["-A", "--all-namespaces"]) => " in all namespaces".to_owned(),
        Some(namespace) => format!(" in namespace {namespace}"),
        None => " in the namespace that the kubeconfig says".to_owned(),
    };
    if let Some(context) = found.values(&["--context"]).last() {
        place.push_str(&format!(" of context {context}"));
    }
    place
}

/// ` with app=x`; all of a kind, when that is asked for.
fn selection(found: &Apart<'_>) -> String {
    let selectors: Vec<&str> = found.values(&SELECTORS).collect();
    match (selectors.is_empty(), found.has(&["--all"])) {
        (false, _) => format!(" with {}", selectors.join(" and ")),
        (true, true) => " (all of them)".to_owned(),
        (true, false) => String::new(),
    }
}

/// What the operands mean; `None` when that is not known.
fn objects(found: &Apart<'_>) -> Option<Objects> {
    let files: Vec<String> = found.values(&FILES).map(str::to_owned).collect();
    let operands = || found.operands.iter().map(|word| (*word).to_owned());
    let without = |marks: &[char]| -> Vec<String> {
        operands().filter(|word| !word.contains(marks) && !word.ends_with('-')).collect()
    };
    let command = found.command.strip_prefix("adm ").unwrap_or(&found.command);
    Some(match command {
        "delete" if found.has(&["--raw"]) => return None,
        "apply" | "replace" | "delete" | "patch" | "scale" | "label" | "annotate" if !files.is_empty() => {
            Objects::Files(files)
        }
        "create" if !files.is_empty() => Objects::Files(files),
        "create" | "run" | "new-project" | "expose service" => Objects::New(operands().collect()),
        "delete" | "patch" | "edit" | "scale" | "autoscale" | "expose" => Objects::Typed(operands().collect()),
        "rollout restart" | "rollout undo" | "rollout pause" | "rollout resume" | "rollout latest"
        | "rollout cancel" | "rollout retry" => Objects::Typed(operands().collect()),
        "label" | "annotate" | "set image" | "set env" | "set resources" | "set selector" | "set volume"
        | "set volumes" | "set probe" => Objects::Typed(without(&['='])),
        "set serviceaccount" => {
            let mut words: Vec<String> = operands().collect();
            words.pop();
            Objects::Typed(words)
        }
        "cordon" | "uncordon" | "drain" => Objects::Of("nodes", operands().collect()),
        "taint" => Objects::Of("nodes", without(&['=', ':']).into_iter().skip(1).collect()),
        "certificate approve" | "certificate deny" => Objects::Of("certificate requests", operands().collect()),
        "exec" | "rsh" | "attach" | "port-forward" | "debug" => Objects::Of("pods", operands().take(1).collect()),
        "cp" | "rsync" => Objects::Of("pods", copied(found)),
        _ => return None,
    })
}

/// The pods that files are copied into or out of: `NAMESPACE/POD:PATH`.
fn copied(found: &Apart<'_>) -> Vec<String> {
    let pod = |word: &&str| word.split_once(':').map(|(pod, _)| pod.to_owned());
    found.operands.iter().filter_map(pod).filter(|pod| !pod.is_empty()).collect()
}

/// The pod in which a command is run.
pub(super) fn pod_of(found: &Apart<'_>) -> Option<String> {
    found.operands.first().map(|pod| format!("pod {pod}"))
}

/// The words of the reads that list what a command would touch; none when its words do not lead to any.
pub(super) fn questions(found: &Apart<'_>, argv: &[Word]) -> Vec<Vec<Word>> {
    if found.has(&ANOTHER) {
        return Vec::new();
    }
    let selects = found.has(&SELECTORS) || found.has(&["--all"]);
    let Some(objects) = objects(found) else { return Vec::new() };
    match objects {
        Objects::New(_) => Vec::new(),
        Objects::Files(files) if files.iter().any(|file| file == "-" || file.contains("://")) => Vec::new(),
        Objects::Files(_) => {
            let files = found.options.iter().filter(|(name, _)| FILES.contains(&name.as_str()));
            let files = files.flat_map(|(name, value)| [Some(made(name)), value.map(|value| taken(value, argv))]);
            vec![listing(found, argv, files.flatten().collect(), &[])]
        }
        Objects::Typed(words) => {
            let named = words.len() > 1 || words.first().is_some_and(|word| word.contains('/'));
            if words.is_empty() || !(named || selects) {
                return Vec::new();
            }
            vec![listing(found, argv, words.iter().map(|word| taken(word, argv)).collect(), &SELECTORS)]
        }
        Objects::Of("nodes", names) => {
            let mut questions = Vec::new();
            if !names.is_empty() || selects {
                let words = std::iter::once(made("nodes")).chain(names.iter().map(|name| taken(name, argv)));
                questions.push(listing(found, argv, words.collect(), &SELECTORS[..2]));
            }
            if found.command.ends_with("drain") {
                questions.extend(names.iter().map(|name| on_node(found, argv, name)));
            }
            questions
        }
        Objects::Of("pods", names) => {
            let pods = names.iter().map(|name| taken(name.rsplit('/').next().unwrap_or_default(), argv));
            if names.is_empty() || names.iter().any(|name| name.contains('/')) {
                return Vec::new();
            }
            vec![listing(found, argv, std::iter::once(made("pods")).chain(pods).collect(), &[])]
        }
        Objects::Of(..) => Vec::new(),
    }
}

/// `get WORDS… -o name`, with what says where and with the options `more` of the command.
fn listing(found: &Apart<'_>, argv: &[Word], words: Vec<Word>, more: &[&str]) -> Vec<Word> {
    let mut question: Vec<Word> = argv.first().cloned().into_iter().collect();
    question.push(made("get"));
    question.extend(words);
    for (name, value) in
        found.options.iter().filter(|(name, _)| WHERE.contains(&name.as_str()) || more.contains(&name.as_str()))
    {
        question.push(made(name));
        question.extend(value.map(|value| taken(value, argv)));
    }
    question.extend(["--ignore-not-found", "-o", "name"].map(made));
    question
}

/// The pods on a node.
fn on_node(found: &Apart<'_>, argv: &[Word], name: &str) -> Vec<Word> {
    let mut node = taken(name, argv);
    node.pieces.insert(0, Piece { text: "spec.nodeName=".to_owned(), origin: Origin::Sop });
    let words = vec![made("pods"), made("-A"), made("--field-selector"), node];
    listing(found, argv, words, &[])
}

/// A word that this program adds.
fn made(text: &str) -> Word {
    Word::new(text, Origin::Sop)
}

/// The word of `argv` that says `text`, or the end of one that does (`--namespace=shop`), with where it came from. What no
/// word says counts as typed.
fn taken(text: &str, argv: &[Word]) -> Word {
    if let Some(word) = argv.iter().find(|word| word.text() == text) {
        return word.clone();
    }
    let ends = argv.iter().find(|word| word.text().ends_with(text));
    ends.map_or_else(|| Word::new(text, Origin::Operator), |word| end_of(word, text.len()))
}

/// The last `length` bytes of a word, piece by piece.
fn end_of(word: &Word, length: usize) -> Word {
    let (mut left, mut pieces) = (length, Vec::new());
    for piece in word.pieces.iter().rev() {
        let take = left.min(piece.text.len());
        let text = piece.text.get(piece.text.len() - take..).unwrap_or(&piece.text).to_owned();
        if !text.is_empty() {
            pieces.push(Piece { text, origin: piece.origin.clone() });
        }
        left -= take;
    }
    pieces.reverse();
    Word { pieces }
}
