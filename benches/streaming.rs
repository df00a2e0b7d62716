//! What a streamed answer costs: time from a piece on the wire to its text on the screen, time from a key to its echo
//! meanwhile, and bytes to the terminal beyond the words themselves.
//!
//! Method: the release binary on a pseudo-terminal asks a server of this bench, which sends one numbered word a piece at an even
//! pace and notes when. A reader notes when the terminal got what, and a second terminal emulator says from which of these on
//! a word stands on the screen. Paragraphs, lists and code take turns, longer than the pane, so that it scrolls. Figures are
//! printed, never asserted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot set itself up has nothing to say"
)]

mod common;
#[path = "common/pty.rs"]
#[allow(dead_code, reason = "the start of the program is not measured here")]
mod pty;
#[path = "common/seed.rs"]
mod seed;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pty::{Console, percentile};
use seed::seed;

/// Pieces a second at which times are measured.
const FAST: u32 = 200;
/// Words a second at which bytes are counted: faster than anyone reads.
const READING: u32 = 50;
/// Open incidents beside the answer.
const INCIDENTS: usize = 100;
/// Keys whose echo is measured, and the time between two of them.
const KEYS: usize = 200;
const TYPING: Duration = Duration::from_millis(50);
/// Words in a paragraph, a list or a block of code.
const IN_A_BLOCK: usize = 40;

fn main() {
    // `cargo test --benches` runs this too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("machine: {}", common::machine());
    println!("method: release binary, pseudo-terminal, one word a piece, pieces at an even pace");
    latency();
    echoes("in the question", &[], ["x", "x"], |screen| screen.contents().matches('x').count());
    echoes("of the cursor in the SOP", &["\x1b", "2"], ["j", "k"], gutter);
    for size in [(80, 24), (120, 40), (200, 50)] {
        overhead(size);
    }
}

/// What was sent so far.
#[derive(Default)]
struct Sent {
    /// When each word went out.
    at: Vec<Instant>,
    /// The whole answer is out.
    over: bool,
}

/// The text of word `number`, with what stands before it.
fn word(number: usize) -> String {
    let (block, place) = (number / IN_A_BLOCK, number % IN_A_BLOCK);
    let before = match (block % 3, place) {
        (0, 0) if block == 0 => "",
        (0, 0) => "\n```\n\n",
        (1, 0) => "\n\n- ",
        (2, 0) => "\n\n```sh\n",
        (1, place) if place % 10 == 0 => "\n- ",
        (2, place) if place % 6 == 0 => "\n",
        _ => " ",
    };
    format!("{before}w{number:05}")
}

/// A model that answers the next question with `words` words, `pace` a second. Says where it is and what it has sent.
fn model(words: usize, pace: u32) -> (String, Arc<Mutex<Sent>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(Mutex::new(Sent::default()));
    let shared = Arc::clone(&sent);
    std::thread::spawn(move || {
        // The console may look first whether anybody is there.
        for stream in listener.incoming().flatten() {
            answer(stream, words, pace, &shared);
        }
    });
    (base, sent)
}

/// Reads a request; a question gets its answer, anything else is refused.
fn answer(stream: TcpStream, words: usize, pace: u32, sent: &Mutex<Sent>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).unwrap_or(0) > 2 {
        let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() || !head.contains("streamGenerateContent") {
        let _ = writer.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
    }
    let start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    writer.write_all(start.as_bytes()).unwrap();
    let begun = Instant::now();
    for number in 0..words {
        let due = begun + Duration::from_secs(1) * u32::try_from(number).unwrap() / pace;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let last = number + 1 == words;
        let finish = if last { r#","finishReason":"STOP""# } else { "" };
        let text = serde_json::to_string(&word(number)).unwrap();
        let event = format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{text}}}],\"role\":\"model\"}}{finish},\"index\":0}}],\
             \"usageMetadata\":{{\"promptTokenCount\":900,\"candidatesTokenCount\":{number},\"totalTokenCount\":{}}},\
             \"modelVersion\":\"gemini-3.8-flash\",\"responseId\":\"bench\"}}\r\n\r\n",
            900 + number
        );
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        sent.lock().unwrap().at.push(Instant::now());
        if writer.write_all(chunk.as_bytes()).is_err() {
            return;
        }
    }
    let _ = writer.write_all(b"0\r\n\r\n");
    sent.lock().unwrap().over = true;
}

/// A console that has asked; the first words are about to come.
struct Asked {
    console: Console,
    sent: Arc<Mutex<Sent>>,
    screen: vt100::Parser,
    _home: tempfile::TempDir,
}

impl Asked {
    fn new(size: (u16, u16), words: usize, pace: u32) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (base, sent) = model(words, pace);
        let config = config(home.path(), &base);
        let database = home.path().join("aiops.db");
        seed(&database, INCIDENTS);
        let mut console = Console::start(home.path(), &database, size, &["--config", &config, "--fresh"]);
        console.reply(Duration::from_millis(600), Duration::from_secs(15));
        console.press(b"3i");
        console.reply(Duration::from_millis(200), Duration::from_secs(5));
        console.press(b"what is it?\r");
        // The first question of an installation is shown before it is sent, for a while at least.
        console.reply(Duration::from_secs(1), Duration::from_secs(5));
        assert!(console.contents().contains("send this?"), "{}", console.contents());
        console.press(b"\r");
        let screen = vt100::Parser::new(size.1.try_into().unwrap(), size.0.try_into().unwrap(), 0);
        Self { console, sent, screen, _home: home }
    }

    /// Takes what was written within `patience`: its bytes and when it came. Only what came since the question counts, but the
    /// panes before it are not drawn again: the screen has them from its start.
    fn piece(&mut self, patience: Duration) -> Option<(usize, Instant)> {
        let piece = self.console.output.recv_timeout(patience).ok()?;
        self.screen.process(&piece.bytes);
        Some((piece.bytes.len(), piece.at))
    }

    fn is_over(&self) -> bool {
        self.sent.lock().unwrap().over
    }

    /// The greatest number of a word on the screen.
    fn newest(&self) -> Option<usize> {
        let contents = self.screen.screen().contents();
        let numbers = contents.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|text| {
            let digits = text.strip_prefix('w').filter(|digits| digits.len() == 5)?;
            digits.parse().ok()
        });
        numbers.max()
    }
}

fn config(home: &Path, base: &str) -> String {
    let path = home.join("bench.toml");
    let text = format!(
        "[receiver]\nlisten = \"127.0.0.1:0\"\n[model]\nkey = {{ file = \"{}\" }}\nbase_url = \"{base}\"\n",
        home.join("key").display()
    );
    std::fs::write(&path, text).unwrap();
    let key = home.join("key");
    std::fs::write(&key, "bench-key-of-no-use-0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.display().to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn latency() {
    let words = 2_000;
    let mut asked = Asked::new((120, 40), words, FAST);
    let mut shown: Vec<Instant> = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while shown.len() < words && Instant::now() < deadline {
        let Some((_, at)) = asked.piece(Duration::from_secs(1)) else { continue };
        if let Some(newest) = asked.newest() {
            shown.resize(shown.len().max(newest + 1), at);
        }
    }
    let sent = asked.sent.lock().unwrap();
    let times: Vec<f64> =
        shown.iter().zip(&sent.at).map(|(shown, sent)| milliseconds(shown.saturating_duration_since(*sent))).collect();
    println!(
        "piece on the wire to text on the screen, {FAST} pieces a second, 120x40, {} of {words} shown: p50 {:.1} ms, p99 {:.1} ms, \
         most {:.1} ms (target: p99 20 ms)",
        times.len(),
        percentile(&times, 0.5),
        percentile(&times, 0.99),
        percentile(&times, 1.0),
    );
}

/// Where the signs of cursors stand.
fn gutter(screen: &vt100::Screen) -> usize {
    screen.contents().lines().enumerate().map(|(row, line)| row * line.matches('▌').count()).sum()
}

/// Times from a key to its echo; `keys` in turn, `state` is what each changes.
fn echoes(what: &str, prepare: &[&str], keys: [&str; 2], state: fn(&vt100::Screen) -> usize) {
    let words = KEYS * usize::try_from(FAST).unwrap() * 60 / 1_000 + 600;
    let mut asked = Asked::new((120, 40), words, FAST);
    while asked.newest().is_none() {
        asked.piece(Duration::from_secs(5));
    }
    for key in prepare {
        asked.console.press(key.as_bytes());
        let settled = Instant::now() + Duration::from_millis(500);
        while Instant::now() < settled {
            asked.piece(Duration::from_millis(20));
        }
    }
    let (mut times, mut silent) = (Vec::new(), 0);
    for key in keys.iter().cycle().take(KEYS) {
        let before = state(asked.screen.screen());
        let pressed = Instant::now();
        asked.console.press(key.as_bytes());
        let mut echoed = None;
        while Instant::now() < pressed + TYPING || (echoed.is_none() && Instant::now() < pressed + TYPING * 20) {
            let Some((_, at)) = asked.piece(Duration::from_millis(5)) else { continue };
            if echoed.is_none() && state(asked.screen.screen()) != before {
                echoed = Some(at);
            }
        }
        match echoed {
            Some(at) => times.push(milliseconds(at.saturating_duration_since(pressed))),
            None => silent += 1,
        }
    }
    assert!(
        !asked.is_over(),
        "{silent} silent keys, or the answer ended too early:\n{}",
        asked.screen.screen().contents()
    );
    println!(
        "echo {what} while {FAST} pieces a second arrive, {KEYS} keys, 120x40: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms, \
         silent {silent} (target: p99 10 ms)",
        percentile(&times, 0.5),
        percentile(&times, 0.99),
        percentile(&times, 1.0),
    );
}

fn overhead(size: (u16, u16)) {
    let seconds = 20;
    let mut asked = Asked::new(size, READING as usize * (seconds + 2), READING);
    while asked.newest().is_none() {
        asked.piece(Duration::from_secs(5));
    }
    let (begun, first) = (Instant::now(), asked.newest().unwrap_or_default());
    let mut bytes = 0;
    while begun.elapsed() < Duration::from_secs(seconds as u64) {
        bytes += asked.piece(Duration::from_millis(20)).map_or(0, |(bytes, _)| bytes);
    }
    let last = asked.newest().unwrap_or_default();
    let own: usize = (first..last).map(|number| word(number).len()).sum();
    println!(
        "{READING} words a second, {}x{}, {} words in {seconds} s: {:.0} bytes a second beyond the words' own {:.0} (target: 2000)",
        size.0,
        size.1,
        last - first,
        bytes.saturating_sub(own) as f64 / seconds as f64,
        own as f64 / seconds as f64,
    );
}
