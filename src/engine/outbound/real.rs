//! The real redactor: `domain::redact` with this process's own secrets and a key of its own for each conversation.
//!
//! Owns: when own secrets are fetched, which labels name something, how findings are counted. Does not: find anything itself.
//!
//! Invariant: a value that was fetched once stays a canary until the process ends, also after it was changed at its place.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::redaction::{Blocked, Redacted, Redactor, Restore, Tokens};
use crate::domain::redact::{self, Canaries, NameKind, PREAMBLE, Pseudonyms, RedactedBody, Restorer};

/// What a person is told that the canary is; which of them it was is not said, so that nobody learns which guess was right.
const OWN: &str = "a key, token or password";

/// Labels whose value is the name or the address of a host, and behind them those whose value is a person's account. Not `pod` and
/// `container`: these are names of workloads, and a model has to see that `orders-7c9d-xk2lp` belongs to `orders`.
const NAMING_LABELS: [&str; 20] = [
    "instance",
    "host",
    "hostname",
    "node",
    "nodename",
    "node_name",
    "server",
    "exported_instance",
    "target",
    "machine",
    "fqdn",
    "vm",
    "nodeName",
    "kubernetes_node",
    "user",
    "username",
    "login",
    "account",
    "assignee",
    "acknowledged_by",
];
/// So many of [`NAMING_LABELS`] name hosts.
const HOST_LABELS: usize = 14;

/// Fetches the values that this program holds: those of its configuration. May block. Those that cannot be fetched now are
/// left out and asked for again.
pub type OwnSecrets = Arc<dyn Fn() -> Vec<Vec<u8>> + Send + Sync>;

/// The real redactor.
pub struct Redaction {
    secrets: OwnSecrets,
    known: Arc<Mutex<Known>>,
    own: OwnNames,
}

/// What is one's own beside the names in labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnNames {
    /// Names of hosts of this installation.
    pub hosts: Vec<String>,
    /// Domains (`example.com`) all of whose hosts are one's own.
    pub domains: Vec<String>,
}

struct Known {
    values: Vec<Vec<u8>>,
    canaries: Arc<Canaries>,
}

struct Conversation {
    names: Pseudonyms,
    known: Arc<Mutex<Known>>,
}

struct Restoring {
    names: Pseudonyms,
    restorer: Restorer,
}

impl Redaction {
    /// A redactor that keeps `secrets` back, and puts tokens in the place of `own`.
    #[must_use]
    pub fn new(secrets: OwnSecrets, own: OwnNames) -> Self {
        let none: [&[u8]; 0] = [];
        let known = Known { values: Vec::new(), canaries: Arc::new(Canaries::new(none)) };
        Self { secrets, known: Arc::new(Mutex::new(known)), own }
    }

    /// The canaries with everything that can be fetched now.
    fn canaries(&self) -> Arc<Canaries> {
        let fetched = (self.secrets)();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let news: Vec<Vec<u8>> = fetched.into_iter().filter(|value| !known.values.contains(value)).collect();
        if !news.is_empty() {
            known.values.extend(news);
            known.canaries = Arc::new(Canaries::new(&known.values));
        }
        Arc::clone(&known.canaries)
    }
}

impl Redactor for Redaction {
    fn begin(&self) -> Box<dyn Tokens> {
        let mut names = Pseudonyms::new(random_key());
        self.own.domains.iter().for_each(|domain| names.add_domain(domain));
        self.own.hosts.iter().for_each(|host| learn_host(&mut names, host));
        Box::new(Conversation { names, known: Arc::clone(&self.known) })
    }

    fn naming_labels(&self) -> &[&'static str] {
        &NAMING_LABELS
    }

    fn preamble(&self) -> &'static str {
        PREAMBLE
    }

    fn find_own_secret(&self, bytes: &[u8]) -> Option<String> {
        self.canaries().find(bytes).then(|| OWN.to_owned())
    }
}

impl Tokens for Conversation {
    fn learn(&mut self, labels: &BTreeMap<String, String>) {
        for (label, value) in labels {
            match NAMING_LABELS.iter().position(|name| name == label) {
                Some(at) if at < HOST_LABELS => learn_host(&mut self.names, value),
                Some(_) => self.names.learn(NameKind::User, value),
                None => {}
            }
        }
    }

    fn redact(&mut self, json: &[u8]) -> Result<Redacted, Blocked> {
        let canaries = Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner).canaries);
        let redacted = redact::redact_body(json, &canaries, &mut self.names);
        let RedactedBody { body, findings } = redacted.map_err(|blocked| match blocked {
            redact::Blocked::NotJson => {
                Blocked::Unreadable("it cannot be searched for secrets, because it is no valid JSON".to_owned())
            }
            redact::Blocked::Canary => Blocked::OwnSecret(OWN.to_owned()),
        })?;
        let mut replaced = BTreeMap::new();
        for finding in findings {
            *replaced.entry(finding.kind.name().to_owned()).or_insert(0) += 1;
        }
        Ok(Redacted { body, replaced })
    }

    fn restorer(&self) -> Box<dyn Restore> {
        Box::new(Restoring { names: self.names.clone(), restorer: Restorer::new() })
    }
}

impl Restore for Restoring {
    fn push(&mut self, piece: &str) -> String {
        self.restorer.push(piece, &self.names)
    }

    fn finish(&mut self) -> String {
        std::mem::take(&mut self.restorer).finish(&self.names)
    }
}

/// Learns the host in `value`, which may have a scheme, a port or a path around it, and with it the domain that its owner has
/// registered: other hosts of that are one's own as well.
fn learn_host(names: &mut Pseudonyms, value: &str) {
    let bare = value.split_once("://").map_or(value, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    let host = match bare.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') => host,
        _ => bare,
    };
    // Addresses are found wherever they stand, without being learned.
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() {
        names.learn(NameKind::Host, host);
        if let Some(domain) = redact::own_domain(host) {
            names.add_domain(&domain);
        }
    }
}

/// A key that nobody can guess: from the keys that the standard library draws from the system's randomness.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for (number, part) in key.chunks_mut(8).enumerate() {
        let drawn = RandomState::new().hash_one(number).to_le_bytes();
        part.copy_from_slice(&drawn[..part.len()]);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_of_labels_get_tokens_and_come_back_however_the_answer_is_cut() {
        let redaction = Redaction::new(Arc::new(Vec::new), own_host("ops-console"));
        let mut tokens = redaction.begin();
        tokens.learn(&labels(&[
            ("instance", "webserver7:9100"),
            ("job", "plain"),
            ("user", "alice"),
            ("node", "10.1.2.3"),
        ]));
        let said = "webserver7 is plain, says alice on ops-console at 10.1.2.3";
        let body = serde_json::to_vec(&serde_json::json!({ "text": said })).unwrap();
        let redacted = tokens.redact(&body).unwrap();
        let sent = String::from_utf8(redacted.body).unwrap();
        for name in ["webserver7", "alice", "ops-console", "10.1.2.3"] {
            assert!(!sent.contains(name), "{sent}");
        }
        assert!(sent.contains("plain"), "{sent}");
        assert_eq!(redacted.replaced, BTreeMap::from([("address".into(), 1), ("host".into(), 2), ("user".into(), 1)]));
        let text = serde_json::from_str::<serde_json::Value>(&sent).unwrap()["text"].as_str().unwrap().to_owned();
        let mut restore = tokens.restorer();
        let mut back = String::new();
        for character in text.chars() {
            back.push_str(&restore.push(&character.to_string()));
        }
        back.push_str(&restore.finish());
        assert_eq!(back, said);
    }

    fn own_host(name: &str) -> OwnNames {
        OwnNames { hosts: vec![name.to_owned()], domains: Vec::new() }
    }

    #[test]
    fn hosts_of_domains_that_are_one_s_own_get_tokens() {
        let own = OwnNames { domains: vec!["mycompany.com".to_owned()], ..OwnNames::default() };
        let mut tokens = Redaction::new(Arc::new(Vec::new), own).begin();
        tokens.learn(&labels(&[
            ("instance", "db1.other.io:9100"),
            ("host", "shop.example.co.uk"),
            ("node", "ec2-1.eu-west-1.compute.amazonaws.com"),
        ]));
        let body = br#"{"text":"orders-db.mycompany.com, wiki.other.io, www.example.co.uk; s3.amazonaws.com, bbc.co.uk, docs.io"}"#;
        let sent = String::from_utf8(tokens.redact(body).unwrap().body).unwrap();
        for name in ["orders-db", "mycompany", "wiki", "other.io", "www", "example.co.uk"] {
            assert!(!sent.contains(name), "{name} in {sent}");
        }
        assert!(sent.contains("s3.amazonaws.com, bbc.co.uk, docs.io"), "{sent}");
    }

    #[test]
    fn accounts_that_every_system_has_are_nobody_s() {
        let mut tokens = Redaction::new(Arc::new(Vec::new), OwnNames::default()).begin();
        tokens.learn(&labels(&[("user", "postgres"), ("login", "walburga")]));
        let sent = String::from_utf8(tokens.redact(br#"{"a":"postgres is up, says walburga"}"#).unwrap().body).unwrap();
        assert!(sent.contains("postgres is up") && !sent.contains("walburga"), "{sent}");
    }

    #[test]
    fn short_names_and_common_words_are_replaced_where_they_are_names() {
        let mut tokens = Redaction::new(Arc::new(Vec::new), OwnNames::default()).begin();
        tokens.learn(&labels(&[("instance", "vm:9100"), ("host", "db")]));
        tokens.learn(&labels(&[("server", "http://backup:9090/x"), ("user", "test"), ("assignee", "priya")]));
        let said =
            "label instance = vm:9100, host db and host backup, acknowledged by test, priya: test the backup of the db";
        let redacted = tokens.redact(&serde_json::to_vec(&serde_json::json!([said])).unwrap()).unwrap();
        let sent = String::from_utf8(redacted.body).unwrap();
        assert_eq!(redacted.replaced, BTreeMap::from([("host".into(), 3), ("user".into(), 2)]), "{sent}");
        assert!(sent.ends_with(": test the backup of the db\"]"), "{sent}");
        let mut restore = tokens.restorer();
        assert_eq!(restore.push(&sent) + &restore.finish(), format!("[\"{said}\"]"));
    }

    #[test]
    fn two_conversations_have_different_tokens() {
        let redaction = Redaction::new(Arc::new(Vec::new), own_host("ops-console"));
        let sent = || redaction.begin().redact(b"{\"a\":\"ops-console\"}").unwrap().body;
        assert_ne!(sent(), sent());
    }

    #[test]
    fn an_own_secret_that_was_fetched_stays_a_canary() {
        let place = Arc::new(Mutex::new(Vec::new()));
        let reading = Arc::clone(&place);
        let redaction = Redaction::new(Arc::new(move || reading.lock().unwrap().clone()), OwnNames::default());
        let body = b"{\"a\":\"c4naryvalue-1\"}";
        assert_eq!(redaction.find_own_secret(body), None);
        *place.lock().unwrap() = vec![b"c4naryvalue-1".to_vec()];
        assert!(redaction.find_own_secret(body).is_some());
        place.lock().unwrap().clear();
        assert!(redaction.find_own_secret(body).is_some());
        assert!(matches!(redaction.begin().redact(body), Err(Blocked::OwnSecret(_))));
    }
}
