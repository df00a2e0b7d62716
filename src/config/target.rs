//! `[[target]]`: on which hosts commands run for which alerts.
//!
//! Owns: its keys and forms. Does not: choose (see `domain::action::choice`).

use std::path::{Path, PathBuf};

use super::document::Raw;
use super::forms::{Count, Form, Wrong, quote, quote_list, text_of, texts_of};
use super::paths::FilePath;
use super::reader::{Reader, Scope};
use crate::domain::action::choice::HOST;
use crate::domain::action::target::SshHost;

/// Keys of `[[target]]`, for the time when there is no such table.
const KEYS: &[&str] = &["hosts", "ssh", "port", "ssh_config", "directory"];

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

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Vec<TargetSection> {
    reader.declare("target", KEYS);
    let read = reader.tables("target", KEYS, |section| one(section, home));
    // One without hosts has been reported, and the whole configuration is refused for it.
    read.into_iter().flatten().collect()
}

fn one(section: &mut Scope<'_, '_>, home: &Path) -> Option<TargetSection> {
    let hosts = section.read_required("hosts", &Patterns);
    let ssh = section.read("ssh", &Login, HOST.to_owned());
    let port = section.read_optional("port", &Count { least: 1, most: u32::from(u16::MAX) });
    let port = port.and_then(|port| u16::try_from(port).ok());
    let ssh_config = section.read_optional("ssh_config", &FilePath { home });
    let directory = section.read("directory", &DirectoryThere, "/".to_owned());
    hosts.map(|hosts| TargetSection { hosts, ssh, port, ssh_config, directory })
}

/// Names of hosts with stars.
struct Patterns;

impl Form for Patterns {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of one or more names of hosts, in which * stands for any text, such as [\"db-*\"]".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Vec<String>, Wrong> {
        let texts = texts_of(raw, ',')?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || ".-_:*".contains(c);
        if let Some((text, line)) = texts.iter().find(|(text, _)| text.is_empty() || !text.chars().all(is_part)) {
            return Err(Wrong { problem: format!("{} is not the name of a host", quote(text)), line: *line });
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
        "the absolute path of a directory on the other host".to_owned()
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
