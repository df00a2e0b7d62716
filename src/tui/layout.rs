//! Where everything stands, computed once by a pure function that drawing and scrolling share.
//!
//! Owns: rectangles. Does not: draw.
//!
//! Panes have no frames, only one line between them: a frame on the right would keep the terminal from erasing the rest of
//! a line with three bytes.

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::tui::splits::Splits;

/// Below this many columns or rows only a message is shown.
pub const SMALLEST: (u16, u16) = (60, 15);
/// From this many columns on two panes stand side by side.
pub const TWO_PANES: u16 = 90;
/// From this many columns on three panes stand side by side.
pub const THREE_PANES: u16 = 120;

/// No pane beside another is made narrower than this, however its line is moved; in columns.
pub const NARROWEST: u16 = 24;
/// No pane above or below another is made lower than this; in rows, the title included.
pub const LOWEST: u16 = 4;

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pane {
    /// Queue and timeline.
    Incidents,
    /// The step tree.
    Sop,
    /// Output of an attempt.
    Output,
    /// The conversation with the assistant.
    Chat,
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
    /// The conversation with the assistant.
    pub chat: Option<Area>,
    /// The lines between the panes.
    pub dividers: [Option<Rect>; 2],
}

/// Computes the layout; `None` when the terminal is too small.
#[must_use]
pub fn compute((columns, rows): (u16, u16), focus: Pane, output: OutputShown, splits: Splits) -> Option<Layout> {
    if columns < SMALLEST.0 || rows < SMALLEST.1 {
        return None;
    }
    let header = Rect::new(0, 0, columns, 1);
    let footer = Rect::new(0, rows - 1, columns, 1);
    let main = Rect::new(0, 1, columns, rows - 2);
    let mut layout =
        Layout { header, footer, queue: None, detail: None, sop: None, output: None, chat: None, dividers: [None; 2] };
    if columns >= THREE_PANES {
        let width = share(columns, splits.queue_sop);
        let (left, divider, rest) = beside(main, bounded(width, NARROWEST, columns - 2 * NARROWEST - 2));
        let width = share(columns, splits.sop_chat.saturating_sub(splits.queue_sop));
        let (middle, other_divider, right) = beside(rest, bounded(width, NARROWEST, rest.width - NARROWEST - 1));
        layout.dividers = [Some(divider), Some(other_divider)];
        layout.place_incidents(left, splits);
        layout.place_sop(middle, output, focus, splits);
        layout.chat = Some(titled(right));
    } else if columns >= TWO_PANES {
        let width = share(columns, splits.two_panes);
        let (left, divider, right) = beside(main, bounded(width, NARROWEST, columns - NARROWEST - 1));
        layout.dividers = [Some(divider), None];
        layout.place_incidents(left, splits);
        layout.place(right, output, focus, splits);
    } else {
        layout.place(main, output, focus, splits);
    }
    Some(layout)
}

/// So many hundredths of the width.
fn share(columns: u16, hundredths: u8) -> u16 {
    u16::try_from(u32::from(columns) * u32::from(hundredths) / 100).unwrap_or(columns)
}

/// `value`, at least `least` and at most `most`, of which the least counts more.
fn bounded(value: u16, least: u16, most: u16) -> u16 {
    value.min(most).max(least)
}

/// Cuts `area` in two with a line between them; the left part is `width` columns wide.
fn beside(area: Rect, width: u16) -> (Rect, Rect, Rect) {
    let left = Rect { width, ..area };
    let divider = Rect { x: left.right(), width: 1, ..area };
    let right = Rect { x: divider.right(), width: area.width - width - 1, ..area };
    (left, divider, right)
}

impl Layout {
    fn place_incidents(&mut self, area: Rect, splits: Splits) {
        let detail_rows = match splits.detail {
            // About a third for the incident under the cursor, so that a page of the queue stays a page.
            None => (area.height * 3 / 10).clamp(5, 14),
            Some(hundredths) => bounded(share(area.height, hundredths), LOWEST, area.height.saturating_sub(LOWEST)),
        };
        let (queue, detail) = split(area, area.height - detail_rows);
        self.queue = Some(titled(queue));
        self.detail = Some(titled(detail));
    }

    /// Places what the focus is on, beside or instead of the incidents.
    fn place(&mut self, area: Rect, output: OutputShown, focus: Pane, splits: Splits) {
        match focus {
            Pane::Incidents if self.queue.is_none() => self.place_incidents(area, splits),
            Pane::Chat => self.chat = Some(titled(area)),
            Pane::Incidents | Pane::Sop | Pane::Output => self.place_sop(area, output, focus, splits),
        }
    }

    fn place_sop(&mut self, area: Rect, output: OutputShown, focus: Pane, splits: Splits) {
        match output {
            OutputShown::No => self.sop = Some(titled(area)),
            OutputShown::Below => {
                let hundredths = splits.output.unwrap_or(if focus == Pane::Output { 60 } else { 40 });
                let output_rows = bounded(share(area.height, hundredths), LOWEST, area.height.saturating_sub(LOWEST));
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
        assert!(compute((59, 40), Pane::Incidents, OutputShown::No, Splits::default()).is_none());
        assert!(compute((80, 14), Pane::Incidents, OutputShown::No, Splits::default()).is_none());
        let one = compute((80, 24), Pane::Incidents, OutputShown::No, Splits::default()).unwrap();
        assert!(one.queue.is_some() && one.sop.is_none() && one.dividers == [None; 2]);
        let chat = compute((80, 24), Pane::Chat, OutputShown::Below, Splits::default()).unwrap();
        assert!(chat.chat.is_some() && chat.queue.is_none() && chat.sop.is_none() && chat.output.is_none());
        let other = compute((80, 24), Pane::Sop, OutputShown::Below, Splits::default()).unwrap();
        assert!(other.queue.is_none() && other.sop.is_some() && other.output.is_some());
        let two = compute((119, 40), Pane::Incidents, OutputShown::Below, Splits::default()).unwrap();
        assert!(two.queue.is_some() && two.detail.is_some() && two.sop.is_some() && two.output.is_some());
        let chat = compute((90, 40), Pane::Chat, OutputShown::Below, Splits::default()).unwrap();
        assert!(chat.queue.is_some() && chat.chat.is_some() && chat.sop.is_none());
        let three = compute((120, 40), Pane::Incidents, OutputShown::Below, Splits::default()).unwrap();
        assert!(three.queue.is_some() && three.sop.is_some() && three.output.is_some() && three.chat.is_some());
    }

    proptest! {
        #[test]
        fn areas_stay_inside_and_apart(columns in 1u16..400, rows in 1u16..200, focus in 0..4, below: bool, moved: [u8; 5]) {
            let focus = [Pane::Incidents, Pane::Sop, Pane::Output, Pane::Chat][focus as usize];
            let output = if below { OutputShown::Below } else { OutputShown::No };
            let [queue_sop, sop_chat, two_panes, detail, lower] = moved;
            let chosen = |share: u8| (share > 50).then_some(share);
            let splits = Splits { queue_sop, sop_chat, two_panes, detail: chosen(detail), output: chosen(lower) };
            if let Some(layout) = compute((columns, rows), focus, output, splits) {
                let whole = Rect::new(0, 0, columns, rows);
                let areas = [layout.queue, layout.detail, layout.sop, layout.output, layout.chat];
                let mut rects = vec![layout.header, layout.footer];
                rects.extend(layout.dividers.into_iter().flatten());
                for area in areas.into_iter().flatten() {
                    let height = area.title.height + area.body.height;
                    prop_assert!(area.body.width >= NARROWEST && height >= LOWEST, "{:?}", area);
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
