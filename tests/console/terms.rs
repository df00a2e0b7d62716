//! Terminals of many kinds: the way from an alert to its output works on each, and each is left as it was.

use std::collections::BTreeMap;

use super::pty::{Console, Home};
use super::scene::Scene;
use super::sshd::{Programs, Sshd};
use super::support::installed;
use super::tmux::Tmux;

/// How the modes that a stream sets (`CSI ? n h`) and resets (`CSI ? n l`) stand at its end.
fn modes(raw: &[u8]) -> BTreeMap<String, char> {
    let text = String::from_utf8_lossy(raw);
    let mut modes = BTreeMap::new();
    for rest in text.split("\x1b[?").skip(1) {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let last = rest[end..].chars().next().unwrap();
        for mode in rest[..end].split(';').filter(|_| matches!(last, 'h' | 'l')) {
            modes.insert(mode.to_owned(), last);
        }
    }
    modes
}

fn assert_left_clean(term: &str, console: &Console) {
    for (mode, state) in modes(&console.raw()) {
        // 25 is the cursor: it is seen again.
        let expected = if mode == "25" { 'h' } else { 'l' };
        assert_eq!(state, expected, "{term}: mode {mode}");
    }
    assert!(!console.alternate_screen() && !console.cursor_hidden(), "{term}");
}

#[test]
fn from_alert_to_output_on_every_kind_of_terminal() {
    for term in ["linux", "xterm", "screen", "screen-256color", "tmux-256color", "vt220"] {
        let scene = Scene::new();
        let mut console = scene.start_with(&[("TERM", term)]);
        scene.approve_slow_fix(&mut console);
        scene.release();
        console.wait_text("Attempt 1 exit 0");
        console.wait_text("finished");
        console.type_keys("M");
        console.wait_text("The mouse selects rows");
        console.type_keys("q");
        assert_eq!(console.wait_exit(), 0);
        assert_left_clean(term, &console);
        assert_eq!(modes(&console.raw()).get("1006"), Some(&'l'), "{term}: the check above could fail");
    }
}

/// Home and End as terminals of these kinds send them (terminfo, `khome` and `kend`).
const ENDS: [(&str, &str, &str); 7] = [
    ("linux", "\x1b[1~", "\x1b[4~"),
    ("xterm", "\x1b[H", "\x1b[F"),
    ("xterm-256color", "\x1bOH", "\x1bOF"),
    ("screen", "\x1b[1~", "\x1b[4~"),
    ("tmux-256color", "\x1b[1~", "\x1b[4~"),
    ("rxvt", "\x1b[7~", "\x1b[8~"),
    ("vt100", "\x1b[1~", "\x1b[4~"),
];

#[test]
fn home_and_end_of_every_kind_of_terminal_are_understood() {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    for (term, to_start, to_end) in ENDS {
        let mut console = Console::start_with(&home, 80, 24, &["--config", &config, "--fresh"], &[("TERM", term)]);
        console.wait_text("No incident is open");
        console.type_keys("/bcd");
        console.wait_text("bcd");
        console.type_keys(&format!("{to_start}a"));
        console.wait_text("abcd");
        console.type_keys(&format!("{to_end}e"));
        console.wait_text("abcde");
        console.type_keys("\r");
        console.wait_text("q quit");
        console.type_keys("q");
        assert_eq!(console.wait_exit(), 0, "{term}");
        assert_left_clean(term, &console);
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_is_told_so() {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let mut console = Console::start_with(&home, 80, 24, &["--config", &config], &[("TERM", "dumb")]);
    assert_eq!(console.wait_exit(), 1);
    console.wait_text("TERM is `dumb`");
    assert!(!console.raw().contains(&0x1b), "{}", String::from_utf8_lossy(&console.raw()));
}

#[test]
fn from_alert_to_output_in_tmux_over_ssh() {
    let test = "from_alert_to_output_in_tmux_over_ssh";
    let (Some(programs), Some(program)) = (Programs::installed(test), installed("tmux", test)) else { return };
    for term in ["screen", "tmux-256color"] {
        let scene = Scene::new();
        let settings = format!("set -g default-terminal {term}\nset -g status off\n");
        let (_tmux, command) = Tmux::new(program.clone(), &scene.home, &settings, &["--config", &scene.config]);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let sshd = Sshd::start(&programs, &scene.home, &command);
        let mut terminal = sshd.login(&scene.home, 120, 40, "xterm-256color");
        scene.approve_slow_fix(&mut terminal);
        scene.release();
        terminal.wait_text("Attempt 1 exit 0");
        terminal.wait_text("finished");
        assert_eq!(scene.starts(), 1);
        scene.assert_journal_is_whole();
    }
}

/// A shell with job control.
const SHELL: [&str; 4] = ["/bin/bash", "--norc", "--noprofile", "-i"];

/// Starts the console from the shell on `terminal`, goes to the shell and back by Ctrl-Z and `fg`, twice, and leaves.
fn to_the_shell_and_back(terminal: &mut Console, config: &str, what: &str) {
    terminal.wait(&format!("the shell ({what})"), |screen| screen.contains('#') || screen.contains('$'));
    terminal.type_keys(&format!("{} --config {config}\r", env!("CARGO_BIN_EXE_aiops")));
    terminal.wait_text("No incident is open");
    for round in 1..=2 {
        // Something that nobody asked for is on its way to the terminal, or its reply is.
        terminal.type_keys("?");
        terminal.wait_text("Keys");
        terminal.type_keys("\x1b");
        terminal.wait("the help closed", |screen| !screen.contains("Keys"));
        terminal.type_keys("\x1a");
        terminal.wait_text("Stopped");
        terminal.type_keys(&format!("echo back $(({round} + 40))\r"));
        terminal.wait_text(&format!("back {}", round + 40));
        let shell = terminal.contents();
        assert!(!shell.contains("0n"), "{what}: a reply came to the shell\n{shell}");
        terminal.type_keys("clear; fg\r");
        terminal.wait_text("No incident is open");
    }
    terminal.type_keys("q");
    terminal.wait(&format!("the shell again ({what})"), |screen| !screen.contains("No incident is open"));
    terminal.type_keys("echo left $((2 * 21))\r");
    terminal.wait_text("left 42");
}

#[test]
fn ctrl_z_and_fg_over_ssh_on_every_kind_of_terminal() {
    let Some(programs) = Programs::installed("ctrl_z_and_fg_over_ssh_on_every_kind_of_terminal") else { return };
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let sshd = Sshd::start(&programs, &home, &SHELL);
    for term in ["screen", "linux", "xterm"] {
        let mut terminal = sshd.login(&home, 100, 30, term);
        to_the_shell_and_back(&mut terminal, &config, term);
        assert!(!terminal.alternate_screen() && !terminal.cursor_hidden(), "{term}");
    }
}

#[test]
fn ctrl_z_and_fg_over_ssh_in_tmux() {
    let test = "ctrl_z_and_fg_over_ssh_in_tmux";
    let (Some(programs), Some(program)) = (Programs::installed(test), installed("tmux", test)) else { return };
    for term in ["screen", "tmux-256color"] {
        let home = Home::new();
        let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
        let settings = format!("set -g default-terminal {term}\nset -g status off\n");
        let (_tmux, command) = Tmux::running(program.clone(), &home, &settings, &SHELL);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let sshd = Sshd::start(&programs, &home, &command);
        let mut terminal = sshd.login(&home, 100, 30, "xterm-256color");
        to_the_shell_and_back(&mut terminal, &config, term);
    }
}
