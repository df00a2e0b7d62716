//! Where the lines between the panes stand, in hundredths, so that a choice holds for every size of terminal.
//!
//! Invariant: whatever was read or typed, no share leaves a pane without room (see [`Splits::bounded`]); what a terminal
//! needs at least in columns and rows is looked after by `layout`. Does not: read or write files.

use serde::{Deserialize, Serialize};

/// A line that can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Between queue and SOP, of three panes.
    QueueSop,
    /// Between SOP and chat, of three panes.
    SopChat,
    /// Between the queue and the rest, of two panes.
    TwoPanes,
    /// Above the incident under the cursor.
    Detail,
    /// Above the output.
    Output,
}

/// The shares. Of width: how far from the left a line stands; of height: what the lower part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Splits {
    /// Where the queue ends, of three panes.
    pub queue_sop: u8,
    /// Where the SOP ends, of three panes.
    pub sop_chat: u8,
    /// Where the queue ends, of two panes.
    pub two_panes: u8,
    /// The incident's share of the left side; `None` for what fits best.
    pub detail: Option<u8>,
    /// The output's share of its side; `None` for more while it has the focus.
    pub output: Option<u8>,
}

impl Default for Splits {
    fn default() -> Self {
        // 44 % for the queue of two panes: a title of 30 characters fits from 100 columns on.
        Self { queue_sop: 32, sop_chat: 68, two_panes: 44, detail: None, output: None }
    }
}

/// Shares of the width and of the height that a line may stand at.
const ACROSS: (u8, u8) = (15, 85);
const DOWN: (u8, u8) = (15, 80);
/// Hundredths between the two lines of three panes.
const APART: u8 = 15;

impl Splits {
    /// These, with every share between its bounds.
    #[must_use]
    pub fn bounded(self) -> Self {
        let queue_sop = self.queue_sop.clamp(ACROSS.0, ACROSS.1 - APART);
        Self {
            queue_sop,
            sop_chat: self.sop_chat.clamp(queue_sop + APART, ACROSS.1),
            two_panes: self.two_panes.clamp(ACROSS.0, ACROSS.1),
            detail: self.detail.map(|share| share.clamp(DOWN.0, DOWN.1)),
            output: self.output.map(|share| share.clamp(DOWN.0, DOWN.1)),
        }
    }

    /// Moves a line by so many hundredths, as far as its neighbours let it.
    pub fn shift(&mut self, edge: Edge, by: i8) {
        let most = self.sop_chat.saturating_sub(APART).max(ACROSS.0);
        match edge {
            Edge::QueueSop => self.queue_sop = self.queue_sop.saturating_add_signed(by).min(most),
            Edge::SopChat => self.sop_chat = self.sop_chat.saturating_add_signed(by),
            Edge::TwoPanes => self.two_panes = self.two_panes.saturating_add_signed(by),
            Edge::Detail => self.detail = self.detail.map(|share| share.saturating_add_signed(by)),
            Edge::Output => self.output = self.output.map(|share| share.saturating_add_signed(by)),
        }
        *self = self.bounded();
    }

    /// Gives a share that was left to the layout the value that it has on the screen.
    pub fn start_at(&mut self, edge: Edge, share: u8) {
        match edge {
            Edge::Detail => self.detail = self.detail.or(Some(share)),
            Edge::Output => self.output = self.output.or(Some(share)),
            Edge::QueueSop | Edge::SopChat | Edge::TwoPanes => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_stops_at_its_neighbour() {
        let mut splits = Splits::default();
        (0..50).for_each(|_| splits.shift(Edge::QueueSop, 2));
        assert_eq!((splits.queue_sop, splits.sop_chat), (53, 68));
        (0..50).for_each(|_| splits.shift(Edge::SopChat, -2));
        assert_eq!((splits.queue_sop, splits.sop_chat), (53, 68));
        (0..50).for_each(|_| splits.shift(Edge::SopChat, 2));
        assert_eq!(splits.sop_chat, 85);
        splits.shift(Edge::Output, 5);
        assert_eq!(splits.output, None, "nothing is known yet of where it stands");
    }

    proptest! {
        #[test]
        fn bounds_hold_for_whatever_a_file_says(a: u8, b: u8, c: u8, d: Option<u8>, e: Option<u8>) {
            let splits = Splits { queue_sop: a, sop_chat: b, two_panes: c, detail: d, output: e }.bounded();
            prop_assert!(splits.queue_sop >= 15 && splits.sop_chat <= 85 && splits.sop_chat >= splits.queue_sop + APART);
            prop_assert_eq!(splits.bounded(), splits);
        }
    }

    #[test]
    fn the_usual_ones_are_within_the_bounds() {
        assert_eq!(Splits::default().bounded(), Splits::default());
    }
}
