//! What the console costs the person: time to the first frame, bytes and time per key, bytes while idle, and how long a
//! burst of alerts takes until it is counted on the screen.
//!
//! Method: the release binary on a pseudo-terminal of 120×40, a database with 10,000 open incidents, a reader that notes the
//! time and size of everything written. A reply is over when nothing arrives for 150 ms; a burst is what arrives without a
//! pause of 100 ms. Figures are printed, never asserted.
//! `AIOPS_BENCH_IDLE=20` sets the seconds of idle watching (default 90); `AIOPS_BENCH_SEED=FILE` only makes the database,
//! for other tools to measure with. `AIOPS_BENCH_TURNS=FILE` keeps the bytes of turned pages, one burst a line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot set itself up has nothing to say"
)]

mod common;
#[path = "common/pty.rs"]
mod pty;
#[path = "common/seed.rs"]
mod seed;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use pty::{Console, percentile};
use seed::seed;

const SIZE: (u16, u16) = (120, 40);
const INCIDENTS: usize = 10_000;
const QUIET: Duration = Duration::from_millis(150);
/// A pause that parts two bursts; shorter than any rest that the console waits for.
const PART: Duration = Duration::from_millis(100);
/// A press that comes later than this after the one before may find that the cursor has rested: the console waits 200 ms.
const LATE: Duration = Duration::from_millis(190);
const START_QUIET: Duration = Duration::from_millis(600);
/// A rest in which everything follows the cursor.
const REST: Duration = Duration::from_millis(700);
/// Presses from the middle of a page of 26 rows to the line before its last one.
const NEAR_THE_END: usize = 11;
/// Pages to turn.
const TURNS: usize = 40;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if let Ok(path) = std::env::var("AIOPS_BENCH_SEED") {
        return seed(Path::new(&path), INCIDENTS);
    }
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join("aiops.db");
    seed(&database, INCIDENTS);
    println!("machine: {}", common::machine());
    println!("method: release binary, pseudo-terminal {}x{}, {INCIDENTS} open incidents", SIZE.0, SIZE.1);
    if std::env::var_os("AIOPS_BENCH_TURNS").is_none() {
        first_frame(home.path(), &database);
    }
    keys(home.path(), &database);
    if std::env::var_os("AIOPS_BENCH_TURNS").is_some() {
        return;
    }
    idle(home.path(), &database);
    burst(home.path());
}

/// Each burst until nothing came for `quiet`.
fn bursts(console: &Console, quiet: Duration) -> Vec<Vec<u8>> {
    let mut bursts: Vec<Vec<u8>> = Vec::new();
    let mut last: Option<Instant> = None;
    while let Ok(piece) = console.output.recv_timeout(quiet) {
        match bursts.last_mut() {
            Some(burst) if last.is_some_and(|last| piece.at - last < PART) => burst.extend(piece.bytes),
            _ => bursts.push(piece.bytes),
        }
        last = Some(piece.at);
    }
    bursts
}

/// The title of the queue, which says from which row to which the page goes.
fn page(console: &Console) -> String {
    let contents = console.contents();
    let title = contents.lines().find(|line| line.contains("1 Incidents")).unwrap_or_default();
    title.split(" of ").next().unwrap_or_default().to_owned()
}

fn first_frame(home: &Path, database: &Path) {
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let console = Console::start(home, database, SIZE, &[]);
        let (bytes, last) = console.reply(START_QUIET, Duration::from_secs(15));
        let Some(last) = last else { continue };
        assert!(console.contents().contains("service-"), "no real rows on the first screen:\n{}", console.contents());
        times.push((last - console.started).as_secs_f64() * 1e3);
        sizes.push(bytes as f64);
    }
    println!(
        "first frame: median {:.1} ms, {:.0} bytes (target: 30 ms, 6000 bytes)",
        percentile(&times, 0.5),
        percentile(&sizes, 0.5)
    );
}

fn keys(home: &Path, database: &Path) {
    let mut console = Console::start(home, database, SIZE, &[]);
    console.reply(Duration::from_secs(10), Duration::from_secs(15));
    let (mut times, mut sizes, mut silent) = (Vec::new(), Vec::new(), 0);
    let (mut before, mut late) = (None, 0);
    for _ in 0..(if std::env::var_os("AIOPS_BENCH_TURNS").is_some() { 60 } else { 200 }) {
        let pressed = Instant::now();
        late += u32::from(before.replace(pressed).is_some_and(|before| pressed - before > LATE));
        console.press(b"\x1b[B");
        let (bytes, last) = console.reply(QUIET, Duration::from_secs(2));
        match last {
            Some(last) => times.push((last - pressed).as_secs_f64() * 1e3),
            None => silent += 1,
        }
        sizes.push(bytes as f64);
    }
    println!(
        "cursor down, 200 presses without a rest (the page follows after a rest): p50 {:.2} ms, p99 {:.2} ms; \
         bytes p50 {:.0}, p99 {:.0}, most {:.0}; silent {silent}; later than {} ms after the one before: {late} \
         (target: p99 5 ms, 250 bytes, none silent)",
        percentile(&times, 0.5),
        percentile(&times, 0.99),
        percentile(&sizes, 0.5),
        percentile(&sizes, 0.99),
        percentile(&sizes, 1.0),
        LATE.as_millis(),
    );
    rests(&mut console);
}

/// What follows the cursor after a rest: after presses that stay within the page, and after presses that turn it.
fn rests(console: &mut Console) {
    let (mut within, mut turned, mut bursts_of_a_turn) = (Vec::new(), Vec::new(), Vec::new());
    let mut record = std::env::var_os("AIOPS_BENCH_TURNS").map(|path| std::fs::File::create(path).unwrap());
    let mut in_the_middle = false;
    while turned.len() < TURNS {
        if in_the_middle {
            // A turned page has the cursor in its middle: on to a line before its end without a rest.
            (0..NEAR_THE_END).for_each(|_| console.press(b"\x1b[B"));
        }
        bursts(console, REST);
        let before = page(console);
        console.press(b"\x1b[B");
        let bursts = bursts(console, REST);
        // The first burst is the echo of the key.
        let after: Vec<f64> = bursts.iter().skip(1).map(|burst| burst.len() as f64).collect();
        in_the_middle = page(console) != before;
        if in_the_middle {
            turned.push(after.iter().sum());
            bursts_of_a_turn.extend(after);
            if let Some(file) = &mut record {
                bursts.iter().for_each(|burst| writeln!(file, "{}", burst.escape_ascii()).unwrap());
            }
        } else {
            within.push(after.iter().sum());
        }
    }
    let figures = |bytes: &[f64]| {
        let [half, most_of, most] = [0.5, 0.99, 1.0].map(|share| percentile(bytes, share));
        format!("p50 {half:.0}, p99 {most_of:.0}, most {most:.0} bytes")
    };
    println!("a rest within the page, {} times, the details: {}", within.len(), figures(&within));
    println!("a rest that turns the page, {TURNS} times, all that follows: {} (target: 3000)", figures(&turned));
    println!(
        "  its bursts: {}, {:.1} each time",
        figures(&bursts_of_a_turn),
        bursts_of_a_turn.len() as f64 / TURNS as f64
    );
}

/// A live source: the same alert delivered again every second, as a busy Alertmanager does.
fn idle(home: &Path, database: &Path) {
    let seconds = std::env::var("AIOPS_BENCH_IDLE").ok().and_then(|text| text.parse().ok()).unwrap_or(90_u64);
    let (port, config) = receiver_config(home, "idle.toml");
    let console = Console::start(home, database, SIZE, &["--config", &config]);
    console.reply(START_QUIET, Duration::from_secs(15));
    assert!(post(port, 0), "the receiver confirms");
    // What the start says stays for eight seconds; its going is not part of being idle.
    console.reply(Duration::from_secs(10), Duration::from_secs(10));
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut bytes, mut deliveries) = (0, 0);
    while Instant::now() < until {
        deliveries += u32::from(post(port, 0));
        let next = (Instant::now() + Duration::from_secs(1)).min(until);
        while let Ok(piece) = console.output.recv_timeout(next.saturating_duration_since(Instant::now())) {
            bytes += piece.bytes.len();
        }
    }
    println!(
        "idle for {seconds} s with {deliveries} repeated deliveries: {bytes} bytes, {:.0} a minute (target: 60)",
        bytes as f64 * 60.0 / seconds as f64
    );
}

fn receiver_config(home: &Path, name: &str) -> (u16, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let path = home.join(name);
    std::fs::write(&path, format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n")).unwrap();
    (port, path.display().to_string())
}

fn burst(home: &Path) {
    let database = home.join("burst.db");
    let (port, config) = receiver_config(home, "burst.toml");
    let console = Console::start(home, &database, SIZE, &["--config", &config]);
    console.reply(START_QUIET, Duration::from_secs(15));
    let count = 1_000;
    let begun = Instant::now();
    let senders: Vec<_> = (0..10)
        .map(|sender| std::thread::spawn(move || (0..count / 10).all(|n| post(port, sender * (count / 10) + n))))
        .collect();
    let accepted = senders.into_iter().all(|sender| sender.join().unwrap());
    let durable = begun.elapsed();
    let wanted = format!("{count} open");
    while !console.contents().contains(&wanted) && begun.elapsed() < Duration::from_secs(30) {
        let _ = console.output.recv_timeout(Duration::from_millis(50));
    }
    println!(
        "burst of {count} alerts in as many webhooks: all accepted {accepted}, durable after {:.2} s, \
         in the header after {:.2} s (target: 2 s)",
        durable.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
}

/// Sends one alert as Alertmanager does; true when it was confirmed.
fn post(port: u16, number: usize) -> bool {
    let body = format!(
        r#"{{"version":"4","groupKey":"g","truncatedAlerts":0,"status":"firing","receiver":"r","groupLabels":{{}},
        "commonLabels":{{}},"commonAnnotations":{{}},"externalURL":"","alerts":[{{"status":"firing",
        "labels":{{"alertname":"Burst","severity":"warning","service":"s{number}"}},"annotations":{{}},
        "startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"{number:016x}"}}]}}"#
    );
    let request = format!(
        "POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
