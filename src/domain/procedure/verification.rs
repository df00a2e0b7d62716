//! Which commands of a document show the effect of another one.
//!
//! Owns: finding them. Does not: run or judge them.
//!
//! The order: the step right behind it that checks something; else the nearest section below it that verifies; else any
//! section that verifies. What looks itself has none.

use super::{NodeKind, Procedure, SectionRole, Shell, StepMode};

/// Positions of the commands that show the effect of the command at `index`, in document order; empty when the document has
/// none. What cannot be run from here is none.
#[must_use]
pub fn of(procedure: &Procedure, index: usize) -> Vec<usize> {
    if role(procedure, index) == Some(SectionRole::Verify) {
        return Vec::new();
    }
    let behind = of_next_step(procedure, index);
    if !behind.is_empty() {
        return behind;
    }
    let verifying =
        |at: &usize| matches!(procedure.nodes[*at].kind, NodeKind::Section { role: SectionRole::Verify, .. });
    let sections: Vec<usize> = (0..procedure.nodes.len()).filter(verifying).collect();
    let (above, below): (Vec<usize>, Vec<usize>) = sections.into_iter().partition(|at| *at < index);
    let mut nearest_first = below.into_iter().chain(above.into_iter().rev());
    nearest_first
        .find_map(|section| Some(commands_below(procedure, section)).filter(|found| !found.is_empty()))
        .unwrap_or_default()
}

/// The commands of the step behind that of `index` in its section, when that step only looks.
fn of_next_step(procedure: &Procedure, index: usize) -> Vec<usize> {
    let Some(own) = ancestor(procedure, index, |kind| matches!(kind, NodeKind::Step { .. })) else { return Vec::new() };
    let section = section_of(procedure, own);
    let is_step = |at: &usize| matches!(procedure.nodes[*at].kind, NodeKind::Step { .. });
    let is_inside = |at: usize| ancestors(procedure, at).any(|above| above == own);
    let next = (own + 1..procedure.nodes.len()).filter(is_step).find(|at| !is_inside(*at));
    match next {
        Some(next) if section_of(procedure, next) == section => match procedure.nodes[next].kind {
            NodeKind::Step { mode: StepMode::Check, .. } => commands_below(procedure, next),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn commands_below(procedure: &Procedure, above: usize) -> Vec<usize> {
    let is_command = |at: &usize| matches!(procedure.nodes[*at].kind, NodeKind::Command { shell: Shell::Sh, .. });
    let is_below = |at: &usize| ancestors(procedure, *at).any(|found| found == above);
    (above + 1..procedure.nodes.len()).filter(is_command).filter(is_below).collect()
}

/// The nodes above `index`, the nearest first.
fn ancestors(procedure: &Procedure, index: usize) -> impl Iterator<Item = usize> {
    let parent = |at: usize| procedure.nodes.get(at).and_then(|node| node.parent);
    std::iter::successors(parent(index), move |at| parent(*at))
}

fn ancestor(procedure: &Procedure, index: usize, wanted: impl Fn(&NodeKind) -> bool) -> Option<usize> {
    ancestors(procedure, index).find(|at| wanted(&procedure.nodes[*at].kind))
}

fn section_of(procedure: &Procedure, index: usize) -> Option<usize> {
    ancestor(procedure, index, |kind| matches!(kind, NodeKind::Section { .. }))
}

/// What the sections around `index` are for: the nearest that says.
fn role(procedure: &Procedure, index: usize) -> Option<SectionRole> {
    ancestors(procedure, index).find_map(|at| match procedure.nodes[at].kind {
        NodeKind::Section { role: SectionRole::Other, .. } => None,
        NodeKind::Section { role, .. } => Some(role),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::sop;

    /// Scripts of the commands that verify the one which contains `of`.
    fn found(text: &str, wanted: &str) -> Vec<String> {
        let procedure = sop::parse(&"a.md".into(), text.as_bytes());
        let script = |at: usize| match &procedure.nodes[at].kind {
            NodeKind::Command { script, .. } => script.trim().to_owned(),
            _ => String::new(),
        };
        let index = (0..procedure.nodes.len()).find(|at| script(*at).contains(wanted)).unwrap();
        of(&procedure, index).into_iter().map(script).collect()
    }

    const SECTIONS: &str = "# Disk\n\n## Verification\n\n1. Look:\n\n```sh\nearly\n```\n\n## Mitigation\n\n1. Remove:\n\n\
                            ```sh\nrm /srv/x\n```\n\n## Verify\n\n1. Look:\n\n```sh\ndf -h\n```\n\n2. Again:\n\n```sh\ndf -i\n```\n";

    #[rstest]
    #[case::below_before_above(SECTIONS, "rm", &["df -h", "df -i"])]
    #[case::what_looks_has_none(SECTIONS, "df -h", &[])]
    #[case::none("# A\n\n## Mitigation\n\n1. Remove:\n\n```sh\nrm x\n```\n", "rm", &[])]
    #[case::above("# A\n\n## Verification\n\n1. Look:\n\n```sh\nls\n```\n\n## Mitigation\n\n1. Do:\n\n```sh\nrm x\n```\n", "rm", &["ls"])]
    #[case::next_step(
        "# A\n\n## Mitigation\n\n1. Remove it:\n\n```sh\nrm x\n```\n\n2. Check that it is gone:\n\n```sh\nls x\n```\n\n## Verify\n\n1. See:\n\n```sh\ndf\n```\n",
        "rm",
        &["ls x"]
    )]
    #[case::other_languages_are_passed_over(
        "# A\n\n## Mitigation\n\n1. Do:\n\n```sh\nrm x\n```\n\n## Verify\n\n1. See:\n\n```promql\nup == 0\n```\n",
        "rm",
        &[]
    )]
    fn the_nearest_commands_that_verify_are_found(#[case] text: &str, #[case] of: &str, #[case] expected: &[&str]) {
        assert_eq!(found(text, of), expected);
    }
}
