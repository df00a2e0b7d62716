//! The choke point: the only way from here to a model.
//!
//! Owns: [`Cleared`], which nobody else can make. Does not: know a wire format or a provider.

/// A body that passed redaction and whose cost is reserved. It cannot be made outside this module, and is sent byte for byte.
#[derive(Debug)]
pub struct Cleared {
    body: Vec<u8>,
}

impl Cleared {
    /// The bytes to send.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// A body for tests of adapters, which test no choke point.
    #[cfg(test)]
    pub(crate) fn for_test(body: Vec<u8>) -> Self {
        Self { body }
    }
}
