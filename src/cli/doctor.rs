//! `aiops doctor`: runs the checks that it is given, all at once, each within its time, and prints what they found.
//!
//! Owns: running and printing. Does not: know what is checked; that is handed to it.
//!
//! Invariant: it ends, whatever hangs: a check that does not answer is a finding itself, and is left behind.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Exit, Format, json_line};
use crate::domain::checkup::{Finding, Level};
use crate::domain::text;

/// A check may take this long.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// A check of one area.
pub struct Check {
    /// What is looked at, in a word or two.
    pub area: &'static str,
    /// Looks; may block.
    pub look: Box<dyn FnOnce() -> Vec<Finding> + Send>,
}

impl Check {
    /// A check of `area`.
    #[must_use]
    pub fn new(area: &'static str, look: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Self {
        Self { area, look: Box::new(look) }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    area: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Runs `checks` and prints what they found in their order; [`Exit::Failed`] when something fails.
///
/// # Errors
/// When the output cannot be written.
pub fn run(checks: Vec<Check>, patience: Duration, format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    let mut worst = Level::Ok;
    let found = gather(checks, patience);
    for (area, findings) in &found {
        for finding in findings {
            worst = worst.max(finding.level);
            match format {
                Format::Json => json_line(out, &Line { area, finding })?,
                Format::Text => print(area, finding, out)?,
            }
        }
    }
    if format == Format::Text {
        let count = |level| found.iter().flat_map(|(_, all)| all).filter(|finding| finding.level == level).count();
        let (failed, doubtful) = (count(Level::Fail), count(Level::Warn));
        match (failed, doubtful) {
            (0, 0) => writeln!(out, "All is well.")?,
            _ => writeln!(out, "{failed} failed, {doubtful} with a warning.")?,
        }
    }
    Ok(if worst == Level::Fail { Exit::Failed } else { Exit::Done })
}

fn print(area: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:<4}  {area:<9}  {}", finding.level.name(), text::visible(&finding.what))?;
    if !finding.fix.is_empty() {
        writeln!(out, "                 fix: {}", text::visible(&finding.fix))?;
    }
    Ok(())
}

/// Starts every check at once and waits for all of them, together no longer than `patience`.
fn gather(checks: Vec<Check>, patience: Duration) -> Vec<(&'static str, Vec<Finding>)> {
    let deadline = Instant::now() + patience;
    let started: Vec<_> = checks
        .into_iter()
        .map(|Check { area, look }| {
            let (sender, answer) = mpsc::channel();
            let begun = thread::Builder::new().name(format!("doctor {area}")).spawn(move || {
                // Nobody listens when it took too long.
                let _ = sender.send(look());
            });
            (area, begun.map(|_| answer))
        })
        .collect();
    started
        .into_iter()
        .map(|(area, answer)| {
            let findings = match answer {
                Ok(answer) => answer
                    .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                    .unwrap_or_else(|error| vec![unanswered(error, patience)]),
                Err(error) => {
                    vec![Finding::fail(
                        format!("could not be checked: {error}"),
                        "Raise the limit of threads (ulimit -u)",
                    )]
                }
            };
            (area, findings)
        })
        .collect()
}

fn unanswered(error: mpsc::RecvTimeoutError, patience: Duration) -> Finding {
    match error {
        mpsc::RecvTimeoutError::Timeout => Finding::fail(
            format!("did not answer within {} s", patience.as_secs_f32()),
            "Look at what it is about: a file system, a command for a secret or a host does not answer",
        ),
        mpsc::RecvTimeoutError::Disconnected => {
            Finding::fail("the check ended with an internal error", "Report it, please, with what stands above")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(checks: Vec<Check>, patience: Duration, format: Format) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = run(checks, patience, format, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    fn fixed(area: &'static str, finding: Finding) -> Check {
        Check::new(area, move || vec![finding])
    }

    #[test]
    fn findings_stand_in_order_with_their_fixes_and_a_failure_counts() {
        let checks = vec![
            fixed("one", Finding::ok("fine")),
            fixed("two", Finding::warn("odd \u{1b}[2J", "mend it")),
            fixed("three", Finding::fail("broken", "mend that")),
        ];
        let (exit, text) = printed(checks, PATIENCE, Format::Text);
        let expected = "ok    one        fine\nwarn  two        odd \\u{1b}[2J\n                 fix: mend it\n\
                        fail  three      broken\n                 fix: mend that\n1 failed, 1 with a warning.\n";
        assert_eq!((exit, text.as_str()), (Exit::Failed, expected));
    }

    #[test]
    fn warnings_alone_are_no_failure_and_json_has_a_line_each() {
        let checks = || vec![fixed("one", Finding::warn("odd", "mend it"))];
        let (exit, json) = printed(checks(), PATIENCE, Format::Json);
        let line: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(exit, Exit::Done);
        assert_eq!((&line["area"], &line["level"], &line["fix"]), (&"one".into(), &"warn".into(), &"mend it".into()));
        let (_, text) = printed(vec![fixed("one", Finding::ok("fine"))], PATIENCE, Format::Text);
        assert!(text.ends_with("All is well.\n"));
    }

    #[test]
    fn what_hangs_or_breaks_is_a_finding_and_the_others_are_told_all_the_same() {
        let (hold, held) = mpsc::channel::<()>();
        let checks = vec![
            Check::new("hangs", move || {
                let _ = held.recv();
                Vec::new()
            }),
            Check::new("breaks", || std::panic::resume_unwind(Box::new(()))),
            fixed("works", Finding::ok("fine")),
        ];
        let (exit, text) = printed(checks, Duration::from_millis(200), Format::Text);
        assert_eq!(exit, Exit::Failed);
        assert!(text.contains("fail  hangs      did not answer within 0.2 s"), "{text}");
        assert!(text.contains("fail  breaks     the check ended with an internal error"), "{text}");
        assert!(text.contains("ok    works      fine"), "{text}");
        drop(hold);
    }
}
