//! Names: what becomes a token, what stays a word, and that everything comes back.

use aiops::domain::redact::{Canaries, NameKind, Names, Pseudonyms, redact_body, redact_text};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use crate::draw::Draw;
use crate::{around, operations};

/// Names as typed places tell them: an alert's labels, owners, authors, this host.
fn known() -> Pseudonyms {
    let mut names = Pseudonyms::new([8; 32]);
    for host in ["db", "vm", "test", "backup", "web-01", "ymir", "localhost", "42"] {
        names.learn(NameKind::Host, host);
    }
    for user in ["alice", "test", "mark", "ada", "root", "jo"] {
        names.learn(NameKind::User, user);
    }
    names
}

#[rstest]
#[case("instance=\"db:9100\"", "db")]
#[case("label instance = vm", "vm")]
#[case("{\"host\":\"db\",\"up\":0}", "db")]
#[case("ssh root@backup uptime", "backup")]
#[case("psql -h db -U app", "db")]
#[case("curl http://db:8080/health", "db")]
#[case("the host test does not answer", "test")]
#[case("scp dump.sql vm:/srv", "vm")]
#[case("restart nginx on web-01.", "web-01")]
#[case("Ymir is full", "Ymir")]
#[case("acknowledged by alice", "alice")]
#[case("alice's turn", "alice")]
#[case("- 2026-11-22T12:00:00Z test: note: looked at it", "test")]
#[case("owner: mark", "mark")]
#[case("resolved by `mark`", "mark")]
#[case("assigned to jo", "jo")]
#[case("mail test@db about it", "test")]
#[case("/home/ada/.bashrc", "ada")]
fn a_name_becomes_a_token_and_comes_back(#[case] text: &str, #[case] name: &str) {
    let mut names = known();
    let redacted = redact_text(text, Names::Replace(&mut names)).text;
    let gone = !redacted.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|word| word == name);
    assert!(gone && redacted.contains("zq"), "{redacted}");
    assert_eq!(names.restore(&redacted), text);
}

#[rstest]
#[case("Run the test suite, then test the backup of the db.")]
#[case("kubectl delete pod test-0 -n backup; a db-migration is no db")]
#[case("Take a backup before you mark the node, and test it by hand.")]
#[case("- the test: it must pass")]
#[case("step 3: back up the db (see below)")]
#[case("root@localhost ran 42 tests; user root, host localhost")]
#[case("web-011 xweb-01 web-01_x malice")]
#[case("Mark it, mark them; a job, a VM and a vm-less test")]
fn words_stay_words(#[case] text: &str) {
    assert_eq!(redact_text(text, Names::Replace(&mut known())).text, text);
}

#[test]
fn tokens_are_typed_and_stable_and_come_back_inside_words_of_commands() {
    let mut names = known();
    let mut of = |text: &str| redact_text(text, Names::Replace(&mut names)).text;
    let (host, user) = (of("ssh web-01").replace("ssh ", ""), of("by alice").replace("by ", ""));
    assert!(host.starts_with("zqhost") && user.starts_with("zquser"), "{host} {user}");
    assert_eq!(of("instance=web-01, alice"), format!("instance={host}, {user}"));
    for (said, meant) in [
        (format!("ssh {user}@{host} df -h"), "ssh alice@web-01 df -h"),
        (format!("curl -s 'http://{host}:9090/-/ready'"), "curl -s 'http://web-01:9090/-/ready'"),
        (format!("scp {host}:/var/log/x ./{host}.log"), "scp web-01:/var/log/x ./web-01.log"),
        (format!("kubectl get nodes -l host={host},owner={user}"), "kubectl get nodes -l host=web-01,owner=alice"),
    ] {
        assert_eq!(names.restore(&said), meant);
    }
}

fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
    let piece = prop::sample::select(vec![
        "db",
        "vm",
        "test",
        "backup",
        "web-01",
        "ymir",
        "YMIR",
        "alice",
        "mark",
        "ada",
        "jo",
        "root",
        " ",
        " ",
        "\n",
        ": ",
        "@",
        ":5432",
        "host ",
        "by ",
        "user=",
        "instance=\"",
        "\"",
        ".",
        "-",
        "\\n",
        "Z ",
        "2026-11-22T12:00:00Z ",
        "//",
        "~",
        "é",
        "zqhost22222222",
        "10.1.2.3",
        "a@corp.example",
        "assigned to ",
        "the ",
    ]);
    prop::collection::vec(piece, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_replaced_comes_back_and_twice_is_once(pieces in pieces()) {
        let text = pieces.concat();
        let mut names = known();
        let once = redact_text(&text, Names::Replace(&mut names));
        prop_assume!(once.findings.iter().all(|finding| !finding.kind.is_secret()));
        prop_assert_eq!(names.restore(&once.text), &*text);
        prop_assert_eq!(redact_text(&once.text, Names::Replace(&mut names)).text, once.text);
    }

    /// The parts of a body share what is known and nothing else.
    #[test]
    fn a_body_of_parts_is_what_each_part_is_alone(seed in any::<u64>(), count in 1_usize..24, noise in prop::collection::vec(".{0,30}", 24)) {
        let mut d = Draw::new(seed);
        let parts: Vec<String> = noise.iter().take(count).map(|noise| {
            let (_, make) = operations::KINDS[d.below(operations::KINDS.len())];
            let sample = make(&mut d);
            format!("{noise}{}", around(&sample.text, &mut d))
        }).collect();
        let body = serde_json::to_vec(&json!({ "contents": [{ "parts": parts.iter().map(|part| json!({ "text": part })).collect::<Vec<_>>() }] })).unwrap();
        let mut names = Pseudonyms::new([7; 32]);
        let redacted = redact_body(&body, &Canaries::new::<&str>([]), &mut names).unwrap();
        let redacted: serde_json::Value = serde_json::from_slice(&redacted.body).unwrap();
        for (index, part) in parts.iter().enumerate() {
            // Alone, but with the names that the other parts gave away: `names` knows all of them by now.
            let alone = redact_text(part, Names::Replace(&mut names)).text;
            prop_assert_eq!(redacted["contents"][0]["parts"][index]["text"].as_str().unwrap(), alone);
        }
    }
}
