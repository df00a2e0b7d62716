//! Stepping aside for a command that needs the terminal.
//!
//! Owns: the request from the engine, the reading of keys, and how far a loan has come. Does not: touch the terminal (see
//! `terminal`) or start anything.
//!
//! Invariants: while the terminal is lent no key is read, so that none of them can mean anything to the console; what was
//! typed before and after is thrown away.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEventKind};
use crossterm::terminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::terminal::{Input, Reader, Settings, reader};
use crate::domain::id::AttemptId;
use crate::engine::ports::{BoxFuture, RunError, TerminalLender, TerminalLoan};

/// The engine's side: asks the console to step aside.
#[derive(Clone, Debug)]
pub struct Lender(UnboundedSender<LoanRequest>);

/// The console's side.
pub type LoanRequests = UnboundedReceiver<LoanRequest>;

/// Somebody needs the terminal.
#[derive(Debug)]
pub struct LoanRequest {
    /// For which attempt.
    pub(super) attempt: AttemptId,
    /// What runs. Foreign text.
    pub(super) command: String,
    /// Takes the loan, once the console has stepped aside.
    pub(super) answer: oneshot::Sender<TerminalLoan>,
}

/// A lender, and where its requests arrive.
#[must_use]
pub fn lender() -> (Lender, LoanRequests) {
    let (sender, requests) = unbounded_channel();
    (Lender(sender), requests)
}

impl TerminalLender for Lender {
    fn lend(&self, attempt: AttemptId, command: String) -> BoxFuture<'static, Result<TerminalLoan, RunError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.0.send(LoanRequest { attempt, command, answer });
        Box::pin(async move {
            let none = || RunError("The action was not started: the console could not give it the terminal".to_owned());
            asked.map_err(|_| none())?;
            answered.await.map_err(|_| none())
        })
    }
}

/// Who has the terminal.
#[derive(Debug, Default)]
pub(super) enum Lending {
    /// The console.
    #[default]
    Kept,
    /// A command.
    Out {
        /// Tells that it is over.
        over: oneshot::Receiver<String>,
        /// How the terminal was set up before.
        before: Box<Settings>,
    },
    /// Nobody: the person reads what the command has left there.
    Over,
}

impl Lending {
    /// Whether the console has the terminal.
    pub(super) const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept)
    }

    /// Returns when the command is over, with how it ended; an error when nothing was started. Safe to cancel; never
    /// returns while no command has the terminal.
    pub(super) async fn over(&mut self) -> Result<String, oneshot::error::RecvError> {
        match self {
            Self::Out { over, .. } => over.await,
            Self::Kept | Self::Over => std::future::pending().await,
        }
    }
}

/// The keys, as long as the console reads them.
pub(super) struct Keys {
    reader: Option<Reader>,
    /// What came while a reply was waited for.
    kept: VecDeque<io::Result<Input>>,
    resized: Signal,
}

/// A reply is looked for this often while everything else waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(2);

impl Keys {
    /// Reads from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub(super) fn new() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        Ok(Self { reader: Some(Reader::start()?), kept: VecDeque::new(), resized })
    }

    /// What comes next, changes of the terminal's size among it; nothing while nothing is read. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<io::Result<Input>> {
        let Some(reader) = &mut self.reader else { return std::future::pending().await };
        if let Some(kept) = self.kept.pop_front() {
            return Some(kept);
        }
        tokio::select! {
            biased;
            input = reader.next() => input,
            Some(()) = self.resized.recv() => {
                Some(terminal::size().map(|(columns, rows)| Input::Event(Event::Resize(columns, rows))))
            }
        }
    }

    /// Waits, at most `limit`, until the terminal has replied; blocks. Keys that come before it are kept. Returns whether
    /// it has.
    pub(super) fn await_reply(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let Some(reader) = &mut self.reader else { return false };
        while Instant::now() < deadline {
            match reader.try_next() {
                Some(Ok(Input::Arrived)) => return true,
                Some(other) => self.kept.push_back(other),
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
        false
    }

    /// Stops reading: what is typed from now on is for whoever gets the terminal. What was read before is kept.
    pub(super) fn pause(&mut self) {
        let Some(mut reader) = self.reader.take() else { return };
        reader.end();
        self.kept.extend(std::iter::from_fn(|| reader.try_next()));
    }

    /// Reads again after [`Keys::pause`], from where whoever had the terminal has left off.
    pub(super) fn go_on(&mut self) {
        if self.reader.is_none() {
            self.read_from(Reader::start());
        }
    }

    /// Stops reading. When this returns nobody reads from the terminal any more.
    pub(super) fn stop(&mut self) {
        self.reader = None;
        self.kept.clear();
    }

    /// Reads again; what has come meanwhile is thrown away.
    pub(super) fn start(&mut self) {
        self.read_from(reader::discard().and_then(|()| Reader::start()));
    }

    fn read_from(&mut self, started: io::Result<Reader>) {
        match started {
            Ok(reader) => self.reader = Some(reader),
            // Whoever reads next is told.
            Err(error) => {
                self.reader = Some(Reader::ended());
                self.kept = VecDeque::from([Err(error)]);
            }
        }
    }

    /// Throws away what has come by now.
    pub(super) fn discard(&mut self) {
        self.stop();
        self.start();
    }
}

/// Whether `event` is the Enter that the person was asked for. A paste is none.
pub(super) fn is_enter(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.code == KeyCode::Enter && key.kind != KeyEventKind::Release)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyEvent, KeyModifiers};

    use super::*;

    #[tokio::test]
    async fn the_console_is_asked_and_learns_when_it_is_over() {
        let (lender, mut requests) = lender();
        let borrowing = tokio::spawn(lender.lend(AttemptId(7), "vi /etc/hosts".to_owned()));
        let request = requests.recv().await.unwrap();
        assert_eq!((request.attempt, request.command.as_str()), (AttemptId(7), "vi /etc/hosts"));
        let (loan, over) = TerminalLoan::new();
        request.answer.send(loan).unwrap();
        let loan = borrowing.await.unwrap().unwrap();
        loan.give_back("exit 0".to_owned());
        assert_eq!(over.await.as_deref(), Ok("exit 0"));
    }

    #[tokio::test]
    async fn a_loan_that_is_dropped_is_over_too() {
        let (loan, over) = TerminalLoan::new();
        drop(loan);
        assert!(over.await.is_err());
    }

    #[tokio::test]
    async fn without_a_console_nothing_is_lent() {
        let (sender, requests) = lender();
        drop(requests);
        assert!(sender.lend(AttemptId(1), String::new()).await.is_err());
        // A console that could not step aside drops the request.
        let (sender, mut requests) = lender();
        let borrowing = tokio::spawn(sender.lend(AttemptId(1), String::new()));
        drop(requests.recv().await);
        assert!(borrowing.await.unwrap().is_err());
    }

    #[test]
    fn only_a_pressed_enter_is_an_answer() {
        let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        assert!(is_enter(&key(KeyCode::Enter)));
        assert!(!is_enter(&key(KeyCode::Char('q'))));
        assert!(!is_enter(&Event::Paste("\r".to_owned())));
        assert!(!is_enter(&Event::Resize(80, 24)));
    }
}
