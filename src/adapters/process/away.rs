//! An action that does not run on this host: on another one, or in a container.
//!
//! Owns: which of the two it is. Does not: know either (see `remote` and `pod`).

use std::fs::File;
use std::io::{self, PipeWriter};
use std::path::Path;
use std::time::Duration;

use super::files::PartRecord;
use super::pod::Pod;
use super::remote::{Remote, Settled};
use crate::domain::action::spec::{ActionSpec, Script};

/// Where commands run here that reach another place.
pub(super) const HERE: &str = "/";

/// An action elsewhere.
pub(super) enum Away {
    /// On another host.
    Host(Remote),
    /// In a container.
    Pod(Pod),
}

impl Away {
    /// Where `spec` runs; `None` when that is this host. Error messages may go on to `output`.
    ///
    /// # Errors
    /// When a file or directory that is needed cannot be made.
    pub(super) fn of(spec: &ActionSpec, directory: &Path, output: &PipeWriter) -> io::Result<Option<Self>> {
        if let Some(remote) = Remote::of(spec, directory)? {
            return Ok(Some(Self::Host(remote)));
        }
        Ok(Pod::of(spec, directory, output)?.map(Self::Pod))
    }

    /// What is started here.
    pub(super) fn script(&self) -> Script {
        match self {
            Self::Host(remote) => remote.script(),
            Self::Pod(pod) => pod.script(),
        }
    }

    /// Where its error messages go.
    pub(super) const fn errors(&self) -> Option<&File> {
        match self {
            Self::Host(remote) => remote.errors(),
            Self::Pod(pod) => pod.errors(),
        }
    }

    /// What can be said after `here`, the ends of what was started here. `stopped` is whether it was ended before it was done.
    pub(super) async fn settle(
        &mut self,
        spec: &ActionSpec,
        here: &[PartRecord],
        stopped: bool,
        grace: Duration,
    ) -> Settled {
        match self {
            Self::Host(remote) => remote.settle(spec, here, stopped, grace).await,
            Self::Pod(pod) => pod.settle(spec, here, stopped, grace).await,
        }
    }
}
