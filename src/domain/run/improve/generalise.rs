//! What ran in one place, as words for every place.
//!
//! Owns: putting parameters back where their values stand, and refusing what would carry a secret into a document. Does not:
//! say whether the words are right.
//!
//! Invariants: words that the document has stay as the document has them, quotes and all. No value of a label, no host, address,
//! account or mail address and no secret that `redact` knows is left in other words.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tokens::{Token, cut, joined};
use crate::domain::alert::Labels;
use crate::domain::procedure::params::{self, BoundFrom};
use crate::domain::redact::{Kind, NameKind, Names, Pseudonyms, redact_text};

/// Labels whose values are words of everyday use or say nothing about a place.
const GENERAL_LABELS: [&str; 4] = ["alertname", "severity", "job", "prometheus"];

/// Labels that name a host, most often with a port.
const HOST_LABELS: [&str; 6] = ["instance", "host", "hostname", "node", "nodename", "exported_instance"];

/// A shorter value stands in too many words by chance.
const LEAST_VALUE: usize = 3;

/// Why words of people cannot become words of a document, as a clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// `ran`, a command line with values, as a document would have it. Where it has the words of `written`, the document's own
/// command, these are kept; `labels` are those of the alert that it ran for, `people` logins that must not show.
///
/// # Errors
/// When a secret stands in it, or a line break that no document keeps.
pub fn generalise(ran: &str, written: &str, labels: &Labels, people: &[&str]) -> Result<String, Refused> {
    let (ran, written) = (cut(ran), cut_without_comments(written));
    let kept = aligned(&written, &ran);
    let surfaces = surfaces(&written, labels);
    let mut words = Vec::new();
    let mut own = Vec::new();
    for (at, token) in ran.iter().enumerate() {
        match kept.get(&at).and_then(|at| written.get(*at)) {
            Some(token) => words.push(token.raw.clone()),
            None => {
                own.push(words.len());
                words.push(with_parameters(&token.raw, labels, &surfaces));
            }
        }
    }
    let line = joined(words.iter().cloned());
    let places = places_of(&line, &words, &own);
    without_names(&line, &places, labels, people)
}

/// `text`, which stands in no command (a query, a note), with the values of `labels` as parameters and other names as
/// placeholders.
///
/// # Errors
/// When a secret stands in it.
pub fn in_general(text: &str, labels: &Labels, people: &[&str]) -> Result<String, Refused> {
    let text = with_parameters(text, labels, &BTreeMap::new());
    let whole = 0..text.len();
    without_names(&text, &[whole], labels, people)
}

fn cut_without_comments(script: &str) -> Vec<Token> {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    cut(&lines.collect::<Vec<_>>().join("\n"))
}

/// Which word of `ran` is which of `written`: the longest sequence of words that fit, in order.
fn aligned(written: &[Token], ran: &[Token]) -> BTreeMap<usize, usize> {
    let (rows, columns) = (written.len(), ran.len());
    let mut best = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let skipped = best[row + 1][column].max(best[row][column + 1]);
            let taken = if written[row].fits(&ran[column]) { best[row + 1][column + 1] + 1 } else { 0 };
            best[row][column] = skipped.max(taken);
        }
    }
    let (mut row, mut column, mut kept) = (0, 0, BTreeMap::new());
    while row < rows && column < columns {
        if written[row].fits(&ran[column]) && best[row][column] == best[row + 1][column + 1] + 1 {
            kept.insert(column, row);
            (row, column) = (row + 1, column + 1);
        } else if best[row + 1][column] >= best[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    kept
}

/// How the document writes the parameters that labels fill, by label.
fn surfaces(written: &[Token], labels: &Labels) -> BTreeMap<String, String> {
    let uses: Vec<_> = written.iter().flat_map(|token| params::find(&token.raw)).collect();
    let bound = params::bind(&uses, labels, &BTreeMap::new()).into_iter();
    bound
        .filter_map(|binding| match binding.from {
            BoundFrom::Label(label) => Some((label, binding.surface)),
            BoundFrom::Operator | BoundFrom::Unbound => None,
        })
        .collect()
}

/// `word` with a parameter wherever the value of a label stands on its own.
fn with_parameters(word: &str, labels: &Labels, surfaces: &BTreeMap<String, String>) -> String {
    let mut values: Vec<(&str, String)> = Vec::new();
    for (name, value) in labels.iter().filter(|(name, _)| !GENERAL_LABELS.contains(&name.as_str())) {
        let surface = surfaces.get(name).cloned().unwrap_or_else(|| format!("<{name}>"));
        values.push((value, surface));
        if HOST_LABELS.contains(&name.as_str())
            && let Some((host, port)) = value.rsplit_once(':')
            && port.bytes().all(|byte| byte.is_ascii_digit())
        {
            values.push((host, "<hostname>".to_owned()));
        }
    }
    values.retain(|(value, _)| value.len() >= LEAST_VALUE && !value.bytes().all(|byte| byte.is_ascii_digit()));
    values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let mut text = String::with_capacity(word.len());
    let mut at = 0;
    while let Some(c) = word.get(at..).and_then(|rest| rest.chars().next()) {
        let found = values.iter().find(|(value, _)| stands_at(word, at, value));
        match found {
            Some((value, surface)) => {
                text.push_str(surface);
                at += value.len();
            }
            None => {
                text.push(c);
                at += c.len_utf8();
            }
        }
    }
    text
}

/// Whether `value` stands at `at` and is no part of a longer name.
fn stands_at(word: &str, at: usize, value: &str) -> bool {
    let (before, rest) = word.split_at(at);
    let Some(after) = rest.strip_prefix(value) else { return false };
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '<' | '>');
    // A path may go on with `/`, a host with `:` and a port; `shop-db` is another name than `shop`.
    !before.ends_with(goes_on) && !after.starts_with(goes_on)
}

/// Where the words with these numbers stand in `line`.
fn places_of(line: &str, words: &[String], own: &[usize]) -> Vec<Range<usize>> {
    let (mut at, mut places) = (0, Vec::new());
    for (number, word) in words.iter().enumerate() {
        let start = line.get(at..).and_then(|rest| rest.find(word.as_str())).map_or(at, |found| at + found);
        at = start + word.len();
        if own.contains(&number) {
            places.push(start..at);
        }
    }
    places
}

/// `line` with placeholders for names that stand in one of `places`.
fn without_names(line: &str, places: &[Range<usize>], labels: &Labels, people: &[&str]) -> Result<String, Refused> {
    // The tokens are thrown away: nobody has to be kept from guessing their key.
    let mut names = Pseudonyms::new([0; 32]);
    people.iter().for_each(|login| names.learn(NameKind::User, login));
    for (_, value) in labels.iter().filter(|(name, _)| HOST_LABELS.contains(&name.as_str())) {
        names.learn(NameKind::Host, value.rsplit_once(':').map_or(value.as_str(), |(host, _)| host));
    }
    let found = redact_text(line, Names::Replace(&mut names)).findings;
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    for finding in found {
        let here = places.iter().any(|place| place.start < finding.span.end && finding.span.start < place.end);
        if !here || finding.span.start < at {
            continue;
        }
        let Some(placeholder) = placeholder(finding.kind) else {
            return Err(Refused(format!(
                "a secret ({}) stands in what ran, and a document must not hold one",
                finding.kind
            )));
        };
        text.push_str(line.get(at..finding.span.start).unwrap_or_default());
        text.push_str(placeholder);
        at = finding.span.end;
    }
    text.push_str(line.get(at..).unwrap_or_default());
    Ok(text)
}

/// What stands in a document for a name of this kind; `None` for a secret.
const fn placeholder(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Host => Some("<host>"),
        Kind::Address => Some("<address>"),
        Kind::User => Some("<user>"),
        Kind::Mail => Some("<mail>"),
        Kind::Lookalike => Some("<name>"),
        Kind::Password
        | Kind::ApiKey
        | Kind::Token
        | Kind::Secret
        | Kind::PrivateKey
        | Kind::Cookie
        | Kind::Hash
        | Kind::Signature
        | Kind::Webhook
        | Kind::Community
        | Kind::Seed
        | Kind::SecretData => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn labels() -> Labels {
        let pairs =
            [("mountpoint", "/srv/data"), ("namespace", "shop"), ("instance", "db-3:9100"), ("severity", "warning")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[rstest]
    // The document's own words come back with their parameters and quotes.
    #[case("df -h <mountpoint>", "df -hT /srv/data", "df -hT <mountpoint>")]
    #[case(
        "find <dir> -name '*.log' -delete",
        "find /srv/data -name '*.log' -mtime +7 -delete",
        "find <dir> -name '*.log' -mtime +7 -delete"
    )]
    #[case("kubectl -n <ns> get pods", "kubectl -n shop get pods | sort", "kubectl -n <ns> get pods | sort")]
    // New words with a value of a label, in whole and in part.
    #[case("ls", "du -sh /srv/data/logs", "du -sh <mountpoint>/logs")]
    #[case("ls", "kubectl -n shop get pods shop-1", "kubectl -n <namespace> get pods shop-1")]
    #[case("ls", "ssh db-3 uptime", "ssh <hostname> uptime")]
    #[case("ls", "curl http://db-3:9100/metrics", "curl http://<instance>/metrics")]
    // Names that no label has.
    #[case("ls", "ping -c 3 10.1.2.3", "ping -c 3 <address>")]
    #[case("# all\nls <dir>", "ls -l /srv/data", "ls -l <dir>")]
    fn values_become_parameters(#[case] written: &str, #[case] ran: &str, #[case] expected: &str) {
        assert_eq!(generalise(ran, written, &labels(), &["ada"]).unwrap(), expected);
    }

    #[test]
    fn a_secret_keeps_it_out() {
        let refused = generalise("PGPASSWORD=hunter22x psql -h db", "psql", &labels(), &[]).unwrap_err();
        assert!(refused.to_string().contains("password") && !refused.to_string().contains("hunter"), "{refused}");
    }
}
