//! Secrets in configuration files and in sentences that are no `name: value`; those are found by the module `assign`.

use super::{Edge, Rule, anything, is_value};
use crate::domain::redact::Kind::{Hash, Password, Secret, Token};
use crate::domain::redact::value::{is_name, looks_random, password_like};

pub(super) const RULES: &[Rule] = &[
    Rule::context("redis-conf", Password, &["requirepass", "masterauth", "sentinel auth-pass"], r#"(?i:requirepass|masterauth|sentinel\s+auth-pass\s+\S+)\s+(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"']+))"#).check(is_config_word),
    Rule::context("redis-auth", Password, &["auth "], r#"AUTH\s+(?:default\s+)?(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"']{4,}))"#).edge(Edge::Start).check(password_like),
    Rule::context("redis-acl", Password, &["setuser"], r"(?i:setuser)\s+\S+\s[^\n]{0,80}?\s?[>#]([^\s]{4,})"),
    Rule::context("netrc", Password, &["machine ", "login "], r"(?:machine\s+\S+\s+)?login\s+\S+\s+password\s+(\S+)").check(is_value),
    Rule::context("pgpass", Password, &[":5432:", ":5433:", ":6432:", ":*:", ":3306:"], r"(?::(?:5432|5433|6432|3306|\*)):[\w*-]+:[\w.*@-]+:([^\s]{3,})"),
    Rule::context("shadow", Hash, &[":$", ":!$"], r":!?(\$[0-9a-z]{1,6}\$[^\s:]{8,})").check(anything),
    Rule::context("htpasswd-des", Hash, &[":{"], r":(\{(?:SHA|SSHA)\}[A-Za-z0-9+/=]{20,})").check(anything),
    Rule::context("ldap-bind", Password, &["bindpw", "rootpw", "binddn_password", "bind_password", "bindpassword", "default_authtok", "credentials="], r#"(?i:bindpw|(?:olc)?rootpw|bind_?dn_?password|bind_?password|ldap_default_authtok|credentials)\\*["']?\s*(?::{1,2}|=|\s)\s*\\*(?:"([^"\n\\]+)|'([^'\n]+)|([^\s"'\\]+))"#).check(is_config_word),
    Rule::context("network-device", Password, &["enable secret", "enable password", "password 7", "password 5", "password 0", "secret 5", "secret 9", "secret 0", "key 7", "secret 8", "username ", "tacacs-server", "radius-server", "pre-shared-key", "authentication-key", "md5 "], r"(?i:enable (?:secret|password)(?: level \d+)?|password|secret|key|username \S+ (?:privilege \d+ )?(?:password|secret)|(?:tacacs|radius)-server (?:host \S+ )?key|pre-shared-key(?: (?:local|remote|address \S+))?(?: key)?|authentication-key(?: \d+)?|message-digest-key \d+ md5) (?:[05789] )([^\s]{4,})"),
    Rule::context("network-key", Password, &["tacacs-server", "radius-server", "pre-shared-key", "message-digest-key", "crypto isakmp key", "enable secret", "enable password"], r#"(?i:enable (?:secret|password)|(?:tacacs|radius)-server (?:host \S+ )?key|pre-shared-key(?: (?:ascii-text|hexadecimal|local|remote))?|message-digest-key \d+ md5|crypto isakmp key) ["']?([^\s"';]{4,})"#).check(is_config_word),
    Rule::context("keepalived", Password, &["auth_pass "], r"auth_pass\s+(\S{3,64})"),
    Rule::context("haproxy-stats", Password, &["stats auth "], r"stats\s+auth\s+[^\s:]+:(\S{3,64})"),
    Rule::context("oracle-thin", Password, &["jdbc:oracle:"], r#"jdbc:oracle:\w+:[\w$#.-]+/([^\s@"'`/]{2,64})@"#),
    // A plan shows the old value and the new one; the old one is found as an assignment.
    Rule::context("planned-change", Secret, &["password", "passwd", "secret", "token", "_key", "private_key"], r#"(?i:password|passwd|secret|token|key)\w*"?[ \t]*[=:][ \t]*"[^"\n]*"[ \t]*->[ \t]*"([^"\n]{3,})""#),
    Rule::context("postfix-sasl", Password, &["]:587", "]:465", "]:25"], r"\]:(?:587|465|25)\s+[^\s:]+:(\S+)"),
    Rule::context("erlang-cookie", Token, &["erlang_cookie", "erlang.cookie", "-setcookie"], r#"(?i:(?:rabbitmq_)?erlang[_.]cookie\\*["']?\s*[:=]\s*|-setcookie\s+)\\*["']?([A-Za-z0-9_!-]{8,})"#),
    Rule::context("credential-pair", Password, &["credentials", "creds", "login:", "log in", "logged in", "login with", "anmeldung", "zugangsdaten", "identifiants", "credenciales"], r#"(?i:credentials?|creds|log[- ]?in|login|logged in|anmeldung|zugangsdaten|identifiants|credenciales)(?:\s+(?:are|is|with|as|for|to|using|via|mit|sind|lauten|avec|sont|son|con|the|\S{2,24})){0,4}\s*[:=]?\s+["'`]?[A-Za-z_][\w.@-]{1,40}\s?[/:]\s?([^\s"'`,;]{6,64})"#).check(is_pair),
    Rule::context("prose-english", Password, &["password", "passphrase", "passcode", "pwd", "pw ", "pw:", "passwd", "pass is", "pass was"], r#"(?i:password|passphrase|passcode|passwd|pwd|pass|pw)\b(?:[ \t]+(?:for|of|to|on|at|in)[ \t]+(?:the[ \t]+)?\S{1,40}(?:[ \t]+\S{1,24}){0,3}?)?[ \t]*(?:\([^)\n]{1,40}\))?[ \t]*(?:(?:is|was|are|has been|will be|gets)(?:[ \t]+(?:still|now|currently|again|just|temporarily)){0,2}(?:[ \t]+(?:set|changed|reset|updated|rotated) to)?|(?:set|changed|reset|updated|rotated) to|equals|=+>?|→|->|:)[ \t]*:?[ \t]*(?:"([^"\n]{3,64})"|'([^'\n]{3,64})'|`([^`\n]{3,64})`|\*\*([^*\n]{3,64})\*\*|([^\s"'`]{5,64}))"#).check(is_prose_password),
    Rule::context("prose-english-verb", Password, &["password", "passphrase", "passwd", "pw "], r#"(?i:password|passphrase|passwd|pw)[ \t]+([^\s"'`:=]{6,64})"#).edge(Edge::Start).check(is_strong_prose_password),
    Rule::context("prose-english-quoted", Password, &["password", "passphrase", "passwd", "passcode", "pw "], r#"(?i:password|passphrase|passwd|passcode|pw)[ \t]+(?:"([^"\n]{4,64})"|'([^'\n]{4,64})'|`([^`\n]{4,64})`)"#).edge(Edge::Start).check(is_prose_password),
    Rule::context("prose-german", Password, &["passwort", "kennwort", "zugangswort", "passphrase"], r#"(?i:(?:zugangs|root-?|admin-?|haupt|standard|datenbank-?)?(?:passwort|kennwort)|passphrase)\b(?:[ \t]+(?:für|fuer|von|zu|zum|zur|am|auf|der|des|vom|beim)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,3}?)?[ \t]*(?:ist|war|lautet|wurde auf|heißt|heisst|bleibt|ist jetzt|jetzt|=|:|→|->)+(?:[ \t]+(?:jetzt|nun|noch|weiterhin|immer noch|aktuell))?[ \t]*:?[ \t]*(?:"([^"\n]{3,64})"|„([^“\n]{3,64})“|'([^'\n]{3,64})'|`([^`\n]{3,64})`|([^\s"'`„]{5,64}))"#).check(is_prose_password),
    Rule::context("prose-french", Password, &["mot de passe", "mdp", "mots de passe"], r#"(?i:mots? de passe|mdp)(?:[ \t]+(?:de|du|pour|d'|des|sur|root|admin|temporaire)[ \t]*\S{0,40}(?:[ \t]+\S{1,24}){0,3}?)?[ \t]*(?:est|était|sera|reste|=|:|→|->)+(?:[ \t]+(?:maintenant|désormais|toujours|encore))?[ \t]*:?[ \t]*(?:"([^"\n]{3,64})"|«[  ]?([^»\n]{3,64}?)[  ]?»|'([^'\n]{3,64})'|`([^`\n]{3,64})`|([^\s"'`«]{5,64}))"#).check(is_prose_password),
    Rule::context("prose-spanish", Password, &["contraseña", "contrasena", "clave", "senha", "palabra de paso"], r#"(?i:contraseña|contrasena|clave|senha|palabra de paso)(?:[ \t]+(?:de|del|para|do|da|en|root|temporal)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,3}?)?[ \t]*(?:es|era|será|é|sigue siendo|ahora es|=|:|→|->)+(?:[ \t]+(?:ahora|todavía|aún|agora))?[ \t]*:?[ \t]*(?:"([^"\n]{3,64})"|«([^»\n]{3,64})»|'([^'\n]{3,64})'|`([^`\n]{3,64})`|([^\s"'`«]{5,64}))"#).check(is_prose_password),
    Rule::context("prose-token", Token, &["token", "api key", "secret", "access key", "api-key", "apikey", "passkey", "schlüssel", "clé"], r#"(?i:token|api[ -]?key|secret(?: key)?|access key|passkey|schlüssel|clé(?: api)?)\b(?:[ \t]+(?:for|of|to|on|für|pour|para)[ \t]+\S{1,40}(?:[ \t]+\S{1,24}){0,2}?)?[ \t]+(?:is|was|set to|ist|lautet|est|es)(?:[ \t]+now)?[ \t]*:?[ \t]*["'`]?([A-Za-z0-9_+/=.~-]{10,})"#).check(is_random_word),
    Rule::context("xml-element", Password, &["password>", "passwd>", "secret>", "token>", "apikey>", "passphrase>", "privatekey>"], r"(?i:password|passwd|secret|token|api-?key|passphrase|privatekey)>\s*([^<>\s][^<>\n]{1,}?)\s*</").check(is_config_word),
    Rule::context("xml-attribute", Password, &["password\"", "secret\"", "token\"", "apikey\""], r#"(?i:password|secret|token|apikey)"\s+value="([^"\n]{3,})""#).check(is_config_word),
    Rule::context("env-in-manifest", Secret, &["_password", "_secret", "_token", "_key", "_pwd", "_pass", "password", "secret", "token"], r#"(?i:password|secret|token|key|pwd|pass)\\*["']?[ \t]*,?[ \t]*(?:\r?\n[ \t]*|[ \t]+)?\\*["']?value\\*["']?[ \t]*[:=][ \t]*(?:\\*"([^"\n\\]{3,})|'([^'\n]{3,})|([^\s"'\\,}]{3,}))"#).edge(Edge::Any).check(is_env_value),
    Rule::context("docker-auth", Password, &["\"auth\"", "\\\"auth\\\""], r#"\\*"auth\\*"\s*:\s*\\*"([A-Za-z0-9+/=]{8,})"#).reach(4200).check(anything),
    Rule::context("docker-config", Secret, &[".dockerconfigjson", ".dockercfg"], r#"\.docker(?:configjson|cfg)\\*["']?\s*[:=]\s*\\*["']?([A-Za-z0-9+/=]{16,})"#).reach(12_200),
    Rule::context("kubeconfig", Secret, &["client-key-data"], r#"client-key-data\\*["']?\s*[:=]\s*\\*["']?([A-Za-z0-9+/=]{16,})"#).reach(12_200),
    Rule::context("service-account-key", Secret, &["private_key_id"], r#"private_key_id\\*["']?\s*[:=]\s*\\*["']?([a-f0-9]{32,64})"#),
];

/// A word of a configuration file, in place of a secret.
fn is_config_word(value: &str) -> bool {
    is_value(value)
        && value.len() >= 2
        && !["yes", "no", "is", "was", "in", "the", "option", "directive", "and", "or", "to"].contains(&value)
}

/// After `password is`: quoted or not, it looks like a password.
fn is_prose_password(value: &str) -> bool {
    is_value(value) && password_like(value)
}

/// Directly after `password`, without a verb: a digit and a letter at least, or signs, and no name of something.
fn is_strong_prose_password(value: &str) -> bool {
    is_prose_password(value)
        && value.contains(|c: char| c.is_ascii_digit())
        && !is_name(value)
        && !value.contains(['/', '(', '[', '<', '|'])
}

/// `admin / Sommer2024!`.
fn is_pair(value: &str) -> bool {
    is_value(value) && password_like(value) && value.contains(|c: char| c.is_ascii_digit()) && !value.starts_with("//")
}

/// After `token is`.
fn is_random_word(value: &str) -> bool {
    is_value(value) && looks_random(value)
}

/// The `value:` below a `name:` that names a secret.
fn is_env_value(value: &str) -> bool {
    is_value(value) && !is_name(value) || (is_value(value) && value.contains(|c: char| c.is_ascii_digit()))
}
