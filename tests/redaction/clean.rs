//! What is found in texts that hold no secrets, and what has to stay as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aiops::domain::redact::{Names, Pseudonyms, redact_text};
use rstest::rstest;

#[rstest]
#[case("commit 9fceb02d0ae598e95dc970b74767f19372d61af8 (HEAD -> main)")]
#[case("id 550e8400-e29b-41d4-a716-446655440000 resourceVersion: \"81273645\"")]
#[case(
    "image: quay.io/prometheus/node-exporter@sha256:a8f3e1d0c9b7a6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7"
)]
#[case("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8 (ED25519)")]
#[case("token: <token>\npassword: ${DB_PASSWORD}\nsecret: {{ .Values.secret }}\nPGPASSWORD=$PGPASSWORD psql")]
#[case("password: changeme # the default\napi_key: YOUR_API_KEY\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")]
#[case(
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJRTES\n-----END CERTIFICATE-----"
)]
#[case("Failed password for root from port 22: the password is incorrect, password is required and will expire")]
#[case("secretName: web-tls\nsecretKeyRef:\n  name: db\n  key: password\nimagePullSecrets: [regcred]\ntokenTTL: 3600")]
#[case("kubectl get secret db-credentials -o yaml; the token is expired; key: value; sort_key=created_at")]
#[case(
    "mysql -u root -p orders; curl -u $USER:$PASS http://x; redis-cli -a \"$REDIS_PASSWORD\" ping; cp -p a b; mkdir -p /srv/x"
)]
#[case("http://prometheus:9090/graph?g0.expr=up&g0.tab=1 http://user@host/ https://x/y:z@v1.2.3")]
#[case("Authorization: Bearer <token>, Authorization: Basic authentication is required; bearer of news")]
#[case("pass=3 fail=2 skipped=1 tokens: 1234 max_tokens=4096 token_count: 77 password_length: 12")]
#[case("primary key (id), foreign key: user_id, keyspace_hits:123456, monkey: banana, keepalive: 60")]
#[case("session opened by service, community edition, community: the operators")]
fn what_is_no_secret_stays(#[case] text: &str) {
    let redacted = redact_text(text, Names::Keep);
    assert_eq!(redacted.text, text);
    assert_eq!(redacted.findings, []);
}

/// Every file with one of `endings` below `root`, sorted.
fn files(root: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn real_runbooks_and_logs_hold_few_findings() {
    let Some(corpora) = std::env::var_os("AIOPS_CORPORA").map(PathBuf::from) else {
        println!("AIOPS_CORPORA is not set: false positives are not measured");
        return;
    };
    for (folder, endings) in [("runbooks", ["md"].as_slice()), ("logs", ["log", "csv", "txt"].as_slice())] {
        let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut bytes, mut secrets, mut names) = (0, 0, 0);
        for path in files(&corpora.join(folder), endings) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            bytes += text.len();
            let redacted = redact_text(&text, Names::Replace(&mut Pseudonyms::new([1; 32])));
            for finding in redacted.findings {
                *by_rule.entry(finding.rule).or_default() += 1;
                if finding.kind.is_secret() {
                    secrets += 1;
                } else {
                    names += 1;
                }
                if std::env::var_os("AIOPS_SHOW_FINDINGS").is_some() {
                    let line = text[..finding.span.start].matches('\n').count() + 1;
                    println!(
                        "{}:{line} {} {:?}",
                        path.display(),
                        finding.rule,
                        text.get(finding.span).unwrap_or_default()
                    );
                }
            }
        }
        println!("{folder}: {bytes} bytes, {secrets} secrets and {names} names found: {by_rule:?}");
        // Real documents hold a few real-looking examples; more than one in 10 KiB would make answers useless.
        assert!(secrets * 10_240 <= bytes, "{secrets} secrets in {bytes} bytes of {folder}");
    }
}
