//! Port for silences.

use super::{BoxFuture, SourceError};
use crate::domain::action::silence::Silence;
use crate::domain::time::Timestamp;

/// A system that can be told not to notify anybody of some alerts. Only the command that a grant started calls it.
pub trait Silencer: Send + Sync + 'static {
    /// Makes a silence from `now` on, in the name of `by`; its number.
    ///
    /// # Errors
    /// When it was refused, or when it is not known whether it was made; the error says which.
    fn create<'a>(
        &'a self,
        silence: &'a Silence,
        by: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<String, SourceError>>;
    /// Ends the silence with this number.
    ///
    /// # Errors
    /// As [`Self::create`].
    fn expire<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), SourceError>>;
}
