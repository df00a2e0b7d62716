//! The real binary in a real pseudo-terminal, looked at through a terminal emulator.
//!
//! Waits on what the screen shows, never on time alone; a failed wait prints the screen.

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take to show something. Generous: the machine may be busy; a pass does not wait for it.
///
/// Some of what is waited for takes a quarter of a minute by itself, such as giving up a start that nobody confirmed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own for everything that the program keeps.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data").join("aiops.db")
    }

    /// Writes a configuration file and returns its path.
    pub(crate) fn configure(&self, text: &str) -> PathBuf {
        let path = self.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a subcommand to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_aiops"));
        command.args(arguments).env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.output().unwrap()
    }

    /// Makes the directories that the environment names and that have to be there.
    pub(crate) fn make_directories(&self) {
        for name in ["tmp", "home"] {
            std::fs::create_dir_all(self.path().join(name)).unwrap();
        }
    }

    /// The whole environment of what runs in this home.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let place = |name: &str| self.path().join(name).display().to_string();
        vec![
            ("HOME".to_owned(), place("home")),
            ("XDG_CONFIG_HOME".to_owned(), place("config")),
            ("XDG_DATA_HOME".to_owned(), place("data-home")),
            ("XDG_STATE_HOME".to_owned(), place("state")),
            ("TMPDIR".to_owned(), place("tmp")),
            ("AIOPS_DB".to_owned(), self.database().display().to_string()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ]
    }
}

struct Screen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    closed: bool,
}

/// What a terminal is asked for its status with, and what it replies when all is well (ECMA-48, 8.3.35).
const ASKED: &[u8] = b"\x1b[5n";
const REPLY: &[u8] = b"\x1b[0n";

impl Screen {
    /// Shows what has come; returns how often the terminal was asked for its status.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let begin = self.raw.len().saturating_sub(ASKED.len() - 1);
        self.parser.process(bytes);
        self.raw.extend_from_slice(bytes);
        self.raw[begin..].windows(ASKED.len()).filter(|window| *window == ASKED).count()
    }
}

/// A running console.
pub(crate) struct Console {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    screen: Arc<(Mutex<Screen>, Condvar)>,
}

impl Console {
    /// Starts `aiops ARGUMENTS` on a terminal of this size.
    pub(crate) fn start(home: &Home, columns: u16, rows: u16, arguments: &[&str]) -> Self {
        Self::start_with(home, columns, rows, arguments, &[])
    }

    pub(crate) fn start_with(home: &Home, columns: u16, rows: u16, arguments: &[&str], extra: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_aiops"));
        command.args(arguments);
        Self::spawn(home, size, command, extra)
    }

    /// Starts a shell with job control, for what only happens below one.
    pub(crate) fn shell(home: &Home, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(["--norc", "--noprofile", "-i"]);
        Self::spawn(home, size, command, &[("PS1", "ready$ ")])
    }

    /// Starts another program, through which a console is reached; `words` begin with its path.
    pub(crate) fn program(home: &Home, columns: u16, rows: u16, words: &[String], extra: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let (program, arguments) = words.split_first().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        Self::spawn(home, size, command, extra)
    }

    fn spawn(home: &Home, size: PtySize, mut command: CommandBuilder, extra: &[(&str, &str)]) -> Self {
        home.make_directories();
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        for (name, value) in extra {
            command.env(name, value);
        }
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let replies = Arc::clone(&keys);
        let parser = vt100::Parser::new(size.rows.try_into().unwrap(), size.cols.try_into().unwrap(), 0);
        let screen = Arc::new((Mutex::new(Screen { parser, raw: Vec::new(), closed: false }), Condvar::new()));
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 65_536];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut screen = shared.0.lock().unwrap();
                let asked = screen.take(&buffer[..count]);
                screen.closed = count == 0;
                drop(screen);
                shared.1.notify_all();
                // As every terminal does, when it has shown what came before.
                if asked > 0 {
                    let _ = replies.lock().unwrap().write_all(&REPLY.repeat(asked));
                }
                if count == 0 {
                    return;
                }
            }
        });
        Self { child, master: pair.master, keys, screen }
    }

    /// Waits until the screen's text satisfies `predicate`; `what` says what was expected.
    pub(crate) fn wait(&self, what: &str, predicate: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            let contents = screen.parser.screen().contents();
            if predicate(&contents) {
                return contents;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the screen never showed {what}; closed: {}\n{contents}", screen.closed);
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// What `look` finds on the screen, as soon as it finds something; `None` when `patience` is over.
    pub(crate) fn find<T>(&self, patience: Duration, look: impl Fn(&vt100::Screen) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            if let Some(found) = look(screen.parser.screen()) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits until the screen contains `text`.
    pub(crate) fn wait_text(&self, text: &str) -> String {
        self.wait(&format!("{text:?}"), |contents| contents.contains(text))
    }

    /// Types.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        let mut terminal = self.keys.lock().unwrap();
        terminal.write_all(keys.as_bytes()).unwrap();
        terminal.flush().unwrap();
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.screen
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        self.master.resize(size).unwrap();
    }

    /// What `look` finds on the emulated screen, colours included.
    pub(crate) fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.0.lock().unwrap().parser.screen())
    }

    pub(crate) fn contents(&self) -> String {
        self.screen.0.lock().unwrap().parser.screen().contents()
    }

    /// Every byte that the program has written so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.screen.0.lock().unwrap().raw.clone()
    }

    /// How many bytes the program has written so far.
    pub(crate) fn written(&self) -> usize {
        self.screen.0.lock().unwrap().raw.len()
    }

    /// Whether the emulated terminal is in the alternate screen.
    pub(crate) fn alternate_screen(&self) -> bool {
        self.screen.0.lock().unwrap().parser.screen().alternate_screen()
    }

    pub(crate) fn cursor_hidden(&self) -> bool {
        self.screen.0.lock().unwrap().parser.screen().hide_cursor()
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// What the kernel does to the programs of a terminal whose connection is lost.
    pub(crate) fn hang_up(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGHUP).unwrap();
    }

    /// Waits for the end of the program and returns its exit code.
    pub(crate) fn wait_exit(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the program did not end\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
