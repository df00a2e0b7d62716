//! The wiring of `aiops purge`: which files beside the database hold texts.

use std::io;
use std::path::{Path, PathBuf};

use color_eyre::eyre::Report;

use super::{attempts_root, store_options};
use crate::adapters::process;
use crate::cli::purge::PurgeArgs;
use crate::cli::{Exit, Format};
use crate::config::{AnchorPlace, Config};
use crate::store::PurgePlaces;

/// Runs the command.
///
/// # Errors
/// As [`crate::cli::purge::run`].
pub(super) fn run(args: &PurgeArgs, config: &Config, format: Format) -> Result<Exit, Report> {
    let path = &config.store.path;
    let places = (&places(config, path), config.keep.retention);
    let streams: (&mut dyn io::BufRead, &mut dyn io::Write) = (&mut io::stdin().lock(), &mut io::stdout().lock());
    crate::cli::purge::run(args, path, places, &store_options(), format, streams)
}

fn places(config: &Config, path: &Path) -> PurgePlaces {
    PurgePlaces {
        attempts: PathBuf::from(attempts_root(path)),
        output: process::OUTPUT_FILE.to_owned(),
        log: Some(config.log.path.clone()),
        evidence: match &config.journal.anchor {
            AnchorPlace::File(path) => vec![path.clone()],
            AnchorPlace::Off | AnchorPlace::Syslog | AnchorPlace::Journald => Vec::new(),
        },
    }
}
