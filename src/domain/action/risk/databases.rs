//! Clients of databases: where their statements stand, and what they do.
//!
//! Owns: `psql`, `mysql`, `sqlite3`, `mongosh`, `redis-cli` and `etcdctl`-like commands that read statements. Invariant: without a
//! statement in its words or in a text that is piped into it, what a client will run is not known.

use super::judge::{Call, Finding, Input};
use super::sql::{self, Dialect};
use super::{Risk, javascript};

/// The text that a client reads when no option gives it a statement.
fn piped<'a>(call: &Call<'a>) -> Option<&'a str> {
    match &call.context.input {
        Input::Text(text) => Some(text.as_str()),
        Input::Nothing | Input::Content => None,
    }
}

fn typed(call: &Call<'_>) -> Finding {
    call.finding(Risk::Unknown, "which statements it will run is not known")
}

fn statements<'a>(call: &Call<'_>, texts: impl Iterator<Item = &'a str>, dialect: Dialect) -> Option<Finding> {
    let findings = texts.map(|text| {
        let (risk, why) = sql::judge(text, dialect);
        if risk <= Risk::Read { call.reads() } else { call.finding(risk, &why) }
    });
    findings.reduce(Finding::or_higher)
}

/// `psql -c STATEMENT`
pub(super) fn psql(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-l", "--list", "-V", "--version"]) {
        return call.reads();
    }
    let given = statements(call, call.arguments.values(&["-c", "--command"]), Dialect::Postgres);
    given.or_else(|| statements(call, piped(call).into_iter(), Dialect::Postgres)).unwrap_or_else(|| typed(call))
}

/// `mysql -e STATEMENT`
pub(super) fn mysql(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-V", "--version"]) {
        return call.reads();
    }
    let given = statements(call, call.arguments.values(&["-e", "--execute"]), Dialect::Mysql);
    given.or_else(|| statements(call, piped(call).into_iter(), Dialect::Mysql)).unwrap_or_else(|| typed(call))
}

/// `sqlite3 FILE STATEMENT…`
pub(super) fn sqlite(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-version"]) {
        return call.reads();
    }
    let first = call.arguments.values(&["-cmd"]);
    let words = call.operands.get(1..).unwrap_or_default();
    let before = statements(call, first, Dialect::Sqlite).unwrap_or_else(|| call.reads());
    let given = if words.is_empty() {
        statements(call, piped(call).into_iter(), Dialect::Sqlite)
    } else {
        statements(call, words.iter().copied(), Dialect::Sqlite)
    };
    before.or_higher(given.unwrap_or_else(|| typed(call)))
}

/// `mongosh --eval SCRIPT`
pub(super) fn mongo(call: &Call<'_>) -> Finding {
    if call.operands.iter().any(|word| word.ends_with(".js") || word.ends_with(".mongodb")) {
        return call.finding(Risk::Unknown, "it runs a script");
    }
    let given = call.arguments.values(&["--eval"]).map(|script| match javascript::judge(script) {
        Risk::Query | Risk::Read => call.reads(),
        risk => call.finding(risk, "a method that its script calls is more than a question"),
    });
    given.reduce(Finding::or_higher).unwrap_or_else(|| typed(call))
}

/// `redis-cli COMMAND…`: the table knows the command; without one, what is piped into it counts.
pub(super) fn redis_without_command(call: &Call<'_>) -> Finding {
    const MODES: [&str; 10] = [
        "--scan",
        "--bigkeys",
        "--memkeys",
        "--hotkeys",
        "--stat",
        "--latency",
        "--latency-history",
        "--latency-dist",
        "--intrinsic-latency",
        "--version",
    ];
    if call.arguments.has(&MODES) {
        return call.reads();
    }
    if call.arguments.has(&["--rdb", "--functions-rdb"]) {
        return call.finding(Risk::Change, "it writes a file");
    }
    let Some(text) = piped(call) else { return typed(call) };
    let commands = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let mut words = vec!["redis-cli"];
        words.extend(line.split_whitespace());
        super::judge::words(&words, &call.context.fed(Input::Nothing))
    });
    commands.reduce(Finding::or_higher).unwrap_or_else(|| typed(call))
}

/// `redis-cli CONFIG SET NAME VALUE`: some values are programs, files or the end of all data.
pub(super) fn redis_config(call: &Call<'_>) -> Finding {
    const HARD: [&str; 5] = ["dir", "dbfilename", "save", "appendonly", "requirepass"];
    let named = call.operands.iter().find(|word| HARD.iter().any(|name| word.eq_ignore_ascii_case(name)));
    match named {
        Some(name) => call.finding(Risk::Destroy, &format!("{name} decides what is kept, where, or who gets in")),
        None => call.finding(Risk::Change, "it sets a value"),
    }
}

/// `vault read PATH`: some paths make what they give out.
pub(super) fn vault_read(call: &Call<'_>) -> Finding {
    match call
        .operands
        .iter()
        .find(|path| ["/creds/", "/sts/", "/issue/", "/token/", "/export/"].iter().any(|part| path.contains(part)))
    {
        Some(path) => call.finding(Risk::Change, &format!("{path} makes new credentials")),
        None => call.reads(),
    }
}

/// `kafka-configs --alter`: a short retention deletes what is older.
pub(super) fn kafka_configs(call: &Call<'_>) -> Finding {
    let values = call.arguments.values(&["-add-config", "-delete-config"]);
    match values.into_iter().find(|value| value.contains("retention") || value.contains("cleanup.policy")) {
        Some(value) => call.finding(Risk::Destroy, &format!("{value} decides what is deleted")),
        None => call.reads(),
    }
}
