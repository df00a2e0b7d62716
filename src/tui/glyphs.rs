//! Signs of the console, in Unicode and as ASCII stand-ins. Each takes one column.

use ratatui::symbols::border;

use crate::domain::text::Repertoire;

/// The signs for one kind of screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// In the gutter of the row under the cursor.
    pub cursor: &'static str,
    /// The same in a pane that keys do not go to.
    pub cursor_elsewhere: &'static str,
    /// Before a branch that another one of the same decision follows.
    pub branch: &'static str,
    /// A folded branch.
    pub folded: &'static str,
    /// An unfolded branch.
    pub unfolded: &'static str,
    /// A decision.
    pub decision: &'static str,
    /// A command that can be proposed.
    pub command: &'static str,
    /// Something that waits for the person.
    pub waiting: &'static str,
    /// Running.
    pub running: &'static str,
    /// Ended well.
    pub done: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Nobody knows how it ended.
    pub unknown: &'static str,
    /// A source that works.
    pub up: &'static str,
    /// A source that does not.
    pub down: &'static str,
    /// Acknowledged.
    pub acknowledged: &'static str,
    /// Text from outside in a command.
    pub foreign: &'static str,
    /// There is more above.
    pub more_above: &'static str,
    /// There is more below.
    pub more_below: &'static str,
    /// Where text was cut.
    pub cut: &'static str,
    /// Where a line goes on in the next.
    pub wrapped: &'static str,
    /// Between parts of a line.
    pub separator: &'static str,
    /// A bullet.
    pub bullet: &'static str,
    /// Lines around and between panes.
    pub border: border::Set<'static>,
}

impl Glyphs {
    /// The signs that `repertoire` allows.
    #[must_use]
    pub const fn of(repertoire: Repertoire) -> &'static Self {
        match repertoire {
            Repertoire::Unicode => &UNICODE,
            Repertoire::Narrow => &NARROW,
            Repertoire::Ascii => &ASCII,
        }
    }
}

const UNICODE: Glyphs = Glyphs {
    cursor: "▌",
    cursor_elsewhere: "▏",
    branch: "├",
    folded: "▸",
    unfolded: "▾",
    decision: "◆",
    command: "▷",
    waiting: "▲",
    running: "◌",
    done: "✔",
    failed: "✘",
    unknown: "?",
    up: "●",
    down: "○",
    acknowledged: "◐",
    foreign: "◂",
    more_above: "↑",
    more_below: "↓",
    cut: Repertoire::Unicode.cut_mark(),
    wrapped: "↪",
    separator: "·",
    bullet: "•",
    border: border::PLAIN,
};

/// Signs that every terminal draws in one column: none is of ambiguous width. Lines and blocks are, so they are ASCII here.
const NARROW: Glyphs =
    Glyphs { folded: "▸", unfolded: "▾", done: "✔", failed: "✘", foreign: "◂", wrapped: "↪", ..ASCII };

const ASCII: Glyphs = Glyphs {
    cursor: ">",
    cursor_elsewhere: ":",
    branch: "|",
    folded: "+",
    unfolded: "-",
    decision: "?",
    command: "$",
    waiting: "!",
    running: "~",
    done: "v",
    failed: "x",
    unknown: "?",
    up: "*",
    down: "o",
    acknowledged: "a",
    foreign: "<",
    more_above: "^",
    more_below: "v",
    cut: Repertoire::Ascii.cut_mark(),
    wrapped: "\\",
    separator: "-",
    bullet: "*",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::{visible_in, width};

    #[test]
    fn what_is_told_apart_by_its_sign_alone_has_signs_apart() {
        for repertoire in [Repertoire::Unicode, Repertoire::Narrow, Repertoire::Ascii] {
            let g = Glyphs::of(repertoire);
            assert!(![g.done, "\u{2713}"].contains(&g.acknowledged), "no second tick beside {}", g.done);
            assert_ne!(g.cursor, g.cursor_elsewhere);
            assert_ne!(g.branch, g.border.bottom_left);
        }
    }

    #[test]
    fn every_sign_takes_one_column_and_is_shown_as_it_is() {
        for repertoire in [Repertoire::Unicode, Repertoire::Narrow, Repertoire::Ascii] {
            let g = Glyphs::of(repertoire);
            let signs = [
                g.cursor,
                g.cursor_elsewhere,
                g.branch,
                g.folded,
                g.unfolded,
                g.decision,
                g.command,
                g.waiting,
                g.running,
                g.done,
                g.failed,
                g.unknown,
                g.up,
                g.down,
                g.acknowledged,
                g.foreign,
                g.more_above,
                g.more_below,
                g.cut,
                g.wrapped,
                g.separator,
                g.bullet,
                g.border.top_left,
                g.border.vertical_left,
                g.border.horizontal_top,
            ];
            for sign in signs {
                assert_eq!((width(sign), visible_in(sign, repertoire).as_ref()), (1, sign));
            }
        }
    }
}
