//! In which zone times are shown, and how.
//!
//! Invariant: wherever a time stands on the screen the header names the zone that it is in. Does not: ask the machine for
//! its zone; the wiring hands it in.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// The zone in which times are shown.
#[derive(Clone, Debug)]
pub struct Zone {
    local: TimeZone,
    shown: Shown,
}

/// Which of the two zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Coordinated universal time.
    Utc,
    /// The zone of this machine.
    Local,
}

impl Zone {
    /// A machine in `local`, with times in `shown`.
    #[must_use]
    pub const fn new(local: TimeZone, shown: Shown) -> Self {
        Self { local, shown }
    }

    /// Which zone is shown.
    #[must_use]
    pub const fn shown(&self) -> Shown {
        self.shown
    }

    /// Shows this one from now on.
    pub const fn show(&mut self, shown: Shown) {
        self.shown = shown;
    }

    /// From UTC to local and back.
    pub const fn switch(&mut self) {
        self.shown = match self.shown {
            Shown::Utc => Shown::Local,
            Shown::Local => Shown::Utc,
        };
    }

    /// `UTC`, `CET`, `+03`: what to write behind a time.
    #[must_use]
    pub fn name(&self, at: Timestamp) -> String {
        match self.shown {
            Shown::Utc => "UTC".to_owned(),
            Shown::Local => self.written(at, "%Z"),
        }
    }

    /// `02:14`.
    #[must_use]
    pub fn minute(&self, at: Timestamp) -> String {
        self.written(at, "%H:%M")
    }

    /// `02:14:07`.
    #[must_use]
    pub fn second(&self, at: Timestamp) -> String {
        self.written(at, "%H:%M:%S")
    }

    /// [`Self::minute`], with the day before it when that is not the day of `now`.
    #[must_use]
    pub fn minute_of(&self, at: Timestamp, now: Timestamp) -> String {
        format!("{}{}", self.other_day(at, now), self.minute(at))
    }

    /// [`Self::second`], with the day before it when that is not the day of `now`.
    #[must_use]
    pub fn second_of(&self, at: Timestamp, now: Timestamp) -> String {
        format!("{}{}", self.other_day(at, now), self.second(at))
    }

    /// `21 Nov ` or `2025-11-21 `, as far as that differs from `now`; nothing for the same day.
    fn other_day(&self, at: Timestamp, now: Timestamp) -> String {
        let same = |format| self.written(at, format) == self.written(now, format);
        if same("%Y-%m-%d") {
            String::new()
        } else if same("%Y") {
            format!("{} ", self.day(at))
        } else {
            self.written(at, "%Y-%m-%d ")
        }
    }

    /// `21 Nov`.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        self.written(at, "%d %b")
    }

    /// `2026-11-21 02:14:07 UTC`.
    #[must_use]
    pub fn full(&self, at: Timestamp) -> String {
        format!("{} {}", self.written(at, "%Y-%m-%d %H:%M:%S"), self.name(at))
    }

    fn written(&self, at: Timestamp, format: &str) -> String {
        let zone = match self.shown {
            Shown::Utc => TimeZone::UTC,
            Shown::Local => self.local.clone(),
        };
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(stamp) => stamp.to_zoned(zone).strftime(format).to_string(),
            // A time outside the years that a calendar has; its milliseconds say at least that.
            Err(_) => at.to_rfc3339(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_with_the_zone_and_the_zone_is_named() {
        let at = Timestamp::parse_rfc3339("2026-03-01T23:14:07Z").unwrap();
        let two_east = TimeZone::fixed(jiff::tz::offset(2));
        let mut zone = Zone::new(two_east, Shown::Utc);
        assert_eq!((zone.minute(at), zone.day(at), zone.name(at)), ("23:14".into(), "01 Mar".into(), "UTC".into()));
        zone.switch();
        assert_eq!((zone.second(at), zone.day(at), zone.name(at)), ("01:14:07".into(), "02 Mar".into(), "+02".into()));
        assert_eq!(zone.full(at), "2026-03-02 01:14:07 +02");
        zone.switch();
        assert_eq!(zone.full(at), "2026-03-01 23:14:07 UTC");
    }

    #[test]
    fn a_time_of_another_day_has_its_day_and_of_another_year_its_year() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        let now = at("2026-03-01T02:14:00Z");
        let mut zone = Zone::new(TimeZone::fixed(jiff::tz::offset(-3)), Shown::Utc);
        assert_eq!(zone.minute_of(at("2026-03-01T00:30:00Z"), now), "00:30");
        assert_eq!(zone.second_of(at("2026-02-28T23:30:07Z"), now), "28 Feb 23:30:07");
        assert_eq!(zone.second_of(at("2025-12-31T23:30:07Z"), now), "2025-12-31 23:30:07");
        assert_eq!(zone.minute_of(at("2026-03-02T02:14:00Z"), now), "02 Mar 02:14", "also one that is to come");
        zone.switch();
        assert_eq!(zone.minute_of(at("2026-02-28T23:30:00Z"), now), "20:30", "the same day in the zone that is shown");
    }

    #[test]
    fn a_time_outside_the_calendar_is_no_end() {
        let zone = Zone::new(TimeZone::UTC, Shown::Utc);
        assert!(zone.minute(Timestamp::from_millis(i64::MAX)).contains("ms"));
    }
}
