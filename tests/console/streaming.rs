//! An answer that streams onto the real screen: what it costs on the line.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use aiops::demo::fake_gemini::{FakeGemini, Script};
use tokio::runtime::Runtime;

use super::demo::send_preview;
use super::pipeline::until_accepted;
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

const KEY: &str = "the key of the stand-in";
/// The last word of an answer.
const END: &str = "thatwasall";
/// Bytes a second on top of the words themselves, for words that come at [`WORDS`] a second.
const BEYOND: usize = 2_000;
const WORDS: usize = 50;

/// How an answer comes.
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    /// Words in all.
    pub(crate) words: usize,
    /// Milliseconds between pieces of six characters, which are about a word.
    pub(crate) pause: u64,
}

/// A console's home whose model answers every question with a stream.
pub(crate) struct Answering {
    pub(crate) home: Home,
    /// Path of the configuration file.
    pub(crate) config: String,
    /// Where webhooks go.
    pub(crate) port: u16,
    /// The answer.
    text: String,
    _fake: FakeGemini,
    _runtime: Runtime,
}

impl Answering {
    pub(crate) fn new(stream: Stream) -> Self {
        let home = Home::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let text = answer(stream.words);
        let scenario = format!(
            "[[scenario]]\nname = \"all\"\n[[scenario.reply]]\nkind = \"answer\"\nchunk = 6\npause_ms = {}\ntext = '''{text}'''\n",
            stream.pause
        );
        let fake = runtime.block_on(FakeGemini::start(Script::parse(&scenario).unwrap(), KEY, 0)).unwrap();
        let key = home.path().join("key");
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).unwrap();
        file.write_all(KEY.as_bytes()).unwrap();
        let port = free_port();
        let config = home.configure(&format!(
            "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[model]\nkey = {{ file = \"{}\" }}\nbase_url = \"{}\"\n",
            key.display(),
            fake.base_url()
        ));
        let config = config.display().to_string();
        Self { home, config, port, text, _fake: fake, _runtime: runtime }
    }

    /// Lets so many alerts come to `console`.
    pub(crate) fn raise(&self, console: &Console, alerts: usize) {
        console.wait_text("webhook");
        for number in 0..alerts {
            self.raise_one(number);
        }
        console.wait("all alerts", |screen| screen.contains(&format!("{alerts} open")));
    }

    pub(crate) fn raise_one(&self, number: usize) {
        until_accepted(
            self.port,
            &body("firing", &[("alertname", &format!("Thing{number:04}")), ("severity", "warning")]),
        );
    }

    /// Asks, and returns when the answer has begun.
    pub(crate) fn ask(console: &mut Console) {
        console.type_keys("3");
        console.type_keys("iwhat is it?\r");
        console.wait_text("exactly these:");
        send_preview(console);
        console.wait_text("archived logs");
    }
}

/// Prose, with a command and a list now and then, as models write.
fn answer(words: usize) -> String {
    let word = |number: usize| match number % 120 {
        60 => "\n\n```sh\nkubectl".to_owned(),
        61 => " get pods -A -o wide".to_owned(),
        62 => "\n```\n\n".to_owned(),
        90 => "\n\n- **first**".to_owned(),
        95 => "\n- `second`".to_owned(),
        119 => ".\n\n".to_owned(),
        _ => {
            let prose =
                ["the", "volume", "fills", "because", "archived", "logs", "are", "kept", "since", "a", "deploy", "of"];
            format!(" {}", prose[number % prose.len()])
        }
    };
    let text: String = (0..words).map(word).collect();
    format!("{text} {END}\n")
}

/// Streams an answer to its end; returns the bytes of its words and the bytes that were written meanwhile.
fn stream(columns: u16, rows: u16, stream: Stream) -> (usize, usize) {
    let scene = Answering::new(stream);
    let mut console = Console::start(&scene.home, columns, rows, &["--config", &scene.config]);
    scene.raise(&console, 1);
    console.wait_text("opened with severity");
    Answering::ask(&mut console);
    let before = console.written();
    console.wait_text(END);
    (scene.text.len(), console.written() - before)
}

#[test]
fn an_answer_costs_little_more_than_its_words_on_every_size() {
    let words = 10 * WORDS;
    let sizes = [(80, 24), (120, 40), (200, 50)];
    let streams = sizes.map(|(columns, rows)| {
        (columns, rows, std::thread::spawn(move || stream(columns, rows, Stream { words, pause: 20 })))
    });
    for (columns, rows, stream) in streams {
        let (text, bytes) = stream.join().unwrap();
        // Seconds as they were meant: on a busy machine words come later, and are no more for that.
        let beyond = bytes.saturating_sub(text) * WORDS / words;
        println!("{columns}x{rows}: {} B/s of words, {beyond} B/s beyond them", text * WORDS / words);
        assert!(beyond <= BEYOND, "{columns}x{rows}: {beyond} bytes a second beyond the words");
    }
}
