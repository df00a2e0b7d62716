//! What the surroundings of a word say that it is.
//!
//! Owns: the places at which a known name counts that is a common word, too: `by test`, `host db`. Does not: know names; at
//! such a place stands some word, and only what a typed place has told is replaced there.

use std::ops::Range;

use super::super::detect::floor_boundary;

/// What surroundings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A host.
    Host,
    /// A person's account.
    User,
}

/// Fields and labels whose value is a host.
const HOST_FIELDS: &[&str] = &[
    "instance",
    "exported_instance",
    "host",
    "hostname",
    "host_name",
    "node",
    "nodename",
    "node_name",
    "server",
    "servername",
    "server_name",
    "machine",
    "fqdn",
    "target",
    "peer",
    "remote",
    "ssh_peer",
    "addr",
    "address",
    "endpoint",
    "upstream",
    "backend",
    "--host",
    "--hostname",
    "--server",
    "--node",
    "-h",
];
/// Fields and labels whose value is a person's account.
const USER_FIELDS: &[&str] = &[
    "user",
    "username",
    "user_name",
    "login",
    "logname",
    "account",
    "owner",
    "assignee",
    "author",
    "actor",
    "who",
    "acknowledged_by",
    "acknowledgedby",
    "resolved_by",
    "suppressed_by",
    "created_by",
    "createdby",
    "by",
    "--user",
    "--username",
    "-u",
    "-l",
    "ruser",
    "uname",
    "acct",
];
/// Words after which a host stands.
const HOST_WORDS: &[&str] = &[
    "host",
    "hosts",
    "hostname",
    "node",
    "server",
    "machine",
    "instance",
    "ssh",
    "scp",
    "ping",
    "mosh",
    "traceroute",
    "-h",
    "--host",
    "--hostname",
    "--server",
    "--node",
];
/// Words after which a person stands.
const USER_WORDS: &[&str] = &[
    "user",
    "username",
    "login",
    "account",
    "owner",
    "by",
    "assignee",
    "su",
    "-u",
    "--user",
    "--username",
    "-l",
    "colleague",
    "engineer",
];
/// Words after which a person stands when `to` or `from` comes between.
const HANDED: &[&str] = &["assigned", "reassigned", "assign", "reassign", "escalated", "handed", "over", "taken"];

/// Nothing that announces a name is longer, with the signs behind it; in bytes.
const REACH: usize = 48;

/// What stands around the word at `span`, and so what it is; `None` when nothing says so.
pub(super) fn says(text: &str, span: &Range<usize>) -> Option<Said> {
    let before = text[floor_boundary(text, span.start.saturating_sub(REACH))..span.start].to_ascii_lowercase();
    let after = &text.as_bytes()[span.end..floor_boundary(text, span.end + 8)];
    joined(&before, after).or_else(|| field(&before)).or_else(|| entry(&before, after)).or_else(|| announced(&before))
}

/// `name@`, `@name`, `//name`, `name:5432`, `name:/path`, `/home/name`, `~name`.
fn joined(before: &str, after: &[u8]) -> Option<Said> {
    let port = |digits: &[u8]| {
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (2..=5).contains(&count) && !digits.get(count).is_some_and(u8::is_ascii_alphanumeric)
    };
    match after {
        [b'@', next, ..] if next.is_ascii_alphanumeric() => return Some(Said::User),
        [b':', digits @ ..] if port(digits) => return Some(Said::Host),
        [b':', b'/' | b'~', next, ..] if *next != b'/' => return Some(Said::Host),
        _ => {}
    }
    if let Some(rest) = before.strip_suffix('@') {
        let account = rest.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        return Some(if account { Said::Host } else { Said::User });
    }
    if before.ends_with("://") {
        return Some(Said::Host);
    }
    ["/home/", "/users/", "\\users\\", "~"].iter().any(|start| before.ends_with(start)).then_some(Said::User)
}

/// `instance = "name`, `"owner": "name`, `--host=name`.
fn field(before: &str) -> Option<Said> {
    let value = before.trim_end_matches(['"', '\'', '`', '\\', '[']).trim_end_matches([' ', '\t']);
    let key = value.strip_suffix("=~").or_else(|| value.strip_suffix("!="));
    let key = key.or_else(|| value.strip_suffix(['=', ':']))?;
    let key = key.trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'', '`', '\\', '*']);
    let key = last_word(key);
    let of = |fields: &[&str]| fields.contains(&key);
    if of(HOST_FIELDS) { Some(Said::Host) } else { of(USER_FIELDS).then_some(Said::User) }
}

/// A line of a timeline: `2026-11-22T12:00:00Z name: …`.
fn entry(before: &str, after: &[u8]) -> Option<Said> {
    let time = before.strip_suffix("z ")?;
    let is_time =
        time.ends_with(|c: char| c.is_ascii_digit()) && time.rfind(':').is_some_and(|at| time.len() - at <= 8);
    (is_time && after.first() == Some(&b':')).then_some(Said::User)
}

/// `host name`, `by "name`, `assigned to name`.
fn announced(before: &str) -> Option<Said> {
    let trimmed = before.trim_end_matches(['"', '\'', '`', '\\', '*', '(', '<']);
    let spaced = trimmed.trim_end_matches([' ', '\t']);
    if spaced.len() == trimmed.len() {
        return None;
    }
    let word = last_word(spaced);
    if HOST_WORDS.contains(&word) {
        return Some(Said::Host);
    }
    let handed = || {
        let rest = spaced[..spaced.len() - word.len()].trim_end_matches([' ', '\t']);
        matches!(word, "to" | "from") && HANDED.contains(&last_word(rest))
    };
    let switched = || word == "-" && last_word(spaced[..spaced.len() - 1].trim_end()) == "su";
    (USER_WORDS.contains(&word) || handed() || switched()).then_some(Said::User)
}

/// The word that `text` ends with.
fn last_word(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    &text[start..]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What is said of the `X` in `text`.
    fn of(text: &str) -> Option<Said> {
        let at = text.find('X').unwrap();
        says(text, &(at..at + 1))
    }

    #[rstest]
    fn surroundings_say_that_it_is_a_host(
        #[values(
            "instance=\"X\"",
            "  label instance = X:9100",
            "host: X",
            "{\"node\":\"X\"}",
            "{\\\"node\\\":\\\"X\\\"}",
            "ssh root@X uptime",
            "http://X/health",
            "X:5432",
            "scp f X:/tmp",
            "the host X is down",
            "Node `X`",
            "psql -h X",
            "--host=X",
            "ssh X",
            "instance=~'X'",
            "on server X."
        )]
        text: &str,
    ) {
        assert_eq!(of(text), Some(Said::Host), "{text}");
    }

    #[rstest]
    fn surroundings_say_that_it_is_a_person(
        #[values(
            "owner: X",
            "\"owner\": \"X\"",
            "acknowledged by X",
            "by `X`",
            "user X",
            "User \"X\"",
            "X@db",
            "ask @X first",
            "/home/X/.ssh",
            "assigned to X",
            "taken from X",
            "su - X",
            "sudo -u X id",
            "- 2026-11-22T12:00:00Z X: acknowledged",
            "~X/bin",
            "resolved_by=X"
        )]
        text: &str,
    ) {
        assert_eq!(of(text), Some(Said::User), "{text}");
    }

    #[rstest]
    fn free_text_says_nothing(
        #[values(
            "X",
            "run the X",
            "X the backup",
            "a X b",
            "users: three. X it",
            "by and large, X",
            "X: see below",
            "step 3 X:1",
            "it takes to X",
            "if X=1",
            "hosts file\nX",
            "user,\nX"
        )]
        text: &str,
    ) {
        assert_eq!(of(text), None, "{text}");
    }
}
