//! How things look on this terminal: colours, signs and the characters that it can show. The one place that drawing asks.

use std::borrow::Cow;

use ratatui::style::Style;

use crate::domain::text::{self, Repertoire};
use crate::tui::glyphs::Glyphs;
use crate::tui::theme::Styles;

/// Colours, signs and characters for one terminal.
#[derive(Clone, Debug)]
pub struct Look {
    /// Colours and attributes.
    pub styles: Styles,
    /// Signs.
    pub glyphs: &'static Glyphs,
    /// Characters.
    pub repertoire: Repertoire,
}

impl Look {
    /// A look with the signs that `repertoire` allows.
    #[must_use]
    pub const fn new(styles: Styles, repertoire: Repertoire) -> Self {
        Self { styles, glyphs: Glyphs::of(repertoire), repertoire }
    }

    /// Foreign text, spelled for this terminal.
    #[must_use]
    pub fn visible<'t>(&self, foreign: &'t str) -> Cow<'t, str> {
        text::visible_in(foreign, self.repertoire)
    }

    /// Text that has been spelled, cut to `columns`.
    #[must_use]
    pub fn fit<'t>(&self, spelled: &'t str, columns: usize) -> Cow<'t, str> {
        text::fit_in(spelled, columns, self.repertoire)
    }

    /// The title of a pane.
    #[must_use]
    pub const fn pane_title(&self, focused: bool) -> Style {
        if focused { self.styles.title_focused } else { self.styles.title }
    }
}
