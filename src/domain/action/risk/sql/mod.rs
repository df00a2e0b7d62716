//! SQL: what statements do.
//!
//! Owns: cutting a text into statements and judging each by its words. Invariant: a statement whose first word is not known,
//! and one that calls a function that is not known, is `Unknown`; so lists of harmless words decide.

mod client;
mod functions;
mod lexer;
pub(in crate::domain::action) mod tables;

use lexer::{Lexer, Token};

use super::Risk;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::action) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
}

/// What was found: the level, and the word that decided.
pub(super) type Judged = (Risk, String);

/// The highest of the statements of `text`.
pub(super) fn judge(text: &str, dialect: Dialect) -> Judged {
    let tokens = match Lexer::new(text, dialect).tokens() {
        Ok(tokens) => tokens,
        Err(why) => return (Risk::Unknown, why),
    };
    let mut worst = (Risk::Read, "it only asks".to_owned());
    let mut raise = |judged: Judged| {
        if judged.0 > worst.0 {
            worst = judged;
        }
    };
    let mut statement: Vec<&Token> = Vec::new();
    for token in &tokens {
        match token {
            Token::Client(command) => raise(client::judge(command, dialect)),
            Token::Sign(';') => raise(of_statement(&std::mem::take(&mut statement), dialect)),
            token => statement.push(token),
        }
    }
    raise(of_statement(&statement, dialect));
    worst
}

/// What one statement does.
fn of_statement(tokens: &[&Token], dialect: Dialect) -> Judged {
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    // A bracket may stand before a SELECT.
    let Some(first) = words.first().copied() else {
        return (Risk::Read, "it is empty".to_owned());
    };
    let has = |word: &str| words.contains(&word);
    let risk = match first {
        "SELECT" | "WITH" | "VALUES" | "TABLE" => asking(&words),
        "SHOW" | "DESCRIBE" | "DESC" | "USE" | "HELP" | "STATUS" => Risk::Read,
        "EXPLAIN" => return explained(tokens, dialect),
        "START" if !has("TRANSACTION") => Risk::Change,
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "END" | "ABORT" | "SAVEPOINT" | "RELEASE" | "DECLARE" | "FETCH"
        | "CLOSE" | "MOVE" | "DISCARD" | "LISTEN" | "UNLISTEN" => asking(&words),
        "PREPARE" if has("TRANSACTION") => Risk::Change,
        "SET" => setting(&words),
        "RESET" if dialect == Dialect::Postgres => Risk::Read,
        "PRAGMA" if dialect == Dialect::Sqlite => pragma(tokens, &words),
        "COPY" => copying(&words),
        "ANALYZE" if ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE"].iter().any(|word| has(word)) => asking(&words),
        "VACUUM" | "ANALYZE" | "REINDEX" | "CLUSTER" | "CHECKPOINT" | "REFRESH" | "COMMENT" | "GRANT" | "LOCK"
        | "NOTIFY" | "OPTIMIZE" | "FLUSH" | "CHECK" | "CHECKSUM" | "REPAIR" | "UNLOCK" | "SECURITY" | "ATTACH"
        | "DETACH" | "RENAME" | "CACHE" | "STOP" | "CHANGE" | "REASSIGN" | "IMPORT" => Risk::Change,
        "INSERT" => asking(&words).max(Risk::Change),
        "CREATE" if has("REPLACE") => Risk::Destroy,
        "CREATE" if has("FUNCTION") || has("PROCEDURE") || has("TRIGGER") || has("EXTENSION") || has("EVENT") => {
            Risk::Unknown
        }
        "CREATE" => asking(&words).max(Risk::Change),
        "ALTER"
            if has("DROP") || has("TRUNCATE") || has("DISABLE") || has("DETACH") || has("TYPE") || has("MODIFY") =>
        {
            Risk::Destroy
        }
        "ALTER" => Risk::Change,
        "KILL" if has("QUERY") => Risk::Change,
        "DROP" | "TRUNCATE" | "DELETE" | "UPDATE" | "MERGE" | "REPLACE" | "REVOKE" | "KILL" | "RESET" | "PURGE"
        | "SHUTDOWN" | "RESTART" | "UNINSTALL" => Risk::Destroy,
        _ => Risk::Unknown,
    };
    let (called, function) = functions::worst(tokens);
    if called > risk { (called, format!("{function} is called")) } else { (risk, format!("{first} is its statement")) }
}

/// A query, by the words that would make it more.
fn asking(words: &[&str]) -> Risk {
    let mut risk = Risk::Read;
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        risk = risk.max(match *word {
            "INSERT" | "OUTFILE" | "DUMPFILE" => Risk::Change,
            // FOR UPDATE and FOR SHARE lock rows until the end of the transaction.
            "UPDATE" | "SHARE" if matches!(before, "FOR" | "KEY") => Risk::Change,
            "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "DROP" => Risk::Destroy,
            "REPLACE" if matches!(before, "" | "EXPLAIN" | "ANALYZE" | "JSON") => Risk::Destroy,
            // SELECT … INTO makes a table, or a file.
            "INTO" => Risk::Change,
            _ => Risk::Read,
        });
    }
    risk
}

/// EXPLAIN runs nothing, EXPLAIN ANALYZE everything.
fn explained(tokens: &[&Token], dialect: Dialect) -> Judged {
    // The options may be quoted: `EXPLAIN ("analyze")`.
    let says = |token: &&Token| matches!(token, Token::Word(word) | Token::Name(word) if matches!(word.as_str(), "ANALYZE" | "ANALYSE"));
    if !tokens.iter().any(says) {
        return (Risk::Read, "EXPLAIN is its statement".to_owned());
    }
    let verb = |token: &&Token| {
        matches!(token, Token::Word(word) if matches!(word.as_str(), "SELECT" | "WITH" | "INSERT" | "UPDATE" | "DELETE" | "MERGE"
            | "VALUES" | "TABLE" | "EXECUTE" | "CREATE" | "DECLARE" | "REFRESH" | "REPLACE"))
    };
    match tokens.iter().position(verb) {
        Some(at) => of_statement(tokens.get(at..).unwrap_or_default(), dialect),
        None => (Risk::Unknown, "what it explains is not known".to_owned()),
    }
}

fn setting(words: &[&str]) -> Risk {
    const GLOBAL: [&str; 6] = ["GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD", "ROLE", "AUTHORIZATION"];
    if words.iter().any(|word| GLOBAL.contains(word)) { Risk::Change } else { Risk::Read }
}

fn pragma(tokens: &[&Token], words: &[&str]) -> Risk {
    const READS: [&str; 22] = [
        "INTEGRITY_CHECK",
        "QUICK_CHECK",
        "USER_VERSION",
        "TABLE_INFO",
        "TABLE_XINFO",
        "INDEX_LIST",
        "INDEX_INFO",
        "DATABASE_LIST",
        "PAGE_COUNT",
        "PAGE_SIZE",
        "FREELIST_COUNT",
        "JOURNAL_MODE",
        "FOREIGN_KEY_CHECK",
        "FOREIGN_KEY_LIST",
        "COMPILE_OPTIONS",
        "ENCODING",
        "TABLE_LIST",
        "SCHEMA_VERSION",
        "SYNCHRONOUS",
        "CACHE_SIZE",
        "FOREIGN_KEYS",
        "QUERY_ONLY",
    ];
    const WITH_BRACKETS: [&str; 9] = [
        "INTEGRITY_CHECK",
        "QUICK_CHECK",
        "TABLE_INFO",
        "TABLE_XINFO",
        "INDEX_LIST",
        "INDEX_INFO",
        "FOREIGN_KEY_CHECK",
        "FOREIGN_KEY_LIST",
        "TABLE_LIST",
    ];
    let name = words.get(1).copied().unwrap_or_default();
    let sets = tokens.contains(&&Token::Sign('='));
    let bracket = tokens.contains(&&Token::Sign('('));
    if READS.contains(&name) && !sets && (!bracket || WITH_BRACKETS.contains(&name)) {
        Risk::Read
    } else {
        Risk::Change
    }
}

fn copying(words: &[&str]) -> Risk {
    if words.contains(&"PROGRAM") {
        return Risk::Unknown;
    }
    let printed = words.windows(2).any(|pair| matches!(pair, ["TO", "STDOUT"]));
    asking(words).max(if printed { Risk::Read } else { Risk::Change })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("select 1", Risk::Read)]
    #[case("SELECT count(*) FROM pg_stat_activity", Risk::Read)]
    #[case("select $$drop table x; delete$$", Risk::Read)]
    #[case("select 'a''; drop table x'", Risk::Read)]
    #[case("select E'a\\'; drop table x'", Risk::Read)]
    #[case("select \"delete\" from t", Risk::Read)]
    #[case("select 1 -- ; drop table x", Risk::Read)]
    #[case("select 1 -- \n; drop table x", Risk::Destroy)]
    #[case("select /* ' */ 1; drop table x; --'", Risk::Destroy)]
    #[case("select * from t for update", Risk::Change)]
    #[case("select * into t2 from t", Risk::Change)]
    #[case("select my_function(1)", Risk::Unknown)]
    #[case("select public.\"evil\"(1)", Risk::Unknown)]
    #[case("select nextval('x')", Risk::Change)]
    #[case("select lo_unlink(1)", Risk::Destroy)]
    #[case("select lo_import('/etc/passwd')", Risk::Change)]
    #[case("select dblink('', 'x')", Risk::Unknown)]
    #[case("select pg_terminate_backend(1)", Risk::Destroy)]
    #[case("with d as (delete from t returning *) select * from d", Risk::Destroy)]
    #[case("explain delete from t", Risk::Read)]
    #[case("explain analyze delete from t", Risk::Destroy)]
    #[case("explain (analyze, buffers) select f(1)", Risk::Unknown)]
    #[case("explain (\"analyze\") delete from t", Risk::Destroy)]
    #[case("select mine.count(1) from t", Risk::Unknown)]
    #[case("select pg_catalog.count(1) from t", Risk::Read)]
    #[case("select 1 as €$a$; drop table x; select 1 as €$a$", Risk::Destroy)]
    #[case("select 1 `; drop table x; select `", Risk::Destroy)]
    #[case("\\d t \\! id", Risk::Unknown)]
    #[case("\\dt \\\\ drop table x", Risk::Unknown)]
    #[case("\\set x drop", Risk::Unknown)]
    #[case("\\set ON_ERROR_STOP on\nselect 1", Risk::Read)]
    #[case("copy t to program 'x'", Risk::Unknown)]
    #[case("copy t to stdout", Risk::Read)]
    #[case("copy t from '/x'", Risk::Change)]
    #[case("\\! id", Risk::Unknown)]
    #[case("select 1 \\gexec", Risk::Unknown)]
    #[case("select 1 \\g |sh", Risk::Unknown)]
    #[case("\\d+ t", Risk::Read)]
    #[case("\\o |sh", Risk::Unknown)]
    #[case("\\echo `id`", Risk::Unknown)]
    #[case("do $$ begin end $$", Risk::Unknown)]
    #[case("select 'open", Risk::Unknown)]
    #[case("vacuum t", Risk::Change)]
    #[case("alter table t drop column c", Risk::Destroy)]
    #[case("", Risk::Read)]
    fn postgres(#[case] text: &str, #[case] expected: Risk) {
        assert_eq!(judge(text, Dialect::Postgres).0, expected, "{text}");
    }

    #[rstest]
    #[case("select 1; /*!50000 drop table t */", Dialect::Mysql, Risk::Unknown)]
    #[case("select 'a\\'; drop table t'", Dialect::Mysql, Risk::Read)]
    #[case("select 1 # ; drop table t", Dialect::Mysql, Risk::Read)]
    #[case("select 1 --; drop table t", Dialect::Mysql, Risk::Destroy)]
    #[case("select * from t into outfile '/x'", Dialect::Mysql, Risk::Change)]
    #[case("set global read_only = 1", Dialect::Mysql, Risk::Change)]
    #[case("select 1\\G", Dialect::Mysql, Risk::Read)]
    #[case("select 1\\G drop table x", Dialect::Mysql, Risk::Unknown)]
    #[case("select [a'b]; drop table x; --']", Dialect::Sqlite, Risk::Destroy)]
    #[case("select 1\n.schema ; drop table x", Dialect::Sqlite, Risk::Destroy)]
    #[case("select 1;\n.schema", Dialect::Sqlite, Risk::Read)]
    #[case("system rm x", Dialect::Mysql, Risk::Unknown)]
    #[case("show processlist", Dialect::Mysql, Risk::Read)]
    #[case(".shell rm x", Dialect::Sqlite, Risk::Unknown)]
    #[case(".tables", Dialect::Sqlite, Risk::Read)]
    #[case("pragma user_version", Dialect::Sqlite, Risk::Read)]
    #[case("pragma user_version = 3", Dialect::Sqlite, Risk::Change)]
    #[case("select load_extension('x')", Dialect::Sqlite, Risk::Unknown)]
    #[case("select edit(a) from t", Dialect::Sqlite, Risk::Unknown)]
    fn others(#[case] text: &str, #[case] dialect: Dialect, #[case] expected: Risk) {
        assert_eq!(judge(text, dialect).0, expected, "{text}");
    }
}
