//! A place outside of the database where heads of the journal are kept.
//!
//! Owns: the port. Does not: know when to keep one (see `engine::anchoring`).

use crate::domain::journal::anchor::Anchor;

/// A head could not be kept; says where, why and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AnchorError(pub String);

/// Keeps heads of the journal where whoever changes the database does not change them along with it.
pub trait AnchorKeeper: Send + Sync + 'static {
    /// Where, for people: `/mnt/audit/anchors`, `syslog`.
    fn place(&self) -> String;
    /// Keeps one. May block; returns once a file has it on the disk, or a log of the system has taken it.
    ///
    /// # Errors
    /// When it is not kept.
    fn keep(&self, anchor: &Anchor) -> Result<(), AnchorError>;
}
