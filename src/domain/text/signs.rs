//! Which characters are shown as they are.
//!
//! Owns: the classes of characters. What is printable is taken from the Unicode tables of the standard library (no
//! control, format, separator, private-use or unassigned character is); the tables here add what is printable by the
//! letter and yet invisible, not to be told from another character, or of no certain width. Does not: look at context.

use unicode_width::UnicodeWidthChar as _;

/// How a character is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Shown.
    Plain,
    /// A mark of its script that has no width: shown on a base character that it belongs to.
    Mark,
    /// Never shown as it is.
    Spelled,
}

/// Printable characters that are spelled all the same, in ascending order.
const SPELLED: &[(char, char)] = &[
    // Accents for any letter: the letter with its accent has a character of its own, which looks the same.
    ('\u{300}', '\u{36f}'),
    // Canonical equivalents of other characters: Greek numeral sign, question mark (`;`), ano teleia.
    ('\u{374}', '\u{374}'),
    ('\u{37e}', '\u{37e}'),
    ('\u{387}', '\u{387}'),
    // Fillers and vowel separators without ink.
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    // Accents for any letter, continued.
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1dc0}', '\u{1dff}'),
    // Greek letters with an acute accent that exist twice, and accents of their own (one of them is the backtick).
    ('\u{1f71}', '\u{1f71}'),
    ('\u{1f73}', '\u{1f73}'),
    ('\u{1f75}', '\u{1f75}'),
    ('\u{1f77}', '\u{1f77}'),
    ('\u{1f79}', '\u{1f79}'),
    ('\u{1f7b}', '\u{1f7b}'),
    ('\u{1f7d}', '\u{1f7d}'),
    ('\u{1fbb}', '\u{1fbb}'),
    ('\u{1fbe}', '\u{1fbe}'),
    ('\u{1fc9}', '\u{1fc9}'),
    ('\u{1fcb}', '\u{1fcb}'),
    ('\u{1fd3}', '\u{1fd3}'),
    ('\u{1fdb}', '\u{1fdb}'),
    ('\u{1fe3}', '\u{1fe3}'),
    ('\u{1feb}', '\u{1feb}'),
    ('\u{1fee}', '\u{1fef}'),
    ('\u{1ff9}', '\u{1ff9}'),
    ('\u{1ffb}', '\u{1ffb}'),
    ('\u{1ffd}', '\u{1ffd}'),
    // Accents for symbols.
    ('\u{20d0}', '\u{20ff}'),
    // Ohm, kelvin and angstrom, which are letters again.
    ('\u{2126}', '\u{2126}'),
    ('\u{212a}', '\u{212b}'),
    // Angle brackets that exist twice.
    ('\u{2329}', '\u{232a}'),
    // A Braille cell without dots.
    ('\u{2800}', '\u{2800}'),
    // Voicing marks of kana; the voiced kana exist.
    ('\u{3099}', '\u{309a}'),
    // A Hangul filler.
    ('\u{3164}', '\u{3164}'),
    // Ideographs that exist twice.
    ('\u{f900}', '\u{faff}'),
    // Variation selectors, half marks.
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{fe20}', '\u{fe2f}'),
    // Half-width voicing marks: one column on screens, none by the tables. A half-width filler.
    ('\u{ff9e}', '\u{ffa0}'),
    // The object replacement character.
    ('\u{fffc}', '\u{fffc}'),
    // Letters for flags and skin tones: their width depends on their neighbours.
    ('\u{1f1e6}', '\u{1f1ff}'),
    ('\u{1f3fb}', '\u{1f3ff}'),
    // Ideographs that exist twice.
    ('\u{2f800}', '\u{2fa1f}'),
    // Tags and further variation selectors.
    ('\u{e0000}', '\u{e0fff}'),
];

/// The class of `c`.
pub(super) fn sign(c: char) -> Sign {
    if c.is_ascii() {
        return if c.is_ascii_control() { Sign::Spelled } else { Sign::Plain };
    }
    if !is_printable(c) || contains(SPELLED, c) {
        return Sign::Spelled;
    }
    match c.width() {
        Some(0) if extends(c) => Sign::Mark,
        None | Some(0) => Sign::Spelled,
        Some(_) => Sign::Plain,
    }
}

/// Whether an ascending table of inclusive ranges contains `c`.
pub(super) fn contains(table: &[(char, char)], c: char) -> bool {
    let after = table.partition_point(|(first, _)| *first <= c);
    after.checked_sub(1).and_then(|at| table.get(at)).is_some_and(|(_, last)| c <= *last)
}

/// Whether the standard library counts a character outside ASCII as printable. After a letter, `escape_debug` spells
/// exactly the characters that are not.
fn is_printable(c: char) -> bool {
    let mut text = String::from("a");
    text.push(c);
    text.escape_debug().nth(2).is_none()
}

/// Whether a printable character outside ASCII continues a grapheme: standing alone, `escape_debug` spells it.
fn extends(c: char) -> bool {
    c.escape_debug().nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_ascending_and_do_not_overlap() {
        assert!(SPELLED.iter().all(|(first, last)| first <= last));
        assert!(SPELLED.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn ordinary_text_of_many_languages_is_shown() {
        for c in "äßñøłčžşİαΩжЯђאשعمगไทย한글ひらカタ漢字€£§°µ×÷–—„“”…→⇒≤≥∞✔✘●○◆▸▾█▌─│🔥🚀".chars()
        {
            assert_ne!(sign(c), Sign::Spelled, "{c:?}");
        }
    }
}
