//! The row of the guided tour: how far it has come, the hint, and the key that ends it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::domain::text;
use crate::tui::intent::Intent;
use crate::tui::look::Look;
use crate::tui::tour::Piece;
use crate::tui::ui::Model;
use crate::tui::update;

/// Draws the tour below everything else, if there is one and room for it.
pub(super) fn draw(buffer: &mut Buffer, model: &Model, look: &Look) {
    let (columns, rows) = model.ui.size;
    let Some(tour) = model.ui.tour.filter(|_| rows < model.ui.terminal.1) else { return };
    let (number, all) = tour.progress();
    let mut run = Run::new(buffer, Rect::new(0, rows, columns, 1), look);
    run.put(&format!("Tour {number}/{all}"), look.styles.brand).put("  ", look.styles.text);
    for piece in tour.pieces(model) {
        match piece {
            Piece::Words(words) => run.put(words, look.styles.text),
            Piece::Key(key) => run.put(&look.visible(&key), look.styles.key),
        };
    }
    // In a review or while something is typed the key has another meaning or none.
    let Some(key) = model.ui.keymap.key_for(update::context(model), Intent::EndTour) else { return };
    let (key, words) = (look.visible(&key), " ends the tour");
    let wanted = u16::try_from(text::width(&key) + text::width(words)).unwrap_or(u16::MAX);
    if run.room() > wanted {
        run.right(wanted).put(&key, look.styles.key).put(words, look.styles.muted);
    }
}
