//! From the command of a step to the exact action that is shown, hashed and run.
//!
//! Owns: the order of the checks, and which values reach the action. Does not: find or bind parameters (see
//! `procedure::params`), parse (see `grammar`) or judge risk (see `risk`); it puts them together.
//!
//! Invariant: an [`ActionSpec`] comes out only when every parameter has a usable value.

use std::collections::BTreeMap;
use std::time::Duration;

use super::container::OWN_DIRECTORY;
use super::grammar::{self, GrammarError, Parsed, Surroundings};
use super::risk::{self, Risk};
use super::script::logical;
use super::spec::{ActionSpec, Confinement, Execution, Invocation, Origin, Piece, StepRef, Target, Word};
use super::subject::Subject;
use crate::domain::alert::Labels;
use crate::domain::id::IncidentId;
use crate::domain::incident::Refusal;
use crate::domain::procedure::Shell;
use crate::domain::procedure::params::{self, Binding, BoundFrom, ParamUse};
use crate::domain::procedure::variables::RunVariables;

/// What an action is built from.
#[derive(Clone, Debug)]
pub struct BuildRequest<'a> {
    /// For which incident.
    pub incident: IncidentId,
    /// For which of its alerts.
    pub subject: Subject,
    /// From which step. Words of an answer are marked as the assistant's.
    pub step: StepRef,
    /// The command as the document has it, prompts removed.
    pub script: &'a str,
    /// The language it is written in.
    pub shell: Shell,
    /// Whether it needs the person's terminal.
    pub mode: Execution,
    /// Labels of that alert. Foreign text.
    pub labels: &'a Labels,
    /// Values that the person typed, by parameter name.
    pub typed: &'a BTreeMap<String, String>,
    /// Where it is to act.
    pub target: Target,
    /// Working directory, absolute; [`OWN_DIRECTORY`] for the one that a container begins in.
    pub cwd: &'a str,
    /// The whole environment that the processes get.
    pub env: BTreeMap<String, String>,
    /// What is different for an action that only reads.
    pub reads: Reads,
    /// A supervised action is ended after this long.
    pub time_limit: Duration,
}

/// How actions of risk `Read` run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// What the host can do to keep them from writing.
    pub confinement: Confinement,
    /// Variables that stand in the place of those of other actions, such as a KUBECONFIG with fewer rights.
    pub env: BTreeMap<String, String>,
}

/// A parameter that a person has to give a value, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValue {
    /// Its name.
    pub name: String,
    /// How it stands in the document (`<file>`).
    pub surface: String,
    /// Why the value that there was is not usable; empty when there was none.
    pub problem: String,
}

/// Why no action came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// These parameters need values first.
    #[error("values are needed for: {}", .0.iter().map(|missing| missing.name.as_str()).collect::<Vec<_>>().join(", "))]
    NeedsValues(Vec<MissingValue>),
    /// It cannot be run from here, whatever the values are.
    #[error(transparent)]
    NotRunnable(Refusal),
}

/// Builds the action that `request` asks for, as the first step of a run.
///
/// # Errors
/// [`BuildError::NeedsValues`] when the person can help by typing values, else [`BuildError::NotRunnable`].
pub fn build(request: BuildRequest<'_>) -> Result<ActionSpec, BuildError> {
    build_in_run(request, &RunVariables::default())
}

/// Builds the action that `request` asks for, as a step behind others that have left `run`: its variables are those of this
/// script, and it begins in the directory that they changed to.
///
/// # Errors
/// [`BuildError::NeedsValues`] when the person can help by typing values, else [`BuildError::NotRunnable`].
pub fn build_in_run(request: BuildRequest<'_>, run: &RunVariables) -> Result<ActionSpec, BuildError> {
    build_marked(request, run, |invocation| invocation)
}

/// As [`build_in_run`]; `mark` says where the words came from, before anything is judged by that.
pub(super) fn build_marked(
    request: BuildRequest<'_>,
    run: &RunVariables,
    mark: impl FnOnce(Invocation) -> Invocation,
) -> Result<ActionSpec, BuildError> {
    check_runnable(&request)?;
    let cwd = run.directory().map_or_else(|| request.cwd.to_owned(), |directory| logical(&directory.text()));
    let uses = params::find(request.script);
    let bindings = params::bind(&uses, request.labels, request.typed);
    let mut values: BTreeMap<String, Piece> = bindings.iter().filter_map(piece_of).collect();
    // The variables of another host are not known here.
    let environment = if request.target.is_here() { request.env.clone() } else { BTreeMap::new() };
    let surroundings = Surroundings { directory: cwd.clone(), environment, run: run.clone() };
    let invocation = match grammar::parse_in(request.script, &uses, &values, &surroundings) {
        Ok(Parsed::Argv(script)) => Invocation::Argv { script },
        Ok(Parsed::Outside { reason }) => {
            take_from_run(&uses, run, &mut values);
            let invocation = through_bash(request.script, reason, &uses, &bindings, &values)?;
            with_exports(invocation, run)
        }
        Err(GrammarError::Unbound(names)) => {
            return Err(needs(&bindings, names.into_iter().map(|n| (n, String::new()))));
        }
        Err(GrammarError::BadValues(bad)) => {
            return Err(needs(&bindings, bad.into_iter().map(|bad| (bad.name, bad.problem))));
        }
        Err(GrammarError::Broken(why)) => return Err(not_runnable(why, "Correct the document, or run it by hand")),
    };
    // Before it is judged: whom a command asks over the network must not be the model's choice either.
    let invocation = if request.step.answer().is_some() { invocation.written_by_model() } else { invocation };
    let invocation = mark(invocation);
    let (risk, risk_reasons) = match request.mode {
        Execution::Supervised => risk::classify(&invocation),
        // A pager runs programs too when it is told to.
        Execution::Interactive => (Risk::Unknown, vec![TYPED_LATER.to_owned()]),
    };
    let mut env = request.env;
    let confinement = if risk == Risk::Read && request.target.is_here() {
        env.extend(request.reads.env);
        if gains_privileges(&invocation) { Confinement::Free } else { request.reads.confinement }
    } else {
        Confinement::Free
    };
    Ok(ActionSpec {
        incident: request.incident,
        subject: request.subject,
        step: request.step,
        labels_used: labels_used(&invocation, request.labels),
        invocation,
        mode: request.mode,
        target: request.target,
        cwd,
        env,
        risk,
        confinement,
        secrets: Vec::new(),
        risk_reasons,
        time_limit: match request.mode {
            Execution::Supervised => request.time_limit,
            Execution::Interactive => Duration::ZERO,
        },
        edited: None,
    })
}

/// Programs that do nothing without more rights than the person has.
const GAIN_PRIVILEGES: [&str; 3] = ["sudo", "doas", "pkexec"];

/// Whether a program of it would fail where nothing can gain privileges.
pub(super) fn gains_privileges(invocation: &Invocation) -> bool {
    let Invocation::Argv { script } = invocation else { return false };
    let mut stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
    stages.any(|stage| {
        let program = stage.argv.first().map(Word::text).unwrap_or_default();
        GAIN_PRIVILEGES.contains(&program.rsplit('/').next().unwrap_or_default())
    })
}

/// Why nothing interactive counts as harmless.
const TYPED_LATER: &str = "it is interactive: what will be typed into it is not known now";

fn not_runnable(why: impl Into<String>, remedy: &str) -> BuildError {
    BuildError::NotRunnable(Refusal::new("Not proposed", why, remedy))
}

fn check_runnable(request: &BuildRequest<'_>) -> Result<(), BuildError> {
    const BY_HAND: &str = "Run it by hand in another terminal";
    let language = match request.shell {
        Shell::Sh => None,
        Shell::Sql => Some("SQL"),
        Shell::Promql => Some("PromQL"),
        Shell::Other => Some("a language that is not run from here"),
    };
    if let Some(language) = language {
        return Err(not_runnable(format!("the command is written in {language}"), BY_HAND));
    }
    let begins_in_its_own = matches!(request.target, Target::Container(_)) && request.cwd == OWN_DIRECTORY;
    if !request.cwd.starts_with('/') && !begins_in_its_own {
        let why = format!("the working directory {:?} is not absolute", request.cwd);
        return Err(not_runnable(why, "Set [run] directory to an absolute path"));
    }
    if request.mode == Execution::Supervised && request.time_limit.is_zero() {
        return Err(not_runnable("the time limit is zero", "Set [run] time_limit to a longer time"));
    }
    Ok(())
}

fn piece_of(binding: &Binding) -> Option<(String, Piece)> {
    let origin = match &binding.from {
        BoundFrom::Label(label) => Origin::Label(label.clone()),
        BoundFrom::Operator => Origin::Operator,
        BoundFrom::Unbound => return None,
    };
    let text = binding.value.clone()?;
    Some((binding.name.clone(), Piece { text, origin }))
}

/// The parameters `names` as things to ask for; a problem that the binding already has is the better explanation.
fn needs(bindings: &[Binding], names: impl Iterator<Item = (String, String)>) -> BuildError {
    let mut missing: Vec<MissingValue> = Vec::new();
    for (name, problem) in names {
        if missing.iter().any(|known| known.name == name) {
            continue;
        }
        let binding = bindings.iter().find(|binding| binding.name == name);
        let surface = binding.map_or_else(|| name.clone(), |binding| binding.surface.clone());
        let earlier = binding.map(|binding| binding.problem.clone()).unwrap_or_default();
        let problem = if earlier.is_empty() { problem } else { earlier };
        missing.push(MissingValue { name, surface, problem });
    }
    BuildError::NeedsValues(missing)
}

/// The exact bytes through bash. Only `$NAME` can be a parameter there: it is handed over in the environment. Putting
/// values into the bytes would let them be parsed.
fn through_bash(
    script: &str,
    reason: String,
    uses: &[ParamUse],
    bindings: &[Binding],
    values: &BTreeMap<String, Piece>,
) -> Result<Invocation, BuildError> {
    let mut variables = BTreeMap::new();
    let mut unbound = Vec::new();
    let mut bad = Vec::new();
    for used in uses {
        let Some(variable) = used.variable() else {
            let why =
                format!("it needs a shell ({reason}), and {} cannot safely be put into a shell script", used.surface);
            return Err(not_runnable(
                why,
                "Write the document's command in plain words, or the parameter as a shell variable such as \"$NAME\"",
            ));
        };
        if controls_programs(variable) {
            let why = format!("it needs a value for {variable}, a variable that decides how programs behave");
            return Err(not_runnable(why, "Give the variable another name in the document"));
        }
        match values.get(&used.name) {
            None => unbound.push((used.name.clone(), String::new())),
            Some(piece) => {
                // What an author wrote into a variable means in bash what it means there.
                let problem = if piece.origin.is_outside() { grammar::value_for_bash(&piece.text) } else { None };
                if let Some(problem) = problem {
                    bad.push((used.name.clone(), problem));
                }
                variables.insert(variable.to_owned(), piece.clone());
            }
        }
    }
    if !unbound.is_empty() || !bad.is_empty() {
        return Err(needs(bindings, unbound.into_iter().chain(bad)));
    }
    Ok(Invocation::Bash { script: script.to_owned(), reason, values: variables })
}

/// Takes values from the run for parameters that are written as its variables; what a person typed goes first.
fn take_from_run(uses: &[ParamUse], run: &RunVariables, values: &mut BTreeMap<String, Piece>) {
    for used in uses {
        let Some(variable) = used.variable().and_then(|name| run.resolve(name)) else { continue };
        if !matches!(values.get(&used.name), Some(Piece { origin: Origin::Operator, .. })) {
            values.insert(used.name.clone(), one_piece(&variable.value));
        }
    }
}

/// Adds the variables that the run has exported.
fn with_exports(mut invocation: Invocation, run: &RunVariables) -> Invocation {
    if let Invocation::Bash { values, .. } = &mut invocation {
        for (name, variable) in run.variables().iter().filter(|(_, variable)| variable.exported) {
            values.entry(name.clone()).or_insert_with(|| one_piece(&variable.value));
        }
    }
    invocation
}

/// A word as one piece: from outside as soon as a part of it is.
fn one_piece(word: &Word) -> Piece {
    let outside = word.pieces.iter().find(|piece| piece.origin.is_outside());
    Piece { text: word.text(), origin: outside.map_or(Origin::Script, |piece| piece.origin.clone()) }
}

/// Variables that make bash or the dynamic linker load or run something. The names of shells' and interpreters' own
/// variables all begin with one of few words; refusing more than is needed costs the author a new name.
fn controls_programs(variable: &str) -> bool {
    const PREFIXES: [&str; 10] = ["BASH", "LD_", "GLIBC_", "PYTHON", "PERL", "RUBY", "NODE_", "JAVA_", "GIT_", "DYLD_"];
    const NAMES: [&str; 11] =
        ["PATH", "IFS", "ENV", "SHELLOPTS", "PS4", "CDPATH", "GLOBIGNORE", "PAGER", "EDITOR", "VISUAL", "LESSOPEN"];
    NAMES.contains(&variable) || PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
}

/// The labels whose values are a part of the action, with these values.
fn labels_used(invocation: &Invocation, labels: &Labels) -> Labels {
    let mut used = Labels::new();
    let mut note = |piece: &Piece| {
        if let Origin::Label(name) = &piece.origin
            && let Some(value) = labels.get(name)
        {
            used.insert(name.clone(), value.clone());
        }
    };
    match invocation {
        Invocation::Argv { script } => script.words().flat_map(|word| &word.pieces).for_each(&mut note),
        Invocation::Bash { values, .. } => values.values().for_each(&mut note),
    }
    used
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::action::script::SetVariable;
    use crate::domain::action::spec::{Connector, Pipeline, Script, Stage};
    use crate::domain::id::MessageId;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn request<'a>(script: &'a str, labels: &'a Labels, typed: &'a BTreeMap<String, String>) -> BuildRequest<'a> {
        BuildRequest {
            reads: Reads::default(),
            incident: IncidentId(1),
            subject: Subject::unbound(),
            step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: "t".to_owned() },
            script,
            shell: Shell::Sh,
            mode: Execution::Supervised,
            labels,
            typed,
            target: Target::ThisHost { name: "web-1".to_owned() },
            cwd: "/",
            env: map(&[("PATH", "/usr/bin:/bin")]),
            time_limit: Duration::from_secs(60),
        }
    }

    fn built(script: &str, labels: &[(&str, &str)], typed: &[(&str, &str)]) -> Result<ActionSpec, BuildError> {
        build(request(script, &map(labels), &map(typed)))
    }

    #[test]
    fn labels_and_typed_values_are_put_in_and_only_used_labels_are_bound() {
        let labels = [("mountpoint", "/srv"), ("instance", "web-1:9100")];
        let spec = built("du -xh --max-depth=1 <mountpoint>", &labels, &[]).unwrap();
        assert_eq!(spec.risk, Risk::Read);
        assert_eq!(spec.labels_used, map(&[("mountpoint", "/srv")]));
        let spec = built("rm -v -- <file>", &labels, &[("file", "/srv/a b.log")]).unwrap();
        assert_eq!((spec.risk, spec.labels_used.len()), (Risk::Destroy, 0));
        let Invocation::Argv { script } = &spec.invocation else { panic!("inside the grammar") };
        let word = &script.parts[0].1.stages[0].argv[3];
        assert_eq!((word.text().as_str(), &word.pieces[0].origin), ("/srv/a b.log", &Origin::Operator));
    }

    #[test]
    fn missing_and_unusable_values_are_asked_for_with_the_reason() {
        let Err(BuildError::NeedsValues(missing)) = built("cp <from file> <to>", &[], &[("to", "-x")]) else {
            panic!()
        };
        let expected = MissingValue { name: "from_file".into(), surface: "<from file>".into(), problem: String::new() };
        assert_eq!(missing, [expected]);
        let Err(BuildError::NeedsValues(missing)) = built("cp a <to>", &[], &[("to", "-x")]) else { panic!() };
        assert!(missing[0].problem.contains("option"), "{missing:?}");
        let Err(BuildError::NeedsValues(missing)) = built("cp a <to>", &[], &[("to", "a\nb")]) else { panic!() };
        assert!(missing[0].problem.contains("line break"), "{missing:?}");
    }

    #[test]
    fn bash_gets_exact_bytes_and_values_in_its_environment() {
        let script = "for f in \"$DIR\"/*; do wc -c \"$f\"; done";
        let spec = built(script, &[("mountpoint", "/srv")], &[]).unwrap();
        let Invocation::Bash { script: bytes, values, reason } = &spec.invocation else { panic!("outside") };
        assert_eq!(bytes, script);
        assert_eq!(values["DIR"].text, "/srv");
        assert!(!reason.is_empty());
        assert_eq!(spec.risk, Risk::Unknown);
        assert_eq!(spec.labels_used, map(&[("mountpoint", "/srv")]));
    }

    #[rstest]
    #[case::placeholder("ls <dir>/*", &[("dir", "/srv")])]
    #[case::braces("ls {{ dir }}/*", &[("dir", "/srv")])]
    #[case::linker("ls $LD_PRELOAD/*", &[("ld_preload", "/srv")])]
    #[case::broken("echo 'a", &[])]
    #[case::empty("# nothing", &[])]
    fn what_cannot_run_says_why(#[case] script: &str, #[case] typed: &[(&str, &str)]) {
        let Err(BuildError::NotRunnable(refusal)) = built(script, &[], typed) else { panic!("{script}") };
        assert!(!refusal.why.is_empty() && !refusal.remedy.is_empty());
    }

    #[test]
    fn words_of_an_answer_are_marked_and_judged_as_from_outside() {
        let (labels, typed) = (map(&[("host", "web-1")]), BTreeMap::new());
        let built = |script: &str, step: StepRef| build(BuildRequest { step, ..request(script, &labels, &typed) });
        let answer = || StepRef::of_answer(MessageId(7), 0, "text", "t".to_owned());
        let script = "curl -s https://example.org/metrics";
        let document = request(script, &labels, &typed).step;
        let (of_document, of_answer) = (built(script, document).unwrap(), built(script, answer()).unwrap());
        assert_eq!((of_document.risk, of_answer.risk), (Risk::Read, Risk::Unknown), "{:?}", of_answer.risk_reasons);
        assert_ne!(of_document.digest(true), of_answer.digest(true));
        let spec = built("cat -- /etc/<host>", answer()).unwrap();
        let Invocation::Argv { script } = &spec.invocation else { panic!("inside the grammar") };
        let words = &script.parts[0].1.stages[0].argv;
        let origins: Vec<&Origin> = words.iter().flat_map(|word| &word.pieces).map(|piece| &piece.origin).collect();
        assert_eq!(origins, [&Origin::Model, &Origin::Model, &Origin::Model, &Origin::Label("host".to_owned())]);
        assert_eq!(spec.risk, Risk::Read);
    }

    #[test]
    fn values_that_bash_would_expand_are_refused() {
        let Err(BuildError::NeedsValues(missing)) = built("ls $DIR/*", &[("mountpoint", "a b")], &[]) else { panic!() };
        assert_eq!(missing[0].name, "dir");
        assert!(!missing[0].problem.is_empty());
    }

    #[test]
    fn steps_know_what_earlier_ones_have_left() {
        let (labels, typed) = (map(&[("pod", "api-1")]), BTreeMap::new());
        let step = |script: &str, run: &RunVariables| build_in_run(request(script, &labels, &typed), run).unwrap();
        let first = step("export NS=shop; P=<pod>; cd /srv/<pod>", &RunVariables::default());
        assert_eq!((first.risk, first.cwd.as_str(), &first.labels_used), (Risk::Read, "/", &labels));
        let run = RunVariables::after([&first.invocation]);
        let next = step("kubectl -n $NS logs $P", &run);
        assert_eq!(
            (next.cwd.as_str(), next.command_line().as_str()),
            ("/srv/api-1", "cd /srv/api-1; NS=shop kubectl -n shop logs api-1")
        );
        assert_eq!(next.labels_used, labels, "a value stays the label's");
        let mut other = run.clone();
        other.set("NS", SetVariable { value: Word::new("shop2", Origin::Sop), exported: true });
        assert_ne!(next.digest(true), step("kubectl -n $NS logs $P", &other).digest(true));
        let through_bash = step("for p in $P; do echo $p; done", &run);
        let Invocation::Bash { values, .. } = &through_bash.invocation else { panic!("outside") };
        assert_eq!((values["P"].text.as_str(), values["NS"].text.as_str()), ("api-1", "shop"));
        assert_eq!(values["P"].origin, Origin::Label("pod".to_owned()));
    }

    #[test]
    fn other_languages_are_refused() {
        let (labels, typed) = (Labels::new(), BTreeMap::new());
        for shell in [Shell::Sql, Shell::Promql, Shell::Other] {
            let outcome = build(BuildRequest { shell, ..request("df", &labels, &typed) });
            assert!(matches!(outcome, Err(BuildError::NotRunnable(_))));
        }
        let outcome = build(BuildRequest { cwd: "srv", ..request("df", &labels, &typed) });
        assert!(matches!(outcome, Err(BuildError::NotRunnable(_))));
    }

    #[test]
    fn an_interactive_action_is_never_harmless_and_has_no_limit() {
        let (labels, typed) = (Labels::new(), BTreeMap::new());
        let plain = build(request("df", &labels, &typed)).unwrap();
        let mode = Execution::Interactive;
        let interactive = build(BuildRequest { mode, ..request("df", &labels, &typed) }).unwrap();
        assert_eq!((plain.risk, interactive.risk), (Risk::Read, Risk::Unknown));
        assert!(interactive.risk_reasons[0].contains("interactive"));
        assert_eq!((plain.limit(), interactive.limit()), (Some(plain.time_limit), None));
        // Neither the configured limit nor its being unset matters to it.
        let unlimited = BuildRequest { mode, time_limit: Duration::ZERO, ..request("df", &labels, &typed) };
        assert_eq!(build(unlimited).unwrap(), interactive);
    }

    #[test]
    fn who_has_the_terminal_is_part_of_the_digest() {
        let (labels, typed) = (Labels::new(), BTreeMap::new());
        let supervised = build(request("df", &labels, &typed)).unwrap();
        let interactive = ActionSpec { mode: Execution::Interactive, ..supervised.clone() };
        assert_ne!(supervised.digest(true), interactive.digest(true));
    }

    #[rstest]
    #[case("df -h /srv", Risk::Read, Confinement::ReadsOnly, "/reads")]
    #[case("ls /srv | sort", Risk::Read, Confinement::ReadsOnly, "/reads")]
    #[case("rm /srv/x", Risk::Destroy, Confinement::Free, "/all")]
    #[case("for x in *; do ls $x; done", Risk::Unknown, Confinement::Free, "/all")]
    fn only_reads_are_confined_and_have_their_own_variables(
        #[case] script: &str,
        #[case] risk: Risk,
        #[case] confinement: Confinement,
        #[case] kubeconfig: &str,
    ) {
        let variable = |path: &str| BTreeMap::from([("KUBECONFIG".to_owned(), path.to_owned())]);
        let (labels, typed) = (Labels::new(), BTreeMap::new());
        let reads = Reads { confinement: Confinement::ReadsOnly, env: variable("/reads") };
        let spec = build(BuildRequest { reads, env: variable("/all"), ..request(script, &labels, &typed) }).unwrap();
        assert_eq!(spec.confinement, confinement);
        assert_eq!(spec.env["KUBECONFIG"], kubeconfig);
        assert!(spec.risk >= risk, "{:?}", spec.risk);
    }

    #[test]
    fn what_gains_privileges_is_not_confined() {
        let argv = |words: &[&str]| {
            let argv = words.iter().map(|word| Word::new(word, Origin::Sop)).collect();
            let stage = Stage::new(argv);
            Invocation::Argv { script: Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]) }
        };
        assert!(gains_privileges(&argv(&["sudo", "-n", "cat", "/var/log/messages"])));
        assert!(gains_privileges(&argv(&["/usr/bin/doas", "ls"])));
        assert!(!gains_privileges(&argv(&["echo", "sudo"])));
    }
}
