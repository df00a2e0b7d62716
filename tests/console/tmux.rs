//! The console in a real tmux over a real ssh connection: leave it, come back, and the screen is right.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::demo::from_a_question_to_the_output;
use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home, PATIENCE};
use super::receiver::{body, free_port};
use super::ssh::without_clock;
use super::sshd::{Programs, Sshd};
use super::support::installed;

/// What a person types to leave tmux and let it go on: its prefix, then `d`.
const DETACH: &str = "\x02d";

const REDRAW: &str = "\x0c";

/// A tmux server with a socket of its own; ended when dropped.
pub(crate) struct Tmux {
    program: PathBuf,
    socket: String,
}

impl Tmux {
    /// A server of `home`, and the command line with which people come to their session there: it attaches, or begins
    /// with `aiops ARGUMENTS` when there is nothing to attach to.
    pub(crate) fn new(program: PathBuf, home: &Home, settings: &str, arguments: &[&str]) -> (Self, Vec<String>) {
        Self::running(program, home, settings, &[&[env!("CARGO_BIN_EXE_aiops")], arguments].concat())
    }

    /// The same with another program.
    pub(crate) fn running(program: PathBuf, home: &Home, settings: &str, command: &[&str]) -> (Self, Vec<String>) {
        let place = |name: &str| home.path().join(name).display().to_string();
        std::fs::write(place("tmux.conf"), settings).unwrap();
        let (socket, file) = (place("tmux"), place("tmux.conf"));
        let mut words = vec![program.display().to_string()];
        words.extend(["-S", &socket, "-f", &file, "new-session", "-A", "-s", "work"].map(str::to_owned));
        words.extend(command.iter().map(|word| (*word).to_owned()));
        (Self { program, socket }, words)
    }

    pub(crate) fn ask(&self, words: &[&str]) -> String {
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

/// A person at a terminal that shows the console in tmux.
struct Visit<'a> {
    tmux: &'a Tmux,
    terminal: Console,
    columns: u16,
    rows: u16,
}

impl Visit<'_> {
    /// Waits until tmux and the terminal show the same, which is the console drawn for this size and satisfies
    /// `predicate`; returns it.
    fn wait(&self, what: &str, predicate: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (inside, outside) = (self.tmux.screen(), trimmed(&self.terminal.contents()));
            if inside == outside && self.is_filled_by(&inside) && predicate(&inside) {
                return inside;
            }
            assert!(Instant::now() < deadline, "never came: {what}\nin tmux:\n{inside}\n\non the terminal:\n{outside}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the clock stands in the upper right corner, and something in the last row, which is empty below a box that has
    /// its own hints, or in the one above. Until the console has learnt
    /// of a new size, tmux cuts the screen or leaves room.
    fn is_filled_by(&self, screen: &str) -> bool {
        let header = screen.lines().next().unwrap_or_default();
        let full = header.chars().count() == usize::from(self.columns) && header.ends_with(" UTC");
        let rows = usize::from(self.rows);
        full && (rows - 1..=rows).contains(&screen.lines().count())
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        (self.columns, self.rows) = (columns, rows);
        self.terminal.resize(columns, rows);
    }

    /// Fails unless drawing everything anew leaves the screen as it is: what the console sent as differences was right.
    /// `before` is the screen.
    fn assert_redrawing_changes_nothing(&mut self, before: &str) {
        self.terminal.type_keys(REDRAW);
        // Keys are taken in order: with the help on the screen, the drawing before it is over.
        self.terminal.type_keys("?");
        self.wait("the help", |screen| screen.contains("Keys"));
        self.terminal.type_keys("\x1b");
        let what = format!("the screen as before, which was\n{before}\n");
        self.wait(&what, |screen| without_clock(screen) == without_clock(before));
    }
}

/// Whether these alerts are in the queue, the first one is shown in full, and the source is known to deliver: that is noted a
/// moment after the alerts are stored.
fn shows(screen: &str, alerts: &[&str]) -> bool {
    let delivers = screen.contains("● alertmanager");
    delivers && alerts.iter().all(|alert| screen.contains(alert)) && screen.contains("opened with severity")
}

fn leaving_and_coming_back(test: &str, term: &str) {
    let (Some(programs), Some(program)) = (Programs::installed(test), installed("tmux", test)) else { return };
    let home = Home::new();
    let port = free_port();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n")).display().to_string();
    let settings = format!("set -g default-terminal {term}\nset -g status off\nset -g window-size latest\n");
    let (tmux, command) = Tmux::new(program, &home, &settings, &["--config", &config]);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let sshd = Sshd::start(&programs, &home, &command);
    let visit = |columns, rows| {
        let terminal = sshd.login(&home, columns, rows, "xterm-256color");
        Visit { tmux: &tmux, terminal, columns, rows }
    };
    let alert = |name: &str| body("firing", &[("alertname", name), ("severity", "critical")]);

    let mut first = visit(120, 40);
    until_accepted(port, &alert("FirstThing"));
    let screen = first.wait("the first alert", |screen| shows(screen, &["FirstThing"]) && screen.contains("2 SOP"));
    first.assert_redrawing_changes_nothing(&screen);
    first.terminal.type_keys(DETACH);
    assert_eq!(first.terminal.wait_exit(), 0);

    eventually("tmux without a terminal", || tmux.clients() == 0);
    until_accepted(port, &alert("SecondThing"));
    eventually("the second alert", || tmux.screen().contains("SecondThing"));

    let mut second = visit(100, 30);
    let both = |screen: &str| shows(screen, &["FirstThing", "SecondThing"]);
    let screen = second.wait("both alerts", both);
    second.assert_redrawing_changes_nothing(&screen);
    second.terminal.type_keys("/Second\r");
    second.wait("what fits the filter", |screen| screen.contains("/Second") && !screen.contains("FirstThing"));
    second.terminal.type_keys("\x1b");
    second.wait("both alerts again", both);
    for (columns, rows, panes) in [(80, 24, false), (60, 15, false), (160, 48, true)] {
        second.resize(columns, rows);
        let screen = second.wait("the new size", |screen| both(screen) && screen.contains("2 SOP") == panes);
        second.assert_redrawing_changes_nothing(&screen);
    }
    second.terminal.type_keys("q");
    assert_eq!(second.terminal.wait_exit(), 0);
    eventually("the end of the session", || tmux.server().is_none());
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

/// From a question to the output of an approved command, as people do it who come by ssh and live in tmux.
#[test]
fn a_command_of_an_answer_is_approved_over_ssh_in_tmux() {
    let test = "a_command_of_an_answer_is_approved_over_ssh_in_tmux";
    let (Some(programs), Some(program)) = (Programs::installed(test), installed("tmux", test)) else { return };
    let home = Home::new();
    let settings = "set -g default-terminal tmux-256color\nset -g status off\n";
    let demo = ["demo", "--no-tour", "--stagger", "3600", "--fake-model"];
    let (tmux, command) = Tmux::new(program, &home, settings, &demo);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let sshd = Sshd::start(&programs, &home, &command);
    let mut console = sshd.login(&home, 120, 40, "xterm-256color");
    from_a_question_to_the_output(&mut console);
    console.type_keys("1q");
    assert_eq!(console.wait_exit(), 0);
    eventually("the end of the session", || tmux.server().is_none());
}

#[test]
fn a_terminal_without_an_alternate_screen_is_left_clean() {
    let Some(program) = installed("tmux", "a_terminal_without_an_alternate_screen_is_left_clean") else { return };
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let settings = "set -g status off\nset -g alternate-screen off\nset -g remain-on-exit on\n";
    let (tmux, command) = Tmux::new(program, &home, settings, &["--config", &config]);
    let mut terminal = Console::program(&home, 80, 24, &command, &[]);
    terminal.wait_text("No incident is open");
    terminal.type_keys("q");
    eventually("the end of the console", || {
        tmux.ask(&["display-message", "-p", "-t", "work", "#{pane_dead}"]).trim() == "1"
    });
    let left = tmux.screen();
    assert!(left.lines().all(|line| line.is_empty() || line.starts_with("Pane is dead")), "{left}");
}
