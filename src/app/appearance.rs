//! Colours and keys of the console, from the configuration.
//!
//! Owns: reading the keymap file, and where its mistakes stand. Does not: know keys or colours (see `tui`).

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use color_eyre::eyre::Report;
use nix::fcntl::OFlag;

use crate::cli::keys::Key;
use crate::config::{ConfigError, Loaded, Mistake, Origin, Theme};
use crate::tui::keymap::{BoundKey, KeyOrigin, Keymap};
use crate::tui::theme::{Bundled, Styles};

/// A larger file is no keymap; in bytes.
const LARGEST_KEYMAP: u64 = 1024 * 1024;

/// The key that names the keymap file.
const KEYMAP_KEY: &str = "console.keymap";

/// How the console looks and which keys it has.
pub(super) struct Appearance {
    pub(super) keymap: Keymap,
    pub(super) styles: Styles,
}

impl Appearance {
    /// What the configuration asks for. Reads the keymap file.
    ///
    /// # Errors
    /// [`ConfigError`] when there is a mistake in the keymap file.
    pub(super) fn of(loaded: &Loaded) -> Result<Self, Report> {
        let bundled = match loaded.config.console.theme {
            Theme::Dark => Bundled::Dark,
            Theme::Light => Bundled::Light,
        };
        Ok(Self { keymap: keymap(loaded)?, styles: bundled.styles()? })
    }
}

/// What is wrong in the files that `loaded` names.
///
/// # Errors
/// [`ConfigError`] with the place of the mistake and of the key that names the file.
pub(super) fn check(loaded: &Loaded) -> Result<(), ConfigError> {
    keymap(loaded).map(|_| ())
}

/// Every key of the console that the configuration asks for.
///
/// # Errors
/// [`ConfigError`] with the place of the mistake, both places where two bindings conflict.
pub(super) fn keys(loaded: &Loaded) -> Result<Vec<Key>, ConfigError> {
    let key = |bound: BoundKey| Key {
        context: bound.context.name(),
        key: bound.key,
        intent: bound.intent.name(),
        help: bound.intent.help(),
        origin: match bound.origin {
            KeyOrigin::Bundled => "bundled",
            KeyOrigin::User => "user",
        },
        file: bound.file,
        line: bound.line,
    };
    Ok(keymap(loaded)?.bound().into_iter().map(key).collect())
}

fn keymap(loaded: &Loaded) -> Result<Keymap, ConfigError> {
    let mistake = |problem: String, allowed: &str| {
        let named = loaded.effective.iter().find(|value| value.key == KEYMAP_KEY);
        let origin = named.map_or(Origin::Default, |value| value.origin.clone());
        Mistake { origin, key: KEYMAP_KEY.to_owned(), problem, allowed: allowed.to_owned() }
    };
    let one = |mistake| ConfigError { mistakes: vec![mistake] };
    const READABLE: &str = "a file of key bindings that you may read";
    const BINDINGS: &str = "tables of key bindings, as README.md shows them";
    let bundled = Keymap::bundled().map_err(|error| one(mistake(error.to_string(), BINDINGS)))?;
    let Some(path) = &loaded.config.console.keymap else { return Ok(bundled) };
    let text =
        read(path).map_err(|error| one(mistake(format!("{} cannot be read: {error}", path.display()), READABLE)))?;
    bundled.merge(&path.display().to_string(), &text).map_err(|error| one(mistake(error.to_string(), BINDINGS)))
}

/// The text of a regular file of bounded size; never waits for a pipe.
fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > LARGEST_KEYMAP {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    let mut text = String::new();
    file.take(LARGEST_KEYMAP).read_to_string(&mut text)?;
    Ok(text)
}
