//! Which container an action acts on, when a person or a step says that it is one.
//!
//! Owns: taking its names from the labels of the alert, and what the configuration adds. Does not: decide that an action
//! belongs into a container: most commands about a pod (`kubectl logs`) are for this host, so nobody but a person or the
//! step itself says so.
//!
//! Invariant: what an alert says is checked like what a person types, and its labels that were taken are named, so that the
//! action is void when they change.

use super::choice::{Chosen, fits};
use super::container::{Container, OWN_DIRECTORY, PREFIX};
use super::target::Target;
use crate::domain::alert::Labels;
use crate::domain::incident::Refusal;

/// Labels that name a namespace, a pod and a container. What a scraper called `exported_` is what its target said of itself;
/// the plain label is then the pod of the exporter.
const NAMESPACE: [&str; 3] = ["exported_namespace", "namespace", "kubernetes_namespace"];
const POD: [&str; 4] = ["exported_pod", "pod", "pod_name", "kubernetes_pod_name"];
const CONTAINER: [&str; 3] = ["exported_container", "container", "container_name"];

/// What is added for the containers of some pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRule {
    /// Namespaces that it is for; `*` stands for any text.
    pub namespaces: Vec<String>,
    /// Pods that it is for; `*` stands for any text.
    pub pods: Vec<String>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The container, when nobody names one.
    pub container: Option<String>,
    /// The working directory there, absolute; `None` for the one that the container begins in.
    pub directory: Option<String>,
}

impl ContainerRule {
    fn is_for(&self, named: &Container) -> bool {
        let any = |patterns: &[String], name: &str| patterns.iter().any(|pattern| fits(pattern, name));
        any(&self.namespaces, &named.namespace) && any(&self.pods, &named.pod)
    }
}

/// The container that `text` names: in full, or `container:` alone for the one that `labels` name.
///
/// # Errors
/// When the alert names none, or a name cannot be handed to kubectl.
pub(super) fn chosen(rules: &[ContainerRule], labels: &Labels, text: &str) -> Result<Chosen, Refusal> {
    let (mut named, taken) = if text == PREFIX {
        of_labels(labels)?
    } else {
        (Container::parse(text).map_err(|why| refused(text, &why))?, Vec::new())
    };
    let rule = rules.iter().find(|rule| rule.is_for(&named));
    if let Some(rule) = rule {
        let of_rule = |own: Option<String>, rules: &Option<String>| own.or_else(|| rules.clone());
        named.context = of_rule(named.context, &rule.context);
        named.container = of_rule(named.container, &rule.container);
    }
    let directory = rule.and_then(|rule| rule.directory.clone()).unwrap_or_else(|| OWN_DIRECTORY.to_owned());
    Ok(Chosen { target: Target::Container(named), directory, labels: taken })
}

/// The container that an alert is about, and the labels that say so.
fn of_labels(labels: &Labels) -> Result<(Container, Vec<String>), Refusal> {
    let find = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, labels.get(*name)?.as_str())));
    let needed = |names: &[&'static str], what: &str| {
        find(names).ok_or_else(|| refused(PREFIX, &format!("the alert has no label that names a {what}")))
    };
    let (namespace, pod, container) = (needed(&NAMESPACE, "namespace")?, needed(&POD, "pod")?, find(&CONTAINER));
    let taken = [Some(namespace), Some(pod), container].into_iter().flatten().map(|(name, _)| name.to_owned());
    let named = Container::new(None, namespace.1, pod.1, container.map(|(_, value)| value));
    Ok((named.map_err(|why| refused(PREFIX, &why))?, taken.collect()))
}

fn refused(what: &str, why: &str) -> Refusal {
    let remedy = "Name it as container:NAMESPACE/POD/CONTAINER, with @CONTEXT behind where it is another cluster";
    Refusal::new("Not proposed", format!("no container can be chosen with {what:?}: {why}"), remedy)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn rules() -> Vec<ContainerRule> {
        let rule = |namespace: &str, pod: &str, context: &str, directory: Option<&str>| ContainerRule {
            namespaces: vec![namespace.to_owned()],
            pods: vec![pod.to_owned()],
            context: Some(context.to_owned()),
            container: Some("app".to_owned()),
            directory: directory.map(str::to_owned),
        };
        vec![rule("shop", "db-*", "eu", Some("/data")), rule("shop*", "*", "us", None)]
    }

    fn shown(chosen: &Chosen) -> (String, String) {
        let Target::Container(named) = &chosen.target else { panic!("{chosen:?}") };
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let names = [part(&named.context), named.namespace.clone(), named.pod.clone(), part(&named.container)];
        (names.join(" "), chosen.directory.clone())
    }

    #[rstest]
    #[case::labels("container:", "eu shop db-0 pg", "/data")]
    #[case::first_rule_that_fits("container:shop-2/web-1", "us shop-2 web-1 app", ".")]
    #[case::the_person_first("container:shop/db-1/sidecar@dev", "dev shop db-1 sidecar", "/data")]
    #[case::no_rule("container:ops/x", " ops x ", ".")]
    fn names_come_from_the_person_then_the_alert_then_the_rules(
        #[case] text: &str,
        #[case] names: &str,
        #[case] directory: &str,
    ) {
        let labels = labels(&[("namespace", "shop"), ("pod", "db-0"), ("container", "pg")]);
        let found = chosen(&rules(), &labels, text).unwrap();
        assert_eq!(shown(&found), (names.to_owned(), directory.to_owned()));
        let expected: &[&str] = if text == PREFIX { &["namespace", "pod", "container"] } else { &[] };
        assert_eq!(found.labels, expected);
    }

    #[test]
    fn what_the_target_said_of_itself_goes_before_the_exporter() {
        let exported = [("pod", "kube-state-metrics-0"), ("exported_pod", "db-0"), ("namespace", "shop")];
        let found = chosen(&[], &labels(&exported), PREFIX).unwrap();
        assert_eq!(
            (shown(&found).0.as_str(), found.labels.as_slice()),
            (" shop db-0 ", &["namespace", "exported_pod"].map(str::to_owned)[..])
        );
    }

    #[rstest]
    #[case::no_pod(&[("namespace", "shop")], "no label that names a pod")]
    #[case::no_namespace(&[("pod", "db-0")], "no label that names a namespace")]
    #[case::an_option(&[("namespace", "shop"), ("pod", "-it")], "hyphen")]
    #[case::two_words(&[("namespace", "shop x"), ("pod", "db-0")], "has ' ' in it")]
    #[case::another_resource(&[("namespace", "shop"), ("pod", "deployment/db")], "has '/' in it")]
    fn an_alert_cannot_name_more_than_a_container(#[case] pairs: &[(&str, &str)], #[case] why: &str) {
        let refusal = chosen(&rules(), &labels(pairs), PREFIX).unwrap_err();
        assert!(refusal.why.contains(why), "{refusal:?}");
        assert!(refusal.remedy.contains("NAMESPACE/POD"), "{refusal:?}");
    }
}
