//! `aiops restore`: puts the database back from a backup and from what can still be read of it.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use color_eyre::eyre::{Report, eyre};

use super::{Exit, Format, json_line};
use crate::domain::text;
use crate::store::{OpenOptions, Store, restore};

/// How to restore.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct RestoreArgs {
    /// The backup; the newest good one when it is left out
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Do it although the database is not damaged; what it holds is put aside
    #[arg(long)]
    pub even_if_whole: bool,
}

/// Restores the store at `path` and says what is lost. A damaged store is restored by being opened; this is for choosing the
/// backup, and for a store that is whole and wrong.
///
/// # Errors
/// When there is no store, it is not damaged, somebody has it open, or it could not be restored.
pub fn run(
    args: &RestoreArgs,
    path: &Path,
    options: OpenOptions,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    if !path.exists() && args.from.is_none() {
        return Err(eyre!(
            "{}: there is no database here. Name a backup with --from to make it from that",
            path.display()
        ));
    }
    let restored = if args.from.is_some() || args.even_if_whole {
        let restored = restore(path, args.from.as_deref(), &options)?;
        // What was restored has to open, or nothing was gained.
        drop(Store::open(path, options)?);
        restored
    } else {
        let store = Store::open(path, options)?;
        let Some(restored) = store.restored() else {
            let why = "it is not damaged, so nothing was done. --even-if-whole restores it all the same";
            return Err(eyre!("{}: {why}", path.display()));
        };
        restored.clone()
    };
    match format {
        Format::Json => json_line(out, &restored)?,
        Format::Text => writeln!(out, "{}", text::visible(&restored.to_string()))?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::super::journal::tests::options;
    use super::*;

    fn restored(args: &RestoreArgs, path: &Path) -> Result<String, Report> {
        let mut out = Vec::new();
        run(args, path, options(), Format::Text, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn a_whole_database_is_only_restored_on_demand_and_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aiops.db");
        let plain = RestoreArgs { from: None, even_if_whole: false };
        assert!(restored(&plain, &path).unwrap_err().to_string().contains("no database"));
        drop(Store::open(&path, options()).unwrap());
        assert!(restored(&plain, &path).unwrap_err().to_string().contains("not damaged"));
        let said = restored(&RestoreArgs { from: None, even_if_whole: true }, &path).unwrap();
        assert!(said.contains("No entry of the journal is lost") && said.contains("no good backup"), "{said}");
        let bad = RestoreArgs { from: Some(directory.path().join("absent")), even_if_whole: false };
        assert!(restored(&bad, &path).is_err());
        assert!(Store::open(&path, options()).unwrap().restored().is_none(), "a bad backup changes nothing");
    }
}
