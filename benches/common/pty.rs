//! A console on a pseudo-terminal, and when it wrote what.
//!
//! Owns: the program, its screen, and the stamps of everything that it writes. Does not: know what is measured.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// What was written, when.
pub(crate) struct Piece {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

/// A running console; it is left when this is dropped.
pub(crate) struct Console {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    pub(crate) output: Receiver<Piece>,
    screen: Arc<Mutex<vt100::Parser>>,
    pub(crate) started: Instant,
    _master: Box<dyn MasterPty + Send>,
}

impl Console {
    /// Starts the release binary on a terminal of `columns` and `rows`, with everything of a person's below `home`.
    pub(crate) fn start(home: &Path, database: &Path, (columns, rows): (u16, u16), arguments: &[&str]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_aiops"));
        command.args(arguments);
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env(name, home);
        }
        command.env("AIOPS_DB", database);
        command.cwd(home);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)));
        let (sender, output) = channel();
        let shared = Arc::clone(&screen);
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 65_536];
            while let Ok(bytes @ 1..) = reader.read(&mut buffer) {
                let at = Instant::now();
                shared.lock().unwrap().process(&buffer[..bytes]);
                if sender.send(Piece { at, bytes: buffer[..bytes].to_vec() }).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, output, screen, started, _master: pair.master }
    }

    /// Bytes until nothing came for `quiet`, and when the last of them came.
    pub(crate) fn reply(&self, quiet: Duration, patience: Duration) -> (usize, Option<Instant>) {
        let (mut bytes, mut last) = (0, None);
        let deadline = Instant::now() + patience;
        loop {
            let wait = if last.is_some() { quiet } else { deadline.saturating_duration_since(Instant::now()) };
            match self.output.recv_timeout(wait) {
                Ok(piece) => {
                    bytes += piece.bytes.len();
                    last = Some(piece.at);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return (bytes, last),
            }
        }
    }

    /// Types `key`.
    pub(crate) fn press(&mut self, key: &[u8]) {
        self.keys.write_all(key).unwrap();
        self.keys.flush().unwrap();
    }

    /// The words on the screen.
    pub(crate) fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Left in good order, so that the next console does not first have to take over from a dead one.
        self.press(b"q");
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value below which this share of all values lies; NaN without values.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
