//! Reads `[scopes]`: how long a yes to more than one action lasts, and how often it counts.

use super::document::Raw;
use super::forms::{Form, Wrong, quote};
use super::load::span;
use super::reader::Scope;
use crate::domain::scope::{LASTS, LASTS_AT_LEAST, LASTS_AT_MOST, Limits, USES, USES_AT_MOST};

pub(super) fn read(section: &mut Scope<'_, '_>) -> Limits {
    Limits {
        lasts: section.read("lasts", &span(LASTS_AT_LEAST, LASTS_AT_MOST), LASTS),
        uses: section.read("uses", &Uses, USES),
    }
}

/// How often such a yes counts.
struct Uses;

impl Form for Uses {
    type Value = u32;

    fn allowed(&self) -> String {
        format!("a whole number from 1 to {USES_AT_MOST}")
    }

    fn read(&self, raw: &Raw) -> Result<u32, Wrong> {
        let number = match raw {
            Raw::Integer(number) => *number,
            Raw::Spoken { text, .. } => {
                text.trim().parse().map_err(|_| Wrong::new(format!("{} is no number", quote(text))))?
            }
            other => return Err(Wrong::kind(other)),
        };
        u32::try_from(number)
            .ok()
            .filter(|uses| (1..=USES_AT_MOST).contains(uses))
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
    fn numbers_of_uses() {
        assert_eq!(Uses.read(&Raw::Integer(1)), Ok(1));
        assert_eq!(Uses.read(&Raw::Integer(100)), Ok(100));
        for wrong in [Raw::Integer(0), Raw::Integer(-1), Raw::Integer(101), Raw::Text("20".to_owned())] {
            assert!(Uses.read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
