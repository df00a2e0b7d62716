//! Tables in few columns: fitted to the width, or row by row when they cannot be.
//!
//! Owns: the widths of columns. Invariant: nothing of a cell is cut off; what does not fit goes on below. Does not: parse.

use super::text::{Breaks, Line, Paper, Role, Span, flow, width};
use crate::domain::text::Repertoire;

/// A cell.
pub(super) type Cell = Vec<Span>;

/// A column is not made narrower than this.
const NARROWEST: usize = 6;
/// Columns between two columns of a table.
const GAP: usize = 3;

/// A table that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) head: Vec<Cell>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Its lines, each behind `prefix`.
    pub(super) fn lay_out(&self, prefix: &[Span], paper: Paper) -> Vec<Line> {
        let room = paper.width.saturating_sub(width(prefix));
        match widths(self, room) {
            Some(widths) => self.side_by_side(&widths, prefix, paper),
            None => self.one_below_another(prefix, paper),
        }
    }

    fn side_by_side(&self, widths: &[usize], prefix: &[Span], paper: Paper) -> Vec<Line> {
        let (between, across, cross) = match paper.repertoire {
            Repertoire::Unicode => (" │ ", "─", "─┼─"),
            Repertoire::Narrow | Repertoire::Ascii => (" | ", "-", "-+-"),
        };
        let mut lines = row(&self.head, widths, prefix, between);
        let rule: Vec<String> = widths.iter().map(|width| across.repeat(*width)).collect();
        let rule = Span::new(rule.join(cross), Role::Muted);
        lines.push(Line { spans: prefix.iter().cloned().chain([rule]).collect(), ..Line::default() });
        lines.extend(self.rows.iter().flat_map(|cells| row(cells, widths, prefix, between)));
        lines
    }

    /// `head: cell`, one cell a line.
    fn one_below_another(&self, prefix: &[Span], paper: Paper) -> Vec<Line> {
        let mut lines = Vec::new();
        for (number, cells) in self.rows.iter().enumerate() {
            if number > 0 {
                lines.push(Line { spans: prefix.to_vec(), ..Line::default() });
            }
            for (column, cell) in cells.iter().enumerate() {
                let mut spans = self.head.get(column).cloned().unwrap_or_default();
                spans.push(Span::new(": ", Role::Muted));
                spans.extend(cell.iter().cloned());
                lines.extend(flow(&spans, paper.width, prefix, prefix, Breaks::AtSpaces));
            }
        }
        if self.rows.is_empty() {
            lines.extend(self.head.iter().flat_map(|cell| flow(cell, paper.width, prefix, prefix, Breaks::AtSpaces)));
        }
        lines
    }
}

/// The widths of the columns when the table fits into `room`; the widest give way first.
fn widths(table: &Table, room: usize) -> Option<Vec<usize>> {
    let columns = table.head.len();
    let room = room.checked_sub(GAP * columns.saturating_sub(1))?;
    let wanted: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = table.rows.iter().filter_map(|row| row.get(column)).chain(table.head.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0).max(1)
        })
        .collect();
    let least: usize = wanted.iter().map(|wanted| (*wanted).min(NARROWEST)).sum();
    if columns == 0 || least > room {
        return None;
    }
    // The largest limit under which all columns fit together.
    let fits = |limit: usize| wanted.iter().map(|wanted| (*wanted).min(limit)).sum::<usize>() <= room;
    let (mut low, mut high) = (NARROWEST, room.max(NARROWEST) + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    Some(wanted.into_iter().map(|wanted| wanted.min(low)).collect())
}

fn row(cells: &[Cell], widths: &[usize], prefix: &[Span], between: &str) -> Vec<Line> {
    let empty = Cell::new();
    let cells: Vec<Vec<Line>> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| flow(cells.get(column).unwrap_or(&empty), *width, &[], &[], Breaks::AtSpaces))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |number: usize| {
        let mut spans = prefix.to_vec();
        for (column, (lines, wanted)) in cells.iter().zip(widths).enumerate() {
            if column > 0 {
                spans.push(Span::new(between, Role::Muted));
            }
            let shown = lines.get(number).map_or(&[][..], |line| &line.spans);
            spans.extend(shown.iter().cloned());
            // Blanks at the end of a line would only cost bytes.
            if column + 1 < widths.len() {
                spans.push(Span::new(" ".repeat(wanted.saturating_sub(width(shown))), Role::Text));
            }
        }
        Line { spans, ..Line::default() }
    };
    (0..height).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(head: &[&str], rows: &[&[&str]]) -> Table {
        let cell = |text: &&str| vec![Span::new(*text, Role::Text)];
        Table {
            head: head.iter().map(cell).collect(),
            rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        }
    }

    fn plain(table: &Table, width: usize) -> Vec<String> {
        let paper = Paper { width, repertoire: Repertoire::Unicode };
        table.lay_out(&[], paper).iter().map(|line| line.plain().trim_end().to_owned()).collect()
    }

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be() {
        let table = table(&["pod", "restarts"], &[&["api-1", "3"], &["web", "12"]]);
        assert_eq!(plain(&table, 40), ["pod   │ restarts", "──────┼─────────", "api-1 │ 3", "web   │ 12"]);
    }

    #[test]
    fn the_widest_column_gives_way() {
        let table = table(&["a", "why"], &[&["x", "one two three four"]]);
        assert_eq!(plain(&table, 14), ["a │ why", "──┼───────────", "x │ one two", "  │ three four"]);
    }

    #[test]
    fn what_does_not_fit_stands_row_by_row() {
        let table = table(&["name", "value", "unit", "since"], &[&["load", "12345678", "per minute", "yesterday"]]);
        assert_eq!(plain(&table, 20), ["name: load", "value: 12345678", "unit: per minute", "since: yesterday"]);
    }
}
