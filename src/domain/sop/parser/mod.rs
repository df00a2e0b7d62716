//! The parser: a document's bytes to a step tree, in stages, one file each.
//!
//! Owns: the order of the stages: decoding, front matter, fence repair (`fences`), block structure (`blocks`), list
//! stitching (`lists`), section roles (`roles`), steps and decisions (`builder`, `paragraphs`, `sentences`, `decisions`),
//! commands and output (`commands`, `prompts`, `interactive`), what is too long to be read (`limit`), and the finished list of nodes (`draft`).
//! Does not: fail. Every stage takes time linear in the document and none is recursive.

mod blocks;
mod builder;
mod commands;
mod decisions;
mod draft;
mod fences;
mod interactive;
mod limit;
mod lists;
mod paragraphs;
mod prompts;
mod roles;
mod sentences;
mod words;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;

pub use limit::MAX_READ_BYTES;

use super::decode::{Decoded, decode};
use super::front_matter;
use crate::domain::digest::sha256_hex;
use crate::domain::id::SopId;
use crate::domain::procedure::{Diagnostic, DiagnosticSeverity, Procedure, Shell, Span};

/// A command in a code block, as the parser finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockCommand {
    /// The exact text, prompts removed.
    pub script: String,
    /// The language it is written in.
    pub shell: Shell,
    /// Whether it needs a terminal (`exec -it`, an editor).
    pub interactive: bool,
}

/// The commands of a code block marked as `language` whose lines are `text`, by the same rules as those of a document:
/// prompts are removed, output and examples are no commands.
#[must_use]
pub fn commands_of(language: &str, text: &str) -> Vec<BlockCommand> {
    let mut at = 0;
    let lines: Vec<blocks::CodeLine> = text
        .split_inclusive('\n')
        .map(|line| {
            let span = Span { start: at, end: at + line.trim_end_matches('\n').len() };
            at += line.len();
            blocks::CodeLine { text: line.to_owned(), span }
        })
        .collect();
    let parts = commands::split(language, &lines).into_iter();
    parts
        .filter_map(|part| match part.kind {
            commands::PartKind::Command { shell, interactive } => {
                Some(BlockCommand { script: part.text, shell, interactive })
            }
            commands::PartKind::Output | commands::PartKind::Opaque(_) => None,
        })
        .collect()
}

/// Reads a document. Total: any bytes give a tree, and the same bytes give the same tree with the same ids.
///
/// Of a document of more than [`MAX_READ_BYTES`] the first part is read; the last node says so.
///
/// Codes of diagnostics: `front-matter`, `invalid-utf8`, `nul-byte`, `too-long`, `unclosed-fence`.
#[must_use]
pub fn parse(sop: &SopId, bytes: &[u8]) -> Procedure {
    let read = limit::readable(bytes);
    let decoded = decode(bytes.get(..read).unwrap_or(bytes));
    let front = front_matter::read(&decoded.text, decoded.start());
    let repair = fences::repair(&decoded.text, front.body_start);
    let mut all = Vec::new();
    let mut start = front.body_start;
    for end in repair.cuts.iter().copied().chain([decoded.text.len()]) {
        blocks::read(&decoded.text, start, end, &mut all);
        start = end;
    }
    lists::stitch(&mut all);
    let builder = builder::Builder::build(&all, decoded.text.len());
    let title = front.title.or_else(|| builder.first_heading.clone()).filter(|title| !title.trim().is_empty());
    let mut diagnostics = front.diagnostics;
    diagnostics.extend(byte_diagnostics(&decoded));
    diagnostics.extend(repair.unclosed.iter().map(|at| unclosed_fence(decoded.line(*at))));
    diagnostics.sort_by_key(|diagnostic| diagnostic.line);
    let mut procedure = Procedure {
        sop: sop.clone(),
        title: title.map_or_else(|| stem(sop).to_owned(), |title| decoded.shown(&title)),
        revision: sha256_hex(bytes),
        alerts: front.alerts,
        nodes: builder.tree.finish(&decoded),
        diagnostics,
    };
    if read < bytes.len() {
        limit::tell(&mut procedure, read, bytes.len(), decoded.line(read));
    }
    procedure
}

/// The name of the document's file without its directory and extension.
#[must_use]
pub(super) fn stem(sop: &SopId) -> &str {
    let name = sop.as_str().rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        Some(_) | None => name,
    }
}

fn byte_diagnostics(decoded: &Decoded) -> impl Iterator<Item = Diagnostic> {
    let invalid = decoded.first_invalid.map(|at| Diagnostic {
        code: "invalid-utf8".to_owned(),
        severity: DiagnosticSeverity::Error,
        line: decoded.line(at),
        message: "this line is not UTF-8 text; the bytes in question show as U+FFFD. Save the document as UTF-8"
            .to_owned(),
    });
    let nul = decoded.first_nul.map(|at| Diagnostic {
        code: "nul-byte".to_owned(),
        severity: DiagnosticSeverity::Error,
        line: decoded.line(at),
        message: "this line contains a NUL byte, which no command can carry; remove it".to_owned(),
    });
    invalid.into_iter().chain(nul)
}

fn unclosed_fence(line: u32) -> Diagnostic {
    Diagnostic {
        code: "unclosed-fence".to_owned(),
        severity: DiagnosticSeverity::Error,
        line,
        message:
            "the code block that begins here is never closed; it was ended before the next heading, the next code \
                  block or the end of the document. Put a closing fence where it ends"
                .to_owned(),
    }
}
