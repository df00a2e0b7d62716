//! Verifying the journal: its chain, what it names by hash, and heads that were kept elsewhere.
//!
//! Owns: the walk over the stored entries and its report. Does not: read files (whoever verifies outputs hands in how) or know
//! the rules of the chain (see `domain::journal`). A chain alone shows neither that its end was cut off nor that all of it was
//! rewritten; for that it is held against heads that were kept elsewhere.

use std::io;

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;

use super::error::Fault;
use super::journal::{NAMING, SELECT, first_hash, from_row, settle};
use super::{Reader, Store, StoreError};
use crate::domain::digest::sha256_hex;
use crate::domain::id::JournalSeq;
use crate::domain::journal::anchor::AnchorSet;
use crate::domain::journal::{Break, Context, Payload, StoredEntry, Verifier};
use crate::domain::time::Timestamp;

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// Entries that are in order.
    pub entries: i64,
    /// The first entry that was looked at.
    pub first: JournalSeq,
    /// Hash of the last entry in order.
    pub head: String,
    /// Whether all that were looked at are in order, nothing that they name by hash was altered, and they are what was
    /// anchored.
    pub ok: bool,
    /// Where the chain is broken.
    pub broken: Option<Break>,
    /// Entries whose texts were purged by a person: what is left of them is what the entries of the purges say.
    pub purged: u64,
    /// What lies outside the chain and is named in it by hash: reviews as they were shown, outputs of attempts.
    pub payloads: PayloadReport,
    /// What comparing with heads that were kept elsewhere gave; `None` when there were none to compare with.
    pub anchors: Option<AnchorsReport>,
}

/// What comparing with anchors gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnchorsReport {
    /// Anchors that the journal agrees with.
    pub matched: u64,
    /// Entries after the last of them: nobody outside would notice if these were changed.
    pub unanchored: i64,
    /// Anchors of other journals.
    pub others: u64,
    /// Lines that began like an anchor and were none.
    pub damaged: u64,
}

/// Which entries to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From this one on. What comes before it is taken as it is, unless an anchor says what it was.
    pub from: JournalSeq,
    /// Up to this one, and on to the next anchor where there is one.
    pub to: JournalSeq,
}

impl Part {
    /// All entries.
    pub const WHOLE: Self = Self { from: JournalSeq(1), to: JournalSeq(i64::MAX) };
}

/// Whether a journal without anchors is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorNeed {
    /// It is: perhaps none was made yet.
    IfAny,
    /// It is not: somebody said that there are some.
    Required,
}

/// Lines among which anchors are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAnchors {
    /// The text of a file, of syslog or of `journalctl`.
    pub text: String,
    /// Whether there has to be one.
    pub need: AnchorNeed,
    /// What heads of entries mean that were lost in a restoration.
    pub lost: LostHeads,
}

/// What a head means that was kept before the last restoration, of an entry that this replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostHeads {
    /// That the journal was rewritten: whoever can do that can also write that there was a restoration.
    Broken,
    /// Nothing: a person knows of the restoration.
    Known,
}

/// What became of the payloads that the journal names by hash. One that is missing was erased, which is allowed: the chain
/// stays whole without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PayloadReport {
    /// Payloads that were hashed.
    pub checked: u64,
    /// Payloads that are not there any more.
    pub missing: u64,
    /// Outputs that are there and could not be read.
    pub unreadable: u64,
    /// The first of those, at the entry that names it, and why not.
    pub first_unreadable: Option<Break>,
    /// Checked payloads that have another hash.
    pub altered: u64,
    /// The first of those, at the entry that names it.
    pub first_altered: Option<Break>,
}

/// Hashes the output of the attempt in a directory: SHA-256 in hexadecimal digits, `None` when there is no output.
pub type HashOutput<'a> = &'a mut dyn FnMut(&str) -> io::Result<Option<String>>;

impl PayloadReport {
    fn take(&mut self, entry: JournalSeq, what: &str, expected: &str, found: io::Result<Option<String>>) {
        match found {
            Ok(Some(hash)) => {
                self.checked += 1;
                if hash != expected {
                    self.altered += 1;
                    self.first_altered
                        .get_or_insert_with(|| Break { seq: entry, reason: format!("{what} was changed afterwards") });
                }
            }
            Ok(None) => self.missing += 1,
            Err(error) => {
                self.unreadable += 1;
                self.first_unreadable
                    .get_or_insert_with(|| Break { seq: entry, reason: format!("{what} could not be read: {error}") });
            }
        }
    }
}

impl Store {
    /// Walks the whole journal and checks its chain and the stored reviews, without holding more than one entry in memory.
    /// Outputs of attempts are files and are not looked at; [`Reader::verify`] does that.
    ///
    /// # Errors
    /// When the journal cannot be read. A broken chain is no error but a report.
    pub async fn verify(&self) -> Result<JournalReport, StoreError> {
        self.read_view(|reader| reader.named(verify(reader, Part::WHOLE, None, None))).await
    }
}

impl Reader<'_> {
    /// As [`Store::verify`], and checks the outputs of attempts by what `hash_output` makes of their directories.
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub fn verify(&self, hash_output: HashOutput<'_>) -> Result<JournalReport, StoreError> {
        self.verify_part(Part::WHOLE, None, hash_output)
    }

    /// As [`Reader::verify`], a part of the journal, and against heads that were kept elsewhere.
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub fn verify_part(
        &self,
        part: Part,
        anchors: Option<&KnownAnchors>,
        hash_output: HashOutput<'_>,
    ) -> Result<JournalReport, StoreError> {
        self.named(verify(self, part, anchors, Some(hash_output)))
    }
}

fn verify(
    reader: &Reader<'_>,
    part: Part,
    anchors: Option<&KnownAnchors>,
    mut hash_output: Option<HashOutput<'_>>,
) -> Result<JournalReport, Fault> {
    let conn = reader.conn;
    let set = match anchors {
        None => AnchorSet::default(),
        Some(known) => {
            let journal = first_hash(conn)?.unwrap_or_default();
            let mut set = AnchorSet::read(known.text.lines(), &journal, &reader.place(), &reader.identity.host);
            if known.lost == LostHeads::Known
                && let Some((seq, at)) = last_restoration(conn)?
            {
                set.forget_lost(seq, at);
            }
            set
        }
    };
    let mut payloads = PayloadReport::default();
    let walked = walk(conn, part, &set, |entry| check_named(conn, entry, &mut payloads, &mut hash_output))?;
    let Walked { first, mut verifier, matched, anchored, mut broken } = walked;
    if let Some(known) = anchors {
        // That another journal stood here, or that none of the anchors fits, weighs more than anything inside.
        broken = foreign(&set, known.need).or(broken);
        if let (Some(found), LostHeads::Broken, Some((seq, at))) = (&mut broken, known.lost, last_restoration(conn)?)
            && found.seq >= seq
        {
            let hint = "; if you know of that, verify with --since-restoration";
            found
                .reason
                .push_str(&format!(". Entry {seq} says that the store was restored at {at} and lost entries{hint}"));
        }
    }
    let last = verifier.entries();
    let report = AnchorsReport {
        matched,
        unanchored: last - anchored.max(first.0 - 1),
        others: set.others,
        damaged: set.damaged,
    };
    Ok(JournalReport {
        entries: last - (first.0 - 1),
        first,
        head: verifier.head().to_owned(),
        ok: broken.is_none() && payloads.altered == 0,
        broken,
        purged: verifier.claims().settled(),
        payloads,
        anchors: anchors.map(|_| report),
    })
}

/// The last entry that tells of a restoration, and when it was written.
fn last_restoration(conn: &Connection) -> Result<Option<(JournalSeq, Timestamp)>, Fault> {
    let mut statement =
        conn.prepare_cached(&format!("{SELECT} WHERE payload LIKE '%\"restored\"%' ORDER BY seq DESC"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let entry = from_row(row)?;
        let payload = serde_json::from_str::<Payload>(&entry.payload);
        let context = serde_json::from_str::<Context>(&entry.context);
        if let (Ok(Payload::Restored { .. }), Ok(context)) = (payload, context) {
            return Ok(Some((entry.seq, context.at)));
        }
    }
    Ok(None)
}

/// Why these anchors cannot be those of this journal.
fn foreign(set: &AnchorSet, need: AnchorNeed) -> Option<Break> {
    let reason = match (set.replaced, set.is_empty(), need) {
        (Some(at), ..) => format!(
            "another journal was in this place and was anchored last at {at}: it was replaced, or rewritten from its first \
             entry on. If it was begun anew on purpose, keep the anchors of the two apart"
        ),
        (None, true, AnchorNeed::Required) => format!(
            "none of the anchors is about this journal ({} are about others): it was rewritten from its first entry on, or \
             these are the wrong ones",
            set.others
        ),
        (None, ..) => return None,
    };
    Some(Break { seq: JournalSeq(1), reason })
}

/// What a walk over entries gave.
struct Walked {
    first: JournalSeq,
    verifier: Verifier,
    /// How many anchors agree.
    matched: u64,
    /// The last entry that an anchor agrees with; 0 when none does.
    anchored: i64,
    broken: Option<Break>,
}

/// Walks a part of the journal until something is wrong. `look` sees each entry that is in order.
fn walk(
    conn: &Connection,
    part: Part,
    anchors: &AnchorSet,
    mut look: impl FnMut(&StoredEntry) -> Result<(), Fault>,
) -> Result<Walked, Fault> {
    let (first, mut verifier) = match beginning(conn, part.from, anchors)? {
        Ok(known) => known,
        Err(broken) => {
            let verifier = Verifier::after(part.from, String::new());
            return Ok(Walked { first: part.from, verifier, matched: 0, anchored: 0, broken: Some(broken) });
        }
    };
    let to = anchors.first_from(part.to).map_or(part.to, |anchor| anchor.seq);
    let mut check = anchors.check_from(first);
    let mut broken = None;
    // From the very beginning everything counts, also what stands before the first entry.
    let lowest = if first.0 == 1 { i64::MIN } else { first.0 };
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"))?;
    let mut rows = statement.query([lowest, to.0])?;
    while let Some(row) = rows.next()? {
        let entry = match from_row(row) {
            Ok(entry) => entry,
            Err(error) => {
                let seq = JournalSeq(verifier.entries() + 1);
                broken = Some(Break { seq, reason: format!("a column of it holds what never was there: {error}") });
                break;
            }
        };
        if let Err(found) = verifier.check(&entry).and_then(|()| check.check(entry.seq, &entry.hash)) {
            broken = Some(found);
            break;
        }
        look(&entry)?;
    }
    let last = JournalSeq(verifier.entries());
    let mut broken = broken.or_else(|| check.finish(last, to).err());
    if broken.is_none() {
        // The purge may lie behind this part.
        broken = settle(conn, verifier.claims())?.err();
    }
    let anchored = anchors.last_before(JournalSeq(last.0 + 1)).map_or(0, |anchor| anchor.seq.0);
    Ok(Walked { first, verifier, matched: check.matched(), anchored, broken })
}

/// Where a walk that is to check `from` begins: after the last anchor before it, else with it.
fn beginning(
    conn: &Connection,
    from: JournalSeq,
    anchors: &AnchorSet,
) -> Result<Result<(JournalSeq, Verifier), Break>, Fault> {
    if from.0 <= 1 {
        return Ok(Ok((JournalSeq(1), Verifier::default())));
    }
    if let Some(anchor) = anchors.last_before(from) {
        let first = JournalSeq(anchor.seq.0 + 1);
        return Ok(Ok((first, Verifier::after(first, anchor.hash.clone()))));
    }
    let mut statement = conn.prepare_cached("SELECT hash FROM journal WHERE seq = ?1")?;
    let before: Option<String> = statement.query_row([from.0 - 1], |row| row.get(0)).optional()?;
    Ok(before
        .map(|hash| (from, Verifier::after(from, hash)))
        .ok_or_else(|| Break { seq: JournalSeq(from.0 - 1), reason: "it is missing".to_owned() }))
}

/// Checks what an entry names by hash.
fn check_named(
    conn: &Connection,
    entry: &StoredEntry,
    payloads: &mut PayloadReport,
    hash_output: &mut Option<HashOutput<'_>>,
) -> Result<(), Fault> {
    // Most entries name nothing, and reading all of them takes longer than hashing them.
    if !NAMING.iter().any(|kind| entry.payload.contains(kind)) {
        return Ok(());
    }
    // An entry of another version of this program is in the chain all the same, but what it names is not known here.
    match serde_json::from_str(&entry.payload) {
        Ok(Payload::Granted { proposal, rendered, .. }) => {
            let mut statement = conn.prepare_cached("SELECT bytes FROM blob WHERE hash = ?1")?;
            let bytes: Option<Vec<u8>> = statement.query_row([&rendered], |row| row.get(0)).optional()?;
            let hash = bytes.map(|bytes| sha256_hex(&bytes));
            payloads.take(
                entry.seq,
                &format!("the review of proposal {proposal} as it was shown"),
                &rendered,
                Ok(hash),
            );
        }
        Ok(Payload::Ended { attempt, output_digest, .. }) if !output_digest.is_empty() => {
            let Some(hash_output) = hash_output else { return Ok(()) };
            let mut statement = conn.prepare_cached("SELECT directory FROM attempt WHERE id = ?1")?;
            let directory: Option<String> = statement.query_row([attempt.0], |row| row.get(0)).optional()?;
            let hash = directory.map_or(Ok(None), |directory| hash_output(&directory));
            payloads.take(entry.seq, &format!("the output of attempt {attempt}"), &output_digest, hash);
        }
        Ok(_) | Err(_) => {}
    }
    Ok(())
}
