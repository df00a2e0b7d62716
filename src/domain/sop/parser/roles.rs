//! Section roles: what a section is for, from the words of its heading.
//!
//! Owns: the words. Does not: look at what stands below the heading.

use crate::domain::procedure::SectionRole;

/// How a heading is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// The first heading, of level 1: the document's title, which may contain any word.
    Title,
    /// Any other.
    Inner,
}

/// Beginnings of words and the role they stand for; a space at the end means that the word ends there.
const CUES: &[(&str, SectionRole)] = &[
    ("meaning ", SectionRole::Meaning),
    ("summary ", SectionRole::Meaning),
    ("overview ", SectionRole::Meaning),
    ("description ", SectionRole::Meaning),
    ("background ", SectionRole::Meaning),
    ("symptom", SectionRole::Meaning),
    ("explanation ", SectionRole::Meaning),
    ("introduction ", SectionRole::Meaning),
    ("what is ", SectionRole::Meaning),
    ("what does this ", SectionRole::Meaning),
    ("impact", SectionRole::Impact),
    ("consequence", SectionRole::Impact),
    ("severity ", SectionRole::Impact),
    ("prerequisite", SectionRole::Prereq),
    ("pre-requisite", SectionRole::Prereq),
    ("requirement", SectionRole::Prereq),
    ("preparation ", SectionRole::Prereq),
    ("before you ", SectionRole::Prereq),
    ("access ", SectionRole::Prereq),
    ("diagnos", SectionRole::Diagnosis),
    ("troubleshoot", SectionRole::Diagnosis),
    ("investigat", SectionRole::Diagnosis),
    ("triage ", SectionRole::Diagnosis),
    ("debug", SectionRole::Diagnosis),
    ("analysis ", SectionRole::Diagnosis),
    ("analyze ", SectionRole::Diagnosis),
    ("possible checks ", SectionRole::Diagnosis),
    ("checks ", SectionRole::Diagnosis),
    ("steps to check ", SectionRole::Diagnosis),
    ("check ", SectionRole::Diagnosis),
    ("identify", SectionRole::Diagnosis),
    ("root cause", SectionRole::Diagnosis),
    ("cause ", SectionRole::Diagnosis),
    ("causes ", SectionRole::Diagnosis),
    ("mitigat", SectionRole::Mitigation),
    ("resolution ", SectionRole::Mitigation),
    ("resolve ", SectionRole::Mitigation),
    ("resolving ", SectionRole::Mitigation),
    ("remediat", SectionRole::Mitigation),
    ("recovery ", SectionRole::Mitigation),
    ("recover ", SectionRole::Mitigation),
    ("recovering ", SectionRole::Mitigation),
    ("solution", SectionRole::Mitigation),
    ("workaround", SectionRole::Mitigation),
    ("corrective ", SectionRole::Mitigation),
    ("recommended action", SectionRole::Mitigation),
    ("fix ", SectionRole::Mitigation),
    ("fixing ", SectionRole::Mitigation),
    ("how to fix ", SectionRole::Mitigation),
    ("repair", SectionRole::Mitigation),
    ("response ", SectionRole::Mitigation),
    ("procedure ", SectionRole::Mitigation),
    ("verif", SectionRole::Verify),
    ("validat", SectionRole::Verify),
    ("confirm", SectionRole::Verify),
    ("post-check", SectionRole::Verify),
    ("rollback", SectionRole::Rollback),
    ("roll back ", SectionRole::Rollback),
    ("rolling back ", SectionRole::Rollback),
    ("undo", SectionRole::Rollback),
    ("revert", SectionRole::Rollback),
    ("back out ", SectionRole::Rollback),
    ("backout ", SectionRole::Rollback),
    ("escalat", SectionRole::Escalation),
    ("contact", SectionRole::Escalation),
    ("who to call ", SectionRole::Escalation),
    ("whom to call ", SectionRole::Escalation),
    ("getting help ", SectionRole::Escalation),
    ("reference", SectionRole::Reference),
    ("links ", SectionRole::Reference),
    ("see also ", SectionRole::Reference),
    ("resources ", SectionRole::Reference),
    ("further reading ", SectionRole::Reference),
    ("related ", SectionRole::Reference),
    ("appendix ", SectionRole::Reference),
    ("additional notes ", SectionRole::Reference),
    ("dashboard", SectionRole::Reference),
    ("documentation ", SectionRole::Reference),
    ("more information ", SectionRole::Reference),
];

/// Words that may stand before the one that tells the role.
const OPENERS: &[&str] =
    &["the", "a", "an", "initial", "quick", "basic", "manual", "full", "user", "possible", "common", "general"];

/// A heading longer than this many words is a sentence, of which only the first words count.
const MAX_LEAD: usize = 2;

/// The role that `heading` names, or `Other`.
///
/// The first cue counts: "Verify the fix" verifies. A cue has to stand among the first words, since "Pods that fail the
/// health check" checks nothing.
pub(super) fn role_of(heading: &str, position: Position) -> SectionRole {
    let words = plain_words(heading);
    let leading = words.iter().take_while(|word| OPENERS.contains(&word.as_str())).count();
    let tries = match position {
        // A title is a section's name only when it is nothing else: `# Troubleshooting`.
        Position::Title if words.len() > 1 => return SectionRole::Other,
        Position::Title => 1,
        Position::Inner => leading + MAX_LEAD,
    };
    (0..words.len().min(tries))
        .find_map(|from| {
            let rest = words.get(from..)?.join(" ") + " ";
            CUES.iter().find(|(cue, _)| rest.starts_with(cue)).map(|(_, role)| *role)
        })
        .unwrap_or(SectionRole::Other)
}

/// Lower-case words without numbering (`2.`, `Step 3:`) and marks.
fn plain_words(heading: &str) -> Vec<String> {
    let numbering = |word: &String| word.is_empty() || word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    heading
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .skip_while(|word| numbering(word) || word == "step")
        .filter(|word| !word.is_empty())
        .take(6)
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Meaning", SectionRole::Meaning)]
    #[case("Impact:", SectionRole::Impact)]
    #[case("User Impact", SectionRole::Impact)]
    #[case("2. Diagnosis", SectionRole::Diagnosis)]
    #[case("Troubleshooting Pointers", SectionRole::Diagnosis)]
    #[case("Possible checks", SectionRole::Diagnosis)]
    #[case("Steps to check", SectionRole::Diagnosis)]
    #[case("Step 2: Verify the fix", SectionRole::Verify)]
    #[case("Mitigation", SectionRole::Mitigation)]
    #[case("Resolution", SectionRole::Mitigation)]
    #[case("Recommended Actions", SectionRole::Mitigation)]
    #[case("How to fix it", SectionRole::Mitigation)]
    #[case("Verification", SectionRole::Verify)]
    #[case("Rolling back", SectionRole::Rollback)]
    #[case("Undoing it", SectionRole::Rollback)]
    #[case("Escalation", SectionRole::Escalation)]
    #[case("See also", SectionRole::Reference)]
    #[case("Prerequisites", SectionRole::Prereq)]
    #[case("Pods that fail the health check", SectionRole::Other)]
    #[case("Slow disk", SectionRole::Other)]
    #[case("", SectionRole::Other)]
    fn headings(#[case] heading: &str, #[case] role: SectionRole) {
        assert_eq!(role_of(heading, Position::Inner), role);
    }

    #[rstest]
    #[case("Recovery of the disk array", SectionRole::Other)]
    #[case("Troubleshooting", SectionRole::Diagnosis)]
    fn titles(#[case] heading: &str, #[case] role: SectionRole) {
        assert_eq!(role_of(heading, Position::Title), role);
    }
}
