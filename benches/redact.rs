//! How fast redaction is on text like logs.
//!
//! Method: 16 MiB of lines in the manner of an access log, an application's log, syslog and JSON logs, one line in fifty with
//! a secret, all different; redacted as one text, once with names kept and once with tokens, the best of five. Also a body
//! of 256 KiB, as a conversation sends. Figures are printed, never asserted.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops when it cannot go on")]

mod common;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aiops::domain::redact::{Canaries, Names, Pseudonyms, redact_body, redact_text};

const SIZE: usize = 16 * 1024 * 1024;
const BODY: usize = 256 * 1024;
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let log = lines(SIZE);
    println!("machine: {}", common::machine());
    println!("redaction of {} MiB of log lines, best of {RUNS}:", SIZE / 1024 / 1024);
    report("secrets only", log.len(), || {
        black_box(redact_text(&log, Names::Keep));
    });
    report("secrets and names", log.len(), || {
        black_box(redact_text(&log, Names::Replace(&mut Pseudonyms::new([1; 32]))));
    });
    let body = serde_json::to_vec(&serde_json::json!({
        "contents": [{ "role": "user", "parts": lines(BODY).lines().map(|line| serde_json::json!({ "text": line })).collect::<Vec<_>>() }]
    }))
    .unwrap();
    let canaries = Canaries::new(["AIzaThisIsTheKeyOfTheProgramItself", "another-token-of-its-own"]);
    report("a body of 256 KiB", body.len(), || {
        black_box(redact_body(&body, &canaries, &mut Pseudonyms::new([1; 32])).unwrap());
    });
}

fn report(name: &str, bytes: usize, mut run: impl FnMut()) {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or(Duration::ZERO);
    let mebibytes = bytes as f64 / 1024.0 / 1024.0;
    println!("  {name:20} {:8.1} ms {:8.1} MiB/s", best.as_secs_f64() * 1000.0, mebibytes / best.as_secs_f64());
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
