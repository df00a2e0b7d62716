//! A draft as Markdown, in the form of the bundled documents.
//!
//! Owns: the sections and their order, and writing words of people so that they cannot pass for structure. Does not: choose
//! what is told.

use super::gathered::Gathered;
use super::{DraftStep, scripts};
use crate::domain::action::risk::Risk;
use crate::domain::id::SopId;
use crate::domain::procedure::{NodeKind, Shell, params};
use crate::domain::sop::parse;
use crate::domain::text;

/// Characters that Markdown gives a meaning.
const MARKS: &str = "\\`*_[]<>#|~!&$";

/// Longest title of a step that is taken over, in characters: a title is a line.
const TITLE: usize = 110;

/// `words` on one line, with what a terminal would obey or hide spelled out.
pub(super) fn one_line(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    text::visible(&line).into_owned()
}

/// `words` as prose on one line in which nothing is Markdown, without a stop at the end.
pub(super) fn prose(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for c in one_line(words).chars() {
        if MARKS.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped.trim_end_matches(['.', ':', ' ']).to_owned()
}

/// A step with this title, if it is read as one step with this command; else with a plain one. `None` when neither is.
pub(super) fn step(title: Option<&str>, command: Option<&(Shell, String)>, risk: Risk) -> Option<DraftStep> {
    let program = command.and_then(|(_, script)| program(script));
    let own = title.map(one_line).map(|title| title.trim_end_matches([':', '.', ' ']).to_owned());
    let own = own.filter(|title| {
        let names_step =
            title.to_lowercase().split("step ").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        !title.is_empty() && title.chars().count() <= TITLE && !names_step && !title.contains('\\')
    });
    let plain = match (command, program) {
        (Some((Shell::Promql, _)), _) => Some("See what the metric says".to_owned()),
        (Some(_), Some(program)) if risk <= Risk::Read => Some(format!("See what `{program}` shows")),
        (Some(_), Some(program)) => Some(format!("Run `{program}`")),
        (Some(_), None) => Some("Run this command".to_owned()),
        (None, _) => None,
    };
    let end = if command.is_some() { ":" } else { "." };
    let candidates = own
        .into_iter()
        .chain(plain)
        .map(|title| DraftStep { title: format!("{title}{end}"), command: command.cloned() });
    candidates.into_iter().find(reads_back)
}

/// The name of the program, when it is a plain one.
fn program(script: &str) -> Option<&str> {
    let word = script.split_whitespace().find(|word| *word != "sudo")?;
    let name = word.rsplit('/').next().unwrap_or(word);
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .then_some(name)
        .filter(|name| !name.is_empty())
}

/// Whether a document with nothing but this step is read as this step.
fn reads_back(step: &DraftStep) -> bool {
    let mut text = "## Mitigation\n\n".to_owned();
    steps(std::slice::from_ref(step), &mut text);
    let procedure = parse(&SopId::from("step.md"), text.as_bytes());
    let kinds: Vec<&NodeKind> = procedure.nodes.iter().map(|node| &node.kind).collect();
    let is_step = match (kinds.as_slice(), &step.command) {
        ([NodeKind::Section { .. }, NodeKind::Step { .. }], None) => true,
        ([NodeKind::Section { .. }, NodeKind::Step { .. }, NodeKind::Command { shell, .. }], Some((wanted, _))) => {
            shell == wanted
        }
        _ => false,
    };
    let wanted: Vec<&str> = step.command.iter().map(|(_, script)| script.as_str()).collect();
    is_step && scripts(&procedure) == wanted && procedure.diagnostics.is_empty()
}

/// The whole document.
pub(super) fn write(gathered: &Gathered) -> String {
    let mut page = String::new();
    front_matter(gathered, &mut page);
    page.push_str(&format!("# {}\n\n## Meaning\n\n", prose(&gathered.title)));
    page.push_str(&format!(
        "The alert fired with severity {}. This procedure was drafted from {}: from what people did then and what came of\nit. \
         Nobody has followed it since.\n\n## Impact\n\n",
        gathered.severity, gathered.origin
    ));
    page.push_str("What it does to users was not recorded then. See the alert's own description.\n\n");
    prerequisites(gathered, &mut page);
    page.push_str("## Diagnosis\n\n");
    if gathered.diagnosis.is_empty() {
        page.push_str("Nothing was recorded that was looked at before something was done.\n\n");
    }
    steps(&gathered.diagnosis, &mut page);
    page.push_str("## Mitigation\n\n");
    if gathered.mitigation.is_empty() {
        page.push_str("Nothing was changed then.\n\n");
    }
    steps(&gathered.mitigation, &mut page);
    verification(gathered, &mut page);
    rollback(gathered, &mut page);
    page.push_str("## Escalation\n\n- Escalate to the owner of what the alert names when these steps do not help.\n");
    told(gathered, &mut page);
    page
}

fn front_matter(gathered: &Gathered, page: &mut String) {
    let quoted = |text: &str| toml::Value::String(one_line(text)).to_string();
    page.push_str(&format!("+++\ntitle = {}\n", quoted(&gathered.title)));
    let alerts: Vec<String> =
        gathered.alerts.iter().map(|name| toml::Value::String(name.clone()).to_string()).collect();
    page.push_str(&format!("alerts = [{}]\n", alerts.join(", ")));
    if let Some(owner) = &gathered.owner {
        page.push_str(&format!("owner = {}\n", quoted(owner)));
    }
    page.push_str("+++\n\n");
}

/// What has to be known before: every parameter that no label of the alert gives.
fn prerequisites(gathered: &Gathered, page: &mut String) {
    let labels = gathered.labels.iter().map(|name| (name.clone(), "value".to_owned())).collect();
    let uses: Vec<_> = gathered
        .steps()
        .filter_map(|step| step.command.as_ref())
        .flat_map(|(_, script)| params::find(script))
        .collect();
    let unbound = params::bind(&uses, &labels, &std::collections::BTreeMap::new());
    page.push_str("## Prerequisites\n\n- You may run the commands below where the alert points to.\n");
    for binding in unbound.iter().filter(|binding| binding.value.is_none()) {
        page.push_str(&format!(
            "- `<{}>`: no label of the alert gives it; take it from what the steps before show.\n",
            binding.name
        ));
    }
    page.push('\n');
}

fn steps(steps: &[DraftStep], page: &mut String) {
    for (number, step) in (1..).zip(steps) {
        page.push_str(&format!("{number}. {}\n\n", step.title));
        let Some((shell, script)) = &step.command else { continue };
        let language = match shell {
            Shell::Promql => "promql",
            Shell::Sql => "sql",
            Shell::Sh | Shell::Other => "sh",
        };
        let indent = " ".repeat(number.to_string().len() + 2);
        let mut fence = "```".to_owned();
        while script.contains(&fence) {
            fence.push('`');
        }
        page.push_str(&format!("{indent}{fence}{language}\n"));
        for line in script.lines() {
            page.push_str(&format!("{indent}{line}\n"));
        }
        page.push_str(&format!("{indent}{fence}\n\n"));
    }
}

fn verification(gathered: &Gathered, page: &mut String) {
    page.push_str("## Verification\n\n");
    steps(&gathered.verification, page);
    let number = gathered.verification.len() + 1;
    page.push_str(&format!("{number}. Wait until the alert ends by itself."));
    page.push_str(if gathered.alert_ended { " It did then.\n\n" } else { "\n\n" });
}

fn rollback(gathered: &Gathered, page: &mut String) {
    page.push_str("## Rollback\n\n");
    for words in &gathered.undo_notes {
        page.push_str(&format!("A person noted then: {words}.\n\n"));
    }
    steps(&gathered.rollback, page);
    if gathered.rollback.is_empty() && gathered.undo_notes.is_empty() {
        page.push_str(if gathered.mitigation.is_empty() {
            "Nothing was changed, so there is nothing to undo.\n\n"
        } else {
            "Nothing is known about undoing these steps: nothing was recorded about it.\n\n"
        });
    }
}

/// What is no step: answers, notes, and what did not help.
fn told(gathered: &Gathered, page: &mut String) {
    if !gathered.findings.is_empty() {
        page.push_str("\n## Answers and notes of that time\n\n");
        gathered.findings.iter().for_each(|words| page.push_str(&format!("- {words}.\n")));
    }
    if !gathered.failures.is_empty() {
        page.push_str("\n## What did not help\n\n");
        for (script, how) in &gathered.failures {
            page.push_str(&format!("- {}: {}.\n", prose(script), prose(how)));
        }
    }
}
