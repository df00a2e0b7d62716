//! The chat against an engine that plays a script, through the tasks that stand between the two.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{mpsc, watch};

use super::chat::{ask, chatting, gemini, message, preview, text};
use super::screens::screen;
use super::world::World;
use crate::domain::id::SopId;
use crate::engine::ask::{Answer, AnswerEvent, Ask, Prepared, PreparedId, Route};
use crate::engine::backend::{Backend, BackendError, Command, Done, Snapshot, SnapshotQuery, SopDocument};
use crate::engine::ports::BoxFuture;
use crate::engine::search::{SearchAnswer, SearchQuery};
use crate::tui::chat::relay::Relay;
use crate::tui::msg::{Effect, Msg};

/// Prepares everything for a model, and answers with what the test sends.
struct Scripted {
    asked: Mutex<Vec<Ask>>,
    answer: Mutex<Option<Answer>>,
}

fn unexpected<T: Send + 'static>() -> BoxFuture<'static, Result<T, BackendError>> {
    Box::pin(async { Err(BackendError::Failed("not part of the script".to_owned())) })
}

impl Backend for Scripted {
    fn load(&self, _: SnapshotQuery) -> BoxFuture<'static, Result<Snapshot, BackendError>> {
        unexpected()
    }

    fn sop(&self, _: SopId) -> BoxFuture<'static, Result<Arc<SopDocument>, BackendError>> {
        unexpected()
    }

    fn sops(&self) -> BoxFuture<'static, Result<Vec<(SopId, String)>, BackendError>> {
        unexpected()
    }

    fn search(&self, _: SearchQuery) -> BoxFuture<'static, Result<SearchAnswer, BackendError>> {
        unexpected()
    }

    fn prepare(&self, ask: Ask) -> BoxFuture<'static, Result<Prepared, BackendError>> {
        self.asked.lock().unwrap().push(ask);
        Box::pin(async { Ok(Prepared { id: PreparedId(3), route: Route::Model(Box::new(preview(false))) }) })
    }

    fn answer(&self, id: PreparedId) -> BoxFuture<'static, Result<Answer, BackendError>> {
        assert_eq!(id, PreparedId(3));
        let answer = self.answer.lock().unwrap().take();
        Box::pin(async { answer.ok_or_else(|| BackendError::Failed("Nobody answers. Ask later.".to_owned())) })
    }

    fn improvement(
        &self,
        _: SopId,
    ) -> BoxFuture<'static, Result<Arc<crate::engine::improving::Improvement>, BackendError>> {
        unexpected()
    }

    fn draft(
        &self,
        _: crate::domain::id::IncidentId,
        _: Option<crate::domain::id::RunId>,
    ) -> BoxFuture<'static, Result<Arc<crate::domain::run::draft::Draft>, BackendError>> {
        unexpected()
    }

    fn send(&self, _: Command) -> BoxFuture<'static, Result<Done, BackendError>> {
        unexpected()
    }

    fn follow(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

/// A console, the tasks, and the engine behind them.
struct Wired {
    world: World,
    relay: Relay,
    backend: Arc<dyn Backend>,
    script: Arc<Scripted>,
    outbox: mpsc::UnboundedSender<Msg>,
    inbox: UnboundedReceiver<Msg>,
}

impl Wired {
    fn new(answer: Option<Answer>) -> Self {
        let script = Arc::new(Scripted { asked: Mutex::default(), answer: Mutex::new(answer) });
        let (outbox, inbox) = unbounded_channel();
        let backend: Arc<dyn Backend> = Arc::<Scripted>::clone(&script);
        Self { world: chatting((120, 40), Vec::new()), relay: Relay::default(), backend, script, outbox, inbox }
    }

    fn perform(&mut self) {
        for effect in self.world.take_effects() {
            if let Effect::Chat(effect) = effect {
                self.relay.perform(effect, &self.backend, &self.outbox);
            }
        }
    }

    /// Handles what comes until the screen shows `words`.
    async fn until(&mut self, words: &str) {
        self.perform();
        while !screen(&self.world).contains(words) {
            let msg = self.inbox.recv().await.expect("the tasks are alive");
            self.world.send(msg);
            self.perform();
        }
    }
}

#[tokio::test]
async fn a_question_goes_to_the_engine_and_its_answer_comes_back() {
    let (sender, receiver) = mpsc::channel(8);
    let mut wired = Wired::new(Some(receiver));
    ask(&mut wired.world, "why is it full?");
    wired.until("asking, ctrl-k stops").await;
    assert_eq!(wired.script.asked.lock().unwrap()[0].question, "why is it full?");
    sender.send(text("Because of **wal")).await.unwrap();
    wired.until("Because of").await;
    sender.send(text("** files.\n\n```sh\nls # all\n```\n")).await.unwrap();
    wired.until("Because of wal files.").await;
    let whole = message(2, gemini(), "Because of **wal** files.\n\n```sh\nls # all\n```\n");
    sender.send(AnswerEvent::Done(Box::new(whole))).await.unwrap();
    wired.until("gemini-3.8-flash 02:14").await;
}

#[tokio::test]
async fn stopping_drops_the_answer_so_that_the_model_stops() {
    let (sender, receiver) = mpsc::channel(8);
    let mut wired = Wired::new(Some(receiver));
    ask(&mut wired.world, "why?");
    wired.until("asking, ctrl-k stops").await;
    sender.send(text("half")).await.unwrap();
    wired.until("half").await;
    let key =
        crossterm::event::KeyEvent::new(crossterm::event::KeyCode::Char('k'), crossterm::event::KeyModifiers::CONTROL);
    wired.world.send(Msg::Key(key));
    wired.until("You stopped it here.").await;
    sender.closed().await;
}

#[tokio::test]
async fn a_question_that_nobody_answers_comes_back_into_its_field() {
    let mut wired = Wired::new(None);
    ask(&mut wired.world, "why?");
    wired.until("Nobody answers. Ask later.").await;
    assert_eq!(wired.world.model.ui.chat.draft().map(|draft| draft.text()).as_deref(), Some("why?"));
}
