//! The wiring of `aiops replay`: reads what happened, then hands it to a screen that has nothing else in its hands.
//!
//! Invariant: no store is opened for writing, and neither runner nor backend is made.

use std::io;
use std::path::Path;

use color_eyre::eyre::Report;

use super::appearance::{self, Appearance};
use super::console::{block_on, environment};
use crate::cli::Exit;
use crate::cli::replay::ReplayArgs;
use crate::config::Loaded;
use crate::store::OutputPart;
use crate::tui::console::Ended;
use crate::tui::look::Look;
use crate::tui::replay::{Replay, Screen};
use crate::tui::terminal::Caps;
use crate::tui::theme::Bundled;
use crate::tui::zone::{Shown, Zone};

/// Bytes of an output that are shown at most.
const OUTPUT: usize = 256 * 1024;

/// Shows what happened to an incident, until the person leaves.
///
/// # Errors
/// When there is no such incident, the database cannot be read, or there is no terminal.
pub(super) fn run(loaded: Loaded, args: ReplayArgs) -> Result<Exit, Report> {
    let appearance = Appearance::of(&loaded)?;
    let config = loaded.config;
    let mut read = |directory: &str| output_part(directory, OUTPUT);
    let tape = crate::cli::transcript::load(&config.store.path, args.incident, &mut read, "Not replayed")?;
    let caps = appearance::caps(Caps::detect(&environment()), &config.console);
    let styles = appearance.themes.worn().map_or_else(|| Bundled::Dark.styles(), |(_, styles)| Ok(styles.clone()))?;
    let shown = if config.console.utc { Shown::Utc } else { Shown::Local };
    let replay = Replay::new(tape, Zone::new(jiff::tz::TimeZone::system(), shown));
    let screen = Screen { replay, look: Look::new(styles, caps.repertoire), caps };
    match block_on(screen.run())?? {
        Ended::Quit | Ended::HungUp => Ok(Exit::Done),
        Ended::Panicked => Ok(Exit::Failed),
    }
}

/// The beginning of the output of the attempt in `directory`.
///
/// # Errors
/// When there is one and it cannot be read.
pub(super) fn output_part(directory: &str, most: usize) -> io::Result<Option<OutputPart>> {
    let found = crate::adapters::process::output_beginning(Path::new(directory), most)?;
    Ok(found.map(|(beginning, total, digest)| OutputPart { beginning, total, digest }))
}
