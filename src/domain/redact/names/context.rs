//! Hosts and accounts that their surroundings give away: labels, options, paths, log lines.
//!
//! Owns: the automaton over what stands before or behind such a name, and the patterns that are tried there; `reader` reads the
//! most frequent ones. Does not: take a plain word for a host; `host: db` is
//! told nothing by, and would be replaced everywhere.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;

use super::super::detect::{floor_boundary, starts_word};
use super::super::pseudonym::NameKind;
use super::super::value::is_uuid;
use super::common::{is_account, is_common_word};
use super::host::{INTERNAL, is_host, run};
use super::reader::{Clued, Reader, Reading, account, label, remote};

/// A pattern, tried where one of its keywords stands. Group `h` is a host, group `u` an account.
struct Clue {
    keywords: &'static [&'static str],
    /// Says the same as the pattern in less time, where it can.
    reader: Option<Reader>,
    pattern: &'static str,
}

const MONTHS: &[&str] =
    &["jan ", "feb ", "mar ", "apr ", "may ", "jun ", "jul ", "aug ", "sep ", "oct ", "nov ", "dec "];

const CLUES: [Clue; 8] = [
    // Labels and keys. What is not a name of a host by its form does not count.
    Clue {
        keywords: &["instance", "host", "node", "server", "fqdn", "machine"],
        reader: Some(label),
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
        reader: Some(remote),
        pattern: r#"(?:ssh|scp|rsync|sftp|ping|mosh|ssh-copy-id|traceroute|mtr|nslookup|dig) +(?:-[A-Za-z]+(?: +(?:[0-9]+|[~./][^\s]*|[A-Za-z]+=[^\s]*))? +){0,6}(?:[^\s@]+ +)??(?:(?P<u>[A-Za-z_][\w.-]{1,31})@)?(?P<h>[A-Za-z0-9][A-Za-z0-9._-]{1,252})"#,
    },
    // An account and a host wherever they are joined as for ssh, without a domain.
    Clue {
        keywords: &["user", "login", "account", "logname", "owner"],
        reader: Some(account),
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
        reader: None,
        pattern: r#"(?i:(?:(?:opened|closed) )?for user|(?:for )?invalid user|(?:password|publickey) for|su -|user) ["']?(?P<u>[A-Za-z_][\w.-]{1,31})"#,
    },
    Clue {
        keywords: &["/home/", "/users/", "c:\\users\\"],
        reader: None,
        pattern: r"(?:/home/|/Users/|(?i:c:\\+users\\+))(?P<u>[A-Za-z_][\w.-]{1,31})",
    },
    Clue { keywords: &["uid="], reader: None, pattern: r"uid=\d+\((?P<u>[A-Za-z_][\w.-]{1,31})\)" },
    // The head of a line of syslog.
    Clue {
        keywords: MONTHS,
        reader: None,
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
        reader: None,
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
/// What is shorter than this is the same name from each of its dots; in bytes.
const LONGEST: usize = 255;

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
    let mut last = 0..0;
    for hit in clues.automaton.find_overlapping_iter(text) {
        match clues.owners[hit.pattern().as_usize()] {
            // A name of several such domains is found at the first of them.
            None if last.contains(&hit.start()) && last.len() < LONGEST => {}
            None => {
                if let Some(span) = internal(text, hit.start()) {
                    last = span.clone();
                    found(span, NameKind::Host);
                }
            }
            Some(index) => clues.follow(index, text, hit.start()..hit.end(), &mut found),
        }
    }
}

impl Clues {
    fn follow(&self, index: usize, text: &str, hit: Range<usize>, found: &mut impl FnMut(Range<usize>, NameKind)) {
        let at = hit.start;
        let prefixed = at > 0 && text.as_bytes()[at - 1] == b'_';
        if !starts_word(text, at) && !matches!(index, 0 | 2) || prefixed && index > 2 {
            return;
        }
        let window = &text[at..floor_boundary(text, at + REACH)];
        let Some(Clued { user, host }) = self.clued(index, window, hit.len()) else { return };
        if let Some(user) = user {
            let name = window[user.clone()].trim_end_matches(['.', '-']);
            let next = window[user.start + name.len()..].chars().next();
            let is_word = index == DEEDS && (is_common_word(name) || name.ends_with("ing"));
            if name.len() >= 3
                && !is_word
                && !is_account(name)
                && !matches!(next, Some('(' | '{' | '/' | '\\' | '=')) | (index == 4)
                && !name.contains("..")
            {
                found(at + user.start..at + user.start + name.len(), NameKind::User);
            }
        }
        if let Some(host) = host {
            let name = window[host.clone()].trim_end_matches(['.', '-', '_']);
            if is_telling(name, window[host.start + name.len()..].chars().next()) {
                found(at + host.start..at + host.start + name.len(), NameKind::Host);
            }
        }
    }

    /// What clue `index` points at in `window`, which begins with a keyword of `keyword` bytes.
    fn clued(&self, index: usize, window: &str, keyword: usize) -> Option<Clued> {
        match CLUES[index].reader.map(|read| read(window, keyword)) {
            Some(Reading::Found(clued)) => Some(clued),
            Some(Reading::Nothing) => None,
            Some(Reading::Unknown) | None => self.matched(index, window),
        }
    }

    /// What the pattern of clue `index` matches in `window`.
    fn matched(&self, index: usize, window: &str) -> Option<Clued> {
        let pattern = || Regex::new(&format!(r"\A(?:{})", CLUES[index].pattern)).ok();
        let captures = self.patterns[index].get_or_init(pattern).as_ref()?.captures(window)?;
        let span = |name| captures.name(name).map(|group| group.range());
        Some(Clued { user: span("u"), host: span("h") })
    }
}

/// True when `name` is more than a plain word: a digit or a hyphen, or a domain, and no file, number or version.
fn is_telling(name: &str, next: Option<char>) -> bool {
    const ENDINGS: [&str; 24] = [
        "go", "py", "rs", "js", "ts", "yaml", "yml", "json", "sh", "md", "txt", "conf", "cfg", "log", "html", "java",
        "service", "toml", "key", "pem", "crt", "c", "tar", "gz",
    ];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let file = ending.is_some_and(|ending| {
        ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)) || ending.bytes().all(|b| b.is_ascii_digit())
    });
    let has = |test: fn(&u8) -> bool| name.as_bytes().iter().any(test);
    let digit = has(u8::is_ascii_digit);
    let hyphen = has(|byte| *byte == b'-');
    let first_letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let number = !first_letter && !hyphen && ending.is_none();
    (digit || hyphen && name.len() >= 6 || name.matches('.').count() >= 2)
        && !file
        && !number
        && !matches!(next, Some('(' | '/' | '$' | '{' | '<'))
        && is_host(name)
        && !is_uuid(name)
}

/// The host whose name goes through the internal domain at `dot`, when it ends there.
fn internal(text: &str, dot: usize) -> Option<Range<usize>> {
    let span = run(text, dot);
    let name = text.get(span.clone())?;
    let ends = INTERNAL.iter().any(|suffix| {
        let rest = name.len().checked_sub(suffix.len()).filter(|rest| *rest > 1);
        rest.is_some_and(|rest| {
            name.as_bytes()[rest - 1] == b'.' && name.as_bytes()[rest..].eq_ignore_ascii_case(suffix.as_bytes())
        })
    });
    let next = text[span.end..].chars().next();
    let strange = matches!(next, Some('(' | '{' | '_' | '$' | '='));
    (ends && span.start < dot && !strange && is_host(name)).then_some(span)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
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

    /// What a clue may be made of, and what must not be mistaken for it.
    fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
        let piece = prop::sample::select(vec![
            "",
            " ",
            "  ",
            "\t",
            "\n",
            "\u{b}",
            "\u{a0}",
            "\u{2003}",
            "\\",
            "\"",
            "'",
            "=",
            ":",
            "=~",
            "!=",
            "!",
            "_",
            "name",
            "NAME",
            "id",
            "http://",
            "https://",
            "HTTP://",
            "a",
            "b1",
            "web-01",
            "db.prod.internal",
            "alice",
            "_x",
            "j.doe",
            "9",
            "@",
            "-p",
            "-",
            ".",
            "~/x",
            "K=v",
            "é",
            "ſ",
            "K",
            "ab\u{301}",
            "\u{200d}",
            "(",
            "/",
            "x23456789012345678901234567890",
            "x2345678901234567890123456789012",
        ]);
        prop::collection::vec(piece, 0..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_reader_says_what_its_pattern_matches(
            which in any::<prop::sample::Index>(),
            capitals in any::<bool>(),
            pieces in pieces(),
            length in prop_oneof![8 => Just(0_usize), 1 => 240_usize..260],
        ) {
            let clues = ALL.as_ref().unwrap();
            let read: Vec<_> = CLUES.iter().enumerate().filter_map(|(index, clue)| Some((index, clue.reader?))).collect();
            let keywords: Vec<_> =
                read.iter().flat_map(|(index, read)| CLUES[*index].keywords.iter().map(move |word| (*index, *read, *word))).collect();
            let (index, reader, keyword) = keywords[which.index(keywords.len())];
            let word = if capitals { keyword.to_ascii_uppercase() } else { keyword.to_owned() };
            let text = format!("{word}{}{}", pieces.concat(), "n".repeat(length));
            let said = reader(&text, word.len());
            let expected = clues.matched(index, &text).map_or(Reading::Nothing, Reading::Found);
            prop_assert!(said == Reading::Unknown || said == expected, "{text:?}: {said:?} {expected:?}");
        }
    }

    #[rstest]
    #[case(label, "instance", "=\"web-01:9100\"")]
    #[case(label, "host", "_name: https://web-01")]
    #[case(remote, "ssh ", "alice@web-01")]
    #[case(remote, "ssh ", "web-01")]
    #[case(account, "user", "=alice")]
    #[case(account, "login", "\": \"alice")]
    fn what_is_frequent_is_read(#[case] reader: Reader, #[case] keyword: &str, #[case] rest: &str) {
        assert!(matches!(reader(&format!("{keyword}{rest}"), keyword.len()), Reading::Found(_)));
    }
}
