//! The loop of a replay: reads keys, shows moments, goes on by itself.
//!
//! Invariants: it talks to the terminal and to nothing else; a frame is drawn only when something changed and the terminal
//! has taken the one before.

use std::io;
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use ratatui::Terminal;
use ratatui::layout::{Rect, Size};
use tokio::time::Instant;

use super::{Asked, Flow, Replay, draw};
use crate::tui::console::Ended;
use crate::tui::encoder::Encoder;
use crate::tui::lending::Keys;
use crate::tui::look::Look;
use crate::tui::terminal::{Caps, EnterError, Input, Session, Signals, TerminalSignal, Writer};

/// The last frame gets this long to be written when the replay is left.
const DRAIN: Duration = Duration::from_millis(500);

/// What the loop needs: nothing that could act.
pub struct Screen {
    /// What is shown.
    pub replay: Replay,
    /// How things look.
    pub look: Look,
    /// What the terminal can do.
    pub caps: Caps,
}

struct Running {
    replay: Replay,
    look: Look,
    terminal: Terminal<Encoder>,
    writer: Writer,
    session: Session,
    size: Size,
    dirty: bool,
    /// When the next moment is due.
    due: Option<Instant>,
    ended: Option<Ended>,
}

impl Screen {
    /// Runs until the person leaves or the terminal is gone.
    ///
    /// # Errors
    /// When there is no terminal or it cannot be set up.
    pub async fn run(self) -> Result<Ended, EnterError> {
        let Self { replay, look, caps } = self;
        // Before the terminal is touched: a handler that is missing for a moment would leave it in disorder.
        let mut signals = Signals::new()?;
        let session = Session::enter(caps)?;
        let size = session.size();
        let writer = session.writer()?;
        // The encoder cannot fail: it writes into memory.
        let Ok(terminal) = Terminal::new(Encoder::new(size, caps.depth, look.repertoire));
        let mut keys = Keys::new()?;
        let (dirty, due, ended) = (true, None, None);
        let mut running = Running { replay, look, terminal, writer, session, size, dirty, due, ended };
        while running.ended.is_none() {
            running.paint();
            tokio::select! {
                biased;
                input = keys.next() => running.input(input),
                signal = signals.next() => running.signal(signal, &mut keys),
                () = running.session.panicked() => running.ended = Some(Ended::Panicked),
                () = running.writer.settled() => running.settled(),
                () = at(running.due) => running.advance(),
            }
        }
        running.writer.drain(DRAIN);
        // Before the terminal is given back: what is typed from then on is for the shell.
        keys.stop();
        Ok(running.ended.unwrap_or(Ended::Quit))
    }
}

impl Running {
    fn input(&mut self, input: Option<io::Result<Input>>) {
        match input {
            Some(Ok(Input::Event(Event::Key(key)))) if key.kind != KeyEventKind::Release => {
                let Some(asked) = Asked::of(key) else { return };
                if self.replay.update(asked) == Flow::Leave {
                    self.ended = Some(Ended::Quit);
                }
                self.replay.settle((self.size.width, self.size.height));
                self.changed();
            }
            Some(Ok(Input::Event(Event::Resize(columns, rows)))) => self.resize(Size::new(columns, rows)),
            // A paste is no key, and nothing is asked of the terminal.
            Some(Ok(Input::Event(_) | Input::Arrived)) => {}
            Some(Err(error)) => {
                tracing::error!(%error, "the terminal cannot be read");
                self.ended = Some(Ended::HungUp);
            }
            None => self.ended = Some(Ended::HungUp),
        }
    }

    fn signal(&mut self, signal: TerminalSignal, keys: &mut Keys) {
        match signal {
            TerminalSignal::Terminate | TerminalSignal::Interrupt => self.ended = Some(Ended::Quit),
            TerminalSignal::HangUp => self.ended = Some(Ended::HungUp),
            TerminalSignal::Suspend => {
                self.writer.drain(DRAIN);
                keys.pause();
                if let Err(error) = self.session.suspend() {
                    tracing::warn!(%error, "the replay could not be suspended");
                    keys.go_on();
                    self.repaint();
                }
            }
            TerminalSignal::Continued => {
                if let Err(error) = self.session.resume() {
                    tracing::error!(%error, "the terminal could not be taken back");
                }
                keys.go_on();
                self.repaint();
            }
        }
    }

    fn settled(&mut self) {
        if self.writer.failure().is_some() || self.session.is_gone() {
            self.ended = Some(Ended::HungUp);
        }
    }

    fn advance(&mut self) {
        self.replay.advance();
        self.changed();
    }

    fn changed(&mut self) {
        self.dirty = true;
        self.due = self.replay.due_after().map(|after| Instant::now() + after);
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.terminal.backend_mut().resize(size);
        let Ok(()) = self.terminal.resize(Rect::new(0, 0, size.width, size.height));
        self.replay.settle((size.width, size.height));
        self.dirty = true;
    }

    fn repaint(&mut self) {
        self.terminal.backend_mut().repaint();
        self.resize(self.session.size());
    }

    fn paint(&mut self) {
        if !self.dirty || !self.session.is_held() || !self.writer.is_idle() {
            return;
        }
        self.dirty = false;
        let (replay, look) = (&self.replay, &self.look);
        let Ok(_) = self.terminal.draw(|frame| draw::draw(frame.buffer_mut(), replay, look));
        self.writer.submit(self.terminal.backend_mut().take());
    }
}

/// Returns at this moment; never without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
