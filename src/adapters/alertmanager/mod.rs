//! Prometheus Alertmanager: the webhook that it sends and the API that it answers.
//!
//! Owns: both wire formats. Does not: listen (see `api`), decide when to ask (see `engine::ingest`) or store.
//!
//! Invariant: one firing has the same [`AlertKey`](crate::domain::alert::AlertKey) whichever way it came. Both ways carry
//! the same fingerprint; the webhook writes `startsAt` with nanoseconds and the API cuts it to milliseconds, as
//! [`Timestamp`](crate::domain::time::Timestamp) does.

pub mod api;
pub mod publisher;
mod silences;
pub mod webhook;
mod wire;

pub use super::service::{Access, Connection};
pub use api::{Alertmanager, Probed};
pub use publisher::WebhookPublisher;
pub use webhook::WebhookV4;
