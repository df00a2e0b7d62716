//! Where everything stands, computed once by a pure function that drawing and scrolling share.
//!
//! Owns: rectangles. Does not: draw.
//!
//! Panes have no frames, only one line between them: a frame on the right would keep the terminal from erasing the rest of
//! a line with three bytes.

use ratatui::layout::Rect;

/// Below this many columns or rows only a message is shown.
pub const SMALLEST: (u16, u16) = (60, 15);
/// From this many columns on two panes stand side by side.
pub const TWO_PANES: u16 = 90;

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Queue and timeline.
    Incidents,
    /// The step tree.
    Sop,
    /// Output of an attempt.
    Output,
}

/// Whether there is output to show beside the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputShown {
    /// No attempt yet: the tree has all the room.
    No,
    /// Output below the tree.
    Below,
}

/// A titled area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// One row.
    pub title: Rect,
    /// What is below.
    pub body: Rect,
}

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// First row.
    pub header: Rect,
    /// Last row.
    pub footer: Rect,
    /// The queue.
    pub queue: Option<Area>,
    /// The incident under the cursor.
    pub detail: Option<Area>,
    /// The step tree.
    pub sop: Option<Area>,
    /// Output.
    pub output: Option<Area>,
    /// The line between the panes.
    pub divider: Option<Rect>,
}

/// Computes the layout; `None` when the terminal is too small.
#[must_use]
pub fn compute(columns: u16, rows: u16, focus: Pane, output: OutputShown) -> Option<Layout> {
    if columns < SMALLEST.0 || rows < SMALLEST.1 {
        return None;
    }
    let header = Rect::new(0, 0, columns, 1);
    let footer = Rect::new(0, rows - 1, columns, 1);
    let main = Rect::new(0, 1, columns, rows - 2);
    let mut layout = Layout { header, footer, queue: None, detail: None, sop: None, output: None, divider: None };
    if columns >= TWO_PANES {
        let left_width = left_width(columns);
        let left = Rect { width: left_width, ..main };
        layout.divider = Some(Rect { x: left_width, width: 1, ..main });
        let right = Rect { x: left_width + 1, width: columns - left_width - 1, ..main };
        layout.place_incidents(left);
        layout.place_sop(right, output, focus);
    } else if focus == Pane::Incidents {
        layout.place_incidents(main);
    } else {
        layout.place_sop(main, output, focus);
    }
    Some(layout)
}

/// The queue gets 44 % of the width: a title of 30 characters fits from 100 columns on.
const fn left_width(columns: u16) -> u16 {
    let width = columns as u32 * 44 / 100;
    width as u16
}

impl Layout {
    fn place_incidents(&mut self, area: Rect) {
        // About a third for the incident under the cursor, so that a page of the queue stays a page.
        let detail_rows = (area.height * 3 / 10).clamp(5, 14);
        let (queue, detail) = split(area, area.height - detail_rows);
        self.queue = Some(titled(queue));
        self.detail = Some(titled(detail));
    }

    fn place_sop(&mut self, area: Rect, output: OutputShown, focus: Pane) {
        match output {
            OutputShown::No => self.sop = Some(titled(area)),
            OutputShown::Below => {
                let share = if focus == Pane::Output { 6 } else { 4 };
                let output_rows = (area.height * share / 10).max(4);
                let (tree, below) = split(area, area.height - output_rows);
                self.sop = Some(titled(tree));
                self.output = Some(titled(below));
            }
        }
    }
}

fn split(area: Rect, upper_rows: u16) -> (Rect, Rect) {
    let upper = Rect { height: upper_rows, ..area };
    let lower = Rect { y: area.y + upper_rows, height: area.height - upper_rows, ..area };
    (upper, lower)
}

fn titled(area: Rect) -> Area {
    let title = Rect { height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    Area { title, body }
}

/// A box in the middle, at every size of terminal.
#[must_use]
pub fn overlay(columns: u16, rows: u16, wanted_width: u16, wanted_height: u16) -> Rect {
    let width = wanted_width.min(columns.saturating_sub(2)).max(1);
    let height = wanted_height.min(rows.saturating_sub(2)).max(1);
    Rect::new((columns - width) / 2, (rows - height) / 2, width, height)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn panes_by_width() {
        assert!(compute(59, 40, Pane::Incidents, OutputShown::No).is_none());
        assert!(compute(80, 14, Pane::Incidents, OutputShown::No).is_none());
        let one = compute(80, 24, Pane::Incidents, OutputShown::No).unwrap();
        assert!(one.queue.is_some() && one.sop.is_none() && one.divider.is_none());
        let other = compute(80, 24, Pane::Sop, OutputShown::Below).unwrap();
        assert!(other.queue.is_none() && other.sop.is_some() && other.output.is_some());
        let two = compute(120, 40, Pane::Incidents, OutputShown::Below).unwrap();
        assert!(two.queue.is_some() && two.detail.is_some() && two.sop.is_some() && two.output.is_some());
    }

    proptest! {
        #[test]
        fn areas_stay_inside_and_apart(columns in 1u16..400, rows in 1u16..200, focus in 0..3, below: bool) {
            let focus = [Pane::Incidents, Pane::Sop, Pane::Output][focus as usize];
            let output = if below { OutputShown::Below } else { OutputShown::No };
            if let Some(layout) = compute(columns, rows, focus, output) {
                let whole = Rect::new(0, 0, columns, rows);
                let areas = [layout.queue, layout.detail, layout.sop, layout.output];
                let mut rects = vec![layout.header, layout.footer];
                rects.extend(layout.divider);
                for area in areas.into_iter().flatten() {
                    rects.extend([area.title, area.body]);
                }
                for (at, rect) in rects.iter().enumerate() {
                    prop_assert_eq!(whole.intersection(*rect), *rect);
                    prop_assert!(rect.height >= 1 && rect.width >= 1);
                    for other in &rects[at + 1..] {
                        prop_assert!(!rect.intersects(*other), "{:?} {:?}", rect, other);
                    }
                }
            }
        }
    }
}
