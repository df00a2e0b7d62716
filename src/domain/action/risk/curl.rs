//! HTTP from the command line: `curl`, `wget`, and what methods and paths do.
//!
//! Owns: which requests only ask. A request is judged by its method, and where that says nothing by the path of well-known
//! programs: Prometheus, Alertmanager, Elasticsearch. Invariant: what sends a body to an unknown path is `Unknown`.

use super::Risk;
use super::judge::{self, Call, Finding};

/// Headers that say what answer is wanted or who asks; others can change what a request does (`X-HTTP-Method-Override: DELETE`).
#[rustfmt::skip]
const HEADERS: [&str; 16] = [
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "host", "range", "user-agent", "if-none-match",
    "authorization", "content-type", "x-aws-ec2-metadata-token", "private-token", "x-vault-token", "x-consul-token", "pragma",
];

/// `curl [OPTION…] URL…`: the table knows the options; this looks at their values.
pub(super) fn curl(call: &Call<'_>) -> Finding {
    let arguments = call.arguments;
    if arguments.has(&["-V", "--version", "--help"]) {
        return call.reads();
    }
    // A line end inside a header would begin another one.
    let values = arguments.options.iter().filter_map(|given| given.value).chain(call.operands.iter().copied());
    let body = ["-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json"];
    let texts: Vec<&str> = arguments.values(&body).collect();
    if values.into_iter().any(|value| value.contains(char::is_control) && !texts.contains(&value)) {
        return call.finding(Risk::Unknown, "an argument contains a line end or another control character");
    }
    let headers = arguments.values(&["-H", "--header"]).map(|header| by_header(call, header));
    let shown = arguments.values(&["-w", "--write-out"]).map(|format| {
        if format.starts_with('@') || format.contains("%output") {
            call.finding(Risk::Unknown, "its output format uses a file")
        } else {
            call.reads()
        }
    });
    let files =
        arguments.values(&["-o", "--output", "-D", "--dump-header", "--stderr"]).map(|file| written(call, file));
    let method = arguments.values(&["-X", "--request"]).last();
    let urls: Vec<&str> = call.operands.iter().copied().chain(arguments.values(&["--url"])).collect();
    if urls.is_empty() {
        return call.finding(Risk::Unknown, "it has no URL");
    }
    let mut finding = headers.chain(shown).chain(files).fold(call.reads(), Finding::or_higher);
    for url in urls {
        finding = finding.or_higher(request(call, url, method, &texts));
    }
    finding
}

fn by_header(call: &Call<'_>, header: &str) -> Finding {
    let name = header.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    if HEADERS.contains(&name.as_str()) {
        call.reads()
    } else {
        call.finding(Risk::Unknown, &format!("the header {header} may change what the request does"))
    }
}

/// A file that gets an answer.
fn written(call: &Call<'_>, file: &str) -> Finding {
    match file {
        "/dev/null" | "-" | "/dev/stdout" | "/dev/stderr" => call.reads(),
        file if judge::is_device(file) || file.starts_with("/proc/") || file.starts_with("/sys/") => {
            call.finding(Risk::Unknown, &format!("it writes to {file}"))
        }
        file => call.finding(Risk::Change, &format!("it writes the file {file}")),
    }
}

fn request(call: &Call<'_>, url: &str, method: Option<&str>, body: &[&str]) -> Finding {
    if url.starts_with("telnet://") && body.is_empty() && method.is_none() {
        return call.reads();
    }
    if url.starts_with("file:///") {
        return judge::files(call.name, &[url.strip_prefix("file://").unwrap_or(url)]);
    }
    if url.contains("://") && !["http://", "https://", "ftp://", "ftps://"].iter().any(|scheme| url.starts_with(scheme))
    {
        return call.finding(Risk::Unknown, &format!("{url} is neither HTTP nor FTP"));
    }
    let asks = call.arguments.has(&["-G", "--get", "-I", "--head"]);
    let method = match method {
        Some(method) => method,
        None if asks || body.is_empty() => "GET",
        None => "POST",
    };
    let sends = body.iter().any(|text| text.split('=').next().is_some_and(|name| name.contains('@')));
    match (method, of_path(url, method)) {
        ("GET" | "HEAD" | "OPTIONS", _) if body.is_empty() || asks => by_name(call, url),
        (_, Some(Risk::Read)) if sends => call.finding(Risk::Unknown, "it sends a file"),
        (_, Some(Risk::Read)) => call.reads(),
        (_, Some(risk)) => call.finding(risk, &format!("{method} to that path")),
        ("DELETE", None) => call.finding(Risk::Destroy, "the method DELETE takes something away"),
        ("GET" | "HEAD" | "OPTIONS", None) if !sends => {
            call.finding(Risk::Unknown, "a question with a body may do anything")
        }
        (method, None) => call.finding(Risk::Unknown, &format!("what the method {method} does there is not known")),
    }
}

/// A plain question to a path that sounds like an order.
fn by_name(call: &Call<'_>, url: &str) -> Finding {
    let path = path_of(url);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let order = [
        "delete", "remove", "restart", "shutdown", "reboot", "reload", "exec", "run", "trigger", "quit", "stop",
        "kill", "purge",
    ];
    let loud = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| order.contains(&part.to_ascii_lowercase().as_str()))
    };
    if loud(path)
        || query.split('&').any(|pair| loud(pair.split('=').next_back().unwrap_or_default())) && !asks_data(path)
    {
        return call.finding(Risk::Unknown, &format!("{url} sounds like an order"));
    }
    call.reads()
}

/// Paths whose parameters are expressions or names, not orders.
fn asks_data(path: &str) -> bool {
    [
        "/api/v1/query",
        "/api/v1/series",
        "/api/v1/label",
        "/loki/",
        "/_search",
        "/_cat/",
        "/api/v1/rules",
        "/api/v1/alerts",
    ]
    .iter()
    .any(|known| path.contains(known))
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// What a request with a body does at the well-known paths; `None` where nothing is known.
fn of_path(url: &str, method: &str) -> Option<Risk> {
    let path = path_of(url).split('?').next().unwrap_or_default().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let post = method == "POST" || method == "GET";
    match last {
        "_search" | "_count" | "_msearch" | "_explain" | "_validate" | "_analyze" if post => return Some(Risk::Read),
        "_delete_by_query" | "_update_by_query" | "_shrink" | "_close" | "delete_series" => return Some(Risk::Destroy),
        "reload" if path.ends_with("/-/reload") => return Some(Risk::Change),
        "quit" if path.ends_with("/-/quit") => return Some(Risk::Destroy),
        "_settings" | "settings" | "reroute" | "_refresh" | "_flush" | "_forcemerge" | "_open"
            if path.contains("/_") =>
        {
            return Some(Risk::Change);
        }
        _ => {}
    }
    if method == "DELETE" {
        return Some(if path.contains("/api/v2/silence/") { Risk::Change } else { Risk::Destroy });
    }
    match path {
        path if path.ends_with("/api/v1/query")
            || path.ends_with("/api/v1/query_range")
            || path.ends_with("/api/v1/series") =>
        {
            post.then_some(Risk::Read)
        }
        path if path.ends_with("/api/v2/silences") || path.ends_with("/api/v1/silences") => {
            (method == "POST").then_some(Risk::Change)
        }
        path if path.ends_with("/tsdb/clean_tombstones") => Some(Risk::Destroy),
        path if path.ends_with("/tsdb/snapshot") => Some(Risk::Change),
        _ => None,
    }
}

/// `wget`: without `-O -` or `--spider` it writes a file.
pub(super) fn wget(call: &Call<'_>) -> Finding {
    let arguments = call.arguments;
    if arguments.has(&["-V", "--version", "-h", "--help"]) {
        return call.reads();
    }
    let files: Vec<&str> =
        arguments.values(&["-O", "--output-document", "-o", "--output-file", "-a", "--append-output"]).collect();
    let printed = arguments.has(&["-O", "--output-document"]);
    let headers = arguments.values(&["--header"]).map(|header| by_header(call, header));
    let mut finding =
        files.iter().map(|file| written(call, file)).chain(headers).fold(call.reads(), Finding::or_higher);
    if !printed && !arguments.has(&["--spider"]) {
        finding = finding.or_higher(call.finding(Risk::Change, "it writes what it gets into a file"));
    }
    let method = arguments.values(&["--method"]).last();
    let body: Vec<&str> = arguments.values(&["--post-data", "--body-data"]).collect();
    if arguments.has(&["--post-file", "--body-file"]) {
        return call.finding(Risk::Unknown, "it sends a file");
    }
    if call.operands.is_empty() {
        return call.finding(Risk::Unknown, "it has no URL");
    }
    call.operands.iter().map(|url| request(call, url, method, &body)).fold(finding, Finding::or_higher)
}

/// A command that names its method: `az rest --method get`, `kubectl … --raw`.
pub(super) fn rest(call: &Call<'_>) -> Finding {
    let method = call.arguments.values(&["--method", "-m"]).last().unwrap_or("get").to_ascii_uppercase();
    match method.as_str() {
        "GET" | "HEAD" => call.reads(),
        "DELETE" => call.finding(Risk::Destroy, "the method DELETE takes something away"),
        method => call.finding(Risk::Unknown, &format!("what the method {method} does there is not known")),
    }
}
