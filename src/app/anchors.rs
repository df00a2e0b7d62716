//! Which adapter keeps heads of the journal.
//!
//! Owns: the choice by the configuration, and the service's start. Does not: know when a head is kept (see
//! `engine::anchoring`).

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::adapters::anchor::{AnchorFile, SystemLog};
use crate::config::{AnchorPlace, Config};
use crate::domain::checkup::Finding;
use crate::engine::anchoring::Anchoring;
use crate::engine::ports::AnchorKeeper;

/// The service, while it works.
pub(super) struct Anchors {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Anchors {
    /// Keeps heads of the journal of `app` from now on, where and as often as `config` says. Where that is not possible, a
    /// person is told.
    pub(super) fn start(app: &App, config: &Config) -> Self {
        let tell = app.notices.tell.clone();
        let stop = CancellationToken::new();
        let keeper = match keeper(config) {
            Ok(keeper) => keeper,
            Err(problem) => {
                tracing::warn!(problem, "no head of the journal is kept");
                // Without a console there is nobody to tell.
                let _ = tell.send(problem);
                None
            }
        };
        let task = keeper.map(|keeper| {
            let anchoring = Anchoring::new(app.store.clone(), keeper, config.journal.every, tell);
            tokio::spawn(anchoring.run(stop.clone()))
        });
        Self { stop, task }
    }

    /// Keeps the last head and stops; waits at most `patience`.
    pub(super) async fn stop(self, patience: Duration) {
        self.stop.cancel();
        if let Some(task) = self.task
            && tokio::time::timeout(patience, task).await.is_err()
        {
            tracing::warn!("the last head of the journal was not kept in time");
        }
    }
}

/// What keeps heads; `None` when nothing is to.
fn keeper(config: &Config) -> Result<Option<Arc<dyn AnchorKeeper>>, String> {
    Ok(match &config.journal.anchor {
        AnchorPlace::Off => None,
        AnchorPlace::Syslog => Some(Arc::new(SystemLog::syslog())),
        AnchorPlace::Journald => Some(Arc::new(SystemLog::journald())),
        AnchorPlace::File(path) if is_beside_log(path, config) => {
            let place = path.display();
            let file = AnchorFile::in_own_directory(path.clone()).map_err(|error| {
                format!(
                    "{place}: no heads of the journal are kept ({error}). Make its directory, or set [journal] anchor"
                )
            })?;
            Some(Arc::new(file))
        }
        AnchorPlace::File(path) => Some(Arc::new(AnchorFile::at(path.clone()))),
    })
}

/// Looks at the place where heads are kept, for `doctor`.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    const SERVICE: &str = "Start that service, or name another place in [journal] anchor";
    let log = |log: SystemLog| match log.answers() {
        Ok(()) => Finding::ok(format!("heads of the journal are kept in {}", log.place())),
        Err(error) => Finding::fail(format!("{} takes no heads of the journal: {error}", log.place()), SERVICE),
    };
    vec![match &config.journal.anchor {
        AnchorPlace::Off => Finding::warn(
            "heads of the journal are kept nowhere: nobody can tell later whether its end was cut off",
            "Set [journal] anchor to a file on another machine, or to \"journald\"",
        ),
        AnchorPlace::Syslog => log(SystemLog::syslog()),
        AnchorPlace::Journald => log(SystemLog::journald()),
        AnchorPlace::File(path) if path.parent() == config.store.path.parent() => Finding::warn(
            format!("{}: heads of the journal are kept beside the database", path.display()),
            "Set [journal] anchor to a place where nobody who can write the database can write",
        ),
        AnchorPlace::File(path) => Finding::ok(format!("heads of the journal are kept in {}", path.display())),
    }]
}

/// Whether the file is in the directory that this program makes for its own log, and so may make.
fn is_beside_log(path: &std::path::Path, config: &Config) -> bool {
    path.parent() == config.log.path.parent()
}
