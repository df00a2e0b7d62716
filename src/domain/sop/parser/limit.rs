//! Documents too long to be read as a whole.
//!
//! Owns: where reading ends, and the node that says so. A runbook of this size is a mistake, most often a log; the first
//! part of it still opens at once, and nothing pretends that the rest is not there.
//!
//! Invariant: no fenced command is cut. Reading ends before a heading, else at an empty line, else before the block that
//! goes on beyond the limit.

use crate::domain::id::NodeId;
use crate::domain::procedure::{Diagnostic, DiagnosticSeverity, Node, NodeKind, Procedure, Span};

/// Bytes of a document that are read as steps (2 MB): more than anybody follows by hand, and little enough to be laid out
/// anew for each fold without a pause.
pub const MAX_READ_BYTES: usize = 2_000_000;

/// How many of the first bytes to read: all of them, or up to a place where nothing is torn.
pub(super) fn readable(bytes: &[u8]) -> usize {
    if bytes.len() <= MAX_READ_BYTES {
        return bytes.len();
    }
    let (mut heading, mut empty, mut fence, mut line_start) = (0, 0, None, 0);
    for line in bytes.get(..MAX_READ_BYTES).unwrap_or(bytes).split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        if text.starts_with(b"```") || text.starts_with(b"~~~") {
            fence = if fence.is_some() { None } else { Some(line_start) };
        } else if fence.is_none() && text.is_empty() {
            empty = line_start;
        } else if fence.is_none() && text.starts_with(b"#") {
            heading = line_start;
        }
        line_start += line.len();
    }
    // A heading far above would leave out much for little.
    if heading >= MAX_READ_BYTES / 2 { heading } else { empty.max(fence.unwrap_or(heading)) }
}

/// Says at the end of `procedure` that the document goes on for bytes `from` to before `to`, from line `line` on.
pub(super) fn tell(procedure: &mut Procedure, from: usize, to: usize, line: u32) {
    let left_out = to - from;
    let words = format!(
        "{left_out} bytes more, from line {line} on, are not read: of a document this long only the first part is laid out \
         as steps. Split it into one document for each problem, or read the rest in a pager"
    );
    // Below the title, if all else is, so that it stays the only one of its kind.
    let title = procedure.nodes.iter().skip(1).all(|node| node.parent.is_some());
    let parent = (title && !procedure.nodes.is_empty()).then_some(0);
    if let Some(title) = parent.and_then(|parent| procedure.nodes.get_mut(parent)) {
        title.span.end = to;
    }
    procedure.nodes.push(Node {
        id: NodeId::from("not-read"),
        parent,
        span: Span { start: from, end: to },
        line,
        text: words.clone(),
        kind: NodeKind::Opaque { reason: "too long".to_owned() },
    });
    let severity = DiagnosticSeverity::Error;
    procedure.diagnostics.push(Diagnostic { code: "too-long".to_owned(), severity, line, message: words });
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::tests::assert_well_formed;
    use super::*;
    use crate::domain::id::SopId;

    fn assert_ends_before(text: &str, next: &str) {
        let read = readable(text.as_bytes());
        assert!(read < MAX_READ_BYTES && text[read..].starts_with(next), "{:?}", &text[read..read + 20]);
        let procedure = parse(&SopId::from("x.md"), text.as_bytes());
        let last = procedure.nodes.last().unwrap();
        assert_eq!((last.span.start, last.span.end), (read, text.len()));
        assert!(last.text.starts_with(&format!("{} bytes more", text.len() - read)), "{}", last.text);
        assert!(procedure.diagnostics.iter().any(|found| found.code == "too-long" && found.line == last.line));
        for node in &procedure.nodes {
            if let NodeKind::Command { script, .. } = &node.kind {
                assert!(script.trim_end().ends_with("last word"), "cut: {script:?}");
            }
        }
    }

    #[test]
    fn reading_ends_where_nothing_is_torn() {
        let step =
            "## Look\n\n1. See how it is:\n\n   ```sh\n   echo one two\n\n   # three\n   echo last word\n   ```\n\n";
        assert_ends_before(&format!("# All\n\n{}", step.repeat(30_000)), "## Look");
        let plain = "Words and more words on a line.\n\n";
        assert_ends_before(&format!("# All\n\n{}", plain.repeat(80_000)), "\n");
        let log = format!("# All\n\n```sh\necho last word\n```\n\n```sh\n{}", "echo not the last\n".repeat(150_000));
        assert_ends_before(&log, "```sh\necho not");
    }

    #[test]
    fn a_document_within_the_limit_is_read_as_a_whole() {
        let text = format!("# All\n\n{}", "Words.\n\n".repeat(10));
        assert_eq!(readable(text.as_bytes()), text.len());
        assert!(parse(&SopId::from("x.md"), text.as_bytes()).diagnostics.is_empty());
    }

    #[test]
    fn one_endless_line_is_not_read_at_all() {
        let text = "x".repeat(MAX_READ_BYTES + 1);
        let procedure = parse(&SopId::from("x.md"), text.as_bytes());
        assert_well_formed(&procedure, text.as_bytes());
        assert_eq!(procedure.nodes.len(), 1);
    }
}
