//! Entries whose texts were purged, and how the chain stays whole without them.
//!
//! Owns: the mark that such an entry bears, and the seal that the entry of the purge keeps for it. The hash of a purged entry
//! stays what it was, so every later entry and every head that was kept elsewhere still fits; it can only not be computed
//! again. In its place stands the [`Seal`]: the hash of what is left of the entry, in the entry of the purge, which is
//! itself chained.
//!
//! Invariants: only an entry that is sealed by a later one may differ from its hash; what is left of it may not be changed
//! either, unless a later purge seals it anew. Does not: purge anything (see `domain::purge`).
//!
//! Residual risk: the hash that stays is one of the whole entry. Whoever has it, and can guess everything else that stood
//! there, can find out whether a guess of a very short text is right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Break, Payload, StoredEntry};
use crate::domain::digest::FieldHasher;
use crate::domain::id::JournalSeq;

/// The field of a purged payload that names the entry of its last purge.
pub const MARK: &str = "purged_by";

/// What the entry of a purge keeps of an entry that was purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The entry.
    pub entry: JournalSeq,
    /// [`remains`] of it.
    pub digest: String,
}

/// What an entry that differs from its hash says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub entry: JournalSeq,
    /// The entry that has to hold its seal.
    pub by: JournalSeq,
    /// The seal that has to be there.
    digest: String,
}

/// SHA-256 of everything that is left of a purged entry, its old hash among it, in hexadecimal digits.
#[must_use]
pub fn remains(entry: &StoredEntry) -> String {
    let mut hasher = FieldHasher::new("aiops purged entry v1");
    hasher.number(entry.seq.0);
    hasher.number(i64::from(entry.version));
    for (name, text) in [("incident", entry.incident.map(|id| id.to_string())), ("about", entry.about.clone())] {
        hasher.field(name.as_bytes());
        match text {
            None => hasher.field(b"none"),
            Some(text) => {
                hasher.field(b"some");
                hasher.field(text.as_bytes());
            }
        }
    }
    for text in [&entry.context, &entry.payload, &entry.previous, &entry.hash] {
        hasher.field(text.as_bytes());
    }
    hasher.finish()
}

/// The entry of the last purge of this one; `None` when it was never purged, or is no entry of ours.
#[must_use]
pub fn purged_by(entry: &StoredEntry) -> Option<JournalSeq> {
    // Reading every payload would take longer than hashing it.
    if !entry.payload.contains(MARK) {
        return None;
    }
    let payload: Value = serde_json::from_str(&entry.payload).ok()?;
    payload.get(MARK)?.as_i64().map(JournalSeq)
}

impl Claim {
    /// The claim of an entry; `None` when it makes none, or one that cannot be true.
    #[must_use]
    pub fn of(entry: &StoredEntry) -> Option<Self> {
        let by = purged_by(entry).filter(|by| *by > entry.seq)?;
        Some(Self { entry: entry.seq, by, digest: remains(entry) })
    }

    /// Whether the entry `purge`, which is in order itself, holds the seal.
    #[must_use]
    pub fn holds(&self, purge: &StoredEntry) -> bool {
        if purge.seq != self.by {
            return false;
        }
        let Ok(Payload::Purged { seals, .. }) = serde_json::from_str(&purge.payload) else { return false };
        seals.iter().any(|seal| seal.entry == self.entry && seal.digest == self.digest)
    }

    /// What is wrong when the seal is another one, or none.
    #[must_use]
    pub fn broken(&self) -> Break {
        let reason = format!("it was changed: entry {} does not say that it was purged to what is there now", self.by);
        Break { seq: self.entry, reason }
    }

    /// What is wrong when the entry with the seal is not among those that were handed out.
    #[must_use]
    pub fn unsealed(&self) -> Break {
        let reason =
            format!("it differs from its hash, and entry {}, which is to say that it was purged, is missing", self.by);
        Break { seq: self.entry, reason }
    }
}

/// Claims that were met on a walk and whose seals are still to come.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    open: BTreeMap<JournalSeq, Vec<Claim>>,
    settled: u64,
}

impl Claims {
    /// Notes a claim.
    pub(super) fn note(&mut self, claim: Claim) {
        self.open.entry(claim.by).or_default().push(claim);
    }

    /// Holds the claims about the entry `purge` against it.
    ///
    /// # Errors
    /// The first that does not hold.
    pub(super) fn settle(&mut self, purge: &StoredEntry) -> Result<(), Break> {
        let Some(claims) = self.open.remove(&purge.seq) else { return Ok(()) };
        for claim in claims {
            if !claim.holds(purge) {
                return Err(claim.broken());
            }
            self.settled += 1;
        }
        Ok(())
    }

    /// How many entries turned out to be purged.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// Counts a claim whose seal was found elsewhere.
    pub const fn settle_elsewhere(&mut self) {
        self.settled += 1;
    }

    /// Takes the claims whose seals did not come, in the order of those.
    #[must_use]
    pub fn take_open(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.open).into_values().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::journal::{GENESIS, NewEntry, PartVerifier, Verifier};
    use crate::domain::purge::Concerns;

    /// Four entries; the second was purged by the fourth.
    fn purged() -> Vec<StoredEntry> {
        let mut entries: Vec<StoredEntry> = Vec::new();
        for text in ["one", "secret", "three"] {
            append(&mut entries, format!("{{\"type\":\"x\",\"text\":\"{text}\"}}"));
        }
        entries[1].payload = format!("{{\"type\":\"x\",\"text\":\"[purged]\",\"{MARK}\":4}}");
        let seals = vec![Seal { entry: JournalSeq(2), digest: remains(&entries[1]) }];
        let counts = BTreeMap::from([("journal entries".to_owned(), 1)]);
        let purge = Payload::Purged { concerns: Concerns::Text, counts, reason: "asked for".to_owned(), seals };
        append(&mut entries, serde_json::to_string(&purge).unwrap());
        append(&mut entries, "{\"type\":\"x\"}".to_owned());
        entries
    }

    fn append(entries: &mut Vec<StoredEntry>, payload: String) {
        let previous = entries.last().map_or_else(|| GENESIS.to_owned(), |entry| entry.hash.clone());
        let seq = JournalSeq(i64::try_from(entries.len()).unwrap() + 1);
        let new = NewEntry { context: "{}".to_owned(), payload, ..NewEntry::default() };
        entries.push(StoredEntry::chain(seq, new, previous));
    }

    fn verify(entries: &[StoredEntry]) -> Result<u64, Break> {
        let mut verifier = Verifier::default();
        entries.iter().try_for_each(|entry| verifier.check(entry))?;
        verifier.claims().take_open().first().map_or(Ok(verifier.claims().settled()), |claim| Err(claim.unsealed()))
    }

    #[test]
    fn a_purged_entry_is_in_order_as_long_as_what_is_left_is_what_was_sealed() {
        assert_eq!(verify(&purged()), Ok(1));
        let mut part = PartVerifier::default();
        purged().iter().try_for_each(|entry| part.check(entry)).unwrap();
        assert!(part.claims().take_open().is_empty());
    }

    #[test]
    fn every_change_of_a_purged_entry_is_found() {
        let changes: [fn(&mut Vec<StoredEntry>); 9] = [
            |all| all[1].payload = all[1].payload.replace("[purged]", "harmless"),
            |all| all[1].payload = all[1].payload.replace(":4", ":5"),
            |all| all[1].payload = all[1].payload.replace(":4", ":9"),
            |all| all[1].payload = all[1].payload.replace(":4", ":1"),
            |all| all[1].context.push(' '),
            |all| all[1].about = Some("{}".to_owned()),
            |all| all[1].incident = Some(crate::domain::id::IncidentId(1)),
            |all| all[1].version = 1,
            // Another entry that says of itself that it was purged.
            |all| all[2].payload = format!("{{\"type\":\"x\",\"{MARK}\":4}}"),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut entries = purged();
            change(&mut entries);
            assert!(verify(&entries).is_err(), "{number}");
        }
        assert!(verify(&purged()[..3]).is_err(), "without the entry of the purge nothing seals it");
    }

    #[test]
    fn a_later_purge_seals_anew_and_the_purge_itself_can_be_purged() {
        let mut entries = purged();
        entries[1].payload = format!("{{\"type\":\"x\",\"{MARK}\":6}}");
        entries[3].payload =
            entries[3].payload.replace("asked for", "[purged]").replacen('{', &format!("{{\"{MARK}\":6,"), 1);
        let seal = |at: usize| Seal { entry: entries[at].seq, digest: remains(&entries[at]) };
        let seals = vec![seal(1), seal(3)];
        let purge =
            Payload::Purged { concerns: Concerns::Text, counts: BTreeMap::new(), reason: "r".to_owned(), seals };
        append(&mut entries, serde_json::to_string(&purge).unwrap());
        assert_eq!(verify(&entries), Ok(2));
    }
}
