//! Improving and drafting SOPs: from the store to a patch, and from a person's yes to the file.
//!
//! Owns: the order of things: looked at, shown, approved by its digest, recorded, written. Does not: find anything (see
//! `domain::run::{improve, draft}`), or write files itself (see `ports::SopFiles`).
//!
//! Invariants: nothing is written without the digest of exactly the patch that was shown, and nothing that is not in the journal
//! first. A document that is part of the program is never written.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::backend::{BackendError, SopDocument};
use super::library::{IN_THE_BINARY, Library};
use super::ports::{ChangeWay, SopChange, SopFileError, SopFiles};
use crate::domain::actor::Actor;
use crate::domain::digest::sha256_hex;
use crate::domain::id::{IncidentId, RunId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::journal::Payload;
use crate::domain::journal::tape::What;
use crate::domain::run::draft::{self, Draft, Material};
use crate::domain::run::event::RunEvent;
use crate::domain::run::improve::{self, Document, Finding, Patch, digest_of};
use crate::domain::time::Timestamp;
use crate::store::Store;

/// What was found about a document.
#[derive(Clone, Debug)]
pub struct Improvement {
    /// The document.
    pub document: Arc<SopDocument>,
    /// How many runs were looked at.
    pub runs: usize,
    /// What they have in common.
    pub findings: Vec<Finding>,
}

impl Improvement {
    /// The numbers of the findings that a patch follows from.
    #[must_use]
    pub fn patches(&self) -> BTreeSet<usize> {
        self.findings.iter().filter(|finding| finding.is_patch()).map(|finding| finding.number).collect()
    }

    /// The patch of these findings together.
    #[must_use]
    pub fn patch(&self, taken: &BTreeSet<usize>) -> Patch {
        let SopDocument { procedure, source, .. } = self.document.as_ref();
        improve::propose(Document { procedure, source }, &self.findings, taken)
    }
}

/// Looks at the runs of `document` that began at `since` or later.
///
/// # Errors
/// When the store cannot be read.
pub async fn look(store: &Store, document: Arc<SopDocument>, since: Timestamp) -> Result<Improvement, BackendError> {
    let sop = document.procedure.sop.clone();
    let runs = store.read_view(move |reader| reader.past_runs(&sop, since)).await?;
    let found = tokio::task::spawn_blocking(move || {
        let SopDocument { procedure, source, .. } = document.as_ref();
        let findings = improve::findings(Document { procedure, source }, &runs);
        Improvement { runs: runs.len(), findings, document }
    });
    found.await.map_err(|error| BackendError::Failed(format!("The runs could not be compared: {error}")))
}

/// A person's yes to a patch.
#[derive(Clone, Debug)]
pub struct Yes {
    /// What they took.
    pub taken: BTreeSet<usize>,
    /// The digest of what they saw.
    pub digest: String,
    /// Where it goes.
    pub way: ChangeWay,
}

fn refused(why: impl Into<String>, remedy: &str) -> BackendError {
    Refusal::new("Not changed", why, remedy).into()
}

fn of_files(error: SopFileError) -> BackendError {
    BackendError::Failed(error.0)
}

/// Writes the patch that a person said yes to; gives what came of it, as a sentence.
///
/// # Errors
/// When the patch is not the one that they saw, the document is the program's own or has changed, or it cannot be recorded or
/// written.
pub async fn apply(
    store: &Store,
    files: &Arc<dyn SopFiles>,
    actor: &Actor,
    improvement: &Improvement,
    yes: Yes,
) -> Result<String, BackendError> {
    let SopDocument { procedure, place, .. } = improvement.document.as_ref();
    let patch = improvement.patch(&yes.taken);
    if patch.diff.is_empty() {
        return Err(refused("no finding with a patch was taken", "Take one, and look at the patch"));
    }
    if patch.digest != yes.digest {
        return Err(refused(
            "this is not the patch of that digest: the document, its runs or what was taken changed since",
            "Look at the patch again and name its digest",
        ));
    }
    if place == IN_THE_BINARY {
        return Err(refused(
            "the document is a part of the program",
            "Put a copy into a directory of [sops] directories (`aiops sop show` prints it); runs of the copy improve the copy",
        ));
    }
    let branch = match &yes.way {
        ChangeWay::File => None,
        ChangeWay::Branch { name, .. } => Some(name.clone()),
    };
    let entry = Payload::SopChanged {
        sop: procedure.sop.clone(),
        place: place.clone(),
        before: Some(procedure.revision.clone()),
        after: sha256_hex(patch.text.as_bytes()),
        digest: patch.digest,
        branch,
    };
    let change = SopChange {
        path: PathBuf::from(place),
        before: Some(procedure.revision.clone()),
        text: patch.text,
        way: yes.way,
    };
    write(store, files, actor, change, entry).await
}

/// Gets the change ready, records it, makes it.
async fn write(
    store: &Store,
    files: &Arc<dyn SopFiles>,
    actor: &Actor,
    change: SopChange,
    entry: Payload,
) -> Result<String, BackendError> {
    let lost = |error: tokio::task::JoinError| BackendError::Failed(format!("The file could not be written: {error}"));
    let own = Arc::clone(files);
    let staged = tokio::task::spawn_blocking(move || own.stage(&change)).await.map_err(lost)?.map_err(of_files)?;
    store.note_sop_change(entry, actor).await?;
    tokio::task::spawn_blocking(move || staged.finish()).await.map_err(lost)?.map_err(of_files)
}

/// Drafts an SOP from an incident, or from one run of it.
///
/// # Errors
/// When there is no such incident or run, or nothing was done that a document could tell.
pub async fn draft(
    store: &Store,
    library: &Library,
    incident: IncidentId,
    run: Option<RunId>,
) -> Result<Draft, BackendError> {
    // What was printed is in no draft.
    let tape = store.read_view(move |reader| reader.tape(incident, &mut |_| Ok(None))).await?;
    let Some(tape) = tape else {
        let why = format!("there is no incident #{incident}");
        return Err(Refusal::new("Not drafted", why, "`aiops incidents list` prints those that there are").into());
    };
    let followed = tape.moments.iter().rev().find_map(|moment| match &moment.what {
        What::Entry { payload, .. } => match payload.as_ref() {
            Payload::Run { run: found, event } if run.is_none_or(|wanted| wanted == *found) => match event.as_ref() {
                RunEvent::Started { plan, .. } => library.get(&plan.sop),
                _ => None,
            },
            _ => None,
        },
        What::AlertBegan(_) | What::AlertEnded(_) | What::Unreadable => None,
    });
    let drafted = tokio::task::spawn_blocking(move || {
        let followed =
            followed.as_ref().map(|document| Document { procedure: &document.procedure, source: &document.source });
        draft::of(Material { tape: &tape, run, followed })
    });
    let drafted = drafted.await.map_err(|error| BackendError::Failed(format!("Not drafted: {error}")))?;
    drafted.map_err(|none| BackendError::Failed(none.0))
}

/// Saves a draft as a new file.
///
/// # Errors
/// When there is a file already, or it cannot be recorded or written.
pub async fn save(
    store: &Store,
    files: &Arc<dyn SopFiles>,
    actor: &Actor,
    draft: &Draft,
    path: PathBuf,
) -> Result<String, BackendError> {
    let sop = SopId(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let entry = Payload::SopChanged {
        place: path.display().to_string(),
        before: None,
        after: sha256_hex(draft.text.as_bytes()),
        digest: digest_of(&sop, "", &draft.text),
        branch: None,
        sop,
    };
    let change = SopChange { path, before: None, text: draft.text.clone(), way: ChangeWay::File };
    write(store, files, actor, change, entry).await
}
