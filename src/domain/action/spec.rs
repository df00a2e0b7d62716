//! What exactly would run: argv by argv or exact bytes, where, with which environment.
//!
//! Owns: the types that the review shows and the digest covers. Does not: parse text into them (see `grammar`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::container;
use super::edit::Edited;
use super::handed::HandedSecret;
use super::print;
use super::remote;
use super::risk::Risk;
use super::script::Leaves;
use super::subject::Subject;
pub use super::target::Target;
use crate::domain::alert::Labels;
use crate::domain::digest::{FieldHasher, sha256_hex};
use crate::domain::id::{IncidentId, MessageId, NodeId, SopId};

/// Where a piece of a word came from; words from outside are marked in the review.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "origin", content = "name", rename_all = "snake_case")]
pub enum Origin {
    /// The SOP as written.
    Sop,
    /// The value of this alert label.
    Label(String),
    /// Typed by the person.
    Operator,
    /// The value of a variable that the same script or an earlier step of the run set, as far as an author wrote it, or of
    /// one of the action's own environment.
    Script,
    /// Written by the assistant in an answer. From outside, whatever the answer was made from.
    Model,
}

impl Origin {
    /// Whether someone else than the author of a reviewed document or script chose the text: an alert, a keyboard, a model.
    #[must_use]
    pub const fn is_outside(&self) -> bool {
        match self {
            Self::Sop | Self::Script => false,
            Self::Label(_) | Self::Operator | Self::Model => true,
        }
    }
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its text, exactly as it will be passed.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// One argv word. Values of parameters are pieces of it; they are never parsed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The pieces in order; an empty list is the empty word.
    pub pieces: Vec<Piece>,
}

impl Word {
    /// A word of one piece.
    #[must_use]
    pub fn new(text: &str, origin: Origin) -> Self {
        Self { pieces: vec![Piece { text: text.to_owned(), origin }] }
    }

    /// The word as the process gets it.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// Where a descriptor of a stage goes. Files are outside the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// Standard output to /dev/null.
    OutToNull,
    /// Standard error to /dev/null.
    ErrToNull,
    /// Standard error to where standard output goes.
    ErrToOut,
    /// Standard output to where standard error goes.
    OutToErr,
}

/// One program with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The program and its arguments; never empty.
    pub argv: Vec<Word>,
    /// Redirections, in order.
    pub redirects: Vec<Redirect>,
    /// Variables that it gets on top of the action's environment: those before the program (`A=1 program`) and those exported
    /// by then. They can change what a program does as much as its arguments can.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Word>,
}

/// Stages whose output feeds the next one. It fails when any stage fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The stages; never empty.
    pub stages: Vec<Stage>,
    /// The directory that they run in, absolute, after a `cd`; `None` is the action's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Word>,
}

/// When a pipeline runs, seen from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connector {
    /// In any case (`;` or a new line).
    Always,
    /// When the one before succeeded (`&&`).
    AndThen,
    /// When the one before failed (`||`).
    OrElse,
}

/// A script inside the grammar: it runs without a shell, argv by argv.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The pipelines in order; the first one's connector is `Always`. Empty only when something is left.
    pub parts: Vec<(Connector, Pipeline)>,
    /// What later steps of the run find when it has succeeded.
    #[serde(default, skip_serializing_if = "Leaves::is_empty")]
    pub leaves: Leaves,
}

/// How the text of a command is turned into processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Invocation {
    /// Without a shell.
    Argv {
        /// What runs.
        script: Script,
    },
    /// The exact bytes through `bash -c`, because they are outside the grammar.
    Bash {
        /// The exact bytes.
        script: String,
        /// Why it is outside the grammar.
        reason: String,
        /// Parameter values, handed over as environment variables, never spliced in.
        values: BTreeMap<String, Piece>,
    },
}

impl Invocation {
    /// The same with every word that a document would have written marked as the assistant's.
    #[must_use]
    pub fn written_by_model(mut self) -> Self {
        let mark = |piece: &mut Piece| {
            if !piece.origin.is_outside() {
                piece.origin = Origin::Model;
            }
        };
        match &mut self {
            Self::Argv { script } => script.words_mut().flat_map(|word| &mut word.pieces).for_each(mark),
            Self::Bash { values, .. } => values.values_mut().for_each(mark),
        }
        self
    }
}

/// Who has the terminal while an action runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// Nobody: no input, the output is recorded, and it is ended after its time limit.
    #[default]
    Supervised,
    /// The person: the console steps aside, nothing is recorded but how it ended, and there is no time limit.
    Interactive,
}

impl Execution {
    /// How a command runs that the document's parser takes for interactive or not.
    #[must_use]
    pub const fn of(interactive: bool) -> Self {
        if interactive { Self::Interactive } else { Self::Supervised }
    }

    /// Its name in the digest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supervised => "supervised",
            Self::Interactive => "interactive",
        }
    }
}

/// What keeps an action from doing more than was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confinement {
    /// Nothing but the rights of the person.
    #[default]
    Free,
    /// The kernel: it can write no file but in a scratch directory of its own, which is removed at its end, and can gain no
    /// privileges. If the kernel cannot do that when it is to start, it does not start.
    ReadsOnly,
}

impl Confinement {
    /// Variables that name the scratch directory of a confined action, for programs that write a cache while they read.
    pub const SCRATCH: [&str; 3] = ["KUBECACHEDIR", "TMPDIR", "XDG_CACHE_HOME"];
}

/// Begins the name of an answer where that of a document stands. No document is called so: theirs end in `.md`.
const ANSWER: &str = "answer:";

/// Begins the name of what this program offers by itself where that of a document stands.
const PROGRAM: &str = "aiops:";

/// The revision of what this program offers by itself: it is changed when such an action comes to mean something else.
pub const PROGRAM_REVISION: &str = "1";

/// The step of an SOP, or the code block of an answer, that an action comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The document, or `answer:` and the number of the message.
    pub sop: SopId,
    /// The command node in it, or `block-` and the number of the code block.
    pub node: NodeId,
    /// SHA-256 of the document, or of the message's text, when the proposal was made.
    pub revision: String,
    /// The step's text, for screens; not part of the digest.
    pub title: String,
}

impl StepRef {
    /// The code block number `block` of an answer whose text is `text`.
    #[must_use]
    pub fn of_answer(message: MessageId, block: usize, text: &str, title: String) -> Self {
        let (sop, node) = Self::place_in_answer(message, block);
        Self { sop, node, revision: Self::revision_of_answer(text), title }
    }

    /// What stands for the answer and its code block number `block` where a step of an SOP has document and node.
    #[must_use]
    pub fn place_in_answer(message: MessageId, block: usize) -> (SopId, NodeId) {
        (SopId(format!("{ANSWER}{message}")), NodeId(format!("block-{block}")))
    }

    /// What this program offers by itself (`silence`), in which way (`create`). It is the same in every document.
    #[must_use]
    pub fn of_program(what: &str, way: &str, title: String) -> Self {
        Self { sop: SopId(format!("{PROGRAM}{what}")), node: way.into(), revision: PROGRAM_REVISION.to_owned(), title }
    }

    /// Whether it comes from neither a document nor an answer, but from this program.
    #[must_use]
    pub fn is_of_program(&self) -> bool {
        self.sop.as_str().starts_with(PROGRAM)
    }

    /// The answer that it comes from; `None` for a step of an SOP.
    #[must_use]
    pub fn answer(&self) -> Option<MessageId> {
        self.sop.as_str().strip_prefix(ANSWER)?.parse().ok().map(MessageId)
    }

    /// The revision of an answer: it changes with every byte of its text.
    #[must_use]
    pub fn revision_of_answer(text: &str) -> String {
        sha256_hex(text.as_bytes())
    }
}

/// Everything that decides what an action does. This is what is shown, hashed and run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// For which incident.
    pub incident: IncidentId,
    /// For which of its alerts; of this only the key is part of the digest.
    #[serde(default = "Subject::unbound")]
    pub subject: Subject,
    /// From which step.
    pub step: StepRef,
    /// What runs.
    pub invocation: Invocation,
    /// Who has the terminal meanwhile.
    #[serde(default)]
    pub mode: Execution,
    /// Where it acts.
    pub target: Target,
    /// Working directory, absolute; [`container::OWN_DIRECTORY`] for the one that a container begins in.
    pub cwd: String,
    /// The whole environment that the processes get.
    pub env: BTreeMap<String, String>,
    /// Its risk.
    pub risk: Risk,
    /// Why the risk is what it is, one line each; not part of the digest.
    pub risk_reasons: Vec<String>,
    /// What keeps it from doing more than that.
    #[serde(default)]
    pub confinement: Confinement,
    /// Secrets that its programs get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<HandedSecret>,
    /// Names and values of the alert labels that it uses.
    pub labels_used: Labels,
    /// A supervised action is ended after this long. Of no effect on an interactive one; see [`Self::limit`].
    pub time_limit: Duration,
    /// Whose words took the place of those of another proposal; `None` for one that nobody edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
}

impl ActionSpec {
    /// What runs, as one text for people, words quoted as a shell would need it. Foreign text.
    #[must_use]
    pub fn command_line(&self) -> String {
        match &self.invocation {
            Invocation::Argv { script } => print::script(script),
            Invocation::Bash { script, .. } => script.clone(),
        }
    }

    /// After how long it is ended; `None` when it goes on until the person ends it.
    #[must_use]
    pub const fn limit(&self) -> Option<Duration> {
        match self.mode {
            Execution::Supervised => Some(self.time_limit),
            Execution::Interactive => None,
        }
    }

    /// The digest of the meaning: everything that decides what happens, nothing that is prose.
    ///
    /// `firing` is whether the alert [`Self::subject`] fires when it is proposed, so that a grant is void when that changes; only
    /// [`super::tie::Tie`] says which of the two a proposal has.
    #[must_use]
    pub fn digest(&self, firing: bool) -> String {
        let mut hasher = FieldHasher::new("aiops action v4");
        hasher.number(self.incident.0);
        hasher.field(self.subject.key.source.as_str().as_bytes());
        hasher.field(self.subject.key.fingerprint.as_bytes());
        hasher.number(self.subject.key.starts_at.as_millis());
        hasher.field(self.step.sop.as_str().as_bytes());
        hasher.field(self.step.node.as_str().as_bytes());
        hasher.field(self.step.revision.as_bytes());
        hash_invocation(&mut hasher, &self.invocation);
        hasher.field(self.mode.name().as_bytes());
        self.target.hash(&mut hasher);
        if let Some(text) = remote::text(self) {
            hasher.field(text.as_bytes());
        }
        container::argv(self).into_iter().flatten().for_each(|word| hasher.field(word.as_bytes()));
        hasher.field(self.cwd.as_bytes());
        hash_map(&mut hasher, &self.env);
        hasher.field(self.risk.name().as_bytes());
        match self.confinement {
            // As before there was any.
            Confinement::Free => {}
            Confinement::ReadsOnly => hasher.field(b"reads only"),
        }
        self.secrets.iter().for_each(|secret| secret.hash(&mut hasher));
        hash_map(&mut hasher, &self.labels_used);
        hasher.number(i64::try_from(self.time_limit.as_millis()).unwrap_or(i64::MAX));
        hasher.number(i64::from(firing));
        if let Some(edited) = &self.edited {
            edited.hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn hash_map(hasher: &mut FieldHasher, map: &BTreeMap<String, String>) {
    hasher.number(i64::try_from(map.len()).unwrap_or(i64::MAX));
    for (name, value) in map {
        hasher.field(name.as_bytes());
        hasher.field(value.as_bytes());
    }
}

pub(super) fn hash_invocation(hasher: &mut FieldHasher, invocation: &Invocation) {
    match invocation {
        Invocation::Argv { script } => {
            hasher.field(b"argv");
            script.hash(hasher);
        }
        Invocation::Bash { script, values, .. } => {
            hasher.field(b"bash");
            hasher.field(script.as_bytes());
            hasher.number(i64::try_from(values.len()).unwrap_or(i64::MAX));
            for (name, piece) in values {
                hasher.field(name.as_bytes());
                hash_piece(hasher, piece);
            }
        }
    }
}

/// The review marks what came from outside, so that is a part of what was shown.
pub(super) fn hash_piece(hasher: &mut FieldHasher, piece: &Piece) {
    let (origin, name) = match &piece.origin {
        Origin::Sop => ("sop", ""),
        Origin::Label(name) => ("label", name.as_str()),
        Origin::Operator => ("operator", ""),
        Origin::Script => ("script", ""),
        Origin::Model => ("model", ""),
    };
    hasher.field(origin.as_bytes());
    hasher.field(name.as_bytes());
    hasher.field(piece.text.as_bytes());
}
