//! The loop of the console: receives, updates, draws. Its task does nothing else.
//!
//! Owns: the order of these three, timers, and handing effects to other tasks. Does not: know keys, panes or rules.
//!
//! Invariants: a frame is drawn only when something changed and the terminal has taken the frame before it; what a key
//! caused is drawn at once, the rest at most 60 times a second and, over ssh, in pieces at the pace of the line (`pace`).
//! What counts as seen in a review is drawn as a whole.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use ratatui::Terminal;
use ratatui::layout::{Rect, Size};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::domain::id::SopId;
use crate::domain::text::visible_in;
use crate::engine::attention::Attention;
use crate::engine::backend::{Backend, BackendError, SnapshotQuery};
use crate::engine::ports::{Clock, PersonalFile, PersonalFiles, TerminalLoan};
use crate::tui::chat::relay::Relay;
use crate::tui::draw::draw;
use crate::tui::encoder::Encoder;
use crate::tui::keeping::Keeping;
use crate::tui::lending::{Keys, Lending, LoanRequest, LoanRequests, is_enter};
use crate::tui::look::Look;
use crate::tui::msg::{Copied, Copy, Effect, Loaded, Moment, Msg, Timer};
use crate::tui::pace::{ASK, Pace, Sent};
use crate::tui::place::Place;
use crate::tui::splits::Splits;
use crate::tui::terminal::{Caps, Clipboard, EnterError, Input, Session, Signals, TerminalSignal, Writer};
use crate::tui::ui::{Model, Overlay};
use crate::tui::update::{self, drawn, update};
use crate::tui::workbench::{Found, Subject};

/// Frames that no key asked for are at least this far apart: 60 a second.
const FRAME: Duration = Duration::from_micros(16_667);
/// The first frame waits this long for the store at most; after that it shows what there is.
const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(1);
/// Rows wait at most this long for the SOP beside them.
const SOP_WITHIN: Duration = Duration::from_millis(100);
/// The last frame gets this long to be written when the console is left.
const DRAIN: Duration = Duration::from_millis(500);
/// A reply gets this long to come before somebody else has the terminal: on a line that stands still for longer it is found
/// among their keys.
const REPLY_WITHIN: Duration = Duration::from_secs(3);

/// Why the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person asked for it, or a signal that means the same.
    Quit,
    /// The terminal is gone; running commands go on.
    HungUp,
    /// A defect of the program has given the terminal back and said so there; running commands go on.
    Panicked,
}

/// Where the console begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where the person was when the connection was lost, if they were anywhere.
    WhereLeft,
    /// At the top of the queue.
    Fresh,
}

/// What the loop needs.
pub struct Console {
    /// State of the screen.
    pub model: Model,
    /// How things look.
    pub look: Look,
    /// What the terminal can do.
    pub caps: Caps,
    /// How fast the line to the person is.
    pub pace: Pace,
    /// The engine.
    pub backend: Arc<dyn Backend>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Things to tell the person that have no other place: at the start, and later.
    pub notices: UnboundedReceiver<String>,
    /// Commands that need the terminal.
    pub loans: LoanRequests,
    /// Takes the lines between the panes whenever they were moved, to keep them.
    pub splits: UnboundedSender<Splits>,
    /// Where the person's own small files are.
    pub files: Arc<dyn PersonalFiles>,
    /// Whether to go back to where the person was before a lost connection.
    pub start: Start,
    /// Takes note of everything that the person does here.
    pub attention: Attention,
}

impl Console {
    /// Runs until the person leaves or the terminal is gone. `after_first_frame` is called once, when that frame has been
    /// handed to the terminal.
    ///
    /// # Errors
    /// When there is no terminal or it cannot be set up.
    pub async fn run(self, after_first_frame: impl FnOnce()) -> Result<Ended, EnterError> {
        // Before the terminal is touched: a handler that is missing for a moment would leave it in disorder.
        let mut signals = Signals::new()?;
        let session = Session::enter(self.caps)?;
        let mut changes = self.backend.follow();
        let mouse = session.give_mouse_to(self.model.ui.settings.mouse);
        let start = self.start;
        let (mut running, inputs) = Running::new(self, session)?;
        running.writer.submit(mouse.to_vec());
        match start {
            Start::WhereLeft => running.return_to_place().await,
            Start::Fresh => running.keeping.forget().await,
        }
        let Inputs { mut inbox, mut notices, mut loans } = inputs;
        while let Ok(notice) = notices.try_recv() {
            running.handle(Msg::Notice(notice));
        }
        running.first_facts(&mut inbox).await;
        running.paint();
        after_first_frame();
        running.wake_each_minute();
        while running.ended.is_none() {
            let next_frame = running.next_frame();
            tokio::select! {
                biased;
                input = running.keys.next() => running.input(input),
                signal = signals.next() => running.signal(signal),
                () = running.session.panicked() => running.ended = Some(Ended::Panicked),
                over = running.lending.over() => running.take_back(over.ok()),
                () = running.writer.settled() => running.settled(),
                // Before what else may come, so that no flood of it can keep the screen from showing any.
                () = tokio::time::sleep_until(next_frame), if running.may_paint() => running.paint_when_due(),
                Some(request) = loans.recv(), if running.lending.is_kept() => running.lend(request),
                Some(msg) = inbox.recv() => running.handle(msg),
                Some(notice) = notices.recv() => running.handle(Msg::Notice(notice)),
                changed = changes.changed() => match changed {
                    Ok(()) => running.handle(Msg::Changed),
                    Err(_) => running.ended = Some(Ended::Quit),
                },
                () = at(running.keeping.due()) => running.keep_place(),
            }
        }
        running.writer.drain(DRAIN);
        if running.ended == Some(Ended::Quit) {
            running.await_reply();
        }
        Ok(running.finish().await)
    }
}

/// What arrives, besides keys and signals.
struct Inputs {
    inbox: UnboundedReceiver<Msg>,
    notices: UnboundedReceiver<String>,
    loans: LoanRequests,
}

struct Running {
    model: Model,
    look: Look,
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    outbox: UnboundedSender<Msg>,
    terminal: Terminal<Encoder>,
    writer: Writer,
    session: Session,
    clipboard: Clipboard,
    files: Arc<dyn PersonalFiles>,
    /// Questions to the assistant under way.
    relay: Relay,
    splits: UnboundedSender<Splits>,
    keys: Keys,
    pace: Pace,
    dirty: bool,
    /// What a key has changed is to be drawn.
    echoing: bool,
    /// The last frame was drawn in part.
    unfinished: bool,
    /// A frame was handed over whose writing has not been confirmed yet.
    painting: bool,
    last_paint: Option<Instant>,
    painted_size: Size,
    lending: Lending,
    keeping: Keeping,
    /// Whether the person is here.
    attention: Attention,
    /// The person asked for the end.
    left: bool,
    ended: Option<Ended>,
}

impl Running {
    fn new(console: Console, session: Session) -> Result<(Self, Inputs), EnterError> {
        let Console { mut model, look, caps, pace, backend, clock, notices, loans, splits, files, start: _, attention } =
            console;
        let size = session.size();
        model.ui.fit((size.width, size.height));
        let writer = session.writer()?;
        let encoder = Encoder::new(size, caps.depth, look.repertoire);
        // The encoder cannot fail: it writes into memory.
        let Ok(terminal) = Terminal::new(encoder);
        let (outbox, inbox) = unbounded_channel();
        let running = Self {
            model,
            look,
            backend,
            clock,
            outbox,
            terminal,
            writer,
            session,
            relay: Relay::default(),
            splits,
            keys: Keys::new()?,
            pace,
            dirty: true,
            echoing: false,
            unfinished: false,
            painting: false,
            last_paint: None,
            painted_size: size,
            lending: Lending::Kept,
            keeping: Keeping::new(Arc::clone(&files)),
            attention,
            left: false,
            files,
            clipboard: caps.clipboard,
            ended: None,
        };
        Ok((running, Inputs { inbox, notices, loans }))
    }

    /// Loads until the screen wants nothing more, so that the first frame has something to say.
    async fn first_facts(&mut self, inbox: &mut UnboundedReceiver<Msg>) {
        let deadline = Instant::now() + FIRST_FRAME_WITHIN;
        self.handle(Msg::Changed);
        while self.model.ui.loading.in_flight {
            match tokio::time::timeout_at(deadline, inbox.recv()).await {
                Ok(Some(msg)) => self.handle(msg),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn input(&mut self, input: Option<std::io::Result<Input>>) {
        match input {
            Some(Ok(Input::Arrived)) => {
                if self.lending.is_kept() && self.pace.replied(Instant::now()) {
                    self.writer.submit(ASK.to_vec());
                }
            }
            Some(Ok(Input::Event(event))) if !self.lending.is_kept() => {
                if is_enter(&event) {
                    self.come_back();
                }
            }
            Some(Ok(Input::Event(event))) => self.event(event),
            // Without input nobody can ask for anything any more.
            Some(Err(error)) => {
                tracing::error!(%error, "the terminal cannot be read");
                self.ended = Some(Ended::HungUp);
            }
            None => self.ended = Some(Ended::HungUp),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.asked(Msg::Key(key)),
            Event::Paste(text) => self.asked(Msg::Paste(text)),
            Event::Mouse(event) => self.asked(Msg::Mouse(event)),
            Event::Resize(columns, rows) => self.handle(Msg::Resized(columns, rows)),
            Event::Key(_) | Event::FocusGained | Event::FocusLost => {}
        }
    }

    /// The person asked for something: its echo comes first, at once, unless the terminal has not taken the last frame yet.
    fn asked(&mut self, msg: Msg) {
        self.attention.note(self.clock.monotonic());
        if !self.pace.is_local() {
            if self.dirty && !self.echoing {
                self.terminal.backend_mut().hold();
                self.draw();
            }
            self.terminal.backend_mut().begin_echo();
        }
        self.echoing = true;
        self.handle(msg);
        self.keeping.touched();
        if self.may_paint() {
            self.paint_when_due();
        }
    }

    fn signal(&mut self, signal: TerminalSignal) {
        match signal {
            // Somebody else has the terminal: its keys are not meant for us, and there is nothing to give back or to take.
            TerminalSignal::Interrupt | TerminalSignal::Suspend | TerminalSignal::Continued
                if !self.lending.is_kept() => {}
            TerminalSignal::Terminate | TerminalSignal::Interrupt => self.ended = Some(Ended::Quit),
            TerminalSignal::HangUp => self.ended = Some(Ended::HungUp),
            TerminalSignal::Suspend => self.suspend(),
            TerminalSignal::Continued => {
                if let Err(error) = self.session.resume() {
                    tracing::error!(%error, "the terminal could not be taken back");
                }
                self.keys.go_on();
                let size = self.session.size();
                self.handle(Msg::Resized(size.width, size.height));
                self.repaint();
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    fn handle(&mut self, msg: Msg) {
        let moment = self.moment();
        // What changes nothing on the screen must not cost a frame; the difference of two equal frames is empty anyway.
        self.dirty = true;
        for effect in update(&mut self.model, msg, moment) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Load { generation, query, sop } => {
                let (backend, outbox) = (Arc::clone(&self.backend), self.outbox.clone());
                tokio::spawn(async move { load(&*backend, query, sop, (generation, outbox)).await });
            }
            Effect::Send { asked, command } => {
                let answer = self.backend.send(command);
                self.answer(async move { Msg::Answered { asked, result: answer.await } });
            }
            Effect::ListSops => {
                let answer = self.backend.sops();
                self.answer(async move { Msg::Sops(answer.await) });
            }
            Effect::Search { generation, query } => {
                let answer = self.backend.search(query);
                self.answer(async move { Msg::Found { generation, result: answer.await } });
            }
            Effect::Workbench { number, subject } => match subject {
                Subject::Improve(sop) => {
                    let found = self.backend.improvement(sop);
                    let work = async move { found.await.map(Found::Improvement) };
                    self.answer(async move { Msg::Workbench { number, result: work.await } });
                }
                Subject::Draft { incident, run } => {
                    let found = self.backend.draft(incident, run);
                    let work = async move { found.await.map(Found::Draft) };
                    self.answer(async move { Msg::Workbench { number, result: work.await } });
                }
            },
            Effect::Chat(effect) => self.relay.perform(effect, &self.backend, &self.outbox),
            Effect::Wake(after, timer) => self.answer(async move {
                tokio::time::sleep(after).await;
                Msg::Woken(timer)
            }),
            Effect::Repaint => self.repaint(),
            Effect::KeepSplits(splits) => {
                // When nobody keeps them they hold until the console is left.
                let _ = self.splits.send(splits);
            }
            Effect::Restyle => {
                if let Some((_, styles)) = self.model.ui.themes.worn() {
                    self.look.styles = styles.clone();
                }
            }
            Effect::Suspend => self.suspend(),
            Effect::Copy(copy) => self.copy(copy),
            Effect::Mouse(mouse) => self.writer.submit(self.session.give_mouse_to(mouse).to_vec()),
            Effect::Quit => (self.left, self.ended) = (true, Some(Ended::Quit)),
        }
    }

    /// Goes back to where the person was.
    async fn return_to_place(&mut self) {
        let now = self.clock.now();
        let Some(place) = self.keeping.take(now).await else { return };
        let at = self.model.ui.settings.zone.minute(place.at);
        let is_more = place.selected.is_some() || place.reading.is_some();
        update::return_to(&mut self.model, place);
        if is_more {
            let words = format!("Back where you were at {at}. `aiops --fresh` starts without.");
            self.handle(Msg::Notice(words));
        }
        // It is kept again soon: this console may be lost, too.
        self.keeping.touched();
    }

    fn keep_place(&mut self) {
        let place = Place::of(&self.model, self.clock.now());
        self.keeping.keep(place);
    }

    /// The console ends: whoever was cut off comes back to the same place.
    async fn finish(mut self) -> Ended {
        // Before the terminal is given back: what is typed from then on is for the shell.
        self.keys.stop();
        let place = Place::of(&self.model, self.clock.now());
        let place = if self.left { place.left() } else { Some(place) };
        self.keeping.finish(place).await;
        self.ended.unwrap_or(Ended::Quit)
    }

    /// Sends a text to the terminal's clipboard, in line with the frames, and writes it to a file: no terminal says whether
    /// it took it.
    fn copy(&self, copy: Copy) {
        let sequence = self.clipboard.sequence(&copy.text);
        let sent = sequence.is_some();
        self.writer.submit(sequence.unwrap_or_default());
        let write = self.files.write(PersonalFile::Copied, copy.text.clone());
        self.answer(async move { Msg::Copied(Copied { copy, sent, file: write.await }) });
    }

    fn answer(&self, work: impl Future<Output = Msg> + Send + 'static) {
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            // When the console has ended nobody wants the answer.
            let _ = outbox.send(work.await);
        });
    }

    /// The header's clock and the age of the selected incident change with the minute.
    fn wake_each_minute(&self) {
        let (outbox, clock) = (self.outbox.clone(), Arc::clone(&self.clock));
        tokio::spawn(async move {
            loop {
                let into_minute = clock.now().as_millis().rem_euclid(60_000);
                let left = u64::try_from(60_000 - into_minute).unwrap_or(60_000);
                tokio::time::sleep(Duration::from_millis(left + 5)).await;
                if outbox.send(Msg::Woken(Timer::Minute)).is_err() {
                    return;
                }
            }
        });
    }

    fn next_frame(&self) -> Instant {
        let now = Instant::now();
        if self.echoing {
            return self.pace.echo_at(now);
        }
        self.last_paint.map_or(now, |last| last + FRAME).max(self.pace.rest_at(now))
    }

    fn paint_when_due(&mut self) {
        if self.next_frame() <= Instant::now() {
            self.paint();
        }
    }

    /// Brings what is wanted up to date.
    fn draw(&mut self) {
        self.dirty = false;
        let (columns, rows) = self.model.ui.terminal;
        let size = Size::new(columns, rows);
        if self.painted_size != size {
            self.painted_size = size;
            self.terminal.backend_mut().resize(size);
            let Ok(()) = self.terminal.resize(Rect::new(0, 0, columns, rows));
        }
        let (model, look) = (&self.model, &self.look);
        let Ok(_) = self.terminal.draw(|frame| draw(frame.buffer_mut(), model, look));
    }

    fn paint(&mut self) {
        let reviewing = matches!(self.model.ui.overlay, Some(Overlay::Review(_)));
        let in_pieces = !self.pace.is_local() && !reviewing;
        if in_pieces {
            self.terminal.backend_mut().hold();
        } else {
            self.terminal.backend_mut().let_go();
        }
        self.draw();
        let echoing = std::mem::take(&mut self.echoing);
        let encoder = self.terminal.backend_mut();
        match (in_pieces, echoing) {
            (false, _) => {}
            (true, true) => encoder.echo(),
            (true, false) => encoder.piece(self.pace.piece(Instant::now())),
        }
        self.unfinished = in_pieces && !encoder.is_complete();
        let mut bytes = encoder.take();
        if !self.unfinished {
            drawn(&mut self.model);
            self.painting = true;
        }
        let now = Instant::now();
        if !bytes.is_empty() {
            // A frame without a difference costs the link nothing, and nothing has to wait for it.
            self.last_paint = Some(now);
        }
        let sent = if echoing { Sent::Echo } else { Sent::Rest };
        if self.pace.sent(bytes.len(), sent, now) {
            bytes.extend_from_slice(ASK);
        }
        self.writer.submit(bytes);
    }

    /// The terminal has taken everything, or is gone.
    fn settled(&mut self) {
        if let Some(reason) = self.writer.failure() {
            tracing::warn!(reason, "the terminal is gone");
            self.ended = Some(Ended::HungUp);
        } else if self.painting && self.writer.is_idle() {
            self.painting = false;
            self.handle(Msg::Painted);
        }
        if self.session.is_gone() {
            self.ended = Some(Ended::HungUp);
        }
    }

    /// Whether there is something to draw and a terminal that takes it.
    fn may_paint(&self) -> bool {
        (self.dirty || self.unfinished) && self.session.is_held() && self.lending.is_kept() && self.writer.is_idle()
    }

    /// Before somebody else gets the terminal: a reply that is still to come would be found among their keys.
    fn await_reply(&mut self) {
        if self.pace.is_asking() {
            self.keys.await_reply(REPLY_WITHIN);
            self.pace.forget();
        }
    }

    /// Steps aside for a command.
    fn lend(&mut self, request: LoanRequest) {
        self.writer.drain(DRAIN);
        self.await_reply();
        self.keys.stop();
        let command = visible_in(&request.command, self.look.repertoire);
        let notice = format!(
            "aiops: attempt {} has the terminal: {command}\n\
             aiops: the console comes back when it ends; what you type and see until then is not recorded.\n",
            request.attempt
        );
        match self.session.lend(&notice) {
            Ok(before) => {
                let (loan, over) = TerminalLoan::new();
                self.lending = Lending::Out { over, before: Box::new(before) };
                // When nobody wants it any more it comes back at once, like any other that was not used.
                let _ = request.answer.send(loan);
            }
            Err(error) => {
                self.keys.start();
                self.repaint();
                self.handle(Msg::Notice(format!("The terminal could not be given away: {error}. Nothing was run.")));
            }
        }
    }

    /// The command is over, as `how` says; nothing was started when that is missing.
    fn take_back(&mut self, how: Option<String>) {
        let Lending::Out { before, .. } = std::mem::take(&mut self.lending) else { return };
        if let Err(error) = self.session.take_back(&before) {
            tracing::error!(%error, "the terminal could not be taken back");
        }
        self.lending = Lending::Over;
        self.keys.start();
        // Said only now: what is typed from here on is an answer to it.
        let said = match how {
            Some(how) => {
                self.session.say_below(&format!("aiops: it is over: {how}. Press Enter to go back to the console."))
            }
            // The command has shown nothing that anyone could want to read.
            None => return self.come_back(),
        };
        if let Err(error) = said {
            tracing::warn!(%error, "the end of a command could not be said on the terminal");
        }
    }

    /// Shows the console again, after a command.
    fn come_back(&mut self) {
        self.keys.discard();
        if let Err(error) = self.session.resume() {
            tracing::error!(%error, "the terminal could not be taken back");
        }
        self.lending = Lending::Kept;
        let size = self.session.size();
        self.handle(Msg::Resized(size.width, size.height));
        self.repaint();
    }

    fn repaint(&mut self) {
        self.terminal.backend_mut().repaint();
        let (columns, rows) = self.model.ui.terminal;
        let Ok(()) = self.terminal.resize(Rect::new(0, 0, columns, rows));
        self.dirty = true;
    }

    /// Stops, to the shell. What makes it go on is the signal that the shell sends then.
    fn suspend(&mut self) {
        self.writer.drain(DRAIN);
        self.await_reply();
        self.keys.pause();
        if let Err(error) = self.session.suspend() {
            self.keys.go_on();
            self.handle(Msg::Notice(error.to_string()));
            self.repaint();
        }
    }
}

/// Returns at this moment; never without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Sends a snapshot with the SOP that belongs to it: `sop` if given, else the one that fits the incident best. A document
/// that takes longer than [`SOP_WITHIN`] is sent when it has been read: rows and keys do not wait for it.
async fn load(
    backend: &dyn Backend,
    query: SnapshotQuery,
    sop: Option<SopId>,
    (generation, outbox): (u64, UnboundedSender<Msg>),
) {
    // When the console has ended nobody wants the answer.
    let answer = |result: Result<Loaded, BackendError>| {
        let _ = outbox.send(Msg::Loaded { generation, result: result.map(Box::new) });
    };
    let snapshot = match backend.load(query).await {
        Ok(snapshot) => snapshot,
        Err(error) => return answer(Err(error)),
    };
    let best = || snapshot.detail.as_ref().and_then(|detail| detail.matches.first()).map(|found| found.sop.clone());
    let Some(id) = sop.or_else(best) else { return answer(Ok(Loaded { snapshot, sop: Ok(None) })) };
    let mut opening = backend.sop(id.clone());
    match tokio::time::timeout(SOP_WITHIN, &mut opening).await {
        // An SOP that cannot be read must not hide the incident.
        Ok(sop) => answer(Ok(Loaded { snapshot, sop: sop.map(Some) })),
        Err(_) => {
            let words = format!("{id} is long and still being read; it is shown as soon as that is done.");
            answer(Ok(Loaded { snapshot, sop: Err(BackendError::Failed(words)) }));
            let _ = outbox.send(Msg::SopOpened { generation, result: opening.await });
        }
    }
}
