//! Two texts, line by line: what differs, as a unified diff that `patch` and `git apply` read.
//!
//! Owns: finding the lines that are the same, and the form. Does not: know what the texts are.
//!
//! Invariants: applying the diff of two texts to the first gives the second; line numbers are those of the first text as it
//! is, from 1. Texts that are the same give no hunk.

use std::ops::Range;

/// Lines around a change, as `diff -u` shows them.
const CONTEXT: usize = 3;

/// A middle part with more pairs of lines than this is taken as changed whole: comparing takes time by their product.
const MOST_PAIRS: usize = 4_000_000;

/// A part of a text that becomes another one. Line numbers from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Lines of the first text that go.
    pub old: Range<usize>,
    /// Lines of the second text that come.
    pub new: Range<usize>,
}

/// Changes that stand near each other, with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Lines of the first text that it shows, from 0.
    pub old: Range<usize>,
    /// Lines of the second text that it shows, from 0.
    pub new: Range<usize>,
    /// Its lines: a sign (blank, `-`, `+`) and the line without its end.
    pub lines: Vec<String>,
}

impl Hunk {
    /// The line that begins it, with `note` behind the second `@@`, where tools expect a heading.
    #[must_use]
    pub fn header(&self, note: &str) -> String {
        let part = |range: &Range<usize>| {
            // Of nothing, the line before is named.
            let start = if range.is_empty() { range.start } else { range.start + 1 };
            format!("{start},{}", range.len())
        };
        let note = if note.is_empty() { String::new() } else { format!(" {note}") };
        format!("@@ -{} +{} @@{note}", part(&self.old), part(&self.new))
    }
}

/// What differs between two texts, in order.
#[must_use]
pub fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let lead = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = (&old[lead..], &new[lead..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(old, new)| old == new).count();
    let (a, b) = (&old[lead..old.len() - tail], &new[lead..new.len() - tail]);
    if a.is_empty() && b.is_empty() {
        return Vec::new();
    }
    if a.len().saturating_mul(b.len()) > MOST_PAIRS {
        return vec![Change { old: lead..lead + a.len(), new: lead..lead + b.len() }];
    }
    walk(a, b, lead)
}

/// The changes between `a` and `b`, both of which begin at line `lead`, by their longest common sequence.
fn walk(a: &[&str], b: &[&str], lead: usize) -> Vec<Change> {
    let mut best = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for row in (0..a.len()).rev() {
        for column in (0..b.len()).rev() {
            best[row][column] = if a[row] == b[column] {
                best[row + 1][column + 1] + 1
            } else {
                best[row + 1][column].max(best[row][column + 1])
            };
        }
    }
    let mut all: Vec<Change> = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < a.len() || column < b.len() {
        if row < a.len() && column < b.len() && a[row] == b[column] {
            (row, column) = (row + 1, column + 1);
            continue;
        }
        let start = (row, column);
        while (row < a.len() || column < b.len()) && !(row < a.len() && column < b.len() && a[row] == b[column]) {
            let down = row < a.len() && (column == b.len() || best[row + 1][column] >= best[row][column + 1]);
            if down { row += 1 } else { column += 1 }
        }
        all.push(Change { old: lead + start.0..lead + row, new: lead + start.1..lead + column });
    }
    all
}

/// What differs between two texts, as hunks in order.
#[must_use]
pub fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mut groups: Vec<Vec<Change>> = Vec::new();
    for change in changes(old, new) {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| change.old.start - last.old.end <= 2 * CONTEXT) => {
                group.push(change);
            }
            Some(_) | None => groups.push(vec![change]),
        }
    }
    groups.iter().filter_map(|group| hunk(group, &before, &after)).collect()
}

fn hunk(group: &[Change], before: &[&str], after: &[&str]) -> Option<Hunk> {
    let (first, last) = (group.first()?, group.last()?);
    let lead = first.old.start.min(CONTEXT);
    let tail = (before.len() - last.old.end).min(CONTEXT);
    let (old, new) = (first.old.start - lead..last.old.end + tail, first.new.start - lead..last.new.end + tail);
    let mut lines = Vec::new();
    let mut put = |sign: char, line: &str| {
        let (text, ended) = line.strip_suffix('\n').map_or((line, false), |text| (text, true));
        lines.push(format!("{sign}{text}"));
        if !ended {
            lines.push("\\ No newline at end of file".to_owned());
        }
    };
    let mut at = old.start;
    for change in group {
        before[at..change.old.start].iter().for_each(|line| put(' ', line));
        before[change.old.clone()].iter().for_each(|line| put('-', line));
        after[change.new.clone()].iter().for_each(|line| put('+', line));
        at = change.old.end;
    }
    before[at..old.end].iter().for_each(|line| put(' ', line));
    Some(Hunk { old, new, lines })
}

/// A unified diff of the file `name`; `note` says what stands behind the header of a hunk. Empty when nothing differs.
#[must_use]
pub fn unified(name: &str, old: &str, new: &str, note: impl Fn(&Hunk) -> String) -> String {
    let hunks = hunks(old, new);
    if hunks.is_empty() {
        return String::new();
    }
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    for hunk in hunks {
        text.push_str(&hunk.header(&note(&hunk)));
        text.push('\n');
        for line in &hunk.lines {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The second text, from the first and the hunks.
    fn applied(old: &str, hunks: &[Hunk]) -> String {
        let before: Vec<&str> = old.split_inclusive('\n').collect();
        let (mut text, mut at) = (String::new(), 0);
        for hunk in hunks {
            before[at..hunk.old.start].iter().for_each(|line| text.push_str(line));
            for (number, line) in hunk.lines.iter().enumerate() {
                let ended = hunk.lines.get(number + 1).is_none_or(|next| !next.starts_with('\\'));
                if let Some(line) = line.strip_prefix([' ', '+']) {
                    text.push_str(line);
                    text.push_str(if ended { "\n" } else { "" });
                }
            }
            at = hunk.old.end;
        }
        before[at..].iter().for_each(|line| text.push_str(line));
        text
    }

    proptest! {
        #[test]
        fn applying_the_diff_gives_the_other_text(old in "([abc]\n){0,12}[abc]?", new in "([abc]\n){0,12}[abc]?") {
            prop_assert_eq!(applied(&old, &hunks(&old, &new)), new);
        }
    }

    #[test]
    fn it_has_the_form_that_tools_read() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let text = unified("a.md", old, &old.replace("5\n", "five\n"), |_| "finding 1".to_owned());
        let expected = "--- a/a.md\n+++ b/a.md\n@@ -2,7 +2,7 @@ finding 1\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(text, expected);
        assert_eq!(unified("a.md", old, old, |_| String::new()), "");
        assert_eq!(hunks("", "a\n")[0].header(""), "@@ -0,0 +1,1 @@");
    }
}
