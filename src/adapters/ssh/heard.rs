//! What came back beside the output: the lines of the other shell, and those of `ssh` itself.
//!
//! Owns: reading them, and what follows of an action from them. Foreign text: the other host wrote it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::adapters::process::{PartRecord, StageStatus};
use crate::domain::action::remote::{BEGAN, ENDED, FAILED};
use crate::domain::action::spec::{Connector, Invocation};

/// So much of the file is read, in bytes. The other shell writes a line for each pipeline that failed, and no more.
const MOST: u64 = 256 * 1024;

/// So many lines of others are kept, the last ones.
const LINES: usize = 6;

/// Exit status of a program that SIGPIPE ended, as shells have it, and the signal.
const PIPED: i32 = 141;
const SIGPIPE: i32 = 13;

/// What was heard of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::adapters) struct Heard {
    /// The process group of the script there, once it has begun.
    pub(in crate::adapters) began: Option<u32>,
    /// Its exit status, once it has ended.
    pub(in crate::adapters) ended: Option<i32>,
    /// Pipelines of which a stage did not succeed, by number.
    failed: BTreeMap<usize, Vec<i32>>,
    /// What `ssh` and the other host said besides.
    pub(in crate::adapters) said: Vec<String>,
}

impl Heard {
    /// What the file at `path` tells; nothing when it cannot be read.
    pub(in crate::adapters) fn read(path: &Path) -> Self {
        let mut bytes = Vec::new();
        // What cannot be read was not heard.
        let _ = File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
        Self::of(&String::from_utf8_lossy(&bytes))
    }

    fn of(text: &str) -> Self {
        let mut heard = Self::default();
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if !heard.mark(line) {
                heard.said.push(line.to_owned());
            }
        }
        let superfluous = heard.said.len().saturating_sub(LINES);
        heard.said.drain(..superfluous);
        heard
    }

    /// Takes a line of the other shell; `false` when it is none.
    fn mark(&mut self, line: &str) -> bool {
        if let Some(group) = line.strip_prefix(BEGAN).and_then(|group| group.parse().ok()) {
            // Process groups 0 and 1 mean more than one group to kill(2). The first line counts.
            if self.began.is_none() && group > 1 {
                self.began = Some(group);
                return true;
            }
        } else if let Some(code) = line.strip_prefix(ENDED).and_then(|code| code.parse().ok()) {
            if self.began.is_some() && self.ended.is_none() {
                self.ended = Some(code);
                return true;
            }
        } else if let Some(numbers) = line.strip_prefix(FAILED) {
            let numbers: Option<Vec<i32>> = numbers.split(' ').map(|number| number.parse().ok()).collect();
            if let Some([part, statuses @ ..]) = numbers.as_deref()
                && let Ok(part) = usize::try_from(*part)
            {
                self.failed.insert(part, statuses.to_vec());
                return true;
            }
        }
        false
    }

    /// What became of each pipeline of `invocation`, which has ended.
    pub(in crate::adapters) fn parts(&self, invocation: &Invocation) -> Vec<PartRecord> {
        let shape: Vec<(Connector, usize)> = match invocation {
            Invocation::Argv { script } => {
                script.parts.iter().map(|(connector, pipeline)| (*connector, pipeline.stages.len())).collect()
            }
            Invocation::Bash { .. } => vec![(Connector::Always, 1)],
        };
        let mut succeeded = true;
        let mut records = Vec::with_capacity(shape.len());
        for (number, (connector, stages)) in shape.into_iter().enumerate() {
            let ran = match connector {
                Connector::Always => true,
                Connector::AndThen => succeeded,
                Connector::OrElse => !succeeded,
            };
            if !ran {
                records.push(PartRecord::Skipped);
                continue;
            }
            let codes = self.failed.get(&number).cloned().unwrap_or_default();
            succeeded = counts_as_success(&codes);
            let status = |stage: usize| match codes.get(stage).copied().unwrap_or(0) {
                PIPED => StageStatus::Signalled { signal: SIGPIPE },
                code => StageStatus::Exited { code },
            };
            records.push(PartRecord::Ran { stages: (0..stages).map(status).collect() });
        }
        records
    }
}

/// Whether a pipeline with these statuses succeeded: stages whose readers had enough did not fail.
fn counts_as_success(codes: &[i32]) -> bool {
    codes.last().is_none_or(|last| *last == 0) && codes.iter().all(|code| matches!(*code, 0 | PIPED))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn lines_of_the_other_shell_are_told_from_others() {
        let heard = Heard::of("Welcome!\naiops-began 4711\naiops-failed 1 2 0\naiops-ended 2\nConnection closed\n");
        assert_eq!((heard.began, heard.ended), (Some(4711), Some(2)));
        assert_eq!(heard.failed, BTreeMap::from([(1, vec![2, 0])]));
        assert_eq!(heard.said, ["Welcome!", "Connection closed"]);
    }

    #[rstest]
    #[case::end_without_beginning("aiops-ended 0", None, None)]
    #[case::no_number("aiops-began x", None, None)]
    #[case::every_process("aiops-began 1", None, None)]
    #[case::own_group("aiops-began 0", None, None)]
    #[case::negative("aiops-began -7", None, None)]
    #[case::twice("aiops-began 7\naiops-ended 1\naiops-began 8\naiops-ended 0", Some(7), Some(1))]
    #[case::cut("aiops-began 7\naiops-ende", Some(7), None)]
    fn what_is_no_such_line_changes_nothing(
        #[case] text: &str,
        #[case] began: Option<u32>,
        #[case] ended: Option<i32>,
    ) {
        let heard = Heard::of(text);
        assert_eq!((heard.began, heard.ended), (began, ended));
        assert!(!heard.said.is_empty());
    }

    #[test]
    fn only_the_last_words_are_kept() {
        let text: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let heard = Heard::of(&text);
        assert_eq!((heard.said.len(), heard.said[LINES - 1].as_str()), (LINES, "line 19"));
    }
}
