//! Procedures: the executable step tree that an SOP is parsed into.
//!
//! Owns: the node kinds, spans, parameters and diagnostics. Does not: parse (see `sop::parser`) or run anything.

pub mod params;
pub mod place;
pub mod undo;
pub mod variables;
pub mod verification;

use serde::{Deserialize, Serialize};

use super::id::{NodeId, SopId};

/// A half-open range of bytes in the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The executable step tree of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// The document.
    pub sop: SopId,
    /// Its title: front matter, else the first heading, else the file's name.
    pub title: String,
    /// SHA-256 of the document's bytes: the revision that proposals are bound to.
    pub revision: String,
    /// Names of alerts that the front matter declares.
    pub alerts: Vec<String>,
    /// All nodes in document order; a parent stands before its children.
    pub nodes: Vec<Node>,
    /// What the parser noticed.
    pub diagnostics: Vec<Diagnostic>,
}

impl Procedure {
    /// The position of the node `id` in `nodes`.
    #[must_use]
    pub fn index_of(&self, id: &NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == *id)
    }

    /// The number of ancestors of the node at `index`.
    #[must_use]
    pub fn depth(&self, index: usize) -> usize {
        let mut depth = 0;
        let mut at = self.nodes.get(index).and_then(|node| node.parent);
        while let Some(parent) = at {
            depth += 1;
            at = self.nodes.get(parent).and_then(|node| node.parent);
        }
        depth
    }
}

/// One node of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Stable identifier: hash of section path, label and content.
    pub id: NodeId,
    /// Position of the parent in `Procedure::nodes`, always smaller than the node's own.
    pub parent: Option<usize>,
    /// The bytes it was read from.
    pub span: Span,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// What to show, as plain text (Markdown marks removed). Foreign text.
    pub text: String,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeKind {
    /// A heading and all below it.
    Section {
        /// What the section is for.
        role: SectionRole,
        /// Heading level, 1 to 6.
        level: u8,
    },
    /// A unit of work.
    Step {
        /// How the work is done.
        mode: StepMode,
        /// The number as written (`3`, `2.1`), when there is one.
        label: Option<String>,
    },
    /// Something to execute.
    Command {
        /// The exact text, prompts removed.
        script: String,
        /// The language it is written in.
        shell: Shell,
        /// Names of the parameters in it, in order of appearance.
        params: Vec<String>,
        /// Whether it needs a terminal (`exec -it`, an editor).
        interactive: bool,
    },
    /// Output that the document shows.
    Output,
    /// A question.
    Decision {
        /// As written.
        question: String,
    },
    /// One answer to the decision above it.
    Branch {
        /// The condition as written; empty for an implicit else.
        condition: String,
        /// How the branch came to be.
        origin: BranchOrigin,
    },
    /// Prose that is no step.
    Note {
        /// How loud it is.
        level: NoteLevel,
        /// How it stands in the document.
        form: NoteForm,
    },
    /// Kept, shown, not understood.
    Opaque {
        /// Why.
        reason: String,
    },
}

/// What a section is for, from its heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionRole {
    /// What the alert means.
    Meaning,
    /// What it does to users.
    Impact,
    /// What is needed before.
    Prereq,
    /// Finding the cause.
    Diagnosis,
    /// Making it better.
    Mitigation,
    /// Proving that it is better.
    Verify,
    /// Undoing the mitigation.
    Rollback,
    /// Whom to call.
    Escalation,
    /// Further reading.
    Reference,
    /// Anything else.
    Other,
}

/// How a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepMode {
    /// Change or run something.
    Do,
    /// Look and compare.
    Check,
    /// Let time pass.
    Wait,
    /// Hand over to someone.
    Escalate,
}

/// The language of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// A POSIX-like shell line.
    Sh,
    /// SQL.
    Sql,
    /// PromQL.
    Promql,
    /// Anything else: shown, never run.
    Other,
}

/// How a branch came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchOrigin {
    /// The document says "if".
    Explicit,
    /// The document says "otherwise".
    Otherwise,
    /// The document says nothing about the other case.
    ImplicitElse,
}

/// How loud a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteLevel {
    /// Plain prose.
    Plain,
    /// A hint.
    Hint,
    /// A warning.
    Warning,
}

/// How a note stands in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteForm {
    /// A paragraph, or a part of one.
    Paragraph,
    /// An item of a list without numbers.
    Bullet,
    /// An item of a list with numbers, with its own.
    Numbered(u64),
}

/// Something noticed while reading a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code (`unclosed-fence`).
    pub code: String,
    /// How bad it is.
    pub severity: DiagnosticSeverity,
    /// Line, from 1.
    pub line: u32,
    /// What is wrong, and what to do about it.
    pub message: String,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosticSeverity {
    /// The tree may be wrong here.
    Error,
    /// The tree is right, the document could be better.
    Warning,
}
