//! Putting facts into words, for the model's context and for the fallback: commands, outcomes, spans of time, fences.
//!
//! Owns: the wording. Does not: choose what is told.

use std::time::Duration;

use crate::domain::action::attempt::AttemptState;
use crate::domain::action::print;
use crate::domain::action::spec::Invocation;
use crate::store::view::PastAttempt;

/// What ran, as a shell would be told it; for reading, never for running.
pub(super) fn command(invocation: &Invocation) -> String {
    match invocation {
        Invocation::Bash { script, .. } => script.clone(),
        Invocation::Argv { script } => print::script(script),
    }
}

/// What came of an attempt.
pub(super) fn outcome(past: &PastAttempt) -> String {
    match &past.attempt.state {
        AttemptState::IntentStored => "about to start".to_owned(),
        AttemptState::Running { .. } => "still running".to_owned(),
        AttemptState::Ended { outcome, .. } => outcome.label(),
    }
}

/// A span of time, in its two largest units.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `text` on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` in a Markdown fence that nothing inside it can close.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// The beginning of `text` in at most `limit` bytes, with a visible mark when something was cut.
pub(super) fn head(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let kept = text.get(..boundary(text, limit)).unwrap_or_default();
    format!("{kept}\n[cut: {} bytes more]", text.len() - kept.len())
}

/// The end of `text` in at most `limit` bytes, with a visible mark when something was cut.
pub(super) fn tail(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut from = text.len() - limit;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    format!("[cut: {from} bytes before]\n{}", text.get(from..).unwrap_or_default())
}

/// The last boundary of characters at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_marked_and_keep_characters_whole() {
        assert_eq!(head("häuser", 2), "h\n[cut: 6 bytes more]");
        assert_eq!(tail("häuser", 5), "[cut: 3 bytes before]\nuser");
        assert_eq!(head("ab", 2), "ab");
    }

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        assert_eq!(fenced("sh", "a\n```\nb\n"), "````sh\na\n```\nb\n````");
        assert_eq!([span(Duration::from_secs(59)), span(Duration::from_secs(3_700))], ["59 s", "1 h 1 min"]);
    }
}
