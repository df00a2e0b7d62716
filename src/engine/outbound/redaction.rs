//! What the choke point needs of redaction, so that tests can put something simpler in its place.
//!
//! Owns: the traits. Does not: find anything (`domain::redact` does).

use std::collections::BTreeMap;

/// Removes secrets from bodies and puts tokens in the place of names.
pub trait Redactor: Send + Sync + 'static {
    /// An empty set of tokens for one conversation.
    fn begin(&self) -> Box<dyn Tokens>;
    /// Labels whose values are names of hosts or people, for [`Tokens::learn`].
    fn naming_labels(&self) -> &[&'static str];
    /// What tells a model what the tokens in its request are.
    fn preamble(&self) -> &'static str;
    /// Whether a value that this program itself holds stands in `bytes`, in whatever encoding; its name, never the value.
    fn find_own_secret(&self, bytes: &[u8]) -> Option<String>;
}

/// The tokens of one conversation: the same value gets the same token, and tokens are restored to values.
pub trait Tokens: Send {
    /// Makes names known that this installation uses, such as hosts out of labels, so that they are replaced wherever they
    /// stand.
    fn learn(&mut self, labels: &BTreeMap<String, String>);
    /// Redacts every text in a serialised JSON body.
    ///
    /// # Errors
    /// [`Blocked`] when it may not leave as it is.
    fn redact(&mut self, json: &[u8]) -> Result<Redacted, Blocked>;
    /// Restores an answer that comes in pieces, with the tokens given out so far.
    fn restorer(&self) -> Box<dyn Restore>;
}

/// Puts values back in the place of tokens, in a text that comes in pieces cut anywhere.
pub trait Restore: Send {
    /// Takes the next piece and returns what is certain.
    fn push(&mut self, piece: &str) -> String;
    /// Returns the rest.
    fn finish(&mut self) -> String;
}

/// A body without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// Valid JSON again.
    pub body: Vec<u8>,
    /// How many values were replaced, by kind.
    pub replaced: BTreeMap<String, usize>,
}

/// Why a body may not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Why it cannot be searched, as a clause.
    #[error("{0}")]
    Unreadable(String),
    /// The name of a secret of this program itself that stands in it; never the value.
    #[error("{0} stands in it")]
    OwnSecret(String),
}
