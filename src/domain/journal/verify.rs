//! Walking a chain of entries.
//!
//! Owns: what makes a chain whole, for a journal from its first entry or from a known one on ([`Verifier`]), and for entries
//! that were handed out and need not be all of them ([`PartVerifier`]). An entry that differs from its hash and says that it
//! was purged is a claim: the walk settles it when it comes to the entry of that purge; whoever walks looks after those that
//! stay open. Does not: read entries, or know their meaning otherwise.

use serde::{Deserialize, Serialize};

use super::entry::{GENESIS, StoredEntry};
use super::purged::{Claim, Claims};
use crate::domain::id::JournalSeq;

/// Where and how a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// At which position.
    pub seq: JournalSeq,
    /// What is wrong there.
    pub reason: String,
}

/// Walks a chain entry by entry; it needs only the last hash, so a journal of any length can be verified.
#[derive(Clone, Debug)]
pub struct Verifier {
    next: i64,
    previous: String,
    claims: Claims,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { next: 1, previous: GENESIS.to_owned(), claims: Claims::default() }
    }
}

impl Verifier {
    /// Walks on from an entry that is known: the next one is `next`, and `previous` is the hash before it.
    #[must_use]
    pub fn after(next: JournalSeq, previous: String) -> Self {
        Self { next: next.0, previous, claims: Claims::default() }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// A [`Break`] that says what is wrong; the chain must not be walked on after it.
    pub fn check(&mut self, entry: &StoredEntry) -> Result<(), Break> {
        let broken = |reason: &str| Break { seq: entry.seq, reason: reason.to_owned() };
        if entry.seq.0 != self.next {
            return Err(broken(&format!("expected entry {}: entries are missing or out of order", self.next)));
        }
        if entry.previous != self.previous {
            return Err(broken("it does not follow the entry before it"));
        }
        own_hash(entry, &mut self.claims)?;
        self.next += 1;
        self.previous.clone_from(&entry.hash);
        Ok(())
    }

    /// The last entry checked; 0 before the first.
    #[must_use]
    pub const fn entries(&self) -> i64 {
        self.next - 1
    }

    /// The hash of the last entry checked.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.previous
    }

    /// What purged entries said of themselves. A walk is good when none stays open.
    #[must_use]
    pub const fn claims(&mut self) -> &mut Claims {
        &mut self.claims
    }
}

/// Walks entries that were handed out, which need not be all of them: each is checked by its own hash, and against the one
/// before it where the two are neighbours.
#[derive(Clone, Debug, Default)]
pub struct PartVerifier {
    last: Option<(JournalSeq, String)>,
    first: Option<JournalSeq>,
    entries: i64,
    gaps: i64,
    claims: Claims,
}

impl PartVerifier {
    /// Checks the next entry.
    ///
    /// # Errors
    /// A [`Break`] that says what is wrong; the walk must not go on after it.
    pub fn check(&mut self, entry: &StoredEntry) -> Result<(), Break> {
        let broken = |reason: &str| Err(Break { seq: entry.seq, reason: reason.to_owned() });
        own_hash(entry, &mut self.claims)?;
        match &self.last {
            Some((seq, _)) if entry.seq <= *seq => return broken("it stands after a later entry"),
            Some((seq, hash)) if entry.seq.0 == seq.0 + 1 && entry.previous != *hash => {
                return broken("it does not follow the entry before it");
            }
            Some((seq, _)) => self.gaps += i64::from(entry.seq.0 != seq.0 + 1),
            None if entry.seq.0 == 1 && entry.previous != GENESIS => return broken("it does not begin a journal"),
            None => self.first = Some(entry.seq),
        }
        self.entries += 1;
        self.last = Some((entry.seq, entry.hash.clone()));
        Ok(())
    }

    /// How many entries were checked.
    #[must_use]
    pub const fn entries(&self) -> i64 {
        self.entries
    }

    /// How many times entries are missing between two.
    #[must_use]
    pub const fn gaps(&self) -> i64 {
        self.gaps
    }

    /// The first entry checked.
    #[must_use]
    pub const fn first(&self) -> Option<JournalSeq> {
        self.first
    }

    /// The last entry checked and its hash.
    #[must_use]
    pub fn last(&self) -> Option<(JournalSeq, &str)> {
        self.last.as_ref().map(|(seq, hash)| (*seq, hash.as_str()))
    }

    /// What purged entries said of themselves. A walk is good when none stays open.
    #[must_use]
    pub const fn claims(&mut self) -> &mut Claims {
        &mut self.claims
    }
}

/// Checks an entry by its own hash; one that says that it was purged is noted among `claims`. Settles those that it seals.
fn own_hash(entry: &StoredEntry, claims: &mut Claims) -> Result<(), Break> {
    let broken = |reason: &str| Err(Break { seq: entry.seq, reason: reason.to_owned() });
    match entry.compute_hash() {
        Ok(hash) if hash == entry.hash => {}
        Ok(_) => match Claim::of(entry) {
            Some(claim) => claims.note(claim),
            None => return broken("its content was changed"),
        },
        Err(reason) => return broken(reason),
    }
    claims.settle(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::IncidentId;
    use crate::domain::journal::NewEntry;

    fn chain(length: i64) -> Vec<StoredEntry> {
        let mut previous = GENESIS.to_owned();
        (1..=length)
            .map(|seq| {
                let new = NewEntry {
                    incident: (seq % 2 == 0).then_some(IncidentId(seq)),
                    about: (seq % 3 == 0).then(|| "{}".to_owned()),
                    context: "{}".to_owned(),
                    payload: format!("{{\"n\":{seq}}}"),
                };
                let entry = StoredEntry::chain(JournalSeq(seq), new, previous.clone());
                previous.clone_from(&entry.hash);
                entry
            })
            .collect()
    }

    fn verify(entries: &[StoredEntry]) -> Result<i64, Break> {
        let mut verifier = Verifier::default();
        for entry in entries {
            verifier.check(entry)?;
        }
        Ok(verifier.entries())
    }

    #[test]
    fn an_untouched_chain_verifies() {
        assert_eq!(verify(&chain(20)), Ok(20));
        assert_eq!(verify(&[]), Ok(0));
    }

    #[test]
    fn every_single_change_is_found_where_it_is() {
        let mutations: [fn(&mut StoredEntry); 8] = [
            |e| e.payload.push(' '),
            |e| e.context.push(' '),
            |e| e.incident = Some(IncidentId(99)),
            |e| e.incident = None,
            |e| e.about = Some("{ }".to_owned()),
            |e| e.version += 1,
            |e| e.hash.replace_range(0..1, if e.hash.starts_with('0') { "1" } else { "0" }),
            |e| e.previous.replace_range(0..1, if e.previous.starts_with('0') { "1" } else { "0" }),
        ];
        for mutate in mutations {
            let mut entries = chain(10);
            mutate(&mut entries[5]);
            assert_eq!(verify(&entries).unwrap_err().seq, JournalSeq(6));
        }
    }

    #[test]
    fn removal_reordering_and_a_recomputed_entry_are_found() {
        let mut removed = chain(10);
        removed.remove(3);
        assert!(verify(&removed).is_err());
        let mut swapped = chain(10);
        swapped.swap(3, 4);
        assert!(verify(&swapped).is_err());
        let mut recomputed = chain(10);
        recomputed[3].payload = "{}".to_owned();
        recomputed[3].hash = recomputed[3].compute_hash().unwrap();
        assert_eq!(verify(&recomputed).unwrap_err().seq, JournalSeq(5));
    }

    fn verify_part(entries: &[StoredEntry]) -> Result<(i64, i64), Break> {
        let mut verifier = PartVerifier::default();
        for entry in entries {
            verifier.check(entry)?;
        }
        Ok((verifier.entries(), verifier.gaps()))
    }

    #[test]
    fn parts_verify_by_themselves_and_gaps_are_counted() {
        assert_eq!(verify_part(&chain(10)), Ok((10, 0)));
        assert_eq!(verify_part(&chain(10)[4..]), Ok((6, 0)));
        let mut part = chain(10);
        part.remove(7);
        part.remove(3);
        assert_eq!(verify_part(&part), Ok((8, 2)));
        let mut changed = part.clone();
        changed[5].payload.push(' ');
        assert_eq!(verify_part(&changed).unwrap_err().seq, changed[5].seq);
        part.swap(1, 2);
        assert!(verify_part(&part).is_err());
    }

    #[test]
    fn an_entry_that_was_made_up_does_not_fit_between_its_neighbours() {
        let mut entries = chain(10);
        entries[3].payload = "{}".to_owned();
        entries[3].hash = entries[3].compute_hash().unwrap();
        assert_eq!(verify_part(&entries).unwrap_err().seq, JournalSeq(5));
        let mut first = chain(3);
        first[0].previous = "f".repeat(64);
        first[0].hash = first[0].compute_hash().unwrap();
        assert_eq!(verify_part(&first).unwrap_err().seq, JournalSeq(1));
    }

    #[test]
    fn a_walk_goes_on_from_a_known_entry() {
        let entries = chain(10);
        let mut verifier = Verifier::after(JournalSeq(5), entries[3].hash.clone());
        for entry in &entries[4..] {
            verifier.check(entry).unwrap();
        }
        assert_eq!((verifier.entries(), verifier.head()), (10, entries[9].hash.as_str()));
        assert!(Verifier::after(JournalSeq(5), entries[2].hash.clone()).check(&entries[4]).is_err());
    }
}
