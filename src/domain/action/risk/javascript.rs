//! Scripts of `mongosh`.
//!
//! Owns: the methods that only ask. Does not: understand JavaScript. Every name before a bracket has to be known, so a call
//! through `[…]`, a function that is defined, or a template is `Unknown`.

use super::Risk;

#[rustfmt::skip]
const ASKING: &[&str] = &[
    "find", "findOne", "countDocuments", "estimatedDocumentCount", "count", "distinct", "aggregate", "explain", "limit", "skip",
    "sort", "pretty", "toArray", "map", "filter", "forEach", "hasNext", "itcount", "size", "projection", "hint", "batchSize", "status",
    "conf", "stats", "serverStatus", "currentOp", "hostInfo", "getCollectionNames", "getCollectionInfos", "getCollection",
    "getSiblingDB", "getIndexes", "getProfilingStatus", "printReplicationInfo", "printSecondaryReplicationInfo", "printSlaveReplicationInfo",
    "isMaster", "hello", "version", "print", "printjson", "getMongo", "getDBNames", "latencyStats", "dataSize", "storageSize",
    "totalIndexSize", "totalSize", "getUsers", "getRoles", "getUser", "serverBuildInfo", "getReplicationInfo", "printShardingStatus",
    "getBalancerState", "isBalancerRunning", "stringify", "tojson", "getName", "ObjectId", "ISODate", "NumberLong", "join", "keys",
    "readPref", "maxTimeMS", "comment", "adminCommandRead", "getLastError", "serverCmdLineOpts", "slice", "toString", "dbStats",
];

#[rustfmt::skip]
const CHANGING: &[&str] = &[
    "insertOne", "insertMany", "insert", "createIndex", "createCollection", "killOp", "stepDown", "freeze", "setProfilingLevel",
    "startBalancer", "stopBalancer", "enableBalancing", "disableBalancing", "createUser", "createRole", "grantRolesToUser", "fsyncLock",
    "fsyncUnlock", "setLogLevel", "add", "addArb", "logRotate", "enableSharding", "hideIndex", "unhideIndex",
];

#[rustfmt::skip]
const DESTROYING: &[&str] = &[
    "deleteOne", "deleteMany", "remove", "drop", "dropDatabase", "dropIndex", "dropIndexes", "dropUser", "dropRole", "updateOne",
    "updateMany", "update", "replaceOne", "findOneAndDelete", "findOneAndUpdate", "findOneAndReplace", "findAndModify", "bulkWrite",
    "renameCollection", "shutdownServer", "reconfig", "revokeRolesFromUser", "save", "mapReduce", "initiate", "reIndex", "compact",
];

/// What a script does, by what it calls.
pub(super) fn judge(script: &str) -> Risk {
    let mut risk = Risk::Read;
    let mut rest = script;
    let mut last = String::new();
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' => match string(rest, c) {
                Some((text, length)) => {
                    if matches!(text.as_str(), "$out" | "$merge") {
                        risk = risk.max(Risk::Destroy);
                    }
                    if matches!(text.as_str(), "$where" | "$function" | "$accumulator") {
                        risk = Risk::Unknown;
                    }
                    last.clear();
                    length
                }
                None => return Risk::Unknown,
            },
            '`' | '[' if c == '`' || !last.is_empty() => return Risk::Unknown,
            // `{["$" + "out"]: …}`: a name that is put together.
            '[' if matches!(before(script, rest), Some('{' | ',')) => return Risk::Unknown,
            '(' => {
                risk = risk.max(called(&last)).max(handed(&last, rest));
                last.clear();
                1
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                last = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect();
                match last.as_str() {
                    "$out" | "$merge" => risk = risk.max(Risk::Destroy),
                    "$where" | "$function" | "$accumulator" | "function" | "eval" | "load" | "require" | "process"
                    | "import" | "new" | "while" | "for" | "this" | "constructor" => return Risk::Unknown,
                    _ => {}
                }
                last.len()
            }
            // An assignment could give a harmless name to something else.
            '=' if !(rest.starts_with("=>") || rest.starts_with("==")) => return Risk::Unknown,
            '=' => rest.chars().take_while(|c| matches!(c, '=' | '>')).count(),
            '\\' | '/' => return Risk::Unknown,
            c if c.is_whitespace() => c.len_utf8(),
            ')' | ']' | '}' => {
                last = ")".to_owned();
                1
            }
            c => {
                last.clear();
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    risk
}

/// The last character before `rest` that is no blank.
fn before(script: &str, rest: &str) -> Option<char> {
    script.get(..script.len() - rest.len())?.trim_end().chars().next_back()
}

/// What a method that calls its argument is given: a function written there, or a name; a method of something else would be
/// called without a bracket behind it (`forEach(db.orders.drop, db.orders)`).
fn handed(name: &str, rest: &str) -> Risk {
    let argument = rest.get(1..).unwrap_or_default().split(['(', ')', ',', '=']).next().unwrap_or_default();
    if matches!(name, "map" | "filter" | "forEach") && argument.contains('.') { Risk::Unknown } else { Risk::Read }
}

fn called(name: &str) -> Risk {
    match name {
        "" => Risk::Read,
        name if ASKING.contains(&name) => Risk::Read,
        name if CHANGING.contains(&name) => Risk::Change,
        name if DESTROYING.contains(&name) => Risk::Destroy,
        _ => Risk::Unknown,
    }
}

/// A quoted text and its length with quotes; `None` when it has no end or a backslash.
fn string(rest: &str, quote: char) -> Option<(String, usize)> {
    let inside = rest.get(1..)?;
    let end = inside.find(quote)?;
    let text = inside.get(..end)?;
    (!text.contains('\\')).then(|| (text.to_owned(), end + 2))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("db.orders.find({state:\"new\"}).limit(5)", Risk::Read)]
    #[case("rs.status().members.map(m => m.stateStr)", Risk::Read)]
    #[case("db.killOp(1)", Risk::Change)]
    #[case("db.orders.deleteMany({})", Risk::Destroy)]
    #[case("db.orders.aggregate([{$out: 'x'}])", Risk::Destroy)]
    #[case("db.orders.aggregate([{'$out': 'x'}])", Risk::Destroy)]
    #[case("db['orders'].drop()", Risk::Unknown)]
    #[case("db.orders['drop']()", Risk::Unknown)]
    #[case("x = db.dropDatabase; x()", Risk::Unknown)]
    #[case("load('/tmp/x.js')", Risk::Unknown)]
    #[case("db.orders.find({$where: 'x'})", Risk::Unknown)]
    #[case("db.runCommand({dropDatabase: 1})", Risk::Unknown)]
    #[case("db.orders.aggregate([{[\"$\" + \"out\"]: 'x'}])", Risk::Unknown)]
    #[case("db.orders.aggregate([{a: 1, ['$out']: 'x'}])", Risk::Unknown)]
    #[case("db.orders.find({state: {$in: ['new', 'old']}})", Risk::Read)]
    #[case("[1].forEach(db.orders.drop, db.orders)", Risk::Unknown)]
    #[case("db.orders.find().forEach(printjson)", Risk::Read)]
    fn scripts(#[case] script: &str, #[case] expected: Risk) {
        assert_eq!(judge(script), expected, "{script}");
    }
}
