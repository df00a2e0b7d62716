//! What comes back after a lost connection, and what is copied: over a real sshd, and in a real tmux.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;

use super::pipeline::eventually;
use super::pty::{Console, Home};
use super::scene::Scene;
use super::sshd::{Programs, Sshd};
use super::support::installed;

const AIOPS: &str = env!("CARGO_BIN_EXE_aiops");

/// The files in which consoles have noted where they are, with what stands in them.
fn places(home: &Home) -> Vec<(std::path::PathBuf, String)> {
    let files = std::fs::read_dir(home.database().parent().unwrap()).into_iter().flatten().flatten();
    let is_place = |path: &std::path::PathBuf| path.to_string_lossy().contains(".place.") && path.extension().is_some();
    let paths = files.map(|file| file.path()).filter(is_place);
    paths.filter_map(|path| Some((path.clone(), std::fs::read_to_string(&path).ok()?))).collect()
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The person's end is gone.
    Client,
    /// The server's end is gone.
    Server,
}

/// Leaves a draft, a review and a half-typed name behind in a cut connection, and comes back.
fn comes_back_after(test: &str, cut: Cut) {
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Scene::new();
    let sshd = Sshd::start(&programs, &scene.home, &[AIOPS, "--config", &scene.config]);
    let mut console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    scene.raise_slow_thing(&console);
    console.type_keys("3i");
    console.type_keys("why does it fill");
    console.wait_text("why does it fill");
    console.type_keys("\x1b");
    console.wait_text("i ask");
    Scene::propose_slow_fix(&mut console);
    console.type_keys("A");
    console.wait_text("f8");
    console.type_keys("halfname");
    console.wait_text("halfname");
    match cut {
        Cut::Client => console.signal(Signal::SIGKILL),
        Cut::Server => sshd.kill_sessions(),
    }
    console.wait_exit();
    // A console whose server end is gone belongs to nobody, so that its end is seen by what it leaves behind.
    let kept = || places(&scene.home).into_iter().map(|(_, text)| text).collect::<String>();
    eventually("the note of the open review", || kept().contains("\"review\":1"));
    let kept = kept();
    assert!(kept.contains("why does it fill") && !kept.contains("halfname"), "{kept}");
    let (file, _) = places(&scene.home).remove(0);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let mut console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    let screen = console.wait("the review", |screen| screen.contains("f8") && screen.contains("ctrl-x"));
    assert!(!screen.contains("halfname"), "{screen}");
    console.type_keys("\x1b");
    let screen = console.wait("the draft", |screen| screen.contains("why does it fill") && !screen.contains("ctrl-x"));
    assert!(screen.contains("Slow fix"), "{screen}");
    assert_eq!(scene.starts(), 0, "nothing was approved");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);

    // Who leaves by themselves begins anew, but what was typed and not sent is theirs.
    let mut console = sshd.login(&scene.home, 120, 40, "xterm-256color");
    console.wait_text("why does it fill");
    console.wait_text("1 action to approve");
    assert!(!console.contents().contains("ctrl-x"), "{}", console.contents());
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn a_lost_client_comes_back_to_its_draft_and_review() {
    comes_back_after("a_lost_client_comes_back_to_its_draft_and_review", Cut::Client);
}

#[test]
fn a_lost_server_end_comes_back_to_its_draft_and_review() {
    comes_back_after("a_lost_server_end_comes_back_to_its_draft_and_review", Cut::Server);
}

#[test]
fn a_killed_console_loses_seconds_and_fresh_begins_anew() {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let noted = || places(&home).into_iter().map(|(_, text)| text).collect::<String>();
    let mut console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("No incident is open");
    console.type_keys("3i");
    console.type_keys("unsent words");
    eventually("the note", || noted().contains("unsent words"));
    console.signal(Signal::SIGKILL);
    console.wait_exit();

    let mut console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("unsent words");
    // It was being typed, and goes on being typed.
    console.type_keys(" and more");
    console.wait_text("unsent words and more");
    eventually("the second note", || noted().contains("and more"));
    console.signal(Signal::SIGTERM);
    console.wait_exit();

    let mut console = Console::start(&home, 120, 40, &["--config", &config, "--fresh"]);
    let screen = console.wait_text("No incident is open");
    assert!(!screen.contains("unsent words"), "{screen}");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn a_second_console_leaves_the_place_of_the_first_alone() {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let noted = |words: &str| places(&home).iter().any(|(_, text)| text.contains(words));
    let mut first = Console::start(&home, 120, 40, &["--config", &config]);
    first.wait_text("No incident is open");
    first.type_keys("3i");
    first.type_keys("words of the first");
    eventually("the note of the first", || noted("words of the first"));
    let mut second = Console::start(&home, 120, 40, &["--config", &config]);
    let screen = second.wait_text("No incident is open");
    assert!(!screen.contains("words of the first"), "{screen}");
    second.type_keys("q");
    assert_eq!(second.wait_exit(), 0);
    assert!(noted("words of the first"), "the second has not touched it");
    first.signal(Signal::SIGKILL);
    first.wait_exit();
    let mut third = Console::start(&home, 120, 40, &["--config", &config]);
    third.wait_text("words of the first");
    third.type_keys("\x1b");
    third.wait_text("i ask");
    third.type_keys("q");
    assert_eq!(third.wait_exit(), 0);
}

/// The OSC 52 sequence that copies `text`.
fn osc52(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text)).into_bytes()
}

fn contains(raw: &[u8], part: &[u8]) -> bool {
    raw.windows(part.len()).any(|window| window == part)
}

/// A console with a document open and the cursor on its first command.
fn open_document(console: &mut Console) {
    console.wait_text("No incident is open");
    console.type_keys("s");
    console.wait_text("Disk full");
    console.type_keys("Disk full\r");
    console.wait_text("df -h");
}

const COMMAND: &str = "df -h <mountpoint>";

#[test]
fn a_command_is_copied_over_ssh_and_stands_in_a_file() {
    let test = "a_command_is_copied_over_ssh_and_stands_in_a_file";
    let Some(programs) = Programs::installed(test) else { return };
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let sshd = Sshd::start(&programs, &home, &[AIOPS, "--config", &config]);
    let mut console = sshd.login(&home, 120, 40, "xterm-256color");
    open_document(&mut console);
    console.type_keys("y");
    console.wait_text("Copied the command");
    assert!(contains(&console.raw(), &osc52(COMMAND)), "{}", String::from_utf8_lossy(&console.raw()));
    let file = home.database().with_file_name("aiops.db.copied.txt");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), COMMAND);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}

/// The console in a tmux with these settings copies a command; what tmux keeps, and what reaches the terminal.
fn copied_in_tmux(test: &str, settings: &str) -> Option<(String, Vec<u8>)> {
    let program = installed("tmux", test)?;
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let settings = format!("set -g default-terminal tmux-256color\nset -g status off\n{settings}\n");
    let (tmux, command) = super::tmux::Tmux::new(program, &home, &settings, &["--config", &config]);
    let mut terminal = Console::program(&home, 120, 40, &command, &[]);
    open_document(&mut terminal);
    terminal.type_keys("y");
    terminal.wait_text("Copied the command");
    let file = home.database().with_file_name("aiops.db.copied.txt");
    assert_eq!(std::fs::read_to_string(file).unwrap(), COMMAND);
    let buffer = tmux.ask(&["show-buffer"]);
    let raw = terminal.raw();
    terminal.type_keys("q");
    terminal.wait_exit();
    Some((buffer, raw))
}

#[test]
fn tmux_that_keeps_a_clipboard_gets_the_text() {
    let test = "tmux_that_keeps_a_clipboard_gets_the_text";
    let Some((buffer, _)) = copied_in_tmux(test, "set -g set-clipboard on\nset -g allow-passthrough off") else {
        return;
    };
    assert_eq!(buffer, COMMAND);
}

#[test]
fn tmux_that_hands_through_hands_the_text_to_the_terminal() {
    let test = "tmux_that_hands_through_hands_the_text_to_the_terminal";
    let settings = "set -g set-clipboard off\nset -g allow-passthrough on";
    let Some((buffer, raw)) = copied_in_tmux(test, settings) else { return };
    assert_eq!(buffer, "");
    assert!(contains(&raw, &osc52(COMMAND)), "{}", String::from_utf8_lossy(&raw));
}

#[test]
fn tmux_that_does_neither_shows_nothing_of_it_and_the_file_has_the_text() {
    let test = "tmux_that_does_neither_shows_nothing_of_it_and_the_file_has_the_text";
    let settings = "set -g set-clipboard off\nset -g allow-passthrough off";
    let Some((buffer, raw)) = copied_in_tmux(test, settings) else { return };
    assert_eq!(buffer, "");
    assert!(!contains(&raw, &osc52(COMMAND)));
}
