//! The tree that edits of a document mean, to be compared with the one that comes of them.
//!
//! Owns: a document's tree as plain lines, and the same edits made there, node by node. Does not: look at the text of the
//! document; that is what makes the comparison worth something.

use std::ops::Range;

use super::surgery::{Entry, Plan, Plans, follow};
use super::{Document, NewStep, SopEdit};
use crate::domain::procedure::{NodeKind, NoteForm, Procedure, SectionRole, Shell, StepMode};
use crate::domain::sop::commands_of;

/// A node of the tree, as far as it counts: everything but its identifier and its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outlined {
    depth: usize,
    kind: NodeKind,
    text: String,
}

/// A node and where it stands in the text that is edited.
#[derive(Clone, Debug)]
struct Standing {
    node: Outlined,
    /// From 0.
    line: usize,
    /// Of the section that it stands in.
    role: SectionRole,
    parent: Option<usize>,
}

/// The tree of a document.
#[must_use]
pub(super) fn of(procedure: &Procedure) -> Vec<Outlined> {
    standing(procedure).into_iter().map(|standing| standing.node).collect()
}

fn standing(procedure: &Procedure) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::with_capacity(procedure.nodes.len());
    for (at, node) in procedure.nodes.iter().enumerate() {
        let above = node.parent.and_then(|parent| all.get(parent)).map_or(SectionRole::Other, |parent| parent.role);
        let role = if let NodeKind::Section { role, .. } = node.kind { role } else { above };
        let mut kind = node.kind.clone();
        // What follows from the script anyway.
        if let NodeKind::Command { params, .. } = &mut kind {
            params.clear();
        }
        let line = usize::try_from(node.line).unwrap_or(1).saturating_sub(1);
        let node_there = Outlined { depth: procedure.depth(at), kind, text: node.text.clone() };
        all.push(Standing { node: node_there, line, role, parent: node.parent });
    }
    all
}

/// The tree that `edits` mean, which change lists as `plans` say; sections beside each other have this `level`.
///
/// # Errors
/// Why they do not mean anything, as a clause.
pub(super) fn intended(
    document: Document<'_>,
    edits: &[&SopEdit],
    plans: &Plans<'_>,
    level: u8,
) -> Result<Vec<Outlined>, String> {
    let mut nodes = standing(document.procedure);
    for edit in edits {
        match edit {
            SopEdit::Command { node, script } => {
                let at = document.procedure.index_of(node).ok_or("the document does not have it any more")?;
                command(&mut nodes, at, script)?;
            }
            SopEdit::Limit { node, from, to } => {
                let at = document.procedure.index_of(node).ok_or("the document does not have it any more")?;
                limit(&mut nodes, at, from, to);
            }
            // These are in the plans.
            SopEdit::Remove { .. } | SopEdit::Move { .. } | SopEdit::Insert { .. } => {}
        }
    }
    for standing in &mut nodes {
        number(standing, plans);
        follow_all(standing, plans)?;
    }
    let mut tree: Vec<Outlined> = Vec::with_capacity(nodes.len());
    let mut at = 0;
    let mut verified = false;
    while let Some(standing) = nodes.get(at) {
        if let Some((line, steps)) = plans.verification.as_ref().filter(|(line, _)| !verified && standing.line >= *line)
        {
            verified = true;
            debug_assert!(*line <= standing.line);
            verification(steps, standing.node.depth, level, &mut tree);
        }
        match plans.lists.values().find(|plan| first_of(plan) == Some(standing.line)) {
            Some(plan) => at = list(plan, &nodes, at, &mut tree)?,
            None => {
                tree.push(standing.node.clone());
                at += 1;
            }
        }
    }
    if let Some((_, steps)) = plans.verification.as_ref().filter(|_| !verified) {
        let beside = nodes
            .iter()
            .find(|standing| matches!(standing.node.kind, NodeKind::Section { level: found, .. } if found == level));
        verification(steps, beside.map_or(0, |standing| standing.node.depth), level, &mut tree);
    }
    Ok(tree)
}

fn first_of(plan: &Plan<'_>) -> Option<usize> {
    plan.list.items.first().map(|item| item.lines.start)
}

fn command(nodes: &mut [Standing], at: usize, script: &str) -> Result<(), String> {
    let parent = nodes.get(at).and_then(|standing| standing.parent);
    let first = |script: &str| script.lines().next().unwrap_or_default().to_owned();
    let Some(Standing {
        node: Outlined { kind: NodeKind::Command { script: old, shell, interactive, .. }, text, .. },
        ..
    }) = nodes.get_mut(at)
    else {
        return Err("it is no command any more".to_owned());
    };
    if *shell == Shell::Sh {
        match commands_of("sh", script).as_slice() {
            [one] if one.script == script && one.shell == Shell::Sh => *interactive = one.interactive,
            _ => return Err("the document would not have it as one command".to_owned()),
        }
    }
    let name = first(old);
    script.clone_into(old);
    script.clone_into(text);
    // A step that says nothing is called like its command.
    if let Some(step) = parent.and_then(|parent| nodes.get_mut(parent))
        && matches!(step.node.kind, NodeKind::Step { .. })
        && step.node.text == name
    {
        step.node.text = first(script);
    }
    Ok(())
}

fn limit(nodes: &mut [Standing], at: usize, from: &str, to: &str) {
    // The item is the node or the ancestor that has a number.
    let mut top = at;
    while let Some(parent) = nodes.get(top).and_then(|standing| standing.parent) {
        if matches!(nodes.get(parent).map(|standing| &standing.node.kind), None | Some(NodeKind::Section { .. })) {
            break;
        }
        top = parent;
    }
    let end = (top + 1..nodes.len()).find(|at| nodes[*at].node.depth <= nodes[top].node.depth).unwrap_or(nodes.len());
    let mut said = nodes[top..end].iter_mut().filter(|standing| {
        !matches!(standing.node.kind, NodeKind::Command { .. } | NodeKind::Output) && standing.node.text.contains(from)
    });
    if let Some(standing) = said.next() {
        standing.node.text = standing.node.text.replacen(from, to, 1);
    }
}

/// The number that a step has after all lists are as planned.
fn number(standing: &mut Standing, plans: &Plans<'_>) {
    for plan in plans.lists.values() {
        let item = plan.list.items.iter().position(|item| item.lines.start == standing.line);
        let Some(at) = item.and_then(|item| plan.order.iter().position(|entry| *entry == Entry::Old(item))) else {
            continue;
        };
        let now = plan.first() + u64::try_from(at).unwrap_or(u64::MAX);
        match &mut standing.node.kind {
            NodeKind::Step { label: Some(label), .. } => *label = now.to_string(),
            NodeKind::Note { form: NoteForm::Numbered(number), .. } => *number = now,
            _ => {}
        }
    }
}

fn follow_all(standing: &mut Standing, plans: &Plans<'_>) -> Result<(), String> {
    let (role, line) = (standing.role, standing.line + 1);
    // What is taken out may name whatever it likes.
    if is_removed(standing.line, plans) {
        return Ok(());
    }
    let follow = |text: &mut String| {
        *text = follow(text, "", role, plans, line)?;
        Ok(())
    };
    match &mut standing.node.kind {
        NodeKind::Section { .. } | NodeKind::Step { .. } | NodeKind::Note { .. } => {}
        NodeKind::Decision { question: words } | NodeKind::Branch { condition: words, .. } => follow(words)?,
        NodeKind::Command { .. } | NodeKind::Output | NodeKind::Opaque { .. } => return Ok(()),
    }
    follow(&mut standing.node.text)
}

fn is_removed(line: usize, plans: &Plans<'_>) -> bool {
    plans.lists.values().any(|plan| {
        let item = plan.list.items.iter().position(|item| item.lines.contains(&line));
        item.is_some_and(|item| !plan.order.contains(&Entry::Old(item)))
    })
}

/// Writes a list as planned; gives the first node behind it. `at` is its first node.
fn list(plan: &Plan<'_>, nodes: &[Standing], at: usize, tree: &mut Vec<Outlined>) -> Result<usize, String> {
    let depth = nodes.get(at).map_or(0, |standing| standing.node.depth);
    let of = |lines: &Range<usize>| {
        let mut own = vec![false; nodes.len()];
        for (index, standing) in nodes.iter().enumerate().skip(at) {
            let below = standing.parent.is_some_and(|parent| own.get(parent).copied().unwrap_or(false));
            own[index] = below || (lines.contains(&standing.line) && standing.node.depth >= depth);
        }
        let found = nodes.iter().zip(own).filter(|(_, own)| *own).map(|(standing, _)| standing.node.clone());
        found.collect::<Vec<_>>()
    };
    let mut behind = at;
    let items: Vec<Vec<Outlined>> = plan.list.items.iter().map(|item| of(&item.lines)).collect();
    behind += items.iter().map(Vec::len).sum::<usize>();
    let first = plan.first();
    for (place, entry) in (first..).zip(&plan.order) {
        match entry {
            Entry::Old(item) => tree.extend(items.get(*item).ok_or("a list lost an item")?.iter().cloned()),
            Entry::New(step) => new_step(step, place, depth, tree),
        }
    }
    Ok(behind)
}

fn new_step(step: &NewStep, number: u64, depth: usize, tree: &mut Vec<Outlined>) {
    let mode = if step.title.starts_with("See ") { StepMode::Check } else { StepMode::Do };
    let kind = NodeKind::Step { mode, label: Some(number.to_string()) };
    tree.push(Outlined { depth, kind, text: step.title.replace('`', "") });
    let interactive = commands_of("sh", &step.script).iter().any(|one| one.interactive);
    let kind = NodeKind::Command {
        script: step.script.clone(),
        shell: step.shell,
        params: Vec::new(),
        interactive: interactive && step.shell == Shell::Sh,
    };
    tree.push(Outlined { depth: depth + 1, kind, text: step.script.clone() });
}

fn verification(steps: &[&NewStep], depth: usize, level: u8, tree: &mut Vec<Outlined>) {
    let kind = NodeKind::Section { role: SectionRole::Verify, level };
    tree.push(Outlined { depth, kind, text: "Verification".to_owned() });
    for (number, step) in (1..).zip(steps) {
        new_step(step, number, depth + 1, tree);
    }
}
