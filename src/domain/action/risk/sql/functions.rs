//! Functions of databases, by what they do.
//!
//! Invariant: a function that is on no list is `Unknown`; anybody can define one.

use super::Judged;
use super::lexer::Token;
use crate::domain::action::risk::Risk;

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
pub(super) fn worst(tokens: &[&Token]) -> Judged {
    let mut worst = (Risk::Read, String::new());
    let makes = matches!(tokens.first(), Some(Token::Word(word)) if word == "CREATE");
    let mut before: Option<&Token> = None;
    for (at, pair) in tokens.windows(2).enumerate() {
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
            // Whoever has a schema can name a function of their own as they like.
            _ if of_a_schema(tokens, at) => Risk::Unknown,
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

/// Whether the name at `at` is that of a schema other than the server's own.
fn of_a_schema(tokens: &[&Token], at: usize) -> bool {
    match at.checked_sub(2).and_then(|before| tokens.get(before..at)) {
        Some([Token::Word(schema) | Token::Name(schema), Token::Sign('.')]) => schema != "PG_CATALOG",
        Some([_, Token::Sign('.')]) => true,
        _ => false,
    }
}
