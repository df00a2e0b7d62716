//! Properties of every tree, and tables of small documents.

use std::collections::HashSet;

use proptest::prelude::*;
use rstest::rstest;

use super::parse;
use crate::domain::id::SopId;
use crate::domain::procedure::{BranchOrigin, Node, NodeKind, NoteForm, Procedure};

fn read(text: &str) -> Procedure {
    let procedure = parse(&SopId::from("dir/name.md"), text.as_bytes());
    assert_well_formed(&procedure, text.as_bytes());
    procedure
}

/// What holds for every tree, whatever the document.
pub(super) fn assert_well_formed(procedure: &Procedure, bytes: &[u8]) {
    let mut ids = HashSet::new();
    let mut last_start = 0;
    let mut last_child_end = vec![0; procedure.nodes.len()];
    let mut last_root_end = 0;
    for (index, node) in procedure.nodes.iter().enumerate() {
        assert!(ids.insert(node.id.clone()), "id {} occurs twice", node.id);
        assert!(node.span.start <= node.span.end && node.span.end <= bytes.len(), "span of {node:?}");
        assert!(node.span.start >= last_start, "{node:?} begins before the node in front of it");
        last_start = node.span.start;
        let lines = 1 + bytes[..node.span.start].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(node.line as usize, lines, "line of {node:?}");
        let sibling_end = match node.parent {
            Some(parent) => {
                assert!(parent < index, "{node:?} stands before its parent");
                let outer = procedure.nodes[parent].span;
                assert!(outer.start <= node.span.start && node.span.end <= outer.end, "{node:?} outside of its parent");
                &mut last_child_end[parent]
            }
            None => &mut last_root_end,
        };
        assert!(node.span.start >= *sibling_end, "{node:?} overlaps the sibling in front of it");
        *sibling_end = node.span.end;
        let parent_kind = node.parent.map(|parent| &procedure.nodes[parent].kind);
        let in_decision = matches!(parent_kind, Some(NodeKind::Decision { .. }));
        assert_eq!(
            matches!(node.kind, NodeKind::Branch { .. }),
            in_decision,
            "branches and only branches in decisions"
        );
    }
}

/// A tree in short: one line a node, two spaces a level.
fn outline(text: &str) -> Vec<String> {
    let procedure = read(text);
    let line = |(index, node): (usize, &Node)| {
        let shown = match &node.kind {
            NodeKind::Section { role, .. } => format!("# {role:?} {}", node.text),
            NodeKind::Step { mode, label } => format!("{mode:?} {} {}", label.as_deref().unwrap_or("-"), node.text),
            NodeKind::Command { script, params, interactive, .. } => {
                assert_eq!(*script, node.text);
                format!(
                    "{} {script}{}",
                    if *interactive { "tty" } else { "$" },
                    params.iter().map(|name| format!(" ?{name}")).collect::<String>()
                )
            }
            NodeKind::Output => format!("> {}", node.text),
            NodeKind::Decision { question } => format!("if {question}"),
            NodeKind::Branch { condition, origin } => match origin {
                BranchOrigin::Explicit => format!("case {condition}"),
                BranchOrigin::Otherwise => format!("else {condition}"),
                BranchOrigin::ImplicitElse => "implicit else".to_owned(),
            },
            NodeKind::Note { level, .. } => format!("{level:?} {}", node.text),
            NodeKind::Opaque { reason } => format!("opaque {reason}"),
        };
        format!("{}{shown}", "  ".repeat(procedure.depth(index))).trim_end().to_owned()
    };
    procedure.nodes.iter().enumerate().map(line).collect()
}

#[rstest]
#[case::numbered_steps_split_by_fences(
    "## Diagnosis\n\n1. Look at the disk:\n```sh\ndf -h <mountpoint>\n```\n2. Look at the log:\n```sh\ntail -n 5 x\n```\n",
    &["# Diagnosis Diagnosis", "  Check 1 Look at the disk:", "    $ df -h <mountpoint> ?mountpoint", "  Check 2 Look at the log:", "    $ tail -n 5 x"])]
#[case::paragraph_with_code(
    "## Mitigation\n\nRestart the unit:\n\n```sh\nsystemctl restart x\n```\n\nIt takes a while.\n",
    &["# Mitigation Mitigation", "  Do - Restart the unit:", "    $ systemctl restart x", "  Plain It takes a while."])]
#[case::step_paragraphs(
    "## Diagnosis\n\nStep 1: Look.\n\n```sh\nid -u\n```\n\nStep 2: Wait.\n",
    &["# Diagnosis Diagnosis", "  Check 1 Look.", "    $ id -u", "  Wait 2 Wait."])]
#[case::bullets_act_only_where_sections_act(
    "## Meaning\n\n- Restart means restart.\n\n## Mitigation\n\n- Restart it.\n- Some remark here.\n",
    &["# Meaning Meaning", "  Plain Restart means restart.", "# Mitigation Mitigation", "  Do - Restart it.", "  Plain Some remark here."])]
#[case::implicit_else(
    "## Mitigation\n\nIf the pod is stuck, delete it.\n",
    &["# Mitigation Mitigation", "  if The pod is stuck?", "    case the pod is stuck", "      Do - Delete it.", "    implicit else"])]
#[case::otherwise_in_the_next_paragraph(
    "## Mitigation\n\nIf the pod is stuck:\n\n```sh\nkubectl delete pod <pod>\n```\n\nOtherwise, wait.\n",
    &["# Mitigation Mitigation", "  if The pod is stuck?", "    case the pod is stuck", "      $ kubectl delete pod <pod> ?pod", "    else Otherwise", "      Wait - Wait."])]
#[case::yes_and_otherwise_items(
    "## Mitigation\n\n1. Is it old?\n   - If yes, remove it:\n     ```sh\n     rm -v -- <file>\n     ```\n   - Otherwise, keep it.\n2. Go on.\n",
    &["# Mitigation Mitigation", "  Check 1 Is it old?", "    if Is it old?", "      case yes", "        Do - Remove it:", "          $ rm -v -- <file> ?file", "      else Otherwise", "        Plain Keep it.", "  Do 2 Go on."])]
#[case::anaphora(
    "## Diagnosis\n\nCheck whether the disk is full. If so, page the owner. If not, wait.\n",
    &["# Diagnosis Diagnosis", "  Check - Check whether the disk is full.", "    if Check whether the disk is full.", "      case so", "        Escalate - Page the owner.", "      else not", "        Wait - Wait."])]
#[case::no_decision_in_meaning(
    "## Impact\n\nIf the disk is full, restart it.\n",
    &["# Impact Impact", "  Plain If the disk is full, restart it."])]
#[case::inherited_role(
    "## Mitigation\n\n### The quick way\n\n- Restart it now.\n",
    &["# Mitigation Mitigation", "  # Mitigation The quick way", "    Do - Restart it now."])]
#[case::output_and_prompts(
    "## Diagnosis\n\n```console\n$ id\nuid=0\n```\n",
    &["# Diagnosis Diagnosis", "  $ id", "  > uid=0"])]
#[case::inline_command(
    "## Mitigation\n\n- Run `systemctl restart <unit>`.\n- Do not run `rm -rf /`.\n",
    &["# Mitigation Mitigation", "  Do - Run systemctl restart <unit>.", "    $ systemctl restart <unit> ?unit", "  Plain Do not run rm -rf /."])]
#[case::warnings(
    "## Mitigation\n\n> **Warning**: this hurts.\n\n> [!NOTE]\n> fine\n\nNote: ok.\n",
    &["# Mitigation Mitigation", "  Warning Warning: this hurts.", "  Hint fine", "  Hint Note: ok."])]
#[case::placeholders_stay(
    "## Meaning\n\nThe <pod> of <namespace>\n",
    &["# Meaning Meaning", "  Plain The <pod> of <namespace>"])]
#[case::step_that_is_only_code(
    "## Diagnosis\n\n1. ```sh\n   df -h\n   ```\n",
    &["# Diagnosis Diagnosis", "  Check 1 df -h", "    $ df -h"])]
#[case::interactive(
    "## Diagnosis\n\n```sh\nkubectl exec -it <pod> -- sh\n```\n",
    &["# Diagnosis Diagnosis", "  tty kubectl exec -it <pod> -- sh ?pod"])]
#[case::table_and_html(
    "## Diagnosis\n\n|a|b|\n|-|-|\n|c|d|\n\n<details>\n\ntext\n\n</details>\n",
    &["# Diagnosis Diagnosis", "  opaque table", "  opaque HTML", "  Plain text", "  opaque HTML"])]
#[case::alternatives_in_a_list(
    "## Mitigation\n\nChoose:\n\n- If it is small, grow it.\n- If it is big, shrink it.\n",
    &["# Mitigation Mitigation", "  Plain Choose:", "  if It is small?", "    case it is small", "      Plain Grow it.", "    case it is big", "      Plain Shrink it.", "    implicit else"])]
#[case::empty("", &[])]
fn trees(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(outline(text), expected);
}

#[rstest]
#[case("+++\ntitle = \"T\"\nalerts = [\"A\"]\n+++\n# H\n", "T")]
#[case("# H\n## I\n", "H")]
#[case("text\n", "name")]
fn titles(#[case] text: &str, #[case] title: &str) {
    assert_eq!(read(text).title, title);
}

#[rstest]
#[case(b"# a\n\nb\xff\n", "invalid-utf8", 3)]
#[case(b"# a\n\0\n", "nul-byte", 2)]
#[case(b"# a\n```sh\nls\n\n## b\n", "unclosed-fence", 2)]
#[case(b"+++\na = \n+++\n", "front-matter", 2)]
fn diagnostics(#[case] bytes: &[u8], #[case] code: &str, #[case] line: u32) {
    let procedure = parse(&SopId::from("x.md"), bytes);
    assert_well_formed(&procedure, bytes);
    let found: Vec<_> = procedure.diagnostics.iter().map(|found| (found.code.as_str(), found.line)).collect();
    assert_eq!(found, [(code, line)]);
}

#[test]
fn an_unclosed_fence_does_not_swallow_the_next_section() {
    let text = "## Diagnosis\n\n```sh\nls -l\n\n## Mitigation\n\n- Restart it.\n";
    assert_eq!(outline(text), ["# Diagnosis Diagnosis", "  $ ls -l", "# Mitigation Mitigation", "  Do - Restart it."]);
}

#[test]
fn ids_do_not_change_with_edits_elsewhere() {
    let before = read(
        "# T\n\n## Diagnosis\n\n1. Look.\n2. Check it:\n   ```sh\n   ls -l\n   ```\n\n## Mitigation\n\nIf a, wait.\n",
    );
    let after = read(
        "# T\n\nNew.\n\n## Diagnosis\n\n1. Look closely.\n2. Check it:\n   ```sh\n   ls -l\n   ```\n\n## New\n\n## Mitigation\n\nIf a, wait.\n",
    );
    for node in before.nodes.iter().filter(|node| node.text != "Look.") {
        assert!(after.nodes.iter().any(|other| other.id == node.id && other.text == node.text), "{node:?}");
    }
}

#[test]
fn invalid_bytes_are_shown_and_spans_stay_true() {
    let bytes = b"## Diagnosis\n\n\xff\xfe text\n\n```sh\nls \xc3 -l\n```\n";
    let procedure = parse(&SopId::from("x.md"), bytes);
    assert_well_formed(&procedure, bytes);
    let command = procedure.nodes.iter().find(|node| matches!(node.kind, NodeKind::Command { .. })).unwrap();
    assert_eq!(command.text, "ls \u{fffd} -l");
    assert_eq!(&bytes[command.span.start..command.span.end], b"ls \xc3 -l");
}

#[test]
fn deep_nesting_neither_overflows_nor_goes_deep() {
    let documents = [
        "> ".repeat(5_000) + "x",
        "- ".repeat(5_000) + "x",
        "1. ".repeat(5_000) + "x",
        (0..300).map(|depth| format!("{}1. If a, do b:\n", "   ".repeat(depth))).collect(),
        "*[".repeat(5_000),
        "## Diagnosis\n".to_owned() + &"- If a:\n".repeat(2_000),
    ];
    for text in documents {
        let procedure = read(&text);
        let deepest = (0..procedure.nodes.len()).map(|index| procedure.depth(index)).max().unwrap_or(0);
        assert!(deepest < 48, "{deepest}");
    }
}

/// Pieces of Markdown that matter to the parser; any sequence of them is a document.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "# T\n",
        "## Diagnosis\n\n",
        "### Mitigation\n",
        "## Meaning\n\n",
        "1. ",
        "2. ",
        "- ",
        "   ",
        "    ",
        "> ",
        "\n",
        "\n\n",
        "```sh\n",
        "```\n",
        "~~~\n",
        "If a, do b. ",
        "If so, restart it.",
        "Otherwise, wait.",
        "If c:\n",
        "Restart it. ",
        "Step 1: Look.\n\n",
        "$ ls -l <pod>\n",
        "# id\n",
        "NAME   AGE\n",
        "`kubectl get pod`",
        "<pod>",
        "<details>\n",
        "<!-- c -->",
        "| a | b |\n|-|-|\n",
        "é",
        "\0",
        "\r\n",
        "Is it full?\n",
        "*",
        "[a](b)",
        "+++\n",
        "---\n",
        "alerts = [\"A\"]\n",
        "Note: x\n",
        "A=1\n",
        "<user@host>",
        "\\\n",
        "&amp;",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_document_gives_a_well_formed_tree(text in fragments()) {
        let procedure = parse(&SopId::from("x.md"), text.as_bytes());
        assert_well_formed(&procedure, text.as_bytes());
        prop_assert_eq!(parse(&SopId::from("x.md"), text.as_bytes()), procedure);
    }

    #[test]
    fn any_bytes_give_a_well_formed_tree(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let procedure = parse(&SopId::from("x.md"), &bytes);
        assert_well_formed(&procedure, &bytes);
        prop_assert_eq!(parse(&SopId::from("x.md"), &bytes), procedure);
    }
}

#[test]
fn a_note_knows_whether_it_is_an_item_of_a_list() {
    let text = "## Impact\n\nTwo things:\n\n- Nothing is written.\n- Databases stop.\n\n  They wait.\n\n## Meaning\n\n3. third\n4. fourth\n";
    let procedure = crate::domain::sop::parse(&"x.md".into(), text.as_bytes());
    let forms: Vec<(&str, NoteForm)> = procedure
        .nodes
        .iter()
        .filter_map(|node| match node.kind {
            NodeKind::Note { form, .. } => Some((node.text.as_str(), form)),
            _ => None,
        })
        .collect();
    let expected = [
        ("Two things:", NoteForm::Paragraph),
        ("Nothing is written.", NoteForm::Bullet),
        ("Databases stop.", NoteForm::Bullet),
        ("They wait.", NoteForm::Paragraph),
        ("third", NoteForm::Numbered(3)),
        ("fourth", NoteForm::Numbered(4)),
    ];
    assert_eq!(forms, expected);
}
