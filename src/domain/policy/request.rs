//! What a policy is asked about: one action, where, for what, by whom and when.
//!
//! Owns: the facts that rules may look at, and how they follow from an action. Does not: judge them.

use serde::{Deserialize, Serialize};

use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Execution, Invocation, Script, Target};
use crate::domain::actor::Person;
use crate::domain::alert::{Labels, Severity};
use crate::domain::time::Timestamp;

/// What kind of action it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A typed call of an adapter that only looks.
    Query,
    /// A command line.
    Command,
    /// A request to a web service.
    Http,
    /// A silence of alerts.
    Silence,
    /// A message to people.
    Notify,
    /// A command with which a person has the terminal.
    Manual,
}

/// What runs, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// Nothing that has words.
    None,
    /// These programs with their arguments, each at least one word.
    Argv(Vec<Vec<String>>),
    /// A script that a shell reads: nobody can tell what it runs.
    Script(String),
}

impl Words {
    /// Those of a script inside the grammar.
    #[must_use]
    pub fn of_script(script: &Script) -> Self {
        let stages = script.parts.iter().flat_map(|(_, pipeline)| &pipeline.stages);
        Self::Argv(stages.map(|stage| stage.argv.iter().map(|word| word.text()).collect()).collect())
    }
}

/// What kind of place an action acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// The host that the console runs on.
    ThisHost,
    /// A host over ssh.
    Ssh,
    /// Something in a Kubernetes cluster.
    Kubernetes,
}

/// A place that an action acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What kind of place.
    pub kind: PlaceKind,
    /// Host name, or the name that is typed for it.
    pub name: String,
    /// Kubernetes context; `None` when it is not known which.
    pub context: Option<String>,
    /// Kubernetes namespace; `None` when it is not known which.
    pub namespace: Option<String>,
}

impl Place {
    /// The host that the console runs on.
    #[must_use]
    pub fn this_host(name: &str) -> Self {
        Self { kind: PlaceKind::ThisHost, name: name.to_owned(), context: None, namespace: None }
    }
}

/// Who asks or approves, by what the kernel and sshd say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Real user id.
    pub uid: u32,
    /// Audit login uid, if the kernel has one.
    pub login_uid: Option<u32>,
    /// Fingerprint of the key that opened the ssh session (`SHA256:…`), if sshd tells.
    pub ssh_key: Option<String>,
}

impl Identity {
    /// That of `person`, whose session was opened with the key `ssh_key`.
    #[must_use]
    pub fn of(person: &Person, ssh_key: Option<String>) -> Self {
        Self { uid: person.uid, login_uid: person.login_uid, ssh_key }
    }
}

/// One question to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What kind of action.
    pub kind: Kind,
    /// Its risk.
    pub risk: Risk,
    /// What runs.
    pub words: Words,
    /// Where it acts: at least one place, the target first.
    pub places: Vec<Place>,
    /// Labels of the alert that it is for. Foreign text: they can add an environment, never take one away.
    pub labels: Labels,
    /// Severity of the incident that it is for, if it is for one.
    pub severity: Option<Severity>,
    /// Who asks or approves.
    pub by: Identity,
    /// When.
    pub at: Timestamp,
}

/// What a request needs to be known of besides the action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Labels of the alert.
    pub labels: Labels,
    /// Severity of the incident.
    pub severity: Option<Severity>,
    /// Who asks or approves.
    pub by: Identity,
    /// When.
    pub at: Timestamp,
}

impl Request {
    /// The question that `spec` is.
    #[must_use]
    pub fn of(spec: &ActionSpec, circumstances: Circumstances) -> Self {
        let Circumstances { labels, severity, by, at } = circumstances;
        let words = match &spec.invocation {
            Invocation::Argv { script } => Words::of_script(script),
            Invocation::Bash { script, .. } => Words::Script(script.clone()),
        };
        let kind = match spec.mode {
            Execution::Supervised => Kind::Command,
            Execution::Interactive => Kind::Manual,
        };
        let target = match &spec.target {
            Target::ThisHost { name } => Place::this_host(name),
            Target::Ssh(host) => Place { kind: PlaceKind::Ssh, ..Place::this_host(&host.host) },
            Target::Container(container) => Place {
                kind: PlaceKind::Kubernetes,
                name: container.pod.clone(),
                context: container.context.clone(),
                namespace: Some(container.namespace.clone()),
            },
        };
        let places = places(target, &words);
        Self { kind, risk: spec.risk, words, places, labels, severity, by, at }
    }

    /// The question that a command line is which nobody has proposed: `words` on `target`.
    #[must_use]
    pub fn of_words(words: Words, risk: Risk, target: Place, circumstances: Circumstances) -> Self {
        let Circumstances { labels, severity, by, at } = circumstances;
        let places = places(target, &words);
        Self { kind: Kind::Command, risk, words, places, labels, severity, by, at }
    }
}

/// Programs that act on a Kubernetes cluster, with the option that names the context.
const CLUSTER_TOOLS: [(&str, &str); 3] = [("kubectl", "--context"), ("oc", "--context"), ("helm", "--kube-context")];

/// The target, and the clusters that programs of `words` name.
fn places(target: Place, words: &Words) -> Vec<Place> {
    let mut places = vec![target];
    if let Words::Argv(stages) = words {
        for argv in stages {
            places.extend((0..argv.len()).filter_map(|at| cluster(argv.get(at..).unwrap_or_default())).take(1));
        }
    }
    places
}

/// The cluster that a call of kubectl or its like acts on.
fn cluster(argv: &[String]) -> Option<Place> {
    let program = argv.first()?.rsplit('/').next()?;
    let (name, option) = CLUSTER_TOOLS.iter().find(|(name, _)| *name == program)?;
    let context = option_value(argv, &[option]);
    let namespace = option_value(argv, &["--namespace", "-n"]);
    Some(Place { kind: PlaceKind::Kubernetes, name: (*name).to_owned(), context, namespace })
}

/// The value of the option `names` when it is given exactly once, by any of them; `None` when it is not known.
fn option_value(argv: &[String], names: &[&str]) -> Option<String> {
    let mut found = Vec::new();
    // Behind `--` other words than options follow (kubectl exec).
    let options: Vec<&str> = argv.iter().skip(1).map(String::as_str).take_while(|word| *word != "--").collect();
    for (at, word) in options.iter().enumerate() {
        for name in names {
            if word == name {
                found.push(options.get(at + 1).map(|value| (*value).to_owned()));
            } else if let Some(value) = word.strip_prefix(name) {
                match value.strip_prefix('=') {
                    Some(value) => found.push(Some(value.to_owned())),
                    // `-nproduction`
                    None if !name.starts_with("--") => found.push(Some(value.to_owned())),
                    None => {}
                }
            }
        }
    }
    match found.as_mut_slice() {
        [one] => one.take(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kubectl --context prod-eu -n shop get pods", Some(("prod-eu", "shop")))]
    #[case("kubectl get pods --context=prod-eu --namespace=shop", Some(("prod-eu", "shop")))]
    #[case("kubectl get pods -nshop --context prod-eu", Some(("prod-eu", "shop")))]
    #[case("sudo /usr/bin/kubectl --context=a get pods -n b", Some(("a", "b")))]
    #[case("helm --kube-context=a list -n b", Some(("a", "b")))]
    #[case("kubectl --context=a --context=b -n c get pods", Some(("", "c")))]
    #[case("kubectl exec x --context a -n b -- psql --context c", Some(("a", "b")))]
    #[case("kubectl get pods", Some(("", "")))]
    #[case("df -h", None)]
    fn clusters_are_read_from_options(#[case] line: &str, #[case] expected: Option<(&str, &str)>) {
        let words = Words::Argv(vec![line.split(' ').map(str::to_owned).collect()]);
        let found = places(Place::this_host("web-1"), &words);
        let cluster = found
            .get(1)
            .map(|place| (place.context.clone().unwrap_or_default(), place.namespace.clone().unwrap_or_default()));
        assert_eq!(cluster, expected.map(|(context, namespace)| (context.to_owned(), namespace.to_owned())));
        assert_eq!(found[0].kind, PlaceKind::ThisHost);
    }
}
