//! Properties: nothing that may not leave does, twice is once, and names come back.

use aiops::domain::redact::{Blocked, Canaries, NameKind, Names, Pseudonyms, redact_body, redact_bytes, redact_text};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::draw::Draw;
use crate::{around, is_gone, operations};

/// The spellings of `canary` that are looked for.
fn spelled(canary: &str, how: usize, lead: usize) -> String {
    let longer = format!("{}{canary}{}", &"ab"[..lead % 3], &"yz"[..lead / 3 % 3]);
    match how % 9 {
        0 => canary.to_owned(),
        1 => BASE64_STANDARD.encode(longer),
        2 => BASE64_URL_SAFE_NO_PAD.encode(longer),
        3 => canary.bytes().map(|byte| format!("{byte:02x}")).collect(),
        4 => canary.bytes().map(|byte| format!("{byte:02X}")).collect(),
        5 => canary.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        6 => canary
            .bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") },
            )
            .collect(),
        7 => serde_json::to_string(canary).unwrap(),
        _ => canary.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,30}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(".{0,12}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// `document` with `text` as a value or as a key, at a place that `index` picks.
fn with_text(document: Value, text: &str, index: usize) -> Value {
    match (document, index % 3) {
        (Value::Array(mut items), _) => {
            let at = index % (items.len() + 1);
            items.insert(at, Value::String(text.to_owned()));
            Value::Array(items)
        }
        (Value::Object(mut map), 0) => {
            map.insert(text.to_owned(), Value::Null);
            Value::Object(map)
        }
        (Value::Object(mut map), _) => {
            map.insert("contents".to_owned(), json!([{ "parts": [{ "inlineData": { "data": text } }] }]));
            Value::Object(map)
        }
        (leaf, _) => json!([leaf, { "x": format!("before {text} after") }]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_canary_never_leaves(
        canary in "[A-Za-z0-9+/_.~\"\\\\ü-]{6}[!-~]{4,40}", document in documents(), how in 0_usize..9, lead in 0_usize..9, index in 0_usize..12,
    ) {
        let body = serde_json::to_vec(&with_text(document, &spelled(&canary, how, lead), index)).unwrap();
        let result = redact_body(&body, &Canaries::new([&canary]), &mut Pseudonyms::new([1; 32]));
        prop_assert_eq!(result, Err(Blocked::Canary));
    }

    #[test]
    fn a_body_stays_json_of_the_same_shape_and_redacting_twice_is_redacting_once(document in documents(), seed in any::<u64>(), index in 0_usize..12) {
        let mut d = Draw::new(seed);
        let (_, make) = operations::KINDS[d.below(operations::KINDS.len())];
        let sample = make(&mut d);
        let body = serde_json::to_vec(&with_text(document, &around(&sample.text, &mut d), 2 + 3 * index)).unwrap();
        let mut names = Pseudonyms::new([2; 32]);
        let once = redact_body(&body, &Canaries::new::<&str>([]), &mut names).unwrap();
        prop_assert!(serde_json::from_slice::<Value>(&once.body).is_ok());
        for finding in &once.findings {
            prop_assert!(finding.span.start <= finding.span.end && finding.span.end <= body.len());
        }
        let twice = redact_body(&once.body, &Canaries::new::<&str>([]), &mut names).unwrap();
        prop_assert_eq!(String::from_utf8(twice.body).unwrap(), String::from_utf8(once.body).unwrap());
    }

    #[test]
    fn redacting_a_text_twice_is_redacting_it_once(seed in any::<u64>(), noise in ".{0,60}") {
        let mut d = Draw::new(seed);
        let mut text = noise;
        for _ in 0..3 {
            let (_, make) = operations::KINDS[d.below(operations::KINDS.len())];
            let sample = make(&mut d);
            text.push_str(&around(&sample.text, &mut d));
        }
        let mut names = Pseudonyms::new([3; 32]);
        let once = redact_text(&text, Names::Replace(&mut names)).text;
        let twice = redact_text(&once, Names::Replace(&mut names));
        prop_assert_eq!(&twice.text, &once);
        let kept = redact_text(&text, Names::Keep).text;
        prop_assert_eq!(redact_text(&kept, Names::Keep).text, kept);
    }

    #[test]
    fn names_come_back(parts in prop::collection::vec(prop_oneof![
        Just("10.20.30.40"), Just("2001:db8::17"), Just("db-01.corp.internal"), Just("user=mallory "), Just("mallory"),
        Just("alice@corp.example"), Just("ssh bob@bastion2 "), Just("/home/jdoe/x"), Just("instance=\"web-07:9100\""), Just("zqhost22222222"),
        Just("zqhost7k2mx4tp"), Just(" "), Just("\n"), Just("…"), Just("[REDACTED:token]"), Just("web-07"), Just("jdoe"), Just("WEB-07"),
    ], 0..24)) {
        let text = parts.concat();
        let mut names = Pseudonyms::new([4; 32]);
        let redacted = redact_text(&text, Names::Replace(&mut names));
        prop_assume!(redacted.findings.iter().all(|finding| !finding.kind.is_secret()));
        prop_assert_eq!(names.restore(&redacted.text), text);
    }

    #[test]
    fn other_bytes_come_out_as_they_were(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let redacted = redact_bytes(&bytes, Names::Keep);
        if redacted.findings.is_empty() {
            prop_assert_eq!(redacted.bytes, bytes);
        }
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let mut names = Pseudonyms::new([0; 32]);
    for body in [&b"{"[..], b"{} {}", b"\"\xff\"", b"", b"{\"a\":\"\\ud800\"}"] {
        assert_eq!(redact_body(body, &Canaries::new::<&str>([]), &mut names), Err(Blocked::NotJson));
    }
}

#[test]
fn a_body_is_changed_where_it_has_to_be_and_nowhere_else() {
    let body = br#"{ "contents" : [ {"parts":[{"text":"PGPASSWORD=hunter2 psql"},
        {"thoughtSignature":"cGFzc3dvcmQ6IGh1bnRlcjI="}, {"text":"caf\u00e9"},
        {"functionResponse":{"response":{"password":"s3cr3t-Value","kind":"Secret","data":{"a":"b64="},"n":1.50}}}] } ] }"#;
    let redacted = redact_body(body, &Canaries::new::<&str>([]), &mut Pseudonyms::new([0; 32])).unwrap();
    let expected = br#"{ "contents" : [ {"parts":[{"text":"PGPASSWORD=[REDACTED:password] psql"},
        {"thoughtSignature":"cGFzc3dvcmQ6IGh1bnRlcjI="}, {"text":"caf\u00e9"},
        {"functionResponse":{"response":{"password":"[REDACTED:password]","kind":"Secret","data":{"a":"[REDACTED:secret-data]"},"n":1.50}}}] } ] }"#;
    assert_eq!(String::from_utf8_lossy(&redacted.body), String::from_utf8_lossy(expected));
    let seen: Vec<&[u8]> = redacted.findings.iter().map(|finding| &body[finding.span.clone()]).collect();
    assert_eq!(seen, [&b"hunter2"[..], b"s3cr3t-Value", b"b64="]);
}

#[test]
fn a_sensitive_output_in_a_body_loses_its_value_and_another_keeps_it() {
    let body = br#"{"a":{"sensitive":true,"type":"string","value":"brass"},"b":{"value":{"u":["x"]},"sensitive":true},"c":{"sensitive":false,"value":"eu"},"value":"top"}"#;
    let redacted = redact_body(body, &Canaries::new::<&str>([]), &mut Pseudonyms::new([0; 32])).unwrap();
    let seen: Vec<&[u8]> = redacted.findings.iter().map(|finding| &body[finding.span.clone()]).collect();
    assert_eq!(seen, [&b"brass"[..], b"x"]);
}

#[test]
fn a_token_that_was_forged_stays_what_it_is_and_one_that_was_said_stays_a_token() {
    let mut names = Pseudonyms::new([5; 32]);
    names.learn(NameKind::Host, "ymir");
    let said = redact_text("restart ymir", Names::Replace(&mut names)).text;
    let token = said.split(' ').next_back().unwrap().to_owned();
    assert_ne!(token, "ymir");
    let forged = "zqhostbbbbbbbb says so";
    let sent = redact_text(forged, Names::Replace(&mut names)).text;
    assert!(!sent.contains("zqhostbbbbbbbb"));
    assert_eq!(names.restore(&sent), forged);
    let again = redact_text(&format!("you said {token}"), Names::Replace(&mut names)).text;
    assert_eq!(again, format!("you said {token}"));
}

#[test]
fn a_name_learned_in_one_string_is_replaced_in_all_of_them() {
    let body =
        serde_json::to_vec(&json!(["mallory restarted web-07", "user=mallory instance=\"web-07:9100\""])).unwrap();
    let mut names = Pseudonyms::new([6; 32]);
    let redacted = redact_body(&body, &Canaries::new::<&str>([]), &mut names).unwrap();
    let text = String::from_utf8(redacted.body).unwrap();
    assert!(is_gone(&text, "mallory") && is_gone(&text, "web-07"), "{text}");
    assert_eq!(names.restore(&text), String::from_utf8(body).unwrap());
}
