//! The assistant: answers questions beside the incident, by a model when one can be asked, else from SOPs and history.
//!
//! Owns: the way of a question: gathering (`material`), the model's context (`context`), the choke point (`outbound`), the
//! stream and its end (`answering`), the fallback (`offline`, `retrieval`), and when which of them is taken.
//! Does not: act. Nothing that a model says starts anything: a command in an answer can be proposed by a person, and goes
//! through the same gate as every other.
//!
//! Invariants: what is sent is exactly what was prepared. A question always gets an answer: whatever fails leads to the
//! fallback, with the reason. What an answer showed is what is stored.

mod answering;
mod citations;
mod context;
mod hearing;
mod material;
mod naming;
mod offline;
mod question;
mod retrieval;
mod run_context;
mod suggesting;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::ask::{Answer, Ask, ModelStatus, Prepared, PreparedId, Preview, Route};
use super::backend::BackendError;
use super::library::Library;
use super::outbound::{Held, Inspected, Outbound, Tokens, Wanted};
use super::ports::{Clock, Model, ModelErrorKind, Unavailable};
use super::runner::Runner;
use crate::domain::actor::Actor;
use crate::domain::chat::{Conversation, ModelRequest, Thinking};
use crate::domain::id::RunId;
use crate::domain::incident::Refusal;
use crate::store::Store;
use hearing::{Attempts, End};
use material::Material;
use suggesting::Matter;

/// Conversations whose tokens are kept, so that the same name keeps its token; the one used longest ago goes first.
const CONVERSATIONS: usize = 32;

/// A model, or why there is none.
#[derive(Clone)]
pub enum Brain {
    /// This one is asked.
    Model {
        /// How to reach it.
        model: Arc<dyn Model>,
        /// The answer, thinking included, may have so many tokens.
        max_output_tokens: u32,
        /// How long it may think.
        thinking: Thinking,
    },
    /// None; the fallback answers.
    None {
        /// Why, as a sentence with what to do about it.
        why: String,
    },
}

/// What the assistant needs.
pub struct Parts {
    /// Where conversations are kept.
    pub store: Store,
    /// Where output is read.
    pub runner: Runner,
    /// The way out.
    pub outbound: Outbound,
    /// Whom to ask.
    pub brain: Brain,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who asks.
    pub actor: Actor,
}

/// The assistant of one process. Cheap to clone.
#[derive(Clone)]
pub struct Assistant {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    next: AtomicU64,
    slot: Mutex<Slot>,
    tokens: Mutex<KnownTokens>,
    /// Why the last call failed; `None` when it did not.
    failure: Mutex<Option<String>>,
    changes: watch::Sender<u64>,
}

/// The newest question that is ready to be answered.
#[derive(Default)]
struct Slot {
    /// The newest that was begun; an older one that takes longer is not kept.
    newest: u64,
    ready: Option<Ready>,
}

/// A question that is ready to be answered.
struct Ready {
    id: PreparedId,
    material: Arc<Material>,
    purpose: Purpose,
    plan: Plan,
}

/// What an answer is for.
#[derive(Clone)]
enum Purpose {
    /// To be read.
    Question,
    /// To become suggested changes of a run.
    Suggest(Arc<Matter>),
}

/// How a question will be answered.
enum Plan {
    Model { inspected: Box<Inspected>, sources: Vec<crate::domain::id::SopId> },
    Local { why: String, held: Option<Held> },
}

/// The tokens of conversations, the one used last at the end.
#[derive(Default)]
struct KnownTokens {
    of: HashMap<Conversation, Arc<Mutex<Box<dyn Tokens>>>>,
    order: VecDeque<Conversation>,
}

impl Assistant {
    /// An assistant with these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            parts,
            next: AtomicU64::new(1),
            slot: Mutex::default(),
            tokens: Mutex::default(),
            failure: Mutex::default(),
            changes: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Goes up when the model's status may have changed.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Whether a model can be asked, as far as is known; `spent_today` in millionths of a US dollar.
    #[must_use]
    pub fn status(&self, spent_today: u64) -> ModelStatus {
        match &self.inner.parts.brain {
            Brain::None { .. } => ModelStatus::None,
            Brain::Model { model, .. } => {
                let failure = lock(&self.inner.failure).clone();
                match failure {
                    Some(why) => ModelStatus::Offline { model: model.name(), why },
                    None => ModelStatus::Ready { model: model.name(), spent_today_micro_usd: spent_today },
                }
            }
        }
    }

    /// Prepares a question: finds out who would answer it and what would leave this machine. Sends and stores nothing.
    ///
    /// # Errors
    /// When the question is empty or too long, or the store cannot be read.
    pub async fn prepare(&self, ask: Ask, library: Arc<Library>) -> Result<Prepared, BackendError> {
        check(&ask)?;
        self.prepare_for(ask, Purpose::Question, library).await
    }

    /// Prepares to ask how a run is to go on. Sends and stores nothing; [`Self::answer`] suggests changes of the run then, and
    /// changes none.
    ///
    /// # Errors
    /// When there is no such run, it is over, or the store cannot be read.
    pub async fn prepare_suggestions(&self, run: RunId, library: Arc<Library>) -> Result<Prepared, BackendError> {
        let matter = Matter::gather(run, &self.inner.parts.store).await?;
        let ask = matter.ask();
        self.prepare_for(ask, Purpose::Suggest(Arc::new(matter)), library).await
    }

    async fn prepare_for(&self, ask: Ask, purpose: Purpose, library: Arc<Library>) -> Result<Prepared, BackendError> {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.inner.slot).newest = number;
        let parts = &self.inner.parts;
        let now = parts.clock.now();
        let naming = parts.outbound.redactor().naming_labels().to_vec();
        let gathered = Material::gather(ask, &parts.store, &parts.runner, library, naming, now).await?;
        let material = Arc::new(gathered);
        let (plan, route) = match self.plan(&material, &purpose).await {
            Ok((inspected, sources, preview)) => {
                (Plan::Model { inspected: Box::new(inspected), sources }, Route::Model(Box::new(preview)))
            }
            Err((why, held)) => (Plan::Local { why: why.clone(), held }, Route::Local { why }),
        };
        let id = PreparedId(number);
        let mut slot = lock(&self.inner.slot);
        if slot.newest == number {
            slot.ready = Some(Ready { id, material, purpose, plan });
        }
        Ok(Prepared { id, route })
    }

    /// The way to a model, or why there is none.
    async fn plan(
        &self,
        material: &Arc<Material>,
        purpose: &Purpose,
    ) -> Result<(Inspected, Vec<crate::domain::id::SopId>, Preview), (String, Option<Held>)> {
        let (model, max_output_tokens, thinking) = match &self.inner.parts.brain {
            Brain::None { why } => return Err((why.clone(), None)),
            Brain::Model { model, max_output_tokens, thinking } => (Arc::clone(model), *max_output_tokens, *thinking),
        };
        if let Some(why) = model.unavailable().await {
            // What the last call failed of says more in the header, and does not change with every second.
            if lock(&self.inner.failure).is_none() {
                self.note_call(Some(Unavailable { again_in: None, ..why.clone() }.to_string()));
            }
            return Err((why.to_string(), None));
        }
        let tokens = self.tokens_of(material.ask.conversation);
        let wanted = Wanted {
            model: model.name(),
            destination: model.destination(),
            max_output_tokens,
            incident: material.ask.conversation.incident(),
        };
        let (assistant, asked, purpose) = (self.clone(), Arc::clone(material), purpose.clone());
        // Encoding and redaction are computing, which the screen must not wait for.
        let computed = tokio::task::spawn_blocking(move || {
            let Parts { outbound, actor, .. } = &assistant.inner.parts;
            // Before anything is encoded: what is not known by then would leave as it is.
            for labels in naming::of(&asked, actor.label()) {
                lock(&tokens).learn(&labels);
            }
            let preamble = outbound.redactor().preamble();
            let (context, schema) = match &purpose {
                Purpose::Question => (context::build(&asked, preamble, &unguessable()), None),
                Purpose::Suggest(matter) => {
                    matter.names().into_iter().for_each(|labels| lock(&tokens).learn(&labels));
                    let context = run_context::build(&asked, matter, preamble, &unguessable());
                    (context, Some(crate::domain::run::suggestion::reading::schema()))
                }
            };
            let request = ModelRequest::new(context.system, context.turns, max_output_tokens, thinking);
            let request = request.ok_or_else(|| ("The question is empty. Type one".to_owned(), None))?;
            let request = request.answered_as(schema);
            let encoded = model.encode(&request).map_err(|error| (error.to_string(), None))?;
            let inspected = outbound.inspect(&encoded, &tokens, wanted);
            inspected.map(|inspected| (inspected, context.sources)).map_err(|held| (held.to_string(), Some(held)))
        });
        let (inspected, sources) = computed.await.map_err(|error| {
            (format!("The question could not be put together: {error}. Ask again; the log has the details"), None)
        })??;
        let outbound = &self.inner.parts.outbound;
        let left = outbound.foresee(&inspected).await.map_err(|held| (held.to_string(), Some(held)))?;
        let preview = Preview {
            model: inspected.wanted().model.clone(),
            destination: inspected.wanted().destination.clone(),
            body: inspected.body(),
            replaced: inspected.replaced().clone(),
            prompt_tokens: inspected.prompt_tokens(),
            cost_micro_usd: inspected.reserved_micro_usd(),
            left_today_micro_usd: left,
            first_ever: !material.has_sent,
        };
        Ok((inspected, sources, preview))
    }

    /// Stores the question that was prepared as `id` and answers it as prepared. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When another question was prepared since, or the question cannot be stored. Nothing is sent then.
    pub async fn answer(&self, id: PreparedId) -> Result<Answer, BackendError> {
        let ready = {
            let mut slot = lock(&self.inner.slot);
            slot.ready.take_if(|ready| ready.id == id)
        };
        let Some(ready) = ready else {
            let why = "another question was prepared since, or it was answered already";
            return Err(Refusal::new("Not asked", why, "Ask it again").into());
        };
        answering::answer(self.clone(), ready).await
    }

    fn tokens_of(&self, conversation: Conversation) -> Arc<Mutex<Box<dyn Tokens>>> {
        let mut known = lock(&self.inner.tokens);
        known.order.retain(|other| *other != conversation);
        known.order.push_back(conversation);
        if known.order.len() > CONVERSATIONS
            && let Some(oldest) = known.order.pop_front()
        {
            known.of.remove(&oldest);
        }
        let redactor = self.inner.parts.outbound.redactor();
        Arc::clone(known.of.entry(conversation).or_insert_with(|| Arc::new(Mutex::new(redactor.begin()))))
    }

    /// Remembers what the end of a call says about whether the model can be asked. That one answer was odd says nothing: then
    /// what was known before stays.
    fn note_end(&self, end: &End, attempts: Attempts) {
        match end {
            End::Said(_) => self.note_call(None),
            End::Failed(error) => match error.kind {
                ModelErrorKind::Key
                | ModelErrorKind::Permission
                | ModelErrorKind::Quota
                | ModelErrorKind::Unserved
                | ModelErrorKind::BreakerOpen => self.note_call(Some(error.to_string())),
                ModelErrorKind::Unreachable if attempts != Attempts::Spoke => self.note_call(Some(error.to_string())),
                // It was reached, and answered after all.
                ModelErrorKind::Blocked => self.note_call(None),
                ModelErrorKind::Unreachable | ModelErrorKind::Refused | ModelErrorKind::Garbled => {}
            },
            End::Stopped | End::TooLong => {}
        }
    }

    /// Remembers how the last call went, for the header.
    fn note_call(&self, failure: Option<String>) {
        *lock(&self.inner.failure) = failure;
        self.inner.changes.send_modify(|count| *count += 1);
    }
}

fn check(ask: &Ask) -> Result<(), BackendError> {
    let length = ask.question.trim().len();
    if length == 0 {
        return Err(Refusal::new("Not asked", "the question is empty", "Type a question").into());
    }
    if length > context::MAX_QUESTION {
        let why = format!("the question has {length} bytes, more than {}", context::MAX_QUESTION);
        return Err(Refusal::new("Not asked", why, "Ask with the lines that matter").into());
    }
    Ok(())
}

/// A word that nobody can know beforehand, from the keys that the standard library draws from the system's randomness. Letters
/// only, so that nothing takes it for a secret or a name.
fn unguessable() -> String {
    const LETTERS: &[u8; 16] = b"bcdfghjklmnpqrst";
    let state = RandomState::new();
    let drawn = [state.hash_one(0_u8), RandomState::new().build_hasher().finish()];
    let letters = drawn.iter().flat_map(|number| number.to_le_bytes()).take(12);
    letters.map(|byte| char::from(LETTERS[usize::from(byte & 15)])).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
