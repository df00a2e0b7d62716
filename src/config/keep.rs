//! Reads `[keep]`: backups, ballast and the disk budget of the store.

use std::time::Duration;

use super::KeepSection;
use super::forms::{Count, SWITCH, Size};
use super::load::span;
use super::reader::Scope;
use crate::domain::keeping::Retention;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Backups of one kind that are kept.
const BACKUPS: Count = Count { least: 0, most: 1_000 };

pub(super) fn read(section: &mut Scope<'_, '_>) -> KeepSection {
    let default = Retention::default();
    KeepSection {
        backups: section.read("backups", &SWITCH, true),
        retention: Retention {
            hourly: section.read("hourly", &BACKUPS, default.hourly),
            daily: section.read("daily", &BACKUPS, default.daily),
        },
        budget: section.read("budget", &Size { least: 64 * MIB, most: 16 * 1024 * GIB }, 16 * GIB),
        outputs_for: section.read("outputs_for", &span(DAY, 3_650 * DAY), 30 * DAY),
        details_for: section.read("details_for", &span(DAY, 3_650 * DAY), 30 * DAY),
        ballast: section.read("ballast", &Size { least: 0, most: GIB }, 16 * MIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Raw;
    use crate::config::forms::Form as _;

    #[test]
    fn numbers_of_backups() {
        assert_eq!(BACKUPS.read(&Raw::Integer(24)), Ok(24));
        for wrong in [Raw::Integer(-1), Raw::Integer(1_001), Raw::Text("24".to_owned())] {
            assert!(BACKUPS.read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
