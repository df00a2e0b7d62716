//! Secrets as they go over the wire: headers, cookies, URLs and their parameters.

use super::{Edge, Rule, is_value};
use crate::domain::redact::Kind::{Community, Cookie, Password, Signature, Token};
use crate::domain::redact::value::{entropy, is_placeholder, is_uuid, looks_random};

pub(super) const RULES: &[Rule] = &[
    // The password may hold anything but a slash or white space; it ends at the last `@` of the authority.
    Rule::context("url-password", Password, &["://", ":\\/\\/"], r#"(?::\\?/\\?/)[^\s/:@"'`<>]{0,64}:([^\s/"'`<>]+)@[\w\[$%{</?-]"#).check(is_url_password),
    Rule::context("encoded-url-password", Password, &["%3a%2f%2f"], r#"(?i:%3a%2f%2f)[\w.-]{0,64}(?i:%3a)([\w.%~!*()-]+?)(?i:%40)[\w%\[]"#).check(is_url_password),
    // Passwords with slashes, which a careful reader of URLs would not accept, but which people write; not after a port.
    Rule::context("url-password-slash", Password, &["://"], r#"://[A-Za-z_][\w.-]{0,64}:([^\s@"'`<>]{1,}/[^\s@"'`<>]*)@[\w\[]"#).check(is_odd_url_password),
    Rule::context("url-token", Token, &["://"], r#"://([A-Za-z0-9_.~-]{16,})(?::(?:x-oauth-basic)?)?@[\w\[]"#).check(looks_random),
    Rule::context(
        "authorization-basic",
        Password,
        &["basic "],
        r#"(?i:basic)\s+(?:auth\w*\s+)?\\*["']?([A-Za-z0-9+/_-]{6,}={0,2})"#,
    )
    .check(is_basic)
    .edge(Edge::Start),
    Rule::context("authorization-bearer", Token, &["bearer"], r#"(?i:bearer)\\*["']?(?:\s*[:=]\s*|\s+|%20)\\*["']?([A-Za-z0-9._~+/=:|-]{6,})"#).reach(4200).check(is_opaque).edge(Edge::Start),
    Rule::context(
        "authorization-other",
        Token,
        &["authorization"],
        r#"(?i:authorization)\\*["']?\s*[:=,]+\s*\\*["']?(?i:token|apikey|api-key|key|digest|negotiate|ntlm|aws4-hmac-sha256|sharedkey|splunk|geniekey|bot|oauth|hawk|ssws|snowflake|pve\w+|discogs|bearer|basic)?[ =]*((?:[A-Za-z0-9][A-Za-z0-9._~+/=:|!-]{7,}))"#,
    )
    .reach(2400)
    .check(is_opaque),
    Rule::context(
        "key-header",
        Token,
        &["x-api-key", "x-auth-token", "x-vault-token", "x-consul-token", "private-token", "job-token", "deploy-token", "x-access-token", "x-goog-api-key", "x-nomad-token", "x-csrf-token", "x-xsrf-token", "x-authorization", "x-auth-key", "x-auth-apikey", "x-token", "x-apikey", "api-key", "apikey", "x-rundeck-auth-token", "x-redmine-api-key", "x-jfrog-art-api", "circle-token", "x-figma-token", "x-shopify-access-token", "x-insert-key", "x-query-key", "x-honeycomb-team", "x-secret", "x-hub-signature", "x-gitlab-token", "x-plex-token", "x-subject-token", "x-storage-token"],
        r#"(?i:x-api-key|x-auth-token|x-vault-token|x-consul-token|private-token|job-token|deploy-token|x-access-token|x-goog-api-key|x-nomad-token|x-[cx]srf-token|x-authorization|x-auth-(?:api)?key|x-token|x-apikey|api-key|apikey|x-rundeck-auth-token|x-redmine-api-key|x-jfrog-art-api|circle-token|x-figma-token|x-shopify-access-token|x-(?:insert|query)-key|x-honeycomb-team|x-secret|x-hub-signature(?:-256)?|x-gitlab-token|x-plex-token|x-subject-token|x-storage-token)\\*["']?\s*[:=]\s*\\*["']?([^\s"'\\,;]{6,})"#,
    )
    .reach(2200)
    .check(is_value),
    // Some programs quote the header, some log it as JSON; the value ends with the quote or the line.
    Rule::context("cookie", Cookie, &["cookie:", "cookie\":", "cookie\\\":", "cookie=\"", "cookie': "], r#"(?i:cookie)\\*["']?\s*[:=]\s*\\*["']?((?:[\w.!%$-]+=[^\s;"'\\]*)(?:;\s*[\w.!%$-]+=[^\s;"'\\]*)*)"#).reach(4096),
    Rule::context("cookie-option", Cookie, &["--cookie ", "-b "], r#"(?:--cookie|-b) ["']?([\w.-]+=[A-Za-z0-9%._~+/=-]{8,})"#).check(is_session),
    Rule::context(
        "session-id",
        Cookie,
        &["jsessionid", "phpsessid", "asp.net_sessionid", "connect.sid", "laravel_session", "sessionid", "session_id", "session=", "_session", "wordpress_logged_in", "grafana_session", "csrftoken", "xsrf-token", "sid=", "auth_token="],
        r#"(?i:jsessionid|phpsessid|asp\.net_sessionid|connect\.sid|laravel_session|session_?id|session|_session(?:_\w+)?|wordpress_logged_in\w*|grafana_session\w*|csrftoken|xsrf-token|sid|auth_token)\s*=\s*["']?([A-Za-z0-9%._~+/=:|-]{12,})"#,
    )
    .check(is_session)
    .reach(1200),
    Rule::context("signed-url", Signature, &["x-amz-signature=", "x-goog-signature=", "signature=", "sig=", "x-amz-credential=", "x-amz-security-token=", "&hmac=", "__token__", "hdnea="], r#"(?i:x-amz-signature|x-goog-signature|x-amz-credential|x-amz-security-token|signature|sig|hmac|hdnea)=([A-Za-z0-9%+/=_~.-]{16,})"#).reach(2200).edge(Edge::Start),
    Rule::context(
        "url-parameter",
        Token,
        &["?token=", "&token=", "access_token=", "refresh_token=", "id_token=", "?api_key=", "&api_key=", "?apikey=", "&apikey=", "?key=", "&key=", "?auth=", "&auth=", "client_secret=", "?password=", "&password=", "?passwd=", "&pwd=", "?secret=", "&secret=", "?code=", "&code=", "private_token=", "?apitoken=", "auth_key=", "?access_key=", "&access_key=", "x-plex-token=", "?jwt=", "sso=", "samlresponse=", "ticket="],
        r#"(?i)[?&]?(?:token|access_token|refresh_token|id_token|api_?key|key|auth|client_secret|password|passwd|pwd|secret|code|private_token|apitoken|auth_key|access_key|x-plex-token|jwt|sso|samlresponse|ticket)=([^\s&"'<>#\\]{6,})"#,
    )
    .reach(2200)
    .check(is_parameter),
    Rule::context("snmp-community", Community, &["community", "rocommunity", "rwcommunity", "snmp-server", "snmp_community", "snmp-community", "snmpcommunity", "com2sec"], r#"(?i:(?:ro|rw)community6?\s+|community\s+string\s+(?:is\s+)?|snmp-server\s+community\s+|(?:snmp[_-]?)?community(?:[_-]?string|name)?\\*["']?\s*[:=]\s*|com2sec6?\s+\S+\s+\S+\s+)\\*["'`]?([^\s"'`\\,;]{3,64})"#).check(is_community),
    Rule::context("snmp-option", Community, &["snmpwalk", "snmpget", "snmpbulkwalk", "snmpset", "snmptable", "snmpbulkget", "check_snmp", "snmpstatus", "snmptranslate", "snmptrap"], r#"(?:snmp\w+)\b[^\n|;]*?\s-c\s*["']?([^\s"']{3,64})"#),
    Rule::context("snmp-v3-option", Password, &["snmpwalk", "snmpget", "snmpbulkwalk", "snmpset", "check_snmp"], r#"(?:snmp\w+)\b[^\n|;]*?\s-A\s*["']?([^\s"']{3,64})"#),
    Rule::context("snmp-v3-privacy", Password, &["snmpwalk", "snmpget", "snmpbulkwalk", "snmpset", "check_snmp"], r#"(?:snmp\w+)\b[^\n|;]*?\s-X\s*["']?([^\s"']{3,64})"#),
];

/// A port, a placeholder or an address is no password.
fn is_url_password(value: &str) -> bool {
    !is_placeholder(value) && !is_template(value)
}

/// `u:${PASSWORD}@`, `u:<pw>@`, and the like, also with words around.
fn is_template(value: &str) -> bool {
    (value.contains("${") || value.contains("{{") || value.contains("$(")) && value.contains(['}', ')'])
}

/// A slash in a password: it does not begin with a port.
fn is_odd_url_password(value: &str) -> bool {
    let port =
        value.split('/').next().is_some_and(|first| first.len() <= 5 && first.bytes().all(|b| b.is_ascii_digit()));
    !port && is_url_password(value)
}

/// Basic credentials decode to `user:password`; a word like `authentication` does not.
fn is_basic(value: &str) -> bool {
    let decoded = crate::domain::redact::encoded::decode(value);
    decoded.is_some_and(|text| text.contains(':')) || (value.len() >= 24 && looks_random(value))
}

/// A bearer's token: anything with a digit or capitals inside, or a long word; not `token` or `authentication`.
fn is_opaque(value: &str) -> bool {
    let value = value.trim_end_matches(['.', ':', ',']);
    let digit = value.contains(|c: char| c.is_ascii_digit());
    let capital =
        value.chars().skip(1).any(|c| c.is_ascii_uppercase()) && value.contains(|c: char| c.is_ascii_lowercase());
    is_value(value) && value.len() >= 8 && (digit || capital || value.len() >= 24) && !value.contains("://")
}

/// The value of a session cookie: drawn at random, or a UUID.
fn is_session(value: &str) -> bool {
    is_value(value)
        && (looks_random(value)
            || is_uuid(value)
            || value.len() >= 20 && entropy(value) > 3.0 && value.contains(|c: char| c.is_ascii_digit()))
}

/// A parameter of a URL named like a secret.
fn is_parameter(value: &str) -> bool {
    is_value(value)
        && (value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_ascii_alphabetic())
            || value.len() >= 20)
}

/// `public` is every device's default and no secret; prose goes on with small words.
fn is_community(value: &str) -> bool {
    const PROSE: [&str; 34] = [
        "public",
        "the",
        "and",
        "for",
        "name",
        "names",
        "string",
        "strings",
        "support",
        "edition",
        "members",
        "member",
        "has",
        "can",
        "will",
        "who",
        "that",
        "with",
        "forum",
        "forums",
        "slack",
        "maintained",
        "contributions",
        "version",
        "server",
        "list",
        "lists",
        "meeting",
        "page",
        "driven",
        "operators",
        "operator",
        "standard",
        "attributes",
    ];
    let lower = value.trim_end_matches(['.', ',', ')', ':']).to_ascii_lowercase();
    is_value(value)
        && !PROSE.contains(&lower.as_str())
        && !value.contains(['[', ']', '(', ')', '/', '|'])
        && value.contains(|c: char| c.is_alphanumeric())
        && !value.ends_with(['.', ':'])
}
