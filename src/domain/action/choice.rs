//! Which host or container an action runs on: what a person names, else what the step says, else the host that the rules give
//! to the alert, else this one.
//!
//! Owns: matching the hosts of an alert against rules. Does not: know where rules come from, or how containers are named (see
//! `choice_container`).
//!
//! Invariant: an alert can choose among the hosts that rules name, and no more: what it says is matched and checked, and a
//! host that may not be handed to ssh is refused.

use super::choice_container;
pub use super::choice_container::ContainerRule;
use super::container::PREFIX;
use super::subject::{host_of, same_host};
use super::target::{SshHost, Target};
use crate::domain::alert::Labels;
use crate::domain::incident::Refusal;

/// The name among the values of a proposal under which a person names the host. No parameter is called so.
pub const TYPED: &str = "@";

/// Stands for the host of the alert in [`Rule::login`].
pub const HOST: &str = "{host}";

/// How actions for some hosts get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Hosts that it is for; `*` stands for any text. Case does not count.
    pub hosts: Vec<String>,
    /// The login, as on the command line of ssh, with [`HOST`] for the host of the alert.
    pub login: String,
    /// The port, if the configuration of ssh does not say it.
    pub port: Option<u16>,
    /// A configuration file of ssh in the place of the person's own.
    pub config: Option<String>,
    /// The working directory there, absolute.
    pub directory: String,
}

/// Everything that decides on which host an action runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The name of this host.
    pub here: String,
    /// The working directory on this host, absolute.
    pub directory: String,
    /// Rules; the first one that fits counts.
    pub rules: Vec<Rule>,
    /// Rules for containers; the first one that fits counts.
    pub containers: Vec<ContainerRule>,
}

/// Where an action runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// On which host.
    pub target: Target,
    /// In which directory there.
    pub directory: String,
    /// Labels of the alert that the target was taken from; a host is bound by its name alone.
    pub labels: Vec<String>,
}

/// The directory on a host for which there is no rule.
const ROOT: &str = "/";

impl Choice {
    /// A choice of nothing but this host.
    #[must_use]
    pub const fn only_here(here: String, directory: String) -> Self {
        Self { here, directory, rules: Vec::new(), containers: Vec::new() }
    }

    /// The host for an alert whose `labels` name `hosts`; `typed` is what a person or the step says instead: the name of this
    /// host, a host that a rule is for, any other one that ssh reaches, or a container (see [`super::container`]).
    ///
    /// # Errors
    /// When a name may not be handed to ssh or kubectl, or the alert names no container.
    pub fn of(&self, hosts: &[String], labels: &Labels, typed: Option<&str>) -> Result<Chosen, Refusal> {
        if let Some(typed) = typed {
            let typed = typed.strip_prefix('@').unwrap_or(typed);
            if typed.starts_with(PREFIX) {
                return choice_container::chosen(&self.containers, labels, typed);
            }
            return self.named(typed);
        }
        // The alert is about this host: there is no way to go, whatever a pattern says.
        if hosts.iter().any(|host| same_host(host, &self.here)) {
            return Ok(self.this_host());
        }
        for rule in &self.rules {
            if let Some(host) = hosts.iter().find(|host| rule.is_for(host)) {
                return rule.chosen(host, None);
            }
        }
        Ok(self.this_host())
    }

    fn named(&self, typed: &str) -> Result<Chosen, Refusal> {
        if typed == self.here {
            return Ok(self.this_host());
        }
        let named = SshHost::parse(typed).map_err(|why| refused(typed, &why))?;
        match self.rules.iter().find(|rule| rule.is_for(&named.host)) {
            Some(rule) => rule.chosen(&named.host, named.user.as_deref()),
            None => Ok(Chosen { target: Target::Ssh(named), directory: ROOT.to_owned(), labels: Vec::new() }),
        }
    }

    fn this_host(&self) -> Chosen {
        Chosen {
            target: Target::ThisHost { name: self.here.clone() },
            directory: self.directory.clone(),
            labels: Vec::new(),
        }
    }
}

impl Rule {
    fn is_for(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        self.hosts.iter().any(|pattern| fits(&pattern.to_lowercase(), &host))
    }

    /// The way to `host`, as `user` if a person said so.
    fn chosen(&self, host: &str, user: Option<&str>) -> Result<Chosen, Refusal> {
        // Checked by itself first: put into a login it must not become a user.
        let checked = host_of(host).filter(|part| *part == host && !host.contains('@'));
        let host = checked.ok_or_else(|| refused(host, "it is not the plain name of a host"))?;
        let mut to = SshHost::parse(&self.login.replace(HOST, host)).map_err(|why| refused(host, &why))?;
        if let Some(user) = user {
            to.user = Some(user.to_owned());
        }
        to.port = self.port;
        to.config.clone_from(&self.config);
        Ok(Chosen { target: Target::Ssh(to), directory: self.directory.clone(), labels: Vec::new() })
    }
}

fn refused(host: &str, why: &str) -> Refusal {
    let remedy = "Name another host, or correct [[target]] in the configuration";
    Refusal::new("Not proposed", format!("commands cannot run on {host:?}: {why}"), remedy)
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(before) else { return false };
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.any(|at| text.get(at..).is_some_and(|tail| fits(rest, tail)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn choice() -> Choice {
        let rule = |hosts: &[&str], login: &str, directory: &str| Rule {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            login: login.to_owned(),
            port: None,
            config: None,
            directory: directory.to_owned(),
        };
        let rules = vec![
            rule(&["db-*", "DB.example.org"], "postgres@{host}", "/var/lib"),
            rule(&["*.web.example.org"], "{host}", "/"),
            rule(&["through-bastion"], "ops@bastion", "/"),
        ];
        Choice { rules, ..Choice::only_here("web-1".to_owned(), "/srv".to_owned()) }
    }

    #[rstest]
    #[case::here(&[], None, "web-1", "/srv")]
    #[case::rule(&["db-9"], None, "postgres@db-9", "/var/lib")]
    #[case::case_differs(&["db.EXAMPLE.org"], None, "postgres@db.EXAMPLE.org", "/var/lib")]
    #[case::second_host(&["blackbox", "a.web.example.org"], None, "a.web.example.org", "/")]
    #[case::other_login(&["through-bastion"], None, "ops@bastion", "/")]
    #[case::no_rule(&["mail-1"], None, "web-1", "/srv")]
    #[case::about_here(&["web-1"], None, "web-1", "/srv")]
    #[case::typed(&["db-9"], Some("mail-1"), "mail-1", "/")]
    #[case::typed_with_sign(&[], Some("@mail-1"), "mail-1", "/")]
    #[case::typed_here(&["db-9"], Some("@web-1"), "web-1", "/srv")]
    #[case::typed_rule(&[], Some("db-3"), "postgres@db-3", "/var/lib")]
    #[case::typed_user(&[], Some("root@db-3"), "root@db-3", "/var/lib")]
    fn the_person_then_the_rules_then_here(
        #[case] hosts: &[&str],
        #[case] typed: Option<&str>,
        #[case] login: &str,
        #[case] directory: &str,
    ) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let chosen = choice().of(&hosts, &Labels::new(), typed).unwrap();
        let found = match &chosen.target {
            Target::ThisHost { name } => name.clone(),
            Target::Ssh(to) => to.login(),
            Target::Container(to) => to.pod.clone(),
        };
        assert_eq!((found.as_str(), chosen.directory.as_str()), (login, directory));
    }

    #[rstest]
    #[case::option("db--oProxyCommand=x y", None)]
    #[case::shell("db-$(id)", None)]
    #[case::another_user("db-x@root", None)]
    #[case::typed_option("db-1", Some("-oProxyCommand=x"))]
    #[case::typed_twice("db-1", Some("a@b@c"))]
    #[case::typed_nothing("db-1", Some("@"))]
    fn an_alert_or_a_person_cannot_name_more_than_a_host(#[case] host: &str, #[case] typed: Option<&str>) {
        let refusal = choice().of(&[host.to_owned()], &Labels::new(), typed).unwrap_err();
        assert!(refusal.remedy.contains("[[target]]"), "{refusal:?}");
    }

    #[rstest]
    #[case("*", "", true)]
    #[case("a*c", "abbc", true)]
    #[case("a*c", "abcd", false)]
    #[case("*b*", "abc", true)]
    #[case("a**", "aé", true)]
    #[case("ab", "abc", false)]
    fn stars_stand_for_any_text(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(fits(pattern, text), expected);
    }
}
