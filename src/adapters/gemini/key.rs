//! The key: where it is, fetched when it is first needed, and again when the provider does not accept it any more.
//!
//! Invariants: it is fetched on a thread that may block, since it may come from a command; it is printed nowhere.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Secret;
use crate::domain::digest::sha256_hex;
use crate::engine::ports::{ModelError, ModelErrorKind};

/// A key that is fetched at first use.
#[derive(Clone, Debug)]
pub struct Key {
    place: Secret,
    fetched: Arc<Mutex<Option<SecretString>>>,
}

/// Whether a key was fetched for this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It was.
    Fresh,
    /// It is from an earlier one, and may have expired since.
    Kept,
}

impl Key {
    /// The key that `place` names.
    #[must_use]
    pub fn new(place: Secret) -> Self {
        Self { place, fetched: Arc::default() }
    }

    /// The key; one that was fetched before is kept.
    pub(super) async fn get(&self) -> Result<(SecretString, Freshness), ModelError> {
        if let Some(kept) = self.kept().clone() {
            return Ok((kept, Freshness::Kept));
        }
        let place = self.place.clone();
        let fetched = tokio::task::spawn_blocking(move || place.resolve()).await;
        let key = match fetched {
            Ok(Ok(key)) => key,
            Ok(Err(error)) => {
                let what = format!("{}: no key from {}: {}", error.key, error.place, error.problem);
                return Err(ModelError { kind: ModelErrorKind::Key, what, remedy: error.remedy });
            }
            Err(error) => {
                let what = format!("the key could not be fetched: {error}");
                return Err(ModelError { kind: ModelErrorKind::Key, what, remedy: "Look into the log".to_owned() });
            }
        };
        *self.kept() = Some(key.clone());
        Ok((key, Freshness::Fresh))
    }

    /// Forgets it, so that the next question fetches it again.
    pub(super) fn forget(&self) {
        *self.kept() = None;
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        // Nothing that holds the lock can fail half way.
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a key is recognised by without keeping it: its SHA-256.
pub(super) fn digest(key: &SecretString) -> String {
    sha256_hex(key.expose_secret().as_bytes())
}

/// `text` without `key` in it: a provider may repeat what it was sent.
pub(super) fn without_key(text: &str, key: &SecretString) -> String {
    let key = key.expose_secret();
    if key.is_empty() { text.to_owned() } else { text.replace(key, "[the key]") }
}
