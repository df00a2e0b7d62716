//! A run in a few lines, for whoever takes it over.
//!
//! Owns: the words. Does not: escape foreign text; whoever shows it does.

use super::item::{Item, ItemKind, ItemState};
use super::poll::Seen;
use super::{Run, RunState};

/// Items named one by one; of more the summary says how many there are.
const NAMED: usize = 12;

/// What was done, what is under way, what comes next and what is not known. May contain foreign text.
#[must_use]
pub fn of(run: &Run) -> String {
    let (over, all) = run.progress();
    let mut lines = vec![format!("Run {} of \"{}\": {over} of {all} steps are over.", run.id, run.plan.title)];
    match &run.state {
        RunState::Active => {}
        RunState::Paused => lines.push("It is paused.".to_owned()),
        RunState::Stopped { reason, .. } => lines.push(format!("It stopped: {}.", reason.words())),
        RunState::Ended { .. } => lines.push("It is over.".to_owned()),
    }
    let of = |test: fn(&Item) -> bool| run.plan.items.iter().filter(move |item| test(item)).collect::<Vec<_>>();
    section(&mut lines, "Nobody knows how these ended", &of(|item| matches!(item.state, ItemState::Unknown { .. })));
    let waits = |item: &Item| matches!(item.state, ItemState::Proposed { .. });
    section(&mut lines, "Waits for a yes; nothing of it is approved, and whoever says it reads the review", &of(waits));
    section(
        &mut lines,
        "Under way",
        &of(|item| item.state.is_open() && !matches!(item.state, ItemState::Proposed { .. })),
    );
    section(&mut lines, "Went wrong", &of(|item| matches!(item.state, ItemState::Failed { .. })));
    let done = |item: &Item| matches!(item.state, ItemState::Done { .. } | ItemState::Decided { .. });
    section(&mut lines, "Done", &of(done));
    section(&mut lines, "Left out", &of(|item| matches!(item.state, ItemState::Skipped { .. })));
    lines.extend(run.suggestions.iter().map(|found| {
        format!("Suggested by {}, and not answered: {}", found.draft.source.words(), found.draft.advice.words(run))
    }));
    if let Some(next) = run.first_pending() {
        lines.push(format!("Next: {}", next.title));
    }
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, title: &str, items: &[&Item]) {
    if items.is_empty() {
        return;
    }
    lines.push(format!("{title}:"));
    lines.extend(items.iter().take(NAMED).map(|item| format!("- {}", words(item))));
    if let Some(more) = items.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("- and {more} more"));
    }
}

/// An item and what came of it, in a line. May contain foreign text.
#[must_use]
pub fn words(item: &Item) -> String {
    let title = &item.title;
    match &item.state {
        ItemState::Pending => title.clone(),
        ItemState::Current { asks } if asks.is_empty() => format!("{title} (a person is to do it)"),
        ItemState::Current { asks } => format!("{title} ({asks})"),
        ItemState::Proposed { proposal } => format!("{title} (proposal {proposal} waits for approval)"),
        ItemState::Running { attempt } => format!("{title} (attempt {attempt} runs)"),
        ItemState::Waiting { until: Some(until), seen, .. } => {
            let seen = seen.last().map(seen_words).unwrap_or_default();
            format!("{title} (until {}{seen})", until.to_minute())
        }
        ItemState::Waiting { until: None, .. } => format!("{title} (waiting)"),
        ItemState::Done { evidence: None } => title.clone(),
        ItemState::Done { evidence: Some(evidence) }
        | ItemState::Failed { evidence }
        | ItemState::Unknown { evidence } => format!("{title}: {}", evidence.words()),
        ItemState::Decided { branch, basis } => {
            let answer = match &item.kind {
                ItemKind::Decision { forks, .. } => {
                    forks.iter().find(|fork| fork.node == *branch).map_or("", |fork| fork.label())
                }
                ItemKind::Command
                | ItemKind::Query { .. }
                | ItemKind::Manual
                | ItemKind::Wait { .. }
                | ItemKind::Poll { .. } => "",
            };
            format!("{title} {answer}: {}", basis.words())
        }
        ItemState::Skipped { reason } => format!("{title}: {reason}"),
    }
}

/// What a look of a poll found, to be put behind something. May contain foreign text.
fn seen_words(seen: &Seen) -> String {
    match seen.value {
        Some(value) => format!("; {value} at {}", seen.at.to_minute()),
        None => format!("; not known: {}", seen.trouble),
    }
}
