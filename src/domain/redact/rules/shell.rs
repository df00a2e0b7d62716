//! Secrets on command lines.

use super::{Edge, Rule, anything, is_value};
use crate::domain::redact::Kind::{Password, Secret, Token};

pub(super) const RULES: &[Rule] = &[
    // `-p` with the password attached; a space after it means that the client asks, and what follows is the database.
    Rule::context(
        "mysql-option",
        Password,
        &["mysql", "mariadb", "mycli", "xtrabackup", "mydumper", "pt-"],
        r#"(?i:mysql|mariadb|mycli|xtrabackup|mydumper|pt-)[\w-]*(?:\s[^\n|;]*?)?\s-p(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"'-][^\s"']*))"#,
    )
    .check(is_attached),
    Rule::context("sshpass", Password, &["sshpass"], r#"sshpass\s+(?:-\w+\s+)*?-p\s*=?(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context(
        "curl-user",
        Password,
        &["curl", "wget", "httpie", "http ", "https ", "lftp", "hey ", "ab ", "etcdctl", "influx", "rclone", "skopeo", "neo4j", "cypher-shell"],
        r#"(?i:curl|wget|httpie|https?|lftp|hey|ab|etcdctl|influx|rclone|skopeo|neo4j|cypher-shell)\b[^\n|;]*?\s(?:-\w{0,6}u|-a|-A|--user|--proxy-user|--creds|--auth|--src-creds|--dest-creds)[ =]?\s*(?:'[^':\n]*:([^'\n]+)'|"[^":\n]*:([^"\n]+)"|[^\s:"'/=-][^\s:"'/]*:([^\s"'/][^\s"']*))"#,
    ),
    Rule::context("password-option", Password, &["redis-cli", "rdb"], r#"redis-cli\b[^\n|;]*?\s(?:-a|--pass)\s*=?\s*(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context(
        "login-option",
        Password,
        &["mongo", "docker login", "podman login", "helm registry login", "az login", "oc login", "cqlsh", "sqlcmd", "ipmitool", "ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami", "ldapdelete", "ldappasswd", "isql", "clickhouse", "7z", "zip ", "unzip", "unrar", "mosquitto_", "net ads", "racadm", "govc", "kcadm", "beeline", "nomad", "mc alias", "wmic", "psexec", "xfreerdp", "crackmapexec", "argocd login"],
        r#"(?i:mongo\w*|(?:docker|podman|helm registry|az|oc|argocd) login|cqlsh|sqlcmd|ipmitool|ldap\w+|isql|clickhouse-client|7z|(?:un)?zip|unrar|mosquitto_\w+|net ads|racadm|govc|kcadm(?:\.sh)?|beeline|wmic|psexec|xfreerdp)\b[^\n|;]*?\s(?:(?:-p|-P|-w|/p:)(?:[ =]\s*)?|(?:--pw|--pass|-Dpassword)[ =]\s*)(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"'-][^\s"']*))"#,
    )
    .check(is_option_value),
    Rule::context("user-percent-password", Password, &["smbclient", "rpcclient", "mount.cifs", "winexe", "net rpc", "wbinfo", "nmblookup"], r#"(?i:smbclient|rpcclient|winexe|net rpc|wbinfo)\b[^\n|;]*?\s-U\s*["']?[^\s%"']+%([^\s"']+)"#),
    Rule::context("rabbitmq-user", Password, &["rabbitmqctl"], r#"(?:rabbitmqctl(?:\s-\S+(?:\s\S+)??)*\s(?:add_user|change_password|authenticate_user)\s+\S+)\s+["']?([^\s"']+)"#),
    Rule::context("chpasswd", Password, &["echo", "printf"], r#"(?:echo|printf)\s+(?:-\w\s+)?["']?[\w.-]+:([^\s"'|]+)(?:\\n)?["']?\s*\|\s*(?:sudo\s+)?chpasswd"#),
    Rule::context("piped-password", Password, &["echo", "printf"], r#"(?:echo|printf)\s+(?:-\w\s+)?["']?([^\s"'|]+)(?:\\n)?["']?\s*\|\s*(?:sudo\s+-\w*S|(?:docker|podman|helm registry|skopeo|crane|gh auth|az acr)\s+login|passwd\s+--stdin|kinit|su\b|cryptsetup|gpg\s[^\n]{0,60}--passphrase-fd)"#),
    Rule::context("here-string-password", Password, &["<<<"], r#"<<<\s*["']?([^\s"']{6,})["']?\s*?(?:\n|\z|[|;&)])"#).check(super::super::value::password_like),
    Rule::context("openssl-pass", Password, &["-pass", "pass:"], r#"(?:-pass(?:in|out)?\s+)?pass:([^\s"'\\]+)"#).edge(Edge::Start).check(is_option_value),
    Rule::context("openssl-key", Password, &["openssl "], r#"openssl\s+(?:enc|aes[\w-]+|des3?|camellia[\w-]+)\b[^\n|;]*?\s-k\s+(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#).check(is_option_value),
    // What was asked for stands on the line below.
    Rule::context("printed-secret", Secret, &["get secret"], r"get secrets?[\s/][^\n]*(?:jsonpath|template)[^\n]*\n([^\s$]{6,})").check(is_printed),
    Rule::context("decoded-secret", Secret, &["base64 -d", "base64 --decode", "base64 -D"], r#"base64 (?:-d|-D|--decode)["' ]*\n([^\s$]{6,})"#).check(is_printed),
    Rule::context("audited-command", Password, &["proctitle="], r"proctitle=([0-9A-Fa-f]{16,512})").check(super::super::encoded::hex_holds_secret),
    Rule::context("keystore-option", Password, &["-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-kp ", "--passphrase"], r#"(?:-(?:src|dest)?(?:store|key)pass(?:wd)?|--passphrase)[ =]+(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context("java-property", Password, &["-d", "-Djavax"], r#"-D[\w.-]*(?i:password|passwd|secret|token)[\w]*=(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context("sqlplus", Password, &["sqlplus", "rman", "expdp", "impdp", "sqlldr", "tnsping"], r#"(?:sqlplus|rman|expdp|impdp|sqlldr)\b[^\n|;]{0,80}?\s["']?(?:target[= ])?\w+/([^\s@"'/]+)(?:@|\s|$)"#).check(is_option_value),
    Rule::context("vault-login", Token, &["vault login", "vault unseal", "operator unseal", "consul acl", "gh auth", "unseal key", "initial root token"], r#"(?i:vault login|(?:vault )?(?:operator )?unseal)\s+(?:-\S+\s+)*([A-Za-z0-9+/=._-]{20,})"#),
    Rule::context("unseal-key", Token, &["unseal key", "root token"], r#"(?i:unseal key(?: \d+)?|(?:initial )?root token)\s*(?:\([^)]*\))?\s*[:=]\s*([A-Za-z0-9+/=._-]{12,})"#),
    Rule::context("sql-password", Password, &["identified by", "identified with", "identified via", "password '", "password for", "password=password('", "password('", "encrypted password"], r#"(?i:identified\s+(?:(?:with|via)\s+\S+\s+(?:by|as|using)|by)(?:\s+password)?\s+|(?:encrypted\s+)?password\s+(?:for\s+\S+\s*=\s*)?|(?:password\s*(?:for\s+\S+)?\s*=\s*)?password\s*\(\s*)["']([^"'\n]{1,})["']"#),
    Rule::context("htpasswd", Password, &["htpasswd"], r#"htpasswd\s+(?:-\w+\s+)+\S+(?:[ \t]+[^\s|>;&]+)?[ \t]+["']?([^\s"'|>;&]+)["']?[ \t]*(?:\n|\z|[|>;&])"#).check(is_option_value),
    Rule::context("useradd", Password, &["useradd", "usermod"], r#"(?:useradd|usermod)\b[^\n|;]*?\s-p\s*(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context("net-use", Password, &["net use", "net user", "cmdkey", "schtasks"], r#"(?i:net use(?:r)?\s+(?:\S+\s+){1,2}?(?:/user:\S+\s+)?([^\s/\\*][^\s]{4,64})(?:\s+/(?:user|add|domain)|\s*$)|cmdkey\s[^\n]*?/pass:(\S+))"#).check(super::super::value::password_like),
    Rule::context("pass-stdin-env", Password, &["expect", "send "], r#"send\s+(?:--\s+)?"([^"\n\\]{4,64})\\[rn]""#).check(super::super::value::password_like),
    Rule::context("from-literal", Password, &["--from-literal"], r#"--from-literal[= ]["']?[\w.-]+=(?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context("docker-env", Password, &["--docker-password", "--dockerpassword", "--registry-password", "--bind-password", "--secret-key"], r#"--(?:docker-?password|registry-password|bind-password|secret-key)[= ](?:'([^'\n]+)'|"([^"\n]+)"|([^\s"']+))"#),
    Rule::context("convert-to-securestring", Password, &["convertto-securestring"], r#"(?i:ConvertTo-SecureString)\s+(?:-\w+\s+)*["']([^"'\n]+)["']"#),
    Rule::context("wpa-or-ipsec-psk", Password, &[": psk", "wpa_passphrase"], r#"(?::\s*PSK\s+"([^"\n]+)"|wpa_passphrase\s+\S+\s+["']?([^\s"']+))"#).check(anything),
];

/// What is attached to `-p` of a database client: no other options in one word (`-proot` is a password; `-port` is not).
fn is_attached(value: &str) -> bool {
    is_value(value)
        && !["ort", "rotocol", "ager", "lugin-dir", "ipe"]
            .iter()
            .any(|rest| value == *rest || value.starts_with(&format!("{rest}=")))
        && !(value.len() <= 5 && value.bytes().all(|b| b.is_ascii_digit()) && value.starts_with("330"))
}

/// What a command printed: not the beginning of a message.
fn is_printed(value: &str) -> bool {
    is_value(value) && super::super::value::password_like(value) && !value.ends_with(':')
}

/// The word after an option: no port, no other option, no mapping of ports.
fn is_option_value(value: &str) -> bool {
    is_value(value)
        && value.len() >= 4
        && !value.starts_with('-')
        && !value.bytes().all(|b| b.is_ascii_digit() || b == b':')
}
