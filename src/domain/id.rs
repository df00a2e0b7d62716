//! Identifiers as types of their own, so that an incident number cannot stand where an attempt number belongs.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! numeric_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

numeric_id!(
    /// An incident; counts up from 1 in each store.
    IncidentId
);
numeric_id!(
    /// A proposal; counts up from 1 in each store.
    ProposalId
);
numeric_id!(
    /// An attempt; counts up from 1 in each store.
    AttemptId
);
numeric_id!(
    /// A message of a conversation; counts up from 1 in each store.
    MessageId
);
numeric_id!(
    /// A scoped grant; counts up from 1 in each store.
    ScopeId
);
numeric_id!(
    /// A call of a model; counts up from 1 in each store.
    CallId
);
numeric_id!(
    /// A run of a procedure; counts up from 1 in each store.
    RunId
);
numeric_id!(
    /// A position in the journal; the first entry is 1 and there are no gaps.
    JournalSeq
);
text_id!(
    /// A source of alerts, by the name the configuration gives it (`alertmanager` when it gives none).
    SourceId
);
text_id!(
    /// A document: its path relative to the library it came from, with `bundled/` before those in the binary.
    SopId
);
text_id!(
    /// A node of a procedure; stable under edits elsewhere in the document.
    NodeId
);
