//! Reading what the terminal sends, in a thread of its own.
//!
//! Owns: the thread and the descriptor it reads from. Invariants: when a reader has been dropped nobody reads from the
//! terminal any more; nothing is thrown away but by [`discard`]. Does not: know what keys mean; bytes are turned into events by `decoder`.

use std::fs::File;
use std::io::{self, IsTerminal as _, PipeReader, PipeWriter, Read as _, pipe};
use std::os::fd::AsFd as _;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::decoder::{Behind, Decoder, Input};

/// Bytes that are read at once: a line of text, or a few hundred keys.
const AT_ONCE: usize = 4096;
/// After an escape the rest of a sequence gets this long to come, in milliseconds: a slow line may cut it there. The
/// key Escape is that much later.
const AFTER_ESCAPE: u16 = 10;

/// A thread that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    inputs: UnboundedReceiver<io::Result<Input>>,
    /// The thread ends when this is dropped.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Reads from now on.
    ///
    /// # Errors
    /// When there is no terminal, or the system gives no descriptor or thread.
    pub(crate) fn start() -> io::Result<Self> {
        let terminal = terminal()?;
        let (stopped, stop) = pipe()?;
        let (sender, inputs) = unbounded_channel();
        let read = move || read(terminal, &stopped, &sender);
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(read)?;
        Ok(Self { inputs, stop: Some(stop), thread: Some(thread) })
    }

    /// One that has nothing to read, and says so.
    pub(crate) fn ended() -> Self {
        let (_, inputs) = unbounded_channel();
        Self { inputs, stop: None, thread: None }
    }

    /// What has come by now.
    pub(crate) fn try_next(&mut self) -> Option<io::Result<Input>> {
        self.inputs.try_recv().ok()
    }

    /// Reads no further; when this returns nothing comes any more but what was read before.
    pub(crate) fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was reported by the hook.
            let _ = thread.join();
        }
    }

    /// What comes next; `None` when the terminal has ended. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Input>> {
        self.inputs.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.end();
    }
}

/// Throws away what was typed and not read.
///
/// # Errors
/// When there is no terminal.
pub(crate) fn discard() -> io::Result<()> {
    Ok(tcflush(terminal()?, FlushArg::TCIFLUSH)?)
}

/// Where keys come from: standard input may be something else.
fn terminal() -> io::Result<File> {
    let input = io::stdin();
    if input.is_terminal() { Ok(File::from(input.as_fd().try_clone_to_owned()?)) } else { File::open("/dev/tty") }
}

/// Reads until the other end of `stopped` or of `inputs` is dropped, or the terminal ends.
fn read(mut terminal: File, stopped: &PipeReader, inputs: &UnboundedSender<io::Result<Input>>) {
    let mut decoder = Decoder::default();
    let mut buffer = [0; AT_ONCE];
    while let Some(Ready::Input) = wait(&terminal, stopped, PollTimeout::NONE) {
        let bytes = match terminal.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => continue,
            Err(error) => {
                let _ = inputs.send(Err(error));
                return;
            }
        };
        let patience = if Decoder::ends_in_escape(bytes) { AFTER_ESCAPE } else { 0 };
        let behind = match wait(&terminal, stopped, PollTimeout::from(patience)) {
            Some(Ready::Input) => Behind::More,
            Some(Ready::Stop) | None => Behind::Nothing,
        };
        for input in decoder.decode(bytes, behind) {
            if inputs.send(Ok(input)).is_err() {
                return;
            }
        }
    }
}

/// What there is to do.
enum Ready {
    /// The terminal can be read.
    Input,
    /// Nobody wants it any more.
    Stop,
}

/// Waits for one or the other; `None` when neither has come in time.
fn wait(terminal: &File, stopped: &PipeReader, limit: PollTimeout) -> Option<Ready> {
    loop {
        let mut descriptors =
            [PollFd::new(stopped.as_fd(), PollFlags::POLLIN), PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        match poll(&mut descriptors, limit) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return Some(Ready::Stop),
        }
        // An end or an error is read, too.
        let [stop, input] = descriptors.map(|descriptor| descriptor.any() != Some(false));
        return match (stop, input) {
            (true, _) => Some(Ready::Stop),
            (false, true) => Some(Ready::Input),
            (false, false) => None,
        };
    }
}
