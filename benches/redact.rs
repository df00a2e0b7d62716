//! How fast redaction is, on every shape of text and body that leaves.
//!
//! Method: each shape is made once (texts of 4 MiB, the body of a conversation of 256 KiB, others of 1 MiB) and redacted as
//! the choke point does it, names replaced by tokens; the best of five. Log lines are in the manner of an access log, an
//! application's log, syslog and JSON logs, one line in fifty with a secret, all different. Figures are printed, never
//! asserted. A word on the command line picks the shapes that have it in their name.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops when it cannot go on")]

mod common;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aiops::domain::redact::{Canaries, Names, Pseudonyms, redact_body, redact_text};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;
const TEXT: usize = 4 * MIB;
const CONVERSATION: usize = 256 * 1024;
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("machine: {}", common::machine());
    println!("redaction, best of {RUNS}, texts:");
    let log = lines(TEXT);
    report("log lines, secrets only", log.len(), || {
        black_box(redact_text(&log, Names::Keep));
    });
    text("log lines", &log);
    text("plain text", &repeated(TEXT, plain));
    text("full of names", &repeated(TEXT, full_of_names));
    text("names below one name", &repeated(MIB, below_one_name));
    text("full of keywords", &repeated(TEXT, full_of_keywords));
    text("manifests of secrets", &repeated(MIB, manifest));
    text("one huge line", &log.replace('\n', " "));
    text("one huge line of base64", &repeated(TEXT, base64));
    println!("bodies:");
    body("one part of log lines", &[lines(MIB)]);
    body("many small parts (256 KiB)", &parts(&lines(CONVERSATION)));
    body("many small parts (1 MiB)", &parts(&lines(MIB)));
    body("many tiny parts", &(0..MIB / 32).map(|n| format!("node-{} is up", n % 1000)).collect::<Vec<_>>());
    body("parts full of names", &parts(&repeated(MIB, full_of_names)));
    body("one part of many escapes", &[lines(MIB).replace(['a', 'e'], "\t\"")]);
}

fn parts(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// At least `size` bytes of what `write` writes for each number.
fn repeated(size: usize, write: fn(&mut String, u64)) -> String {
    let mut text = String::with_capacity(size + 300);
    for number in 0.. {
        if text.len() >= size {
            break;
        }
        write(&mut text, number);
    }
    text
}

fn plain(text: &mut String, n: u64) {
    let _ = writeln!(
        text,
        "When the disk of a database fills up, look at the largest files first; step {n} says which of them may go. Do \
         not restart anything before the alert has cleared, and write down what was done.\n"
    );
}

fn full_of_names(text: &mut String, n: u64) {
    let _ = writeln!(
        text,
        "ssh user{n}@web-{}.prod.internal from 10.{}.{}.7, mail person{n}@corp.example, host db-{} instance=\"node-{}:9100\"",
        n % 500,
        n % 200,
        n % 250,
        n % 300,
        n % 100
    );
}

/// Every name begins with the same word.
fn below_one_name(text: &mut String, n: u64) {
    let _ =
        writeln!(text, "the disk of web.c{n}.prod.internal is full, and so is that of web.c{}.prod.internal", n / 2);
}

fn full_of_keywords(text: &mut String, n: u64) {
    let _ = writeln!(
        text,
        "mysql curl key: {n} token expired, password required; user login failed, secret rotated; mongo session closed, auth \
         ok by http basic, key id {n}, credentials loaded from vault"
    );
}

fn manifest(text: &mut String, n: u64) {
    let _ = writeln!(
        text,
        "- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s{n}\n  data:\n    blob: c2VjcmV0LXZhbHVlLW51bWJlci0={n}"
    );
}

fn base64(text: &mut String, n: u64) {
    let h = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for shift in 0..8 {
        let _ = write!(text, "{}", char::from(b"AbCdEfGh0123+/xYzQrStUvWmNoPkLjI"[(h >> (shift * 8)) as usize & 31]));
    }
}

fn text(name: &str, text: &str) {
    report(name, text.len(), || {
        black_box(redact_text(text, Names::Replace(&mut Pseudonyms::new([1; 32]))));
    });
}

fn body(name: &str, parts: &[String]) {
    let parts: Vec<Value> = parts.iter().map(|part| json!({ "text": part })).collect();
    let body = serde_json::to_vec(&json!({ "contents": [{ "role": "user", "parts": parts }] })).unwrap();
    let canaries = Canaries::new(["AIzaThisIsTheKeyOfTheProgramItself", "another-token-of-its-own"]);
    report(name, body.len(), || {
        black_box(redact_body(&body, &canaries, &mut Pseudonyms::new([1; 32])).unwrap());
    });
}

fn report(name: &str, bytes: usize, mut run: impl FnMut()) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if !wanted.iter().all(|word| name.contains(word.as_str())) {
        return;
    }
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or(Duration::ZERO);
    let mebibytes = bytes as f64 / MIB as f64;
    println!("  {name:28} {:8.1} ms {:8.1} MiB/s", best.as_secs_f64() * 1000.0, mebibytes / best.as_secs_f64());
}

/// At least `size` bytes of lines.
fn lines(size: usize) -> String {
    let mut text = String::with_capacity(size + 300);
    let mut n = 0_u64;
    while text.len() < size {
        let h = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let _ = match n % 50 {
            7 => writeln!(
                text,
                "2026-01-02T03:04:{:02}Z ERROR connect postgres://app:{h:x}@db-{}.prod.internal:5432/x failed",
                n % 60,
                n % 9
            ),
            k if k % 4 == 0 => writeln!(
                text,
                "10.{}.{}.{} - - [02/Jan/2026:03:04:{:02} +0000] \"GET /api/v1/items/{h} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0\"",
                n % 4,
                n % 200,
                1 + n % 250,
                n % 60,
                n % 9000,
            ),
            k if k % 4 == 1 => writeln!(
                text,
                "2026-01-02T03:04:{:02}.123Z INFO  [worker-{}] c.e.Orders - processed order {h:016x} in {} ms, retry=0",
                n % 60,
                n % 16,
                n % 400
            ),
            k if k % 4 == 2 => writeln!(
                text,
                "Jan  2 03:04:{:02} node-{} kernel: [{n}.12] eth0: link up, 10000 Mbps, full duplex, id {h:08x}",
                n % 60,
                n % 40
            ),
            _ => writeln!(
                text,
                "{{\"level\":\"info\",\"ts\":{n}.5,\"caller\":\"server/key.go:{}\",\"msg\":\"token refreshed\",\"trace_id\":\"{h:032x}\",\"dur\":{}}}",
                n % 900,
                n % 77
            ),
        };
        n += 1;
    }
    text
}
