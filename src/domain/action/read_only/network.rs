//! Programs that ask other hosts: names, reachability, certificates, HTTP, Prometheus, Alertmanager.

use super::options::{self, Arguments};
use super::{Input, Operands, Options, Rule, checked, known, not_known};
use crate::domain::action::spec::{Stage, Word};

pub(super) fn rule(name: &str) -> Option<Rule> {
    match name {
        "ping" | "ping6" => checked("46c:DI:i:nOqs:t:vW:w:", &[], |a| {
            if a.has(&["c"]) { Ok(()) } else { Err("without -c it does not end".to_owned()) }
        }),
        "tracepath" => known("46bl:m:np:", &[], Operands::AtMost(2)),
        "traceroute" => known("46In:m:p:q:Tw:", &[], Operands::AtMost(2)),
        "dig" => checked("46c:p:q:t:x:u", &[], |_| Ok(())),
        "host" => known("46aCdlN:p:rR:sTt:vW:c:", &[], Operands::AtMost(2)),
        "nslookup" => Some(Rule::Own(nslookup)),
        "curl" => checked(CURL.short, CURL.long, curl),
        "openssl" => Some(Rule::Fed(openssl)),
        "promtool" => Some(Rule::Own(promtool)),
        "amtool" => Some(Rule::Own(amtool)),
        _ => None,
    }
}

/// Whether the document alone says whom the program `name` asks. A label, a typed value or a model that names a host makes us
/// send a request to whomever the sender of an alert likes, inside our network too; a name that is looked up is a message to
/// whoever answers for it.
///
/// # Errors
/// The value in question, as the end of a sentence that begins with the program's name and a colon.
pub(super) fn host_is_ours(name: &str, stage: &Stage) -> Result<(), String> {
    let arguments = stage.argv.get(1..).unwrap_or_default();
    let texts: Vec<String> = arguments.iter().map(Word::text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let naming = match (name, texts.as_slice()) {
        ("ping" | "ping6" | "tracepath" | "traceroute" | "dig" | "host" | "nslookup" | "curl", _) => arguments,
        ("getent", _) => arguments,
        ("openssl", ["s_client", ..]) => arguments,
        // The last word is the expression, which the server only evaluates.
        ("promtool", ["query", "instant" | "range", _, .., _]) => {
            arguments.split_last().map_or(arguments, |(_, rest)| rest)
        }
        ("promtool", ["query" | "check", kind, ..]) if !matches!(*kind, "config" | "rules") => arguments,
        ("promtool", [first, ..]) if first.starts_with('-') => arguments,
        ("amtool", ["check-config", ..]) => &[],
        ("amtool", _) => arguments,
        _ => &[],
    };
    let foreign = |word: &&Word| word.pieces.iter().any(|piece| piece.origin.is_outside());
    match naming.iter().find(foreign) {
        Some(word) => Err(format!("{} has a value from outside, which can name the host that is asked", word.text())),
        None => Ok(()),
    }
}

fn nslookup(words: &[&str]) -> Result<(), String> {
    const KNOWN: [&str; 6] = ["-type=", "-query=", "-timeout=", "-port=", "-retry=", "-class="];
    if words.is_empty() {
        return Err("without a name it reads commands".to_owned());
    }
    let unknown = |word: &&&str| word.starts_with('-') && !KNOWN.iter().any(|known| word.starts_with(known));
    words.iter().find(unknown).map_or(Ok(()), |word| Err(not_known(word)))
}

/// Not -d, -F, -T (send data), -O, -J, -c, -D, --trace (write files), -K (reads further options), -x (another host),
/// --unix-socket, -b and -n (send files' content), -u and --cert (credentials).
const CURL: Options = Options {
    short: "sSfkLIivg46#m:H:A:e:r:X:o:w:",
    long: &[
        "silent",
        "show-error",
        "fail",
        "fail-with-body",
        "insecure",
        "location",
        "head",
        "include",
        "verbose",
        "globoff",
        "ipv4",
        "ipv6",
        "max-time=",
        "connect-timeout=",
        "header=",
        "user-agent=",
        "referer=",
        "range=",
        "request=",
        "output=",
        "write-out=",
        "retry=",
        "retry-delay=",
        "retry-max-time=",
        "compressed",
        "cacert=",
        "resolve=",
        "http1.1",
        "http2",
        "max-redirs=",
        "get",
        "tlsv1.2",
        "tlsv1.3",
        "no-progress-meter",
    ],
};

/// Headers that say what answer is wanted; others can change what a request does (`X-HTTP-Method-Override: DELETE`).
const HEADERS: [&str; 9] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "host",
    "range",
    "user-agent",
    "if-none-match",
];

fn curl(arguments: &Arguments<'_>) -> Result<(), String> {
    // A line end inside a header would begin another one.
    let values = arguments.options.iter().filter_map(|(_, value)| *value).chain(arguments.operands.iter().copied());
    if values.into_iter().any(|value| value.contains(char::is_control)) {
        return Err("an argument contains a line end or another control character".to_owned());
    }
    if let Some(method) = arguments.values(&["X", "request"]).find(|method| !matches!(*method, "GET" | "HEAD")) {
        return Err(format!("the method {method} can change something"));
    }
    if let Some(file) = arguments.values(&["o", "output"]).find(|file| !matches!(*file, "/dev/null" | "-")) {
        return Err(format!("it writes the file {file}"));
    }
    // A format can come from a file (`@`) and, since curl 8.3, name a file to write to (`%output{…}`).
    if arguments.values(&["w", "write-out"]).any(|format| format.starts_with('@') || format.contains("%output")) {
        return Err("its output format uses a file".to_owned());
    }
    for header in arguments.values(&["H", "header"]) {
        let name = header.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !HEADERS.contains(&name.as_str()) {
            return Err(format!("the header {header} may change what the request does"));
        }
    }
    let http = |url: &&str| url.starts_with("http://") || url.starts_with("https://");
    match arguments.operands.iter().find(|url| !http(url)) {
        Some(url) => Err(format!("{url} does not begin with http:// or https://")),
        None if arguments.operands.is_empty() => Err("it has no URL".to_owned()),
        None => Ok(()),
    }
}

/// Options of `openssl x509` that print, and how many words each takes.
#[rustfmt::skip]
const X509: &[(&str, usize)] = &[
    ("-alias", 0), ("-checkend", 1), ("-checkhost", 1), ("-checkip", 1), ("-dates", 0), ("-email", 0), ("-enddate", 0),
    ("-ext", 1), ("-fingerprint", 0), ("-hash", 0), ("-in", 1), ("-inform", 1), ("-issuer", 0), ("-issuer_hash", 0),
    ("-modulus", 0), ("-nameopt", 1), ("-noout", 0), ("-ocspid", 0), ("-ocsp_uri", 0), ("-pubkey", 0), ("-purpose", 0),
    ("-serial", 0), ("-sha1", 0), ("-sha256", 0), ("-startdate", 0), ("-subject", 0), ("-subject_hash", 0), ("-text", 0),
];

/// Options of `openssl s_client` that only shake hands, and how many words each takes.
#[rustfmt::skip]
const S_CLIENT: &[(&str, usize)] = &[
    ("-4", 0), ("-6", 0), ("-alpn", 1), ("-brief", 0), ("-CAfile", 1), ("-CApath", 1), ("-connect", 1), ("-no_tls1_3", 0),
    ("-servername", 1), ("-showcerts", 0), ("-starttls", 1), ("-status", 0), ("-tls1_2", 0), ("-tls1_3", 0),
    ("-verify", 1), ("-verify_hostname", 1), ("-verify_return_error", 0),
];

/// A handshake with a named host is like a HEAD request. What follows it is the standard input, sent as it is; so `s_client`
/// counts as looking only where that is nothing or a line end.
fn openssl(words: &[&str], input: Input) -> Result<(), String> {
    match words {
        ["version", rest @ ..] => dashed(&[("-a", 0), ("-v", 0)], rest),
        ["s_client", ..] if input == Input::Content => {
            Err("s_client sends on what another command gives it".to_owned())
        }
        ["s_client", rest @ ..] => dashed(S_CLIENT, rest),
        ["x509", rest @ ..] => dashed(X509, rest),
        [word, ..] => Err(not_known(word)),
        [] => Err("without arguments it reads commands".to_owned()),
    }
}

/// Options with one dash and whole words.
fn dashed(known: &[(&str, usize)], words: &[&str]) -> Result<(), String> {
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        let Some((_, values)) = known.iter().find(|(name, _)| *name == word) else {
            return Err(not_known(word));
        };
        for _ in 0..*values {
            rest.next().ok_or_else(|| format!("the value of {word} is missing"))?;
        }
    }
    Ok(())
}

fn promtool(words: &[&str]) -> Result<(), String> {
    const KNOWN: Options = Options {
        short: "o:",
        long: &["format=", "start=", "end=", "step=", "match=", "time=", "url=", "syntax-only"],
    };
    let arguments = options::parse(&KNOWN, words).map_err(|word| not_known(&word))?;
    no_argument_files(words)?;
    match arguments.operands.as_slice() {
        ["query", "instant" | "range" | "series" | "labels", ..]
        | ["check", "config" | "rules" | "healthy" | "ready", ..] => Ok(()),
        [] => Err("it has no command".to_owned()),
        operands => Err(not_known(&operands.iter().take(2).copied().collect::<Vec<_>>().join(" "))),
    }
}

fn amtool(words: &[&str]) -> Result<(), String> {
    const KNOWN: Options = Options {
        short: "o:aisur:q",
        long: &[
            "alertmanager.url=",
            "output=",
            "active",
            "silenced",
            "inhibited",
            "unprocessed",
            "receiver=",
            "expired",
            "within=",
            "id=",
            "timeout=",
            "version-check",
            "no-version-check",
        ],
    };
    let arguments = options::parse(&KNOWN, words).map_err(|word| not_known(&word))?;
    no_argument_files(words)?;
    match arguments.operands.as_slice() {
        ["alert" | "silence", "query", ..] | ["config", "show"] | ["cluster", "show"] | ["check-config", ..] => Ok(()),
        [] => Err("it has no command".to_owned()),
        operands => Err(not_known(&operands.iter().take(2).copied().collect::<Vec<_>>().join(" "))),
    }
}

/// Both are built on kingpin, which replaces `@file` by the arguments in that file.
fn no_argument_files(words: &[&str]) -> Result<(), String> {
    match words.iter().find(|word| word.starts_with('@')) {
        Some(word) => Err(format!("{word} stands for arguments in a file")),
        None => Ok(()),
    }
}
