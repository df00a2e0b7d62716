//! Routing: which documents are for an alert.
//!
//! Owns: the rules, from most to least certain: the alert names the document, the document names the alert, the names are
//! the same. Does not: guess from words. When no rule fits, nothing is returned.

use super::decode::decode;
use super::front_matter::{self, Lines};
use super::parser::stem;
use crate::domain::alert::Labels;
use crate::domain::id::SopId;

/// How much of a document is read for its summary.
const HEAD_BYTES: usize = 64 * 1024;

/// What routing has to know of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopSummary {
    /// The document.
    pub id: SopId,
    /// Its title.
    pub title: String,
    /// Names of the alerts that it declares.
    pub alerts: Vec<String>,
    /// Its file's name without directory and extension.
    pub stem: String,
    /// Addresses under which alerts refer to it.
    pub runbook_urls: Vec<String>,
}

impl SopSummary {
    /// Reads front matter and first heading, both from the document's first 64 KiB, so that an index is made quickly.
    ///
    /// The title is the one that [`parse`](super::parse) finds in all but exotic documents (a first heading that stands
    /// later or in a list, or that is underlined by `===`).
    #[must_use]
    pub fn read(id: &SopId, bytes: &[u8]) -> Self {
        let decoded = decode(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
        let front = front_matter::read(&decoded.text, decoded.start());
        let stem = stem(id).to_owned();
        let title = front.title.or_else(|| first_heading(&decoded.text, front.body_start));
        Self {
            id: id.clone(),
            title: title.map_or_else(|| stem.clone(), |title| decoded.shown(&title)),
            alerts: front.alerts,
            stem,
            runbook_urls: front.runbook_urls,
        }
    }
}

fn first_heading(text: &str, start: usize) -> Option<String> {
    let mut in_code = false;
    for line in Lines::new(text, start) {
        let trimmed = line.text.trim();
        in_code ^= trimmed.starts_with("```") || trimmed.starts_with("~~~");
        let marks = trimmed.bytes().take_while(|byte| *byte == b'#').count();
        let heading = trimmed.get(marks..).unwrap_or_default();
        if !in_code && (1..=6).contains(&marks) && heading.starts_with(' ') {
            let heading = heading.trim().trim_end_matches('#').replace(['`', '*'], "");
            return Some(heading.trim().to_owned()).filter(|heading| !heading.is_empty());
        }
    }
    None
}

/// A document that is for an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The document.
    pub sop: SopId,
    /// Why, as a phrase for the person.
    pub why: String,
}

/// The documents for an alert, best first; of equally good ones the one that stands first in `index` comes first.
///
/// Empty when nothing fits.
#[must_use]
pub fn route(index: &[SopSummary], labels: &Labels, annotations: &Labels) -> Vec<Match> {
    let alert = labels.get("alertname").map(String::as_str).unwrap_or_default();
    let url = ["runbook_url", "runbook"].iter().find_map(|name| annotations.get(*name).or_else(|| labels.get(*name)));
    let mut found: Vec<(Certainty, Match)> = Vec::new();
    for summary in index {
        if let Some((certainty, why)) = judge(summary, alert, url.map(String::as_str)) {
            found.push((certainty, Match { sop: summary.id.clone(), why }));
        }
    }
    // A stable sort keeps the order of the index among equals.
    found.sort_by_key(|(certainty, _)| *certainty);
    found.into_iter().map(|(_, found)| found).collect()
}

/// How sure a match is, surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// The alert's `runbook_url` is one that the document gives as its own.
    OwnAddress,
    /// The alert's `runbook_url` ends in the document's name.
    Address,
    /// The document declares the alert.
    Declared,
    /// The document is called like the alert.
    SameName,
}

fn judge(summary: &SopSummary, alert: &str, url: Option<&str>) -> Option<(Certainty, String)> {
    let bare = |url: &str| url.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/').to_owned();
    if let Some(url) = url.map(str::trim).filter(|url| !url.is_empty()) {
        if summary.runbook_urls.iter().any(|own| bare(own) == bare(url)) {
            return Some((Certainty::OwnAddress, "the alert's runbook_url is this document's address".to_owned()));
        }
        if same_name(last_segment(url), &summary.stem) {
            return Some((Certainty::Address, "the alert's runbook_url names this document".to_owned()));
        }
    }
    if alert.is_empty() {
        return None;
    }
    if summary.alerts.iter().any(|declared| declared == alert) {
        return Some((Certainty::Declared, format!("the document is for the alert {alert}")));
    }
    if same_name(alert, &summary.stem) || same_name(alert, &summary.title) {
        return Some((Certainty::SameName, format!("the document is called like the alert {alert}")));
    }
    None
}

/// `https://host/a/KubePodCrash.md#fix` names `KubePodCrash`.
fn last_segment(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/');
    let segment = path.rsplit('/').next().unwrap_or_default();
    [".md", ".html", ".htm", ".markdown"]
        .iter()
        .find_map(|extension| segment.strip_suffix(extension))
        .unwrap_or(segment)
}

/// Whether two names are the same but for case, `-`, `_`, dots and spaces; empty names are like nothing.
fn same_name(one: &str, other: &str) -> bool {
    let fold =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let one = fold(one);
    !one.is_empty() && one == fold(other)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn index() -> Vec<SopSummary> {
        let summary = |id: &str, text: &str| SopSummary::read(&SopId::from(id), text.as_bytes());
        vec![
            summary("team/disk-full.md", "# Our disks\n"),
            summary("bundled/disk-full.md", "+++\ntitle = \"Disk is full\"\nalerts = [\"DiskFull\", \"Other\"]\n+++\n"),
            summary("KubePodCrashLooping.md", "# Pod\n"),
            summary("x.md", "---\ntitle: Node Not Ready\nrunbook_url: https://wiki/x/42\n---\n"),
        ]
    }

    #[rstest]
    #[case::declared_before_same_name("DiskFull", "", &["bundled/disk-full.md", "team/disk-full.md"])]
    #[case::declared("Other", "", &["bundled/disk-full.md"])]
    #[case::declared_is_exact("other", "", &[])]
    #[case::same_stem("kube_pod-crashLooping", "", &["KubePodCrashLooping.md"])]
    #[case::same_title("NodeNotReady", "", &["x.md"])]
    #[case::own_address("A", "https://wiki/x/42#top", &["x.md"])]
    #[case::address("A", "https://runbooks.example/a/kubepodcrashlooping/", &["KubePodCrashLooping.md"])]
    #[case::address_with_extension("A", "https://h/b/KubePodCrashLooping.md?x=1#y", &["KubePodCrashLooping.md"])]
    #[case::users_own_comes_first("A", "https://h/Disk_Full.html", &["team/disk-full.md", "bundled/disk-full.md"])]
    #[case::host_is_no_name("A", "https://disk-full", &[])]
    #[case::nothing("Unknown", "https://h/unknown", &[])]
    #[case::no_name("", "", &[])]
    fn routes(#[case] alert: &str, #[case] url: &str, #[case] expected: &[&str]) {
        let found = route(&index(), &labels(&[("alertname", alert)]), &labels(&[("runbook_url", url)]));
        assert_eq!(found.iter().map(|found| found.sop.as_str()).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|found| !found.why.is_empty()));
    }

    #[rstest]
    #[case("```sh\n# comment\n```\n# The *title* #\n", "The title")]
    #[case("text\n## Second `level`\n", "Second level")]
    #[case("nothing", "name")]
    #[case("+++\ntitle = \"Front\"\n+++\n# Heading\n", "Front")]
    fn titles_agree_with_the_parser(#[case] text: &str, #[case] title: &str) {
        let id = SopId::from("a/name.md");
        assert_eq!(SopSummary::read(&id, text.as_bytes()).title, title);
        assert_eq!(super::super::parse(&id, text.as_bytes()).title, title);
    }
}
