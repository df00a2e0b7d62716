//! Stepping aside for a command that needs the terminal.
//!
//! Owns: the request from the engine, the reading of keys, and how far a loan has come. Does not: touch the terminal (see
//! `terminal`) or start anything.
//!
//! Invariants: while the terminal is lent no key is read, so that none of them can mean anything to the console; what was
//! typed before and after is thrown away.

use std::io;
use std::time::Duration;

use crossterm::event::{self, Event, EventStream, KeyCode, KeyEventKind};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::terminal::Settings;
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

/// Keys that have arrived are there within this time. Not zero: the reader does not look then.
const A_MOMENT: Duration = Duration::from_millis(1);
/// So many events are thrown away at once: somebody leans on a key.
const MOST_DISCARDED: usize = 10_000;

/// The keys, as long as the console reads them.
pub(super) struct Keys(Option<EventStream>);

impl Keys {
    /// Reads from now on.
    pub(super) fn new() -> Self {
        Self(Some(EventStream::new()))
    }

    /// The next event; never while nothing is read. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<io::Result<Event>> {
        match &mut self.0 {
            Some(stream) => stream.next().await,
            None => std::future::pending().await,
        }
    }

    /// Stops reading. When this returns nobody reads from the terminal any more.
    pub(super) fn stop(&mut self) {
        self.0 = None;
        // A dropped stream only tells its thread to stop. A new one cannot be made before that thread has let go of the
        // terminal, and reads nothing before it is asked.
        drop(EventStream::new());
    }

    /// Reads again; what has come meanwhile is thrown away.
    pub(super) fn start(&mut self) {
        // Not through a stream: it remembers who asked it first and wakes nobody else.
        let mut quiet = 0;
        for _ in 0..MOST_DISCARDED {
            match event::poll(A_MOMENT) {
                Ok(true) if event::read().is_ok() => quiet = 0,
                // The first answer may be that the stream before has been dropped.
                Ok(_) | Err(_) if quiet > 0 => break,
                Ok(_) | Err(_) => quiet += 1,
            }
        }
        self.0 = Some(EventStream::new());
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
