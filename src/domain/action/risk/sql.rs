//! SQL: what statements do.
//!
//! Owns: cutting a text into statements and judging each by its words. Invariant: a statement whose first word is not known,
//! and one that calls a function that is not known, is `Unknown`; so lists of harmless words decide.

use super::Risk;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
}

/// What was found: the level, and the word that decided.
pub(super) type Judged = (Risk, String);

/// A part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A name or keyword in capital letters.
    Word(String),
    /// A quoted name: never a keyword.
    Name(String),
    Text,
    Sign(char),
    /// A command of the client program, to the end of its line, without what marks it.
    Client(String),
}

/// The highest of the statements of `text`.
pub(super) fn judge(text: &str, dialect: Dialect) -> Judged {
    let tokens = match (Lexer { rest: text, dialect, begin: true }).tokens() {
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
            Token::Client(command) => raise(client(command, dialect)),
            Token::Sign(';') => raise(of_statement(&std::mem::take(&mut statement), dialect)),
            token => statement.push(token),
        }
    }
    raise(of_statement(&statement, dialect));
    worst
}

struct Lexer<'a> {
    rest: &'a str,
    dialect: Dialect,
    /// Whether the line has had nothing yet.
    begin: bool,
}

impl<'a> Lexer<'a> {
    fn tokens(mut self) -> Result<Vec<Token>, String> {
        let mut tokens = Vec::new();
        while let Some(c) = self.rest.chars().next() {
            if self.skipped(c)? {
                continue;
            }
            let token = self.token(c)?;
            self.begin = false;
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// Takes blanks and comments away.
    fn skipped(&mut self, c: char) -> Result<bool, String> {
        let mysql = self.dialect == Dialect::Mysql;
        if c == '\n' {
            self.begin = true;
            self.advance(1);
        } else if c.is_whitespace() {
            self.advance(c.len_utf8());
        } else if (self.rest.starts_with("--") && !mysql) || self.rest.starts_with("-- ") || (mysql && c == '#') {
            self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*!") || self.rest.starts_with("/*+") || self.rest.starts_with("/*M!") {
            return Err("it has a comment that the server runs".to_owned());
        } else if self.rest.starts_with("/*") {
            self.comment()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Only PostgreSQL counts comments inside comments; where the others would see the end differently, it is refused.
    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest.find("*/").ok_or("a comment has no end")?;
        if self.rest.get(2..end).is_some_and(|inside| inside.contains("/*")) {
            return Err("it has a comment inside a comment".to_owned());
        }
        self.advance(end + 2);
        Ok(())
    }

    fn token(&mut self, c: char) -> Result<Token, String> {
        match c {
            '\'' => {
                self.quoted('\'', self.dialect == Dialect::Mysql)?;
                Ok(Token::Text)
            }
            '"' if self.dialect == Dialect::Mysql => {
                self.quoted('"', true)?;
                Ok(Token::Text)
            }
            '"' | '`' => Ok(Token::Name(self.quoted(c, false)?.to_ascii_uppercase())),
            '$' if self.dialect == Dialect::Postgres => self.dollar(),
            '\\' => {
                self.advance(1);
                Ok(Token::Client(format!("\\{}", self.line())))
            }
            '.' if self.begin && self.dialect == Dialect::Sqlite => Ok(Token::Client(self.line())),
            c if c.is_alphanumeric() || c == '_' => self.word(),
            c => {
                self.advance(c.len_utf8());
                Ok(Token::Sign(c))
            }
        }
    }

    fn word(&mut self) -> Result<Token, String> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(self.rest.len());
        let word = self.rest.get(..end).unwrap_or_default().to_ascii_uppercase();
        self.advance(end);
        // E'…' has backslashes; U&'…', B'…', X'…' and N'…' are texts too.
        if self.rest.starts_with('\'') && matches!(word.as_str(), "E" | "B" | "X" | "N" | "U") {
            self.quoted('\'', word == "E" || self.dialect == Dialect::Mysql)?;
            return Ok(Token::Text);
        }
        Ok(Token::Word(word))
    }

    /// `$$…$$`, `$tag$…$tag$`, or the number of a parameter.
    fn dollar(&mut self) -> Result<Token, String> {
        let tail = self.rest.get(1..).unwrap_or_default();
        let tag = tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len());
        if !tail.get(tag..).is_some_and(|rest| rest.starts_with('$')) {
            self.advance(1);
            return Ok(Token::Sign('$'));
        }
        let mark = self.rest.get(..tag + 2).unwrap_or_default().to_owned();
        self.advance(mark.len());
        let end = self.rest.find(&mark).ok_or("a quoted text has no end")?;
        self.advance(end + mark.len());
        Ok(Token::Text)
    }

    /// A doubled quote stands for one.
    fn quoted(&mut self, quote: char, backslashes: bool) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if backslashes => {
                    chars.next();
                }
                c if c == quote => match chars.next_if(|(_, next)| *next == quote) {
                    Some(_) => text.push(quote),
                    None => {
                        self.advance(at + c.len_utf8());
                        return Ok(text);
                    }
                },
                c => text.push(c),
            }
        }
        Err("a quoted text has no end".to_owned())
    }

    fn line(&mut self) -> String {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..end).unwrap_or_default().trim().to_owned();
        self.advance(end);
        line
    }

    fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or_default();
    }
}

/// Commands of `psql`, `mysql` and `sqlite3` themselves.
fn client(command: &str, dialect: Dialect) -> Judged {
    let mut words = command.split_whitespace();
    let name = words.next().unwrap_or_default();
    let risk = match dialect {
        Dialect::Postgres => psql(name, command),
        Dialect::Mysql => match name {
            "\\G" | "\\g" | "\\c" | "\\q" | "\\s" | "\\W" | "\\w" | "\\G;" | "\\g;" => Risk::Read,
            _ => Risk::Unknown,
        },
        Dialect::Sqlite => match name {
            ".schema" | ".tables" | ".databases" | ".indexes" | ".indices" | ".headers" | ".header" | ".mode"
            | ".dbinfo" | ".show" | ".stats" | ".width" | ".timeout" | ".explain" | ".nullvalue" | ".separator"
            | ".dump" | ".timer" | ".fullschema" | ".version" | ".help" | ".quit" | ".exit" | ".lint" | ".print"
            | ".bail" | ".echo" => Risk::Read,
            ".backup" | ".save" | ".clone" | ".output" | ".once" | ".log" if !command.contains('|') => Risk::Change,
            ".restore" => Risk::Destroy,
            _ => Risk::Unknown,
        },
    };
    (risk, format!("{name} is a command of the client"))
}

fn psql(name: &str, command: &str) -> Risk {
    let alone = command.split_whitespace().nth(1).is_none();
    match name {
        // `\d` and all that begin so describe; `\do`, `\l`, `\z` too.
        _ if name.starts_with("\\d") || command.contains('|') && name != "\\copy" => {
            if command.contains('|') || command.contains('`') { Risk::Unknown } else { Risk::Read }
        }
        _ if command.contains('`') => Risk::Unknown,
        "\\l" | "\\l+" | "\\z" | "\\conninfo" | "\\timing" | "\\x" | "\\a" | "\\t" | "\\pset" | "\\q" | "\\echo"
        | "\\qecho" | "\\encoding" | "\\errverbose" | "\\f" | "\\h" | "\\help" | "\\?" | "\\sf" | "\\sv" | "\\set"
        | "\\unset" | "\\copyright" | "\\watch" | "\\c" | "\\connect" | "\\crosstabview" | "\\gx" | "\\warn"
        | "\\H" | "\\C" | "\\T" => Risk::Read,
        "\\g" if alone => Risk::Read,
        "\\copy" => copy(command),
        _ => Risk::Unknown,
    }
}

/// `\copy … to stdout` prints; another end is a file, or a program.
fn copy(command: &str) -> Risk {
    let upper = command.to_ascii_uppercase();
    let words: Vec<&str> = upper.split_whitespace().collect();
    if words.contains(&"PROGRAM") {
        Risk::Unknown
    } else if words.windows(2).any(|pair| matches!(pair, ["TO", "STDOUT" | "PSTDOUT"])) {
        // A query may stand in brackets.
        match upper.split_once('(') {
            Some((_, query)) => judge(query.rsplit_once(')').map_or(query, |(query, _)| query), Dialect::Postgres).0,
            None => Risk::Read,
        }
    } else {
        Risk::Change
    }
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
        "EXPLAIN" => return explained(tokens, &words, dialect),
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
    let (called, function) = functions(tokens);
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
fn explained(tokens: &[&Token], words: &[&str], dialect: Dialect) -> Judged {
    if !words.contains(&"ANALYZE") && !words.contains(&"ANALYSE") {
        return (Risk::Read, "EXPLAIN is its statement".to_owned());
    }
    let verb = |token: &&Token| {
        matches!(token, Token::Word(word) if matches!(word.as_str(), "SELECT" | "WITH" | "INSERT" | "UPDATE" | "DELETE" | "MERGE"
            | "VALUES" | "TABLE" | "EXECUTE" | "CREATE" | "DECLARE" | "REFRESH" | "REPLACE"))
    };
    match tokens.iter().position(|token| verb(token)) {
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

/// Functions that only compute or look. Words that stand before a bracket without being functions are among them.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "ABS", "AGE", "ALL", "AND", "ANY", "ARRAY", "ARRAY_AGG", "ARRAY_LENGTH", "ARRAY_TO_STRING", "AS", "AVG", "BETWEEN", "BIT_LENGTH",
    "BOOL_AND", "BOOL_OR", "BY", "CAST", "CEIL", "CEILING", "CHAR", "CHARACTER_LENGTH", "CHAR_LENGTH", "CLOCK_TIMESTAMP", "COALESCE",
    "CONCAT", "CONCAT_WS", "COUNT", "CURRENT_DATABASE", "CURRENT_SCHEMA", "CURRENT_SETTING", "CURRENT_TIMESTAMP", "CURRENT_USER",
    "CURDATE", "DATABASE", "DATE", "DATEDIFF", "DATETIME", "DATE_ADD", "DATE_FORMAT", "DATE_PART", "DATE_SUB", "DATE_TRUNC", "DECIMAL",
    "DENSE_RANK", "DISTINCT", "ELSE", "ENCODE", "EXCEPT", "EXISTS", "EXTRACT", "FILTER", "FIRST_VALUE", "FLOOR", "FORMAT",
    "FORMAT_TYPE", "FROM", "FROM_UNIXTIME", "GENERATE_SERIES", "GREATEST", "GROUP_CONCAT", "GROUPING", "HAVING", "HEX", "HOST", "HOUR",
    "IF", "IFNULL", "IN", "INET_SERVER_ADDR", "INET_SERVER_PORT", "INSTR", "INTERSECT", "INTERVAL", "ISNULL", "IS", "JOIN", "JSONB_AGG",
    "JSON_AGG", "JSON_BUILD_OBJECT", "JSON_EXTRACT", "JULIANDAY", "JUSTIFY_INTERVAL", "KEY", "LAG", "LAST_VALUE", "LATERAL", "LEAD",
    "LEAST", "LEFT", "LENGTH", "LIKE", "LIMIT", "LOCALTIMESTAMP", "LOCATE", "LOWER", "LPAD", "LTRIM", "MAX", "MD5", "MEDIAN", "MIN",
    "MINUTE", "MOD", "MODE", "MONTH", "NOT", "NOW", "NTILE", "NULLIF", "NUMERIC", "OBJ_DESCRIPTION", "OCTET_LENGTH", "OFFSET", "ON",
    "OR", "ORDER", "OVER", "OVERLAPS", "PARTITION", "PERCENTILE_CONT", "PERCENTILE_DISC", "PG_BACKEND_PID", "PG_BLOCKING_PIDS",
    "PG_COLUMN_SIZE", "PG_CONF_LOAD_TIME", "PG_CURRENT_LOGFILE", "PG_CURRENT_WAL_LSN", "PG_CURRENT_XLOG_LOCATION", "PG_DATABASE_SIZE",
    "PG_GET_CONSTRAINTDEF", "PG_GET_FUNCTIONDEF", "PG_GET_INDEXDEF", "PG_GET_USERBYID", "PG_GET_VIEWDEF", "PG_INDEXES_SIZE",
    "PG_IS_IN_RECOVERY", "PG_IS_WAL_REPLAY_PAUSED", "PG_IS_XLOG_REPLAY_PAUSED", "PG_LAST_WAL_RECEIVE_LSN", "PG_LAST_WAL_REPLAY_LSN",
    "PG_LAST_XACT_REPLAY_TIMESTAMP", "PG_LAST_XLOG_RECEIVE_LOCATION", "PG_LAST_XLOG_REPLAY_LOCATION", "PG_LS_DIR", "PG_LS_WALDIR",
    "PG_LSN", "PG_POSTMASTER_START_TIME", "PG_READ_FILE", "PG_RELATION_FILEPATH", "PG_RELATION_SIZE", "PG_SAFE_SNAPSHOT_BLOCKING_PIDS",
    "PG_SIZE_BYTES", "PG_SIZE_PRETTY", "PG_SLEEP", "PG_SLEEP_FOR", "PG_STAT_FILE", "PG_TABLE_IS_VISIBLE", "PG_TABLE_SIZE",
    "PG_TABLESPACE_SIZE", "PG_TOTAL_RELATION_SIZE", "PG_TYPEOF", "PG_WAL_LSN_DIFF", "PG_WALFILE_NAME", "PG_XLOG_LOCATION_DIFF",
    "PG_STAT_GET_ACTIVITY", "PG_LOCK_STATUS", "POSITION", "POW", "POWER", "QUOTE_IDENT", "QUOTE_LITERAL", "RANDOM", "RANK",
    "REGEXP_MATCHES", "REGEXP_REPLACE", "REPEAT", "REPLACE", "RETURNING", "REVERSE", "RIGHT", "ROUND", "ROW", "ROW_NUMBER", "ROW_TO_JSON",
    "RPAD", "RTRIM", "SECOND", "SELECT", "SESSION_USER", "SIGN", "SLEEP", "SOME", "SPLIT_PART", "SQLITE_VERSION", "SQRT", "STDDEV",
    "STRFTIME", "STRING_AGG", "STRPOS", "SUBSTR", "SUBSTRING", "SUM", "SYSDATE", "TABLESAMPLE", "THEN", "TIMEDIFF", "TIMEOFDAY",
    "TIMESTAMPDIFF", "TO_CHAR", "TO_DATE", "TO_HEX", "TO_NUMBER", "TO_REGCLASS", "TO_TIMESTAMP", "TOTAL", "TRANSACTION_TIMESTAMP",
    "TRIM", "TRUNC", "TXID_CURRENT_IF_ASSIGNED", "TXID_CURRENT_SNAPSHOT", "TYPEOF", "UNION", "UNIX_TIMESTAMP", "UNNEST", "UPPER", "USER",
    "USING", "UTC_TIMESTAMP", "UUID", "VALUES", "VARCHAR", "VARIANCE", "VERSION", "WHEN", "WHERE", "WIDTH_BUCKET", "WITH", "WITHIN", "YEAR",
    "MATERIALIZED", "RECURSIVE", "INDEX", "TABLE", "INT", "INTEGER", "BIGINT", "TEXT", "COPY", "EXPLAIN", "VACUUM", "STDOUT", "CSV",
    "CREATE", "UNIQUE", "PRIMARY", "FOREIGN", "REFERENCES", "CHECK", "DEFAULT", "INCLUDE", "INTO", "ANALYZE", "REINDEX", "GRANT", "PRAGMA",
    "INTEGRITY_CHECK", "QUICK_CHECK", "TABLE_INFO", "TABLE_XINFO", "INDEX_LIST", "INDEX_INFO", "FOREIGN_KEY_CHECK", "FOREIGN_KEY_LIST",
    "HASH", "BTREE", "GIN", "GIST", "BRIN", "SET", "EVERY", "CBRT", "EXP", "LN", "LOG", "CHR", "ASCII", "INITCAP", "GEN_RANDOM_UUID",
    "JSONB_ARRAY_ELEMENTS", "JSONB_OBJECT_KEYS", "JSONB_PRETTY", "TO_JSON", "TO_JSONB", "JSONB_EACH", "JSON_ARRAYAGG", "JSON_OBJECTAGG",
    "CURRENT_DATE", "CURTIME", "DAY", "WEEK", "HAS_TABLE_PRIVILEGE", "HAS_DATABASE_PRIVILEGE", "PG_HAS_ROLE", "INET", "TIMESTAMP", "FORCE",
];

/// Functions that change something that can be changed back.
#[rustfmt::skip]
const CHANGING: &[&str] = &[
    "NEXTVAL", "SETVAL", "SET_CONFIG", "PG_RELOAD_CONF", "PG_CANCEL_BACKEND", "PG_ROTATE_LOGFILE", "PG_SWITCH_WAL", "PG_SWITCH_XLOG",
    "PG_WAL_REPLAY_PAUSE", "PG_WAL_REPLAY_RESUME", "PG_XLOG_REPLAY_PAUSE", "PG_XLOG_REPLAY_RESUME", "PG_STAT_STATEMENTS_RESET",
    "PG_STAT_RESET", "PG_CREATE_RESTORE_POINT", "PG_CREATE_PHYSICAL_REPLICATION_SLOT", "PG_CREATE_LOGICAL_REPLICATION_SLOT",
    "PG_BACKUP_START", "PG_BACKUP_STOP", "PG_START_BACKUP", "PG_STOP_BACKUP", "PG_ADVISORY_LOCK", "PG_ADVISORY_UNLOCK",
    "PG_TRY_ADVISORY_LOCK", "PG_ADVISORY_UNLOCK_ALL", "LO_CREATE", "LO_CREAT", "LO_IMPORT", "LO_EXPORT", "LO_FROM_BYTEA", "GET_LOCK",
    "RELEASE_LOCK", "TXID_CURRENT", "PG_CURRENT_XACT_ID", "PG_LOGICAL_EMIT_MESSAGE", "PG_NOTIFY", "PG_PREWARM", "LOAD_FILE_TO",
];

/// Functions that take something away.
#[rustfmt::skip]
const DESTROYING: &[&str] = &[
    "PG_TERMINATE_BACKEND", "PG_PROMOTE", "PG_DROP_REPLICATION_SLOT", "PG_REPLICATION_SLOT_ADVANCE", "LO_UNLINK", "LO_PUT", "LO_TRUNCATE",
    "LOWRITE", "PG_REPLICATION_ORIGIN_DROP", "PG_LOGICAL_SLOT_GET_CHANGES", "PG_FILE_UNLINK", "PG_FILE_WRITE", "PG_RESETWAL",
];

/// The worst function that is called, and its name.
fn functions(tokens: &[&Token]) -> Judged {
    let mut worst = (Risk::Read, String::new());
    let makes = matches!(tokens.first(), Some(Token::Word(word)) if word == "CREATE");
    let mut before: Option<&Token> = None;
    for pair in tokens.windows(2) {
        let [token, next] = pair else { continue };
        let name = match token {
            Token::Word(name) | Token::Name(name) if **next == Token::Sign('(') => name,
            token => {
                before = Some(token);
                continue;
            }
        };
        // The columns of a table, an alias or a common table expression.
        let is_list = matches!(before, Some(Token::Word(word)) if matches!(word.as_str(), "INTO" | "TABLE" | "WITH" | "RECURSIVE"
            | "ANALYZE" | "VACUUM" | "COPY" | "AS") || (makes && word == "ON"));
        let risk = match name.as_str() {
            _ if is_list => Risk::Read,
            name if HARMLESS.contains(&name) => Risk::Read,
            name if CHANGING.contains(&name) => Risk::Change,
            name if DESTROYING.contains(&name) => Risk::Destroy,
            _ => Risk::Unknown,
        };
        if risk > worst.0 {
            worst = (risk, name.to_ascii_lowercase());
        }
        before = Some(token);
    }
    worst
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
