//! What a terminal shows, cell by cell: the text and its style, taken from the emulator.
//!
//! Owns: copying cells out of the emulator, and runs of one style. Does not: know colours by value (see `svg`) or wait.

use vt100::Color;

/// How a cell looks. Reverse is not resolved: that takes the colours of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) ink: Color,
    pub(super) paper: Color,
    pub(super) bold: bool,
    pub(super) dim: bool,
    pub(super) italic: bool,
    pub(super) underline: bool,
    pub(super) reverse: bool,
}

impl Default for Style {
    fn default() -> Self {
        let (ink, paper) = (Color::Default, Color::Default);
        Self { ink, paper, bold: false, dim: false, italic: false, underline: false, reverse: false }
    }
}

/// One character on the screen, with what is combined with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Its first column.
    pub(super) column: u16,
    /// Columns that it takes: 1 or 2.
    pub(super) width: u16,
    /// What stands there; a blank where nothing does.
    pub(super) symbol: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn is_blank(&self) -> bool {
        self.symbol == " "
    }
}

/// A screen at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) columns: u16,
    /// From top to bottom, each from left to right.
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Cells {
    pub(super) fn of(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let (rows, columns) = (rows.get(), columns.get());
        let row = |row: u16| {
            let cells = (0..columns).filter_map(|column| Some((column, screen.cell(row, column)?)));
            cells.filter(|(_, cell)| !cell.is_wide_continuation()).map(|(column, cell)| copy(column, cell)).collect()
        };
        Self { columns, rows: (0..rows).map(row).collect() }
    }

    /// The text of a row, without what is left blank at its end.
    pub(super) fn text(row: &[Cell]) -> String {
        row.iter().map(|cell| cell.symbol.as_str()).collect::<String>().trim_end().to_owned()
    }
}

fn copy(column: u16, cell: &vt100::Cell) -> Cell {
    let symbol = if cell.has_contents() { cell.contents().to_owned() } else { " ".to_owned() };
    let style = Style {
        ink: cell.fgcolor(),
        paper: cell.bgcolor(),
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
        reverse: cell.inverse(),
    };
    Cell { column, width: if cell.is_wide() { 2 } else { 1 }, symbol, style }
}

/// The cells that a terminal of this size shows after these bytes.
pub(super) fn shown(columns: u16, rows: u16, bytes: &str) -> Cells {
    let mut parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
    parser.process(bytes.as_bytes());
    Cells::of(parser.screen())
}

#[test]
fn cells_have_their_text_width_and_style() {
    let cells = shown(8, 2, "a\x1b[1;4;31mb\x1b[0m\x1b[7m日\x1b[0m e\u{301}");
    assert_eq!((cells.columns, cells.rows.len()), (8, 2));
    assert_eq!(Cells::text(&cells.rows[0]), "ab日 e\u{301}");
    let [a, b, wide, _, combined] = &cells.rows[0][..5] else { panic!("{cells:?}") };
    assert_eq!(a.style, Style::default());
    assert_eq!(b.style, Style { ink: Color::Idx(1), bold: true, underline: true, ..Style::default() });
    assert_eq!((wide.column, wide.width, wide.style.reverse), (2, 2, true));
    assert_eq!((combined.column, combined.width), (5, 1));
}
