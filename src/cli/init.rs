//! `aiops config init`: writes a configuration file with every key, commented out.
//!
//! Invariants: an existing file is never lost: without `--force` nothing is written, with it the old file stays beside the
//! new one; the new file is there whole or not at all, and readable by its owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Report, WrapErr as _, eyre};
use serde::Serialize;

use super::{Exit, Format, json_line};

/// The file as it is written.
const TEMPLATE: &str = include_str!("../../assets/config.toml");

/// Old files are kept under this many names at most.
const BACKUPS: u32 = 1_000;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is kept under another name.
    Replace,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written<'a> {
    path: &'a Path,
    backup: Option<PathBuf>,
}

/// Writes the file at `path` and says so on `out`.
///
/// # Errors
/// When there is a file already and it is to stay, or when the file cannot be written.
pub fn run(path: &Path, existing: Existing, format: Format, out: &mut dyn Write) -> Result<Exit, Report> {
    let place = path.display();
    let backup = match (fs::symlink_metadata(path).is_ok(), existing) {
        (false, _) => None,
        (true, Existing::Keep) => {
            return Err(eyre!(
                "{place}: there is a file already, nothing was written. --force writes a new one and keeps this one beside it"
            ));
        }
        (true, Existing::Replace) => Some(back_up(path).wrap_err_with(|| format!("{place}: could not be kept"))?),
    };
    write(path).wrap_err_with(|| format!("{place}: could not be written"))?;
    match format {
        Format::Json => json_line(out, &Written { path, backup })?,
        Format::Text => {
            writeln!(out, "Wrote {place}: every key with its default. Edit it, then run `aiops config check`.")?;
            if let Some(backup) = backup {
                writeln!(out, "The old file is kept as {}.", backup.display())?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Gives the file a second name; the first is taken by the new file in one step.
fn back_up(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=BACKUPS {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".bak{number}"));
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(name.into()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {BACKUPS} old files already; remove some")))
}

fn write(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new{}", std::process::id()));
    let new = PathBuf::from(name);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut file| {
        file.write_all(TEMPLATE.as_bytes())?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&new, path));
    if renamed.is_err() {
        // The error is told; what is left of the attempt is only in the way.
        let _ = fs::remove_file(&new);
    }
    renamed?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::{Environment, Loaded, Places, Request, load};

    fn loaded(directory: &Path, text: &str) -> Loaded {
        let at = |name: &str| directory.join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        fs::create_dir_all(&places.config).unwrap();
        fs::write(places.config_file(), text).unwrap();
        let environment = Environment::default();
        let host_name = "web-1".to_owned();
        load(&Request { file: None, profile: None, flags: Vec::new(), environment, places, host_name }).unwrap()
    }

    #[test]
    fn the_file_changes_nothing_and_names_every_key() {
        let directory = tempfile::tempdir().unwrap();
        let plain = loaded(directory.path(), "");
        let commented = loaded(directory.path(), TEMPLATE);
        assert_eq!(plain.config, commented.config);
        for value in &plain.effective {
            let (section, key) = value.key.split_once('.').unwrap();
            let (_, rest) = TEMPLATE.split_once(&format!("\n[{section}]\n")).unwrap();
            let body = rest.split("\n[").next().unwrap();
            assert!(body.contains(&format!("\n# {key} = ")), "[{section}] {key} is not in the template");
        }
    }

    #[test]
    fn what_it_shows_as_defaults_are_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let plain = loaded(directory.path(), "");
        // These depend on the user or the host, or have no default.
        let own = [
            "path",
            "token",
            "username",
            "password",
            "keymap",
            "theme_file",
            "directory",
            "target_name",
            "key",
            "project",
            "location",
            "prices",
            "kubeconfig_read",
            "anchor",
            "files",
            "team",
        ];
        let is_shown = |line: &str| {
            let key = line.split(" = ").next().unwrap_or("");
            line.contains(" = ") && !own.contains(&key)
        };
        // A table that may be repeated has no defaults of its own: there is none of it.
        let uncommented: Vec<&str> = TEMPLATE
            .lines()
            .filter(|line| !line.starts_with("# [["))
            .filter_map(|line| if line.starts_with('[') { Some(line) } else { line.strip_prefix("# ") })
            .filter(|line| line.starts_with('[') || is_shown(line))
            .filter(|line| {
                ![
                    "name",
                    "url",
                    "interval",
                    "timeout",
                    "hosts",
                    "ssh",
                    "port",
                    "ssh_config",
                    "kind",
                    "namespaces",
                    "pods",
                    "context",
                    "container",
                    "value",
                    "variable",
                    "programs",
                ]
                .contains(&line.split(" = ").next().unwrap())
            })
            .collect();
        assert!(uncommented.len() > 15, "{uncommented:?}");
        let shown = loaded(directory.path(), &uncommented.join("\n"));
        assert_eq!(plain.config, shown.config);
    }

    #[test]
    fn an_existing_file_is_refused_or_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/config.toml");
        let mut out = Vec::new();
        run(&path, Existing::Keep, Format::Text, &mut out).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), TEMPLATE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "# mine").unwrap();
        let refused = run(&path, Existing::Keep, Format::Text, &mut out).unwrap_err().to_string();
        assert!(refused.contains("--force"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "# mine");
        for number in 1..3 {
            run(&path, Existing::Replace, Format::Json, &mut out).unwrap();
            let backup = directory.path().join(format!("deep/config.toml.bak{number}"));
            assert_eq!(fs::read_to_string(backup).unwrap(), if number == 1 { "# mine" } else { TEMPLATE });
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3, "nothing else is left behind");
    }
}
