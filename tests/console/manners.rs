//! What the terminal looks like afterwards, whatever happened.

use nix::sys::signal::Signal;

use super::pty::{Console, Home};
use super::receiver::free_port;

fn home() -> (Home, String) {
    let home = Home::new();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{}\"\n", free_port()));
    let config = config.display().to_string();
    (home, config)
}

fn assert_restored(console: &Console) {
    assert!(!console.cursor_hidden(), "the cursor is visible again");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(raw.rfind("\x1b[?2004l") > raw.rfind("\x1b[?2004h"), "bracketed paste is off again");
}

#[test]
fn q_restores_the_terminal() {
    let (home, config) = home();
    let mut console = Console::start(&home, 80, 24, &["--config", &config]);
    console.wait_text("No incident is open");
    assert!(console.alternate_screen());
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    assert!(!console.alternate_screen());
    assert_restored(&console);
}

#[test]
fn sigterm_restores_the_terminal() {
    let (home, config) = home();
    let mut console = Console::start(&home, 80, 24, &["--config", &config]);
    console.wait_text("No incident is open");
    console.signal(Signal::SIGTERM);
    console.wait_exit();
    assert!(!console.alternate_screen());
    assert_restored(&console);
}

#[test]
fn resizing_redraws_and_too_small_says_so() {
    let (home, config) = home();
    let console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("2 SOP");
    console.resize(40, 10);
    console.wait_text("too small");
    console.resize(80, 24);
    console.wait("one pane", |screen| screen.contains("1 Incidents") && !screen.contains("2 SOP"));
    console.resize(160, 48);
    console.wait("two panes", |screen| screen.contains("1 Incidents") && screen.contains("2 SOP"));
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_continuing_repaints() {
    let (home, config) = home();
    let mut shell = Console::shell(&home, 80, 24);
    shell.wait_text("ready$");
    shell.type_keys(&format!("{} --config {config}\r", env!("CARGO_BIN_EXE_aiops")));
    shell.wait_text("No incident is open");
    shell.type_keys("\x1a");
    shell.wait_text("Stopped");
    assert!(!shell.alternate_screen());
    shell.type_keys("fg\r");
    shell.wait_text("No incident is open");
    assert!(shell.alternate_screen());
    shell.type_keys("q");
    super::pipeline::eventually("the shell's screen", || !shell.alternate_screen());
    shell.type_keys("echo code $?\r");
    shell.wait_text("code 0");
}

#[test]
fn no_color_means_no_colour() {
    let (home, config) = home();
    let console = Console::start_with(&home, 120, 40, &["--config", &config], &[("NO_COLOR", "1")]);
    console.wait_text("No incident is open");
    let raw = console.raw();
    assert!(!colours(&raw), "{}", String::from_utf8_lossy(&raw));
    let plain = Console::start(&home, 120, 40, &["--config", &config]);
    plain.wait_text("No incident is open");
    assert!(colours(&plain.raw()), "the check above could fail");
}

/// Whether a stream sets a foreground or background colour: SGR 30-38, 40-48, 90-97 or 100-107.
pub(crate) fn colours(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    text.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        rest[end..].starts_with('m')
            && rest[..end]
                .split(';')
                .filter_map(|number| number.parse::<u32>().ok())
                .any(|number| matches!(number, 30..=38 | 40..=48 | 90..=97 | 100..=107))
    })
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let (home, config) = home();
    let mut console = Console::start(&home, 80, 24, &["--config", &config]);
    console.wait_text("No incident is open");
    console.type_keys("\x1b[200~q\x1b[201~");
    console.type_keys("/");
    console.type_keys("\x1b[200~needle\x1b[201~");
    console.wait_text("needle");
    // A terminal sends Escape and a quick next key as one chord; a person is slower.
    console.type_keys("\x1b");
    console.wait("the end of the filter", |screen| !screen.contains("needle"));
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let (home, config) = home();
    let output = home.run(&["--config", &config]);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("terminal"), "{message}");
}
