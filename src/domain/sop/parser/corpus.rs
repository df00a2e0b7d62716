//! Reads real runbooks, when the folder of them is there, and prints what the parser makes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::parse;
use crate::domain::id::SopId;
use crate::domain::procedure::{NodeKind, Procedure};

fn markdown_below(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

fn outline(procedure: &Procedure) -> String {
    let mut lines = vec![format!("{} — {}", procedure.sop, procedure.title)];
    for (index, node) in procedure.nodes.iter().enumerate() {
        let kind = match &node.kind {
            NodeKind::Section { role, .. } => format!("# {role:?}"),
            NodeKind::Step { mode, label } => format!("step {mode:?} {}", label.as_deref().unwrap_or("-")),
            NodeKind::Command { shell, interactive, params, .. } => format!("$ {shell:?} tty={interactive} {params:?}"),
            NodeKind::Branch { origin, .. } => format!("branch {origin:?}"),
            NodeKind::Opaque { reason } => format!("opaque {reason}"),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
        };
        let text: String = node.text.replace('\n', "⏎").chars().take(100).collect();
        lines.push(format!("{}{kind}: {text}", "  ".repeat(procedure.depth(index))));
    }
    lines.extend(procedure.diagnostics.iter().map(|found| format!("! {} {}", found.line, found.code)));
    lines.join("\n")
}

/// Set `AIOPS_CORPORA` to the folder that has `runbooks/`, and `AIOPS_OUTLINE` to a part of a path to see trees.
#[test]
fn real_runbooks_parse() {
    let Some(corpora) = std::env::var_os("AIOPS_CORPORA") else { return };
    let root = Path::new(&corpora).join("runbooks");
    let mut paths = Vec::new();
    markdown_below(&root, &mut paths);
    assert!(!paths.is_empty(), "no runbooks below {}", root.display());
    let wanted = std::env::var("AIOPS_OUTLINE").ok();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let id = SopId(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
        let procedure = parse(&id, &bytes);
        super::tests::assert_well_formed(&procedure, &bytes);
        if wanted.as_ref().is_some_and(|wanted| id.as_str().contains(wanted)) {
            println!("{}\n", outline(&procedure));
        }
        for node in &procedure.nodes {
            let name = match &node.kind {
                NodeKind::Section { role, .. } => format!("section {role:?}"),
                NodeKind::Step { mode, .. } => format!("step {mode:?}"),
                NodeKind::Command { shell, interactive, .. } => format!("command {shell:?} interactive={interactive}"),
                NodeKind::Branch { origin, .. } => format!("branch {origin:?}"),
                NodeKind::Note { level, .. } => format!("note {level:?}"),
                NodeKind::Opaque { reason } => format!("opaque {reason}"),
                NodeKind::Output => "output".to_owned(),
                NodeKind::Decision { .. } => "decision".to_owned(),
            };
            *kinds.entry(name).or_default() += 1;
        }
        for diagnostic in &procedure.diagnostics {
            *codes.entry(diagnostic.code.clone()).or_default() += 1;
        }
    }
    println!("{} runbooks\n{kinds:#?}\n{codes:#?}", paths.len());
}
