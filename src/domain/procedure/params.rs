//! Parameters of a command: where a script has a hole, and which value fills it.
//!
//! Owns: the surface forms (`<pod>`, `$NS`, `${NS}`, `{{ pod }}`), their names, and the binding to alert labels and typed
//! values. Does not: substitute anything (see `action::grammar`) or decide whether a script may run.
//!
//! Invariant: every [`ParamUse::surface`] is exactly the bytes of the script at its span.

mod scan;

use std::collections::{BTreeMap, HashSet};

use super::Span;
use crate::domain::alert::Labels;

pub use scan::find;

/// One occurrence of a parameter in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamUse {
    /// Its name in lower snake case: `<pod name>` is `pod_name`, `$NS` is `ns`.
    pub name: String,
    /// How it stands in the script.
    pub surface: String,
    /// The bytes of the script that it covers. For `${NS%x}` and its like this is the name alone, since only a shell can
    /// evaluate the operator behind it.
    pub span: Span,
}

/// The notation of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamForm {
    /// `<pod>`.
    Angle,
    /// `{{ pod }}`.
    Braces,
    /// `$NS` or `${NS}`: a shell can take it from its environment.
    Variable,
    /// The `NS` in `${NS%x}`: only a shell can evaluate it, with `NS` in its environment.
    Operand,
}

impl ParamUse {
    /// The notation that it is written in.
    #[must_use]
    pub fn form(&self) -> ParamForm {
        match self.surface.as_bytes().first() {
            Some(b'<') => ParamForm::Angle,
            Some(b'{') => ParamForm::Braces,
            Some(b'$') => ParamForm::Variable,
            _ => ParamForm::Operand,
        }
    }

    /// The name of the shell variable (`NS`) when it is written as one.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match self.form() {
            ParamForm::Angle | ParamForm::Braces => None,
            ParamForm::Variable => Some(self.surface.trim_start_matches(['$', '{']).trim_end_matches('}')),
            ParamForm::Operand => Some(&self.surface),
        }
    }
}

/// Where the value of a parameter came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundFrom {
    /// The alert label of this name.
    Label(String),
    /// Typed by the person.
    Operator,
    /// It has no value: the command is not runnable.
    Unbound,
}

/// A parameter with its value, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its name, as in [`ParamUse::name`].
    pub name: String,
    /// How it stands where it occurs first.
    pub surface: String,
    /// The value; `None` exactly when `from` is `Unbound`. Never empty, never with a line break or a NUL.
    pub value: Option<String>,
    /// Where the value came from.
    pub from: BoundFrom,
    /// Why a value that was there was refused, as a sentence for the person; empty when none was refused.
    pub problem: String,
}

/// Gives each parameter a value, one binding a name, in order of first appearance.
///
/// A typed value wins. Otherwise the label of that name is taken: written the same, else the same but for case, `-` and
/// `_`, else the first of its usual other names ([`ALIASES`]) that the alert carries. A typed value that cannot be used
/// is refused and not silently replaced by a label.
#[must_use]
pub fn bind(uses: &[ParamUse], labels: &Labels, typed: &BTreeMap<String, String>) -> Vec<Binding> {
    let mut bindings: Vec<Binding> = Vec::new();
    let mut bound = HashSet::new();
    for used in uses.iter().filter(|used| bound.insert(used.name.as_str())) {
        let (candidate, from) = match typed.get(&used.name) {
            Some(value) => (Some(value), BoundFrom::Operator),
            None => match find_label(&used.name, labels) {
                Some((label, value)) => (Some(value), BoundFrom::Label(label.clone())),
                None => (None, BoundFrom::Unbound),
            },
        };
        let problem = candidate.map(|value| problem_of(value, &from)).unwrap_or_default();
        let usable = candidate.filter(|_| problem.is_empty());
        bindings.push(Binding {
            name: used.name.clone(),
            surface: used.surface.clone(),
            from: if usable.is_some() { from } else { BoundFrom::Unbound },
            value: usable.cloned(),
            problem,
        });
    }
    bindings
}

/// Other names that a label may have, by the name that documents use. Every name is in lower snake case.
///
/// From the label sets of kube-state-metrics, node_exporter, cAdvisor, blackbox_exporter, x509-certificate-exporter
/// (`filepath`) and ssl_exporter (`file`). Labels that name a thing come
/// before `instance`, which is an address with a port.
pub const ALIASES: &[(&str, &[&str])] = &[
    ("ns", &["namespace", "exported_namespace"]),
    ("namespace", &["exported_namespace", "ns"]),
    ("project", &["namespace"]),
    ("node", &["node_name", "nodename", "hostname", "host", "instance"]),
    ("host", &["hostname", "nodename", "node", "instance"]),
    ("hostname", &["host", "nodename", "node"]),
    ("server", &["hostname", "host", "node", "instance"]),
    ("address", &["instance"]),
    ("target", &["instance"]),
    ("endpoint", &["instance"]),
    ("path", &["mountpoint"]),
    ("dir", &["mountpoint", "path"]),
    ("directory", &["mountpoint", "path"]),
    ("mount", &["mountpoint"]),
    ("mount_point", &["mountpoint"]),
    ("filesystem", &["mountpoint"]),
    ("svc", &["service", "service_name"]),
    ("service", &["svc", "service_name", "exported_service"]),
    ("pod", &["pod_name", "exported_pod"]),
    ("container", &["container_name", "exported_container"]),
    ("deploy", &["deployment"]),
    ("sts", &["statefulset"]),
    ("ds", &["daemonset"]),
    ("pvc", &["persistentvolumeclaim"]),
    ("pv", &["persistentvolume"]),
    ("volume", &["persistentvolume", "volumename"]),
    ("cluster", &["cluster_name"]),
    ("env", &["environment"]),
    ("environment", &["env"]),
    ("unit", &["name", "systemd_unit"]),
    ("certificate_file", &["filepath", "file"]),
];

/// An alert with one of these may come from an exporter that reports about others (kube-state-metrics): its `instance` is
/// then the exporter's own address, and only a person knows which host is meant.
const ABOUT_OTHERS: &[&str] = &["pod", "namespace", "persistentvolumeclaim", "exported_instance"];

fn find_label<'a>(name: &str, labels: &'a Labels) -> Option<(&'a String, &'a String)> {
    // In Prometheus an empty label is the same as no label.
    let present = || labels.iter().filter(|(_, value)| !value.is_empty());
    let folded = |wanted: &str| present().find(|(label, _)| fold(label) == fold(wanted));
    if let Some(exact) = present().find(|(label, _)| label.as_str() == name) {
        return Some(exact);
    }
    let plain = plain_name(name);
    let about_others = ABOUT_OTHERS.iter().any(|label| present().any(|(found, _)| found == label));
    let other_names = |of: &str| ALIASES.iter().find(|(alias, _)| *alias == of).map_or(&[][..], |(_, names)| *names);
    folded(name).or_else(|| folded(plain)).or_else(|| {
        let names = other_names(name).iter().chain(other_names(plain));
        names.filter(|label| !(about_others && **label == "instance")).find_map(|label| folded(label))
    })
}

/// `my_pod_name` without the words that say nothing: `pod`.
fn plain_name(name: &str) -> &str {
    let stripped = ["my_", "your_", "the_"].iter().find_map(|word| name.strip_prefix(word)).unwrap_or(name);
    match stripped.strip_suffix("_name") {
        Some(rest) if !rest.is_empty() => rest,
        _ => stripped,
    }
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn problem_of(value: &str, from: &BoundFrom) -> String {
    let what = if value.is_empty() {
        "is empty"
    } else if value.contains('\0') {
        "contains a NUL byte, which no program argument can carry"
    } else if value.contains(['\n', '\r']) {
        "contains a line break, which does not belong in one argument"
    } else {
        return String::new();
    };
    match from {
        BoundFrom::Label(label) => format!("the alert's label {label} {what}; type a value instead"),
        BoundFrom::Operator | BoundFrom::Unbound => format!("the value {what}; type it again"),
    }
}

/// Lower snake case: `podName`, `pod-name` and `Pod name` are all `pod_name`. A name of nothing but marks stays as it is.
pub(super) fn normalise(raw: &str) -> String {
    let mut name = String::with_capacity(raw.len());
    let mut previous_lower = false;
    for c in raw.chars() {
        if !c.is_alphanumeric() {
            previous_lower = false;
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        if c.is_uppercase() && previous_lower {
            name.push('_');
        }
        previous_lower = c.is_lowercase() || c.is_numeric();
        name.extend(c.to_lowercase());
    }
    name.truncate(name.trim_end_matches('_').len());
    if name.is_empty() { raw.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[rstest]
    #[case("pod", "pod")]
    #[case("Pod name", "pod_name")]
    #[case("podName", "pod_name")]
    #[case("POD_NAME", "pod_name")]
    #[case("vm-disk-image", "vm_disk_image")]
    #[case("IP Address", "ip_address")]
    #[case("node1", "node1")]
    #[case("a--b", "a_b")]
    #[case("name.", "name")]
    #[case("__", "__")]
    fn names_are_snake_case(#[case] raw: &str, #[case] expected: &str) {
        assert_eq!(normalise(raw), expected);
    }

    #[rstest]
    #[case::exact("<pod>", &[("pod", "a"), ("POD", "b")], Some(("pod", "a")))]
    #[case::folded("<pod_name>", &[("PodName", "a")], Some(("PodName", "a")))]
    #[case::alias("$NS", &[("namespace", "prod")], Some(("namespace", "prod")))]
    #[case::named_before_address("<host>", &[("instance", "n1:9100"), ("nodename", "n1")], Some(("nodename", "n1")))]
    #[case::address("<node>", &[("instance", "n1:9100")], Some(("instance", "n1:9100")))]
    #[case::the_exporters_own("<node>", &[("instance", "10.0.0.9:8080"), ("pod", "api-1"), ("namespace", "shop")], None)]
    #[case::path("<dir>", &[("mountpoint", "/var")], Some(("mountpoint", "/var")))]
    #[case::possessive("<my-namespace>", &[("namespace", "prod")], Some(("namespace", "prod")))]
    #[case::suffix_name("<pvc-name>", &[("persistentvolumeclaim", "data-0")], Some(("persistentvolumeclaim", "data-0")))]
    #[case::empty_label_is_none("<pod>", &[("pod", "")], None)]
    #[case::no_guess("<file>", &[("pod", "a"), ("name", "x")], None)]
    fn labels_bind(#[case] script: &str, #[case] labels: &[(&str, &str)], #[case] expected: Option<(&str, &str)>) {
        let bound = bind(&find(script), &map(labels), &BTreeMap::new());
        assert_eq!(bound.len(), 1);
        match expected {
            Some((label, value)) => {
                assert_eq!(bound[0].from, BoundFrom::Label(label.to_owned()));
                assert_eq!(bound[0].value.as_deref(), Some(value));
            }
            None => assert_eq!((bound[0].value.as_deref(), &bound[0].from), (None, &BoundFrom::Unbound)),
        }
    }

    #[test]
    fn typed_values_win_and_each_name_is_bound_once() {
        let uses = find("cp <pod>:/x <pod>-copy $POD");
        let bound = bind(&uses, &map(&[("pod", "label")]), &map(&[("pod", "typed")]));
        assert_eq!(uses.len(), 3);
        assert_eq!(bound.len(), 1);
        assert_eq!((bound[0].value.as_deref(), &bound[0].from), (Some("typed"), &BoundFrom::Operator));
    }

    #[rstest]
    #[case("a\0b", "NUL")]
    #[case("a\nb", "line break")]
    #[case("a\rb", "line break")]
    #[case("", "empty")]
    fn unusable_typed_values_are_refused_and_not_replaced(#[case] value: &str, #[case] word: &str) {
        let bound = bind(&find("<pod>"), &map(&[("pod", "fine")]), &map(&[("pod", value)]));
        assert_eq!((bound[0].value.as_deref(), &bound[0].from), (None, &BoundFrom::Unbound));
        assert!(bound[0].problem.contains(word), "{}", bound[0].problem);
    }

    #[test]
    fn unusable_label_names_the_label() {
        let bound = bind(&find("<pod>"), &map(&[("pod", "a\nb")]), &BTreeMap::new());
        assert_eq!(bound[0].value, None);
        assert!(bound[0].problem.contains("label pod"), "{}", bound[0].problem);
    }

    #[test]
    fn aliases_are_normalised() {
        for (alias, names) in ALIASES {
            assert_eq!(normalise(alias), *alias);
            for name in *names {
                assert_eq!(normalise(name), *name);
            }
        }
    }
}
