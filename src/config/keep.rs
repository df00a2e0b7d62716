//! Reads `[keep]`: backups, ballast and the disk budget of the store.

use std::time::Duration;

use super::KeepSection;
use super::document::Raw;
use super::forms::{Form, SWITCH, Size, Wrong};
use super::load::span;
use super::reader::Scope;
use crate::domain::keeping::Retention;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Backups of one kind that are kept at most.
const MOST_BACKUPS: u32 = 1_000;

pub(super) fn read(section: &mut Scope<'_, '_>) -> KeepSection {
    let default = Retention::default();
    KeepSection {
        backups: section.read("backups", &SWITCH, true),
        retention: Retention {
            hourly: section.read("hourly", &Count, default.hourly),
            daily: section.read("daily", &Count, default.daily),
        },
        budget: section.read("budget", &Size { least: 64 * MIB, most: 16 * 1024 * GIB }, 16 * GIB),
        outputs_for: section.read("outputs_for", &span(DAY, 3_650 * DAY), 30 * DAY),
        details_for: section.read("details_for", &span(DAY, 3_650 * DAY), 30 * DAY),
        ballast: section.read("ballast", &Size { least: 0, most: GIB }, 16 * MIB),
    }
}

/// A number of backups.
struct Count;

impl Form for Count {
    type Value = u32;

    fn allowed(&self) -> String {
        format!("a whole number from 0 to {MOST_BACKUPS}")
    }

    fn read(&self, raw: &Raw) -> Result<u32, Wrong> {
        let number = match raw {
            Raw::Integer(number) => *number,
            Raw::Spoken { text, .. } => {
                text.trim().parse().map_err(|_| Wrong::new(format!("{} is no number", super::forms::quote(text))))?
            }
            other => return Err(Wrong::kind(other)),
        };
        u32::try_from(number)
            .ok()
            .filter(|count| *count <= MOST_BACKUPS)
            .ok_or_else(|| Wrong::new(format!("{number} is out of range")))
    }

    fn show(&self, value: &u32) -> String {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_backups() {
        assert_eq!(Count.read(&Raw::Integer(24)), Ok(24));
        for wrong in [Raw::Integer(-1), Raw::Integer(1_001), Raw::Text("24".to_owned())] {
            assert!(Count.read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
