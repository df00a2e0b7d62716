//! The journal: what people and the engine decided and did, each entry chained to the one before it.
//!
//! Owns: the kinds of entries and the hash chain. Does not: store them, and does not hold large payloads: those are
//! named by their hash, so that erasing a payload leaves the chain whole.
//!
//! Invariant: an entry's hash covers the exact bytes of its stored payload; nothing is serialised again to verify it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::attempt::{Outcome, ProcessId};
use super::action::proposal::Proposal;
use super::actor::Actor;
use super::chat::Usage;
use super::chat::budget::OverBudget;
use super::digest::FieldHasher;
use super::id::{AttemptId, CallId, IncidentId, JournalSeq, MessageId, ProposalId};
use super::incident::IncidentEvent;
use super::policy::Ruling;
use super::time::Timestamp;

/// Version of the payloads that this program writes.
pub const PAYLOAD_VERSION: u32 = 1;

/// The hash that stands before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload {
    /// The journal was begun.
    Begun {
        /// Version of the program.
        program: String,
    },
    /// A batch of alerts was stored.
    Ingested {
        /// Name of the source.
        source: String,
        /// `webhook` or `reconcile`.
        origin: String,
        /// Alerts in the batch.
        alerts: u32,
        /// How many of them were news.
        news: u32,
        /// Incidents opened, reopened, resolved by it.
        incidents: [u32; 3],
        /// SHA-256 of the body as received.
        digest: String,
    },
    /// A body that could not be read was put aside.
    Quarantined {
        /// Name of the source.
        source: String,
        /// What was wrong.
        reason: String,
        /// SHA-256 of the body.
        digest: String,
    },
    /// This process became the one that receives.
    LeaseTaken {
        /// Name of the lease.
        name: String,
        /// Fencing token.
        fence: i64,
    },
    /// A person changed an incident.
    Incident {
        /// What happened to it.
        event: IncidentEvent,
    },
    /// An action was proposed.
    Proposed {
        /// The whole proposal.
        proposal: Box<Proposal>,
    },
    /// A person said no.
    Rejected {
        /// To which proposal.
        proposal: ProposalId,
    },
    /// A proposal or a grant is no longer valid.
    Voided {
        /// Which proposal.
        proposal: ProposalId,
        /// Why.
        reason: String,
    },
    /// A person said yes.
    Granted {
        /// To which proposal.
        proposal: ProposalId,
        /// Digest of what was shown.
        digest: String,
        /// SHA-256 of the review as rendered.
        rendered: String,
        /// Columns and rows of the terminal.
        terminal: (u16, u16),
        /// The grant has to be spent before.
        expires_at: Timestamp,
        /// What the policy said of it then, and the hash of that policy; `None` in entries from before there was any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ruling: Option<Box<Ruling>>,
        /// Who approved first, where two people had to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_approver: Option<String>,
    },
    /// A person said yes to something that two have to say yes to. Nothing may run yet.
    ApprovedByOne {
        /// To which proposal.
        proposal: ProposalId,
        /// Digest of what was shown.
        digest: String,
        /// The person, by the name that the policy has for them.
        approver: String,
        /// SHA-256 of the review as rendered.
        rendered: String,
        /// Columns and rows of the terminal.
        terminal: (u16, u16),
        /// What the policy said of it then, and the hash of that policy.
        ruling: Box<Ruling>,
        /// Fingerprint of the key that opened the person's ssh session, if sshd told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ssh_key: Option<String>,
    },
    /// It will be started next. Stored before anything is started.
    IntentStored {
        /// The attempt.
        attempt: AttemptId,
        /// The proposal whose grant it spends.
        proposal: ProposalId,
        /// Digest of what will run.
        digest: String,
    },
    /// The supervisor runs.
    Spawned {
        /// The attempt.
        attempt: AttemptId,
        /// The supervisor.
        supervisor: ProcessId,
    },
    /// A person asked for it to be ended.
    CancelRequested {
        /// The attempt.
        attempt: AttemptId,
    },
    /// How it ended.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
        /// When, as its supervisor recorded it; `None` when nobody saw it. The entry's own time is that of the record.
        #[serde(default)]
        ended_at: Option<Timestamp>,
        /// Bytes of output.
        output_bytes: u64,
        /// SHA-256 of the output file.
        output_digest: String,
    },
    /// A message of a conversation was stored. Its text is in a table, so that it can be erased.
    Said {
        /// Its number.
        message: MessageId,
        /// `person`, `model` or `fallback`.
        author: String,
        /// SHA-256 of its text.
        digest: String,
    },
    /// A body may leave for a model, and its cost is reserved. Stored before anything is sent.
    ModelAsked {
        /// The call.
        call: CallId,
        /// The model.
        model: String,
        /// Where the body goes; no key in it.
        destination: String,
        /// SHA-256 of the body.
        digest: String,
        /// How many values were replaced in it, by kind.
        replaced: BTreeMap<String, usize>,
        /// What it may cost at most, in millionths of a US dollar.
        reserved_micro_usd: u64,
    },
    /// What came of such a call.
    ModelCalled {
        /// The call.
        call: CallId,
        /// The model.
        model: String,
        /// Where the body went; no key in it.
        destination: String,
        /// SHA-256 of the body.
        digest: String,
        /// How many values were replaced in it, by kind.
        replaced: BTreeMap<String, usize>,
        /// Tokens, if the provider said.
        usage: Option<Usage>,
        /// What happened, as a clause.
        outcome: String,
        /// What it counts for, in millionths of a US dollar.
        cost_micro_usd: u64,
    },
    /// A question was not sent, because it could have cost more than there was.
    BudgetRefused {
        /// The model that would have been asked.
        model: String,
        /// Which limit, and by how much.
        over: OverBudget,
    },
}

/// Where and by whom an entry was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Wall clock.
    pub at: Timestamp,
    /// Milliseconds since boot, which no one can set back.
    pub monotonic_ms: i64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// Host name.
    pub host: String,
    /// Process id of the writer.
    pub pid: u32,
    /// Who.
    pub actor: Actor,
}

/// An entry as it is stored: the texts are exactly the bytes that were hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// Position, from 1, without gaps.
    pub seq: JournalSeq,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// Version of the payload.
    pub version: u32,
    /// JSON of the [`Context`].
    pub context: String,
    /// JSON of the [`Payload`].
    pub payload: String,
    /// Hash of the entry before.
    pub previous: String,
    /// Hash of this entry.
    pub hash: String,
}

impl StoredEntry {
    /// Chains an entry to `previous`.
    #[must_use]
    pub fn chain(
        seq: JournalSeq,
        incident: Option<IncidentId>,
        version: u32,
        context: String,
        payload: String,
        previous: String,
    ) -> Self {
        let mut entry = Self { seq, incident, version, context, payload, previous, hash: String::new() };
        entry.hash = entry.compute_hash();
        entry
    }

    /// The hash that this entry must have: over every field, each with its length before it.
    #[must_use]
    pub fn compute_hash(&self) -> String {
        let mut hasher = FieldHasher::new("aiops journal v1");
        hasher.number(self.seq.0);
        hasher.number(self.incident.map_or(0, |incident| incident.0));
        hasher.number(i64::from(self.version));
        hasher.field(self.context.as_bytes());
        hasher.field(self.payload.as_bytes());
        hasher.field(self.previous.as_bytes());
        hasher.finish()
    }
}

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
}

impl Default for Verifier {
    fn default() -> Self {
        Self { next: 1, previous: GENESIS.to_owned() }
    }
}

impl Verifier {
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
        if entry.compute_hash() != entry.hash {
            return Err(broken("its content was changed"));
        }
        self.next += 1;
        self.previous.clone_from(&entry.hash);
        Ok(())
    }

    /// How many entries were checked.
    #[must_use]
    pub const fn entries(&self) -> i64 {
        self.next - 1
    }

    /// The hash of the last entry checked.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.previous
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
}

impl PartVerifier {
    /// Checks the next entry.
    ///
    /// # Errors
    /// A [`Break`] that says what is wrong; the walk must not go on after it.
    pub fn check(&mut self, entry: &StoredEntry) -> Result<(), Break> {
        let broken = |reason: &str| Err(Break { seq: entry.seq, reason: reason.to_owned() });
        if entry.compute_hash() != entry.hash {
            return broken("its content was changed");
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<StoredEntry> {
        let mut previous = GENESIS.to_owned();
        (1..=length)
            .map(|seq| {
                let entry = StoredEntry::chain(
                    JournalSeq(seq),
                    (seq % 2 == 0).then_some(IncidentId(seq)),
                    PAYLOAD_VERSION,
                    "{}".to_owned(),
                    format!("{{\"n\":{seq}}}"),
                    previous.clone(),
                );
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
        let mutations: [fn(&mut StoredEntry); 6] = [
            |e| e.payload.push(' '),
            |e| e.context.push(' '),
            |e| e.incident = Some(IncidentId(99)),
            |e| e.version += 1,
            |e| e.hash.replace_range(0..1, if e.hash.starts_with('0') { "1" } else { "0" }),
            |e| e.previous.replace_range(0..1, if e.previous.starts_with('0') { "1" } else { "0" }),
        ];
        for mutate in mutations {
            let mut entries = chain(10);
            mutate(&mut entries[4]);
            assert_eq!(verify(&entries).unwrap_err().seq, JournalSeq(5));
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
        recomputed[3].hash = recomputed[3].compute_hash();
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
        entries[3].hash = entries[3].compute_hash();
        assert_eq!(verify_part(&entries).unwrap_err().seq, JournalSeq(5));
        let mut first = chain(3);
        first[0].previous = "f".repeat(64);
        first[0].hash = first[0].compute_hash();
        assert_eq!(verify_part(&first).unwrap_err().seq, JournalSeq(1));
    }
}
