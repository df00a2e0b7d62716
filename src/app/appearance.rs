//! Colours and keys of the console, from the configuration.
//!
//! Owns: reading the keymap file and the theme file, and where their mistakes stand. Does not: know keys or colours (see
//! `tui`).

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use color_eyre::eyre::Report;
use nix::fcntl::OFlag;

use crate::cli::keys::Key;
use crate::config::{Ambiguous, Ascii, Colors, ConfigError, ConsoleSection, Loaded, Mistake, Origin, Theme};
use crate::domain::text::Repertoire;
use crate::tui::encoder::ColorDepth;
use crate::tui::keymap::{BoundKey, KeyOrigin, Keymap};
use crate::tui::terminal::Caps;
use crate::tui::theme::{Bundled, Styles, Themes};

/// A larger file holds no keymap and no theme; in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The key that names the keymap file.
const KEYMAP_KEY: &str = "console.keymap";

/// The key that names the theme file.
const THEME_KEY: &str = "console.theme_file";

/// How the console looks and which keys it has.
pub(super) struct Appearance {
    pub(super) keymap: Keymap,
    pub(super) themes: Themes,
}

impl Appearance {
    /// What the configuration asks for. Reads the keymap file and the theme file.
    ///
    /// # Errors
    /// [`ConfigError`] when there is a mistake in one of the files.
    pub(super) fn of(loaded: &Loaded) -> Result<Self, Report> {
        let bundled = Themes::bundled(match loaded.config.console.theme {
            Theme::Dark => Bundled::Dark,
            Theme::Light => Bundled::Light,
            Theme::HighContrast => Bundled::HighContrast,
            Theme::HighContrastLight => Bundled::HighContrastLight,
            Theme::ColourBlind => Bundled::ColourBlind,
            Theme::ColourBlindLight => Bundled::ColourBlindLight,
            Theme::Sixteen => Bundled::Sixteen,
        })?;
        let themes = match own_theme(loaded)? {
            Some((name, styles)) => bundled.with_own(name, styles),
            None => bundled,
        };
        Ok(Self { keymap: keymap(loaded)?, themes })
    }
}

/// What the terminal can show as far as the environment tells, where the configuration does not say otherwise. A
/// configuration goes over `NO_COLOR`, as <https://no-color.org> wants it.
pub(super) fn caps(detected: Caps, console: &ConsoleSection) -> Caps {
    let depth = match console.colors {
        Colors::Auto => detected.depth,
        Colors::TrueColor => ColorDepth::TrueColor,
        Colors::Palette256 => ColorDepth::Ansi256,
        Colors::Palette16 => ColorDepth::Ansi16,
        Colors::None => ColorDepth::Mono,
    };
    let wide = match console.ambiguous {
        Ambiguous::Auto => detected.repertoire == Repertoire::Narrow,
        Ambiguous::Narrow => false,
        Ambiguous::Wide => true,
    };
    let unicode = match console.ascii {
        Ascii::Auto => detected.repertoire != Repertoire::Ascii,
        Ascii::Only => false,
        Ascii::Off => true,
    };
    let repertoire = match (unicode, wide) {
        (false, _) => Repertoire::Ascii,
        (true, true) => Repertoire::Narrow,
        (true, false) => Repertoire::Unicode,
    };
    Caps { depth, repertoire, dumb: detected.dumb, clipboard: detected.clipboard }
}

/// Why no colours are shown, as a sentence with what to do; `None` when some are.
pub(super) fn colourless(caps: Caps, console: &ConsoleSection, no_color: bool) -> Option<&'static str> {
    if caps.depth != ColorDepth::Mono {
        return None;
    }
    Some(match console.colors {
        Colors::None => "colours are off by `[console] colors`.",
        _ if no_color => "colours are off because NO_COLOR is set; `[console] colors` goes over it.",
        _ => "this terminal has no colours by its name (TERM); `[console] colors` says so if it has.",
    })
}

/// What is wrong in the files that `loaded` names.
///
/// # Errors
/// [`ConfigError`] with the place of the mistake and of the key that names the file.
pub(super) fn check(loaded: &Loaded) -> Result<(), ConfigError> {
    let mistakes: Vec<Mistake> = [keymap(loaded).err(), own_theme(loaded).err()]
        .into_iter()
        .flatten()
        .flat_map(|error| error.mistakes)
        .collect();
    if mistakes.is_empty() { Ok(()) } else { Err(ConfigError { mistakes }) }
}

/// A mistake in what the value of `key` names.
fn mistake(loaded: &Loaded, key: &str, problem: String, allowed: &str) -> ConfigError {
    let named = loaded.effective.iter().find(|value| value.key == key);
    let origin = named.map_or(Origin::Default, |value| value.origin.clone());
    ConfigError { mistakes: vec![Mistake { origin, key: key.to_owned(), problem, allowed: allowed.to_owned() }] }
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
    const READABLE: &str = "a file of key bindings that you may read";
    const BINDINGS: &str = "tables such as [incidents], with lines such as x = \"acknowledge\"; README.md shows a file, `aiops keys` all names";
    let wrong = |problem, allowed| mistake(loaded, KEYMAP_KEY, problem, allowed);
    let bundled = Keymap::bundled().map_err(|error| wrong(error.to_string(), BINDINGS))?;
    let Some(path) = &loaded.config.console.keymap else { return Ok(bundled) };
    let text = read(path).map_err(|error| wrong(format!("{} cannot be read: {error}", path.display()), READABLE))?;
    bundled.merge(&path.display().to_string(), &text).map_err(|error| wrong(error.to_string(), BINDINGS))
}

/// The person's own theme with its name, if the configuration names a file.
fn own_theme(loaded: &Loaded) -> Result<Option<(String, Styles)>, ConfigError> {
    const READABLE: &str = "a theme file that you may read";
    const ROLES: &str = "a table [palette] with a value for every role, as in themes/dark.toml";
    let wrong = |problem, allowed| mistake(loaded, THEME_KEY, problem, allowed);
    let Some(path) = &loaded.config.console.theme_file else { return Ok(None) };
    let text = read(path).map_err(|error| wrong(format!("{} cannot be read: {error}", path.display()), READABLE))?;
    let styles = Styles::parse(&path.display().to_string(), &text).map_err(|error| wrong(error.to_string(), ROLES))?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(Some((name, styles)))
}

/// The text of a regular file of bounded size; never waits for a pipe.
fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text)?;
    Ok(text)
}
