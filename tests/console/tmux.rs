//! The console in a real tmux over a real ssh connection: leave it, come back, and the screen is right.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::pty::{Console, Home, PATIENCE};
use super::receiver::{body, free_port};
use super::sshd::{Programs, Sshd};
use super::support::installed;

/// What a person types to leave tmux and let it go on: its prefix, then `d`.
const DETACH: &str = "\x02d";

const REDRAW: &str = "\x0c";

/// A tmux server with a socket of its own; ended when dropped.
struct Tmux {
    program: PathBuf,
    socket: String,
}

impl Tmux {
    /// A server of `home`, and the command line with which people come to their session there: it attaches, or begins
    /// with `aiops --config CONFIG` when there is nothing to attach to.
    fn new(program: PathBuf, home: &Home, settings: &str, config: &str) -> (Self, Vec<String>) {
        let place = |name: &str| home.path().join(name).display().to_string();
        std::fs::write(place("tmux.conf"), settings).unwrap();
        let (socket, file) = (place("tmux"), place("tmux.conf"));
        let mut words = vec![program.display().to_string()];
        words.extend(["-S", &socket, "-f", &file, "new-session", "-A", "-s", "work"].map(str::to_owned));
        words.extend([env!("CARGO_BIN_EXE_aiops"), "--config", config].map(str::to_owned));
        (Self { program, socket }, words)
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.args(["-u", "-S", &self.socket]).args(words).env_clear().env("LANG", "C.UTF-8");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    /// What tmux believes to be on the screen of the console.
    fn screen(&self) -> String {
        trimmed(&self.ask(&["capture-pane", "-p", "-t", "work"]))
    }

    /// The server's process id; `None` when it does not run.
    fn server(&self) -> Option<Pid> {
        self.ask(&["display-message", "-p", "#{pid}"]).trim().parse().ok().map(Pid::from_raw)
    }

    fn clients(&self) -> usize {
        self.ask(&["list-clients"]).lines().count()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if let Some(server) = self.server() {
            // The console's terminal goes with it, and the console ends.
            let _ = kill(server, Signal::SIGKILL);
        }
    }
}

/// Without the blanks at the ends of lines and the blank lines at the end, about which the two emulators differ.
fn trimmed(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Waits until tmux and the person's terminal show the same, and that satisfies `predicate`; returns it.
fn wait_same(tmux: &Tmux, terminal: &Console, what: &str, predicate: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (inside, outside) = (tmux.screen(), trimmed(&terminal.contents()));
        if inside == outside && predicate(&inside) {
            return inside;
        }
        assert!(Instant::now() < deadline, "never came: {what}\nin tmux:\n{inside}\n\non the terminal:\n{outside}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Fails unless drawing everything anew leaves the screen as it is: what the console sent as differences was right.
fn assert_redrawing_changes_nothing(tmux: &Tmux, terminal: &mut Console) {
    let before = wait_same(tmux, terminal, "a screen at rest", |_| true);
    terminal.type_keys(REDRAW);
    // Keys are taken in order: with the help on the screen, the drawing before it is over.
    terminal.type_keys("?");
    wait_same(tmux, terminal, "the help", |screen| screen.contains("Keys"));
    terminal.type_keys("\x1b");
    wait_same(tmux, terminal, "the screen as before", |screen| without_minute(screen) == without_minute(&before));
}

/// The clock may go on to the next minute at any moment.
fn without_minute(screen: &str) -> String {
    screen.split(" UTC").map(|part| part.rsplit_once(':').map_or(part, |(hour, _)| hour)).collect()
}

fn leaving_and_coming_back(test: &str, term: &str) {
    let (Some(programs), Some(program)) = (Programs::installed(test), installed("tmux", test)) else { return };
    let home = Home::new();
    let port = free_port();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n")).display().to_string();
    let settings = format!("set -g default-terminal {term}\nset -g status off\nset -g window-size latest\n");
    let (tmux, command) = Tmux::new(program, &home, &settings, &config);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let sshd = Sshd::start(&programs, &home, &command);

    let mut first = sshd.login(&home, 120, 40, "xterm-256color");
    first.wait_text("webhook");
    let alert = |name: &str| body("firing", &[("alertname", name), ("severity", "critical")]);
    super::pipeline::until_accepted(port, &alert("FirstThing"));
    wait_same(&tmux, &first, "the first alert", |screen| screen.contains("FirstThing") && screen.contains("2 SOP"));
    assert_redrawing_changes_nothing(&tmux, &mut first);
    first.type_keys(DETACH);
    assert_eq!(first.wait_exit(), 0);

    super::pipeline::eventually("tmux without a terminal", || tmux.clients() == 0);
    super::pipeline::until_accepted(port, &alert("SecondThing"));
    super::pipeline::eventually("the second alert", || tmux.screen().contains("SecondThing"));

    let mut second = sshd.login(&home, 100, 30, "xterm-256color");
    let both = |screen: &str| screen.contains("FirstThing") && screen.contains("SecondThing");
    wait_same(&tmux, &second, "both alerts", both);
    assert_redrawing_changes_nothing(&tmux, &mut second);
    second.type_keys("/Second\r");
    wait_same(&tmux, &second, "what fits the filter", |screen| {
        screen.contains("/Second") && !screen.contains("FirstThing")
    });
    second.type_keys("\x1b");
    wait_same(&tmux, &second, "both alerts again", both);
    for (columns, rows, panes) in [(80, 24, false), (60, 15, false), (160, 48, true)] {
        second.resize(columns, rows);
        wait_same(&tmux, &second, "the screen of the new size", |screen| {
            screen.contains("1 Incidents")
                && screen.contains("2 SOP") == panes
                && screen.lines().count() == usize::from(rows)
        });
        assert_redrawing_changes_nothing(&tmux, &mut second);
    }
    second.type_keys("q");
    assert_eq!(second.wait_exit(), 0);
    super::pipeline::eventually("the end of the session", || tmux.server().is_none());
}

#[test]
fn tmux_256color_is_left_and_come_back_to() {
    leaving_and_coming_back("tmux_256color_is_left_and_come_back_to", "tmux-256color");
}

#[test]
fn screen_256color_is_left_and_come_back_to() {
    leaving_and_coming_back("screen_256color_is_left_and_come_back_to", "screen-256color");
}

#[test]
fn plain_screen_is_left_and_come_back_to() {
    leaving_and_coming_back("plain_screen_is_left_and_come_back_to", "screen");
}

#[test]
fn a_terminal_without_an_alternate_screen_is_left_clean() {
    let Some(program) = installed("tmux", "a_terminal_without_an_alternate_screen_is_left_clean") else { return };
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let settings = "set -g status off\nset -g alternate-screen off\nset -g remain-on-exit on\n";
    let (tmux, command) = Tmux::new(program, &home, settings, &config);
    let mut terminal = Console::program(&home, 80, 24, &command, &[]);
    wait_same(&tmux, &terminal, "the first screen", |screen| screen.contains("No incident is open"));
    terminal.type_keys("q");
    super::pipeline::eventually("the end of the console", || {
        tmux.ask(&["display-message", "-p", "-t", "work", "#{pane_dead}"]).trim() == "1"
    });
    let left = tmux.screen();
    assert!(left.lines().all(|line| line.is_empty() || line.starts_with("Pane is dead")), "{left}");
}
