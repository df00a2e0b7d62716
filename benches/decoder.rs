//! How fast answers are decoded: bytes per second through the event stream decoder alone, and through everything up to the
//! events of the port.
//!
//! Method: one answer of 64 MiB as the service streams it (CRLF, some hundred bytes of text in each event), kept in memory and
//! handed over in pieces of 16 KiB, as they come from a TLS connection; the best of seven runs. A second figure uses pieces of
//! 100 bytes. Figures are printed, never asserted; 200 MiB/s is aimed at for the event stream.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot set itself up has nothing to say")]

mod common;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use aiops::adapters::gemini::decode::Answer;
use aiops::adapters::gemini::frames::{Frames, LONGEST_VALUE};
use aiops::adapters::gemini::sse::{Limits, Piece, SseDecoder};

const SIZE: usize = 64 * 1024 * 1024;
const RUNS: usize = 7;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("machine: {}", common::machine());
    println!("method: {} MiB of CRLF events from memory, best of {RUNS} runs", SIZE >> 20);
    let stream = stream();
    for piece in [16 * 1024, 100] {
        report("event stream", piece, &stream, |stream| events(stream, piece));
        report("to the port's events", piece, &stream, |stream| answer(stream, piece));
    }
}

fn stream() -> Vec<u8> {
    let text = "WAL files grew since 02:14 — after the deploy \\\"x\\\" `du -xh /srv`. ".repeat(6);
    let event = format!(
        "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{text}\"}}],\"role\":\"model\"}},\"index\":0}}],\
         \"usageMetadata\":{{\"promptTokenCount\":7,\"candidatesTokenCount\":50,\"totalTokenCount\":57}},\
         \"modelVersion\":\"gemini-3.8-flash\",\"responseId\":\"x\"}}\r\n\r\n"
    );
    event.as_bytes().iter().copied().cycle().take(SIZE - SIZE % event.len()).collect()
}

fn report(what: &str, piece: usize, stream: &[u8], run: impl Fn(&[u8]) -> usize) {
    let mut best = Duration::MAX;
    let mut count = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        count = black_box(run(stream));
        best = best.min(begun.elapsed());
    }
    let speed = stream.len() as f64 / best.as_secs_f64() / (1024.0 * 1024.0);
    println!("{what}, pieces of {piece} bytes: {speed:.0} MiB/s ({count} events)");
}

fn events(stream: &[u8], piece: usize) -> usize {
    let mut decoder = SseDecoder::new(Limits { line: LONGEST_VALUE, event: LONGEST_VALUE });
    let mut count = 0;
    for bytes in stream.chunks(piece) {
        let flow = decoder.push(bytes, |piece| {
            if let Piece::Event(data) = piece {
                count += usize::from(!black_box(data).is_empty());
            }
            ControlFlow::<()>::Continue(())
        });
        black_box(flow.is_ok());
    }
    count
}

fn answer(stream: &[u8], piece: usize) -> usize {
    let (mut frames, mut answer) = (Frames::default(), Answer::default());
    let mut count = 0;
    let mut events = Vec::new();
    for bytes in stream.chunks(piece) {
        let flow = frames.push(bytes, |value| match answer.take(value, &mut events) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(failure),
        });
        black_box(flow.is_ok());
        count += events.len();
        black_box(&events);
        events.clear();
    }
    count
}
