//! Tampering with a journal behind the store's back: whatever is changed up to the last anchor is found.
//!
//! Each tampering is made in a transaction, the segment that it touched (the entries between two anchors) is verified, and
//! the transaction is rolled back. With `AIOPS_LONG=1`: 10,000 of them in a journal of 1,000,000 entries.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::time::Instant;

use rusqlite::{Connection, params};

use super::support::{Bench, identity};
use crate::domain::id::{IncidentId, JournalSeq};
use crate::domain::journal::anchor::{Anchor, AnchorCause};
use crate::domain::journal::{GENESIS, NewEntry, StoredEntry};
use crate::domain::time::Timestamp;
use crate::store::journal::insert;
use crate::store::{AnchorNeed, Identity, JournalReport, KnownAnchors, LostHeads, Part, Reader};

/// Entries between two anchors.
const SEGMENT: i64 = 1_000;

/// Entries that a rewriting of all that follows goes through at most.
const REWRITTEN: i64 = 20_000;

/// A generator of numbers (xorshift64*), so that every run is the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn in_range(&mut self, range: &RangeInclusive<i64>) -> i64 {
        let length = (range.end() - range.start() + 1).unsigned_abs();
        range.start() + i64::try_from(self.next() % length).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// A journal of made-up entries in a file, its anchors, and nothing that guards it.
struct Victim {
    bench: Bench,
    conn: Connection,
    identity: Identity,
    anchors: KnownAnchors,
    entries: i64,
}

impl Victim {
    fn new(entries: i64) -> Self {
        let bench = Bench::new();
        let conn = bench.raw();
        // Whoever can write the file can drop what guards it.
        conn.execute_batch(
            "DROP TRIGGER journal_is_append_only_update; DROP TRIGGER journal_is_append_only_delete; DELETE FROM journal;
             BEGIN",
        )
        .unwrap();
        let database = bench.path().canonicalize().unwrap().display().to_string();
        let (mut text, mut first, mut previous) = (String::new(), String::new(), GENESIS.to_owned());
        for seq in 1..=entries {
            let entry = StoredEntry::chain(JournalSeq(seq), made_up(seq), previous);
            insert(&conn, &entry).unwrap();
            previous = entry.hash;
            if seq == 1 {
                first.clone_from(&previous);
            }
            if seq % SEGMENT == 0 || seq == entries {
                let anchor = Anchor {
                    database: database.clone(),
                    host: "test".to_owned(),
                    journal: first.clone(),
                    seq: JournalSeq(seq),
                    hash: previous.clone(),
                    at: Timestamp::from_millis(seq),
                    cause: AnchorCause::Time,
                };
                text.push_str(&anchor.to_line().unwrap());
                text.push('\n');
            }
        }
        conn.execute_batch("COMMIT").unwrap();
        let anchors = KnownAnchors { text, need: AnchorNeed::Required, lost: LostHeads::Broken };
        Self { bench, conn, identity: identity(1), anchors, entries }
    }

    fn verify(&self, part: Part) -> JournalReport {
        let path = self.bench.path();
        let at = Timestamp::from_millis(0);
        let reader = Reader { conn: &self.conn, path: &path, identity: &self.identity, at, monotonic_ms: 0 };
        reader.verify_part(part, Some(&self.anchors), &mut |_| Ok(None)).unwrap()
    }

    /// The segment that `seq` is in.
    fn verify_at(&self, seq: i64) -> JournalReport {
        self.verify(Part { from: JournalSeq(seq), to: JournalSeq(seq) })
    }

    fn load(&self, seq: i64) -> StoredEntry {
        let sql = "SELECT incident, version, about, context, payload, previous, hash FROM journal WHERE seq = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(StoredEntry {
                seq: JournalSeq(seq),
                incident: row.get::<_, Option<i64>>(0)?.map(IncidentId),
                version: row.get(1)?,
                about: row.get(2)?,
                context: row.get(3)?,
                payload: row.get(4)?,
                previous: row.get(5)?,
                hash: row.get(6)?,
            })
        };
        self.conn.prepare_cached(sql).unwrap().query_row([seq], read).unwrap()
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) {
        assert!(self.conn.prepare_cached(sql).unwrap().execute(params).unwrap() > 0, "{sql} changed nothing");
    }

    /// Rewrites the entries from `from` to `to` with right hashes; the first gets another payload.
    fn rewrite(&self, from: i64, to: i64) {
        let mut previous = self.load(from).previous;
        for seq in from..=to {
            let old = self.load(seq);
            let mut payload = old.payload;
            if seq == from {
                payload.push(' ');
            }
            let new = NewEntry { incident: old.incident, about: old.about, context: old.context, payload };
            let entry = StoredEntry::chain(JournalSeq(seq), new, previous);
            self.execute("DELETE FROM journal WHERE seq = ?1", [seq]);
            insert(&self.conn, &entry).unwrap();
            previous = entry.hash;
        }
    }

    /// Takes out the entry `gone` and moves up all that follow, with right hashes.
    fn close_gap(&self, gone: i64) {
        let mut previous = self.load(gone).previous;
        for seq in gone..self.entries {
            let StoredEntry { incident, about, context, payload, .. } = self.load(seq + 1);
            let new = NewEntry { incident, about, context, payload };
            let entry = StoredEntry::chain(JournalSeq(seq), new, previous);
            self.execute("DELETE FROM journal WHERE seq = ?1", [seq]);
            insert(&self.conn, &entry).unwrap();
            previous = entry.hash;
        }
        self.execute("DELETE FROM journal WHERE seq = ?1", [self.entries]);
    }
}

fn made_up(seq: i64) -> NewEntry {
    NewEntry {
        incident: (seq % 3 != 0).then_some(IncidentId(seq % 50 + 1)),
        about: (seq % 2 == 0).then(|| format!("{{\"proposal\":{seq}}}")),
        context: format!("{{\"at\":\"2026-03-01T02:14:00.000Z\",\"monotonic_ms\":{seq},\"host\":\"web-1\"}}"),
        payload: format!("{{\"type\":\"voided\",\"proposal\":{seq},\"reason\":\"the alert's label ä changed\"}}"),
    }
}

/// A way to tamper; returns the first entry that it touched.
type Tamper = fn(&Victim, &mut Numbers) -> i64;

/// The ways to tamper.
const WAYS: [(&str, Tamper); 9] = [
    ("a bit of a text", flip_text),
    ("a number", change_number),
    ("entries removed", remove),
    ("entries exchanged", exchange),
    ("the end cut off", cut_off),
    ("an entry moved elsewhere", move_away),
    ("an entry rewritten with its hash", |victim, numbers| rewrite(victim, numbers, 0)),
    ("all rewritten with hashes up to the next anchor or beyond", |victim, numbers| {
        rewrite(victim, numbers, REWRITTEN)
    }),
    ("an entry removed, all that follow renumbered and rewritten", renumber),
];

fn anywhere(victim: &Victim, numbers: &mut Numbers) -> i64 {
    numbers.in_range(&(1..=victim.entries))
}

fn flip_text(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = anywhere(victim, numbers);
    let columns = ["about", "context", "payload", "previous", "hash"];
    let column = columns[numbers.below(columns.len())];
    let entry = victim.load(seq);
    let text = match column {
        "about" => entry.about.unwrap_or_default(),
        "context" => entry.context,
        "payload" => entry.payload,
        "previous" => entry.previous,
        _ => entry.hash,
    };
    let mut bytes = text.into_bytes();
    if bytes.is_empty() {
        bytes.push(b' ');
    } else {
        let at = numbers.below(bytes.len());
        bytes[at] ^= 1 << numbers.below(8);
    }
    // Not always UTF-8 any more, as in a damaged file.
    victim.execute(&format!("UPDATE journal SET {column} = CAST(?2 AS TEXT) WHERE seq = ?1"), params![seq, bytes]);
    seq
}

fn change_number(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = anywhere(victim, numbers);
    let entry = victim.load(seq);
    match (numbers.below(3), entry.incident) {
        (0, _) => {
            let version = i64::from(entry.version) ^ (1 << numbers.below(40));
            victim.execute("UPDATE journal SET version = ?2 WHERE seq = ?1", [seq, version]);
        }
        (1, Some(_)) => victim.execute("UPDATE journal SET incident = NULL WHERE seq = ?1", [seq]),
        (_, Some(IncidentId(incident))) => {
            let incident = incident ^ (1 << numbers.below(40));
            victim.execute("UPDATE journal SET incident = ?2 WHERE seq = ?1", [seq, incident]);
        }
        (_, None) => {
            let incident = numbers.in_range(&(0..=1));
            victim.execute("UPDATE journal SET incident = ?2 WHERE seq = ?1", [seq, incident]);
        }
    }
    seq
}

fn remove(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = anywhere(victim, numbers);
    let last = seq + numbers.in_range(&(0..=4));
    victim.execute("DELETE FROM journal WHERE seq BETWEEN ?1 AND ?2", [seq, last]);
    seq
}

fn exchange(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = numbers.in_range(&(1..=victim.entries - 1));
    let other = numbers.in_range(&(seq + 1..=(seq + 2 * SEGMENT).min(victim.entries)));
    for [from, to] in [[seq, -1], [other, seq], [-1, other]] {
        victim.execute("UPDATE journal SET seq = ?2 WHERE seq = ?1", [from, to]);
    }
    seq
}

fn cut_off(victim: &Victim, numbers: &mut Numbers) -> i64 {
    // Cutting off most of a large journal takes long and is no harder to find.
    let last = numbers.in_range(&(victim.entries - 3 * SEGMENT + 1..=victim.entries - 1));
    victim.execute("DELETE FROM journal WHERE seq > ?1", [last]);
    last + 1
}

fn move_away(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = anywhere(victim, numbers);
    let far = victim.entries + 1 + numbers.in_range(&(1..=1_000_000));
    let places = [0, -seq, far];
    let place = places[numbers.below(places.len())];
    victim.execute("UPDATE journal SET seq = ?2 WHERE seq = ?1", [seq, place]);
    seq
}

fn rewrite(victim: &Victim, numbers: &mut Numbers, more: i64) -> i64 {
    let seq = anywhere(victim, numbers);
    // Mostly as far as the next anchor; now and then to the end, if that is near enough.
    let to_anchor = (seq + SEGMENT - 1) / SEGMENT * SEGMENT;
    let to = match more {
        0 => seq,
        more if victim.entries - seq <= more && numbers.below(10) == 0 => victim.entries,
        _ => to_anchor,
    };
    victim.rewrite(seq, to.min(victim.entries));
    seq
}

fn renumber(victim: &Victim, numbers: &mut Numbers) -> i64 {
    let seq = numbers.in_range(&(victim.entries - 2 * SEGMENT..=victim.entries - 1));
    victim.close_gap(seq);
    seq
}

#[test]
fn every_tampering_is_found() {
    let long = std::env::var_os("AIOPS_LONG").is_some_and(|value| value == "1");
    let (entries, count) = if long { (1_000_000, 10_000) } else { (10_500, 500) };
    let victim = Victim::new(entries);
    let begun = Instant::now();
    let untouched = victim.verify(Part::WHOLE);
    let whole = begun.elapsed();
    assert!(untouched.ok, "{untouched:?}");
    let anchors = untouched.anchors.unwrap();
    assert_eq!((untouched.entries, anchors.unanchored), (entries, 0));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut found = [0; WAYS.len()];
    for turn in 0..count {
        let which = turn % WAYS.len();
        let (way, tamper) = WAYS[which];
        victim.conn.execute_batch("BEGIN").unwrap();
        let touched = tamper(&victim, &mut numbers);
        let report = victim.verify_at(touched);
        victim.conn.execute_batch("ROLLBACK").unwrap();
        let broken = report.broken.unwrap_or_else(|| panic!("{way} at {touched} was not found"));
        assert!(!report.ok);
        // Where it begins is said as well: never before, and not beyond the next anchor.
        let next_anchor = (touched + SEGMENT - 1) / SEGMENT * SEGMENT;
        let near = touched..=next_anchor.min(entries) + 5;
        let is_unplaced = broken.seq.0 <= 0 || broken.seq.0 == 1;
        assert!(near.contains(&broken.seq.0) || is_unplaced, "{way} at {touched}: {broken:?}");
        found[which] += 1;
    }
    assert!(victim.verify(Part::WHOLE).ok, "a tampering was left behind");
    let mut err = std::io::stderr();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    writeln!(err, "tampering: one whole verification of {entries} entries took {:.2} s ({build})", whole.as_secs_f64())
        .unwrap();
    for ((way, _), found) in WAYS.iter().zip(found) {
        writeln!(err, "tampering: {way}: {found} made, {found} found").unwrap();
    }
    writeln!(err, "tampering: {count} in a journal of {entries} entries, all found (AIOPS_LONG=1: 10000 in 1000000)")
        .unwrap();
}

#[test]
fn a_whole_journal_that_was_rewritten_or_begun_anew_does_not_fit_its_anchors() {
    let victim = Victim::new(1_200);
    victim.rewrite(1, victim.entries);
    let report = victim.verify(Part::WHOLE);
    let reason = report.broken.unwrap().reason;
    assert!(!report.ok && reason.contains("replaced, or rewritten"), "{reason}");
    // The chain itself is right: only what was kept elsewhere tells.
    let path = victim.bench.path();
    let at = Timestamp::from_millis(0);
    let reader = Reader { conn: &victim.conn, path: &path, identity: &victim.identity, at, monotonic_ms: 0 };
    assert!(reader.verify(&mut |_| Ok(None)).unwrap().ok);
    let wrong = KnownAnchors {
        text: "no anchor here\naiops-anchor {\n".to_owned(),
        need: AnchorNeed::Required,
        lost: LostHeads::Broken,
    };
    let report = reader.verify_part(Part::WHOLE, Some(&wrong), &mut |_| Ok(None)).unwrap();
    assert!(!report.ok);
    assert_eq!(report.anchors.unwrap().damaged, 1);
    let none_yet = KnownAnchors { text: String::new(), need: AnchorNeed::IfAny, lost: LostHeads::Broken };
    assert!(reader.verify_part(Part::WHOLE, Some(&none_yet), &mut |_| Ok(None)).unwrap().ok);
}

#[test]
fn what_comes_after_the_last_anchor_is_counted_and_a_part_is_verified_by_itself() {
    let victim = Victim::new(2_100);
    let known = &victim.anchors.text;
    let kept: String = known.lines().take(2).map(|line| format!("{line}\n")).collect();
    let victim =
        Victim { anchors: KnownAnchors { text: kept, need: AnchorNeed::Required, lost: LostHeads::Broken }, ..victim };
    let whole = victim.verify(Part::WHOLE);
    let anchors = whole.anchors.unwrap();
    assert!(whole.ok);
    assert_eq!((anchors.matched, anchors.unanchored), (2, 100));
    // A part begins after the anchor before it and goes on to the next one.
    let part = victim.verify(Part { from: JournalSeq(1_500), to: JournalSeq(1_600) });
    assert!(part.ok);
    assert_eq!((part.first, part.entries, part.anchors.unwrap().matched), (JournalSeq(1_001), 1_000, 1));
    // What lies in another segment is not looked at.
    victim.execute("UPDATE journal SET payload = '' WHERE seq = 7", []);
    assert!(victim.verify(Part { from: JournalSeq(1_500), to: JournalSeq(1_600) }).ok);
    assert_eq!(victim.verify(Part { from: JournalSeq(2), to: JournalSeq(3) }).broken.unwrap().seq, JournalSeq(7));
}
