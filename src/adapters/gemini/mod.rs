//! Google's Gemini over its REST interface, at AI Studio and at Vertex: `streamGenerateContent`, without a library of Google's.
//!
//! Owns: the wire format both ways, what failures mean, when to ask again, when not to ask at all. Does not: decide what is
//! sent (the engine's choke point does) or what an answer is good for.
//!
//! How an answer comes: `client` asks, `exchange` is one question with its repetitions and continuations, [`frames`]
//! cuts the bytes into JSON values (by [`sse`] and `documents`), [`decode`] reads these into events.
//!
//! Invariants: the body that was cleared is what is sent; the key goes into one header, to the configured address, and
//! nowhere else; an answer that does not say why it ended is an error; nothing that arrives can make the program hold more
//! than some MiB or hang for ever.

pub mod breaker;
mod client;
pub mod decode;
mod documents;
mod encode;
pub mod endpoint;
pub mod error;
mod exchange;
pub mod frames;
mod key;
mod obstacles;
mod probe;
pub mod retry;
pub mod sse;
#[cfg(test)]
mod tests;
mod wire;

pub use client::{Gemini, Patience, Settings};
pub use endpoint::Endpoint;
pub use key::Key;
pub use probe::Probed;
