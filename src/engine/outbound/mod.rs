//! The choke point: the only way from here to a model.
//!
//! Owns: [`Cleared`], which nobody else can make; the order of what has to happen before (`gate`); what it needs of redaction
//! (`redaction`, and `real` on top of `domain::redact`). Does not: know a wire format or a provider.

mod continuation;
mod gate;
mod real;
mod redaction;

pub use continuation::NotContinued;
pub use gate::{CALLS_PER_QUESTION, Held, Inspected, Outbound, PriceSource, Reservation, Wanted};
pub use real::{OwnNames, OwnSecrets, Redaction};
pub use redaction::{Blocked, Redacted, Redactor, Restore, Tokens};

/// A body that passed redaction and whose cost is reserved. It cannot be made outside this module, and is sent byte for byte.
#[derive(Debug)]
pub struct Cleared {
    body: Vec<u8>,
    /// So many further calls the reservation covers, each with [`Cleared::continue_with`]; zero means that an answer which the
    /// provider wants to be asked for twice ends where it broke off.
    continuations: u32,
}

impl Cleared {
    /// The bytes to send.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The bytes to send.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// A body for tests of adapters, which test no choke point. Its reservation covers no further call.
    #[cfg(test)]
    pub(crate) fn for_test(body: Vec<u8>) -> Self {
        Self { body, continuations: 0 }
    }

    /// The same with a reservation that covers `continuations` further calls.
    #[cfg(test)]
    pub(crate) fn covering(self, continuations: u32) -> Self {
        Self { continuations, ..self }
    }
}

#[cfg(test)]
pub(crate) mod fakes;
#[cfg(test)]
mod tests;
