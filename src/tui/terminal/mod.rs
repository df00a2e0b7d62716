//! The terminal as the console holds it: taken when the console opens, given back exactly once, however it ends.
//!
//! Owns: raw mode, the alternate screen, bracketed paste, mouse reports and the cursor's visibility, for the process as a whole, because
//! a panic in any thread has to give them back. Invariants: nothing is written to a terminal that is not held; giving
//! back never waits for long, even when the terminal takes nothing any more.
//! Does not: know what keys mean, or draw (see `encoder`).

mod caps;
mod checkup;
mod clipboard;
mod decoder;
pub(crate) mod reader;
mod signals;
mod writer;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::terminal;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::termios::{FlowArg, FlushArg, SetArg, Termios, tcflow, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, getsid, tcsetpgrp};
use ratatui::layout::Size;
use tokio::sync::Notify;

pub use caps::Caps;
pub use checkup::check_terminal;
pub use clipboard::Clipboard;
pub(crate) use decoder::Input;
pub(crate) use reader::Reader;
pub use signals::{Signals, TerminalSignal};
pub use writer::Writer;

use crate::tui::ui::Mouse;

/// Alternate screen, all rows as the region that scrolls, plain pen, bracketed paste, no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[r\x1b[m\x1b[?2004h\x1b[?25l";

/// The way back. CAN ends a sequence that may have been cut in the middle, then a synchronized update that may be open and a
/// region of rows that may be set.
/// The screen is erased, because not every terminal has another one to go back to: the Linux console has not, and screen
/// and tmux can be told to have none.
const LEAVE: &[u8] = b"\x18\x1b[?2026l\x1b[r\x1b[m\x1b[H\x1b[J\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// What a program that was killed may have left behind: another screen, mouse reports, key modes, a scrolled part, a
/// character set, no line wrap, a pen. The cursor stays where it is, below what was shown last; mode 1049 would put it
/// where it was long ago.
const TIDY: &[u8] =
    b"\x18\x1b[?47l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>\x1b7\x1b[r\x1b8\x1b(B\x0f\x1b[?7h\
                       \x1b[m\x1b[?25h";
/// Buttons and the wheel are reported (1000), in a form without limits (1006). Movements are not: each would be a message
/// over the line.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// They are not any more.
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// A paste is told from keys.
const PASTES: &[u8] = b"\x1b[?2004h";
/// It is not any more.
const NO_PASTES: &[u8] = b"\x1b[?2004l";

/// Giving back waits at most this long for a terminal that does not take what is written.
const PATIENCE: Duration = Duration::from_millis(500);

/// The writing thread gives others a chance to take the terminal back after so many bytes.
const CHUNK: usize = 4096;

/// Assumed when the terminal does not know its size, as on a serial line.
const DEFAULT_SIZE: Size = Size::new(80, 24);

/// Who started us has the terminal.
const RELEASED: u8 = 0;
/// The console has it.
const HELD: u8 = 1;
/// Nobody has it any more: it hung up.
const GONE: u8 = 2;
/// The console reads from it and does not draw: it shows what a command has left there.
const READING: u8 = 3;

/// Who has the terminal: one of the four above. Whoever changes it from `HELD` gives the terminal back, so that this
/// happens once.
static HOLD: AtomicU8 = AtomicU8::new(RELEASED);
/// Whether the console has the mouse whenever it has the terminal.
static MOUSE: AtomicBool = AtomicBool::new(false);
/// Held while writing to the terminal.
static WRITING: Mutex<()> = Mutex::new(());
static PANIC_HOOK: Once = Once::new();
/// A panic has given the terminal back.
static PANICKED: Notify = Notify::const_new();

/// Why the console cannot have the terminal, in words for the person.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// Standard output goes elsewhere.
    #[error(
        "The console needs a terminal, and standard output is not one. Run it without a pipe or redirection, with \
         `ssh -t` on another host, or use a command such as `aiops incidents list`."
    )]
    NotATerminal,
    /// The terminal cannot move its cursor.
    #[error(
        "The console cannot work on this terminal: TERM is `dumb` or not set. Set TERM to the terminal's kind, such as \
         `xterm`, or use a command such as `aiops incidents list`."
    )]
    Dumb,
    /// It is open already in this process.
    #[error("The console is open already.")]
    Held,
    /// The system refused.
    #[error("The terminal could not be set up: {0}. Check that it is still there (`tty`) and not in the background.")]
    Io(#[from] io::Error),
}

/// Why the console cannot be stopped.
#[derive(Debug, thiserror::Error)]
pub enum SuspendError {
    /// No shell waits behind it that could make it go on.
    #[error("Not suspended: no shell with job control waits behind the console. Quit it instead; nothing is lost.")]
    NoShell,
    /// The system refused.
    #[error("Not suspended: {0}. The console goes on.")]
    Io(#[from] io::Error),
}

/// How a terminal is set up (termios(3)).
#[derive(Clone, Debug)]
pub struct Settings(Termios);

/// The terminal in the console's hands. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Session(());

impl Session {
    /// Takes the terminal. A panic in any thread gives it back before its message is printed; the hook that was set
    /// before prints it.
    ///
    /// # Errors
    /// [`EnterError`]; nothing is changed then.
    pub fn enter(caps: Caps) -> Result<Self, EnterError> {
        if !io::stdout().is_terminal() {
            return Err(EnterError::NotATerminal);
        }
        if caps.dumb {
            return Err(EnterError::Dumb);
        }
        PANIC_HOOK.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                release();
                PANICKED.notify_one();
                print(info);
            }));
        });
        if HOLD.load(SeqCst) == HELD {
            return Err(EnterError::Held);
        }
        take()?;
        Ok(Self(()))
    }

    /// A writer for the frames of this session.
    ///
    /// # Errors
    /// When the system gives no descriptor or no thread.
    pub fn writer(&self) -> io::Result<Writer> {
        Writer::new(Output(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }

    /// Who has the mouse from now on, whenever the console has the terminal; returns what to send to the terminal, between
    /// two frames.
    #[must_use]
    pub fn give_mouse_to(&self, mouse: Mouse) -> &'static [u8] {
        let wanted = mouse == Mouse::Console;
        match (MOUSE.swap(wanted, SeqCst), wanted) {
            (false, true) => MOUSE_ON,
            (true, false) => MOUSE_OFF,
            (true, true) | (false, false) => b"",
        }
    }

    /// The terminal's size in columns and rows.
    #[must_use]
    pub fn size(&self) -> Size {
        match terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 0 => Size::new(columns, rows),
            Ok(_) | Err(_) => DEFAULT_SIZE,
        }
    }

    /// Whether the console has the terminal now. It has not after a panic or a hang-up, and while somebody else has it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        HOLD.load(SeqCst) == HELD
    }

    /// Whether the terminal hung up. It has not while somebody else has it, such as the shell that the console was stopped
    /// in favour of.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        HOLD.load(SeqCst) == GONE
    }

    /// Returns when a panic, in whichever thread, has given the terminal back: nobody must go on reading keys from it.
    /// Safe to cancel.
    pub async fn panicked(&self) {
        PANICKED.notified().await;
    }

    /// Gives the terminal back and stops the process group, as Ctrl-Z does. Returns when the process goes on, or a moment
    /// before it stops; either way [`TerminalSignal::Continued`] follows, and then [`Session::resume`] is due.
    ///
    /// # Errors
    /// When there is nobody who could make it go on, or the system refuses; the terminal is held then as before, and has
    /// to be drawn anew in the second case.
    pub fn suspend(&self) -> Result<(), SuspendError> {
        if !has_shell_behind() {
            return Err(SuspendError::NoShell);
        }
        release();
        if let Err(error) = kill(Pid::from_raw(0), Signal::SIGSTOP) {
            self.resume()?;
            return Err(SuspendError::Io(error.into()));
        }
        Ok(())
    }

    /// Gives the terminal away for a command, below the line `notice`. What was typed ahead is thrown away: it was not meant
    /// for the command. Nobody may read keys any more.
    ///
    /// # Errors
    /// When the system refuses; the terminal is held then as before, and has to be drawn anew.
    pub fn lend(&self, notice: &str) -> io::Result<Settings> {
        release();
        let lend = || -> io::Result<Settings> {
            let terminal = io::stdout();
            tcflush(&terminal, FlushArg::TCIFLUSH)?;
            let settings = Settings(tcgetattr(&terminal)?);
            write_own(notice.as_bytes())?;
            Ok(settings)
        };
        lend().or_else(|error| {
            self.resume()?;
            Err(error)
        })
    }

    /// Takes the terminal back from a command, whatever it has done to it, and leaves what it has shown on the screen. What
    /// was typed and not read by it is thrown away. Keys can be read again; [`Session::resume`] shows the console.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take_back(&self, before: &Settings) -> io::Result<()> {
        if HOLD.load(SeqCst) == GONE {
            return Ok(());
        }
        to_foreground()?;
        // Never waiting until the terminal has taken everything: Ctrl-S may have stopped it.
        tcflow(io::stdout(), FlowArg::TCOON)?;
        tcsetattr(io::stdout(), SetArg::TCSANOW, &before.0)?;
        tcflush(io::stdout(), FlushArg::TCIFLUSH)?;
        terminal::enable_raw_mode()?;
        HOLD.store(READING, SeqCst);
        write_own(&[TIDY, PASTES].concat())
    }

    /// Writes `words` below what a command has left on the screen.
    ///
    /// # Errors
    /// When the terminal does not take them.
    pub fn say_below(&self, words: &str) -> io::Result<()> {
        match HOLD.load(SeqCst) {
            READING => write_own(format!("\r\n{words}").as_bytes()),
            _ => Ok(()),
        }
    }

    /// Takes the terminal again after a stop; whoever had it in between may have changed anything. Everything has to be
    /// drawn anew (`Encoder::repaint`), and the size to be read again.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub fn resume(&self) -> io::Result<()> {
        if HOLD.load(SeqCst) == GONE {
            return Ok(());
        }
        // crossterm keeps a note of being raw, which a shell that had the terminal has made untrue.
        terminal::disable_raw_mode()?;
        take()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        release();
    }
}

/// Frames on their way to the terminal. What comes while the console does not have it is discarded: everything is drawn
/// anew when it has it again.
struct Output(File);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if HOLD.load(SeqCst) != HELD {
            return Ok(bytes.len());
        }
        match self.0.write(chunk) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                drop(writing);
                // Another program made the terminal non-blocking; wait for room.
                wait_writable(self.0.as_fd(), PollTimeout::NONE);
                Err(io::ErrorKind::Interrupted.into())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the writing thread from writing, if that can be had within [`PATIENCE`]: it may be stuck in a terminal that takes
/// nothing, or this very thread may be that one, in a panic.
fn keep_writer_out() -> Option<MutexGuard<'static, ()>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match WRITING.try_lock() {
            Ok(writing) => return Some(writing),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Raw mode and the console's screen.
fn take() -> io::Result<()> {
    let _writing = keep_writer_out();
    terminal::enable_raw_mode()?;
    let mouse = if MOUSE.load(SeqCst) { MOUSE_ON } else { b"" };
    if let Err(error) = write_own(&[ENTER, mouse].concat()) {
        // Better a message on a usable terminal than a raw one without.
        let _ = terminal::disable_raw_mode();
        HOLD.store(RELEASED, SeqCst);
        return Err(error);
    }
    HOLD.store(HELD, SeqCst);
    Ok(())
}

/// Gives the terminal back if it is held; the second time nothing happens.
fn release() {
    let way_back = if HOLD.compare_exchange(HELD, RELEASED, SeqCst, SeqCst).is_ok() {
        LEAVE
    } else if HOLD.compare_exchange(READING, RELEASED, SeqCst, SeqCst).is_ok() {
        NO_PASTES
    } else {
        return;
    };
    // What is being written at this moment comes first; after it the writing thread sees that the terminal is not ours.
    let _writing = keep_writer_out();
    // Errors are of no use to anyone here: the terminal is as it is.
    let mouse = if MOUSE.load(SeqCst) { MOUSE_OFF } else { b"" };
    let _ = write_own(&[way_back, mouse].concat());
    let _ = terminal::disable_raw_mode();
}

/// Makes this process's group the one that keys go to.
fn to_foreground() -> io::Result<()> {
    // From the background this asks for the foreground, which is answered with a stop unless it is blocked.
    let mut asking = SigSet::empty();
    asking.add(Signal::SIGTTOU);
    let before = asking.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let asked = tcsetpgrp(io::stdout(), getpgrp());
    before.thread_set_mask()?;
    Ok(asked?)
}

/// The terminal hung up: from here on nothing is written to it.
fn abandon() {
    HOLD.store(GONE, SeqCst);
}

/// Writes a few bytes past the writing thread, if the terminal takes them in time.
fn write_own(bytes: &[u8]) -> io::Result<()> {
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::ZERO);
    if !wait_writable(output.as_fd(), patience) {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "the terminal takes no output"));
    }
    output.write_all(bytes)
}

fn wait_writable(output: BorrowedFd<'_>, limit: PollTimeout) -> bool {
    let mut descriptors = [PollFd::new(output, PollFlags::POLLOUT)];
    matches!(poll(&mut descriptors, limit), Ok(ready) if ready > 0)
}

/// Whether a shell with job control waits behind the console: it has put us into a process group that is not the one of
/// the session's leader. Without one (started by sshd, by tmux or by a terminal directly, or from a script that is the
/// leader) a stopped process would stay stopped for ever.
fn has_shell_behind() -> bool {
    getsid(None).is_ok_and(|leader| leader != getpgrp() && kill(leader, None) != Err(Errno::ESRCH))
}

#[cfg(test)]
mod tests;
