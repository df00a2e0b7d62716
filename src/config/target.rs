//! `[[target]]`: on which hosts commands run for which alerts, and how containers of pods are reached.
//!
//! Owns: its keys and forms. Does not: choose (see `domain::action::choice`).

use std::path::{Path, PathBuf};

use super::document::Raw;
use super::forms::{Choice, Count, Form, Wrong, quote, quote_list, text_of, texts_of};
use super::paths::FilePath;
use super::reader::{Reader, Scope};
use crate::domain::action::choice::HOST;
use crate::domain::action::container::Container;
use crate::domain::action::target::SshHost;

/// Keys of `[[target]]`, for the time when there is no such table.
const KEYS: &[&str] =
    &["kind", "hosts", "ssh", "port", "ssh_config", "directory", "namespaces", "pods", "context", "container"];
/// Keys that only a host has.
const OF_HOSTS: [&str; 4] = ["hosts", "ssh", "port", "ssh_config"];
/// Keys that only a container has.
const OF_CONTAINERS: [&str; 4] = ["namespaces", "pods", "context", "container"];

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Container,
}

/// Names of the kinds.
const KINDS: Choice<Kind> = Choice(&[("host", Kind::Host), ("container", Kind::Container)]);

/// How commands for some hosts get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSection {
    /// Hosts of alerts, without ports; `*` stands for any text. Not empty.
    pub hosts: Vec<String>,
    /// `user@host` or `host`, in which `{host}` stands for the host of the alert.
    pub ssh: String,
    /// The port: 1 to 65535; `None` when the configuration of ssh says it.
    pub port: Option<u16>,
    /// A configuration file of ssh in the place of the person's own. Absolute.
    pub ssh_config: Option<PathBuf>,
    /// Working directory there. Absolute.
    pub directory: String,
}

/// How containers of some pods are reached, once a person or a step has chosen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSection {
    /// Namespaces that it is for; `*` stands for any text. Not empty.
    pub namespaces: Vec<String>,
    /// Pods that it is for; `*` stands for any text. Not empty.
    pub pods: Vec<String>,
    /// The context of the kubeconfig; `None` for the one that is current.
    pub context: Option<String>,
    /// The container, when neither a person nor the alert names one.
    pub container: Option<String>,
    /// Working directory there, absolute; `None` for the one that the container begins in.
    pub directory: Option<String>,
}

/// Every `[[target]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) hosts: Vec<TargetSection>,
    pub(super) containers: Vec<ContainerSection>,
}

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Targets {
    reader.declare("target", KEYS);
    let mut targets = Targets::default();
    reader.tables("target", KEYS, |section| match section.read("kind", &KINDS, Kind::Host) {
        // One without hosts has been reported, and the whole configuration is refused for it.
        Kind::Host => {
            not_these(section, &OF_CONTAINERS, "container");
            targets.hosts.extend(host(section, home));
        }
        Kind::Container => {
            not_these(section, &OF_HOSTS, "host");
            targets.containers.extend(container(section));
        }
    });
    targets
}

/// Reports every key of `keys` that is set, since only a target of `kind` has it.
fn not_these(section: &mut Scope<'_, '_>, keys: &[&'static str], kind: &str) {
    for key in keys.iter().filter(|key| section.is_set(key)).copied().collect::<Vec<_>>() {
        section.mistake(key, &format!("only a target of kind {} has this key", quote(kind)), "the table without it");
    }
}

fn host(section: &mut Scope<'_, '_>, home: &Path) -> Option<TargetSection> {
    let hosts = section.read_required("hosts", &Patterns { of: "hosts", example: "db-*" });
    let ssh = section.read("ssh", &Login, HOST.to_owned());
    let port = section.read_optional("port", &Count { least: 1, most: u32::from(u16::MAX) });
    let port = port.and_then(|port| u16::try_from(port).ok());
    let ssh_config = section.read_optional("ssh_config", &FilePath { home });
    let directory = section.read("directory", &DirectoryThere, "/".to_owned());
    hosts.map(|hosts| TargetSection { hosts, ssh, port, ssh_config, directory })
}

fn container(section: &mut Scope<'_, '_>) -> Option<ContainerSection> {
    let namespaces = section.read_required("namespaces", &Patterns { of: "namespaces", example: "shop-*" });
    let pods = section.read("pods", &Patterns { of: "pods", example: "db-*" }, vec!["*".to_owned()]);
    let context = section.read_optional("context", &NameThere::Context);
    let container = section.read_optional("container", &NameThere::Container);
    let directory = section.read_optional("directory", &DirectoryThere);
    namespaces.map(|namespaces| ContainerSection { namespaces, pods, context, container, directory })
}

/// A name that kubectl is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameThere {
    Context,
    Container,
}

impl Form for NameThere {
    type Value = String;

    fn allowed(&self) -> String {
        match self {
            Self::Context => "the name of a context of the kubeconfig: ASCII letters, digits and -_.:/@".to_owned(),
            Self::Container => "the name of a container: lower case letters, digits and hyphens".to_owned(),
        }
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        // The other names only have to be right.
        let checked = match self {
            Self::Context => Container::new(Some(text), "n", "p", None),
            Self::Container => Container::new(None, "n", "p", Some(text)),
        };
        checked.map_err(|why| Wrong::new(format!("{}: {why}", quote(text))))?;
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// Names with stars.
struct Patterns {
    of: &'static str,
    example: &'static str,
}

impl Form for Patterns {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        let Self { of, example } = self;
        format!("a list of one or more names of {of}, in which * stands for any text, such as [\"{example}\"]")
    }

    fn read(&self, raw: &Raw) -> Result<Vec<String>, Wrong> {
        let texts = texts_of(raw, ',')?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || ".-_:*".contains(c);
        if let Some((text, line)) = texts.iter().find(|(text, _)| text.is_empty() || !text.chars().all(is_part)) {
            return Err(Wrong {
                problem: format!("{} is not the name of a {}", quote(text), self.of.trim_end_matches('s')),
                line: *line,
            });
        }
        if texts.is_empty() {
            return Err(Wrong::new("this list is empty"));
        }
        Ok(texts.into_iter().map(|(text, _)| text).collect())
    }

    fn show(&self, value: &Vec<String>) -> String {
        quote_list(value.iter().map(String::as_str))
    }
}

/// A login of ssh.
struct Login;

impl Form for Login {
    type Value = String;

    fn allowed(&self) -> String {
        "a host or user@host, in which {host} stands for the host of the alert".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        // With a plain name in its place it has to be a login.
        SshHost::parse(&text.replace(HOST, "h")).map_err(|why| Wrong::new(format!("{}: {why}", quote(text))))?;
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}

/// A directory of another host, which cannot be looked at from here.
struct DirectoryThere;

impl Form for DirectoryThere {
    type Value = String;

    fn allowed(&self) -> String {
        "the absolute path of a directory on the other host or in the container".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<String, Wrong> {
        let text = text_of(raw)?;
        if text.starts_with('/') && !text.contains(char::is_control) {
            return Ok(text.to_owned());
        }
        Err(Wrong::new(format!("{} is not absolute", quote(text))))
    }

    fn show(&self, value: &String) -> String {
        quote(value)
    }
}
