//! A container of a Kubernetes pod as a target, and the command line of `kubectl` that reaches it.
//!
//! Owns: which names may be handed to `kubectl`, how a person writes such a target, and the exact words that are started here
//! for an action there. Does not: start them or judge how they ended (see `adapters::kubectl`), or choose a container for an
//! alert (see `choice`).
//!
//! Invariants:
//! - No name of a [`Container`] that [`Container::parse`] made can be taken for an option or for more than one word.
//! - No shell of this host reads anything. A single program is started by its words, in whatever the image has; everything
//!   else is told to a `bash` of the container as one word, which has the form of `remote`.

use serde::{Deserialize, Serialize};

use super::remote;
use super::spec::{ActionSpec, Execution, Invocation, Stage};
use super::target::Target;
use crate::domain::digest::FieldHasher;

/// Begins the text that names a container as a target.
pub const PREFIX: &str = "container:";

/// Stands for the working directory that the container itself begins in, where that of an action stands.
pub const OWN_DIRECTORY: &str = ".";

/// Longest label of DNS, in bytes (RFC 1123).
const LONGEST_LABEL: usize = 63;
/// Longest name of a pod, in bytes: a subdomain of DNS (RFC 1123).
const LONGEST_POD: usize = 253;
/// Longest name of a context that is taken, in bytes: those of cloud providers are addresses of 100 and more.
const LONGEST_CONTEXT: usize = 253;

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// The context of the kubeconfig; `None` for the one that is current when it runs.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container; `None` for the one that the pod calls its default.
    #[serde(default)]
    pub container: Option<String>,
}

impl Container {
    /// A container of these names, checked.
    ///
    /// # Errors
    /// What is wrong with a name, for a person to read.
    pub fn new(context: Option<&str>, namespace: &str, pod: &str, container: Option<&str>) -> Result<Self, String> {
        if let Some(context) = context {
            check_context(context)?;
        }
        check_label("namespace", namespace)?;
        check_pod(pod)?;
        if let Some(container) = container {
            check_label("container", container)?;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Self {
            context: owned(context),
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: owned(container),
        })
    }

    /// Reads `container:NAMESPACE/POD`, `container:NAMESPACE/POD/CONTAINER`, and both with `@CONTEXT` behind.
    ///
    /// # Errors
    /// What is wrong, for a person to read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = text.strip_prefix(PREFIX).ok_or_else(|| format!("it does not begin with {PREFIX}"))?;
        // Names of contexts may have every sign in them that stands between the others.
        let (names, context) = match names.split_once('@') {
            Some((names, context)) => (names, Some(context)),
            None => (names, None),
        };
        match names.split('/').collect::<Vec<_>>().as_slice() {
            [namespace, pod] => Self::new(context, namespace, pod, None),
            [namespace, pod, container] => Self::new(context, namespace, pod, Some(container)),
            _ => Err(format!("it is not written {PREFIX}NAMESPACE/POD or {PREFIX}NAMESPACE/POD/CONTAINER")),
        }
    }

    /// How it is reached, for the review.
    #[must_use]
    pub fn way(&self) -> String {
        let container = match &self.container {
            Some(container) => format!("container {container}"),
            None => "the default container".to_owned(),
        };
        let context = match &self.context {
            Some(context) => format!("context {context}"),
            None => "the context that is current when it runs".to_owned(),
        };
        format!("with kubectl exec: {container} of pod {}, namespace {}, {context}", self.pod, self.namespace)
    }

    /// The words that start `program` there. `options` stand behind `exec`.
    #[must_use]
    pub fn exec(&self, options: &[&str], program: &[String]) -> Vec<String> {
        let mut words = vec!["kubectl".to_owned()];
        let mut push = |word: &str| words.push(word.to_owned());
        if let Some(context) = &self.context {
            push("--context");
            push(context);
        }
        ["-n", &self.namespace, "exec"].into_iter().for_each(&mut push);
        options.iter().copied().for_each(&mut push);
        push(&self.pod);
        if let Some(container) = &self.container {
            push("-c");
            push(container);
        }
        push("--");
        words.extend_from_slice(program);
        words
    }

    /// Adds all of its meaning to `hasher`.
    pub(super) fn hash(&self, hasher: &mut FieldHasher) {
        hasher.field(b"container");
        for part in [&self.context, &self.container] {
            hasher.number(i64::from(part.is_some()));
            hasher.field(part.as_deref().unwrap_or_default().as_bytes());
        }
        hasher.field(self.namespace.as_bytes());
        hasher.field(self.pod.as_bytes());
    }
}

/// How an action is told to its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// One program by its words. What `kubectl` says of its end is all that is known of it.
    Program(Vec<String>),
    /// A script to `bash`, which reports its beginning, its end and the statuses of its stages.
    Script(String),
}

impl Told {
    /// How `spec` is told; `None` when it does not act on a container.
    #[must_use]
    pub fn of(spec: &ActionSpec) -> Option<Self> {
        let Target::Container(_) = &spec.target else { return None };
        match alone(spec) {
            Some(stage) => Some(Self::Program(stage.argv.iter().map(super::spec::Word::text).collect())),
            None => remote::script(spec).map(Self::Script),
        }
    }
}

/// The words that are started here for `spec`; `None` when it does not act on a container.
#[must_use]
pub fn argv(spec: &ActionSpec) -> Option<Vec<String>> {
    let Target::Container(container) = &spec.target else { return None };
    let program = match Told::of(spec)? {
        Told::Program(words) => words,
        Told::Script(script) => ["bash", "--noprofile", "--norc", "-c", &script].map(str::to_owned).to_vec(),
    };
    let options: &[&str] = match spec.mode {
        Execution::Supervised => &[],
        Execution::Interactive => &["-i", "-t"],
    };
    Some(container.exec(options, &program))
}

/// The only program of an action that begins where the container does and needs nothing of a shell.
fn alone(spec: &ActionSpec) -> Option<&Stage> {
    let Invocation::Argv { script } = &spec.invocation else { return None };
    let [(_, pipeline)] = script.parts.as_slice() else { return None };
    let [stage] = pipeline.stages.as_slice() else { return None };
    let plain = stage.redirects.is_empty() && stage.env.is_empty() && pipeline.directory.is_none();
    (plain && script.leaves.is_empty() && spec.cwd == OWN_DIRECTORY).then_some(stage)
}

/// A label of DNS (RFC 1123).
fn check_label(what: &str, name: &str) -> Result<(), String> {
    if name.len() > LONGEST_LABEL {
        return Err(format!("the name of the {what} is longer than {LONGEST_LABEL} bytes"));
    }
    check_signs(what, name)
}

/// Labels with dots between them; only the whole has a longest length in Kubernetes.
fn check_pod(name: &str) -> Result<(), String> {
    if name.len() > LONGEST_POD {
        return Err(format!("the name of the pod is longer than {LONGEST_POD} bytes"));
    }
    name.split('.').try_for_each(|part| check_signs("pod", part))
}

/// Lower case letters, digits and hyphens, neither beginning nor ending with a hyphen.
fn check_signs(what: &str, name: &str) -> Result<(), String> {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() {
        return Err(format!("there is no name of a {what} in it"));
    }
    if let Some(c) = name.chars().find(|c| !inside(*c)) {
        return Err(format!("the name of the {what} has {c:?} in it, which names in Kubernetes cannot have"));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(format!("the name of the {what} begins or ends with a hyphen"));
    }
    Ok(())
}

/// Whatever is printable and is no option.
fn check_context(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("there is no name of a context in it".to_owned());
    }
    if name.len() > LONGEST_CONTEXT {
        return Err(format!("the name of the context is longer than {LONGEST_CONTEXT} bytes"));
    }
    if name.starts_with('-') {
        return Err("the name of the context begins with a hyphen, which kubectl takes for an option".to_owned());
    }
    match name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.:/@".contains(*c)) {
        Some(c) => Err(format!("the name of the context has {c:?} in it")),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
