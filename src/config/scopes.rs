//! Reads `[scopes]`: how long a yes to more than one action lasts, and how often it counts.

use super::forms::Count;
use super::load::span;
use super::reader::Scope;
use crate::domain::scope::{LASTS, LASTS_AT_LEAST, LASTS_AT_MOST, Limits, USES, USES_AT_MOST};

/// How often such a yes counts.
const TIMES: Count = Count { least: 1, most: USES_AT_MOST };

pub(super) fn read(section: &mut Scope<'_, '_>) -> Limits {
    Limits {
        lasts: section.read("lasts", &span(LASTS_AT_LEAST, LASTS_AT_MOST), LASTS),
        uses: section.read("uses", &TIMES, USES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Raw;
    use crate::config::forms::Form as _;

    #[test]
    fn numbers_of_uses() {
        assert_eq!(TIMES.read(&Raw::Integer(1)), Ok(1));
        assert_eq!(TIMES.read(&Raw::Integer(100)), Ok(100));
        for wrong in [Raw::Integer(0), Raw::Integer(-1), Raw::Integer(101), Raw::Text("20".to_owned())] {
            assert!(TIMES.read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
