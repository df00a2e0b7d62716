//! Hosts and accounts that their surroundings give away: labels, options, paths, log lines.
//!
//! Owns: the automaton over what stands before or behind such a name. Does not: take a plain word for a host; `host: db` is
//! told nothing by, and would be replaced everywhere.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;

use super::super::detect::{floor_boundary, starts_word};
use super::super::pseudonym::NameKind;
use super::super::value::is_uuid;
use super::common::{is_account, is_common_word, is_public};
use super::host::{INTERNAL, is_host, run};

/// A pattern, tried where one of its keywords stands. Group `h` is a host, group `u` an account.
struct Clue {
    keywords: &'static [&'static str],
    pattern: &'static str,
}

const MONTHS: &[&str] =
    &["jan ", "feb ", "mar ", "apr ", "may ", "jun ", "jul ", "aug ", "sep ", "oct ", "nov ", "dec "];

const CLUES: [Clue; 8] = [
    // Labels and keys. What is not a name of a host by its form does not count.
    Clue {
        keywords: &["instance", "host", "node", "server", "fqdn", "machine"],
        pattern: r#"(?i:instance|host(?:_?name)?|node(?:_?name)?|server(?:_?name)?|fqdn|machine)\\*["']?\s*(?:=~|!=|=|:)\s*\\*["']?(?:https?://)?(?P<h>[A-Za-z0-9][A-Za-z0-9._-]{1,252})"#,
    },
    Clue {
        keywords: &[
            "ssh ",
            "scp ",
            "rsync ",
            "sftp ",
            "ping ",
            "mosh ",
            "ssh-copy-id ",
            "traceroute ",
            "mtr ",
            "nslookup ",
            "dig ",
        ],
        pattern: r#"(?:ssh|scp|rsync|sftp|ping|mosh|ssh-copy-id|traceroute|mtr|nslookup|dig) +(?:-[A-Za-z]+(?: +(?:[0-9]+|[~./][^\s]*|[A-Za-z]+=[^\s]*))? +){0,6}(?:[^\s@]+ +)??(?:(?P<u>[A-Za-z_][\w.-]{1,31})@)?(?P<h>[A-Za-z0-9][A-Za-z0-9._-]{1,252})"#,
    },
    // An account and a host wherever they are joined as for ssh, without a domain.
    Clue {
        keywords: &["user", "login", "account", "logname", "owner"],
        pattern: r#"(?i:(?:user(?:_?name|_?id)?|login|account|logname|owner))\\*["']?[ \t]*(?:=|:[ \t]*)\\*["']?(?P<u>[A-Za-z_][\w.-]{1,31})"#,
    },
    Clue {
        keywords: &[
            "for user ",
            "for invalid user ",
            "invalid user ",
            "password for ",
            "publickey for ",
            "opened for user ",
            "closed for user ",
            "su - ",
            "user \"",
            "user '",
        ],
        pattern: r#"(?i:(?:(?:opened|closed) )?for user|(?:for )?invalid user|(?:password|publickey) for|su -|user) ["']?(?P<u>[A-Za-z_][\w.-]{1,31})"#,
    },
    Clue {
        keywords: &["/home/", "/users/", "c:\\users\\"],
        pattern: r"(?:/home/|/Users/|(?i:c:\\+users\\+))(?P<u>[A-Za-z_][\w.-]{1,31})",
    },
    Clue { keywords: &["uid="], pattern: r"uid=\d+\((?P<u>[A-Za-z_][\w.-]{1,31})\)" },
    // The head of a line of syslog.
    Clue {
        keywords: MONTHS,
        pattern: r"[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d (?P<h>[A-Za-z0-9][A-Za-z0-9._-]{1,252}) [\w./()-]+(?:\[\d+\])?:",
    },
    // What a person did, as notes and tools write it.
    Clue {
        keywords: &[
            "acknowledged by ",
            "acked by ",
            "assigned to ",
            "approved by ",
            "silenced by ",
            "handed over to ",
            "escalated by ",
        ],
        pattern: r#"(?i:(?:acknowledged|acked|approved|silenced|escalated) by|(?:assigned|handed over) to) ["'`@]?(?P<u>[A-Za-z_][\w.-]{1,31})"#,
    },
];

/// The clue after which any word may stand: only what is no common word counts there.
const DEEDS: usize = 7;

struct Clues {
    automaton: AhoCorasick,
    /// By pattern of the automaton; `None` for an internal domain.
    owners: Vec<Option<usize>>,
    patterns: [OnceLock<Option<Regex>>; CLUES.len()],
}

static ALL: LazyLock<Option<Clues>> = LazyLock::new(|| {
    let mut keywords: Vec<String> = Vec::new();
    let mut owners = Vec::new();
    for (index, clue) in CLUES.iter().enumerate() {
        for keyword in clue.keywords {
            keywords.push((*keyword).to_owned());
            owners.push(Some(index));
        }
    }
    for suffix in INTERNAL {
        keywords.push(format!(".{suffix}"));
        owners.push(None);
    }
    let automaton =
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(&keywords).ok()?;
    Some(Clues { automaton, owners, patterns: [const { OnceLock::new() }; CLUES.len()] })
});

/// Longest text that a clue looks at; in bytes.
const REACH: usize = 400;

/// Calls `found` for every host and account that its surroundings or its domain give away.
pub(super) fn find(text: &str, domains: &BTreeSet<String>, mut found: impl FnMut(Range<usize>, NameKind)) {
    let lower = if domains.is_empty() { String::new() } else { text.to_ascii_lowercase() };
    for domain in domains {
        // Few domains, and a substring search each is faster than an automaton made anew.
        let finder = memchr::memmem::Finder::new(domain);
        for at in finder.find_iter(lower.as_bytes()) {
            let span = run(text, at);
            let name = lower[span.clone()].trim_end_matches('.');
            if name == domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')) {
                found(span, NameKind::Host);
            }
        }
    }
    let Some(clues) = &*ALL else { return };
    for hit in clues.automaton.find_overlapping_iter(text) {
        match clues.owners[hit.pattern().as_usize()] {
            None => {
                if let Some(span) = internal(text, hit.start()) {
                    found(span, NameKind::Host);
                }
            }
            Some(index) => clues.follow(index, text, hit.start(), &mut found),
        }
    }
}

impl Clues {
    fn follow(&self, index: usize, text: &str, at: usize, found: &mut impl FnMut(Range<usize>, NameKind)) {
        let prefixed = at > 0 && text.as_bytes()[at - 1] == b'_';
        if !starts_word(text, at) && !matches!(index, 0 | 2) || prefixed && index > 2 {
            return;
        }
        let window = &text[at..floor_boundary(text, at + REACH)];
        let Some(regex) =
            self.patterns[index].get_or_init(|| Regex::new(&format!(r"\A(?:{})", CLUES[index].pattern)).ok())
        else {
            return;
        };
        let Some(captures) = regex.captures(window) else { return };
        if let Some(user) = captures.name("u") {
            let name = user.as_str().trim_end_matches(['.', '-']);
            let next = window[user.start() + name.len()..].chars().next();
            let is_word = index == DEEDS && (is_common_word(name) || name.ends_with("ing"));
            if name.len() >= 3
                && !is_word
                && !is_account(name)
                && !matches!(next, Some('(' | '{' | '/' | '\\' | '=')) | (index == 4)
                && !name.contains("..")
            {
                found(at + user.start()..at + user.start() + name.len(), NameKind::User);
            }
        }
        if let Some(host) = captures.name("h") {
            let name = host.as_str().trim_end_matches(['.', '-', '_']);
            if is_telling(name, window[host.start() + name.len()..].chars().next()) {
                found(at + host.start()..at + host.start() + name.len(), NameKind::Host);
            }
        }
    }
}

/// True when `name` is more than a plain word: a digit or a hyphen, or a domain, and no file, number or version.
fn is_telling(name: &str, next: Option<char>) -> bool {
    const ENDINGS: [&str; 24] = [
        "go", "py", "rs", "js", "ts", "yaml", "yml", "json", "sh", "md", "txt", "conf", "cfg", "log", "html", "java",
        "service", "toml", "key", "pem", "crt", "c", "tar", "gz",
    ];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let file =
        ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()) || ending.bytes().all(|b| b.is_ascii_digit()));
    let digit = name.contains(|c: char| c.is_ascii_digit());
    let first_letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let number = !first_letter && !name.contains(['-', '.']);
    is_host(name)
        && !is_public(name)
        && !is_uuid(name)
        && (digit || name.contains('-') && name.len() >= 6 || name.matches('.').count() >= 2)
        && !file
        && !number
        && !matches!(next, Some('(' | '/' | '$' | '{' | '<'))
}

/// The host whose name goes through the internal domain at `dot`, when it ends there.
fn internal(text: &str, dot: usize) -> Option<Range<usize>> {
    let span = run(text, dot);
    let name = text.get(span.clone())?.to_ascii_lowercase();
    let ends = INTERNAL
        .iter()
        .any(|suffix| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1));
    let next = text[span.end..].chars().next();
    let strange = matches!(next, Some('(' | '{' | '_' | '$' | '='));
    (ends && span.start < dot && is_host(&name) && !strange).then_some(span)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn names(text: &str) -> Vec<(&str, NameKind)> {
        let mut found = Vec::new();
        find(text, &BTreeSet::from(["acme.io".to_owned()]), |span, kind| found.push((&text[span], kind)));
        found
    }

    #[test]
    fn every_pattern_compiles() {
        for clue in &CLUES {
            assert!(Regex::new(clue.pattern).is_ok(), "{}", clue.pattern);
        }
        assert!(ALL.is_some());
    }

    #[rstest]
    #[case("instance=\"web-01:9100\"", &[("web-01", NameKind::Host)])]
    #[case("see db.prod.corp, x.svc.cluster.local.", &[("db.prod.corp", NameKind::Host), ("x.svc.cluster.local", NameKind::Host)])]
    #[case("on shop.acme.io and acme.io", &[("shop.acme.io", NameKind::Host), ("acme.io", NameKind::Host)])]
    #[case("ssh -p 22 alice@bastion2", &[("alice", NameKind::User), ("bastion2", NameKind::Host)])]
    #[case("acknowledged by priya, approved by legal-ops", &[("priya", NameKind::User), ("legal-ops", NameKind::User)])]
    #[case("approved by the owner, assigned to nobody, silenced by restarting, acked by engineers", &[])]
    #[case("/home/jdoe/.ssh user=mallory", &[("jdoe", NameKind::User), ("mallory", NameKind::User)])]
    #[case("Jan 12 03:04:05 LabSZ7 sshd[24200]: x", &[("LabSZ7", NameKind::Host)])]
    #[case("host: localhost node: true server=main.go user=root ssh key ~/.local/share settings.local.json", &[])]
    fn surroundings_give_names_away(#[case] text: &str, #[case] expected: &[(&str, NameKind)]) {
        let mut found = names(text);
        found.dedup();
        assert_eq!(found, expected);
    }
}
