//! Points in time as the product stores and prints them.
//!
//! Owns: [`Timestamp`] and its RFC 3339 form. Does not: ask what time it is; `engine::ports::Clock` does that.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time in UTC, in whole milliseconds since the Unix epoch.
///
/// Milliseconds are what Alertmanager rounds to and what an `INTEGER` column holds without loss. Serialises as
/// RFC 3339 in UTC (`2026-03-01T02:14:00.000Z`), the form that every `--json` output promises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `millis` milliseconds after the Unix epoch; negative values lie before it.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 time; anything below a millisecond is cut off. `None` when the text is not one.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self(stamp.as_millisecond()))
    }

    /// The RFC 3339 form in UTC with three decimals; times outside the years -9999 to 9999 print their milliseconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => format!("{stamp:.3}"),
            Err(_) => format!("{}ms", self.0),
        }
    }

    /// Date and minute in UTC, for sentences: `2026-03-01 02:14 UTC`.
    #[must_use]
    pub fn to_minute(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => stamp.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            Err(_) => self.to_rfc3339(),
        }
    }

    /// How long after `earlier` this is; zero when it is not after it (clocks step back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_millis(millis.unsigned_abs())
    }

    /// This time plus `span`, saturating at the ends of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// This time minus `span`, saturating at the ends of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

/// Reads a span of time as people write it (`90s`, `2h 30m`, `1d`); a day has 24 hours. `None` when the text is none, is not
/// more than nothing, or has no fixed length, as a month.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips_at_millisecond_precision() {
        let t = Timestamp::from_millis(1_772_331_240_123);
        assert_eq!(t.to_rfc3339(), "2026-03-01T02:14:00.123Z");
        assert_eq!(Timestamp::parse_rfc3339(&t.to_rfc3339()), Some(t));
    }

    #[test]
    fn offsets_are_converted_and_the_zero_time_of_go_is_read() {
        let berlin = Timestamp::parse_rfc3339("2026-03-01T03:14:00+01:00");
        assert_eq!(berlin, Timestamp::parse_rfc3339("2026-03-01T02:14:00Z"));
        assert!(Timestamp::parse_rfc3339("0001-01-01T00:00:00Z").is_some());
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        let minutes = |text| parse_span(text).map(|span| span.as_secs() / 60);
        assert_eq!(minutes("2h"), Some(120));
        assert_eq!(minutes(" 2h30m "), Some(150));
        assert_eq!(minutes("1d"), Some(24 * 60));
        for wrong in ["", "2", "1mo", "-2h", "0s", "soon"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sentences_have_minutes() {
        assert_eq!(Timestamp::from_millis(1_772_331_240_123).to_minute(), "2026-03-01 02:14 UTC");
    }

    #[test]
    fn since_never_goes_below_zero() {
        let early = Timestamp::from_millis(1_000);
        let late = Timestamp::from_millis(4_000);
        assert_eq!(late.since(early), Duration::from_secs(3));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
