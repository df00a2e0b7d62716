//! `[[prometheus]]` and `[[logs]]`: where metrics and logs are asked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::forms::{Name, WebAddress};
use super::load::{login, span};
use super::paths::FilePaths;
use super::reader::Reader;
use super::{Login, LogsSection, PrometheusSection};
use crate::domain::id::SourceId;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Keys of `[[prometheus]]`, for the time when there is no such table.
const PROMETHEUS_KEYS: &[&str] = &["name", "url", "token", "username", "password", "timeout"];
/// Keys of `[[logs]]`, likewise.
const LOGS_KEYS: &[&str] = &["name", "files"];

/// Every Prometheus, the first of which is asked.
pub(super) fn prometheus(reader: &mut Reader<'_>, home: &Path) -> Vec<PrometheusSection> {
    reader.declare("prometheus", PROMETHEUS_KEYS);
    let mut names: Vec<String> = Vec::new();
    let read = reader.tables("prometheus", PROMETHEUS_KEYS, |section| {
        let name = section.read("name", &Name { longest: 64 }, "prometheus".to_owned());
        if names.contains(&name) {
            let problem = format!("there is another Prometheus with the name {name}");
            section.mistake("name", &problem, "a name for each, different from all others");
        }
        names.push(name.clone());
        let url = section.read_required("url", &WebAddress);
        let login: Login = login(section, home);
        let timeout = section.read("timeout", &span(SECOND, 2 * MINUTE), 15 * SECOND);
        url.map(|url| PrometheusSection { name: SourceId(name), url, login, timeout })
    });
    // One without a URL has been reported, and the whole configuration is refused for it.
    read.into_iter().flatten().collect()
}

/// Every set of log files.
pub(super) fn logs(reader: &mut Reader<'_>, home: &Path) -> Vec<LogsSection> {
    reader.declare("logs", LOGS_KEYS);
    let mut names: Vec<String> = Vec::new();
    reader.tables("logs", LOGS_KEYS, |section| {
        let name = section.read("name", &Name { longest: 64 }, "logs".to_owned());
        if names.contains(&name) {
            let problem = format!("there are other logs with the name {name}");
            section.mistake("name", &problem, "a name for each, different from all others");
        }
        names.push(name.clone());
        let files: Vec<PathBuf> = section.read("files", &FilePaths { home }, Vec::new());
        LogsSection { name: SourceId(name), files }
    })
}
