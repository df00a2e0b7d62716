//! Places for heads of the journal: a file, the system's log.
//!
//! Owns: how a line gets there. Invariant: lines are only ever added. Does not: read them back; `journal verify` reads what
//! it is given.

mod file;
mod system_log;

pub use file::AnchorFile;
pub use system_log::SystemLog;

#[cfg(test)]
mod tests_support {
    use crate::domain::id::JournalSeq;
    use crate::domain::journal::anchor::{Anchor, AnchorCause};
    use crate::domain::time::Timestamp;

    /// An anchor of the entry `seq`, with a name that would break a line if it were not escaped.
    pub(super) fn anchor(seq: i64) -> Anchor {
        Anchor {
            database: "/srv/a\nb/aiops.db".to_owned(),
            host: "web-1".to_owned(),
            journal: "0".repeat(64),
            seq: JournalSeq(seq),
            hash: "f".repeat(64),
            at: Timestamp::from_millis(seq),
            cause: AnchorCause::Approved,
        }
    }
}
