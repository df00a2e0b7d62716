//! What a look-up has found.
//!
//! Owns: reading the names of objects from the output of `get … -o name`, and what is said of a look-up at each stage. Does
//! not: read files or clocks.

use std::time::Duration;

use crate::domain::id::ProposalId;
use crate::domain::time::Timestamp;

/// What was found is old after this long: an object that came since would be touched unseen.
pub const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// Objects that are kept by name; the rest is counted.
pub const MOST_NAMES: usize = 200;

/// How far the look-up of what a proposal would touch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Looked {
    /// Nothing can be listed.
    #[default]
    Never,
    /// Nobody has looked.
    NotYet,
    /// It is proposed and waits for a yes of its own.
    Waits(ProposalId),
    /// It runs.
    Runs,
    /// It has found these.
    Found(Found),
    /// It failed.
    Failed {
        /// Why, as a clause. May hold foreign text.
        why: String,
        /// When it ended.
        at: Timestamp,
    },
}

/// What a look-up has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The objects (`pod/api-1`), at most [`MOST_NAMES`]. Foreign text.
    pub names: Vec<String>,
    /// How many there are.
    pub total: usize,
    /// Lines of the output that name no object.
    pub other_lines: usize,
    /// When it ended.
    pub at: Timestamp,
    /// The kubeconfig that it used, where that is not the one of the change.
    pub kubeconfig: Option<String>,
}

impl Found {
    /// What the output of a look-up says that ended `at`. `None` when it is not whole: nothing is counted then.
    #[must_use]
    pub fn read(output: &str, whole: bool, at: Timestamp, kubeconfig: Option<String>) -> Option<Self> {
        let mut found = Self { names: Vec::new(), total: 0, other_lines: 0, at, kubeconfig };
        if !whole {
            return None;
        }
        // Two questions may list the same object.
        let mut seen = std::collections::BTreeSet::new();
        for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !is_object(line) {
                found.other_lines += 1;
            } else if seen.insert(line) {
                found.total += 1;
                if found.names.len() < MOST_NAMES {
                    found.names.push(line.to_owned());
                }
            }
        }
        Some(found)
    }

    /// How old it is at `now`; nothing is younger than now.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.at)
    }

    /// Whether it is too old to rely on at `now`.
    #[must_use]
    pub fn is_old(&self, now: Timestamp) -> bool {
        self.age(now) > FRESH_FOR || now < self.at
    }
}

/// Whether a line names an object: `KIND[.GROUP]/NAME`.
fn is_object(line: &str) -> bool {
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    line.split_once('/').is_some_and(|(kind, name)| plain(kind, ".-") && plain(name, ".-:_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn objects_are_counted_once_and_other_lines_are_told() {
        let output = "pod/api-1\npod/api-2\nWarning: deprecated\ndeployment.apps/api\npod/api-1\n\nno/such thing\n";
        let found = Found::read(output, true, AT, None).unwrap();
        assert_eq!((found.total, found.other_lines), (3, 2));
        assert_eq!(found.names, ["pod/api-1", "pod/api-2", "deployment.apps/api"]);
        assert_eq!(Found::read("", true, AT, None).unwrap().total, 0);
        assert_eq!(Found::read(output, false, AT, None), None);
    }

    #[test]
    fn of_many_objects_the_rest_is_counted() {
        let output: String = (0..1_000).map(|number| format!("pod/p-{number}\n")).collect();
        let found = Found::read(&output, true, AT, None).unwrap();
        assert_eq!((found.total, found.names.len()), (1_000, MOST_NAMES));
    }

    #[test]
    fn it_is_old_after_five_minutes_and_when_the_clock_was_set_back() {
        let found = Found::read("pod/a\n", true, AT, None).unwrap();
        assert!(!found.is_old(AT.plus(FRESH_FOR)));
        assert!(found.is_old(AT.plus(FRESH_FOR + Duration::from_millis(1))));
        assert!(found.is_old(Timestamp::from_millis(0)));
    }
}
