//! A number as a metric or an output has it, and the unit that a document writes behind one.
//!
//! Owns: equality and a lossless form in JSON for numbers that may be infinite or no number at all; units of one dimension
//! brought to the same measure. Does not: compare with thresholds (see `condition`).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number, which may be infinite or NaN. Equal when all bits are, so that NaN is itself. In JSON it is a text, since JSON
/// has no infinity.
#[derive(Clone, Copy, Debug)]
pub struct Reading(pub f64);

impl Reading {
    /// Reads a number as Prometheus writes it (`1.5e3`, `+Inf`, `-Inf`, `NaN`). `None` when the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "" => None,
            "+Inf" | "Inf" => Some(Self(f64::INFINITY)),
            "-Inf" => Some(Self(f64::NEG_INFINITY)),
            text => text.parse().ok().map(Self),
        }
    }

    /// Whether it can be compared: anything but NaN.
    #[must_use]
    pub const fn is_number(self) -> bool {
        !self.0.is_nan()
    }
}

impl PartialEq for Reading {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Reading {}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => f.write_str("NaN"),
            value if value == f64::INFINITY => f.write_str("+Inf"),
            value if value == f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value}"),
        }
    }
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("not a number: {text:?}")))
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Things, or nothing that the text says.
    Plain,
    /// Parts of a hundred.
    Percent,
    /// Seconds.
    Time,
    /// Bytes.
    Size,
}

/// Units by the letters that stand behind a number, in lower case, with their dimension and how many base units one is.
///
/// Sizes with one letter are powers of 1,024, as coreutils prints them with `-h`; `kb`, `mb` and so on are powers of 1,000.
const UNITS: &[(&str, Dimension, f64)] = &[
    ("%", Dimension::Percent, 1.0),
    ("percent", Dimension::Percent, 1.0),
    ("ms", Dimension::Time, 0.001),
    ("millisecond", Dimension::Time, 0.001),
    ("milliseconds", Dimension::Time, 0.001),
    ("s", Dimension::Time, 1.0),
    ("second", Dimension::Time, 1.0),
    ("seconds", Dimension::Time, 1.0),
    ("min", Dimension::Time, 60.0),
    ("minute", Dimension::Time, 60.0),
    ("minutes", Dimension::Time, 60.0),
    ("h", Dimension::Time, 3_600.0),
    ("hour", Dimension::Time, 3_600.0),
    ("hours", Dimension::Time, 3_600.0),
    ("day", Dimension::Time, 86_400.0),
    ("days", Dimension::Time, 86_400.0),
    ("byte", Dimension::Size, 1.0),
    ("bytes", Dimension::Size, 1.0),
    ("k", Dimension::Size, 1_024.0),
    ("kib", Dimension::Size, 1_024.0),
    ("ki", Dimension::Size, 1_024.0),
    ("kb", Dimension::Size, 1_000.0),
    ("m", Dimension::Size, 1_048_576.0),
    ("mib", Dimension::Size, 1_048_576.0),
    ("mi", Dimension::Size, 1_048_576.0),
    ("mb", Dimension::Size, 1_000_000.0),
    ("g", Dimension::Size, 1_073_741_824.0),
    ("gib", Dimension::Size, 1_073_741_824.0),
    ("gi", Dimension::Size, 1_073_741_824.0),
    ("gb", Dimension::Size, 1_000_000_000.0),
    ("t", Dimension::Size, 1_099_511_627_776.0),
    ("tib", Dimension::Size, 1_099_511_627_776.0),
    ("ti", Dimension::Size, 1_099_511_627_776.0),
    ("tb", Dimension::Size, 1_000_000_000_000.0),
];

/// A number with its dimension, in base units: seconds, bytes, parts of a hundred, or just a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number, in base units.
    pub value: Reading,
    /// What it counts.
    pub dimension: Dimension,
}

impl Quantity {
    /// Reads one word: `95`, `95%`, `1.5GiB`, `250ms`, `1,000`. `None` when it is anything else.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let end = word.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b',' | b'-' | b'+'));
        let (number, unit) = word.split_at(end.unwrap_or(word.len()));
        let value = plain_number(number)?;
        if unit.is_empty() {
            return Some(Self { value: Reading(value), dimension: Dimension::Plain });
        }
        let (dimension, factor) = unit_of(unit)?;
        Some(Self { value: Reading(value * factor), dimension })
    }

    /// The same number counted in the unit that `word` names; `None` when it names none or there was one already.
    #[must_use]
    pub fn counted_in(self, word: &str) -> Option<Self> {
        let (dimension, factor) = unit_of(word).filter(|_| self.dimension == Dimension::Plain)?;
        Some(Self { value: Reading(self.value.0 * factor), dimension })
    }
}

fn unit_of(word: &str) -> Option<(Dimension, f64)> {
    let lower = word.to_ascii_lowercase();
    UNITS.iter().find(|(name, ..)| *name == lower).map(|(_, dimension, factor)| (*dimension, *factor))
}

/// A decimal number; commas only where they group thousands, since `1,5` means different things in different places.
fn plain_number(text: &str) -> Option<f64> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let Some((first, rest)) = text.split_once(',') else { return text.parse().ok() };
    let (groups, fraction) = rest.split_once('.').map_or((rest, None), |(groups, fraction)| (groups, Some(fraction)));
    let digits = |group: &str, most: usize| {
        !group.is_empty() && group.len() <= most && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    let first_digits = first.trim_start_matches(['-', '+']);
    let grouped = digits(first_digits, 3) && groups.split(',').all(|group| group.len() == 3 && digits(group, 3));
    let whole = format!("{first}{}", groups.replace(',', ""));
    match fraction {
        _ if !grouped => None,
        None => whole.parse().ok(),
        Some(fraction) => format!("{whole}.{fraction}").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("95", 95.0, Dimension::Plain)]
    #[case("95%", 95.0, Dimension::Percent)]
    #[case("-1.5", -1.5, Dimension::Plain)]
    #[case("1,000", 1_000.0, Dimension::Plain)]
    #[case("12,345,678.5", 12_345_678.5, Dimension::Plain)]
    #[case("250ms", 0.25, Dimension::Time)]
    #[case("2G", 2_147_483_648.0, Dimension::Size)]
    #[case("2gb", 2_000_000_000.0, Dimension::Size)]
    fn words_are_quantities(#[case] word: &str, #[case] value: f64, #[case] dimension: Dimension) {
        assert_eq!(Quantity::parse(word), Some(Quantity { value: Reading(value), dimension }));
    }

    #[rstest]
    #[case("1,5")]
    #[case("10.0.0.1")]
    #[case("2026-03-01")]
    #[case("v2")]
    #[case("5x")]
    #[case("-")]
    #[case("")]
    #[case("1,0000")]
    fn other_words_are_none(#[case] word: &str) {
        assert_eq!(Quantity::parse(word), None);
    }

    #[test]
    fn readings_survive_json_whatever_they_are() {
        for text in ["97.1", "NaN", "+Inf", "-Inf", "-0", "1e300"] {
            let reading = Reading::parse(text).unwrap();
            let json = serde_json::to_string(&reading).unwrap();
            assert_eq!(serde_json::from_str::<Reading>(&json).unwrap(), reading, "{json}");
        }
        assert!(Reading::parse("").is_none() && Reading::parse("many").is_none());
    }
}
