//! The console over a real ssh connection: that it works there, and that a lost connection loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::pipeline::eventually;
use super::pty::{Console, Home};
use super::scene::Scene;
use super::sshd::{Programs, Sshd};

const AIOPS: &str = env!("CARGO_BIN_EXE_aiops");
/// A screen on which nothing has changed for this long is whole: what waits is drawn twice a second at least.
const STILL: Duration = Duration::from_millis(1_500);

impl Scene {
    fn sshd(&self, programs: &Programs) -> Sshd {
        Sshd::start(programs, &self.home, &[AIOPS, "--config", &self.config])
    }

    /// A console over ssh with the slow fix running, after whose start `cut` ended the connection.
    fn cut_in_mid_command(&self, sshd: &Sshd, cut: impl FnOnce(&Console, &Sshd)) {
        let mut console = sshd.login(&self.home, 120, 40, "xterm-256color");
        self.approve_slow_fix(&mut console);
        assert_eq!(sshd.consoles().len(), 1);
        cut(&console, sshd);
        console.wait_exit();
        eventually("the end of the console", || sshd.consoles().is_empty());
    }
}

#[test]
fn a_killed_client_leaves_the_command_running_and_the_next_login_sees_it() {
    let test = "a_killed_client_leaves_the_command_running_and_the_next_login_sees_it";
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Scene::new();
    let sshd = scene.sshd(&programs);
    scene.cut_in_mid_command(&sshd, |console, _| console.signal(Signal::SIGKILL));
    let mut console = sshd.login(&scene.home, 100, 30, "xterm-256color");
    console.wait_text("Attempt 1 running");
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    console.wait_text("finished");
    assert_eq!(scene.starts(), 1);
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    scene.assert_journal_is_whole();
    let person = who_granted(&scene.home);
    assert!(person["ssh_peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{person}");
    assert!(person["tty"].as_str().is_some_and(|tty| tty.starts_with("/dev/pts/")), "{person}");
}

#[test]
fn a_killed_session_leaves_the_command_running_and_its_outcome_is_kept() {
    let test = "a_killed_session_leaves_the_command_running_and_its_outcome_is_kept";
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Scene::new();
    let sshd = scene.sshd(&programs);
    scene.cut_in_mid_command(&sshd, |_, sshd| sshd.kill_sessions());
    // It ends while nobody is logged in.
    scene.release();
    scene.wait_outcome();
    let console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    console.wait_text("Attempt 1 exit 0");
    console.wait_text("finished");
    assert_eq!(scene.starts(), 1);
    scene.assert_journal_is_whole();
}

/// The person who approved, as the journal has it.
fn who_granted(home: &Home) -> serde_json::Value {
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let query = "SELECT context FROM journal WHERE payload ->> '$.type' = 'granted'";
    let context: String = connection.query_row(query, [], |row| row.get(0)).unwrap();
    let context: serde_json::Value = serde_json::from_str(&context).unwrap();
    context["actor"].clone()
}

/// A server whose console receives nothing, so that its screen depends on nothing but the terminal. The theme has colours
/// that not every terminal knows.
fn quiet(programs: &Programs) -> (Home, Sshd) {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n[console]\ntheme = \"light\"\n").display().to_string();
    let sshd = Sshd::start(programs, &home, &[AIOPS, "--config", &config]);
    (home, sshd)
}

#[test]
fn a_login_shell_that_is_the_console_resizes_stays_and_gives_the_terminal_back() {
    let test = "a_login_shell_that_is_the_console_resizes_stays_and_gives_the_terminal_back";
    let Some(programs) = Programs::installed(test) else { return };
    let (home, sshd) = quiet(&programs);
    let mut console = sshd.login(&home, 120, 40, "xterm-256color");
    console.wait_text("2 SOP");
    assert!(console.alternate_screen());
    console.resize(80, 24);
    console.wait("one pane", |screen| screen.contains("1 Incidents") && !screen.contains("2 SOP"));
    // Nobody could make it go on.
    console.type_keys("\x1a");
    console.wait_text("Not suspended");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    assert!(!console.alternate_screen() && !console.cursor_hidden());
    assert_eq!(console.contents().trim(), "");
}

#[test]
fn without_a_terminal_the_remedy_is_said_over_ssh() {
    let test = "without_a_terminal_the_remedy_is_said_over_ssh";
    let Some(programs) = Programs::installed(test) else { return };
    let (_home, sshd) = quiet(&programs);
    let output = sshd.login_without_terminal();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("ssh -t"), "{message}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn terminals_get_only_what_they_know() {
    let Some(programs) = Programs::installed("terminals_get_only_what_they_know") else { return };
    let (home, sshd) = quiet(&programs);
    // With a document open there is something of every colour.
    let look = |term: &str| {
        let mut console = sshd.login(&home, 120, 40, term);
        console.wait_text("No incident is open");
        console.type_keys("s");
        console.wait_text("Disk full");
        console.type_keys("Disk full\r");
        console
            .wait("the document, down to the last row", |screen| screen.contains("df -h") && screen.contains("fold"));
        // Over ssh a frame may come in pieces.
        let mut last = console.contents();
        while let Some(next) = console.find(STILL, |screen| Some(screen.contents()).filter(|now| *now != last)) {
            last = next;
        }
        let screen = without_clock(&last);
        console.type_keys("q");
        assert_eq!(console.wait_exit(), 0);
        (screen, console.raw())
    };
    let (reference, raw) = look("xterm-256color");
    assert!(reference.contains("1 Incidents") && reference.contains("2 SOP") && !reference.is_ascii(), "{reference}");
    assert!(extended_colours(&sequences(&raw)), "the check below could fail");
    for term in ["xterm", "screen", "linux"] {
        let (screen, raw) = look(term);
        if term == "linux" {
            // Its font has few characters: what it lacks would all look the same.
            assert!(screen.is_ascii(), "{screen}");
            for part in ["1 Incidents", "2 SOP", "No incident is open", "df -h <mountpoint>"] {
                assert!(screen.contains(part), "{part} is missing in\n{screen}");
            }
        } else {
            assert_eq!(screen, reference, "{term}");
        }
        let sequences = sequences(&raw);
        assert!(!extended_colours(&sequences), "{term}: {sequences:?}");
        for Sequence { private, last, parameters } in &sequences {
            if *private {
                // Cursor, alternate screen, bracketed paste, synchronized update: ignored where they are not known.
                let known = ["25", "1049", "2004", "2026"].contains(&parameters.as_str());
                assert!(known && matches!(last, 'h' | 'l'), "{term}: CSI ? {parameters} {last}");
            } else {
                assert!(KNOWN_EVERYWHERE.contains(*last), "{term}: CSI {parameters} {last}");
            }
        }
    }
}

/// Last characters of the sequences that the Linux console knows, see console_codes(4); screen and xterm know them, too.
const KNOWN_EVERYWHERE: &str = "@ABCDEFGHJKLMPXadefghlmnr";

/// A control sequence (ECMA-48, 5.4) without its introducer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sequence {
    /// Whether a `?` stands first.
    private: bool,
    parameters: String,
    last: char,
}

/// All control sequences of a stream. Fails when there is another kind of escape sequence.
fn sequences(raw: &[u8]) -> BTreeSet<Sequence> {
    let text = std::str::from_utf8(raw).unwrap();
    let parse = |rest: &str| {
        let rest = rest.strip_prefix('[').unwrap_or_else(|| panic!("no control sequence: {rest:?}"));
        let end = rest.find(|c: char| ('@'..='~').contains(&c)).unwrap();
        let (private, parameters) = match rest[..end].strip_prefix('?') {
            Some(parameters) => (true, parameters),
            None => (false, &rest[..end]),
        };
        Sequence { private, parameters: parameters.to_owned(), last: rest[end..].chars().next().unwrap() }
    };
    text.split('\x1b').skip(1).map(parse).collect()
}

/// Whether colours beyond the sixteen are selected.
fn extended_colours(sequences: &BTreeSet<Sequence>) -> bool {
    let pens = sequences.iter().filter(|sequence| sequence.last == 'm' && !sequence.private);
    pens.into_iter().any(|pen| pen.parameters.split([';', ':']).any(|number| number == "38" || number == "48"))
}

/// A screen without the time at the end of its first line, and without the blanks at the ends of lines.
pub(crate) fn without_clock(screen: &str) -> String {
    let (header, rest) = screen.split_once('\n').unwrap();
    let (header, _) = header.split_once(" open ").unwrap();
    let lines: Vec<&str> = rest.lines().map(str::trim_end).collect();
    format!("{header}\n{}", lines.join("\n"))
}
