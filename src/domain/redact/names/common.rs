//! Names that say nothing about anyone: accounts of services, words, and the domains everybody uses.

use std::sync::LazyLock;

use super::list::WordList;
use super::words;

/// Accounts that every system has, and words that stand where an account would.
const ACCOUNTS: &[&str] = &[
    "elastic",
    "pgbouncer",
    "rails",
    "packagecloud",
    "cyrus",
    "news",
    "uucp",
    "support",
    "nagios",
    "monitor",
    "deploy",
    "webmaster",
    "pgadmin",
    "ftpuser",
    "workload",
    "workloads",
    "patroni",
    "root",
    "admin",
    "administrator",
    "nobody",
    "daemon",
    "bin",
    "sys",
    "sync",
    "mail",
    "www-data",
    "www",
    "nginx",
    "apache",
    "http",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "redis",
    "mongodb",
    "elasticsearch",
    "kafka",
    "zookeeper",
    "rabbitmq",
    "prometheus",
    "grafana",
    "alertmanager",
    "node_exporter",
    "jenkins",
    "git",
    "gitlab",
    "ubuntu",
    "debian",
    "centos",
    "fedora",
    "core",
    "ec2-user",
    "vagrant",
    "docker",
    "kube",
    "kubelet",
    "kubernetes",
    "system",
    "service",
    "default",
    "test",
    "guest",
    "user",
    "username",
    "users",
    "none",
    "null",
    "anonymous",
    "unknown",
    "invalid",
    "operator",
    "oracle",
    "hadoop",
    "hdfs",
    "hive",
    "yarn",
    "spark",
    "sshd",
    "syslog",
    "messagebus",
    "ntp",
    "chrony",
    "backup",
    "ftp",
    "proxy",
    "consul",
    "vault",
    "etcd",
    "haproxy",
    "app",
    "nova",
    "neutron",
    "glance",
    "cinder",
    "runner",
    "linuxbrew",
    "shared",
    "public",
    "true",
    "false",
    "logged",
    "not",
    "for",
];

/// Words of sentences that are also given names or nicknames, and words that follow `user`.
const WORDS: &[&str] = &[
    "the",
    "and",
    "are",
    "has",
    "was",
    "can",
    "may",
    "who",
    "you",
    "your",
    "our",
    "all",
    "any",
    "does",
    "did",
    "which",
    "when",
    "where",
    "then",
    "his",
    "her",
    "its",
    "their",
    "new",
    "will",
    "mark",
    "grace",
    "rose",
    "june",
    "april",
    "bill",
    "frank",
    "hope",
    "faith",
    "rich",
    "drew",
    "chase",
    "page",
    "data",
    "error",
    "name",
    "with",
    "from",
    "this",
    "that",
    "have",
    "been",
    "must",
    "should",
    "account",
    "accounts",
    "interface",
    "input",
    "space",
    "guide",
    "group",
    "access",
    "session",
    "requests",
    "request",
    "logs",
    "host",
    "hosts",
    "home",
    "node",
    "server",
    "local",
    "info",
    "read",
    "write",
];

/// Domains that everybody uses: a host below them is nobody's secret. Each has two labels.
const PUBLIC_DOMAINS: &[&str] = &[
    "gitlab.io",
    "github.com",
    "githubusercontent.com",
    "github.io",
    "gitlab.com",
    "bitbucket.org",
    "google.com",
    "googleapis.com",
    "gcr.io",
    "pkg.dev",
    "k8s.io",
    "kubernetes.io",
    "docker.io",
    "docker.com",
    "quay.io",
    "redhat.com",
    "openshift.com",
    "openshift.io",
    "ghcr.io",
    "amazonaws.com",
    "amazon.com",
    "azure.com",
    "microsoft.com",
    "windows.net",
    "cloudflare.com",
    "cloudfront.net",
    "fastly.net",
    "akamai.net",
    "prometheus.io",
    "grafana.com",
    "grafana.net",
    "elastic.co",
    "datadoghq.com",
    "datadoghq.eu",
    "newrelic.com",
    "pagerduty.com",
    "opsgenie.com",
    "slack.com",
    "atlassian.net",
    "atlassian.com",
    "debian.org",
    "ubuntu.com",
    "fedoraproject.org",
    "centos.org",
    "kernel.org",
    "python.org",
    "pypi.org",
    "npmjs.org",
    "npmjs.com",
    "crates.io",
    "rust-lang.org",
    "golang.org",
    "go.dev",
    "apache.org",
    "mozilla.org",
    "wikipedia.org",
    "stackoverflow.com",
    "letsencrypt.org",
    "hashicorp.com",
    "terraform.io",
    "sentry.io",
    "stripe.com",
    "example.com",
];

/// Names that are nobody's, whoever says so.
const NOBODYS: &[&str] = &[
    "root",
    "admin",
    "administrator",
    "nobody",
    "localhost",
    "localhost.localdomain",
    "anonymous",
    "unknown",
    "none",
    "null",
    "nil",
    "default",
    "system",
    "user",
    "guest",
    "true",
    "false",
];

static ACCOUNT_LIST: LazyLock<WordList> = LazyLock::new(|| WordList::new(ACCOUNTS.iter().chain(WORDS).copied()));
static PUBLIC_LIST: LazyLock<WordList> = LazyLock::new(|| WordList::new(PUBLIC_DOMAINS.iter().copied()));

/// True for an account that says nothing about a person.
pub(super) fn is_account(name: &str) -> bool {
    ACCOUNT_LIST.contains(name)
}

/// True for what is a plain word, too.
pub(super) fn is_word(name: &str) -> bool {
    is_account(name)
}

/// True for a name that says nothing about anyone even where a typed place has it.
pub(super) fn is_nobodys(name: &str) -> bool {
    NOBODYS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// True for a word that stands in many texts and means no host and no person there.
pub(super) fn is_common_word(name: &str) -> bool {
    is_account(name) || words::contains(name)
}

/// True when `host` is or is below a domain that everybody uses.
pub(super) fn is_public(host: &str) -> bool {
    const LOCAL: &[u8] = b"localhost";
    let host = host.trim_end_matches('.');
    let bytes = host.as_bytes();
    let is_local = bytes.get(..LOCAL.len()).is_some_and(|start| start.eq_ignore_ascii_case(LOCAL))
        && matches!(bytes.get(LOCAL.len()), None | Some(b'.'));
    let dot = |end: usize| bytes[..end].iter().rposition(|byte| *byte == b'.');
    let Some(last) = dot(bytes.len()) else { return is_local };
    is_local || PUBLIC_LIST.contains(&host[dot(last).map_or(0, |before| before + 1)..])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_lists_are_in_lower_case_and_the_domains_have_two_labels() {
        for word in ACCOUNTS.iter().chain(WORDS).chain(PUBLIC_DOMAINS).chain(NOBODYS) {
            assert_eq!(*word, word.to_ascii_lowercase());
        }
        for domain in PUBLIC_DOMAINS {
            assert_eq!(domain.split('.').filter(|label| !label.is_empty()).count(), 2, "{domain}");
        }
    }

    #[rstest]
    #[case("github.com", true)]
    #[case("api.GitHub.com.", true)]
    #[case("a.b.s3.amazonaws.com", true)]
    #[case("localhost", true)]
    #[case("LocalHost.corp", true)]
    #[case("xgithub.com", false)]
    #[case("github.com.corp", false)]
    #[case("localhosts", false)]
    #[case("com", false)]
    #[case(".", false)]
    #[case("", false)]
    fn public_is_what_stands_below_a_public_domain(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(is_public(host), expected);
    }
}
