//! A console whose questions go to a stand-in for a model that misbehaves as it is asked to.

use std::path::Path;

use aiops::demo::fake_gemini::{FakeGemini, Script};
use tokio::runtime::Runtime;

use super::super::pipeline::eventually;
use super::super::pty::{Console, Home};
use super::super::receiver::free_port;
use super::bytes::assert_clean;
use super::peer::Peer;

/// The key that the stand-in takes.
pub(super) const KEY: &str = "test-key-4711";

/// One pane at a time, wide enough for a sentence and tall enough for whole answers: what is said is read off the screen.
const SIZE: (u16, u16) = (88, 240);

/// What the model's tests know, asked for by the last paragraph alone: here a conversation goes on.
const FAULTS: &str = include_str!("../../gemini/scenarios/faults.toml");
/// More of it.
const MORE: &str = include_str!("scenarios.toml");

/// What stands above an answer that no model gave.
const FALLBACK: [&str; 1] = ["Answered from SOPs and history, not by a model:"];

/// What may be asked as much as anyone wants.
const BUDGET: &str = "[budget]\nper_call = \"100\"\nper_incident = \"1000\"\nper_day = \"1000\"\n";

/// How a console is set up.
pub(super) struct Setup {
    /// Scenarios that go before all others.
    pub(super) scenarios: String,
    /// Lines of `[model]`, besides the address.
    pub(super) model: String,
    /// Sections of the configuration, besides `[model]`, `[budget]` and `[receiver]`.
    pub(super) sections: String,
    /// The address, when it is not that of the stand-in.
    pub(super) base_url: Option<String>,
    /// The key in the environment.
    pub(super) key: Option<&'static str>,
}

impl Default for Setup {
    fn default() -> Self {
        let (scenarios, model, sections) = (String::new(), String::new(), String::new());
        Self { scenarios, model, sections, base_url: None, key: Some(KEY) }
    }
}

/// A console at work, with the stand-in behind it.
pub(super) struct Desk {
    pub(super) home: Home,
    pub(super) console: Console,
    /// The port of the receiver.
    pub(super) port: u16,
    pub(super) fake: FakeGemini,
    asked: usize,
    // Behind the stand-in, which it runs.
    _runtime: Runtime,
}

impl Desk {
    /// Opens a console; the cursor stands in the field for questions.
    pub(super) fn open(setup: &Setup) -> Self {
        Self::open_at(Home::new(), setup)
    }

    /// Opens a console in `home`.
    pub(super) fn open_at(home: Home, setup: &Setup) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = [&setup.scenarios, MORE, &FAULTS.replace("when = [", "asked = [")].join("\n");
        let fake = runtime.block_on(FakeGemini::start(Script::parse(&script).unwrap(), KEY, 0)).unwrap();
        let peer = Peer::before(fake.base_url().trim_start_matches("http://").parse().unwrap());
        let base_url = setup.base_url.clone().unwrap_or_else(|| peer.base_url());
        let port = free_port();
        let config = home.configure(&format!(
            "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[model]\nbase_url = \"{base_url}\"\n{}\n{BUDGET}{}",
            setup.model, setup.sections
        ));
        let console = start(&home, &config, setup.key);
        Self { home, console, port, fake, asked: 0, _runtime: runtime }
    }

    /// Goes to the field for questions.
    pub(super) fn sit_down(&mut self) {
        self.console.type_keys("3i");
        self.console.wait_text("3 Chat");
    }

    /// Asks, sends what is shown before it leaves, and waits until the answer is over and says all `words`; the answer, on one
    /// line.
    pub(super) fn ask(&mut self, question: &str, words: &[&str]) -> String {
        self.begin(question);
        self.answer(question, words)
    }

    /// Asks what no model answers: waits until the SOPs have answered instead, which says so, and why and what to do in `words`.
    pub(super) fn ask_in_vain(&mut self, question: &str, words: &[&str]) -> String {
        self.begin(question);
        self.fallback(question, words)
    }

    /// Waits until the SOPs have answered `question` instead of a model.
    pub(super) fn fallback(&mut self, question: &str, words: &[&str]) -> String {
        self.answer(question, &[&FALLBACK, words].concat())
    }

    /// Asks and sends what is shown before it leaves; the answer is on its way.
    pub(super) fn begin(&mut self, question: &str) {
        self.console.type_keys(question);
        self.console.wait("the echo of the keys", |screen| in_one_line(screen).contains(question));
        self.console.type_keys("\r");
        // A field that something covers says nothing.
        let is_gone = |screen: &str| field(screen).is_some_and(|typed| !typed.contains(question));
        let screen = self
            .console
            .wait("that the field is empty, or what would leave", |screen| is_shown(screen) || is_gone(screen));
        if is_shown(&screen) {
            super::super::demo::send_preview(&mut self.console);
        }
    }

    /// Waits until the answer to `question` is over and says all `words`.
    pub(super) fn answer(&mut self, question: &str, words: &[&str]) -> String {
        let said = |screen: &str| answer_to(screen, question).unwrap_or_default();
        let screen = self.console.wait(&format!("an answer to {question:?} that says {words:?}"), |screen| {
            let said = said(screen);
            !is_busy(screen) && words.iter().all(|words| said.contains(words))
        });
        eventually("that nothing stays reserved", || {
            self.number("SELECT count(*) FROM model_call WHERE state = 0") == 0
        });
        said(&screen)
    }

    /// Waits until an answer is over that is longer than the screen, and ends with `words`.
    pub(super) fn over(&mut self, words: &str) {
        self.console.wait(&format!("the end of an answer, with {words:?}"), |screen| {
            !is_busy(screen) && in_one_line(screen).contains(words)
        });
    }

    /// The model answers the next question as if nothing had been.
    pub(super) fn goes_on(&mut self) {
        self.asked += 1;
        let question = format!("are you still there, number {}?", self.asked);
        let said = self.ask(&question, &["Here I am."]);
        assert!(!said.contains("not by a model"), "{said}");
    }

    /// What counts as spent, in millionths of a US dollar.
    pub(super) fn spent(&self) -> i64 {
        self.number("SELECT CAST(total(counted) AS INTEGER) FROM model_call")
    }

    /// Reads a number through a connection of its own.
    pub(super) fn number(&self, query: &str) -> i64 {
        let database = rusqlite::Connection::open(self.home.database()).unwrap();
        database.query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// What the log has.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("state/aiops/aiops.log")).unwrap_or_default()
    }

    /// Leaves from the field for questions, and looks at everything that is left.
    pub(super) fn leave(mut self) {
        self.console.type_keys("\t");
        self.leave_from_a_pane();
    }

    /// Leaves from a pane in which nothing is typed.
    pub(super) fn leave_from_a_pane(mut self) {
        self.console.type_keys("1q");
        assert_eq!(self.console.wait_exit(), 0, "{}", self.console.contents());
        assert!(!self.console.alternate_screen());
        assert_clean(&self.console.raw());
        let log = self.log();
        assert!(!log.contains("panicked") && !log.contains(KEY) && !log.contains('\u{1b}'), "{log}");
        let verified = self.home.run(&["journal", "verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

/// Starts the console of this configuration.
fn start(home: &Home, config: &Path, key: Option<&str>) -> Console {
    let environment: Vec<(&str, &str)> = key.into_iter().map(|key| ("GEMINI_API_KEY", key)).collect();
    let console = Console::start_with(home, SIZE.0, SIZE.1, &["--config", config.to_str().unwrap()], &environment);
    console.wait_text("1 Incidents");
    console
}

/// The words of a screen of one pane without its breaks.
pub(super) fn in_one_line(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether what would leave is shown.
fn is_shown(screen: &str) -> bool {
    screen.contains("exactly these:")
}

/// Whether an answer is on its way.
pub(super) fn is_busy(screen: &str) -> bool {
    screen.lines().take(3).any(|line| line.contains("3 Chat") && line.contains(" stops"))
}

/// What stands in the field for questions; `None` while it is not on the screen.
fn field(screen: &str) -> Option<String> {
    let lines: Vec<&str> = screen.lines().collect();
    let begin = lines.iter().rposition(|line| line.starts_with('>'))?;
    Some(lines[begin..].join(" "))
}

/// What stands below the newest `question`, on one line.
fn answer_to(screen: &str, question: &str) -> Option<String> {
    let line = in_one_line(screen);
    let at = line.rfind(question)?;
    Some(line[at + question.len()..].to_owned())
}
