//! How things look on this terminal: colours, signs and the characters that it can show. The one place that drawing asks.

use std::borrow::Cow;

use ratatui::style::Style;

use crate::domain::text::{self, Repertoire};
use crate::tui::glyphs::Glyphs;
use crate::tui::theme::Styles;

/// Bytes of foreign text that are spelled for one line at most. Every frame spells what it shows; a label may have megabytes.
pub const LONGEST_LINE: usize = 4096;

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

    /// Foreign text, spelled for this terminal. No line of a screen shows more than `LONGEST_LINE` bytes of it: text
    /// beyond that is not looked at, and the sign of a cut stands in its place.
    #[must_use]
    pub fn visible<'t>(&self, foreign: &'t str) -> Cow<'t, str> {
        if foreign.len() <= LONGEST_LINE {
            return text::visible_in(foreign, self.repertoire);
        }
        let end = foreign.floor_char_boundary(LONGEST_LINE);
        let spelled = text::visible_in(&foreign[..end], self.repertoire);
        Cow::Owned(format!("{spelled}{}", self.repertoire.cut_mark()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Bundled;

    #[test]
    fn of_endless_text_the_beginning_is_spelled_and_the_cut_is_marked() {
        for (repertoire, mark) in [(Repertoire::Unicode, '…'), (Repertoire::Ascii, '~')] {
            let look = Look::new(Bundled::Dark.styles().unwrap(), repertoire);
            // The last character before the limit is cut in the middle.
            let endless = format!("a{}", "ä".repeat(1 << 20));
            let shown = look.visible(&endless);
            assert!(shown.len() < 8 * LONGEST_LINE && shown.ends_with(mark), "{}", shown.len());
            let whole = "a".repeat(LONGEST_LINE);
            assert_eq!(look.visible(&whole), whole);
        }
    }
}
