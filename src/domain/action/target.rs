//! Where an action acts: this host, another one over ssh, or a container of a pod.
//!
//! Owns: the names that people see and type, and which names may be handed to `ssh` (those for `kubectl` are in `container`).
//! Does not: reach anything (see `adapters::{ssh, kubectl}`), or choose one for an alert (see `choice`).
//!
//! Invariant: neither the host nor the user of an [`SshHost`] that [`SshHost::parse`] made can be taken for an option, and
//! neither has a character that a shell, a file name or a configuration of ssh gives a meaning.

use serde::{Deserialize, Serialize};

use super::container::Container;
use crate::domain::digest::FieldHasher;

/// Longest name of a host, in bytes (RFC 1035, without the root).
const LONGEST_HOST: usize = 253;
/// Longest name of a user, in bytes: useradd(8) takes 32, directories have longer ones.
const LONGEST_USER: usize = 64;

/// Where an action acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum Target {
    /// The host that the console runs on.
    ThisHost {
        /// Its host name, which has to be typed to approve something dangerous.
        name: String,
    },
    /// Another host, through the person's own `ssh`.
    Ssh(SshHost),
    /// A container of a pod, through the person's own `kubectl`.
    Container(Container),
}

/// A host that `ssh` reaches, as it would be named on its command line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SshHost {
    /// Its name or address, or an alias of the configuration of ssh.
    pub host: String,
    /// Who logs in there; `None` when the configuration of ssh says it.
    #[serde(default)]
    pub user: Option<String>,
    /// Its port; `None` when the configuration of ssh says it.
    #[serde(default)]
    pub port: Option<u16>,
    /// A configuration file of ssh in the place of the person's own, absolute.
    #[serde(default)]
    pub config: Option<String>,
}

impl SshHost {
    /// The host that `text` (`host` or `user@host`) names, with everything else as the configuration of ssh has it.
    ///
    /// # Errors
    /// What is wrong with the name, for a person to read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, text),
        };
        check("host", host, LONGEST_HOST, ".-_:")?;
        if let Some(user) = user {
            check("user", user, LONGEST_USER, ".-_")?;
        }
        Ok(Self { host: host.to_owned(), user: user.map(str::to_owned), port: None, config: None })
    }

    /// `user@host`, as far as it is known.
    #[must_use]
    pub fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

/// Only letters and digits of ASCII and `besides`, not beginning with one that makes an option of it.
fn check(what: &str, name: &str, longest: usize, besides: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("there is no name of a {what} in it"));
    }
    if name.len() > longest {
        return Err(format!("the name of the {what} is longer than {longest} bytes"));
    }
    if name.starts_with('-') {
        return Err(format!("the name of the {what} begins with a hyphen, which ssh takes for an option"));
    }
    match name.chars().find(|c| !c.is_ascii_alphanumeric() && !besides.contains(*c)) {
        Some(c) => Err(format!("the name of the {what} has {c:?} in it")),
        None => Ok(()),
    }
}

impl Target {
    /// The name that is shown, and typed for risky actions.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ThisHost { name } => name,
            Self::Ssh(to) => &to.host,
            Self::Container(to) => &to.pod,
        }
    }

    /// How it is reached, for the review; `None` when there is no way to go. Its parts may be foreign text.
    #[must_use]
    pub fn way(&self) -> Option<String> {
        match self {
            Self::ThisHost { .. } => None,
            Self::Ssh(to) => {
                let port = to.port.map(|port| format!(", port {port}")).unwrap_or_default();
                let config = to.config.as_ref().map(|path| format!(", as {path} says")).unwrap_or_default();
                Some(format!("over ssh to {}{port}{config}", to.login()))
            }
            Self::Container(to) => Some(to.way()),
        }
    }

    /// Whether its programs are processes of this host, which the kernel here can keep from writing.
    #[must_use]
    pub const fn is_here(&self) -> bool {
        match self {
            Self::ThisHost { .. } => true,
            Self::Ssh(_) | Self::Container(_) => false,
        }
    }

    /// Adds all of its meaning to `hasher`.
    pub(super) fn hash(&self, hasher: &mut FieldHasher) {
        match self {
            Self::ThisHost { name } => {
                hasher.field(b"this host");
                hasher.field(name.as_bytes());
            }
            Self::Ssh(SshHost { host, user, port, config }) => {
                hasher.field(b"ssh");
                hasher.field(host.as_bytes());
                for part in [user, config] {
                    hasher.number(i64::from(part.is_some()));
                    hasher.field(part.as_deref().unwrap_or_default().as_bytes());
                }
                // No port is 0.
                hasher.number(port.map_or(0, i64::from));
            }
            Self::Container(to) => to.hash(hasher),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("web-1", None, "web-1")]
    #[case("root@10.0.0.3", Some("root"), "10.0.0.3")]
    #[case("ops@2001:db8::1", Some("ops"), "2001:db8::1")]
    fn hosts_are_named_as_for_ssh(#[case] text: &str, #[case] user: Option<&str>, #[case] host: &str) {
        let parsed = SshHost::parse(text).unwrap();
        assert_eq!((parsed.user.as_deref(), parsed.host.as_str(), parsed.login().as_str()), (user, host, text));
    }

    #[rstest]
    #[case("")]
    #[case("root@")]
    #[case("@web-1")]
    #[case("-oProxyCommand=x")]
    #[case("-l@web-1")]
    #[case("web 1")]
    #[case("web-1;id")]
    #[case("$(id)")]
    #[case("we\u{202e}b")]
    #[case("a@b@c")]
    #[case("%h")]
    fn what_ssh_or_a_shell_could_take_for_more_is_no_host(#[case] text: &str) {
        assert!(SshHost::parse(text).is_err());
    }

    #[test]
    fn every_part_of_the_way_is_in_the_digest() {
        let plain = SshHost::parse("a").unwrap();
        let all = [
            Target::ThisHost { name: "a".to_owned() },
            Target::Ssh(plain.clone()),
            Target::Ssh(SshHost { user: Some("b".to_owned()), ..plain.clone() }),
            Target::Ssh(SshHost { config: Some("b".to_owned()), ..plain.clone() }),
            Target::Ssh(SshHost { port: Some(22), ..plain }),
            Target::Container(Container::new(None, "a", "b", None).unwrap()),
            Target::Container(Container::new(None, "b", "a", None).unwrap()),
            Target::Container(Container::new(Some("c"), "a", "b", None).unwrap()),
            Target::Container(Container::new(None, "a", "b", Some("c")).unwrap()),
        ];
        let digests: std::collections::BTreeSet<String> = all
            .iter()
            .map(|target| {
                let mut hasher = FieldHasher::new("test");
                target.hash(&mut hasher);
                hasher.finish()
            })
            .collect();
        assert_eq!(digests.len(), all.len());
    }
}
