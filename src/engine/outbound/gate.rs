//! The gate: redaction, the check for own secrets, the price, the budget; only then a body is cleared.
//!
//! Owns: the order of these, and that each of them fails closed. Does not: build bodies or send them.
//!
//! Invariants: [`Inspected`] holds the only bytes that can become [`Cleared`], and nobody can change them in between: what a
//! person looked at is what is sent. A body is cleared only after its reservation is on the disk.
//!
//! **Why a byte is never more than a token.** The tokenisers of language models (byte-pair encoding, SentencePiece with byte
//! fallback) cut a text into pieces of at least one byte each. What a provider adds for each turn is a few tokens, and the
//! JSON around a text (`{"role":"user","parts":[{"text":""}]}`) is longer than that. JSON never shortens a text. So the length
//! of the body in bytes is an upper bound of the tokens of the request, three to four times too high for English.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Blocked, Cleared, Redactor, Restore, Tokens};
use crate::domain::actor::Actor;
use crate::domain::chat::Usage;
use crate::domain::chat::budget::{Budget, CallEnd, CallRequest, OverBudget, decide_reserve};
use crate::domain::chat::prices::{PriceError, Prices, Tariff};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{CallId, IncidentId};
use crate::engine::ports::Clock;
use crate::store::{Store, StoreError};

/// Calls that are reserved for one question: the first, and one by which a provider can be asked to go on.
pub const CALLS_PER_QUESTION: u32 = 2;

/// Where prices come from; asked for each question, so that a file that was corrected counts at once. The error is a sentence
/// with what to do about it.
pub type PriceSource = Arc<dyn Fn() -> Result<Prices, String> + Send + Sync>;

/// The choke point of one process.
pub struct Outbound {
    store: Store,
    clock: Arc<dyn Clock>,
    redactor: Arc<dyn Redactor>,
    prices: PriceSource,
    budget: Budget,
    actor: Actor,
}

/// Why a body was held back, as a sentence with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// Redaction could not vouch for it.
    #[error("Nothing was sent: {0}. Ask without that text, or look at the SOP and the output yourself")]
    Redaction(String),
    /// A secret of this program itself is in it.
    #[error(
        "Nothing was sent: {0}, a secret that this program itself holds, stands in what would be sent. Find out how it came \
         into the alert, the SOP or the output, and change that secret"
    )]
    OwnSecret(String),
    /// What it would cost is not known.
    #[error("{0}")]
    Price(#[from] PriceError),
    /// The table of prices cannot be read.
    #[error("{0}")]
    Prices(String),
    /// It could cost more than there is.
    #[error("{0}")]
    Budget(OverBudget),
    /// The request is longer than the model takes.
    #[error("The question with its context is longer than {model} takes ({limit} tokens). Ask something shorter")]
    TooLong {
        /// The model.
        model: String,
        /// Its limit.
        limit: u64,
    },
    /// The reservation could not be stored.
    #[error("Nothing was sent, because its cost could not be reserved: {0}")]
    Store(#[from] StoreError),
}

/// For what a body is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Name of the model.
    pub model: String,
    /// Where the bytes go; no key in it.
    pub destination: String,
    /// The answer, thinking included, may have so many tokens.
    pub max_output_tokens: u32,
    /// About which incident.
    pub incident: Option<IncidentId>,
}

/// A body that holds no secret, with what it may cost. It has not been paid for.
pub struct Inspected {
    wanted: Wanted,
    body: Arc<[u8]>,
    replaced: BTreeMap<String, usize>,
    tariff: Tariff,
    each_micro_usd: u64,
    tokens: Arc<Mutex<Box<dyn Tokens>>>,
}

impl Inspected {
    /// The bytes, exactly as they would be sent.
    #[must_use]
    pub fn body(&self) -> Arc<[u8]> {
        Arc::clone(&self.body)
    }

    /// For what it is meant.
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// How many values were replaced, by kind.
    #[must_use]
    pub const fn replaced(&self) -> &BTreeMap<String, usize> {
        &self.replaced
    }

    /// Upper bound of the tokens of the request.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        self.body.len() as u64
    }

    /// Upper bound of the cost of one call, in millionths of a US dollar.
    #[must_use]
    pub const fn most_micro_usd(&self) -> u64 {
        self.each_micro_usd
    }

    /// Upper bound of the cost of the question with all the calls that it may need: what is reserved for it.
    #[must_use]
    pub fn reserved_micro_usd(&self) -> u64 {
        self.each_micro_usd.saturating_mul(u64::from(CALLS_PER_QUESTION))
    }

    /// Restores the names in the answer to it.
    #[must_use]
    pub fn restorer(&self) -> Box<dyn Restore> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).restorer()
    }
}

/// What was reserved for a body that was cleared. Dropped without an end, it counts in full.
#[derive(Debug)]
pub struct Reservation {
    store: Store,
    call: CallId,
    tariff: Tariff,
    prompt_tokens: u64,
    max_output_tokens: u32,
}

impl Outbound {
    /// A choke point with these prices and limits. `actor` is on whose behalf bodies are sent.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        redactor: Arc<dyn Redactor>,
        prices: PriceSource,
        budget: Budget,
        actor: Actor,
    ) -> Self {
        Self { store, clock, redactor, prices, budget, actor }
    }

    /// What removes secrets.
    #[must_use]
    pub fn redactor(&self) -> &dyn Redactor {
        &*self.redactor
    }

    /// Removes secrets and names from `encoded` and finds out what it may cost. Takes some milliseconds of computing.
    ///
    /// # Errors
    /// [`Held`]: nothing of it may leave.
    pub fn inspect(
        &self,
        encoded: &[u8],
        tokens: &Arc<Mutex<Box<dyn Tokens>>>,
        wanted: Wanted,
    ) -> Result<Inspected, Held> {
        let prices = (self.prices)().map_err(Held::Prices)?;
        let tariff = prices.tariff(&wanted.model, self.clock.now())?;
        // Before redaction, which might hide a part of one: a body that held one is suspicious as a whole.
        self.check_own_secrets(encoded)?;
        let redacted = tokens.lock().unwrap_or_else(PoisonError::into_inner).redact(encoded);
        let redacted = redacted.map_err(|blocked| match blocked {
            Blocked::Unreadable(why) => Held::Redaction(why),
            Blocked::OwnSecret(name) => Held::OwnSecret(name),
        })?;
        self.check_own_secrets(&redacted.body)?;
        let prompt_tokens = redacted.body.len() as u64;
        let limit = prices.model(&wanted.model).and_then(|model| model.input_limit);
        if let Some(limit) = limit.filter(|limit| prompt_tokens > *limit) {
            return Err(Held::TooLong { model: wanted.model, limit });
        }
        let each_micro_usd = tariff.most(prompt_tokens, u64::from(wanted.max_output_tokens));
        Ok(Inspected {
            body: redacted.body.into(),
            replaced: redacted.replaced,
            tariff,
            each_micro_usd,
            tokens: Arc::clone(tokens),
            wanted,
        })
    }

    /// Whether the budget would let it pass now, and what is left of today's before it. Reserves nothing.
    ///
    /// # Errors
    /// [`Held::Budget`] when it would not, [`Held::Store`] when that cannot be read.
    pub async fn foresee(&self, inspected: &Inspected) -> Result<u64, Held> {
        let (now, incident) = (self.clock.now(), inspected.wanted.incident);
        let spent = self.store.read_view(move |reader| reader.spent(now, incident)).await?;
        decide_reserve(&self.budget, &spent, incident, inspected.each_micro_usd, CALLS_PER_QUESTION)
            .map_err(Held::Budget)?;
        Ok(self.budget.per_day.saturating_sub(spent.day))
    }

    /// Checks the very bytes once more, reserves what they may cost, and clears them.
    ///
    /// # Errors
    /// [`Held`]: nothing was reserved, and nothing may be sent.
    pub async fn clear(&self, inspected: &Inspected) -> Result<(Cleared, Reservation), Held> {
        // A secret that was fetched meanwhile is one more to look for.
        self.check_own_secrets(&inspected.body)?;
        let Wanted { model, destination, max_output_tokens, incident } = inspected.wanted.clone();
        let request = CallRequest {
            incident,
            model,
            destination,
            digest: sha256_hex(&inspected.body),
            replaced: inspected.replaced.clone(),
            each_micro_usd: inspected.each_micro_usd,
            calls: CALLS_PER_QUESTION,
        };
        let call = self.store.reserve(request, self.budget, &self.actor).await?.map_err(Held::Budget)?;
        let reservation = Reservation {
            store: self.store.clone(),
            call,
            tariff: inspected.tariff.clone(),
            prompt_tokens: inspected.prompt_tokens(),
            max_output_tokens,
        };
        let cleared = Cleared { body: inspected.body.to_vec(), continuations: CALLS_PER_QUESTION - 1 };
        Ok((cleared, reservation))
    }

    /// Notes that a question about `incident` was answered without `model`, for want of budget.
    pub async fn note_refused(&self, model: String, incident: Option<IncidentId>, over: OverBudget) {
        if let Err(error) = self.store.budget_refused(incident, model, over, &self.actor).await {
            tracing::error!(%error, "that the budget refused a question could not be stored");
        }
    }

    fn check_own_secrets(&self, body: &[u8]) -> Result<(), Held> {
        self.redactor.find_own_secret(body).map_or(Ok(()), |name| Err(Held::OwnSecret(name)))
    }
}

impl Reservation {
    /// Nothing was sent, or the provider did nothing with it: it costs nothing.
    pub async fn release(self, outcome: &str) {
        self.end(CallEnd::Released { outcome: outcome.to_owned() }).await;
    }

    /// The answer is whole: it cost what `usage` says, or all that was reserved when that was never said.
    pub async fn settle(self, outcome: &str, usage: Option<Usage>) {
        let cost_micro_usd = usage.map(|usage| self.tariff.cost(&usage));
        self.end(CallEnd::Settled { outcome: outcome.to_owned(), usage, cost_micro_usd }).await;
    }

    /// The answer broke off, so that the last `usage` may be too low: what is not known counts with all that it can be.
    pub async fn settle_cut(self, outcome: &str, usage: Option<Usage>) {
        let cost_micro_usd = usage.map(|usage| {
            let prompt = if usage.prompt == 0 { self.prompt_tokens } else { usage.prompt };
            let said = usage.output.saturating_add(usage.thoughts);
            let output = said.max(u64::from(self.max_output_tokens));
            self.tariff.cost(&Usage { prompt, output, thoughts: 0, ..usage })
        });
        self.end(CallEnd::Settled { outcome: outcome.to_owned(), usage, cost_micro_usd }).await;
    }

    /// The question was blocked before anything was answered: it cost what `usage` says, or its own tokens when that was never
    /// said.
    pub async fn settle_unanswered(self, outcome: &str, usage: Option<Usage>) {
        let usage = usage.unwrap_or(Usage { prompt: self.prompt_tokens, ..Usage::default() });
        let cost_micro_usd = Some(self.tariff.cost(&usage));
        self.end(CallEnd::Settled { outcome: outcome.to_owned(), usage: Some(usage), cost_micro_usd }).await;
    }

    async fn end(self, end: CallEnd) {
        if let Err(error) = self.store.end_call(self.call, end).await {
            // It goes on to count in full, which is the safe side.
            tracing::error!(call = %self.call, %error, "what a call cost could not be stored");
        }
    }
}
