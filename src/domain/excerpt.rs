//! Excerpts: the beginning of a text that is too long for a screen, with a mark that says how much is missing.
//!
//! Owns: the bound, the mark and how an excerpt is told from a whole text. Does not: decide what is shown as an excerpt;
//! what is stored, bound to a parameter, hashed or run is always the whole text.
//!
//! Invariant: a text is an excerpt exactly when it is longer than [`SHOWN_BYTES`]; a whole one never is.

use super::alert::Labels;

/// A text of at most this many bytes is shown as a whole (4 KiB): forty lines of a wide screen.
pub const SHOWN_BYTES: usize = 4096;

/// Labels or annotations of one alert that are shown at most: more than fit a screen.
pub const SHOWN_LABELS: usize = 128;

/// The name under which [`of_labels`] says how many are missing; no label has it, since it is no identifier.
pub const MORE: &str = "…";

/// `text`, or its beginning and how much is missing.
#[must_use]
pub fn of(mut text: String) -> String {
    if text.len() > SHOWN_BYTES {
        let end = text.floor_char_boundary(SHOWN_BYTES);
        let missing = text.len() - end;
        text.truncate(end);
        text.shrink_to_fit();
        text.push_str(&format!("… cut, {missing} more bytes"));
    }
    text
}

/// Whether `text`, which has gone through [`of`], is not the whole text.
#[must_use]
pub const fn is_cut(text: &str) -> bool {
    text.len() > SHOWN_BYTES
}

/// The first [`SHOWN_LABELS`] of `labels`, each value as [`of`] makes it; a last entry says how many more there are.
#[must_use]
pub fn of_labels(labels: Labels) -> Labels {
    let missing = labels.len().saturating_sub(SHOWN_LABELS);
    let mut shown: Labels = labels.into_iter().take(SHOWN_LABELS).map(|(name, value)| (of(name), of(value))).collect();
    if missing > 0 {
        shown.insert(MORE.to_owned(), format!("{missing} more are not shown"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_is_whole_and_the_rest_is_counted() {
        let fits = "x".repeat(SHOWN_BYTES);
        assert_eq!(of(fits.clone()), fits);
        let cut = of(format!("{fits}yz"));
        assert_eq!(cut, format!("{fits}… cut, 2 more bytes"));
        assert!(is_cut(&cut) && !is_cut(&fits));
    }

    #[test]
    fn no_more_labels_than_can_be_shown() {
        let many: Labels = (0..SHOWN_LABELS + 7).map(|n| (format!("label_{n:04}"), "v".to_owned())).collect();
        let shown = of_labels(many.clone());
        assert_eq!(shown.len(), SHOWN_LABELS + 1);
        assert_eq!(shown.get(MORE).map(String::as_str), Some("7 more are not shown"));
        let few: Labels = many.into_iter().take(SHOWN_LABELS).collect();
        assert_eq!(of_labels(few.clone()), few);
    }

    proptest! {
        #[test]
        fn excerpts_are_bounded_and_told_from_whole_texts(text in "[aé漢🔥]{0,3000}") {
            let shown = of(text.clone());
            prop_assert!(shown.len() <= SHOWN_BYTES + 40);
            prop_assert_eq!(is_cut(&shown), shown != text);
            prop_assert_eq!(is_cut(&shown), text.len() > SHOWN_BYTES);
        }
    }
}
