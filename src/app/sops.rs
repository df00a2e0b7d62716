//! What `aiops sop improve` and `aiops sop draft` work with.
//!
//! Owns: which files and which database. Does not: find, write or print anything.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use color_eyre::eyre::Report;

use super::store_options;
use crate::adapters::host;
use crate::adapters::sop_files::SopDirectories;
use crate::cli::sop::{SopArgs, SopCommand, library};
use crate::cli::sop_draft::{self, DraftArgs};
use crate::cli::sop_improve::{self, ImproveArgs, Workshop};
use crate::cli::{Exit, Format, open_existing};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::engine::ports::SopFiles;

/// Runs `aiops sop improve`; `directories` stand in place of the configured ones when there are any.
pub(super) fn improve(
    args: &ImproveArgs,
    directories: &[PathBuf],
    config: &Config,
    format: Format,
) -> Result<Exit, Report> {
    let workshop = workshop(directories, config)?;
    sop_improve::run(args, &workshop, format, &mut io::stdout().lock())
}

/// Runs `aiops sop draft`, likewise.
pub(super) fn draft(
    args: &DraftArgs,
    directories: &[PathBuf],
    config: &Config,
    format: Format,
) -> Result<Exit, Report> {
    let workshop = workshop(directories, config)?;
    sop_draft::run(args, &workshop, format, &mut io::stdout().lock())
}

fn workshop(directories: &[PathBuf], config: &Config) -> Result<Workshop, Report> {
    let args = SopArgs { directories: directories.to_vec(), command: SopCommand::List };
    let library = library(&args, &config.sops.directories)?;
    let places = if directories.is_empty() { config.sops.directories.clone() } else { directories.to_vec() };
    let files: Arc<dyn SopFiles> = Arc::new(SopDirectories::new(places));
    let store = open_existing(&config.store.path, store_options())?;
    Ok(Workshop { store, library, files, actor: Actor::Person(host::person()) })
}
