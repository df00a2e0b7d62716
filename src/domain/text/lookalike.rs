//! Words that are not what they seem: letters of one script that look like another's, and signs that imitate ASCII.
//!
//! Owns: a small table of what is met in practice. It is no complete list of look-alikes, and a word that passes is not
//! proved honest; what it names deserves a second look. Does not: change text.

use std::fmt;

use super::signs::contains;

/// What is odd about a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suspicion {
    /// A sign looks like this ASCII sign and is another one.
    Imitates {
        /// The sign in the word.
        sign: char,
        /// What it looks like.
        ascii: char,
    },
    /// It has letters of both scripts.
    MixedScripts(Script, Script),
    /// All its letters are of this script, and all of them look like Latin ones.
    LooksLatin(Script),
    /// It has a letter that is written from right to left: some terminals show its neighbours in another order.
    RightToLeft(char),
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imitates { sign, ascii } => write!(f, "U+{:04X} looks like {ascii}", u32::from(*sign)),
            Self::MixedScripts(one, other) => write!(f, "mixes {} and {} letters", one.name(), other.name()),
            Self::LooksLatin(script) => write!(f, "{} letters that look Latin", script.name()),
            Self::RightToLeft(letter) => write!(f, "U+{:04X} is written right to left", u32::from(*letter)),
        }
    }
}

/// Scripts whose letters are easily taken for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Script {
    /// Latin, accented letters included.
    Latin,
    /// Greek.
    Greek,
    /// Cyrillic.
    Cyrillic,
    /// Armenian.
    Armenian,
    /// Georgian.
    Georgian,
    /// Cherokee.
    Cherokee,
    /// Coptic.
    Coptic,
    /// Lisu.
    Lisu,
    /// Letters made for formulas, in full width, in circles or as small capitals.
    Ornamental,
}

impl Script {
    /// Its English name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latin => "Latin",
            Self::Greek => "Greek",
            Self::Cyrillic => "Cyrillic",
            Self::Armenian => "Armenian",
            Self::Georgian => "Georgian",
            Self::Cherokee => "Cherokee",
            Self::Coptic => "Coptic",
            Self::Lisu => "Lisu",
            Self::Ornamental => "ornamental",
        }
    }

    /// The script of a letter; `None` for other characters and for scripts that are not confused with these.
    fn of(c: char) -> Option<Self> {
        Some(match u32::from(c) {
            0x41..=0x5a | 0x61..=0x7a | 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0x24f | 0x1e00..=0x1eff => Self::Latin,
            0x370..=0x3ff | 0x1f00..=0x1fff => Self::Greek,
            0x400..=0x52f | 0x1c80..=0x1c8f | 0xa640..=0xa69f => Self::Cyrillic,
            0x530..=0x58f => Self::Armenian,
            0x10a0..=0x10ff | 0x1c90..=0x1cbf | 0x2d00..=0x2d2f => Self::Georgian,
            0x13a0..=0x13ff | 0xab70..=0xabbf => Self::Cherokee,
            0x2c80..=0x2cff => Self::Coptic,
            0xa4d0..=0xa4ff => Self::Lisu,
            0x250..=0x2af | 0x1d00..=0x1dbf | 0x2100..=0x214f | 0x2160..=0x2188 | 0x249c..=0x24e9 => Self::Ornamental,
            0xa720..=0xa7ff | 0xff21..=0xff3a | 0xff41..=0xff5a => Self::Ornamental,
            0x1d400..=0x1d7ff | 0x1f110..=0x1f189 => Self::Ornamental,
            _ => return None,
        })
    }
}

/// Signs that are taken for an ASCII sign: the dashes, quotes and slashes that word processors and pasted web pages put
/// into commands, and a few that are only found where someone means harm.
const IMITATIONS: &[(char, char)] = &[
    ('\u{1c3}', '!'),
    ('\u{2b9}', '\''),
    ('\u{2bb}', '\''),
    ('\u{2bc}', '\''),
    ('\u{2c6}', '^'),
    ('\u{2cb}', '`'),
    ('\u{2d0}', ':'),
    ('\u{2dc}', '~'),
    ('\u{589}', ':'),
    ('\u{5c3}', ':'),
    ('\u{66a}', '%'),
    ('\u{66d}', '*'),
    ('\u{2010}', '-'),
    ('\u{2011}', '-'),
    ('\u{2012}', '-'),
    ('\u{2013}', '-'),
    ('\u{2014}', '-'),
    ('\u{2015}', '-'),
    ('\u{2018}', '\''),
    ('\u{2019}', '\''),
    ('\u{201a}', ','),
    ('\u{201b}', '\''),
    ('\u{201c}', '"'),
    ('\u{201d}', '"'),
    ('\u{201e}', '"'),
    ('\u{201f}', '"'),
    ('\u{2024}', '.'),
    ('\u{2032}', '\''),
    ('\u{2033}', '"'),
    ('\u{2035}', '`'),
    ('\u{2039}', '<'),
    ('\u{203a}', '>'),
    ('\u{2043}', '-'),
    ('\u{2044}', '/'),
    ('\u{204e}', '*'),
    ('\u{2052}', '%'),
    ('\u{2212}', '-'),
    ('\u{2215}', '/'),
    ('\u{2216}', '\\'),
    ('\u{2217}', '*'),
    ('\u{2223}', '|'),
    ('\u{2236}', ':'),
    ('\u{223c}', '~'),
    ('\u{2571}', '/'),
    ('\u{2758}', '|'),
    ('\u{29f5}', '\\'),
    ('\u{29f8}', '/'),
    ('\u{2cba}', '-'),
    ('\u{a789}', ':'),
    ('\u{fe58}', '-'),
];

/// Letters of other scripts that look like Latin ones in most fonts.
const LATIN_SHAPES: &str = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονικυραγАВЕЅІЈКМНОРСТУХҮаеорсухіјѕһԁԛԝгпҽѵղոսցօԱՕՏՍ";

/// Letters that are written from right to left, in ascending order.
const RIGHT_TO_LEFT: &[(char, char)] = &[
    ('\u{590}', '\u{8ff}'),
    ('\u{fb1d}', '\u{fdff}'),
    ('\u{fe70}', '\u{fefc}'),
    ('\u{10800}', '\u{10fff}'),
    ('\u{1e800}', '\u{1efff}'),
];

/// What is odd about `word`, a word of a command as it would run (not spelled out); `None` when nothing was noticed.
#[must_use]
pub fn suspicion(word: &str) -> Option<Suspicion> {
    if word.is_ascii() {
        return None;
    }
    if let Some(found) = word.chars().find_map(imitation) {
        return Some(found);
    }
    let mut scripts = word.chars().filter_map(Script::of);
    let first = scripts.next()?;
    if let Some(other) = scripts.find(|script| *script != first) {
        return Some(Suspicion::MixedScripts(first, other));
    }
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    match first {
        Script::Latin => None,
        Script::Ornamental => Some(Suspicion::LooksLatin(first)),
        _ if letters.all(|c| LATIN_SHAPES.contains(c)) => Some(Suspicion::LooksLatin(first)),
        _ => None,
    }
}

fn imitation(c: char) -> Option<Suspicion> {
    if contains(RIGHT_TO_LEFT, c) {
        return Some(Suspicion::RightToLeft(c));
    }
    // Full-width forms are ASCII moved up by a constant; their letters are handled as a script.
    let full_width = matches!(c, '\u{ff01}'..='\u{ff5e}').then(|| char::from_u32(u32::from(c) - 0xfee0)).flatten();
    let table = || IMITATIONS.binary_search_by_key(&c, |(sign, _)| *sign).ok().and_then(|at| IMITATIONS.get(at));
    full_width
        .filter(|ascii| !ascii.is_ascii_alphabetic())
        .or_else(|| table().map(|(_, ascii)| *ascii))
        .map(|ascii| Suspicion::Imitates { sign: c, ascii })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn tables_are_ascending() {
        assert!(IMITATIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(RIGHT_TO_LEFT.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[rstest]
    #[case("p\u{430}yments", "mixes Latin and Cyrillic letters")]
    #[case("\u{3bf}rders-db", "mixes Greek and Latin letters")]
    #[case("\u{455}\u{441}\u{43e}\u{440}\u{435}", "Cyrillic letters that look Latin")]
    #[case("\u{2013}rf", "U+2013 looks like -")]
    #[case("\u{201c}a\u{201d}", "U+201C looks like \"")]
    #[case("rm\u{ff1b}ls", "U+FF1B looks like ;")]
    #[case("\u{1d42b}\u{1d426}", "ornamental letters that look Latin")]
    #[case("db-\u{5d0}1", "U+05D0 is written right to left")]
    fn odd_words_are_named(#[case] word: &str, #[case] why: &str) {
        assert_eq!(suspicion(word).map(|found| found.to_string()).as_deref(), Some(why));
    }

    #[rstest]
    #[case("kubectl")]
    #[case("größe=3")]
    #[case("платежи")]
    #[case("数据库-1")]
    #[case("Ελλάδα")]
    fn honest_words_pass(#[case] word: &str) {
        assert_eq!(suspicion(word), None);
    }
}
