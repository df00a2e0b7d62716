//! Risk of a command, from its parsed words.

use serde::{Deserialize, Serialize};

/// How much harm an action can do. The order is the order of friction; `Unknown` is treated as `Destroy` and stands above
/// it so that the highest of several parts is simply the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A typed call of an adapter, never a process.
    Query,
    /// A process that only looks.
    Read,
    /// It changes something that can be changed back.
    Change,
    /// It takes something away.
    Destroy,
    /// We cannot tell.
    Unknown,
}

impl Risk {
    /// The name in screens, JSON and digests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Read => "Read",
            Self::Change => "Change",
            Self::Destroy => "Destroy",
            Self::Unknown => "Unknown",
        }
    }
}
