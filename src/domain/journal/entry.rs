//! An entry as it is stored, and the hash that chains it to the one before.
//!
//! Owns: the format of an entry in all its versions. Invariants: the hash covers every column, each field with its length
//! before it and what may be missing with a mark that says whether it is; an entry of an earlier version verifies for ever,
//! by the rules of that version.
//!
//! Does not: know what the texts mean, or store them.

use serde::{Deserialize, Serialize};

use crate::domain::digest::FieldHasher;
use crate::domain::id::{IncidentId, JournalSeq};

/// Version of the entries that this program writes. Version 1 had no [`StoredEntry::about`].
pub const PAYLOAD_VERSION: u32 = 2;

/// The hash that stands before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an entry says, before it is chained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEntry {
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// JSON of the [`About`](super::About); `None` when there is nothing to say.
    pub about: Option<String>,
    /// JSON of the [`Context`](super::Context).
    pub context: String,
    /// JSON of the [`Payload`](super::Payload).
    pub payload: String,
}

/// An entry as it is stored: the texts are exactly the bytes that were hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// Position, from 1, without gaps.
    pub seq: JournalSeq,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// Version of the format.
    pub version: u32,
    /// JSON of the [`About`](super::About); never in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// JSON of the [`Context`](super::Context).
    pub context: String,
    /// JSON of the [`Payload`](super::Payload).
    pub payload: String,
    /// Hash of the entry before.
    pub previous: String,
    /// Hash of this entry.
    pub hash: String,
}

impl StoredEntry {
    /// Chains an entry to `previous`, in the present format.
    #[must_use]
    pub fn chain(seq: JournalSeq, new: NewEntry, previous: String) -> Self {
        let NewEntry { incident, about, context, payload } = new;
        let version = PAYLOAD_VERSION;
        let mut entry = Self { seq, incident, version, about, context, payload, previous, hash: String::new() };
        entry.hash = entry.compute_hash_v2();
        entry
    }

    /// The hash that this entry must have, by the rules of its version.
    ///
    /// # Errors
    /// Why it can have none, as a clause about the entry: its version is not known here, or it holds what its version has not.
    pub fn compute_hash(&self) -> Result<String, &'static str> {
        match self.version {
            // These two would not change the hash of the first version, which did not say whether there is an incident.
            1 if self.about.is_some() => Err("it holds more than its version has"),
            1 if self.incident == Some(IncidentId(0)) => Err("it belongs to an incident that cannot be"),
            1 => Ok(self.compute_hash_v1()),
            2 => Ok(self.compute_hash_v2()),
            _ => Err("its version is not known to this program, or was changed"),
        }
    }

    fn compute_hash_v1(&self) -> String {
        let mut hasher = FieldHasher::new("aiops journal v1");
        hasher.number(self.seq.0);
        hasher.number(self.incident.map_or(0, |incident| incident.0));
        hasher.number(i64::from(self.version));
        hasher.field(self.context.as_bytes());
        hasher.field(self.payload.as_bytes());
        hasher.field(self.previous.as_bytes());
        hasher.finish()
    }

    fn compute_hash_v2(&self) -> String {
        let mut hasher = FieldHasher::new("aiops journal v2");
        hasher.number(self.seq.0);
        hasher.number(i64::from(self.version));
        match self.incident {
            None => hasher.field(b"no incident"),
            Some(incident) => {
                hasher.field(b"incident");
                hasher.number(incident.0);
            }
        }
        match &self.about {
            None => hasher.field(b"about nothing"),
            Some(about) => {
                hasher.field(b"about");
                hasher.field(about.as_bytes());
            }
        }
        hasher.field(self.context.as_bytes());
        hasher.field(self.payload.as_bytes());
        hasher.field(self.previous.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> StoredEntry {
        let new = NewEntry { context: "{}".to_owned(), payload: "{\"type\":\"x\"}".to_owned(), ..NewEntry::default() };
        StoredEntry::chain(JournalSeq(1), new, GENESIS.to_owned())
    }

    #[test]
    fn what_is_missing_is_hashed_as_missing() {
        let plain = entry();
        for changed in [
            StoredEntry { incident: Some(IncidentId(0)), ..plain.clone() },
            StoredEntry { about: Some(String::new()), ..plain.clone() },
            StoredEntry { about: Some("no incident".to_owned()), ..plain.clone() },
        ] {
            assert_ne!(changed.compute_hash().unwrap(), plain.hash);
        }
    }

    #[test]
    fn an_entry_of_the_first_version_keeps_its_hash_for_ever() {
        let old = StoredEntry { version: 1, ..entry() };
        assert_eq!(old.compute_hash().unwrap(), FIRST_VERSION);
        for changed in [
            StoredEntry { about: Some("{}".to_owned()), ..old.clone() },
            StoredEntry { incident: Some(IncidentId(0)), ..old.clone() },
            StoredEntry { version: 3, ..old.clone() },
        ] {
            assert!(changed.compute_hash().is_err());
        }
        assert_ne!(StoredEntry { version: 2, ..old }.compute_hash().unwrap(), FIRST_VERSION);
    }

    /// Of the entry above in the first version, computed outside this program.
    const FIRST_VERSION: &str = "e3a2a6bcd413edd83c85b8e3699d0e01f540abb08896a9431938cf4862a02547";
}
