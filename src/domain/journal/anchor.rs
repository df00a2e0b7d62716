//! Heads of a journal that are kept outside of it.
//!
//! A chain alone shows neither that its end was cut off nor that all of it was rewritten, hashes and all. Whoever keeps the
//! hash of an entry elsewhere can tell both: an [`Anchor`] is that hash, as one line of text.
//!
//! Owns: the line, reading it back, and holding a journal against such lines ([`AnchorCheck`]). Does not: write them
//! anywhere (see `engine::anchoring` and the adapters).
//!
//! Invariant: what is anchored cannot be changed unnoticed by whoever cannot change the anchors. What came after the last
//! anchor can.

use serde::{Deserialize, Serialize};

use super::Break;
use crate::domain::id::JournalSeq;
use crate::domain::time::Timestamp;

/// What stands before the JSON of every anchor, so that it is found among other lines of a log.
const MARK: &str = "aiops-anchor ";

/// Why a head was anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorCause {
    /// An action was approved.
    Approved,
    /// An action ended.
    Ended,
    /// It was time.
    Time,
    /// The program begins or ends.
    Turn,
}

/// The head of a journal at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The file that holds the journal, as a path.
    pub database: String,
    /// Name of the host that it is on.
    pub host: String,
    /// Hash of the journal's first entry: it tells journals apart that were at the same place one after the other.
    pub journal: String,
    /// The last entry.
    pub seq: JournalSeq,
    /// Its hash.
    pub hash: String,
    /// When it was anchored.
    pub at: Timestamp,
    /// Why.
    pub cause: AnchorCause,
}

impl Anchor {
    /// The anchor as one line, without its end.
    ///
    /// # Errors
    /// Never in practice: all fields can be written as JSON.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{MARK}{}", serde_json::to_string(self)?))
    }

    /// The anchor in a line of a file, of syslog or of `journalctl`; `None` when there is none in it.
    ///
    /// # Errors
    /// When the mark of an anchor is followed by something else: the line was damaged.
    pub fn from_line(line: &str) -> Result<Option<Self>, serde_json::Error> {
        let Some((_, json)) = line.split_once(MARK) else { return Ok(None) };
        serde_json::from_str(json.trim()).map(Some)
    }
}

/// The anchors of one journal, in the order of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnchorSet {
    anchors: Vec<Anchor>,
    /// Anchors of other journals that were left out.
    pub others: u64,
    /// Lines that began like an anchor and were none.
    pub damaged: u64,
    /// An earlier journal was at the same place, with another first entry: when it was anchored last.
    pub replaced: Option<Timestamp>,
}

impl AnchorSet {
    /// Those of `lines` that are about the journal whose first entry has the hash `journal`, in the file `database` on
    /// `host`. An anchor of that very place with another first entry tells that the journal was replaced.
    pub fn read<'l>(lines: impl IntoIterator<Item = &'l str>, journal: &str, database: &str, host: &str) -> Self {
        let mut set = Self::default();
        for line in lines {
            match Anchor::from_line(line) {
                Ok(None) => {}
                Ok(Some(anchor)) if anchor.journal == journal => set.anchors.push(anchor),
                Ok(Some(anchor)) => {
                    if anchor.database == database && anchor.host == host {
                        set.replaced = set.replaced.max(Some(anchor.at));
                    }
                    set.others += 1;
                }
                Err(_) => set.damaged += 1,
            }
        }
        set.anchors.sort_by_key(|anchor| anchor.seq);
        set
    }

    /// Whether there is no anchor of this journal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// The last anchor of an entry before `seq`.
    #[must_use]
    pub fn last_before(&self, seq: JournalSeq) -> Option<&Anchor> {
        let end = self.anchors.partition_point(|anchor| anchor.seq < seq);
        self.anchors.get(..end)?.last()
    }

    /// The first anchor of an entry at or after `seq`.
    #[must_use]
    pub fn first_from(&self, seq: JournalSeq) -> Option<&Anchor> {
        self.anchors.get(self.anchors.partition_point(|anchor| anchor.seq < seq))
    }

    /// Begins to hold a journal against these anchors, from the entry `first` on.
    #[must_use]
    pub fn check_from(&self, first: JournalSeq) -> AnchorCheck<'_> {
        let next = self.anchors.partition_point(|anchor| anchor.seq < first);
        AnchorCheck { set: self, next, matched: 0 }
    }
}

/// Holds a journal against its anchors, entry by entry.
#[derive(Clone, Debug)]
pub struct AnchorCheck<'a> {
    set: &'a AnchorSet,
    next: usize,
    matched: u64,
}

impl AnchorCheck<'_> {
    /// Checks an entry that is in order by itself.
    ///
    /// # Errors
    /// A [`Break`] when another entry was anchored in its place.
    pub fn check(&mut self, seq: JournalSeq, hash: &str) -> Result<(), Break> {
        while let Some(anchor) = self.set.anchors.get(self.next).filter(|anchor| anchor.seq <= seq) {
            if anchor.seq == seq && anchor.hash != hash {
                return Err(self.rewritten(anchor));
            }
            self.matched += 1;
            self.next += 1;
        }
        Ok(())
    }

    /// Checks that nothing that was anchored is missing after the last entry, `last`, when the entries up to `to` were looked
    /// at.
    ///
    /// # Errors
    /// A [`Break`] at the first entry that is missing.
    pub fn finish(&self, last: JournalSeq, to: JournalSeq) -> Result<(), Break> {
        match self.set.anchors.iter().skip(self.next).take_while(|anchor| anchor.seq <= to).last() {
            Some(anchor) => Err(Break {
                seq: JournalSeq(last.0 + 1),
                reason: format!(
                    "it is missing, with all up to {} at least, which was anchored at {} on {}",
                    anchor.seq, anchor.at, anchor.host
                ),
            }),
            None => Ok(()),
        }
    }

    /// How many anchors were matched.
    #[must_use]
    pub const fn matched(&self) -> u64 {
        self.matched
    }

    fn rewritten(&self, anchor: &Anchor) -> Break {
        let good = self.next.checked_sub(1).and_then(|index| self.set.anchors.get(index));
        let since = good.map_or_else(|| "entry 1".to_owned(), |good| format!("the one after entry {}", good.seq));
        Break {
            seq: anchor.seq,
            reason: format!(
                "it is another one than was anchored at {} on {}: something was rewritten, at {since} at the earliest",
                anchor.at, anchor.host
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(seq: i64, hash: &str) -> Anchor {
        Anchor {
            database: "/d".to_owned(),
            host: "web-1".to_owned(),
            journal: "first".to_owned(),
            seq: JournalSeq(seq),
            hash: hash.to_owned(),
            at: Timestamp::from_millis(seq),
            cause: AnchorCause::Time,
        }
    }

    fn set(anchors: &[Anchor]) -> AnchorSet {
        let lines: Vec<String> = anchors.iter().map(|anchor| anchor.to_line().unwrap()).collect();
        AnchorSet::read(lines.iter().map(String::as_str), "first", "/d", "web-1")
    }

    #[test]
    fn a_line_is_read_back_wherever_it_stands() {
        let one = anchor(7, "h");
        let line = one.to_line().unwrap();
        let logged = format!("Mar  1 02:14:00 web-1 aiops[7]: {line}\n");
        assert_eq!(Anchor::from_line(&line).unwrap(), Some(one.clone()));
        assert_eq!(Anchor::from_line(&logged).unwrap(), Some(one));
        assert_eq!(Anchor::from_line("something else").unwrap(), None);
        assert!(Anchor::from_line("aiops-anchor {\"seq\":").is_err());
    }

    #[test]
    fn anchors_of_other_journals_are_left_out_and_a_replaced_one_is_noticed() {
        let elsewhere = Anchor { journal: "other".to_owned(), database: "/e".to_owned(), ..anchor(3, "x") };
        let found = set(&[anchor(9, "b"), elsewhere.clone(), anchor(4, "a")]);
        assert_eq!((found.len(), found.others, found.replaced), (2, 1, None));
        assert_eq!(found.last_before(JournalSeq(9)).unwrap().seq, JournalSeq(4));
        assert_eq!(found.first_from(JournalSeq(5)).unwrap().seq, JournalSeq(9));
        assert!(found.last_before(JournalSeq(4)).is_none() && found.first_from(JournalSeq(10)).is_none());
        let replaced = set(&[anchor(9, "b"), Anchor { database: "/d".to_owned(), ..elsewhere }]);
        assert_eq!(replaced.replaced, Some(Timestamp::from_millis(3)));
    }

    #[test]
    fn what_differs_from_an_anchor_or_is_missing_is_a_break() {
        let anchors = set(&[anchor(2, "b"), anchor(4, "d"), anchor(4, "d")]);
        let mut check = anchors.check_from(JournalSeq(1));
        for (seq, hash) in [(1, "a"), (2, "b"), (3, "c")] {
            check.check(JournalSeq(seq), hash).unwrap();
        }
        let cut = check.clone();
        cut.finish(JournalSeq(3), JournalSeq(3)).unwrap();
        assert_eq!(cut.finish(JournalSeq(3), JournalSeq(i64::MAX)).unwrap_err().seq, JournalSeq(4));
        let rewritten = check.clone().check(JournalSeq(4), "x").unwrap_err();
        assert_eq!(rewritten.seq, JournalSeq(4));
        assert!(rewritten.reason.contains("after entry 2"), "{}", rewritten.reason);
        check.check(JournalSeq(4), "d").unwrap();
        check.check(JournalSeq(5), "e").unwrap();
        check.finish(JournalSeq(5), JournalSeq(i64::MAX)).unwrap();
        assert_eq!(check.matched(), 3);
    }
}
