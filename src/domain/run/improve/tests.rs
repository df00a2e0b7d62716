//! Every bundled document with made-up histories: what is found, and that every patch is what it means.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::action::attempt::Outcome;
use crate::domain::alert::AlertKey;
use crate::domain::id::{AttemptId, IncidentId, SopId};
use crate::domain::procedure::NodeKind;
use crate::domain::run::deviation::Deviation;
use crate::domain::run::event::{RunEvent, RunResult};
use crate::domain::run::evidence::Evidence;
use crate::domain::run::item::{Basis, Item, ItemId, ItemKind};
use crate::domain::run::story::Told;
use crate::domain::run::{Limits, Plan, Run, RunState, plan};
use crate::domain::sop::parse;

/// The documents of the folder `sops`.
pub(super) fn documents() -> Vec<(SopId, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sops");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (SopId(name), std::fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

/// Histories of each document: 200 with `AIOPS_LONG=1`, else 4.
fn cases() -> u32 {
    let count = if std::env::var_os("AIOPS_LONG").is_some() { 200 } else { 4 };
    println!("{count} histories of each document (200 with AIOPS_LONG=1, else 4)");
    count
}

/// What is done otherwise with an item, in all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Otherwise {
    No,
    Skipped,
    Edited,
    First,
    Beside,
}

/// A run in which each item is done, or not, as `how` says.
fn played(procedure: &Procedure, source: &str, number: i64, how: impl Fn(usize) -> Otherwise) -> Past {
    let items = plan::of(procedure, source);
    let at = Timestamp::from_millis(number * 1_000_000);
    let alert = AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: at };
    let plan = Plan {
        alert,
        sop: procedure.sop.clone(),
        revision: procedure.revision.clone(),
        title: procedure.title.clone(),
        items: items.clone(),
        limits: Limits::default(),
        after_attempt: AttemptId(0),
    };
    let mut run = Run::new(RunId(number), IncidentId(number), plan, "ada".to_owned(), at);
    let mut story = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if run.on_the_way(item) == Some(false) {
            continue;
        }
        for event in events(item, items.get(at + 1), how(at)) {
            run.apply(&event, run.started_at);
            story.push(Told { at: run.started_at.plus(Duration::from_secs(1)), event });
        }
    }
    run.state = RunState::Ended { result: RunResult::Completed, at: at.plus(Duration::from_secs(60)) };
    let told = RunStory { run, story, changing: BTreeSet::from([AttemptId(1)]) };
    let labels = [("instance", "db-3:9100"), ("mountpoint", "/srv/data"), ("namespace", "shop")];
    Past { told, labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
}

fn events(item: &Item, next: Option<&Item>, how: Otherwise) -> Vec<RunEvent> {
    let attempt = AttemptId(i64::from(item.id.0));
    let deviated = |deviation| RunEvent::Deviated { deviation: Box::new(deviation) };
    let came =
        RunEvent::Came { item: item.id, evidence: Evidence::Attempt { attempt, outcome: Outcome::Exited { code: 0 } } };
    if let ItemKind::Decision { forks, .. } = &item.kind {
        let basis = Basis::Person { name: "ada".to_owned(), why: String::new() };
        return vec![RunEvent::Decided { item: item.id, branch: forks[0].node.clone(), basis }];
    }
    match (how, &item.written) {
        (Otherwise::Skipped, _) => {
            let change = super::super::event::Change::Skip { item: item.id, reason: "# never\n1. needed".to_owned() };
            vec![RunEvent::Changed { change, created: None }]
        }
        (Otherwise::Edited, Some(written)) => {
            let ran = format!("{} --verbose /srv/data/x", bound(written));
            let deviation = Deviation::Edited { item: item.id, attempt: Some(attempt), written: written.clone(), ran };
            vec![deviated(deviation), came]
        }
        (Otherwise::First, _) => {
            let other = next.map_or(item.id, |next| next.id);
            vec![came, deviated(Deviation::Reordered { item: item.id, first: other })]
        }
        (Otherwise::Beside, _) => {
            let what = "df -i /srv/data".to_owned();
            vec![came, deviated(Deviation::Added { item: None, attempt: Some(attempt), what })]
        }
        (Otherwise::No | Otherwise::Edited, _) => vec![came],
    }
}

/// A command with values for its parameters.
fn bound(written: &str) -> String {
    let mut text = written.to_owned();
    for used in params::find(written).into_iter().rev() {
        text.replace_range(used.span.start..used.span.end, "some-value");
    }
    text
}

/// The text after the hunks of a unified diff, by the rules of `patch`.
fn patched(source: &str, diff: &str) -> String {
    let before: Vec<&str> = source.split_inclusive('\n').collect();
    let (mut text, mut at) = (String::new(), 0);
    for line in diff.lines().skip(2) {
        if let Some(header) = line.strip_prefix("@@ -") {
            let start: usize = header.split(',').next().unwrap().parse().unwrap();
            before[at..start - 1].iter().for_each(|line| text.push_str(line));
            at = start - 1;
        } else if let Some(added) = line.strip_prefix('+') {
            text.push_str(added);
            text.push('\n');
        } else {
            assert_eq!(before[at].trim_end_matches('\n'), &line[1..], "line {}", at + 1);
            if line.starts_with(' ') {
                text.push_str(before[at]);
            }
            at += 1;
        }
    }
    before[at..].iter().for_each(|line| text.push_str(line));
    text
}

#[test]
fn every_single_edit_of_a_bundled_document_is_made_or_refused_with_a_reason() {
    let (mut made, mut refused) = (0, std::collections::BTreeMap::<String, usize>::new());
    let (mut commands, mut changed) = (0, 0);
    for (sop, source) in documents() {
        let procedure = parse(&sop, source.as_bytes());
        let document = Document { procedure: &procedure, source: &source };
        for node in &procedure.nodes {
            let NodeKind::Command { script, .. } = &node.kind else { continue };
            commands += 1;
            let edit = SopEdit::Command { node: node.id.clone(), script: format!("{script} --verbose") };
            let text = try_edits(document, &edit).unwrap_or_else(|why| panic!("{sop}: {script}: {why}"));
            assert_eq!(diff::changes(&source, &text).len(), 1, "{sop}: {script}");
            changed += 1;
            for edit in [
                SopEdit::Remove { node: node.id.clone() },
                SopEdit::Insert {
                    place: Place::After(node.id.clone()),
                    step: NewStep {
                        title: "See what `df` shows:".to_owned(),
                        script: "df -i <mountpoint>".to_owned(),
                        shell: Shell::Sh,
                    },
                },
            ] {
                match try_edits(document, &edit) {
                    Ok(_) => made += 1,
                    Err(why) if why.contains("not be read") && std::env::var_os("SHOW").is_some() => {
                        println!("{sop} {edit:?}");
                        *refused.entry(why).or_default() += 1;
                    }
                    Err(why) => *refused.entry(why.replace(|c: char| c.is_ascii_digit(), "")).or_default() += 1,
                }
            }
        }
    }
    println!("{changed} of {commands} commands changed; {made} removals and insertions made; refused: {refused:#?}");
    let bad = refused.get("the document would not be read as it is meant afterwards").copied().unwrap_or(0);
    assert!(bad * 20 <= made, "{bad} edits were not read back as meant, {made} were");
}

fn try_edits(document: Document<'_>, edit: &SopEdit) -> Result<String, String> {
    patch::try_edits(document, &[edit])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Whatever is done otherwise in six runs of any bundled document: the patch of all that follows parses to the tree that is
    /// meant, its diff applied to the file gives its text, and what no finding is about stays as it was.
    #[test]
    fn all_patches_together_give_the_tree_that_is_meant(choices in prop::collection::vec(0usize..12, 64)) {
        let mut taken = 0;
        for (sop, source) in documents() {
            let procedure = parse(&sop, source.as_bytes());
            let document = Document { procedure: &procedure, source: &source };
            let how = |at: usize| match choices[at % choices.len()] {
                0 => Otherwise::Skipped,
                1 => Otherwise::Edited,
                2 => Otherwise::First,
                3 => Otherwise::Beside,
                _ => Otherwise::No,
            };
            let runs: Vec<Past> = (1..=6).map(|number| played(&procedure, &source, number, how)).collect();
            let found = findings(document, &runs);
            prop_assert_eq!(&found, &findings(document, &runs), "the same history gives the same findings");
            let wanted: BTreeSet<usize> = found.iter().filter(|finding| finding.is_patch()).map(|one| one.number).collect();
            let patch = propose(document, &found, &wanted);
            taken += patch.taken.len();
            prop_assert_eq!(patched(&source, &patch.diff), patch.text.clone(), "{}", sop);
            let edits: Vec<&SopEdit> = found
                .iter()
                .filter(|finding| patch.taken.contains(&finding.number))
                .filter_map(|finding| match &finding.correction {
                    Correction::Patch { edit, .. } => Some(edit),
                    Correction::Told { .. } => None,
                })
                .collect();
            let after = parse(&sop, patch.text.as_bytes());
            let scripts: Vec<&str> = after
                .nodes
                .iter()
                .filter_map(|node| match &node.kind {
                    NodeKind::Command { script, .. } => Some(script.as_str()),
                    _ => None,
                })
                .collect();
            for edit in edits {
                match edit {
                    SopEdit::Command { script, .. } => prop_assert!(scripts.contains(&script.as_str()), "{}", script),
                    SopEdit::Insert { step, .. } => prop_assert!(scripts.contains(&step.script.as_str())),
                    SopEdit::Remove { .. } | SopEdit::Move { .. } | SopEdit::Limit { .. } => {}
                }
            }
            prop_assert!(after.diagnostics.len() <= procedure.diagnostics.len());
            prop_assert!(!patch.text.contains("/srv/data") && !patch.text.contains("db-3"), "{}", patch.text);
            prop_assert!(!patch.text.contains("# never"), "reasons of people are told, not written");
        }
        println!("{taken} findings taken");
    }
}

#[test]
fn few_runs_are_told_and_one_is_not() {
    let (sop, source) = documents().into_iter().find(|(sop, _)| sop.as_str() == "disk-full.md").unwrap();
    let procedure = parse(&sop, source.as_bytes());
    let document = Document { procedure: &procedure, source: &source };
    let history = |skipped: i64, of: i64| -> Vec<Past> {
        let how = |number| move |at| if at == 1 && number <= skipped { Otherwise::Skipped } else { Otherwise::No };
        (1..=of).map(|number| played(&procedure, &source, number, how(number))).collect()
    };
    let skips = |skipped, of| -> Vec<Finding> {
        findings(document, &history(skipped, of)).into_iter().filter(|one| one.kind == FindingKind::Skipped).collect()
    };
    assert_eq!(skips(1, 9), []);
    let few = &skips(3, 3)[0];
    assert!(matches!(&few.correction, Correction::Told { why } if why.contains("a patch needs 5 runs")), "{few:?}");
    let seldom = &skips(5, 9)[0];
    assert!(!seldom.is_patch(), "{seldom:?}");
    let enough = &skips(9, 11)[0];
    assert!(enough.words.contains("was skipped in 9 of 11 runs, most often because"), "{}", enough.words);
    assert_eq!((enough.is_patch(), enough.sightings.len()), (true, 9), "{enough:?}");
    let never: Vec<String> = findings(document, &history(0, 14))
        .into_iter()
        .filter(|one| one.kind == FindingKind::NeverTaken)
        .map(|one| one.words)
        .collect();
    assert!(
        never.iter().any(|words| words.contains("the branch \"otherwise\" was never taken in 14 runs")),
        "{never:?}"
    );
}

#[test]
fn a_step_that_is_taken_out_is_followed_by_numbers_and_references() {
    let (sop, source) = documents().into_iter().find(|(sop, _)| sop.as_str() == "disk-full.md").unwrap();
    let procedure = parse(&sop, source.as_bytes());
    let document = Document { procedure: &procedure, source: &source };
    let items = plan::of(&procedure, &source);
    let remove = |id: u32| SopEdit::Remove {
        node: items.iter().find(|item| item.id == ItemId(id)).unwrap().node.clone().unwrap(),
    };
    let text = try_edits(document, &remove(2)).unwrap();
    assert!(!text.contains("df -i <mountpoint>") && text.contains("2. Find the directories"), "{text}");
    assert!(
        text.contains("the list of step 3 of the diagnosis") && text.contains("If step 5 of the diagnosis"),
        "{text}"
    );
    let why = try_edits(document, &remove(4)).unwrap_err();
    assert!(why.contains("refers to it"), "{why}");
}

#[test]
fn a_time_that_is_always_exceeded_is_corrected() {
    let source =
        "# T\n\n## Mitigation\n\n1. Rebuild the index; it takes two minutes:\n\n   ```sh\n   rebuild --all\n   ```\n";
    let sop = SopId::from("t.md");
    let procedure = parse(&sop, source.as_bytes());
    let document = Document { procedure: &procedure, source };
    let slow = |number: i64| {
        let mut past = played(&procedure, source, number, |_| Otherwise::No);
        let began = past.told.run.started_at;
        let running = RunEvent::Running { item: ItemId(1), attempt: AttemptId(1) };
        past.told.story.insert(0, Told { at: began, event: running });
        past.told.story[1].at = began.plus(Duration::from_secs(700));
        past
    };
    let runs: Vec<Past> = (1..=6).map(slow).collect();
    let found = findings(document, &runs);
    let limit = found.iter().find(|one| one.kind == FindingKind::TooLong).unwrap();
    assert!(
        limit.words.contains("takes 12 minutes (95 % of 6 times at most), and two minutes is written"),
        "{}",
        limit.words
    );
    let patch = propose(document, &found, &BTreeSet::from([limit.number]));
    assert!(
        patch
            .diff
            .contains("-1. Rebuild the index; it takes two minutes:\n+1. Rebuild the index; it takes 12 minutes:"),
        "{}",
        patch.diff
    );
    assert!(patch.diff.contains("@@ finding "), "{}", patch.diff);
    // It changes something and nothing verifies that.
    assert!(found.iter().any(|one| one.kind == FindingKind::NotVerified), "{found:?}");
}
