//! The text of a replay: where its parts stand, and the rows of the moment that is shown.
//!
//! Owns: the layout, which drawing and scrolling share, and which facts of a moment are told. Does not: colour.

use super::Replay;
use crate::domain::actor::Actor;
use crate::domain::alert::Labels;
use crate::domain::journal::Payload;
use crate::domain::journal::tape::{Attached, Moment, Seal, What, command_lines};
use crate::domain::text::{self, Repertoire};
use crate::tui::output_lines;
use crate::tui::wrap::{Break, wrap};

/// Rows that are scrolled at once.
pub(super) const PAGE: usize = 5;

/// From this many columns on the list of moments stands beside the moment, not above it.
const SIDE_BY_SIDE: u16 = 120;

/// Rows above: banner, incident, position.
pub(super) const HEAD: u16 = 3;

/// Bytes of something attached that are laid out at most; each frame does it anew.
const ATTACHED: usize = 64 * 1024;

/// A rectangle in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) width: u16,
    pub(super) height: u16,
}

/// Where the list and the moment stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) list: Part,
    pub(super) moment: Part,
}

/// The parts of a screen of this size: one row below the head and one above the keys divide them.
pub(super) const fn parts((columns, rows): (u16, u16)) -> Parts {
    let body = rows.saturating_sub(HEAD + 1);
    if columns >= SIDE_BY_SIDE {
        let list = columns * 2 / 5;
        let y = HEAD;
        return Parts {
            list: Part { x: 0, y, width: list, height: body },
            moment: Part { x: list + 2, y, width: columns.saturating_sub(list + 2), height: body },
        };
    }
    // Below each other: a third for the list, a line, the rest for the moment.
    let list = body / 3;
    Parts {
        list: Part { x: 0, y: HEAD, width: columns, height: list },
        moment: Part { x: 0, y: HEAD + list + 1, width: columns, height: body.saturating_sub(list + 1) },
    }
}

/// What a row of the moment is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// What happened.
    Title,
    /// A fact.
    Fact,
    /// A command.
    Command,
    /// What was shown, said or printed then. Foreign.
    Quoted,
    /// Something is not as it was.
    Alarm,
}

/// The rows of the moment that is shown, for a width.
pub(super) fn of_moment(replay: &Replay, width: u16, repertoire: Repertoire) -> Vec<(RowKind, String)> {
    let Some(moment) = replay.tape.moments.get(replay.index) else {
        return vec![(RowKind::Fact, "Nothing is known of this incident.".to_owned())];
    };
    let mut rows = Rows { rows: Vec::new(), width: usize::from(width).max(2), repertoire };
    rows.foreign(RowKind::Title, &format!("{} {}", moment.who(), moment.telling().words));
    rows.circumstances(moment);
    match &moment.what {
        What::AlertBegan(alert) | What::AlertEnded(alert) => {
            rows.labels(&alert.labels);
            rows.labels(&alert.annotations);
        }
        What::Unreadable => {}
        What::Entry { payload, attached, action } => {
            if let Some(action) = action {
                rows.foreign(
                    RowKind::Fact,
                    &format!("on {}, in {}, risk {}", action.target.name(), action.cwd, action.risk.name()),
                );
                command_lines(action).iter().for_each(|line| rows.foreign(RowKind::Command, line));
            }
            if let Payload::Granted { terminal: (columns, lines), scope: None, .. } = payload.as_ref() {
                rows.own(RowKind::Fact, &format!("as it was shown, on a terminal of {columns}x{lines}:"));
            }
            rows.attached(attached);
        }
    }
    rows.rows
}

/// The largest number of rows that can be scrolled past.
pub(super) fn last_top(replay: &Replay, size: (u16, u16)) -> usize {
    let part = parts(size).moment;
    of_moment(replay, part.width, Repertoire::Unicode).len().saturating_sub(usize::from(part.height).max(1))
}

/// Rows while they are put together.
struct Rows {
    rows: Vec<(RowKind, String)>,
    width: usize,
    repertoire: Repertoire,
}

impl Rows {
    /// Words of this program.
    fn own(&mut self, kind: RowKind, line: &str) {
        let rows = wrap(line, self.width, Break::AtSpaces);
        self.rows.extend(rows.into_iter().map(|row| (kind, row)));
    }

    /// Text from elsewhere, on one line however it was meant.
    fn foreign(&mut self, kind: RowKind, line: &str) {
        let spelled = text::visible_in(line, self.repertoire);
        let rows = wrap(&spelled, self.width, Break::Anywhere);
        self.rows.extend(rows.into_iter().map(|row| (kind, row)));
    }

    /// Who did it, from where.
    fn circumstances(&mut self, moment: &Moment) {
        let Some(context) = &moment.context else { return };
        let mut parts = vec![format!("on {}", context.host)];
        if let Actor::Person(person) = &context.actor {
            parts.push(format!("uid {}", person.uid));
            parts.extend(person.login_uid.map(|uid| format!("login uid {uid}")));
            parts.extend(person.ssh_peer.as_ref().map(|peer| format!("from {peer}")));
            parts.extend(person.tty.as_ref().map(|tty| format!("at {tty}")));
        }
        parts.extend(moment.seq.map(|seq| format!("entry {seq}")));
        self.foreign(RowKind::Fact, &parts.join(", "));
    }

    fn labels(&mut self, labels: &Labels) {
        for (name, value) in labels {
            self.foreign(RowKind::Quoted, &format!("{name}: {value}"));
        }
    }

    fn attached(&mut self, attached: &Attached) {
        match attached {
            Attached::Nothing => {}
            Attached::Erased => self.own(RowKind::Fact, "What belongs to it was erased."),
            Attached::Unreadable(reason) => {
                self.foreign(RowKind::Fact, &format!("What belongs to it could not be read: {reason}"));
            }
            Attached::Bytes { beginning, total, seal } => {
                match seal {
                    Seal::Whole => {}
                    Seal::Altered => {
                        self.own(
                            RowKind::Alarm,
                            "This was changed afterwards: it has not the hash that the journal names.",
                        );
                    }
                    Seal::Unchecked => self.own(RowKind::Fact, "Nobody noted its hash."),
                }
                let shown = beginning.get(..beginning.len().min(ATTACHED)).unwrap_or_default();
                for row in output_lines::rows(shown, self.width, self.repertoire) {
                    self.rows.push((RowKind::Quoted, row.text));
                }
                let left = total.saturating_sub(u64::try_from(shown.len()).unwrap_or(u64::MAX));
                if left > 0 {
                    self.own(RowKind::Fact, &format!("{left} more bytes are left out here."));
                }
            }
        }
    }
}
