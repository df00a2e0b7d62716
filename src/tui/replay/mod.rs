//! An incident shown again, moment by moment. It can never act.
//!
//! Owns: where the replay stands, its speed, and what keys do to it. Invariants: all it has is a [`Tape`], which is data:
//! there is no backend, no store, no runner and no effect here, so that nothing that is pressed can reach a system
//! (`tests/architecture.rs` keeps them out of this folder). A paste means nothing.
//!
//! Does not: draw (see `draw`), or hold the terminal (see `screen`).

mod draw;
mod rows;
mod screen;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::journal::tape::Tape;
use crate::tui::zone::Zone;

pub use screen::Screen;

/// How much faster than it happened.
const SPEEDS: [u32; 6] = [1, 5, 20, 60, 300, 1800];

/// Where it begins: a night in some minutes.
const USUAL_SPEED: usize = 3;

/// However little time lay between two moments, each is shown so long, so that it can be read.
const SHORTEST: Duration = Duration::from_millis(800);

/// However much time lay between two moments, nobody waits longer.
const LONGEST: Duration = Duration::from_secs(4);

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Go on by itself, or stand still.
    PlayOrPause,
    /// One moment on.
    Next,
    /// One moment back.
    Previous,
    /// To the next decision of a person.
    NextDecision,
    /// To the one before.
    PreviousDecision,
    /// To the first moment.
    First,
    /// To the last one.
    Last,
    /// Show more of the moment.
    Down,
    /// Show what was before it.
    Up,
    /// The next higher speed.
    Faster,
    /// The next lower one.
    Slower,
    /// UTC or local time.
    SwitchZone,
    /// Leave.
    Leave,
}

impl Asked {
    /// What `key` asks for.
    pub(super) fn of(key: KeyEvent) -> Option<Self> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Self::Leave),
                KeyCode::Char('d') => Some(Self::Down),
                KeyCode::Char('u') => Some(Self::Up),
                _ => None,
            };
        }
        Some(match key.code {
            KeyCode::Char(' ') => Self::PlayOrPause,
            KeyCode::Right | KeyCode::Down | KeyCode::Char('j' | 'l') => Self::Next,
            KeyCode::Left | KeyCode::Up | KeyCode::Char('k' | 'h') => Self::Previous,
            KeyCode::Char(']') => Self::NextDecision,
            KeyCode::Char('[') => Self::PreviousDecision,
            KeyCode::Home | KeyCode::Char('g') => Self::First,
            KeyCode::End | KeyCode::Char('G') => Self::Last,
            KeyCode::PageDown => Self::Down,
            KeyCode::PageUp => Self::Up,
            KeyCode::Char('+' | '=' | '>') => Self::Faster,
            KeyCode::Char('-' | '<') => Self::Slower,
            KeyCode::Char('z') => Self::SwitchZone,
            KeyCode::Esc | KeyCode::Char('q') => Self::Leave,
            _ => return None,
        })
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// On.
    Stay,
    /// The person wants to leave.
    Leave,
}

/// Whether it goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// It does.
    Playing,
    /// It waits for a key.
    Paused,
}

/// A replay.
#[derive(Clone, Debug)]
pub struct Replay {
    tape: Tape,
    /// The moment that is shown, from 0; 0 when there is none.
    index: usize,
    motion: Motion,
    /// Index into [`SPEEDS`].
    speed: usize,
    /// Rows of the moment that were scrolled past.
    scrolled: usize,
    zone: Zone,
}

impl Replay {
    /// Stands still at the first moment of `tape`; times are shown in `zone`.
    #[must_use]
    pub const fn new(tape: Tape, zone: Zone) -> Self {
        Self { tape, index: 0, motion: Motion::Paused, speed: USUAL_SPEED, scrolled: 0, zone }
    }

    /// Does what a key asks for.
    pub(super) fn update(&mut self, asked: Asked) -> Flow {
        let last = self.last();
        match asked {
            Asked::PlayOrPause => {
                self.motion = match self.motion {
                    Motion::Playing => Motion::Paused,
                    // At the end there is nothing to play but all of it again.
                    Motion::Paused if self.index == last => {
                        self.go(0);
                        Motion::Playing
                    }
                    Motion::Paused => Motion::Playing,
                }
            }
            Asked::Next => self.stop_at(self.index.saturating_add(1).min(last)),
            Asked::Previous => self.stop_at(self.index.saturating_sub(1)),
            Asked::NextDecision => {
                let found = (self.index + 1..=last).find(|index| self.is_decision(*index));
                self.stop_at(found.unwrap_or(self.index));
            }
            Asked::PreviousDecision => {
                let found = (0..self.index).rev().find(|index| self.is_decision(*index));
                self.stop_at(found.unwrap_or(self.index));
            }
            Asked::First => self.stop_at(0),
            Asked::Last => self.stop_at(last),
            // How far there is to go depends on the width: drawing knows the end.
            Asked::Down => self.scrolled = self.scrolled.saturating_add(rows::PAGE),
            Asked::Up => self.scrolled = self.scrolled.saturating_sub(rows::PAGE),
            Asked::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            Asked::Slower => self.speed = self.speed.saturating_sub(1),
            Asked::SwitchZone => self.zone.switch(),
            Asked::Leave => return Flow::Leave,
        }
        Flow::Stay
    }

    /// Goes on to the next moment by itself; stands still at the end.
    pub(super) fn advance(&mut self) {
        if self.index < self.last() {
            self.go(self.index + 1);
        }
        if self.index == self.last() {
            self.motion = Motion::Paused;
        }
    }

    /// How long the present moment is shown before [`Self::advance`] is due; `None` while it stands still.
    pub(super) fn due_after(&self) -> Option<Duration> {
        if self.motion == Motion::Paused {
            return None;
        }
        let at = |index: usize| self.tape.moments.get(index).map(|moment| moment.at);
        let gap = at(self.index + 1)?.since(at(self.index)?);
        Some((gap / self.factor()).clamp(SHORTEST, LONGEST))
    }

    /// Nothing that is scrolled past the end of what is shown is remembered.
    pub(super) fn settle(&mut self, size: (u16, u16)) {
        self.scrolled = self.scrolled.min(rows::last_top(self, size));
    }

    fn factor(&self) -> u32 {
        SPEEDS.get(self.speed).copied().unwrap_or(1)
    }

    fn last(&self) -> usize {
        self.tape.moments.len().saturating_sub(1)
    }

    fn is_decision(&self, index: usize) -> bool {
        self.tape.moments.get(index).is_some_and(crate::domain::journal::tape::Moment::is_decision)
    }

    /// A person who goes somewhere wants to look at it.
    fn stop_at(&mut self, index: usize) {
        self.motion = Motion::Paused;
        self.go(index);
    }

    fn go(&mut self, index: usize) {
        if index != self.index {
            self.index = index;
            self.scrolled = 0;
        }
    }
}

#[cfg(test)]
mod tests;
